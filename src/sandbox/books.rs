//! A provider's books as they are served: rows that are already spelled, with the few facts that paging needs.
//!
//! Nothing is rendered while serving: a page is the joined text of its rows. What the rows say is the business of
//! [`ledger`](super::ledger), from which books can be made, or of the files they were read from.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::record::Day;
use crate::{Error, Result};

/// Everything a provider would tell one API user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    /// The accounts, in the order of their list.
    pub accounts: Vec<Account>,
}

/// An account and what hangs on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// The account's id, as text.
    pub acc_id: String,
    /// Its row in the list of accounts.
    pub list_row: String,
    /// The body of `accounts/{id}`.
    pub details: String,
    /// The body of `accounts/{id}/balance`.
    pub balance: String,
    /// Its cards, in the order of their list.
    pub cards: Vec<Card>,
    /// Its statement, oldest row first.
    pub statements: Vec<ListedRow>,
    /// Its IBAN statement, oldest row first.
    pub iban_statements: Vec<ListedRow>,
    /// Its credit transfers, oldest row first.
    pub credit_transfers: Vec<ListedRow>,
}

/// A card and its transactions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Card {
    /// The card's reference.
    pub card_ref: String,
    /// Its row in the account's list of cards.
    pub list_row: String,
    /// The body of `cards/{card_ref}`.
    pub details: String,
    /// Its transactions, oldest row first.
    pub transactions: Vec<ListedRow>,
}

/// A row as it is sent, and what a listing must know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRow {
    /// `txid` or `internal_id`, as text; empty when the row has none.
    pub id: String,
    /// The day of `date`, on which date filters work.
    pub booked: Option<Day>,
    /// The day of `date_transaction`, else of `date`.
    pub transacted: Option<Day>,
    /// The row's JSON.
    pub json: String,
}

/// The members of a row that matter here. Whatever they hold, the row can be served.
#[derive(Deserialize)]
struct Facts<'a> {
    #[serde(borrow, alias = "internal_id")]
    txid: Option<&'a RawValue>,
    #[serde(borrow)]
    date: Option<&'a RawValue>,
    #[serde(borrow)]
    date_transaction: Option<&'a RawValue>,
}

impl ListedRow {
    /// Reads what matters from a row's JSON. A row that is no object is served too: it just has no id and no day.
    pub fn read(json: impl Into<String>) -> ListedRow {
        let json = json.into();
        let facts = serde_json::from_str::<Facts<'_>>(&json).ok();
        let text = |member: fn(&Facts<'_>) -> Option<String>| facts.as_ref().and_then(member);
        let id = text(|facts| facts.txid.map(plain_text)).unwrap_or_default();
        let booked = text(|facts| facts.date.map(plain_text)).and_then(|date| day_of(&date));
        let transacted = text(|facts| facts.date_transaction.map(plain_text)).and_then(|date| day_of(&date));
        ListedRow { id, booked, transacted: transacted.or(booked), json }
    }
}

impl Books {
    /// The account of that id.
    pub fn account(&self, acc_id: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.acc_id == acc_id)
    }

    /// The card of that reference, with its account.
    pub fn card(&self, card_ref: &str) -> Option<(&Account, &Card)> {
        self.accounts
            .iter()
            .flat_map(|account| account.cards.iter().map(move |card| (account, card)))
            .find(|(_, card)| card.card_ref == card_ref)
    }

    /// How many accounts, cards and rows of all listings there are.
    pub fn counts(&self) -> (usize, usize, usize) {
        let cards = self.accounts.iter().map(|account| account.cards.len()).sum();
        let rows = self.accounts.iter().map(Account::rows).sum();
        (self.accounts.len(), cards, rows)
    }
}

impl Account {
    fn rows(&self) -> usize {
        let cards: usize = self.cards.iter().map(|card| card.transactions.len()).sum();
        self.statements.len() + self.iban_statements.len() + self.credit_transfers.len() + cards
    }
}

/// Splits a JSON array into the texts of its rows.
///
/// # Errors
/// When the text is no JSON array.
pub fn split_rows(text: &str) -> Result<Vec<&str>> {
    serde_json::from_str::<Vec<&RawValue>>(text)
        .map(|rows| rows.into_iter().map(RawValue::get).collect())
        .map_err(|error| Error::environment("expected a JSON array of rows").because(error))
}

/// One member of a JSON object, as its JSON text.
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let members = serde_json::from_str::<std::collections::HashMap<String, &RawValue>>(object).ok()?;
    members.get(name).map(|value| value.get())
}

/// A JSON string without its quotes, any other value as it is written.
pub fn plain_text(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

fn day_of(text: &str) -> Option<Day> {
    Day::parse(text.get(..10)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_kept_as_it_was_written() {
        let json = r#"{ "txid": 8, "date":"2016-07-03 08:37:27", "amount": 9194.50 }"#;
        let row = ListedRow::read(json);
        assert_eq!((row.id.as_str(), row.json.as_str()), ("8", json));
        assert_eq!((row.booked, row.transacted), (Day::parse("2016-07-03"), Day::parse("2016-07-03")));
    }

    #[test]
    fn a_transfer_is_known_by_its_internal_id_and_has_no_day_to_filter_by() {
        let row = ListedRow::read(r#"{"internal_id":"50000","creation_date":"2020-10-23T11:04:03+02:00"}"#);
        assert_eq!((row.id.as_str(), row.booked), ("50000", None));
    }

    #[test]
    fn a_row_that_is_no_object_can_still_be_served() {
        assert_eq!(ListedRow::read("17").json, "17");
    }
}
