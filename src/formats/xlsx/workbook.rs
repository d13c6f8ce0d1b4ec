//! The workbook: sheets gathered in scratch files, then packed.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::cells::Cells;
use super::print::Print;
use super::{SHEET_ROWS_MAX, SheetRows, read};
use crate::record::{Column, Dataset, Kind};
use crate::{Error, Result};

const NAMESPACE: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const END_OF_ROW: &[u8] = b"</row>";

/// Sheets on their way.
#[derive(Debug)]
pub struct Workbook {
    sheets: Vec<Sheet>,
    sheet_rows_max: u64,
}

/// The rows of a dataset, compressed in a file without a name.
#[derive(Debug)]
struct Sheet {
    dataset: &'static Dataset,
    scratch: BufWriter<File>,
    print: Print,
}

impl Workbook {
    /// A workbook with a sheet for each dataset, in this order.
    ///
    /// # Errors
    /// When `scratch` refuses.
    pub fn begin(datasets: &[&'static Dataset], scratch: impl Fn() -> Result<File>) -> Result<Workbook> {
        let sheet = |dataset: &&'static Dataset| {
            Ok(Sheet { dataset, scratch: BufWriter::new(scratch()?), print: Print::default() })
        };
        Ok(Workbook { sheets: datasets.iter().map(sheet).collect::<Result<_>>()?, sheet_rows_max: SHEET_ROWS_MAX })
    }

    /// The same with smaller sheets.
    #[cfg(test)]
    pub(crate) fn with_sheet_rows_max(self, sheet_rows_max: u64) -> Workbook {
        Workbook { sheet_rows_max, ..self }
    }

    /// Appends rows to their dataset's sheet.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, rows: &SheetRows) -> Result<()> {
        let sheet = self.sheets.iter_mut().find(|sheet| std::ptr::eq(sheet.dataset, rows.dataset));
        let sheet = sheet.expect("a dataset of the run");
        sheet.print.add(rows.print);
        sheet.scratch.write_all(&rows.packed).map_err(refused)
    }

    /// Rows of all sheets.
    pub fn rows(&self) -> u64 {
        self.sheets.iter().map(|sheet| sheet.print.rows).sum()
    }

    /// Writes the workbook into `file` and reads it back.
    ///
    /// # Errors
    /// When the disk refuses, or what was written is not what the rows say.
    pub fn finish(self, file: File) -> Result<File> {
        let expected: Vec<_> = self.sheets.iter().map(|sheet| (sheet.dataset.name, sheet.print)).collect();
        let mut file = self.write(file)?;
        let found = read::read(&mut file).map_err(|reason| differs(&reason))?;
        let found: Vec<_> = found.into_iter().map(|(dataset, print)| (dataset.name, print)).collect();
        if found != expected {
            return Err(differs(&format!("expected {expected:?}, found {found:?}")));
        }
        file.rewind().map_err(refused)?;
        Ok(file)
    }

    fn write(self, file: File) -> Result<File> {
        let mut zip = ZipWriter::new(BufWriter::new(file));
        let mut parts = Vec::new();
        let rows_max = self.sheet_rows_max;
        for sheet in self.sheets {
            sheet.write(&mut zip, &mut parts, rows_max)?;
        }
        for (name, text) in frame(&parts) {
            begin(&mut zip, &name)?;
            zip.write_all(text.as_bytes()).map_err(refused)?;
        }
        let buffered = zip.finish().map_err(|error| refused(error.into()))?;
        buffered.into_inner().map_err(|error| refused(error.into_error()))
    }
}

impl Sheet {
    /// Writes the dataset's rows as one sheet, or as several where one cannot hold them.
    fn write<W: Write + Seek>(self, zip: &mut ZipWriter<W>, parts: &mut Vec<String>, rows_max: u64) -> Result<()> {
        let Sheet { dataset, scratch, print } = self;
        let mut scratch = scratch.into_inner().map_err(|error| refused(error.into_error()))?;
        scratch.rewind().map_err(refused)?;
        let rows = zstd::Decoder::new(scratch).map_err(refused)?;
        let mut rows = Rows { source: BufReader::with_capacity(1 << 16, rows), held: Vec::new() };
        let (mut left, mut number) = (print.rows, 1);
        loop {
            let here = left.min(rows_max - 1);
            let name = if number == 1 { dataset.name.to_owned() } else { format!("{} ({number})", dataset.name) };
            parts.push(name);
            begin(zip, &format!("xl/worksheets/sheet{}.xml", parts.len()))?;
            zip.write_all(head(dataset, parts.len() == 1).as_bytes()).map_err(refused)?;
            rows.copy(here, zip)?;
            zip.write_all(foot(dataset, here).as_bytes()).map_err(refused)?;
            left -= here;
            number += 1;
            if left == 0 {
                return Ok(());
            }
        }
    }
}

