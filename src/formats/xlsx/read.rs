//! A workbook read back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};

use zip::ZipArchive;

use super::cells::EPOCH_SERIAL;
use super::print::{Print, Printer};
use crate::formats::xml::{self, Node};
use crate::record::{Column, Dataset, Day, Kind, Money, Rate};

/// The print of each sheet's rows by dataset; a dataset of several sheets is one.
pub(super) fn read(file: &mut File) -> Result<Vec<(&'static Dataset, Print)>, String> {
    let fails = |error: zip::result::ZipError| error.to_string();
    file.rewind().map_err(|error| error.to_string())?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(fails)?;
    let names = RefCell::new(Vec::new());
    let mut workbook = String::new();
    let mut part = archive.by_name("xl/workbook.xml").map_err(fails)?;
    part.read_to_string(&mut workbook).map_err(|error| error.to_string())?;
    drop(part);
    let begins = |node: &Node<'_>| {
        if node.is("sheets/sheet") {
            names.borrow_mut().push(node.attribute("name").unwrap_or_default().to_owned());
        }
        Ok(())
    };
    xml::read(workbook.as_bytes(), begins, |_| Ok(()))?;
    let mut prints: Vec<(&'static Dataset, Print)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, name) in names.into_inner().into_iter().enumerate() {
        let dataset = name.split(" (").next().and_then(Dataset::from_name);
        let dataset = dataset.ok_or_else(|| format!("expected a sheet of a dataset, found '{name}'"))?;
        let sheet = archive.by_name(&format!("xl/worksheets/sheet{}.xml", index + 1)).map_err(fails)?;
        let print = read_sheet(BufReader::new(sheet), dataset).map_err(|error| format!("sheet '{name}': {error}"))?;
        let place = *places.entry(dataset.name).or_insert_with(|| {
            prints.push((dataset, Print::default()));
            prints.len() - 1
        });
        prints[place].1.add(print);
    }
    Ok(prints)
}

struct Sheet {
    dataset: &'static Dataset,
    printer: Printer,
    is_header: bool,
    /// Cells of the row so far.
    column: usize,
    is_text: bool,
    value: Option<String>,
}

fn read_sheet(file: impl std::io::BufRead, dataset: &'static Dataset) -> Result<Print, String> {
    let sheet = Sheet { dataset, printer: Printer::new(), is_header: true, column: 0, is_text: false, value: None };
    let sheet = RefCell::new(sheet);
    let begins = |node: &Node<'_>| {
        if node.name() == "f" {
            return Err("found a formula".to_owned());
        }
        if node.name() == "c" {
            sheet.borrow_mut().is_text = node.attribute("t") == Some("inlineStr");
        }
        Ok(())
    };
    xml::read(file, begins, |node| sheet.borrow_mut().ends(node))?;
    let sheet = sheet.into_inner();
    if sheet.is_header { Err("found no header".to_owned()) } else { Ok(sheet.printer.print()) }
}

impl Sheet {
    fn ends(&mut self, node: &Node<'_>) -> Result<(), String> {
        match node.name() {
            "v" | "t" => self.value = Some(node.text.to_owned()),
            "c" => {
                let column = self.dataset.columns.get(self.column).ok_or("a row has more cells than columns")?;
                let value = self.value.take();
                self.column += 1;
                self.take(column, value)?;
            }
            "row" => {
                if self.column != self.dataset.columns.len() {
                    return Err(format!("a row has {} cells", self.column));
                }
                self.column = 0;
                if !std::mem::take(&mut self.is_header) {
                    self.printer.end_row();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn take(&mut self, column: &Column, value: Option<String>) -> Result<(), String> {
        let wrong = |value: &str| format!("expected a cell of column '{}', found '{value}'", column.name);
        if self.is_header {
            let name = value.unwrap_or_default();
            return if name == column.name { Ok(()) } else { Err(wrong(&name)) };
        }
        let Some(value) = value else {
            self.printer.empty();
            return Ok(());
        };
        let refused = || wrong(&value);
        if column.kind == Kind::Text && !self.is_text {
            return Err(refused());
        }
        match column.kind {
            Kind::Text => self.printer.cell(b't', value.replace("_x005F_", "_").as_bytes()),
            Kind::Money => {
                let amount = Money::parse(&value).map_err(|_| refused())?;
                self.printer.cell(b'm', &amount.unscaled().to_le_bytes());
            }
            Kind::Rate => {
                let rate = Rate::parse(&value).map_err(|_| refused())?;
                self.printer.cell(b'r', &rate.unscaled().to_le_bytes());
            }
            Kind::Date => {
                let serial = || Day::from_epoch_days(value.parse::<i32>().ok()? - EPOCH_SERIAL);
                let day = if self.is_text { Day::parse(&value) } else { serial() }.ok_or_else(refused)?;
                self.printer.cell(b'd', &day.epoch_days().to_le_bytes());
            }
            Kind::Time if self.is_text => self.printer.cell(b'x', value.as_bytes()),
            Kind::Time => {
                let second = local_second(&value).ok_or_else(refused)?;
                self.printer.local_second(second);
            }
            Kind::Count => {
                let count: i64 = value.parse().map_err(|_| refused())?;
                self.printer.cell(b'c', &count.to_le_bytes());
            }
        }
        Ok(())
    }
}

/// The second of the local clock that a serial with ten decimals names.
fn local_second(serial: &str) -> Option<i64> {
    const DECIMALS: usize = 10;
    let (day, decimals) = serial.split_once('.')?;
    let day: i64 = day.parse().ok()?;
    let fraction: i64 = Some(decimals).filter(|text| text.len() == DECIMALS)?.parse().ok()?;
    let unit = 10_i64.pow(10);
    let seconds = (fraction * 86_400 + unit / 2) / unit;
    Some((day - i64::from(EPOCH_SERIAL)) * 86_400 + seconds)
}
