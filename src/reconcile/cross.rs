//! The checks between feeds, for one account: its statement, IBAN statement, credit transfers and cards.

use super::facts::AccountFacts;
use super::loads::check_loads;
use super::transfers::check_transfers;
use super::twins::check_twins;
use crate::breaks::Break;
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
    let mut breaks = check_twins(facts, terms);
    breaks.extend(check_transfers(facts, terms));
    breaks.extend(check_loads(facts, terms));
    breaks.sort_by(|a, b| {
        let place = |found: &Break| (found.booking_date, found.check);
        a.owner.cmp(&b.owner).then_with(|| place(a).cmp(&place(b))).then_with(|| a.subject.cmp(&b.subject))
    });
    breaks
}