/// Rows read one behind the other.
struct Rows<R> {
    source: R,
    held: Vec<u8>,
}

impl<R: Read> Rows<R> {
    /// Copies the next `count` rows.
    fn copy(&mut self, count: u64, into: &mut impl Write) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let (mut end, mut whole) = (0, 0);
            for at in memchr::memmem::find_iter(&self.held, END_OF_ROW) {
                (end, whole) = (at + END_OF_ROW.len(), whole + 1);
                if whole == left {
                    break;
                }
            }
            into.write_all(&self.held[..end]).map_err(refused)?;
            self.held.drain(..end);
            left -= whole;
            if left > 0 {
                let mut block = [0; 1 << 13];
                match self.source.read(&mut block).map_err(refused)? {
                    0 => return Err(refused(io::ErrorKind::UnexpectedEof.into())),
                    read => self.held.extend_from_slice(&block[..read]),
                }
            }
        }
        Ok(())
    }
}

fn begin<W: Write + Seek>(zip: &mut ZipWriter<W>, name: &str) -> Result<()> {
    // Always the same moment: the same rows give the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .large_file(true);
    zip.start_file(name, options).map_err(|error| refused(error.into()))
}

fn head(dataset: &Dataset, is_first: bool) -> String {
    let selected = if is_first { " tabSelected=\"1\"" } else { "" };
    let mut out = format!(
        "{XML}<worksheet xmlns=\"{NAMESPACE}\"><sheetViews><sheetView{selected} workbookViewId=\"0\">\
         <pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews><cols>"
    );
    for (index, column) in dataset.columns.iter().enumerate() {
        let (place, width) = (index + 1, width(column));
        write!(out, "<col min=\"{place}\" max=\"{place}\" width=\"{width}\" customWidth=\"1\"/>")
            .expect("a text takes any text");
    }
    out.push_str("</cols><sheetData>");
    let mut cells = Cells::new();
    cells.begin_row();
    dataset.columns.iter().for_each(|column| cells.header(column.name));
    cells.end_row();
    out + &String::from_utf8(cells.into_bytes()).expect("XML is text")
}

fn foot(dataset: &Dataset, rows: u64) -> String {
    let last = column_name(dataset.columns.len());
    format!("</sheetData><autoFilter ref=\"A1:{last}{}\"/></worksheet>", rows + 1)
}

/// Characters that a column shows.
fn width(column: &Column) -> usize {
    let content = match (column.kind, column.name) {
        (Kind::Text, "explanation" | "description" | "comment" | "reason" | "raw") => 50,
        (Kind::Text, name) if name.ends_with("iban") => 34,
        (Kind::Time, _) => 20,
        (Kind::Date, _) => 12,
        _ => 16,
    };
    content.max(column.name.len() + 4)
}

/// A, B, … Z, AA: datasets have fewer than 702 columns.
fn column_name(number: usize) -> String {
    let letter = |index: usize| char::from(b'A' + u8::try_from(index % 26).expect("below 26"));
    let index = number - 1;
    if index < 26 { letter(index).to_string() } else { format!("{}{}", letter(index / 26 - 1), letter(index)) }
}

/// What holds the sheets together.
fn frame(parts: &[String]) -> Vec<(String, String)> {
    let (mut types, mut sheets, mut relations) = (String::new(), String::new(), String::new());
    for (index, name) in parts.iter().enumerate() {
        let id = index + 1;
        let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml";
        write!(types, "<Override PartName=\"/xl/worksheets/sheet{id}.xml\" ContentType=\"{kind}\"/>").expect("text");
        write!(sheets, "<sheet name=\"{name}\" sheetId=\"{id}\" r:id=\"rId{id}\"/>").expect("text");
        write!(
            relations,
            "<Relationship Id=\"rId{id}\" Type=\"{RELATIONS}/worksheet\" Target=\"worksheets/sheet{id}.xml\"/>"
        )
        .expect("text");
    }
    let styles_id = parts.len() + 1;
    let main = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    vec![
        (
            "[Content_Types].xml".to_owned(),
            format!(
                "{XML}<Types xmlns=\"{PACKAGE}/content-types\">\
             <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
             <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
             <Override PartName=\"/xl/workbook.xml\" ContentType=\"{main}.sheet.main+xml\"/>\
             <Override PartName=\"/xl/styles.xml\" ContentType=\"{main}.styles+xml\"/>{types}</Types>"
            ),
        ),
        (
            "_rels/.rels".to_owned(),
            format!(
                "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">\
             <Relationship Id=\"rId1\" Type=\"{RELATIONS}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!(
                "{XML}<workbook xmlns=\"{NAMESPACE}\" xmlns:r=\"{RELATIONS}\"><sheets>{sheets}</sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!(
                "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}\
             <Relationship Id=\"rId{styles_id}\" Type=\"{RELATIONS}/styles\" Target=\"styles.xml\"/></Relationships>"
            ),
        ),
        ("xl/styles.xml".to_owned(), format!("{XML}{}", include_str!("styles.xml").replace('\n', ""))),
    ]
}

