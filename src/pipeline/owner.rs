//! One owner's pages to what is written of it. Pure but for reading the pages; several owners go at once.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::around::{self, Picked, Responses, Shown, Wanted};
use super::gather::OwnerPages;
use super::rejects::{PageRejects, rejected_of};
use crate::Result;
use crate::breaks::Break;
use crate::formats::statement::{Movement, OwnerBooks};
use crate::formats::xlsx::{SheetRows, sheet_rows};
use crate::formats::{Accounting, OwnerFiles};
use crate::job::Plan;
use crate::landing::{self, Archive, ListingPage};
use crate::output::{Encoded, Encoder, reported_of};
use crate::planted::{Bug, is_planted};
use crate::provider::anytime::decode::{self, Context, CurrencyTally, Decoded};
use crate::provider::anytime::page::{Fields, Page, ROW_BYTES_ABOUT, RawRow, RowForm};
use crate::reconcile::closing::{self, Closing, Ending};
use crate::reconcile::facts::{self, Facts, Needs, Side};
use crate::reconcile::{Beside, Books, Entry, FeeRule, Link, Meaning, Prior};
use crate::reconcile::{close_chain, close_chain_beside, close_listing, reconcile};
use crate::record::feed::natural_cmp;
use crate::record::{
    BalanceRow, Changed, Clock, CreditTransfer, Day, Feed, Money, Owner, RejectRow, Reported, Row, StatementLine,
    Total, Window, Zone,
};

/// Days before and after the others around the window from which credit transfers are known; and how far from the window a
/// row that is gone from it is looked for, in what was sent.
const AROUND_DAYS: i32 = 366;

/// What is known of an owner beside its pages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knowledge<'a> {
    pub window: Window,
    pub zone: Zone,
    /// The account's currency, where its details told it.
    pub currency: Option<&'a str>,
    pub prior: Option<Prior>,
    /// The days read: the window and those around it from which counterparts and the last balance are taken.
    pub around: Window,
    /// What the provider reported of its balance.
    pub reported: Option<closing::Reported>,
    /// What the checks between feeds need.
    pub needs: Needs,
    /// The listing and why it is not proved complete, where it is not.
    pub unproved: Option<(landing::Subject, &'a str)>,
    /// What is written for accounting programs, and where large files wait meanwhile.
    pub accounting: Accounting,
    pub scratch: &'a Path,
    /// Where the job says that fees are.
    pub fx_fee: FeeRule,
}

/// What came out for an owner.
#[derive(Debug)]
pub(super) struct Outcome {
    pub feed: Feed,
    pub owner: Owner,
    /// Its rows, unless they were written before, part by part.
    pub rows: Option<Encoded>,
    pub breaks: Vec<Break>,
    pub balances: Vec<BalanceRow>,
    pub rejects: Vec<RejectRow>,
    /// The first row that moves its balance, where nothing tells what that one has to go on from.
    pub begins_at: Option<String>,
    /// What the checks between feeds need of its rows.
    pub facts: Facts,
    /// Rows on the day before the window and on the day after it.
    pub beside: [u64; 2],
    /// What else should be known.
    pub notes: Vec<String>,
    /// What the provider means, as far as this owner's rows tell.
    pub meaning: Meaning,
    /// The rows around its breaks.
    pub around: Vec<Picked>,
    /// Its files for accounting programs.
    pub files: OwnerFiles,
    /// Its rows of the workbook.
    pub sheet: Option<SheetRows>,
}

