//! Owners with more rows in a listing than are held at once. A first pass over the pages (`survey`) learns when the rows lie
//! and what takes all of them; then consecutive stretches of time (`timeline`) are processed like owners of their own, each
//! from where the one before ended (`relay`), and what comes out is joined to what one owner gives.
//!
//! Rows and files come out as they would in one go. A fault's check, row and amounts are the same too, as long as rows tie
//! within the rows that a part knows around its own; its cause, where nothing but habit tells a missing row from a wrong
//! amount, is judged by the habits of the part.

mod chained;
mod doubles;
mod part;
mod relay;
mod survey;
mod timeline;

use std::collections::HashMap;

use chained::{Cards, IbanStatements, Statements};
use doubles::hash_of;
use relay::Relay;
use survey::{PartSize, Survey, survey};

use super::around::{PICKED_PER_OWNER_MAX, Picked, Wanted};
use super::dataset_of;
use super::gather::OwnerPages;
use super::owner::{Knowledge, Outcome};
use crate::Result;
use crate::breaks::{Break, Subject};
use crate::formats::{Accounting, OwnerFiles};
use crate::landing::Archive;
use crate::output::{Encoded, Encoder};
use crate::provider::anytime::page::ROW_BYTES_ABOUT;
use crate::reconcile::closing::{self, Closing, Ending};
use crate::reconcile::facts::{Facts, Side};
use crate::reconcile::part::{Sighting, duplicates_of, join_balances};
use crate::record::{BalanceRow, Day, Feed, RejectRow};
use crate::report::Around;

/// Of the rows up to which an owner is held as a whole, the share that a part has: several are there at once.
const PARTS_OF_MAX: usize = 4;
/// Of the rows of a part, the share that it has to know of those before and behind it.
const AROUND_SHARE: usize = 16;
/// Rows that it has to know in any case.
const AROUND_MIN: usize = 32;
/// Ids that stand twice of which the rows around them are kept.
const AROUND_DOUBLED_MAX: usize = 256;

/// An owner that is processed in parts.
#[derive(Debug)]
pub(super) struct Parted {
    survey: Survey,
    relay: Relay,
}

/// What came out for a part.
#[derive(Debug)]
pub(super) struct Piece {
    rows: Option<Encoded>,
    facts: Facts,
    around: Vec<Picked>,
    /// The rows around those whose ids stand twice, and around the last one that moves the balance, by these ids.
    around_doubled: Vec<Picked>,
    around_end: Option<Picked>,
    breaks: Vec<Break>,
    /// Its first row that moves the balance, where nothing is known of a balance before the owner's first.
    begins_at: Option<String>,
    balances: Vec<BalanceRow>,
    sightings: Vec<Sighting>,
    /// What the last piece tells beside.
    last: Option<Last>,
}

impl Piece {
    /// Its rows, which are written at once.
    pub fn take_rows(&mut self) -> Encoded {
        self.rows.take().expect("taken once")
    }
}

/// What is known at the end.
#[derive(Debug)]
struct Last {
    beside: [u64; 2],
    ending: Option<Ending>,
    rejects: Vec<RejectRow>,
}

/// About how many rows an owner's pages have.
pub(super) fn rows_about(pages: &OwnerPages, archive: &Archive) -> u64 {
    pages.pages.iter().map(|page| archive.bytes_of(page.response)).sum::<u64>() / ROW_BYTES_ABOUT as u64
}

/// Whether an owner is to be processed in parts. Formats for accounting programs need an owner's books as a whole.
pub(super) fn needs_parts(pages: &OwnerPages, archive: &Archive, accounting: Accounting, rows_max: usize) -> bool {
    let Accounting { camt053, ofx, mt940, hledger, xlsx, .. } = accounting;
    let has_statement = camt053.is_some() || ofx || mt940 || hledger;
    let has_parts = match pages.feed {
        Feed::CreditTransfers => false,
        feed => !(xlsx || feed.is_chain() && has_statement),
    };
    has_parts && rows_about(pages, archive) > rows_max as u64
}

