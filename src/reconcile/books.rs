//! From an owner's rows to its ordered books: chain order, breaks, and a balance a day.

use super::chain::{Chain, DayBalance, Fault, Stretch, Verdict, sort_by_time, walk};
use super::diagnose::{Case, Finding, RejectedRows};
use super::meaning::{Amounts, Fee, FeeRule, Meaning, MovesBy, learn};
use super::{Entry, reconcile};
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::{BalanceRow, CardTransaction, Day, Money, Owner, Row, StatementLine, Status, minor_digits};

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
    /// The provider's text.
    fn description(&self) -> Option<&str>;
    /// All that it says of its amounts.
    fn amounts(&self) -> Amounts;
    /// VAT as compact JSON.
    fn vat_details(&self) -> Option<&str> {
        None
    }
    /// `amount_fx` turned out to be in the owner's own currency: the amounts change places.
    fn exchange_amounts(&mut self) {}
}

impl Link for StatementLine<'_> {
    fn entry(&self) -> Entry {
        // An IBAN's lines form no chain: they tell once more of what moves the account's balance.
        let moves = self.feed.is_chain() && matches!(self.status, None | Some(Status::Settled));
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

    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn amounts(&self) -> Amounts {
        Amounts { amount: self.amount, ..Amounts::default() }
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

    fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    fn amounts(&self) -> Amounts {
        Amounts { amount: self.amount, amount_fx: self.amount_fx, rate: self.fx_rate, fee: self.fx_fee }
    }

    fn vat_details(&self) -> Option<&str> {
        self.vat_details.as_deref()
    }

    fn exchange_amounts(&mut self) {
        if let Some(own) = self.amount_fx.filter(|fx| *fx != Money::ZERO) {
            self.amount_fx = Some(std::mem::replace(&mut self.amount, own));
        }
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
    /// What was learnt of the provider's meaning.
    pub meaning: Meaning,
}

/// Orders and checks the rows of an owner whose balances form a chain.
pub fn close_chain<R: Link>(owner: &Owner, rows: Vec<R>, prior: Option<Prior>, rule: FeeRule) -> Books<R> {
    close_chain_beside(owner, rows, Beside { prior, rule, reported: None, rejected: &RejectedRows::default() })
}

/// What is known of an owner beside the rows of its window.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// The closing balance before the window.
    pub prior: Option<Prior>,
    /// Where the job says that fees are.
    pub rule: FeeRule,
    /// The balance on which the last row must end, where the provider reports one.
    pub reported: Option<Money>,
    /// What of the window could not be taken.
    pub rejected: &'a RejectedRows,
}

/// The same with all that is known beside the rows.
pub fn close_chain_beside<R: Link>(owner: &Owner, mut rows: Vec<R>, beside: Beside<'_>) -> Books<R> {
    let Beside { prior, rule, reported, rejected } = beside;
    let mut entries: Vec<Entry> = rows.iter().map(Link::entry).collect();
    let currency = rows.iter().find_map(|row| row.currency().map(str::to_owned));
    let digits = minor_digits(currency.as_deref());
    let sorted = sort_by_time(&entries, &|row| rows[row as usize].txid());
    let meaning = learn(&entries, |row| rows[row as usize].amounts(), &sorted, rule, digits);
    apply(meaning, &mut rows, &mut entries, digits);
    let mut chain = walk(&entries, &sorted, |row| rows[row as usize].txid(), prior.map(|prior| prior.closing));
    let teller = Teller { owner, rows: &rows, entries: &entries, currency };
    let mut breaks = teller.chain_breaks(&chain, Known { meaning, prior, reported, rejected, part: None });
    breaks.extend(teller.duplicates(&chain));
    if let Some(first) = chain.days.first_mut().filter(|_| breaks.iter().any(|found| found.check == Check::Seam)) {
        first.verdict = Verdict::Broken;
    }
    let balances = chain.days.iter().map(|day| teller.balance(day)).collect();
    Books { rows: in_order(rows, &chain), breaks, balances, meaning }
}

/// Puts the amount in the owner's currency first, and makes every entry what the balance moves by.
pub(super) fn apply<R: Link>(meaning: Meaning, rows: &mut [R], entries: &mut [Entry], digits: u8) {
    let exchanged = meaning.moves_by == Some(MovesBy::AmountFx);
    let fee = meaning.fee();
    if !exchanged && fee == Fee::Included {
        return;
    }
    for (row, entry) in rows.iter_mut().zip(entries) {
        if exchanged {
            row.exchange_amounts();
        }
        let amounts = row.amounts();
        entry.amount = amounts.effect(fee, digits).unwrap_or(amounts.amount);
    }
}

/// Orders rows that form no chain, by time and id alone as none of them moves a balance, and checks their ids.
pub fn close_listing<R: Link + Row>(owner: &Owner, rows: Vec<R>) -> Books<R> {
    let entries: Vec<Entry> = rows.iter().map(Link::entry).collect();
    let chain = reconcile(&entries, |row| rows[row as usize].txid(), None);
    let currency = rows.iter().find_map(|row| row.currency().map(str::to_owned));
    let mut breaks = Teller { owner, rows: &rows, entries: &entries, currency }.duplicates(&chain);
    // The same id may stand twice in the account's own statement: that is another break.
    if let Some(listing) = rows.first().map(|row| row.dataset().name) {
        for found in &mut breaks {
            found.subject = found.subject.clone().within(listing);
        }
    }
    Books { rows: in_order(rows, &chain), breaks, balances: Vec::new(), meaning: Meaning::default() }
}

pub(super) fn in_order<R: Link>(mut rows: Vec<R>, chain: &Chain) -> Vec<R> {
    for row in &chain.second_showing {
        rows[*row as usize].take_second_showing();
    }
    // Each row stands once in the order: where it only grows, nothing has to move.
    if chain.order.is_sorted() {
        return rows;
    }
    put_in(&chain.order, &mut rows);
    rows
}

/// Brings rows into an order that names each once. Those that have their place already are not moved: rows are large, and
/// mostly few of them change places.
fn put_in<R>(order: &[u32], rows: &mut [R]) {
    // Where each row stands now, and which stands at each place.
    let mut place_of: Vec<u32> = (0..).take(rows.len()).collect();
    let mut row_at = place_of.clone();
    for (to, row) in order.iter().enumerate() {
        let from = place_of[*row as usize] as usize;
        if from != to {
            rows.swap(from, to);
            let moved = row_at[to];
            (row_at[from], place_of[moved as usize]) = (moved, place_of[*row as usize]);
        }
    }
}

/// A txid that is listed more than once: its first row, and what the others say.
pub(super) fn duplicate(owner: &Owner, currency: Option<&str>, txid: &str, entry: Entry, again: &[Entry]) -> Break {
    let same = again.iter().all(|again| *again == entry);
    let times = match again.len() {
        1 => "twice".to_owned(),
        more => format!("{} times", more + 1),
    };
    let difference = if same { "" } else { ", with different contents" };
    // What the chain would need the second one to state, and what it does state.
    let moved = entry.balance.filter(|_| same && entry.moves && again.len() == 1);
    let amounts = moved.and_then(|actual| Some((actual.checked_add(entry.amount)?, actual)));
    let amount = entry.amount.text(minor_digits(currency));
    Break {
        check: Check::Duplicate,
        cause: Cause::DuplicateEntry,
        owner: owner.clone(),
        subject: Subject::Row(txid.to_owned()),
        booking_date: Some(entry.at.day()),
        currency: currency.map(str::to_owned),
        amounts,
        explanation: format!("txid {txid} of {amount} is listed {times}{difference}"),
    }
}

/// What is told of, and whether a txid stands twice among all rows of the owner.
pub(super) type PartOf<'k> = (Stretch, &'k dyn Fn(&str) -> bool);

