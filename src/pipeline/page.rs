//! From what a run found to what its page tells. See [`crate::report`].

use std::collections::HashMap;

use super::around::{self, Picked, Wanted};
use super::gather::Gathered;
use super::report::{MeaningLine, Report};
use super::{dataset_of, key_of};
use crate::Result;
use crate::job::Plan;
use crate::landing::Listing;
use crate::output::Publication;
use crate::record::{BalanceRow, BreakRow, Dataset, Owner, RejectRow, dataset};
use crate::report::{
    Around, Difference, ListingFacts, OwnerBooks, Source, Story, Totals, Trend, listings_told, render, shown_in_full,
};
use crate::state::{OwnerKey, SeenBreak};

/// Owners whose balances are kept for the page, whatever becomes of them.
const TRENDS_MAX: usize = 2_000;
/// Owners with breaks whose balances are kept beyond that.
const TRENDS_OF_BREAKS_MAX: usize = 500;
/// Breaks whose rows are kept from while the books were at hand.
const PICKED_MAX: usize = 400;
/// Pages that are read again for breaks found later; beyond it they are told without the rows around them.
const PAGES_AGAIN_MAX: usize = 20_000;

/// What is kept for the page while owners go by. Bounded, however many there are.
#[derive(Debug, Default)]
pub(super) struct Kept {
    trends: HashMap<OwnerKey, Trend>,
    around: HashMap<String, Vec<Around>>,
}

impl Kept {
    pub(super) fn keep_trend(&mut self, owner: &Owner, days: &[BalanceRow], has_breaks: bool) {
        let limit = TRENDS_MAX + if has_breaks { TRENDS_OF_BREAKS_MAX } else { 0 };
        if !days.is_empty() && self.trends.len() < limit {
            self.trends.insert(key_of(owner), Trend::of(days));
        }
    }

    pub(super) fn keep_rows(&mut self, picked: Vec<Picked>) {
        for (break_id, around) in picked {
            if self.around.len() < PICKED_MAX || self.around.contains_key(&break_id) {
                self.around.entry(break_id).or_default().push(around);
            }
        }
    }

    /// Reads the owners again that have breaks to be told in full, of which no rows were kept.
    pub(super) fn look_again(
        &mut self,
        gathered: &Gathered,
        breaks: &[BreakRow],
        seen: &[SeenBreak],
        look_again: impl Fn(usize, &[Wanted]) -> Result<Vec<Picked>>,
    ) -> Result<()> {
        let shown = shown_in_full(breaks);
        for place in &shown {
            self.take_name(&breaks[*place].break_id);
        }
        let mut wanted: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for place in shown {
            let found = &breaks[place];
            if !self.around.contains_key(&found.break_id) {
                wanted.entry((found.owner_kind, &found.owner_id)).or_default().push(place);
            }
        }
        let mut pages_left = PAGES_AGAIN_MAX;
        for (owner, pages) in gathered.owners.iter().enumerate() {
            let Some(places) = wanted.get(&(pages.owner.kind.name(), pages.owner.id())) else {
                continue;
            };
            let needs_feed = |place: &&usize| seen[**place].listings.iter().any(|name| name == pages.feed.name());
            let wanted: Vec<Wanted> = places.iter().filter(needs_feed).map(|place| of_row(&breaks[*place])).collect();
            if !wanted.is_empty() && pages.pages.len() <= pages_left {
                pages_left -= pages.pages.len();
                for (break_id, around) in look_again(owner, &wanted)? {
                    self.around.entry(break_id).or_default().push(around);
                }
            }
        }
        Ok(())
    }

    /// A second break of the same check and row has a name of its own in the register, but the same rows around it.
    fn take_name(&mut self, break_id: &str) {
        let Some((base, _)) = break_id.rsplit_once('-').filter(|(base, _)| base.contains('-')) else {
            return;
        };
        if let Some(rows) = self.around.get(base).cloned() {
            self.around.entry(break_id.to_owned()).or_insert(rows);
        }
    }
}

fn of_row(row: &BreakRow) -> Wanted {
    Wanted { break_id: row.break_id.clone(), txid: row.txid.clone(), day: row.booking_date }
}

