//! The first pass over an owner with more rows than are held: each page is decoded and dropped. What is learnt is when its
//! rows lie, and all that takes the whole of them: rows that are rejected, ids that stand twice, the currency, the meaning
//! of fees.

use std::collections::HashSet;

use super::chained::Chained;
use super::doubles::{Doubles, Mark, hash_of};
use super::part;
use super::timeline::{Span, Timeline};
use crate::Result;
use crate::landing::Archive;
use crate::pipeline::gather::OwnerPages;
use crate::pipeline::ordered::{Loads, for_each_in_order};
use crate::pipeline::owner::Knowledge;
use crate::pipeline::rejects::PageRejects;
use crate::provider::anytime::decode::{Context, CurrencyTally, Decoded};
use crate::provider::anytime::page::{Page, RawRow, RowForm};
use crate::reconcile::part::votes_of_part;
use crate::reconcile::{Link, Meaning, Votes};
use crate::record::{Clock, RejectRow, Window};

/// Bytes of pages that are read ahead.
const BYTES_AHEAD_MAX: u64 = 8 << 20;

/// What is known of an owner before its rows are processed.
#[derive(Debug)]
pub(super) struct Survey {
    pub pages: Vec<PageTimes>,
    pub spans: Vec<Span>,
    /// Hashes of ids that stand twice in the window.
    pub doubled: HashSet<u64>,
    pub meaning: Meaning,
    /// The currency of the balance.
    pub currency: Option<String>,
    /// The window's rejects.
    pub rejects: Vec<RejectRow>,
    /// Whether all rows around the window could be taken.
    pub around_is_whole: bool,
    /// Whether rows after the window move the balance.
    pub goes_on: bool,
}

/// When the rows of a page lie.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PageTimes {
    /// The first and the last moment of its rows in the window.
    pub inside: Option<(i64, i64)>,
    /// Whether it has rows around the window.
    pub has_outside: bool,
}

/// How many rows an owner's parts have.
#[derive(Debug, Clone, Copy)]
pub(super) struct PartSize {
    pub rows: usize,
    /// Rows around them that they have to know.
    pub around: usize,
    pub threads: usize,
}

/// What a page says.
#[derive(Default)]
struct Seen {
    times: PageTimes,
    /// Each row's moment, and whether it moves the balance.
    moments: Vec<(i64, bool)>,
    /// Each row's id and text, as hashes.
    ids: Vec<(u64, u64)>,
    /// What could not be taken: the hash of its text, and whether it is the window's.
    rejects: Vec<(u64, bool, RejectRow)>,
    currency: Option<String>,
    tally: CurrencyTally,
    can_vote: bool,
    goes_on: bool,
}

/// Reads an owner's pages for the first time.
pub(super) fn survey<C: Chained>(
    pages: &OwnerPages,
    archive: &Archive,
    knowledge: Knowledge<'_>,
    size: PartSize,
) -> Result<Survey> {
    let look = |number: usize| {
        let page = pages.pages[number];
        let mut bytes = Vec::new();
        archive.read(page.response, &mut bytes).map(|()| look_at::<C>(pages, &bytes, page.skip as usize, knowledge))
    };
    let mut gathering = Gathering::of(pages, knowledge);
    let loads = Loads::of(pages.pages.iter().map(|page| archive.bytes_of(page.response)), BYTES_AHEAD_MAX);
    for_each_in_order(size.threads, &loads, look, |seen| gathering.take(std::mem::take(seen)))?;
    let (mut survey, can_vote) = gathering.finish(size)?;
    let mut votes = Votes::default();
    if can_vote {
        let loads = Loads::of(survey.spans.iter().map(|_| 1), 1);
        let vote = |number: usize| -> Result<Votes> {
            let span = survey.spans[number];
            let (pages, responses) = part::responses::<C>(pages, &survey.pages, span, archive, knowledge)?;
            let rows = part::rows::<C>(&pages, &responses, knowledge);
            Ok(votes_of_part(&rows, span.stretch(), survey.currency.as_deref()))
        };
        for_each_in_order(size.threads, &loads, vote, |of_part| {
            votes.add(of_part);
            Ok(())
        })?;
    }
    survey.meaning = votes.decide(knowledge.fx_fee);
    Ok(survey)
}

