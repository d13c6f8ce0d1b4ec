//! The checks between feeds, for one account: its statement, IBAN statement, credit transfers and cards.

use std::collections::{HashMap, HashSet};

use super::copies_between::iban_copies;
use super::facts::AccountFacts;
use super::loads::judge_loads;
use super::once::told_once;
use super::transfers::judge_transfers;
use super::twins::check_twins;
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::{Day, OwnerKind, Window};

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

/// A break that an earlier run told of a row in the window, and that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its id.
    pub break_id: String,
    /// Its check: `transfer` or `card_load`, which do not judge rows whose counterpart may lie beyond what was read.
    pub check: Check,
    /// Its cause.
    pub cause: Cause,
    /// The row's id.
    pub row: String,
}

/// Such breaks by kind and id of their owner.
pub type WatchedBreaks = HashMap<(OwnerKind, String), Vec<Watched>>;

/// What the checks of an account gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// What does not hold.
    pub breaks: Vec<Break>,
    /// Ids of watched breaks of which nothing could be said, neither that they hold on nor that they are over.
    pub unjudged: Vec<String>,
}

/// Makes all checks whose feeds are there. The result does not depend on the order of rows.
pub fn check_account(facts: &AccountFacts, terms: Terms) -> Vec<Break> {
    check_books(facts.clone(), Vec::new(), terms)
}

/// As [`check_account`], together with the breaks that the account's own listings and those of its cards gave: each
/// fault is told once.
pub fn check_books(facts: AccountFacts, own: Vec<Break>, terms: Terms) -> Vec<Break> {
    check_books_again(facts, own, terms, &WatchedBreaks::new()).breaks
}

/// As [`check_books`], where earlier runs told breaks of the same days.
pub fn check_books_again(mut facts: AccountFacts, own: Vec<Break>, terms: Terms, watched: &WatchedBreaks) -> Checked {
    let copies = iban_copies(&facts, terms);
    let whole = (!copies.is_empty() || own.iter().any(is_double)).then(|| facts.clone());
    if whole.is_some() {
        let doubled = own.iter().filter(|found| is_double(found) && found.owner == facts.owner);
        let doubled: HashSet<String> = doubled.filter_map(|found| found.subject.row().map(str::to_owned)).collect();
        facts.take_out(&copies, &doubled.iter().map(String::as_str).collect());
    }
    let mut between: Vec<Break> = copies.into_iter().filter_map(|copy| copy.told).collect();
    between.extend(check_twins(&facts, terms));
    let watched = watched_of(&facts, watched);
    let mut unjudged = Vec::new();
    between.extend(judge_transfers(&facts, terms, &watched, &mut unjudged));
    between.extend(judge_loads(&facts, terms, &watched, &mut unjudged));
    let mut breaks = told_once(whole.as_ref().unwrap_or(&facts), own, between);
    breaks.sort_by(|a, b| {
        let place = |found: &Break| (found.booking_date, found.check);
        a.owner.cmp(&b.owner).then_with(|| place(a).cmp(&place(b))).then_with(|| a.subject.cmp(&b.subject))
    });
    if !unjudged.is_empty() {
        let told: HashSet<String> = breaks.iter().map(Break::id).collect();
        unjudged.retain(|id| !told.contains(id));
    }
    Checked { breaks, unjudged }
}

/// The watched breaks of an account and its cards.
fn watched_of<'w>(facts: &AccountFacts, watched: &'w WatchedBreaks) -> Vec<(OwnerKind, &'w str, &'w Watched)> {
    if watched.is_empty() {
        return Vec::new();
    }
    let owners = std::iter::once(&facts.owner).chain(facts.cards.iter().map(|card| &card.owner));
    let of_owner = owners.filter_map(|owner| watched.get_key_value(&(owner.kind, owner.id().to_owned())));
    of_owner.flat_map(|((kind, id), breaks)| breaks.iter().map(move |each| (*kind, id.as_str(), each))).collect()
}

/// A line of a chain that was told to stand twice.
fn is_double(found: &Break) -> bool {
    found.check == Check::Duplicate && matches!(found.subject, Subject::Row(_))
}
