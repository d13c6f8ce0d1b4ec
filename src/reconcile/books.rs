//! From an owner's rows to its ordered books: chain order, breaks, and a balance a day.

use super::chain::{Chain, DayBalance, Fault, Verdict};
use super::{Entry, reconcile};
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::{
    BalanceRow, CardTransaction, CreditTransfer, Day, Money, Owner, StatementLine, Status, minor_digits,
};

/// A row that is a link of a balance chain.
pub trait Link {
    /// What the chain needs of it.
    fn entry(&self) -> Entry;
    /// Its id.
    fn txid(&self) -> &str;
    /// ISO 4217 code of its amount and balance.
    fn currency(&self) -> Option<&str>;
    /// Whether it is announced and not booked.
    fn is_pending(&self) -> bool;
    /// Its local time was shown twice, and its balance tells that it was the second time.
    fn take_second_showing(&mut self);
}

impl Link for StatementLine<'_> {
    fn entry(&self) -> Entry {
        let moves = matches!(self.status, None | Some(Status::Settled));
        Entry { at: self.booked_at, amount: self.amount, balance: self.balance_after, moves }
    }

    fn txid(&self) -> &str {
        &self.txid
    }

    fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }

    fn is_pending(&self) -> bool {
        self.status == Some(Status::Pending)
    }

    fn take_second_showing(&mut self) {
        self.booked_at = self.booked_at.later();
    }
}

impl Link for CardTransaction<'_> {
    fn entry(&self) -> Entry {
        let moves = self.status == Status::Settled;
        Entry { at: self.booked_at, amount: self.amount, balance: self.balance_after, moves }
    }

    fn txid(&self) -> &str {
        &self.txid
    }

    fn currency(&self) -> Option<&str> {
        self.currency.as_deref()
    }

    fn is_pending(&self) -> bool {
        self.status == Status::Pending
    }

    fn take_second_showing(&mut self) {
        self.booked_at = self.booked_at.later();
    }
}

/// An owner's last closing balance before the window, where no day between it and the window is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prior {
    /// The day it closed.
    pub day: Day,
    /// The balance.
    pub closing: Money,
}

/// An owner's books for a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Books<R> {
    /// All rows, in chain order.
    pub rows: Vec<R>,
    /// Checks that do not hold.
    pub breaks: Vec<Break>,
    /// A row a day that has settled rows.
    pub balances: Vec<BalanceRow>,
}

/// Orders and checks the rows of an owner whose balances form a chain.
pub fn close_chain<R: Link>(owner: &Owner, rows: Vec<R>, prior: Option<Prior>) -> Books<R> {
    let entries: Vec<Entry> = rows.iter().map(Link::entry).collect();
    let mut chain = reconcile(&entries, |row| rows[row as usize].txid(), prior.map(|prior| prior.closing));
    let currency = rows.iter().find_map(|row| row.currency().map(str::to_owned));
    let teller = Teller { owner, rows: &rows, entries: &entries, currency };
    let mut breaks: Vec<Break> = chain.faults.iter().map(|fault| teller.fault(fault)).collect();
    breaks.extend(teller.duplicates(&chain));
    if let Some(seam) = teller.seam(&chain, prior) {
        chain.days[0].verdict = Verdict::Broken;
        breaks.push(seam);
    }
    let balances = chain.days.iter().map(|day| teller.balance(day)).collect();
    Books { rows: in_order(rows, &chain), breaks, balances }
}

/// Orders rows that form no chain, and checks their ids.
pub fn close_listing<R: Link>(owner: &Owner, rows: Vec<R>) -> Books<R> {
    // Rows that move nothing are ordered by time and id alone.
    let entries: Vec<Entry> = rows.iter().map(|row| Entry { moves: false, ..row.entry() }).collect();
    let chain = reconcile(&entries, |row| rows[row as usize].txid(), None);
    let currency = rows.iter().find_map(|row| row.currency().map(str::to_owned));
    let breaks = Teller { owner, rows: &rows, entries: &entries, currency }.duplicates(&chain);
    Books { rows: in_order(rows, &chain), breaks, balances: Vec::new() }
}

fn in_order<R: Link>(mut rows: Vec<R>, chain: &Chain) -> Vec<R> {
    for row in &chain.second_showing {
        rows[*row as usize].take_second_showing();
    }
    let mut slots: Vec<Option<R>> = rows.into_iter().map(Some).collect();
    chain.order.iter().map(|row| slots[*row as usize].take().expect("each row stands once in the order")).collect()
}

