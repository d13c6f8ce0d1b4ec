//! The first sentence of the page.

use std::collections::BTreeMap;

use super::story::Story;
use crate::landing::Proof;
use crate::record::{BreakRow, Total, minor_digits};

/// `14 of 15 owners tie out; 1 break of 12.50 EUR`.
pub(super) fn sentence(story: &Story<'_>) -> String {
    let tied = story.owners.iter().filter(|owner| owner.verdict == "tied").count();
    let mut parts = vec![match (tied, story.owners.len()) {
        (_, 0) => "No owner has settled rows".to_owned(),
        (tied, all) if tied == all && all > 1 => format!("All {} owners tie out", count(story, all)),
        (tied, all) => format!("{} of {} {} out", count(story, tied), owners(story, all), ties(tied, all)),
    }];
    let (open, accepted): (Vec<&BreakRow>, Vec<&BreakRow>) =
        story.breaks.iter().partition(|found| found.status == "open");
    parts.push(breaks(story, &open));
    if !accepted.is_empty() {
        parts.push(format!("{} accepted", plural(story, accepted.len(), "break", "breaks")));
    }
    let is_unproved = |proof: &Proof| matches!(proof, Proof::Unproved { .. } | Proof::Failed { .. });
    match story.listings.iter().filter(|listing| is_unproved(listing.proof)).count() {
        0 => {}
        unproved => parts.push(format!("{} not proved complete", plural(story, unproved, "listing", "listings"))),
    }
    match story.rejects.len() {
        0 => {}
        rejects => parts.push(format!("{} rejected", plural(story, rejects, "row", "rows"))),
    }
    parts.join("; ")
}

/// The open breaks, with the sum of their differences, each without its sign: breaks do not make up for each other.
fn breaks(story: &Story<'_>, open: &[&BreakRow]) -> String {
    let mut sums: BTreeMap<Option<&str>, Total> = BTreeMap::new();
    for found in open {
        if let Some(difference) = found.difference {
            sums.entry(found.currency.as_deref()).or_default().add(difference.abs());
        }
    }
    let sums: Vec<String> = sums
        .into_iter()
        .map(|(currency, sum)| {
            let amount = story.locale.amount(&sum.text(minor_digits(currency)));
            format!("{amount} {}", currency.unwrap_or_default()).trim_end().to_owned()
        })
        .collect();
    match (open.len(), sums.as_slice()) {
        (0, _) => "no open breaks".to_owned(),
        (1, [sum]) => format!("1 break of {sum}"),
        (number, []) => plural(story, number, "break", "breaks"),
        (number, sums) => format!("{} of {} in all", plural(story, number, "break", "breaks"), sums.join(" and ")),
    }
}

fn ties(tied: usize, all: usize) -> &'static str {
    if tied == 1 || all == 1 { "ties" } else { "tie" }
}

fn owners(story: &Story<'_>, number: usize) -> String {
    plural(story, number, "owner", "owners")
}

fn count(story: &Story<'_>, number: usize) -> String {
    story.locale.count(number as u64)
}

/// A number and its noun.
pub(super) fn plural(story: &Story<'_>, number: usize, one: &str, several: &str) -> String {
    format!("{} {}", count(story, number), if number == 1 { one } else { several })
}
