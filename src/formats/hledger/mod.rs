//! A journal for hledger: a file an owner, and one that includes them all.
//!
//! - An owner is an account, `assets:bank:account:ID` or `assets:bank:card:ID`; what stands against it is `income:unknown`
//!   or `expenses:unknown`, and `equity:opening balances` against the opening balance.
//! - Every entry with a balance asserts it, as the provider states it, and so does a last one of nothing for the closing
//!   balance. Where the chain is broken nothing is adjusted: a comment states the break, and `hledger check` fails at that
//!   line. Where the opening balance is not known there is nothing to assert against: balances are comments then.
//! - Texts stand in descriptions, on one line, `;` as `,`. Comments hold words of ours only, as hledger reads dates and
//!   tags in them. The txid is the transaction's code, every byte but plain ones as `%XX`.
//! - Pending rows are left out: a posting of theirs would move the balance.

mod read;
mod write;

use std::io::BufRead;

use super::StatementFormat;
use super::control::{Listener, Spelling};
use super::pen::Pen;
use super::statement::{Per, Statement};
use super::text::{on_one_line, percent_encoded};

pub use write::index;

/// The folder of the journals.
pub const FOLDER: &str = "hledger";

/// The format.
#[derive(Debug, Clone, Copy)]
pub struct Hledger;

impl Spelling for Hledger {
    fn per(&self) -> Per {
        Per::Window
    }

    fn lists_pending(&self) -> bool {
        false
    }

    fn asserts_balances(&self) -> bool {
        true
    }

    fn id(&self, id: &str) -> String {
        percent_encoded(id, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/' | b':'))
    }

    fn text(&self, _id: &str, text: &str) -> String {
        on_one_line(text).replace(';', ",").trim().to_owned()
    }
}

impl StatementFormat for Hledger {
    fn name(&self) -> &'static str {
        FOLDER
    }

    fn extension(&self) -> &'static str {
        "journal"
    }

    fn needs_balances(&self) -> bool {
        false
    }

    fn write(&self, statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String> {
        write::write(statements, pen)
    }

    fn read(&self, file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String> {
        read::read(file, listener)
    }

    fn spelling(&self) -> &dyn Spelling {
        self
    }
}
