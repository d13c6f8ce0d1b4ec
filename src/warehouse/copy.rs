//! Rows in PostgreSQL's binary COPY format: exact, without quoting, and a third of the server's work for text.
//!
//! Written by hand, because money is an integer here: a NUMERIC in that format is groups of four decimal digits, and
//! ten-thousandths fall into them without a division too many.

use crate::output::RowSink;
use crate::record::{CellSink, Column, Dataset, Day, Money, Rate, Stamp};
use crate::{Error, Result};

/// Days from 1970-01-01 to PostgreSQL's 2000-01-01.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 10_957 * 86_400 * 1_000_000;
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
const NULL: i32 = -1;
const BASE: u64 = 10_000;

/// Gathers rows until they are sent.
#[derive(Debug)]
pub(super) struct BinaryRows {
    dataset: &'static Dataset,
    bytes: Vec<u8>,
    /// The cell that comes next.
    at: usize,
    /// What cannot be held, of the row that is coming in.
    refused: Option<&'static Column>,
}

impl BinaryRows {
    /// Begins with the header.
    pub(super) fn new(dataset: &'static Dataset) -> BinaryRows {
        let mut bytes = SIGNATURE.to_vec();
        // No flags, no extension.
        bytes.extend_from_slice(&[0; 8]);
        BinaryRows { dataset, bytes, at: 0, refused: None }
    }

    /// What is to be sent, once it is at least `least` bytes.
    pub(super) fn take(&mut self, least: usize) -> Option<Vec<u8>> {
        (self.bytes.len() >= least && self.at == 0).then(|| std::mem::take(&mut self.bytes))
    }

    /// The rest, with the trailer.
    pub(super) fn finish(mut self) -> Vec<u8> {
        assert_eq!(self.at, 0, "COPY takes whole rows");
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        self.bytes
    }

    fn begin_cell(&mut self) {
        if self.at == 0 {
            let columns = i16::try_from(self.dataset.columns.len()).expect("datasets have few columns");
            self.bytes.extend_from_slice(&columns.to_be_bytes());
        }
        self.at += 1;
    }

    fn cell(&mut self, value: Option<&[u8]>) {
        self.begin_cell();
        let length = value.map_or(NULL, |value| i32::try_from(value.len()).expect("cells are far below 2 GiB"));
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value.unwrap_or_default());
    }

    fn numeric(&mut self, unscaled: Option<i64>, scale: u16) {
        let number = unscaled.map(|unscaled| numeric(unscaled, scale));
        self.cell(number.as_deref());
    }
}

impl CellSink for BinaryRows {
    fn text(&mut self, value: Option<&str>) {
        if value.is_some_and(|text| text.contains('\0')) {
            self.refused = self.refused.or(Some(&self.dataset.columns[self.at]));
        }
        self.cell(value.map(str::as_bytes));
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        self.numeric(value.map(Money::unscaled), 4);
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.numeric(value.map(Rate::unscaled), 8);
    }

    fn date(&mut self, value: Option<Day>) {
        let days = value.map(|day| (day.epoch_days() - EPOCH_DAYS).to_be_bytes());
        self.cell(days.as_ref().map(<[u8; 4]>::as_slice));
    }

    fn time(&mut self, value: Option<Stamp>) {
        let micros = value.map(|at| (at.utc_micros() - EPOCH_MICROS).to_be_bytes());
        self.cell(micros.as_ref().map(<[u8; 8]>::as_slice));
    }

    fn count(&mut self, value: i64) {
        self.cell(Some(&value.to_be_bytes()));
    }
}

impl RowSink for BinaryRows {
    fn end_row(&mut self) -> Result<()> {
        assert_eq!(self.at, self.dataset.columns.len(), "rows are handed over whole");
        self.at = 0;
        match self.refused.take() {
            None => Ok(()),
            Some(column) => Err(Error::environment(format!(
                "expected a text that PostgreSQL can hold in '{}' of {}, found one with the character U+0000; nothing was \
                 changed",
                column.name, self.dataset.name
            ))
            .hint("texts are never altered: leave the day out with --window, or load it into SQLite or DuckDB")),
        }
    }
}

/// A decimal as PostgreSQL sends it: groups of four digits, where the first stands, sign, decimals shown. `scale` is a
/// multiple of four.
fn numeric(unscaled: i64, scale: u16) -> Vec<u8> {
    let mut groups: Vec<u16> = Vec::with_capacity(5);
    let mut left = unscaled.unsigned_abs();
    while left > 0 {
        groups.push(u16::try_from(left % BASE).expect("below the base"));
        left /= BASE;
    }
    let count = i16::try_from(groups.len()).expect("at most five groups");
    let weight = if count == 0 { 0 } else { count - 1 - i16::try_from(scale / 4).expect("small") };
    let sign: u16 = if unscaled < 0 { 0x4000 } else { 0 };
    let mut bytes = Vec::with_capacity(8 + 2 * groups.len());
    bytes.extend_from_slice(&count.to_be_bytes());
    bytes.extend_from_slice(&weight.to_be_bytes());
    bytes.extend_from_slice(&sign.to_be_bytes());
    bytes.extend_from_slice(&scale.to_be_bytes());
    groups.iter().rev().for_each(|group| bytes.extend_from_slice(&group.to_be_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What PostgreSQL makes of the bytes, by its documentation.
    fn read(bytes: &[u8]) -> (i128, u16) {
        let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let (count, weight) = (usize::from(word(0)), i32::from(word(2).cast_signed()));
        let mut value: i128 = 0;
        for index in 0..count {
            value = value * 10_000 + i128::from(word(8 + 2 * index));
        }
        let groups_behind_the_point = i32::try_from(count).expect("few") - 1 - weight;
        let scale = i32::from(word(6));
        let shift = scale / 4 - groups_behind_the_point;
        assert!(shift >= 0 || count == 0, "no digit may lie behind the decimals shown");
        let value = value * 10_000_i128.pow(shift.max(0).unsigned_abs());
        (if word(4) == 0x4000 { -value } else { value }, word(6))
    }

    proptest! {
        #[test]
        fn every_amount_is_the_same_number_in_postgresql(unscaled in any::<i64>(), is_rate in any::<bool>()) {
            let scale = if is_rate { 8 } else { 4 };
            prop_assert_eq!(read(&numeric(unscaled, scale)), (i128::from(unscaled), scale));
        }
    }

    #[test]
    fn the_edges_are_too() {
        for unscaled in [0, 1, -1, 9_999, 10_000, -10_001, 99_999_999, 100_000_000, i64::MAX, i64::MIN] {
            assert_eq!(read(&numeric(unscaled, 4)), (i128::from(unscaled), 4));
            assert_eq!(read(&numeric(unscaled, 8)), (i128::from(unscaled), 8));
        }
    }
}
