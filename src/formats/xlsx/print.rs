//! What rows say, as a number: by it a sheet that was read back is compared with the rows themselves.

use sha2::{Digest, Sha256};

use super::shown;
use crate::record::{CellSink, Day, Money, Rate, Stamp};

/// How many rows, and the sum of their hashes: parts can be added in any order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Print {
    pub(super) rows: u64,
    hash: u128,
}

impl Print {
    pub(super) fn add(&mut self, other: Print) {
        self.rows += other.rows;
        self.hash = self.hash.wrapping_add(other.hash);
    }
}

/// Makes the print of rows cell by cell. A cell is hashed by what it means, so that the reader of a sheet comes to the same.
#[derive(Debug, Default)]
pub(super) struct Printer {
    row: Sha256,
    print: Print,
}

impl Printer {
    pub(super) fn new() -> Printer {
        Printer::default()
    }

    pub(super) fn end_row(&mut self) {
        let hash: [u8; 32] = self.row.finalize_reset().into();
        let (first, _) = hash.split_at(16);
        let hash = u128::from_le_bytes(first.try_into().expect("sixteen bytes"));
        self.print.add(Print { rows: 1, hash });
    }

    pub(super) fn print(self) -> Print {
        self.print
    }

    pub(super) fn cell(&mut self, kind: u8, value: &[u8]) {
        self.row.update([kind]);
        self.row.update(value.len().to_le_bytes());
        self.row.update(value);
    }

    pub(super) fn empty(&mut self) {
        self.cell(b'-', b"");
    }

    pub(super) fn local_second(&mut self, second: i64) {
        self.cell(b'i', &second.to_le_bytes());
    }
}

impl CellSink for Printer {
    fn text(&mut self, value: Option<&str>) {
        match value {
            Some(text) => self.cell(b't', shown(text).as_bytes()),
            None => self.empty(),
        }
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        match value {
            Some(amount) => self.cell(b'm', &amount.unscaled().to_le_bytes()),
            None => self.empty(),
        }
    }

    fn rate(&mut self, value: Option<Rate>) {
        match value {
            Some(rate) => self.cell(b'r', &rate.unscaled().to_le_bytes()),
            None => self.empty(),
        }
    }

    fn date(&mut self, value: Option<Day>) {
        match value {
            Some(day) => self.cell(b'd', &day.epoch_days().to_le_bytes()),
            None => self.empty(),
        }
    }

    fn time(&mut self, value: Option<Stamp>) {
        match value {
            // With fractions of a second the whole text is kept.
            Some(stamp) if stamp.utc_micros() % 1_000_000 != 0 => self.cell(b'x', stamp.text().as_bytes()),
            Some(stamp) => self.local_second(stamp.local_micros().div_euclid(1_000_000)),
            None => self.empty(),
        }
    }

    fn count(&mut self, value: i64) {
        self.cell(b'c', &value.to_le_bytes());
    }
}