/// Reads, decodes, reconciles and encodes one owner's rows of one feed.
pub(super) fn process(
    pages: &OwnerPages,
    archive: &Archive,
    knowledge: Knowledge<'_>,
    encoder: Encoder,
) -> Result<Outcome> {
    let responses = responses(pages, archive)?;
    let reader = Reader { pages, archive, responses: &responses, knowledge };
    let (owner, window) = (&pages.owner, knowledge.window);
    Ok(match pages.feed {
        feed @ (Feed::AccountStatements | Feed::IbanStatements) => {
            let found = reader.read_around(|row, context| decode::statement_line(feed, row, context));
            let facts = |rows: &[StatementLine<'_>]| facts::of_lines(rows, window, knowledge.needs);
            if feed.is_chain() {
                return reader.chain(found, encoder, facts, Facts::Lines);
            }
            let books = close_listing(owner, found.rows);
            reader.outcome(books, &found.around, found.rejects, encoder, facts, Facts::Lines)
        }
        Feed::CardTransactions => {
            let mut found = reader.read_around(decode::card_transaction);
            decode::settle_currencies(&mut found.rows, knowledge.currency);
            return reader.chain(found, encoder, |rows| facts::of_card(rows, window), Facts::Card);
        }
        Feed::CreditTransfers => {
            let found = reader.read_around(decode::credit_transfer);
            let books = close_transfers(owner, found.rows);
            let facts = |rows: &[CreditTransfer<'_>]| facts::of_transfers(rows, window);
            reader.outcome(books, &found.around, found.rejects, encoder, facts, Facts::Transfers)
        }
    })
}

/// The bytes of each page, and the rows to skip on it.
fn responses(pages: &OwnerPages, archive: &Archive) -> Result<Vec<(Vec<u8>, usize)>> {
    let read = |page: &ListingPage| {
        let mut bytes = Vec::new();
        archive.read(page.response, &mut bytes).map(|()| (bytes, page.skip as usize))
    };
    pages.pages.iter().map(read).collect()
}

/// What an owner's rows outside the window say that must not change, of those that `changed` once were. A page at a time is
/// held.
pub(super) fn rows_outside(
    pages: &OwnerPages,
    archive: &Archive,
    plan: &Plan,
    currency: Option<&str>,
    changed: &[Changed],
) -> Result<Vec<Reported>> {
    let window = plan.window;
    let wide = Window { from: window.from.plus(-AROUND_DAYS), to: window.to.plus(AROUND_DAYS) };
    let mut sought: HashMap<&str, &Reported> = HashMap::new();
    for before in changed.iter().filter_map(|changed| changed.before.as_ref()) {
        sought.entry(&before.key).or_insert(before);
    }
    let mut rejects = Vec::new();
    let currency = match currency {
        None if pages.feed == Feed::CardTransactions => {
            let mut tally = CurrencyTally::default();
            for_each_page(pages, archive, |page| {
                let rows = read(pages, page, wide, plan.zone, &mut rejects, decode::card_transaction);
                for row in &rows {
                    tally.add(row);
                }
            })?;
            tally.own()
        }
        told => told.map(str::to_owned),
    };
    let mut outside = Vec::new();
    for_each_page(pages, archive, |page| {
        let rows: Vec<Reported> = match pages.feed {
            feed @ (Feed::AccountStatements | Feed::IbanStatements) => {
                let rows = read(pages, page, wide, plan.zone, &mut rejects, |row, context| {
                    decode::statement_line(feed, row, context)
                });
                rows.iter().filter(|row| sought.contains_key(&*row.txid)).map(reported_of).collect()
            }
            Feed::CardTransactions => {
                let mut rows = read(pages, page, wide, plan.zone, &mut rejects, decode::card_transaction);
                rows.retain(|row| sought.contains_key(&*row.txid));
                decode::settle_currencies(&mut rows, currency.as_deref());
                for row in &mut rows {
                    // The amounts of a card may have been learnt to change places.
                    let before = sought[&*row.txid].amount;
                    if row.amount != before && row.amount_fx == Some(before) {
                        row.exchange_amounts();
                    }
                }
                rows.iter().map(reported_of).collect()
            }
            Feed::CreditTransfers => {
                let rows = read(pages, page, wide, plan.zone, &mut rejects, decode::credit_transfer);
                rows.iter().filter(|row| sought.contains_key(&*row.internal_id)).map(reported_of).collect()
            }
        };
        outside.extend(rows.into_iter().filter(|row| !window.contains(row.day)));
    })?;
    Ok(outside)
}

/// Reads an owner's pages one after the other.
fn for_each_page(pages: &OwnerPages, archive: &Archive, mut look: impl FnMut(&[(Vec<u8>, usize)])) -> Result<()> {
    for page in &pages.pages {
        let mut bytes = Vec::new();
        archive.read(page.response, &mut bytes)?;
        look(&[(bytes, page.skip as usize)]);
    }
    Ok(())
}

/// Reads an owner's pages once more, for the rows around breaks that were found after its books were closed.
pub(super) fn look_again(
    pages: &OwnerPages,
    archive: &Archive,
    knowledge: Knowledge<'_>,
    wanted: &[Wanted],
) -> Result<Vec<Picked>> {
    let responses = responses(pages, archive)?;
    let knowledge = Knowledge { around: knowledge.window, ..knowledge };
    let reader = Reader { pages, archive, responses: &responses, knowledge };
    let (owner, prior, rule) = (&pages.owner, knowledge.prior, knowledge.fx_fee);
    Ok(match pages.feed {
        feed @ (Feed::AccountStatements | Feed::IbanStatements) => {
            let rows = reader.read_around(|row, context| decode::statement_line(feed, row, context)).rows;
            let books =
                if feed.is_chain() { close_chain(owner, rows, prior, rule) } else { close_listing(owner, rows) };
            around::pick(wanted, &books.rows, reader.responses())
        }
        Feed::CardTransactions => {
            let mut rows = reader.read_around(decode::card_transaction).rows;
            decode::settle_currencies(&mut rows, knowledge.currency);
            around::pick(wanted, &close_chain(owner, rows, prior, rule).rows, reader.responses())
        }
        Feed::CreditTransfers => {
            let rows = reader.read_around(decode::credit_transfer).rows;
            around::pick(wanted, &close_transfers(owner, rows).rows, reader.responses())
        }
    })
}

/// One owner's pages in one feed, and what is known of the owner.
#[derive(Clone, Copy)]
struct Reader<'p> {
    pages: &'p OwnerPages,
    archive: &'p Archive,
    responses: &'p [(Vec<u8>, usize)],
    knowledge: Knowledge<'p>,
}

/// Rows of the window, and of the days around it.
struct Found<R> {
    rows: Vec<R>,
    /// Rows around the window.
    around: Vec<R>,
    /// Whether all of those could be taken.
    around_is_whole: bool,
    rejects: Vec<RejectRow>,
}

impl<'p> Reader<'p> {
    fn responses(self) -> Responses<'p> {
        Responses { pages: self.pages, archive: self.archive, bytes: self.responses }
    }

    /// The rows of the window and those around it, decoded. A row that is rejected may be one around the window, which is
    /// nobody's concern: then the window alone is read once more, for its own rejects.
    fn read_around<R: Row, F: Fields<'p>>(
        self,
        mut decode: impl FnMut(&RawRow<'p, F>, &mut Context<'p>) -> Decoded<R>,
    ) -> Found<R> {
        let Knowledge { window, around, .. } = self.knowledge;
        // The whole list is sent in any case, and a debit may name a transfer of long ago.
        let around = match self.pages.feed {
            Feed::CreditTransfers if window != around => {
                Window { from: around.from.plus(-AROUND_DAYS), to: around.to.plus(AROUND_DAYS) }
            }
            _ => around,
        };
        let mut rejects = Vec::new();
        let mut rows = read(self.pages, self.responses, around, self.knowledge.zone, &mut rejects, &mut decode);
        if window == around {
            return Found { rows, around: Vec::new(), around_is_whole: true, rejects };
        }
        let mut around_is_whole = true;
        if !rejects.is_empty() {
            let all = std::mem::take(&mut rejects);
            read(self.pages, self.responses, window, self.knowledge.zone, &mut rejects, &mut decode);
            around_is_whole = rejects.len() == all.len();
        }
        let is_inside = |row: &R| row.day().is_some_and(|day| window.contains(day));
        let outside = rows.extract_if(.., |row| !is_inside(row)).collect();
        Found { rows, around: outside, around_is_whole, rejects }
    }

    /// An owner whose balances form a chain: its end is compared with what the provider reports.
    fn chain<R: Shown + Movement, F>(
        self,
        found: Found<R>,
        encoder: Encoder,
        facts: impl Fn(&[R]) -> Vec<F>,
        side: impl Fn(Side<F>) -> Facts,
    ) -> Result<Outcome> {
        let Knowledge { window, prior, fx_fee, .. } = self.knowledge;
        let goes_on = found.around.iter().any(|row| row.day().is_some_and(|day| day > window.to) && row.entry().moves);
        let reported = self.knowledge.reported.filter(|reported| reported.before == reported.after);
        let last = reported.filter(|_| found.around_is_whole && !goes_on).map(|reported| reported.after);
        let rejected = rejected_of(&found.rejects);
        let beside = Beside { prior, rule: fx_fee, reported: last, rejected: &rejected };
        let books = close_chain_beside(&self.pages.owner, found.rows, beside);
        let closing = self.closing(&books, &found.around).filter(|_| found.around_is_whole);
        let told = match &closing {
            Some(Closing::Fails(found)) => std::slice::from_ref(&**found),
            _ => &[],
        };
        let at_the_end = around::pick(&Wanted::of_all(told), &books.rows, self.responses());
        let files = self.files(&books, closing.as_ref(), found.rejects.len())?;
        let first = books.rows.iter().find(|row| prior.is_none() && row.entry().moves);
        let begins_at = first.map(|row| row.txid().to_owned());
        let mut outcome = self.outcome(books, &found.around, found.rejects, encoder, facts, side);
        outcome.around.extend(at_the_end);
        match closing {
            Some(Closing::Fails(found)) => outcome.breaks.push(*found),
            Some(Closing::Open(note)) => outcome.notes.push(note),
            Some(Closing::Ties) | None => {}
        }
        (outcome.files, outcome.begins_at) = (files, begins_at);
        Ok(outcome)
    }

    /// Statements for accounting programs, written and read back.
    fn files<R: Movement>(self, books: &Books<R>, closing: Option<&Closing>, rejected: usize) -> Result<OwnerFiles> {
        let mut breaks = books.breaks.clone();
        if let Some(Closing::Fails(found)) = closing {
            breaks.push((**found).clone());
        }
        if let Some((listing, reason)) = self.knowledge.unproved {
            breaks.push(super::incomplete(listing, &self.pages.owner, reason));
        }
        let Books { rows, balances, meaning, .. } = books;
        let Knowledge { window, prior, accounting, .. } = self.knowledge;
        let owner = &self.pages.owner;
        let books = OwnerBooks { owner, window, rows, balances, breaks: &breaks, rejected, meaning: *meaning, prior };
        accounting.write_owner(&books, self.knowledge.scratch)
    }

    fn closing<R: Row + Link>(self, books: &Books<R>, around: &[R]) -> Option<Closing> {
        let Knowledge { window, prior, reported, .. } = self.knowledge;
        let (reported, owner) = (reported?, &self.pages.owner);
        let later: Vec<&R> = around.iter().filter(|row| row.day().is_some_and(|day| day > window.to)).collect();
        let in_window = match books.balances.last() {
            Some(day) => day.closing,
            None => prior.map(|prior| prior.closing),
        };
        let entries: Vec<Entry> = later.iter().map(|row| row.entry()).collect();
        let after = reconcile(&entries, |row| later[row as usize].txid(), in_window);
        let last = books.rows.iter().rev().find(|row| row.entry().moves);
        let pending = |row: &&R| row.is_pending();
        let (mut all, mut debits) = (Total::default(), Total::default());
        for row in books.rows.iter().chain(later.iter().copied()).filter(pending) {
            let amount = row.entry().amount;
            all.add(amount);
            debits.add(if amount.is_negative() { amount } else { Money::ZERO });
        }
        let ending = Ending {
            balance: after.days.last().map_or(in_window, |day| day.closing)?,
            txid: last.map(|row| row.txid().to_owned()),
            day: last.and_then(Row::day).unwrap_or(window.to),
            currency: books.rows.iter().find_map(|row| row.currency().map(str::to_owned)),
            pending: all,
            pending_debits: debits,
        };
        Some(closing::check_closing(owner, &ending, reported, &books.breaks))
    }

    fn outcome<R: Shown, F>(
        self,
        books: Books<R>,
        around: &[R],
        rejects: Vec<RejectRow>,
        encoder: Encoder,
        facts: impl Fn(&[R]) -> Vec<F>,
        side: impl Fn(Side<F>) -> Facts,
    ) -> Outcome {
        let facts = if self.knowledge.needs.any_of(self.pages.feed) {
            let mut rows = facts(&books.rows);
            rows.extend(facts(around));
            side(Side { rows, rejected: rejects.iter().map(|reject| reject.raw.as_str()).collect() })
        } else {
            Facts::None
        };
        let Window { from, to } = self.knowledge.window;
        let rows_on = |day: Day| around.iter().filter(|row| row.day() == Some(day)).count() as u64;
        Outcome {
            beside: [rows_on(from.previous()), rows_on(to.next())],
            feed: self.pages.feed,
            owner: self.pages.owner.clone(),
            rows: Some(encoder.encode(&books.rows)),
            around: around::pick(&Wanted::of_all(&books.breaks), &books.rows, self.responses()),
            sheet: self.knowledge.accounting.xlsx.then(|| sheet_rows(super::dataset_of(self.pages.feed), &books.rows)),
            files: OwnerFiles::default(),
            breaks: books.breaks,
            balances: books.balances,
            rejects,
            meaning: books.meaning,
            begins_at: None,
            facts,
            notes: Vec::new(),
        }
    }
}