fn refused(error: io::Error) -> Error {
    Error::environment("could not write the workbook").because(error)
}

fn differs(reason: &str) -> Error {
    Error::environment(format!("the workbook does not read back as its rows: {reason}"))
        .hint("nothing was released; leave \"xlsx\" out of [output] formats, and report this")
}

#[cfg(test)]
mod tests {
    use super::super::sheet_rows;
    use super::*;
    use crate::record::dataset::{BREAKS, REJECTS};
    use crate::record::{Feed, RejectRow};

    fn scratch() -> Result<File> {
        tempfile::tempfile().map_err(refused)
    }

    fn rejects(count: usize) -> Vec<RejectRow> {
        let reject = |number| RejectRow {
            feed: Feed::CardTransactions,
            owner_id: Some(format!("{number}")),
            txid: None,
            page_sha256: "ab".repeat(32),
            pointer: "</row>".to_owned(),
            reason: "x".repeat(number * 37),
            raw: "=1+1\r\n\u{1}".to_owned(),
        };
        (0..count).map(reject).collect()
    }

    fn parts_of(rows: usize, sheet_rows_max: u64) -> Vec<String> {
        let workbook = Workbook::begin(&[&BREAKS, &REJECTS], scratch).expect("a scratch file");
        let mut workbook = workbook.with_sheet_rows_max(sheet_rows_max);
        // In parts, as owners come.
        for part in rejects(rows).chunks(7) {
            workbook.append(&sheet_rows(&REJECTS, part)).expect("a disk that works");
        }
        let mut file = workbook.finish(scratch().expect("a file")).expect("it reads back");
        let mut text = String::new();
        let mut archive = zip::ZipArchive::new(&mut file).expect("a workbook");
        archive.by_name("xl/workbook.xml").expect("its sheets").read_to_string(&mut text).expect("text");
        text.split("name=\"").skip(1).map(|rest| rest[..rest.find('"').expect("its end")].to_owned()).collect()
    }

    #[test]
    fn rows_beyond_a_sheet_stand_in_further_sheets() {
        assert_eq!(parts_of(0, 11), ["breaks", "rejects"]);
        assert_eq!(parts_of(10, 11), ["breaks", "rejects"]);
        assert_eq!(parts_of(25, 11), ["breaks", "rejects", "rejects (2)", "rejects (3)"]);
    }

    #[test]
    fn a_workbook_that_lost_or_changed_a_row_is_not_released() {
        let rows = rejects(20);
        for (from, to) in [("card_transactions", "card_transactionS"), (">7<", ">8<")] {
            let mut part = sheet_rows(&REJECTS, &rows);
            let text = zstd::decode_all(&part.packed[..]).expect("zstd");
            let text = String::from_utf8(text).expect("XML").replacen(from, to, 1);
            part.packed = zstd::bulk::compress(text.as_bytes(), 1).expect("zstd");
            let mut workbook = Workbook::begin(&[&REJECTS], scratch).expect("a scratch file");
            workbook.append(&part).expect("a disk that works");
            let error = workbook.finish(scratch().expect("a file")).expect_err("not what the rows say");
            assert!(error.message().contains("does not read back as its rows"), "{error}");
        }
    }

    #[test]
    fn the_same_rows_give_the_same_bytes() {
        let bytes = || {
            let mut workbook = Workbook::begin(&[&REJECTS], scratch).expect("a scratch file");
            workbook.append(&sheet_rows(&REJECTS, &rejects(3))).expect("a disk that works");
            let mut bytes = Vec::new();
            workbook.finish(scratch().expect("a file")).expect("it reads back").read_to_end(&mut bytes).expect("bytes");
            bytes
        };
        assert!(bytes() == bytes());
    }
}
