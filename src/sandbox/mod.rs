//! The provider on loopback.

pub mod books;
pub mod files;
pub mod generator;
mod json;
pub mod ledger;
mod spelling;