/// Transfers carry no balance: they are ordered by day, time and id, and their ids must be unique.
fn close_transfers<'a>(owner: &Owner, mut rows: Vec<CreditTransfer<'a>>) -> Books<CreditTransfer<'a>> {
    rows.sort_by(|a, b| {
        let at = |row: &CreditTransfer<'_>| (row.booking_date, row.created_at.map(crate::record::Stamp::utc_micros));
        at(a)
            .cmp(&at(b))
            .then_with(|| natural_cmp(&a.internal_id, &b.internal_id))
            .then_with(|| a.amount.cmp(&b.amount))
    });
    let breaks = crate::reconcile::duplicate_transfers(owner, &rows);
    Books { rows, breaks, balances: Vec::new(), meaning: Meaning::default() }
}

thread_local! {
    /// The days that the thread's last owner made known: the next one's are the same days.
    static CLOCK: Cell<Option<Clock>> = const { Cell::new(None) };
}

/// The rows of `window`, decoded; what cannot be taken goes to `rejects`.
pub(super) fn read<'p, R, F: Fields<'p>>(
    pages: &'p OwnerPages,
    responses: &'p [(Vec<u8>, usize)],
    window: Window,
    zone: Zone,
    rejects: &mut Vec<RejectRow>,
    mut decode: impl FnMut(&RawRow<'p, F>, &mut Context<'p>) -> Decoded<R>,
) -> Vec<R> {
    let clock = CLOCK.take().filter(|clock| clock.zone() == zone).unwrap_or_else(|| Clock::new(zone));
    let mut context = Context { acc_id: &pages.owner.acc_id, card_ref: &pages.owner.card_ref, window, clock };
    // What is not filled is not touched either.
    let bytes: usize = responses.iter().map(|(response, _)| response.len()).sum();
    let mut rows = Vec::with_capacity(bytes / ROW_BYTES_ABOUT);
    let mut seen = pages.repeats_are_one.then(Seen::default);
    let responses = match responses {
        [first @ .., _] if !first.is_empty() && is_planted(Bug::LastPageLost) => first,
        all => all,
    };
    for (number, (response, skip)) in responses.iter().enumerate() {
        let skip = if is_planted(Bug::OverlapDoubled) { &0 } else { skip };
        let rejected = PageRejects::of(pages, response);
        let page = match Page::<RawRow<'p, F>>::parse(pages.feed, response) {
            Ok(page) => page,
            Err(reason) => {
                rejects.push(rejected.page(reason));
                continue;
            }
        };
        for (index, row) in page.rows.iter().enumerate().skip(*skip) {
            let raw = row.text();
            if seen.as_mut().is_some_and(|seen| !seen.is_new(number, raw)) {
                continue;
            }
            match decode(row, &mut context) {
                Decoded::Row(row) => rows.push(row),
                Decoded::Outside => {}
                Decoded::Rejected(_) if is_planted(Bug::RejectDropped) => {}
                Decoded::Rejected(rejection) => {
                    rejects.push(rejected.row(index, &rejection, raw));
                }
            }
        }
    }
    CLOCK.set(Some(context.clock));
    rows
}

/// Rows seen on pages of unknown position: one that is the same to the letter on another page was read twice, one that
/// is the same on its own page is listed twice.
#[derive(Default)]
struct Seen<'p> {
    on_earlier_pages: HashSet<&'p str>,
    on_this_page: Vec<&'p str>,
    page: usize,
}

impl<'p> Seen<'p> {
    fn is_new(&mut self, page: usize, row: &'p str) -> bool {
        if page != self.page {
            self.on_earlier_pages.extend(self.on_this_page.drain(..));
            self.page = page;
        }
        let is_new = !self.on_earlier_pages.contains(row);
        if is_new {
            self.on_this_page.push(row);
        }
        is_new
    }
}
