//! Do the books tie? Order the rows, walk the chain of balances, and tell every place where it fails.
//!
//! Pure functions over the entries of one owner; nothing here knows who sent them or where the results go.

pub mod books;
pub mod chain;
mod duplicates;
mod order;
pub mod restatement;
mod trails;

pub use books::{Books, Link, Prior, close_chain, close_listing, duplicate_transfers};
pub use chain::{Chain, DayBalance, Fault, reconcile};
pub use duplicates::{Duplicate, find_duplicates};

use crate::record::{Money, Stamp};

/// What the chain needs to know of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When it was booked.
    pub at: Stamp,
    /// Its signed amount.
    pub amount: Money,
    /// The owner's balance after it, as the provider states it.
    pub balance: Option<Money>,
    /// Whether it moves the balance: it is settled, or carries no status.
    pub moves: bool,
}

impl Entry {
    /// The balance before it, if its own is stated and the difference can be held.
    pub fn balance_before(&self) -> Option<Money> {
        self.balance?.checked_sub(self.amount)
    }
}