/// What is known of an owner beside its rows.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    pub meaning: Meaning,
    pub prior: Option<Prior>,
    /// The balance on which the last row must end.
    pub reported: Option<Money>,
    /// What of the owner was rejected.
    pub rejected: &'k RejectedRows,
    /// Where the rows are a part of the owner's.
    pub part: Option<PartOf<'k>>,
}

/// Tells what the chain found in the words of reports.
pub(super) struct Teller<'a, R> {
    pub owner: &'a Owner,
    pub rows: &'a [R],
    pub entries: &'a [Entry],
    pub currency: Option<String>,
}

impl<R: Link> Teller<'_, R> {
    fn money(&self, amount: Money) -> String {
        amount.text(minor_digits(self.currency.as_deref()))
    }

    /// A break for each place where the chain fails, but for those that a txid listed twice explains.
    pub fn chain_breaks(&self, chain: &Chain, known: Known<'_>) -> Vec<Break> {
        let Known { meaning, prior, reported, rejected, part } = known;
        let digits = minor_digits(self.currency.as_deref());
        let case = Case::new(self.rows, self.entries, chain, meaning, digits).ending_on(reported).beside(rejected);
        let is_told = |fault: &&Fault| part.is_none_or(|(stretch, _)| stretch.holds(&self.entries[fault.row as usize]));
        let is_doubled = |row: u32| match part {
            Some((_, is_doubled)) => is_doubled(self.rows[row as usize].txid()),
            None => chain.duplicates.iter().any(|found| found.first == row || found.again == row),
        };
        let told = chain.faults.iter().filter(is_told).map(|fault| (fault, case.explain(fault)));
        told.filter(|(fault, _)| !self.is_told_as_duplicate(fault, is_doubled))
            .map(|(fault, finding)| match (fault.previous, prior, finding.copy) {
                (_, _, Some((_, again))) => self.copy(fault, again, finding),
                (None, Some(prior), None) if !fault.returns => self.seam(fault, prior, &finding),
                _ => self.fault(fault, finding),
            })
            .collect()
    }

    /// Whether the fault is at a txid that stands twice, and that is all there is to it.
    fn is_told_as_duplicate(&self, fault: &Fault, is_doubled: impl Fn(u32) -> bool) -> bool {
        let unmoved = fault.actual.checked_sub(fault.expected) == Some(-self.entries[fault.row as usize].amount);
        (fault.copy_of.is_some() || fault.apart || unmoved) && is_doubled(fault.row)
    }

    fn fault(&self, fault: &Fault, finding: Finding) -> Break {
        let entry = self.entries[fault.row as usize];
        Break {
            check: Check::Chain,
            cause: finding.cause,
            owner: self.owner.clone(),
            subject: Subject::Row(self.rows[fault.row as usize].txid().to_owned()),
            booking_date: Some(entry.at.day()),
            currency: self.currency.clone(),
            amounts: Some((fault.expected, fault.actual)),
            explanation: finding.sentence,
        }
    }

    /// The same row under another txid.
    fn copy(&self, fault: &Fault, again: u32, finding: Finding) -> Break {
        Break { check: Check::Duplicate, ..self.fault(&Fault { row: again, ..*fault }, finding) }
    }

    /// A break for each txid that stands more than once.
    fn duplicates(&self, chain: &Chain) -> Vec<Break> {
        let mut firsts: Vec<u32> = chain.duplicates.iter().map(|duplicate| duplicate.first).collect();
        firsts.sort_unstable();
        firsts.dedup();
        firsts.into_iter().map(|first| self.duplicate(first, chain)).collect()
    }

    fn duplicate(&self, first: u32, chain: &Chain) -> Break {
        let again = chain.duplicates.iter().filter(|duplicate| duplicate.first == first);
        let again: Vec<Entry> = again.map(|found| self.entries[found.again as usize]).collect();
        let txid = self.rows[first as usize].txid();
        duplicate(self.owner, self.currency.as_deref(), txid, self.entries[first as usize], &again)
    }

    /// The first row does not go on from the closing of an earlier run.
    fn seam(&self, fault: &Fault, prior: Prior, finding: &Finding) -> Break {
        let entry = self.entries[fault.row as usize];
        let opening = fault.actual.checked_sub(entry.amount).unwrap_or_default();
        let explanation = format!(
            "{} closed at {}, but {} opens at {}: {}",
            prior.day,
            self.money(prior.closing),
            entry.at.day(),
            self.money(opening),
            finding.sentence,
        );
        let told = Finding { cause: finding.cause, sentence: explanation, copy: None };
        Break { check: Check::Seam, amounts: Some((prior.closing, opening)), ..self.fault(fault, told) }
    }

    pub fn balance(&self, day: &DayBalance) -> BalanceRow {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::put_in;

    proptest! {
        #[test]
        fn rows_come_into_the_order_that_names_them(order in (0..60_u32).prop_flat_map(|rows| {
            Just((0..rows).collect::<Vec<_>>()).prop_shuffle()
        })) {
            let mut rows: Vec<u32> = (0..).take(order.len()).collect();
            put_in(&order, &mut rows);
            prop_assert_eq!(rows, order);
        }
    }
}
