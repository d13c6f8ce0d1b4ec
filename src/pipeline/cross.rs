//! The checks between feeds of one account, made as soon as all its feeds are there: owners come account by account, and
//! the facts of one account at a time are held.

use super::owner::Outcome;
use crate::breaks::Break;
use crate::reconcile::facts::{AccountFacts, CardSide, Facts};
use crate::reconcile::{Terms, check_books};
use crate::record::{Feed, Owner};

/// Collects the facts of the account whose turn it is.
#[derive(Debug)]
pub(super) struct CrossChecks {
    terms: Terms,
    account: Option<AccountFacts>,
    /// What its own listings gave: a fault that shows there and between feeds is told once.
    own: Vec<Break>,
}

impl CrossChecks {
    pub(super) fn new(terms: Terms) -> Self {
        Self { terms, account: None, own: Vec::new() }
    }

    /// Takes the breaks of an owner and, if its listing is `whole`, its facts, and gives the breaks of the account before.
    pub(super) fn take(&mut self, outcome: &mut Outcome, whole: bool) -> Vec<Break> {
        let acc_id = &outcome.owner.acc_id;
        let is_same = self.account.as_ref().is_some_and(|account| account.owner.acc_id == *acc_id);
        let breaks = if is_same { Vec::new() } else { self.finish() };
        let account = self.account.get_or_insert_with(|| AccountFacts::new(Owner::account(acc_id)));
        self.own.append(&mut outcome.breaks);
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
        breaks
    }

    /// The breaks of the last account.
    pub(super) fn finish(&mut self) -> Vec<Break> {
        let own = std::mem::take(&mut self.own);
        match self.account.take() {
            Some(account) => check_books(account, own, self.terms),
            None => own,
        }
    }
}