fn look_at<C: Chained>(pages: &OwnerPages, bytes: &[u8], skip: usize, knowledge: Knowledge<'_>) -> Seen {
    let Knowledge { window, around, zone, .. } = knowledge;
    let mut seen = Seen::default();
    let rejected = PageRejects::of(pages, bytes);
    let page = match Page::<RawRow<'_, C::Wire<'_>>>::parse(pages.feed, bytes) {
        Ok(page) => page,
        Err(reason) => {
            seen.rejects.push((0, true, rejected.page(reason)));
            return seen;
        }
    };
    let of = |window: Window| Context {
        acc_id: &pages.owner.acc_id,
        card_ref: &pages.owner.card_ref,
        window,
        clock: Clock::new(zone),
    };
    let (mut of_all, mut of_window) = (of(around), of(window));
    for (index, row) in page.rows.iter().enumerate().skip(skip) {
        match C::decode(row, &mut of_all) {
            Decoded::Row(decoded) => seen.take::<C>(&decoded, row.text(), window),
            Decoded::Outside => {}
            Decoded::Rejected(rejection) => {
                let is_inside = matches!(C::decode(row, &mut of_window), Decoded::Rejected(_));
                let reject = rejected.row(index, &rejection, row.text());
                seen.rejects.push((hash_of(row.text()), is_inside, reject));
            }
        }
    }
    seen
}

impl Seen {
    fn take<C: Chained>(&mut self, row: &C::Row<'_>, text: &str, window: Window) {
        let entry = row.entry();
        let day = entry.at.day();
        if !window.contains(day) {
            self.times.has_outside = true;
            self.goes_on |= day > window.to && entry.moves;
            return;
        }
        let moment = entry.moment_micros();
        let (first, last) = self.times.inside.unwrap_or((moment, moment));
        self.times.inside = Some((first.min(moment), last.max(moment)));
        self.moments.push((moment, entry.moves));
        self.ids.push((hash_of(row.txid()), hash_of(text)));
        if self.currency.is_none() {
            self.currency = row.currency().map(str::to_owned);
        }
        C::count_currency(row, &mut self.tally);
        self.can_vote |= entry.moves && row.amounts().can_vote();
    }
}

/// What the pages say, one after the other.
struct Gathering<'p> {
    pages: &'p OwnerPages,
    knowledge: Knowledge<'p>,
    timeline: Timeline,
    doubles: Doubles<'p>,
    /// Rejected rows, by the page on which each stood first.
    rejected: std::collections::HashMap<u64, u64>,
    page: u64,
    rows: u64,
    first_currency: Option<String>,
    tally: CurrencyTally,
    can_vote: bool,
    survey: Survey,
}

impl<'p> Gathering<'p> {
    fn of(pages: &'p OwnerPages, knowledge: Knowledge<'p>) -> Gathering<'p> {
        let survey = Survey {
            pages: Vec::with_capacity(pages.pages.len()),
            spans: Vec::new(),
            doubled: HashSet::new(),
            meaning: Meaning::default(),
            currency: None,
            rejects: Vec::new(),
            around_is_whole: true,
            goes_on: false,
        };
        Gathering {
            pages,
            knowledge,
            timeline: Timeline::of(knowledge.window),
            doubles: Doubles::new(knowledge.scratch),
            rejected: std::collections::HashMap::new(),
            page: 0,
            rows: 0,
            first_currency: None,
            tally: CurrencyTally::default(),
            can_vote: false,
            survey,
        }
    }

    fn take(&mut self, seen: Seen) -> Result<()> {
        self.survey.pages.push(seen.times);
        for (moment, moves) in seen.moments {
            self.timeline.add(moment, moves);
        }
        for (id, text) in seen.ids {
            self.rows += 1;
            let text = if self.pages.repeats_are_one { text } else { self.rows };
            self.doubles.add(Mark { id, page: self.page, text })?;
        }
        for (text, is_inside, reject) in seen.rejects {
            // A row that was read on an earlier page, to the letter, is the same one.
            let is_row = !reject.pointer.is_empty();
            let first = *self.rejected.entry(text).or_insert(self.page);
            if self.pages.repeats_are_one && is_row && first != self.page {
                continue;
            }
            if is_inside {
                self.survey.rejects.push(reject);
            } else {
                self.survey.around_is_whole = false;
            }
        }
        self.first_currency = self.first_currency.take().or(seen.currency);
        self.tally.join(seen.tally);
        self.can_vote |= seen.can_vote;
        self.survey.goes_on |= seen.goes_on;
        self.page += 1;
        Ok(())
    }

    /// The survey but for the meaning; whether rows can tell of it.
    fn finish(self, size: PartSize) -> Result<(Survey, bool)> {
        let mut survey = self.survey;
        survey.spans = self.timeline.spans(size.rows, size.around);
        survey.doubled = self.doubles.finish()?;
        // A card's balance is in its own currency, whichever its first row names.
        let own = self.knowledge.currency.map(str::to_owned).or_else(|| self.tally.own());
        let is_card = self.pages.feed == crate::record::Feed::CardTransactions;
        survey.currency = if is_card { own.filter(|_| self.rows > 0) } else { self.first_currency };
        Ok((survey, self.can_vote))
    }
}
