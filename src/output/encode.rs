//! The first phase: an owner's rows become lines of CSV and packed rows of the lake. It is a pure function, so that
//! several threads may encode several owners at once; [`super::Publication::append`] puts the results in order.

use crate::record::{Dataset, Day, Row};

use super::csv::CsvSink;
use super::fan::{Both, Maybe, To};
use super::packed::Packer;
use super::totals::{Summing, Totals};

/// Encodes rows of one dataset. Cheap to copy, and usable on any thread.
#[derive(Debug, Clone, Copy)]
pub struct Encoder {
    dataset: &'static Dataset,
    csv: bool,
    lake: bool,
}

impl Encoder {
    pub(super) fn new(dataset: &'static Dataset, csv: bool, lake: bool) -> Encoder {
        Encoder { dataset, csv, lake: lake && dataset.in_lake }
    }

    /// Encodes rows that stand one behind the other in the report. Encoding an owner's rows in several parts and
    /// appending them in order comes to the same; it bounds the memory of an owner with very many rows.
    pub fn encode<'r, R: Row + 'r>(&self, rows: impl IntoIterator<Item = &'r R>) -> Encoded {
        let mut encoded = self.empty();
        for row in rows {
            encoded.push(row);
        }
        encoded
    }

    /// Nothing yet: rows are pushed one by one.
    pub fn empty(&self) -> Encoded {
        Encoded {
            dataset: self.dataset,
            csv: self.csv.then(CsvSink::new),
            lake: self.lake.then(LakeRows::default),
            summing: Summing::new(self.dataset),
        }
    }
}

/// Rows of one dataset, ready to be appended to its report and its partitions.
#[derive(Debug)]
pub struct Encoded {
    dataset: &'static Dataset,
    csv: Option<CsvSink>,
    lake: Option<LakeRows>,
    summing: Summing,
}

/// Packed rows and the days they belong to.
#[derive(Debug, Default)]
pub(super) struct LakeRows {
    packer: Packer,
    /// Runs of rows of one day: the day, and where in the packed bytes its rows end.
    runs: Vec<(Day, usize)>,
}

impl Encoded {
    /// Adds a row behind the others.
    pub fn push<R: Row>(&mut self, row: &R) {
        assert!(std::ptr::eq(row.dataset(), self.dataset), "a row goes to its own dataset");
        let lake = Maybe(self.lake.as_mut().map(|lake| &mut lake.packer));
        row.write_cells(&mut Both(Maybe(self.csv.as_mut()), Both(lake, To(&mut self.summing))));
        if let Some(csv) = &mut self.csv {
            csv.end_row();
        }
        if let Some(lake) = &mut self.lake {
            lake.end_row(row.day().expect("every row of a dataset in the lake has a day"));
        }
    }

    /// The dataset of its rows.
    pub fn dataset(&self) -> &'static Dataset {
        self.dataset
    }

    /// What its rows sum up to.
    pub fn totals(&self) -> &Totals {
        self.summing.totals()
    }

    pub(super) fn into_parts(self) -> (Vec<u8>, LakeRows) {
        (self.csv.map(CsvSink::into_bytes).unwrap_or_default(), self.lake.unwrap_or_default())
    }
}

impl LakeRows {
    fn end_row(&mut self, day: Day) {
        let end = self.packer.len();
        match self.runs.last_mut() {
            Some((last, last_end)) if *last == day => *last_end = end,
            _ => self.runs.push((day, end)),
        }
    }

    /// The packed rows, run by run.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Day, &[u8])> {
        let mut start = 0;
        self.runs.iter().map(move |(day, end)| {
            let rows = &self.packer.bytes()[start..*end];
            start = *end;
            (*day, rows)
        })
    }
}
