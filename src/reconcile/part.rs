//! The books of an owner whose rows are more than are held at once: it is closed in parts, one stretch of its moments
//! after the other.
//!
//! A part knows some rows before and behind its own. Those behind show how its last rows go on, those before what its first
//! ones stand next to: so a fault is told by the part in which its row lies, as it would be told in the whole. What needs
//! all rows (what the provider means, which ids stand twice) is found out beforehand; what the owner's rows are usually
//! like is judged by the rows of the part.

use std::collections::HashMap;
use std::ops::Range;

use super::books::{Known, Teller, apply, duplicate, in_order};
use super::chain::{Stretch, Verdict, Walked, sort_by_time, walk_stretch};
use super::meaning::{Votes, votes};
use super::{Entry, Link, Meaning, Prior, RejectedRows};
use crate::breaks::{Break, Check};
use crate::record::{BalanceRow, Money, Owner, Total, minor_digits};

/// What is known of an owner beyond the rows of a part.
#[derive(Clone, Copy)]
pub struct Beyond<'a> {
    /// Whose rows they are.
    pub owner: &'a Owner,
    /// What the provider means, learnt from all of them.
    pub meaning: Meaning,
    /// ISO 4217 code of the owner's balance.
    pub currency: Option<&'a str>,
    /// Whether an id stands twice among all rows.
    pub is_doubled: &'a dyn Fn(&str) -> bool,
    /// The closing balance before the window; known to the first part alone.
    pub prior: Option<Prior>,
    /// The balance on which the last row must end; known to the last part alone.
    pub reported: Option<Money>,
    /// What of the window could not be taken, in all parts.
    pub rejected: &'a RejectedRows,
}

/// A row whose id stands twice among the owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The id.
    pub txid: String,
    /// What the row says.
    pub entry: Entry,
    /// Its part, and its place among the rows as they were read.
    pub place: (usize, u32),
}

/// A part whose chain is walked, and not told yet.
#[derive(Debug)]
pub struct WalkedPart<R> {
    rows: Vec<R>,
    entries: Vec<Entry>,
    sorted: Vec<u32>,
    stretch: Stretch,
    walked: Walked,
}

/// The books of a part.
#[derive(Debug)]
pub struct PartBooks<R> {
    /// All rows that are there, in chain order.
    pub rows: Vec<R>,
    /// Where the part's own stand among them.
    pub own: Range<usize>,
    /// Where the chain fails.
    pub breaks: Vec<Break>,
    /// A row a day that has settled rows of the part.
    pub balances: Vec<BalanceRow>,
}

/// What the rows of a part say of what the provider means.
pub fn votes_of_part<R: Link>(rows: &[R], stretch: Stretch, currency: Option<&str>) -> Votes {
    let entries: Vec<Entry> = rows.iter().map(Link::entry).collect();
    let sorted = sort_by_time(&entries, &|row| rows[row as usize].txid());
    votes(&entries, |row| rows[row as usize].amounts(), &sorted, minor_digits(currency), stretch)
}

/// Orders the rows of a part, those around its own included. `held` is the balance before the first of them.
pub fn walk_part<R: Link>(
    mut rows: Vec<R>,
    stretch: Stretch,
    held: Option<Money>,
    beyond: &Beyond<'_>,
) -> WalkedPart<R> {
    let mut entries: Vec<Entry> = rows.iter().map(Link::entry).collect();
    let sorted = sort_by_time(&entries, &|row| rows[row as usize].txid());
    apply(beyond.meaning, &mut rows, &mut entries, minor_digits(beyond.currency));
    let walked = walk_stretch(&entries, &sorted, |row| rows[row as usize].txid(), held, stretch);
    WalkedPart { rows, entries, sorted, stretch, walked }
}

impl<R: Link> WalkedPart<R> {
    /// The balance before the first row that the next part knows.
    pub fn held_at_next(&self) -> Option<Money> {
        self.walked.held_at_next
    }

    /// The balance after the last settled row of the part: unknown where no row has stated one, `None` where there is none.
    #[allow(clippy::option_option, reason = "three outcomes: no settled row, an unknown balance, a balance")]
    pub fn closing(&self) -> Option<Option<Money>> {
        self.walked.chain.days.last().map(|day| day.closing)
    }

