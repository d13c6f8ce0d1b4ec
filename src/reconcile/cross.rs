//! The checks between feeds, for one account: its statement, IBAN statement, credit transfers and cards.

use std::collections::HashSet;

use super::copies_between::iban_copies;
use super::facts::AccountFacts;
use super::loads::check_loads;
use super::once::told_once;
use super::transfers::check_transfers;
use super::twins::check_twins;
use crate::breaks::{Break, Check, Subject};
use crate::record::{Day, Window};

/// On what terms feeds are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The days reported.
    pub window: Window,
    /// Days between a transfer's execution and its debit, at most.
    pub transfer_days: i32,
    /// The local day on which the feeds were read. Rows of that day have time until the next run to find their
    /// counterpart: feeds are read one after the other.
    pub seen_on: Day,
}

/// Makes all checks whose feeds are there. The result does not depend on the order of rows.
pub fn check_account(facts: &AccountFacts, terms: Terms) -> Vec<Break> {
    check_books(facts.clone(), Vec::new(), terms)
}

/// As [`check_account`], together with the breaks that the account's own listings and those of its cards gave: each
/// fault is told once.
pub fn check_books(mut facts: AccountFacts, own: Vec<Break>, terms: Terms) -> Vec<Break> {
    let copies = iban_copies(&facts, terms);
    let whole = (!copies.is_empty() || own.iter().any(is_double)).then(|| facts.clone());
    if whole.is_some() {
        let doubled = own.iter().filter(|found| is_double(found) && found.owner == facts.owner);
        let doubled: HashSet<String> = doubled.filter_map(|found| found.subject.row().map(str::to_owned)).collect();
        facts.take_out(&copies, &doubled.iter().map(String::as_str).collect());
    }
    let mut between: Vec<Break> = copies.into_iter().filter_map(|copy| copy.told).collect();
    between.extend(check_twins(&facts, terms));
    between.extend(check_transfers(&facts, terms));
    between.extend(check_loads(&facts, terms));
    let mut breaks = told_once(whole.as_ref().unwrap_or(&facts), own, between);
    breaks.sort_by(|a, b| {
        let place = |found: &Break| (found.booking_date, found.check);
        a.owner.cmp(&b.owner).then_with(|| place(a).cmp(&place(b))).then_with(|| a.subject.cmp(&b.subject))
    });
    breaks
}

/// A line of a chain that was told to stand twice.
fn is_double(found: &Break) -> bool {
    found.check == Check::Duplicate && matches!(found.subject, Subject::Row(_))
}
