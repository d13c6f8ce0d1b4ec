//! What a row is, once it no longer matters who sent it: exact money, instants, and the rows of the four feeds.
//!
//! This room imports no other. Decoding fills it, reconciliation reasons over it, output writes it.

mod changed;
pub mod currency;
pub mod dataset;
pub mod feed;
pub mod money;
mod number;
pub mod rate;
pub mod rows;
pub mod sources;
pub(crate) mod swar;
pub mod time;

pub use changed::{Changed, Reported};
pub use currency::minor_digits;
pub use dataset::{CellSink, Column, Dataset, Kind};
pub use feed::{Feed, Owner, OwnerKind};
pub use money::{Money, Total};
pub use number::NumberError;
pub use rate::Rate;
pub use rows::{
    BalanceRow, BreakRow, CardTransaction, CreditTransfer, RejectRow, Row, StatementLine, Status, TransferStatus,
};
pub use time::{Clock, Day, Stamp, Window, Zone};
