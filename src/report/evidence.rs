//! What a reader can check the page by: proofs of completeness, the responses behind them, control totals.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::Locale;
use super::limits::{Limits, listings_told};
use super::story::{ListingFacts, Source, Story};
use crate::landing::{Certificate, Proof};

/// Runs of response numbers told for a listing.
const RANGES_MAX: usize = 8;

/// The evidence, in texts.
#[derive(Debug, Serialize)]
pub(super) struct Evidence {
    kinds: Vec<Kind>,
    listings: Vec<Listing>,
    listings_left_out: Option<String>,
    totals: Vec<TotalLine>,
    requests: String,
    retries: String,
    date_filter: String,
}

/// All listings of a kind.
#[derive(Debug, Default, Serialize)]
struct Kind {
    listing: &'static str,
    listings: String,
    proved: String,
    open: String,
    pages: String,
    rows: String,
    seams: String,
}

#[derive(Debug, Serialize)]
struct Listing {
    name: &'static str,
    owner: String,
    verdict: &'static str,
    told: String,
    responses: String,
    first: Option<SourceView>,
}

/// A response.
#[derive(Debug, Serialize)]
pub(super) struct SourceView {
    request_id: String,
    file: String,
    number: u32,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct TotalLine {
    dataset: &'static str,
    rows: String,
    currency: String,
    credits: String,
    debits: String,
    net: String,
}

impl Evidence {
    pub(super) fn of(story: &Story<'_>, limits: Limits) -> Evidence {
        let mut shown = listings_told(story.listings.iter().map(|listing| listing.proof));
        shown.truncate(limits.listings);
        let left_out = story.listings.len() - shown.len();
        let locale = story.locale;
        Evidence {
            kinds: kinds(story),
            listings: shown.into_iter().map(|place| told(&story.listings[place], locale, limits)).collect(),
            listings_left_out: (left_out > 0).then(|| {
                let left_out = locale.count(left_out as u64);
                format!("{left_out} more listings are summed up above; summary.json tells each of them.")
            }),
            totals: totals(story),
            requests: locale.count(story.requests),
            retries: locale.count(story.retries),
            date_filter: limits.cut(story.date_filter),
        }
    }
}

fn is_open(proof: &Proof) -> bool {
    matches!(proof, Proof::Unproved { .. } | Proof::Failed { .. })
}

fn kinds(story: &Story<'_>) -> Vec<Kind> {
    let mut kinds: Vec<&'static str> = Vec::new();
    let mut counts: BTreeMap<&'static str, [u64; 6]> = BTreeMap::new();
    for listing in &story.listings {
        let count = counts.entry(listing.listing).or_insert_with(|| {
            kinds.push(listing.listing);
            [0; 6]
        });
        count[0] += 1;
        if let Proof::Proved(certificate) = listing.proof {
            count[1] += 1;
            count[3] += u64::from(certificate.pages);
            count[4] += certificate.rows;
            count[5] += u64::from(certificate.seams);
        }
        count[2] += u64::from(is_open(listing.proof));
    }
    let kind = |listing: &'static str| {
        let [listings, proved, open, pages, rows, seams] = counts[listing].map(|number| story.locale.count(number));
        Kind { listing, listings, proved, open, pages, rows, seams }
    };
    kinds.into_iter().map(kind).collect()
}

fn told(listing: &ListingFacts<'_>, locale: Locale, limits: Limits) -> Listing {
    let (verdict, told) = proof(listing.proof, locale);
    Listing {
        name: listing.listing,
        owner: limits.cut(&format!("{} {}", listing.owner_kind, listing.owner_id)),
        verdict,
        told: limits.cut(&told),
        responses: ranges(&listing.responses),
        first: listing.first.as_ref().map(|first| source(first, limits)),
    }
}

pub(super) fn source(source: &Source, limits: Limits) -> SourceView {
    SourceView {
        request_id: limits.cut(source.request_id.as_deref().unwrap_or("none")),
        file: limits.cut(&source.file),
        number: source.number,
        sha256: source.sha256.clone(),
    }
}

