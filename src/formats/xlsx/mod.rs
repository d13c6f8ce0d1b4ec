//! `tieout.xlsx`: a sheet a dataset, breaks first.
//!
//! - An amount stands in the file as its decimal text, exactly as in CSV; no float of ours comes near it. Spreadsheets hold
//!   numbers as doubles, which are exact to 15 significant digits: an amount or rate that needs more is a text cell.
//! - Amounts have the decimals of their currency, dates are dates; instants are the local clock's date and time (those with
//!   fractions of a second are texts). The header is frozen and has a filter.
//! - A text is a text, whatever it begins with: it is never a formula. A character that XML does not allow is U+FFFD; of a
//!   text longer than a cell (32,767 characters) the beginning stands there, with a mark that tells how long it was.
//! - A sheet holds 1,048,576 rows; further rows stand in further sheets, `name (2)` and so on.
//!
//! Rows are made into XML by the thread that has them and wait in a scratch file; the whole is never in memory.

mod cells;
mod print;
mod read;
mod workbook;

pub use workbook::Workbook;

use crate::record::{Dataset, Row};

use cells::Cells;
use print::{Print, Printer};

/// Rows of a sheet, its header included.
pub const SHEET_ROWS_MAX: u64 = 1_048_576;
/// Bytes of XML gathered before they are compressed.
const GATHERED_BYTES: usize = 64 << 10;
/// UTF-16 units of a cell.
const CELL_UNITS_MAX: usize = 32_767;

/// Rows on their way to their sheet.
#[derive(Debug)]
pub struct SheetRows {
    dataset: &'static Dataset,
    /// Elements `row`, compressed.
    packed: Vec<u8>,
    /// What must be read back.
    print: Print,
}

/// The rows of a dataset as a part of its sheet.
///
/// # Panics
/// Never: memory takes the bytes.
pub fn sheet_rows<'r, R: Row + 'r>(dataset: &'static Dataset, rows: impl IntoIterator<Item = &'r R>) -> SheetRows {
    let (mut cells, mut printer) = (Cells::new(), Printer::new());
    let mut packed = zstd::Encoder::new(Vec::new(), 1).expect("memory takes the bytes");
    for row in rows {
        cells.begin_row();
        row.write_cells(&mut cells);
        cells.end_row();
        row.write_cells(&mut printer);
        printer.end_row();
        cells.pass_on(GATHERED_BYTES, &mut packed);
    }
    cells.pass_on(0, &mut packed);
    SheetRows { dataset, packed: packed.finish().expect("memory takes the bytes"), print: printer.print() }
}

/// A text as a cell shows it.
fn shown(text: &str) -> String {
    let text = super::text::allowed_in_xml(text);
    let units = text.encode_utf16().count();
    if units <= CELL_UNITS_MAX {
        return text.into_owned();
    }
    let mark = format!("... [cut, {units} characters in all]");
    let mut left = CELL_UNITS_MAX - mark.len();
    let kept = text.chars().take_while(|c| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    });
    kept.collect::<String>() + &mark
}

/// Whether a double holds the number so that the same decimals come out again.
fn is_exact_as_double(decimal: &str) -> bool {
    let digits = decimal.trim_start_matches('-').replace('.', "");
    let digits = digits.trim_start_matches('0');
    let digits = if decimal.contains('.') { digits.trim_end_matches('0') } else { digits };
    digits.len() <= 15
}
