//! The first phase: an owner's rows become lines of CSV and packed rows of the lake. It is a pure function, so that
//! several threads may encode several owners at once; [`super::Publication::append`] puts the results in order.

use crate::record::{Dataset, Day, Row};

use super::csv::CsvSink;
use super::fan::{Both, Maybe};
use super::packed::Packer;
use super::sealed::{Hashers, SealedDays};
use super::totals::{Summing, Totals};

/// Bytes of a line of CSV, and of a packed row: by these, room is made.
const LINE_BYTES_ABOUT: usize = 192;
const PACKED_BYTES_ABOUT: usize = 144;

/// Encodes rows of one dataset. Cheap to copy, and usable on any thread.
#[derive(Debug, Clone, Copy)]
pub struct Encoder {
    dataset: &'static Dataset,
    csv: bool,
}

impl Encoder {
    pub(super) fn new(dataset: &'static Dataset, csv: bool) -> Encoder {
        Encoder { dataset, csv }
    }

    /// Encodes rows that stand one behind the other in the report. Encoding an owner's rows in several parts and
    /// appending them in order comes to the same; it bounds the memory of an owner with very many rows.
    pub fn encode<'r, R: Row + 'r>(&self, rows: impl IntoIterator<Item = &'r R>) -> Encoded {
        let (rows, mut encoded) = (rows.into_iter(), self.empty());
        encoded.make_room(rows.size_hint().0);
        for row in rows {
            encoded.push(row);
        }
        if let Some(lake) = &mut encoded.lake {
            lake.seal();
        }
        encoded
    }

    /// Nothing yet: rows are pushed one by one.
    pub fn empty(&self) -> Encoded {
        Encoded {
            dataset: self.dataset,
            csv: self.csv.then(CsvSink::new),
            // Packed even for a job without a lake: the days are sealed by the packed rows.
            lake: self.dataset.in_lake.then(LakeRows::default),
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
    /// Runs of rows of one day: the day, how many rows, and where in the packed bytes they end.
    runs: Vec<(Day, u64, usize)>,
    hashers: Hashers,
    /// The digests of the days, unless rows came after they were made.
    sealed: Option<SealedDays>,
    /// How many runs are hashed, and how far that is.
    hashed: (usize, usize),
    /// What other rows left.
    left: (Hashers, Option<SealedDays>),
}

impl Encoded {
    /// Adds a row behind the others.
    pub fn push<R: Row>(&mut self, row: &R) {
        assert!(std::ptr::eq(row.dataset(), self.dataset), "a row goes to its own dataset");
        let lake = Maybe(self.lake.as_mut().map(|lake| &mut lake.packer));
        row.write_cells(&mut Both(Maybe(self.csv.as_mut()), lake));
        self.summing.add_row(row);
        if let Some(csv) = &mut self.csv {
            csv.end_row();
        }
        if let Some(lake) = &mut self.lake {
            lake.end_row(row.day().expect("every row of a dataset in the lake has a day"));
        }
    }

    /// Room for rows, so that what is there is not copied each time it outgrows its place.
    fn make_room(&mut self, rows: usize) {
        if let Some(csv) = &mut self.csv {
            csv.make_room(rows * LINE_BYTES_ABOUT);
        }
        if let Some(lake) = &mut self.lake {
            lake.packer.make_room(rows * PACKED_BYTES_ABOUT);
        }
    }

    /// The dataset, what the rows sum up to, the lines, and the rows of a dataset that is sealed.
    pub(super) fn parts(&mut self) -> (&'static Dataset, &Totals, &[u8], Option<&mut LakeRows>) {
        let lines = self.csv.as_ref().map(CsvSink::bytes).unwrap_or_default();
        (self.dataset, self.summing.totals(), lines, self.lake.as_mut())
    }
}

impl LakeRows {
    fn end_row(&mut self, day: Day) {
        self.sealed = None;
        let end = self.packer.len();
        let is_open = self.hashed.0 < self.runs.len();
        match self.runs.last_mut() {
            Some((last, rows, last_end)) if *last == day && is_open => (*rows, *last_end) = (*rows + 1, end),
            _ => {
                // Runs that are whole, while their bytes are still near.
                self.hash();
                self.runs.push((day, 1, end));
            }
        }
    }

    /// Hashes the runs that are not hashed yet; a row that follows begins another run.
    fn hash(&mut self) {
        let (first, mut start) = self.hashed;
        for (day, rows, end) in &self.runs[first..] {
            self.hashers.add(*day, &self.packer.bytes()[start..*end], *rows);
            start = *end;
        }
        self.hashed = (self.runs.len(), start);
    }

    /// Makes the digests of the days, on whatever thread this is.
    fn seal(&mut self) {
        self.hash();
        self.sealed = Some(self.hashers.digests());
    }

    /// The packed rows, run by run.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Day, &[u8])> {
        self.places().map(|(day, _, at)| (day, &self.packer.bytes()[at]))
    }

    /// Each run's day, how many rows it has, and where they stand in the packed bytes.
    pub(super) fn places(&self) -> impl Iterator<Item = (Day, u64, std::ops::Range<usize>)> {
        let mut start = 0;
        self.runs.iter().map(move |(day, rows, end)| {
            let at = start..*end;
            start = *end;
            (*day, *rows, at)
        })
    }

    /// All packed rows.
    pub(super) fn packed(&self) -> &[u8] {
        self.packer.bytes()
    }

    /// The days' hashes, to be gone on with, and the digests that they come to so far.
    pub(super) fn take_hashes(&mut self) -> (Hashers, SealedDays) {
        self.hash();
        let sealed = self.sealed.take().unwrap_or_else(|| self.hashers.digests());
        (std::mem::take(&mut self.hashers), sealed)
    }

    /// Holds what nobody wants any more of other rows, so that it ends where these do.
    pub(super) fn hold(&mut self, left: (Hashers, Option<SealedDays>)) {
        self.left = left;
    }
}