/// A proof in a word, and what it rests on.
fn proof(proof: &Proof, locale: Locale) -> (&'static str, String) {
    match proof {
        Proof::Proved(certificate) => {
            let Certificate { passes, pages, rows, seams, evidence } = certificate;
            let count = |number: u64, one: &str, several: &str| {
                format!("{} {}", locale.count(number), if number == 1 { one } else { several })
            };
            let counts = [
                count(*rows, "row", "rows"),
                count((*pages).into(), "page", "pages"),
                count((*seams).into(), "seam", "seams"),
                count((*passes).into(), "pass", "passes"),
            ];
            ("proved", format!("{}; {evidence}", counts.join(", ")))
        }
        Proof::Unproved { reason } => ("not proved", reason.clone()),
        Proof::Failed { error } => ("failed", error.clone()),
        Proof::NotAsked => ("not asked", "pages fetched elsewhere".to_owned()),
    }
}

/// `3–7, 9`: numbers that follow each other are told by their ends.
fn ranges(numbers: &[u32]) -> String {
    let runs: Vec<&[u32]> = numbers.chunk_by(|a, b| a.checked_add(1) == Some(*b)).collect();
    let run = |run: &&[u32]| match run {
        [one] => one.to_string(),
        [first, .., last] => format!("{first}–{last}"),
        [] => String::new(),
    };
    let mut told: Vec<String> = runs.iter().take(RANGES_MAX).map(run).collect();
    if runs.len() > RANGES_MAX {
        told.push("…".to_owned());
    }
    told.join(", ")
}

fn totals(story: &Story<'_>) -> Vec<TotalLine> {
    let mut lines = Vec::new();
    for totals in &story.totals {
        let rows = story.locale.count(totals.rows);
        let blank = || TotalLine {
            dataset: totals.dataset,
            rows: rows.clone(),
            currency: String::new(),
            credits: String::new(),
            debits: String::new(),
            net: String::new(),
        };
        if totals.sums.is_empty() {
            lines.push(blank());
        }
        for (index, sums) in totals.sums.iter().enumerate() {
            lines.push(TotalLine {
                rows: if index == 0 { rows.clone() } else { String::new() },
                currency: sums.currency.clone().unwrap_or_default(),
                credits: story.locale.amount(&sums.credits),
                debits: story.locale.amount(&sums.debits),
                net: story.locale.amount(&sums.net),
                ..blank()
            });
        }
    }
    lines
}

/// The listings of each owner, to be told beside its breaks.
pub(super) struct Certificates<'a> {
    by_owner: HashMap<(&'a str, &'a str), Vec<&'a ListingFacts<'a>>>,
}

impl<'a> Certificates<'a> {
    pub(super) fn of(story: &'a Story<'a>) -> Self {
        let told = story.breaks.iter().map(|found| ((found.owner_kind, found.owner_id.as_str()), Vec::new()));
        let mut by_owner: HashMap<(&str, &str), Vec<&ListingFacts<'_>>> = told.collect();
        for listing in &story.listings {
            if let Some(listings) = by_owner.get_mut(&(listing.owner_kind, listing.owner_id)) {
                listings.push(listing);
            }
        }
        Certificates { by_owner }
    }

    /// A line for each listing of the owner.
    pub(super) fn told(&self, owner: (&str, &str), locale: Locale) -> Vec<String> {
        let line = |listing: &&ListingFacts<'_>| {
            let (verdict, told) = proof(listing.proof, locale);
            let responses = match ranges(&listing.responses) {
                ranges if ranges.is_empty() => ranges,
                ranges => format!(" (responses {ranges})"),
            };
            format!("{}: {verdict}, {told}{responses}", listing.listing)
        };
        self.by_owner.get(&owner).map(|listings| listings.iter().map(line).collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_told_by_their_ends() {
        assert_eq!(ranges(&[3, 4, 5, 9, 11, 12]), "3–5, 9, 11–12");
        assert_eq!(ranges(&[]), "");
    }
}
