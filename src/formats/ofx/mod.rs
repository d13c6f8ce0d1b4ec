//! OFX 2.2: a file an owner, its whole window.
//!
//! - Cards are `BANKMSGSRSV1` like accounts: what they hold is the company's money, not credit that it owes. `ACCTTYPE` is
//!   `CHECKING`, the word of OFX for an account that is paid from; `BANKID` is `TIEOUT`, as the provider has no number.
//! - `FITID` is the txid. Importers drop a second entry of the same `FITID`, so a txid that stands twice gets `#2`, `#3`
//!   behind it: a doubled row is to be seen, and its break stands in `EXTDNAME`. (`#` and `%` of an id are `%23`, `%25`.)
//! - `LEDGERBAL` is the closing balance that the provider states, the opening one is the `BAL` named `OPENING`. Where the
//!   chain is broken they do not meet: the status is then a `WARN` that says so.
//! - `DTPOSTED` is noon of the booking date, so that no reader's zone moves it to another day.
//! - OFX 2 knows no entry that is not booked: pending rows are left out. Texts have 255 characters; a longer one ends with
//!   a mark that tells how long it was.

mod read;
mod write;

use std::io::BufRead;

use super::StatementFormat;
use super::control::{Listener, Spelling};
use super::pen::Pen;
use super::statement::{Per, Statement};
use super::text::{allowed_in_xml, cut, on_one_line, percent_encoded, short_id};

/// The format.
#[derive(Debug, Clone, Copy)]
pub struct Ofx;

impl Spelling for Ofx {
    fn per(&self) -> Per {
        Per::Window
    }

    fn lists_pending(&self) -> bool {
        false
    }

    fn id(&self, id: &str) -> String {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'#' | b'&' | b'<' | b'>');
        short_id(&percent_encoded(id, is_plain), 240)
    }

    fn text(&self, _id: &str, text: &str) -> String {
        cut(on_one_line(&allowed_in_xml(text)).trim(), 255).into_owned()
    }
}

impl StatementFormat for Ofx {
    fn name(&self) -> &'static str {
        "ofx"
    }

    fn extension(&self) -> &'static str {
        "ofx"
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
