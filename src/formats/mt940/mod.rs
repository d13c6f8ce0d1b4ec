//! SWIFT MT940, Customer Statement: a file an owner, a message a period.
//!
//! - Fields `:20:` (statement, made of owner and period), `:25:` (the provider's id of the owner), `:28C:` (the last day as
//!   YYDDD), `:60F:`, then `:61:` and `:86:` of each entry, `:62F:`.
//! - Texts are in SWIFT's character set X: Latin letters lose their accents, every other character that it does not hold,
//!   and `?` (which begins a subfield in some readers), becomes `.`; amounts, ids of plain characters and dates are not
//!   touched. `:86:` has four lines of 65 for the text; a longer one ends with a mark that tells how long it was.
//! - A txid of more than 16 characters keeps its first 7 and a hash in `:61:`; the whole begins `:86:`.
//! - Breaks stand in `:86:` of the entry behind `/BREAK/`, and in the `:86:` behind `:62F:`.
//! - Pending rows are left out: MT940 knows booked entries only. An amount that needs more than 15 characters is refused.

mod charset;
mod read;
mod write;

use std::io::BufRead;

use super::StatementFormat;
use super::control::{Listener, Spelling};
use super::pen::Pen;
use super::statement::{Per, Statement};
use super::text::short_id;

/// The format.
#[derive(Debug, Clone, Copy)]
pub struct Mt940 {
    /// What a message covers.
    pub per: Per,
}

impl Mt940 {
    /// The lines of an entry's text; an id that does not fit where it belongs stands before it.
    fn lines(self, id: &str, text: &str) -> Vec<String> {
        let whole = if self.id(id) == id { text.to_owned() } else { format!("TXID {id} {text}") };
        charset::lines(&whole, charset::TEXT_LINES_MAX)
    }
}

impl Spelling for Mt940 {
    fn per(&self) -> Per {
        self.per
    }

    fn lists_pending(&self) -> bool {
        false
    }

    fn id(&self, id: &str) -> String {
        // Two slashes part the references, and a line may not begin with a sign.
        short_id(&charset::spelled(id).replace(['/', ' '], "."), 16)
    }

    fn text(&self, id: &str, text: &str) -> String {
        self.lines(id, text).concat()
    }
}

impl StatementFormat for Mt940 {
    fn name(&self) -> &'static str {
        "mt940"
    }

    fn extension(&self) -> &'static str {
        "sta"
    }

    fn write(&self, statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String> {
        write::write(*self, statements, pen)
    }

    fn read(&self, file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String> {
        read::read(file, listener)
    }

    fn spelling(&self) -> &dyn Spelling {
        self
    }
}
