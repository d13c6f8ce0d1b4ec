//! Rows packed for the short way from the first phase to the second: what the lake needs of a row, in few bytes.
//!
//! Numbers are variable-length integers, one higher than they are so that 0 says null; instants are eight bytes; texts
//! are their length and their bytes, their length one higher too. Rows in this encoding are also what sealed days are
//! hashes of (see [`crate::state::Digest`]): a change of it makes every earlier day look changed.

use crate::record::{CellSink, Dataset, Day, Kind, Money, Rate, Stamp};
use crate::{Error, Result};

/// Stands for an instant that is null. No instant of the years 1900 to 2199 comes near it.
const NO_INSTANT: i64 = i64::MIN;

/// Packs rows, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Packer {
    bytes: Vec<u8>,
}

impl Packer {
    /// Forgets all rows, but not the room they took.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Room for more bytes.
    pub(super) fn make_room(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Bytes packed so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All that was packed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push((value & 0x7f) as u8);
    }

    /// A number well below 2^62 in magnitude, or null.
    fn signed(&mut self, value: Option<i64>) {
        // Small magnitudes of either sign become small: 0, -1, 1, -2 → 0, 1, 2, 3.
        self.unsigned(value.map_or(0, |value| ((value << 1) ^ (value >> 63)).cast_unsigned() + 1));
    }
}

impl CellSink for Packer {
    fn text(&mut self, value: Option<&str>) {
        let Some(text) = value else {
            return self.bytes.push(0);
        };
        self.unsigned(text.len() as u64 + 1);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        self.signed(value.map(Money::unscaled));
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.signed(value.map(Rate::unscaled));
    }

    fn date(&mut self, value: Option<Day>) {
        self.signed(value.map(|day| i64::from(day.epoch_days())));
    }

    fn time(&mut self, value: Option<Stamp>) {
        self.bytes.extend_from_slice(&value.map_or(NO_INSTANT, Stamp::utc_micros).to_le_bytes());
    }

    fn count(&mut self, value: i64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }
}

/// Hands the cells of the first packed row to `sink`; returns the rows behind it. The digits of its currency and the
/// local offset of its instants are not packed, as the lake does not hold them.
///
/// # Errors
/// When the bytes are not what was packed: the disk gave back something else.
pub(super) fn unpack<'a>(dataset: &Dataset, rows: &'a [u8], sink: &mut impl CellSink) -> Result<&'a [u8]> {
    let mut cells = Cells { rest: rows };
    for column in dataset.columns {
        cells.hand_over(column.kind, sink).ok_or_else(damaged)?;
    }
    Ok(cells.rest)
}

pub(super) fn damaged() -> Error {
    Error::environment("the scratch file holds something else than what was written to it")
        .hint("check the disk, then run the same command again")
}

/// Packed cells that are taken one by one. `None` is damage everywhere here.
pub(super) struct Cells<'a> {
    rest: &'a [u8],
}

