//! Anytime: business accounts and their payment cards.
//!
//! Told first, because they mislead (the source is the provider's documentation; (?) is what nobody could confirm):
//! - A new token makes the one before obsolete at once; there is one refresher for the whole run.
//! - `hash` covers `timestamp|username` only, over the timestamp as printed: it shows who answered, not that the body is
//!   whole.
//! - Validation data may be used once: every attempt is signed anew, the token request too.
//! - `limit_number` may be clamped; `filters` echoes what was applied, but can be absent or `[]`. No order of rows is
//!   promised. `total_results` counts the listing for accounts, cards and statements, but for card transactions it
//!   leaves the date filter out of account.
//! - `credit-transfers` is documented without limits and dates: it may send the whole list each time.
//! - Whether `date_start` and `date_end` include their days (?), and whether they filter card transactions on `date` or
//!   `date_transaction` (?): a day more is asked for at both ends, and `date_filter` learns the rest from the rows.
//! - 429 is a rate (wait) or a business limit (do not): the code tells.
//! - PHP prints ids and counts as numbers or strings, and an empty object as `[]`.
//!
//! Only GETs are sent, and the token's POST: nothing here writes to the provider's books.

pub mod auth;
mod checkup;
pub mod client;
pub mod codes;
pub mod date_filter;
pub mod decode;
pub mod details;
mod fetch;
pub mod page;
mod scalar;
mod scan;
mod sender;
pub mod wire;

pub use checkup::check_up;
pub use fetch::{check, fetch};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use self::wire::RowsKey;
use crate::landing::{Shelf, Subject};
use crate::record::Owner;
use crate::{Error, Result};

/// The name in job files.
pub const NAME: &str = "anytime";

/// Bytes of an id that need no escape in a path.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How a subject is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Where its answers land.
    pub shelf: Shelf,
    /// Where its rows stand.
    pub rows: RowsKey,
    /// Whether it takes `date_start` and `date_end`.
    pub dated: bool,
    /// Whether `total_results` counts the rows of the listing.
    pub total_counts: bool,
}

/// The route of a subject.
pub fn route(subject: Subject) -> Route {
    let (rows, dated, total_counts) = match subject {
        Subject::Accounts => (RowsKey::Accounts, false, true),
        Subject::Cards => (RowsKey::Cards, false, true),
        Subject::AccountStatements | Subject::IbanStatements => (RowsKey::Transactions, true, true),
        Subject::CardTransactions => (RowsKey::Transactions, true, false),
        Subject::CreditTransfers => (RowsKey::CreditTransfers, false, false),
    };
    let shelf = match subject {
        Subject::Accounts => Shelf::Accounts,
        Subject::Cards => Shelf::Cards,
        _ => Shelf::Feed(subject.feed().expect("all but accounts and cards are feeds")),
    };
    Route { shelf, rows, dated, total_counts }
}

/// The path of an owner's listing.
///
/// # Errors
/// When the owner's id cannot stand in a path.
pub fn path(subject: Subject, owner: &Owner) -> Result<String> {
    Ok(match subject {
        Subject::Accounts => "/v1.0/accounts".to_owned(),
        Subject::Cards => format!("/v1.0/accounts/{}/cards", segment(&owner.acc_id)?),
        Subject::AccountStatements => format!("/v1.0/accounts/{}/statements", segment(&owner.acc_id)?),
        Subject::IbanStatements => format!("/v1.0/accounts/{}/iban-statements", segment(&owner.acc_id)?),
        Subject::CreditTransfers => format!("/v1.0/accounts/{}/credit-transfers", segment(&owner.acc_id)?),
        Subject::CardTransactions => format!("/v1.0/cards/{}/transactions", segment(&owner.card_ref)?),
    })
}

/// The path of an account's details.
///
/// # Errors
/// When its id cannot stand in a path.
pub fn account_path(acc_id: &str) -> Result<String> {
    Ok(format!("/v1.0/accounts/{}", segment(acc_id)?))
}

/// The path of an account's balance.
///
/// # Errors
/// When its id cannot stand in a path.
pub fn balance_path(acc_id: &str) -> Result<String> {
    Ok(format!("/v1.0/accounts/{}/balance", segment(acc_id)?))
}

/// An id as one segment of a path.
fn segment(id: &str) -> Result<String> {
    // Escaped or not, every HTTP library takes these for a step in the path.
    if matches!(id, "" | "." | "..") {
        return Err(Error::provider(format!("expected an id that can stand in a URL, but found '{id}'")));
    }
    Ok(utf8_percent_encode(id, &UNRESERVED).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_leave_their_segment() {
        let path_of = |id: &str| path(Subject::CardTransactions, &Owner::card("1", id));
        assert_eq!(path_of("ANY1").expect("an id"), "/v1.0/cards/ANY1/transactions");
        assert_eq!(
            path_of("a/../b?c#d%2e é").expect("an id"),
            "/v1.0/cards/a%2F..%2Fb%3Fc%23d%252e%20%C3%A9/transactions"
        );
        for id in ["", ".", ".."] {
            assert!(path_of(id).is_err(), "{id}");
        }
    }
}