impl Parted {
    /// Reads the owner's pages for the first time.
    pub fn of(
        pages: &OwnerPages,
        archive: &Archive,
        knowledge: Knowledge<'_>,
        rows_max: usize,
        threads: usize,
    ) -> Result<Parted> {
        let rows = rows_max / PARTS_OF_MAX;
        let size = PartSize { rows, around: (rows / AROUND_SHARE).max(AROUND_MIN), threads };
        let survey = match pages.feed {
            Feed::CardTransactions => survey::<Cards>(pages, archive, knowledge, size),
            Feed::IbanStatements => survey::<IbanStatements>(pages, archive, knowledge, size),
            _ => survey::<Statements>(pages, archive, knowledge, size),
        }?;
        Ok(Parted { relay: Relay::new(survey.spans.len(), knowledge.prior), survey })
    }

    /// How many pieces it gives, the last one of what lies around the window.
    pub fn pieces(&self) -> usize {
        self.survey.spans.len() + 1
    }

    /// Processes one of them. Those before it are done or under way.
    pub fn process(
        &self,
        number: usize,
        pages: &OwnerPages,
        archive: &Archive,
        knowledge: Knowledge<'_>,
        encoder: Encoder,
    ) -> Result<Piece> {
        let process = match pages.feed {
            Feed::CardTransactions => part::process::<Cards>,
            Feed::IbanStatements => part::process::<IbanStatements>,
            _ => part::process::<Statements>,
        };
        process(self, number, pages, archive, knowledge, encoder)
    }

    /// The rows around breaks that were found after the books were closed. All pieces are done.
    pub fn look_again(
        &self,
        pages: &OwnerPages,
        archive: &Archive,
        knowledge: Knowledge<'_>,
        wanted: &[Wanted],
    ) -> Result<Vec<Picked>> {
        let mut all = self.look_for(wanted, pages, archive, knowledge)?;
        // A row that is none of this feed's is shown by its day.
        let is_left = |wanted: &&Wanted| all.iter().all(|(break_id, _)| *break_id != wanted.break_id);
        let by_day = |wanted: &Wanted| Wanted { txid: None, ..wanted.clone() };
        let left: Vec<Wanted> = wanted.iter().filter(is_left).map(by_day).collect();
        all.extend(self.look_for(&left, pages, archive, knowledge)?);
        Ok(all)
    }

    fn look_for(
        &self,
        wanted: &[Wanted],
        pages: &OwnerPages,
        archive: &Archive,
        knowledge: Knowledge<'_>,
    ) -> Result<Vec<Picked>> {
        let look_again = match pages.feed {
            Feed::CardTransactions => part::look_again::<Cards>,
            Feed::IbanStatements => part::look_again::<IbanStatements>,
            _ => part::look_again::<Statements>,
        };
        let mut left = wanted.to_vec();
        let mut all: Vec<Picked> = Vec::new();
        // Of an id that stands twice the second place is the one in question, of a day its end.
        for number in (0..self.survey.spans.len()).rev() {
            left.retain(|wanted| all.iter().all(|(break_id, _)| *break_id != wanted.break_id));
            let may_be_here = |wanted: &&Wanted| self.survey.may_have(number, wanted);
            let here: Vec<Wanted> = left.iter().filter(may_be_here).cloned().collect();
            if !here.is_empty() {
                all.extend(look_again(self, number, pages, archive, knowledge, &here)?);
            }
        }
        Ok(all)
    }
}

/// What the pieces of an owner come to.
#[derive(Debug, Default)]
pub(super) struct Joined {
    facts: Option<Facts>,
    around: Vec<Picked>,
    around_doubled: HashMap<String, Around>,
    around_end: Option<Around>,
    breaks: Vec<Break>,
    begins_at: Option<String>,
    balances: Vec<BalanceRow>,
    sightings: Vec<Sighting>,
}