impl<'a> Cells<'a> {
    /// The cells of packed rows.
    pub(super) fn of(rows: &'a [u8]) -> Cells<'a> {
        Cells { rest: rows }
    }

    /// Whether no cell is left.
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The cells that are left.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn hand_over(&mut self, kind: Kind, sink: &mut impl CellSink) -> Option<()> {
        match kind {
            Kind::Text => sink.text(nested(self.text()?, |bytes| std::str::from_utf8(bytes).ok())?),
            Kind::Money => sink.money(nested(self.decimal()?, Money::from_unscaled)?, 0),
            Kind::Rate => sink.rate(self.decimal()?.map(Rate::from_unscaled)),
            Kind::Date => sink.date(nested(self.days()?, Day::from_epoch_days)?),
            Kind::Time => sink.time(self.instant()?.map(|micros| Stamp::new(micros, 0))),
            Kind::Count => sink.count(self.count()?),
        }
        Some(())
    }

    #[inline]
    fn unsigned(&mut self) -> Option<u64> {
        let (byte, rest) = self.rest.split_first()?;
        if byte & 0x80 == 0 {
            self.rest = rest;
            return Some(u64::from(*byte));
        }
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Days since 1970, of a day.
    #[allow(clippy::option_option, reason = "three outcomes: damaged, null, a day")]
    #[inline]
    pub(super) fn days(&mut self) -> Option<Option<i32>> {
        nested(self.signed()?, |days| Day::from_epoch_days(i32::try_from(days).ok()?).map(Day::epoch_days))
    }

    /// Microseconds since 1970.
    #[allow(clippy::option_option, reason = "three outcomes: damaged, null, an instant")]
    #[inline]
    pub(super) fn instant(&mut self) -> Option<Option<i64>> {
        self.count().map(|micros| (micros != NO_INSTANT).then_some(micros))
    }

    /// An amount or a rate without its point. Both have 18 digits at most.
    #[allow(clippy::option_option, reason = "three outcomes: damaged, null, a number")]
    #[inline]
    pub(super) fn decimal(&mut self) -> Option<Option<i64>> {
        nested(self.signed()?, |unscaled| Money::from_unscaled(unscaled).map(Money::unscaled))
    }

    #[allow(clippy::option_option, reason = "three outcomes: damaged, null, a number")]
    #[inline]
    fn signed(&mut self) -> Option<Option<i64>> {
        let folded = match self.unsigned()? {
            0 => return Some(None),
            above => above - 1,
        };
        Some(Some((folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()))
    }

    /// A count.
    #[inline]
    pub(super) fn count(&mut self) -> Option<i64> {
        let (bytes, rest) = self.rest.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(i64::from_le_bytes(*bytes))
    }

    /// The bytes of a text, which whoever takes them must look at.
    #[allow(clippy::option_option, reason = "three outcomes: damaged, null, a text")]
    #[inline]
    pub(super) fn text(&mut self) -> Option<Option<&'a [u8]>> {
        let length = match self.unsigned()? {
            0 => return Some(None),
            above => usize::try_from(above - 1).ok()?,
        };
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Some(text))
    }
}

/// Null stays null; a value that `make` refuses is damage.
#[allow(clippy::option_option, reason = "three outcomes: damaged, null, a value")]
#[inline]
fn nested<P, T>(value: Option<P>, make: impl FnOnce(P) -> Option<T>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(value) => make(value).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{Cell, Recorder, replay, rows};
    use super::*;
    use crate::record::dataset::CARD_TRANSACTIONS;

    #[test]
    fn packed_rows_come_back_whole() {
        for (dataset, cells) in rows() {
            let mut packer = Packer::default();
            replay(&cells, &mut packer);
            replay(&cells, &mut packer);
            let (mut first, mut second) = (Recorder::default(), Recorder::default());
            let rest = unpack(dataset, packer.bytes(), &mut first).expect("what was packed");
            let rest = unpack(dataset, rest, &mut second).expect("what was packed");
            assert!(rest.is_empty());
            assert_eq!((&first.0, &second.0), (&cells, &cells), "{}", dataset.name);
        }
    }

    /// A card's cells with these values in each kind of cell.
    fn cells(text: &str, unscaled: Option<i64>, micros: Option<i64>, days: i32) -> Vec<Cell> {
        let cell = |kind| match kind {
            Kind::Text => Cell::Text(Some(text.to_owned())),
            Kind::Money => Cell::Money(unscaled.and_then(Money::from_unscaled)),
            Kind::Rate => Cell::Rate(unscaled),
            Kind::Date => Cell::Date(Day::from_epoch_days(days)),
            Kind::Time => Cell::Time(micros),
            Kind::Count => Cell::Count(i64::from(days)),
        };
        CARD_TRANSACTIONS.columns.iter().map(|column| cell(column.kind)).collect()
    }

    proptest! {
        #[test]
        fn any_value_comes_back(
            text in ".{0,200}",
            unscaled in proptest::option::of(-999_999_999_999_999_999_i64..=999_999_999_999_999_999),
            micros in proptest::option::of(-2_208_988_800_000_000_i64..7_258_118_400_000_000),
            days in -25_567..84_005_i32,
        ) {
            let cells = cells(&text, unscaled, micros, days);
            let (mut packer, mut recorder) = (Packer::default(), Recorder::default());
            replay(&cells, &mut packer);
            let rest = unpack(&CARD_TRANSACTIONS, packer.bytes(), &mut recorder).expect("what was packed");
            prop_assert!(rest.is_empty());
            prop_assert_eq!(recorder.0, cells);
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = unpack(&CARD_TRANSACTIONS, &bytes, &mut Recorder::default());
            let mut columns = super::super::columns::Columns::new(&CARD_TRANSACTIONS);
            if columns.unpack(&bytes, 10).is_ok() {
                let _ = columns.take();
            }
        }
    }

    #[test]
    fn a_number_of_more_digits_than_a_column_holds_is_damage() {
        for kind in [Kind::Money, Kind::Rate] {
            let mut cells = cells("text", Some(1), Some(0), 0);
            let place = CARD_TRANSACTIONS.columns.iter().position(|column| column.kind == kind).expect("has one");
            cells[place] = Cell::Rate(Some(1_000_000_000_000_000_000));
            let mut packer = Packer::default();
            replay(&cells, &mut packer);
            assert!(unpack(&CARD_TRANSACTIONS, packer.bytes(), &mut Recorder::default()).is_err(), "{kind:?}");
            let mut columns = super::super::columns::Columns::new(&CARD_TRANSACTIONS);
            assert!(columns.unpack(packer.bytes(), 1).is_err(), "{kind:?}");
        }
    }

    #[test]
    fn a_row_that_is_cut_off_is_told() {
        let mut packer = Packer::default();
        replay(&rows()[0].1, &mut packer);
        for length in 0..packer.len() {
            let error = unpack(rows()[0].0, &packer.bytes()[..length], &mut Recorder::default());
            assert!(error.is_err(), "{length} bytes");
        }
    }
}