    /// The part's own rows, in chain order.
    pub fn own(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.walked.chain.order[self.walked.told.clone()].iter().map(|row| &self.rows[*row as usize])
    }

    /// Sums of the own rows that are announced and not booked: all, and the debits among them.
    pub fn pending(&self) -> (Total, Total) {
        let (mut all, mut debits) = (Total::default(), Total::default());
        for amount in self.own().filter(|row| row.is_pending()).map(|row| row.entry().amount) {
            all.add(amount);
            debits.add(if amount.is_negative() { amount } else { Money::ZERO });
        }
        (all, debits)
    }

    /// Own rows whose ids stand twice among the owner's, in the order of time.
    pub fn sightings(&self, part: usize, is_doubled: &dyn Fn(&str) -> bool) -> Vec<Sighting> {
        let own = self.sorted.iter().filter(|row| self.stretch.holds(&self.entries[**row as usize]));
        let doubled = own.filter(|row| is_doubled(self.rows[**row as usize].txid()));
        let sighting = |row: &u32| Sighting {
            txid: self.rows[*row as usize].txid().to_owned(),
            entry: self.entries[*row as usize],
            place: (part, *row),
        };
        doubled.map(sighting).collect()
    }

    /// Tells what was found.
    pub fn close(self, beyond: &Beyond<'_>) -> PartBooks<R> {
        let Walked { mut chain, told, .. } = self.walked;
        let currency = beyond.currency.map(str::to_owned);
        let teller = Teller { owner: beyond.owner, rows: &self.rows, entries: &self.entries, currency };
        let &Beyond { meaning, prior, reported, is_doubled, rejected, .. } = beyond;
        let part = Some((self.stretch, is_doubled));
        let breaks = teller.chain_breaks(&chain, Known { meaning, prior, reported, rejected, part });
        if let Some(first) = chain.days.first_mut().filter(|_| breaks.iter().any(|found| found.check == Check::Seam)) {
            first.verdict = Verdict::Broken;
        }
        let balances = chain.days.iter().map(|day| teller.balance(day)).collect();
        PartBooks { rows: in_order(self.rows, &chain), own: told, breaks, balances }
    }
}

/// A break for each id that stands more than once, out of the sightings of all parts in their order.
pub fn duplicates_of(owner: &Owner, currency: Option<&str>, sightings: &[Sighting]) -> Vec<Break> {
    let mut by_id: HashMap<&str, Vec<&Sighting>> = HashMap::new();
    for sighting in sightings {
        by_id.entry(&sighting.txid).or_default().push(sighting);
    }
    let mut doubled: Vec<Vec<&Sighting>> = by_id.into_values().filter(|seen| seen.len() > 1).collect();
    doubled.sort_by_key(|seen| seen[0].place);
    let tell = |seen: Vec<&Sighting>| {
        let again: Vec<Entry> = seen[1..].iter().map(|sighting| sighting.entry).collect();
        duplicate(owner, currency, &seen[0].txid, seen[0].entry, &again)
    };
    doubled.into_iter().map(tell).collect()
}

/// Adds the days of the next part behind those known: a day can lie in both.
pub fn join_balances(days: &mut Vec<BalanceRow>, next: Vec<BalanceRow>) {
    let mut next = next.into_iter();
    let is_one = |last: &BalanceRow, first: &BalanceRow| last.booking_date == first.booking_date;
    if let Some(first) = next.next() {
        match days.last_mut().filter(|last| is_one(last, &first)) {
            Some(last) => join_day(last, &first),
            None => days.push(first),
        }
    }
    days.extend(next);
}

fn join_day(day: &mut BalanceRow, rest: &BalanceRow) {
    let sum = |a: Option<Money>, b: Option<Money>| a.zip(b).and_then(|(a, b)| a.checked_add(b));
    day.credits = sum(day.credits, rest.credits);
    day.debits = sum(day.debits, rest.debits);
    day.closing = rest.closing;
    day.entries += rest.entries;
    let severity = |verdict: &str| {
        [Verdict::Tied, Verdict::Ambiguous, Verdict::Broken].map(Verdict::name).iter().position(|name| *name == verdict)
    };
    if severity(rest.verdict) > severity(day.verdict) {
        day.verdict = rest.verdict;
    }
}
