//! The checks between feeds of one account, made as soon as all its feeds are there: owners come account by account, and
//! the facts of one account at a time are held.

use super::owner::Outcome;
use crate::breaks::{Break, Cause, Subject};
use crate::reconcile::diagnose::hear_twins;
use crate::reconcile::facts::{AccountFacts, CardSide, Facts};
use crate::reconcile::{Terms, check_account};
use crate::record::{Feed, Owner};

/// Collects the facts of the account whose turn it is.
#[derive(Debug)]
pub(super) struct CrossChecks {
    terms: Terms,
    account: Option<AccountFacts>,
    /// Rows that were told to stand twice: that they have no counterpart is the same fault.
    doubled: Vec<(Owner, Subject)>,
    /// Breaks that were told before the account's first.
    told_before: usize,
}

impl CrossChecks {
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, account: None, doubled: Vec::new(), told_before: 0 }
    }

    /// Takes the facts of an owner, if its listing is `whole`, and tells the breaks of the account before.
    pub(super) fn take(&mut self, outcome: &mut Outcome, whole: bool, told: &mut Vec<Break>) {
        let acc_id = &outcome.owner.acc_id;
        let is_same = self.account.as_ref().is_some_and(|account| account.owner.acc_id == *acc_id);
        if !is_same {
            self.finish(told);
        }
        let account = self.account.get_or_insert_with(|| AccountFacts::new(Owner::account(acc_id)));
        let doubled = outcome.breaks.iter().filter(|found| found.cause == Cause::DuplicateEntry);
        self.doubled.extend(doubled.map(|found| (found.owner.clone(), found.subject.clone())));
        if account.currency.is_none() {
            account.currency = outcome.balances.first().and_then(|day| day.currency.clone());
        }
        match std::mem::replace(&mut outcome.facts, Facts::None) {
            _ if !whole => {}
            Facts::None => {}
            Facts::Lines(side) if outcome.feed == Feed::IbanStatements => account.iban_statements = Some(side),
            Facts::Lines(side) => account.statements = Some(side),
            Facts::Transfers(side) => account.transfers = Some(side),
            Facts::Card(side) => account.cards.push(CardSide { owner: outcome.owner.clone(), side }),
        }
    }

    /// Tells the breaks of the last account. Where one is a fault that its chain already shows, it is told there.
    pub(super) fn finish(&mut self, told: &mut Vec<Break>) {
        let account = self.account.take();
        let mut breaks = account.as_ref().map(|account| check_account(account, self.terms)).unwrap_or_default();
        let doubled = std::mem::take(&mut self.doubled);
        breaks.retain(|found| {
            let is_it = |(owner, subject): &(Owner, Subject)| *owner == found.owner && *subject == found.subject;
            !doubled.iter().any(is_it)
        });
        if let Some(account) = account {
            hear_twins(&account, &mut told[self.told_before..], &mut breaks);
        }
        told.append(&mut breaks);
        self.told_before = told.len();
    }
}
