//! Do the books tie? Order the rows, walk the chain of balances, and tell every place where it fails.
//!
//! Pure functions over the entries of one owner; nothing here knows who sent them or where the results go.

pub mod books;
mod by_day;
pub mod chain;
pub mod closing;
mod copies;
mod copies_between;
pub mod cross;
pub mod diagnose;
mod duplicates;
pub mod facts;
mod later;
mod listed;
mod loads;
pub mod meaning;
mod once;
mod order;
mod pairing;
pub mod part;
mod references;
mod rejected;
mod repair;
pub mod restatement;
mod subset;
mod trails;
mod transfer_copies;
mod transfers;
mod twins;
mod words;

pub use books::{Beside, Books, Link, Prior, close_chain, close_chain_beside, close_listing};
pub use chain::{Chain, DayBalance, Fault, Stretch, reconcile};
pub use cross::{Checked, Terms, Watched, WatchedBreaks, check_account, check_books, check_books_again};
pub use diagnose::{Finding, RejectedRow, RejectedRows};
pub use duplicates::{Duplicate, find_duplicates};
pub use loads::check_loads;
pub use meaning::{FeeRule, Meaning, Votes};
pub use rejected::Rejected;
pub use transfer_copies::duplicate_transfers;
pub use transfers::check_transfers;
pub use twins::check_twins;
pub use words::CardWord;

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
    /// The microsecond from 1970 on that orders it among other moments: its instant, or the hour that is lived twice.
    pub fn moment_micros(&self) -> i64 {
        chain::moment(self).0
    }

    /// The balance before it, if its own is stated and the difference can be held.
    pub fn balance_before(&self) -> Option<Money> {
        self.balance?.checked_sub(self.amount)
    }
}
