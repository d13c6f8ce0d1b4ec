//! Files for accounting programs: statements in the formats that such programs import, and a workbook.
//!
//! | file | holds |
//! | --- | --- |
//! | `statement` | a statement: opening, entries in the order of the chain, closing, breaks |
//! | `camt053`, `ofx`, `mt940`, `hledger` | the formats: each writes statements and reads them back |
//! | `control` | what must be read back, taken from the rows and balances themselves, and the comparison |
//! | `xlsx` | the workbook: a sheet a dataset |
//! | `book` | the files of a run on their way into its report folder |
//! | `text`, `xml` | spelling and reading that several share |
//!
//! An owner's files are written and read back by the thread that has its rows, so that memory depends on the largest owner.
//! Nothing is released that does not read back: same entries, same sums, same opening and closing, or the run fails.
//!
//! Each format's own page tells what it does with what it cannot say.

mod book;
pub mod camt053;
pub mod control;
pub mod hledger;
pub mod mt940;
pub mod ofx;
pub mod statement;
pub mod text;
pub mod xlsx;
mod xml;

pub use book::Book;

use crate::output::Totals;
use crate::record::Owner;
use crate::{Error, Result};
use control::{Spelling, Told};
use statement::{Movement, OwnerBooks, Per, Statement};

/// The names by which a job file chooses them.
pub const NAMES: [&str; 5] = ["camt053", "ofx", "mt940", "hledger", "xlsx"];

/// Which formats a job writes beside CSV and Parquet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each says of a format whether it is written")]
pub struct Accounting {
    /// camt.053, in this version.
    pub camt053: Option<camt053::Version>,
    /// OFX 2.
    pub ofx: bool,
    /// SWIFT MT940.
    pub mt940: bool,
    /// Journals for hledger.
    pub hledger: bool,
    /// A workbook.
    pub xlsx: bool,
    /// What a statement of camt.053 and MT940 covers.
    pub statement_per: Per,
}

/// A format that holds statements.
pub trait StatementFormat: std::fmt::Debug {
    /// The name in job files, and that of the folder.
    fn name(&self) -> &'static str;
    /// Behind the point of a file's name.
    fn extension(&self) -> &'static str;
    /// Whether it has no words for a statement without an opening and closing balance.
    fn needs_balances(&self) -> bool {
        true
    }
    /// The file of an owner.
    ///
    /// # Errors
    /// What the format cannot hold.
    fn write(&self, statements: &[Statement]) -> Result<Written, String>;
    /// What a file says.
    ///
    /// # Errors
    /// Why it is no file of this format.
    fn read(&self, bytes: &[u8]) -> Result<Vec<Told>, String>;
    /// What it can say, and how.
    fn spelling(&self) -> &dyn Spelling;
}

/// The bytes of a file and what they sum up to.
#[derive(Debug)]
pub struct Written {
    bytes: Vec<u8>,
    totals: Totals,
    opening: Option<String>,
    closing: Option<String>,
}

impl Written {
    /// With the number of entries that the file lists, and the sums of those that are booked: opening and sums make the
    /// closing where the chain ties.
    pub fn of(bytes: Vec<u8>, statements: &[Statement], lists_pending: bool) -> Written {
        let mut totals = Totals::default();
        for statement in statements {
            for entry in &statement.entries {
                if !entry.pending {
                    totals.count(&statement.currency, entry.amount, entry.day);
                } else if lists_pending {
                    totals.rows += 1;
                }
            }
        }
        let text = |statement: &Statement, amount: Option<_>| amount.map(|amount| statement.money(amount));
        let (opening, closing) = (statements.first(), statements.last());
        Written {
            bytes,
            totals,
            opening: opening.and_then(|first| text(first, first.opening)),
            closing: closing.and_then(|last| text(last, last.closing)),
        }
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A file that was read back and may be released.
#[derive(Debug)]
pub struct OwnerFile {
    format: &'static str,
    extension: &'static str,
    owner: Owner,
    written: Written,
}

/// What came out for an owner.
#[derive(Debug, Default)]
pub struct OwnerFiles {
    files: Vec<OwnerFile>,
    /// Who has no statement, and why.
    notes: Vec<String>,
}

impl Accounting {
    /// Sets the formats of these names.
    pub fn choose(&mut self, names: &[&str], version: camt053::Version) {
        let has = |name| names.contains(&name);
        self.camt053 = has("camt053").then_some(version);
        (self.ofx, self.mt940, self.hledger, self.xlsx) = (has("ofx"), has("mt940"), has("hledger"), has("xlsx"));
    }

    /// The formats of statements, in the order of [`NAMES`].
    pub fn statement_formats(&self) -> Vec<Box<dyn StatementFormat>> {
        let per = self.statement_per;
        let mut formats: Vec<Box<dyn StatementFormat>> = Vec::new();
        if let Some(version) = self.camt053 {
            formats.push(Box::new(camt053::Camt053 { version, per }));
        }
        if self.ofx {
            formats.push(Box::new(ofx::Ofx));
        }
        if self.mt940 {
            formats.push(Box::new(mt940::Mt940 { per }));
        }
        if self.hledger {
            formats.push(Box::new(hledger::Hledger));
        }
        formats
    }

    /// Writes the files of an owner and reads each back.
    ///
    /// # Errors
    /// When a format cannot hold the owner's rows, or a file does not say what the rows say.
    pub fn write_owner<R: Movement>(&self, books: &OwnerBooks<'_, R>) -> Result<OwnerFiles> {
        let mut out = OwnerFiles::default();
        for format in self.statement_formats() {
            let is_known =
                books.periods(format.spelling().per()).iter().all(|p| p.opening.is_some() && p.closing.is_some());
            if !is_known && format.needs_balances() {
                let note = format!("{}: no {} statement, as no balance of it is known", books.owner, format.name());
                out.notes.push(note);
                continue;
            }
            let written = write_proved(&*format, books)?;
            let (format, extension) = (format.name(), format.extension());
            out.files.push(OwnerFile { format, extension, owner: books.owner.clone(), written });
        }
        Ok(out)
    }
}

/// Writes a file and reads it back against the rows.
fn write_proved<R: Movement>(format: &dyn StatementFormat, books: &OwnerBooks<'_, R>) -> Result<Written> {
    let refused = |reason: String| refusal(format.name(), books.owner, &reason);
    let statements = books.statements(format.spelling().per()).map_err(refused)?;
    let written = format.write(&statements).map_err(refused)?;
    // Not in memory together with what is read back.
    drop(statements);
    prove(format, books, &written.bytes)?;
    Ok(written)
}

/// Reads a file back against the rows and balances of the books.
///
/// # Errors
/// When it does not say the same.
pub fn prove<R: Movement>(format: &dyn StatementFormat, books: &OwnerBooks<'_, R>, bytes: &[u8]) -> Result<()> {
    let told = format.read(bytes);
    let expected = control::expected(books, format.spelling());
    told.and_then(|told| control::compare(&expected?, &told)).map_err(|reason| {
        Error::environment(format!(
            "the {} file of {} does not read back as its rows: {reason}",
            format.name(),
            books.owner
        ))
        .hint(format!("nothing was released; leave \"{}\" out of [output] formats, and report this", format.name()))
    })
}

fn refusal(format: &str, owner: &Owner, reason: &str) -> Error {
    Error::environment(format!("{format} cannot hold {owner}: {reason}"))
        .hint(format!("leave \"{format}\" out of [output] formats"))
}