/// The check `duplicate` for credit transfers, whose id is `internal_id`.
pub fn duplicate_transfers(owner: &Owner, rows: &[CreditTransfer<'_>]) -> Vec<Break> {
    let count = u32::try_from(rows.len()).expect("an owner has fewer than 2^32 transfers");
    let mut firsts: Vec<u32> = super::find_duplicates(count, |row| &rows[row as usize].internal_id)
        .into_iter()
        .map(|duplicate| duplicate.first)
        .collect();
    firsts.dedup();
    firsts.into_iter().map(|first| duplicate_transfer(owner, &rows[first as usize])).collect()
}

fn duplicate_transfer(owner: &Owner, row: &CreditTransfer<'_>) -> Break {
    let amount = row.amount.text(minor_digits(row.currency.as_deref()));
    Break {
        check: Check::Duplicate,
        cause: Cause::DuplicateEntry,
        owner: owner.clone(),
        subject: Subject::Row(row.internal_id.clone().into_owned()),
        booking_date: Some(row.booking_date),
        currency: row.currency.as_deref().map(str::to_owned),
        amounts: None,
        explanation: format!("credit transfer {} of {amount} is listed more than once", row.internal_id),
    }
}

/// Tells what the chain found in the words of reports.
struct Teller<'a, R> {
    owner: &'a Owner,
    rows: &'a [R],
    entries: &'a [Entry],
    currency: Option<String>,
}

impl<R: Link> Teller<'_, R> {
    fn money(&self, amount: Money) -> String {
        amount.text(minor_digits(self.currency.as_deref()))
    }

    fn fault(&self, fault: &Fault) -> Break {
        let row = &self.rows[fault.row as usize];
        let entry = self.entries[fault.row as usize];
        let before = fault.expected.checked_sub(entry.amount).unwrap_or_default();
        let off = fault.actual.checked_sub(fault.expected).unwrap_or_default();
        let after_what = match fault.previous {
            Some(previous) => format!(" after txid {}", self.rows[previous as usize].txid()),
            None => String::new(),
        };
        let explanation = format!(
            "balance {}{after_what} and amount {} give {}, but txid {} states {}: off by {}",
            self.money(before),
            self.money(entry.amount),
            self.money(fault.expected),
            row.txid(),
            self.money(fault.actual),
            self.money(off),
        );
        Break {
            check: Check::Chain,
            cause: Cause::Unexplained,
            owner: self.owner.clone(),
            subject: Subject::Row(row.txid().to_owned()),
            booking_date: Some(entry.at.day()),
            currency: self.currency.clone(),
            amounts: Some((fault.expected, fault.actual)),
            explanation,
        }
    }

    /// A break for each txid that stands more than once.
    fn duplicates(&self, chain: &Chain) -> Vec<Break> {
        let mut firsts: Vec<u32> = chain.duplicates.iter().map(|duplicate| duplicate.first).collect();
        firsts.sort_unstable();
        firsts.dedup();
        firsts.into_iter().map(|first| self.duplicate(first, chain)).collect()
    }

    fn duplicate(&self, first: u32, chain: &Chain) -> Break {
        let (row, entry) = (&self.rows[first as usize], self.entries[first as usize]);
        let again: Vec<u32> =
            chain.duplicates.iter().filter(|duplicate| duplicate.first == first).map(|found| found.again).collect();
        let same = again.iter().all(|again| self.entries[*again as usize] == entry);
        let times = match again.len() {
            1 => "twice".to_owned(),
            more => format!("{} times", more + 1),
        };
        let difference = if same { "" } else { ", with different contents" };
        Break {
            check: Check::Duplicate,
            cause: Cause::DuplicateEntry,
            owner: self.owner.clone(),
            subject: Subject::Row(row.txid().to_owned()),
            booking_date: Some(entry.at.day()),
            currency: self.currency.clone(),
            amounts: None,
            explanation: format!("txid {} of {} is listed {times}{difference}", row.txid(), self.money(entry.amount)),
        }
    }

    /// The first day's opening against the closing of an earlier run.
    fn seam(&self, chain: &Chain, prior: Option<Prior>) -> Option<Break> {
        let (prior, first) = (prior?, chain.days.first()?);
        let opening = first.opening.filter(|opening| *opening != prior.closing)?;
        let off = opening.checked_sub(prior.closing).unwrap_or_default();
        let explanation = format!(
            "{} closed at {}, but {} opens at {}: off by {}",
            prior.day,
            self.money(prior.closing),
            first.day,
            self.money(opening),
            self.money(off),
        );
        Some(Break {
            check: Check::Seam,
            cause: Cause::Unexplained,
            owner: self.owner.clone(),
            subject: Subject::Row(self.rows[first.first_row as usize].txid().to_owned()),
            booking_date: Some(first.day),
            currency: self.currency.clone(),
            amounts: Some((prior.closing, opening)),
            explanation,
        })
    }

    fn balance(&self, day: &DayBalance) -> BalanceRow {
        BalanceRow {
            owner_kind: self.owner.kind.name(),
            owner_id: self.owner.id().to_owned(),
            currency: self.currency.clone(),
            booking_date: day.day,
            opening: day.opening,
            credits: day.credits.to_money(),
            debits: day.debits.to_money(),
            closing: day.closing,
            entries: i64::from(day.entries),
            verdict: day.verdict.name(),
        }
    }
}
