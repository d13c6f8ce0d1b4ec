//! The entries of a statement, one after the other: an owner's rows are held once, and no file needs all of them as entries.

use std::collections::HashMap;
use std::fmt;

use super::statement::{Movement, OwnerBooks};
use crate::reconcile::Entry;
use crate::record::{Day, Money, Stamp};

/// An entry of a statement.
#[derive(Debug, Clone)]
pub struct StatementEntry {
    /// The provider's txid.
    pub id: String,
    /// The booking date.
    pub day: Day,
    /// When it was booked.
    pub booked_at: Stamp,
    /// When it was executed, where the provider says so; the booking date otherwise.
    pub value_day: Day,
    /// What moves the balance: credit positive, debit negative.
    pub amount: Money,
    /// Announced and not booked: it moves no balance.
    pub pending: bool,
    /// The balance after it, as the provider states it.
    pub balance_after: Option<Money>,
    /// All texts.
    pub text: String,
    /// IBAN of the other side.
    pub counterparty_iban: Option<String>,
    /// BIC of the other side.
    pub counterparty_bic: Option<String>,
    /// What the merchant was paid, where its currency is told.
    pub instructed: Option<(Money, String)>,
    /// The breaks found at it, a sentence each.
    pub breaks: Vec<String>,
}

/// What an entry adds to sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// As in [`StatementEntry::amount`].
    pub amount: Money,
    /// The booking date.
    pub day: Day,
    /// As in [`StatementEntry::pending`].
    pub pending: bool,
}

/// Takes an entry, or says why it cannot.
pub type TakeEntry<'t> = dyn FnMut(&StatementEntry) -> Result<(), String> + 't;

/// Entries in the order of the chain.
pub trait Entries: fmt::Debug {
    /// Hands them over one by one.
    ///
    /// # Errors
    /// The first that `take` has.
    fn each(&self, take: &mut TakeEntry<'_>) -> Result<(), String>;
    /// Hands over what they add to sums.
    fn each_amount(&self, take: &mut dyn FnMut(Moved));
    /// The breaks found at them, in their order.
    fn breaks(&self) -> Vec<&str>;
}

impl Entries for Vec<StatementEntry> {
    fn each(&self, take: &mut TakeEntry<'_>) -> Result<(), String> {
        self.iter().try_for_each(take)
    }

    fn each_amount(&self, take: &mut dyn FnMut(Moved)) {
        for &StatementEntry { amount, day, pending, .. } in self {
            take(Moved { amount, day, pending });
        }
    }

    fn breaks(&self) -> Vec<&str> {
        self.iter().flat_map(|entry| &entry.breaks).map(String::as_str).collect()
    }
}

/// Entries that are made of rows when they are asked for.
pub(super) struct RowEntries<'a, R> {
    books: &'a OwnerBooks<'a, R>,
    /// Which rows, by their place in the books.
    places: Vec<usize>,
    /// The breaks at some of them.
    breaks: HashMap<usize, Vec<String>>,
}

impl<'a, R: Movement> RowEntries<'a, R> {
    pub(super) fn new(
        books: &'a OwnerBooks<'a, R>,
        places: Vec<usize>,
        breaks: HashMap<usize, Vec<String>>,
    ) -> RowEntries<'a, R> {
        RowEntries { books, places, breaks }
    }

    fn entry(&self, place: usize) -> StatementEntry {
        let row = &self.books.rows[place];
        let Entry { at, balance, moves, .. } = row.entry();
        let (iban, bic) = row.counterparty();
        StatementEntry {
            id: row.txid().to_owned(),
            day: at.day(),
            booked_at: at,
            value_day: row.executed_at().map_or(at.day(), Stamp::day),
            amount: self.books.amount(row),
            pending: !moves,
            balance_after: balance,
            text: self.books.text(row),
            counterparty_iban: iban.map(str::to_owned),
            counterparty_bic: bic.map(str::to_owned),
            instructed: row.instructed().map(|(amount, currency)| (amount, currency.to_owned())),
            breaks: self.breaks.get(&place).cloned().unwrap_or_default(),
        }
    }
}

impl<R> fmt::Debug for RowEntries<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowEntries").field("places", &self.places).field("breaks", &self.breaks).finish_non_exhaustive()
    }
}

impl<R: Movement> Entries for RowEntries<'_, R> {
    fn each(&self, take: &mut TakeEntry<'_>) -> Result<(), String> {
        self.places.iter().try_for_each(|place| take(&self.entry(*place)))
    }

    fn each_amount(&self, take: &mut dyn FnMut(Moved)) {
        for place in &self.places {
            let row = &self.books.rows[*place];
            let Entry { at, moves, .. } = row.entry();
            take(Moved { amount: self.books.amount(row), day: at.day(), pending: !moves });
        }
    }

    fn breaks(&self) -> Vec<&str> {
        let at_entries = self.places.iter().filter_map(|place| self.breaks.get(place)).flatten();
        at_entries.map(String::as_str).collect()
    }
}
