//! Files for accounting programs: statements in the formats that such programs import, and a workbook.
//!
//! | file | holds |
//! | --- | --- |
//! | `statement`, `entries` | a statement: opening, entries in the order of the chain, closing, breaks |
//! | `camt053`, `ofx`, `mt940`, `hledger` | the formats: each writes statements and reads them back |
//! | `control` | what must be read back, taken from the rows and balances themselves, and the comparison |
//! | `xlsx` | the workbook: a sheet a dataset |
//! | `book` | the files of a run on their way into its report folder |
//! | `pen`, `text`, `xml` | writing, spelling and reading that several share |
//!
//! An owner's files are written and read back by the thread that has its rows: entry by entry, into scratch files, so that
//! beside the owner's rows themselves memory holds none of it.
//! Nothing is released that does not read back: same entries, same sums, same opening and closing, or the run fails.
//!
//! Each format's own page tells what it does with what it cannot say.

mod book;
pub mod camt053;
pub mod control;
pub mod entries;
pub mod hledger;
pub mod mt940;
pub mod ofx;
pub mod pen;
pub mod statement;
pub mod text;
pub mod xlsx;
mod xml;

pub use book::Book;

use std::io::{self, BufRead, BufReader, Seek};
use std::path::Path;

use tempfile::SpooledTempFile;

use crate::output::{FileFacts, Totals};
use crate::record::Owner;
use crate::{Error, Result};
use control::{Control, Listener, Spelling};
use pen::Pen;
use statement::{Movement, OwnerBooks, Per, Statement};

/// Bytes of a file that are held in memory; one that grows beyond goes to the disk as a whole.
const HELD_BYTES_MAX: usize = 256 << 10;

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
    /// Writes the file of an owner.
    ///
    /// # Errors
    /// What the format cannot hold; or that the disk refuses, which [`Pen::finish`] tells too.
    fn write(&self, statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String>;
    /// Tells what a file says.
    ///
    /// # Errors
    /// Why it is no file of this format, or what `listener` has against it.
    fn read(&self, file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String>;
    /// What it can say, and how.
    fn spelling(&self) -> &dyn Spelling;
}

/// The number of entries that a file lists, and the sums of those that are booked: opening and sums make the closing where
/// the chain ties.
fn facts(statements: &[Statement<'_>], lists_pending: bool) -> FileFacts {
    let mut totals = Totals::default();
    for statement in statements {
        statement.entries.each_amount(&mut |moved| {
            if !moved.pending {
                totals.count(&statement.currency, moved.amount, moved.day);
            } else if lists_pending {
                totals.rows += 1;
            }
        });
    }
    let text = |statement: &Statement<'_>, amount: Option<_>| amount.map(|amount| statement.money(amount));
    FileFacts {
        totals: Some(totals),
        opening: statements.first().and_then(|first| text(first, first.opening)),
        closing: statements.last().and_then(|last| text(last, last.closing)),
    }
}

/// A file that was read back and may be released.
#[derive(Debug)]
pub struct OwnerFile {
    format: &'static str,
    extension: &'static str,
    owner: Owner,
    /// Its content, from the beginning on.
    content: SpooledTempFile,
    facts: FileFacts,
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

    /// Writes the files of an owner and reads each back. Those that are large wait in `folder`, without a name.
    ///
    /// # Errors
    /// When a format cannot hold the owner's rows, a file does not say what the rows say, or the disk refuses.
    pub fn write_owner<R: Movement>(&self, books: &OwnerBooks<'_, R>, folder: &Path) -> Result<OwnerFiles> {
        let mut out = OwnerFiles::default();
        for format in self.statement_formats() {
            let is_known =
                books.periods(format.spelling().per()).iter().all(|p| p.opening.is_some() && p.closing.is_some());
            if !is_known && format.needs_balances() {
                let note = format!("{}: no {} statement, as no balance of it is known", books.owner, format.name());
                out.notes.push(note);
                continue;
            }
            out.files.push(write_proved(&*format, books, folder)?);
        }
        Ok(out)
    }
}

/// Writes a file and reads it back against the rows.
fn write_proved<R: Movement>(
    format: &dyn StatementFormat,
    books: &OwnerBooks<'_, R>,
    folder: &Path,
) -> Result<OwnerFile> {
    let cannot_hold = |reason: String| refusal(format.name(), books.owner, &reason);
    let disk_refuses = |error: io::Error| {
        Error::environment(format!("could not write the {} file of {}", format.name(), books.owner))
            .at(folder.display())
            .because(error)
            .hint("is the disk full?")
    };
    let statements = books.statements(format.spelling().per()).map_err(cannot_hold)?;
    let mut content = SpooledTempFile::new_in(HELD_BYTES_MAX, folder);
    let mut pen = Pen::new(&mut content);
    let written = format.write(&statements, &mut pen);
    pen.finish().map_err(disk_refuses)?;
    written.map_err(cannot_hold)?;
    let facts = facts(&statements, format.spelling().lists_pending());
    content.rewind().map_err(disk_refuses)?;
    prove(format, books, &mut BufReader::with_capacity(64 << 10, &mut content))?;
    content.rewind().map_err(disk_refuses)?;
    Ok(OwnerFile { format: format.name(), extension: format.extension(), owner: books.owner.clone(), content, facts })
}

/// Reads a file back against the rows and balances of the books.
///
/// # Errors
/// When it does not say the same.
pub fn prove<R: Movement>(
    format: &dyn StatementFormat,
    books: &OwnerBooks<'_, R>,
    file: &mut dyn BufRead,
) -> Result<()> {
    let mut compare = || {
        let mut control = Control::new(books, format.spelling())?;
        format.read(file, &mut control)?;
        control.finish()
    };
    compare().map_err(|reason: String| {
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