impl Joined {
    /// Adds a piece, whose rows were taken out; the last one completes the owner.
    pub fn add(
        &mut self,
        piece: Piece,
        parted: &Parted,
        pages: &OwnerPages,
        knowledge: Knowledge<'_>,
    ) -> Option<Outcome> {
        self.around.extend(piece.around);
        self.around.truncate(PICKED_PER_OWNER_MAX);
        // The second place of an id is the one in question.
        for (txid, around) in piece.around_doubled {
            if self.around_doubled.len() < AROUND_DOUBLED_MAX || self.around_doubled.contains_key(&txid) {
                self.around_doubled.insert(txid, around);
            }
        }
        self.around_end = piece.around_end.map(|(_, around)| around).or(self.around_end.take());
        self.breaks.extend(piece.breaks);
        self.begins_at = self.begins_at.take().or(piece.begins_at);
        self.sightings.extend(piece.sightings);
        join_balances(&mut self.balances, piece.balances);
        match &mut self.facts {
            Some(facts) => join_facts(facts, piece.facts),
            none => *none = Some(piece.facts),
        }
        let last = piece.last?;
        Some(std::mem::take(self).finish(last, &parted.survey, pages, knowledge))
    }

    fn finish(mut self, last: Last, survey: &Survey, pages: &OwnerPages, knowledge: Knowledge<'_>) -> Outcome {
        let owner = &pages.owner;
        for mut found in duplicates_of(owner, survey.currency.as_deref(), &self.sightings) {
            let around = match &found.subject {
                Subject::Row(txid) => self.around_doubled.remove(txid),
                _ => None,
            };
            if !pages.feed.is_chain() {
                found.subject = found.subject.within(dataset_of(pages.feed).name);
            }
            self.around.extend(around.map(|around| (found.id(), around)));
            self.breaks.push(found);
        }
        self.around.truncate(PICKED_PER_OWNER_MAX);
        let ending = last.ending.zip(knowledge.reported).filter(|_| survey.around_is_whole);
        let mut notes = Vec::new();
        match ending.map(|(ending, reported)| closing::check_closing(owner, &ending, reported, &self.breaks)) {
            Some(Closing::Fails(found)) => {
                self.around.extend(self.around_end.map(|around| (found.id(), around)));
                self.breaks.push(*found);
            }
            Some(Closing::Open(note)) => notes.push(note),
            Some(Closing::Ties) | None => {}
        }
        Outcome {
            feed: pages.feed,
            owner: owner.clone(),
            rows: None,
            breaks: self.breaks,
            balances: self.balances,
            rejects: last.rejects,
            begins_at: self.begins_at,
            facts: self.facts.unwrap_or(Facts::None),
            beside: last.beside,
            notes,
            meaning: survey.meaning,
            around: self.around,
            files: OwnerFiles::default(),
            sheet: None,
        }
    }
}

fn join_facts(facts: &mut Facts, more: Facts) {
    fn join<T>(side: &mut Side<T>, more: Side<T>) {
        side.rows.extend(more.rows);
        side.rejected.extend(more.rejected);
    }
    match (facts, more) {
        (Facts::Lines(side), Facts::Lines(more)) => join(side, more),
        (Facts::Card(side), Facts::Card(more)) => join(side, more),
        (Facts::Transfers(side), Facts::Transfers(more)) => join(side, more),
        _ => {}
    }
}

impl Survey {
    /// Whether a row may stand in a part.
    fn may_have(&self, part: usize, wanted: &Wanted) -> bool {
        /// No local day begins or ends further from that of UTC.
        const MARGIN_DAYS: i32 = 2;
        let span = self.spans[part];
        let start = |day: Day| i64::from(day.epoch_days()) * 86_400_000_000;
        let is_doubled = wanted.txid.as_deref().is_some_and(|txid| self.is_doubled(txid));
        match wanted.day {
            None => true,
            Some(_) if is_doubled => true,
            Some(day) => {
                let begins_before = span.from < start(day.plus(MARGIN_DAYS + 1));
                begins_before && (wanted.txid.is_none() || span.to > start(day.plus(-MARGIN_DAYS)))
            }
        }
    }

    fn is_doubled(&self, txid: &str) -> bool {
        !self.doubled.is_empty() && self.doubled.contains(&hash_of(txid))
    }
}