/// The page of a run.
pub(super) fn page(
    plan: &Plan,
    publication: &Publication,
    gathered: &Gathered,
    report: &Report,
    rejects: &[RejectRow],
    kept: &Kept,
) -> String {
    let feeds = plan.feeds.iter().map(|feed| dataset_of(*feed));
    render(&Story {
        job: &report.job,
        window: plan.window,
        timezone: &report.timezone,
        run_id: &report.run_id,
        as_of: gathered.seen_on,
        out: out_option(plan),
        locale: plan.locale,
        owners: owners(report, kept),
        breaks: &report.breaks,
        around: &kept.around,
        rejects,
        listings: listings(gathered),
        totals: feeds.chain([&dataset::BALANCES]).map(|dataset| totals(publication, dataset)).collect(),
        difference: Difference {
            late_rows: report.since.late_rows,
            amended_rows: report.since.amended_rows,
            expired_rows: report.since.expired_rows,
            restated_rows: report.since.restated_rows,
        },
        meaning: report.meaning.iter().map(meaning).collect(),
        date_filter: &report.date_filter,
        notes: &report.notes,
        requests: report.requests,
        retries: report.retries,
    })
}

/// What `tieout breaks` needs to find the register, as a shell reads it.
fn out_option(plan: &Plan) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    match plan.output.shown_as.as_str() {
        "out" => String::new(),
        plain if !plain.is_empty() && plain.chars().all(is_plain) => format!(" --out {plain}"),
        other => format!(" --out '{}'", other.replace('\'', "'\\''")),
    }
}

fn owners<'a>(report: &'a Report, kept: &'a Kept) -> Vec<OwnerBooks<'a>> {
    let trends: HashMap<(&str, &str), &Trend> =
        kept.trends.iter().map(|((kind, id), trend)| ((kind.name(), id.as_str()), trend)).collect();
    let books = |line: &'a super::report::OwnerLine| OwnerBooks {
        kind: line.owner_kind,
        id: line.owner_id(),
        currency: line.currency(),
        opening: line.opening(),
        credits: line.credits(),
        debits: line.debits(),
        closing: line.closing(),
        entries: line.entries.unsigned_abs(),
        verdict: line.verdict,
        trend: trends.get(&(line.owner_kind, line.owner_id())).copied(),
    };
    report.owners.iter().map(books).collect()
}

fn listings(gathered: &Gathered) -> Vec<ListingFacts<'_>> {
    let facts = |listing: &'_ Listing| -> Vec<u32> { listing.pages.iter().map(|page| page.response.0).collect() };
    let mut told: Vec<ListingFacts<'_>> = gathered
        .listings
        .iter()
        .map(|listing| ListingFacts {
            listing: listing.subject.name(),
            owner_kind: listing.owner.kind.name(),
            owner_id: listing.owner.id(),
            proof: &listing.proof,
            responses: facts(listing),
            first: None,
        })
        .collect();
    for place in listings_told(gathered.listings.iter().map(|listing| &listing.proof)) {
        told[place].first = first_response(gathered, &gathered.listings[place]).map(Box::new);
    }
    told
}

fn first_response(gathered: &Gathered, listing: &Listing) -> Option<Source> {
    let response = listing.pages.first()?.response;
    let mut bytes = Vec::new();
    gathered.archive.read(response, &mut bytes).ok()?;
    Some(around::source(&gathered.archive, response, &bytes))
}

fn totals(publication: &Publication, dataset: &'static Dataset) -> Totals {
    let totals = publication.totals(dataset);
    Totals { dataset: dataset.name, rows: totals.rows, sums: totals.by_currency() }
}

fn meaning(line: &MeaningLine) -> String {
    let whose = match &line.owner_id {
        Some(id) => id.clone(),
        None => format!("{} owners", line.owners),
    };
    format!(
        "Learned from the balances of {whose}: fx_fee is {}, the balance moves by {} ({} rows tie by this alone, {} by another \
         meaning alone)",
        line.fx_fee, line.balance_moves_by, line.rows_for, line.rows_against
    )
}
