//! Spans of sealed days: what is committed of an owner's days in a dataset, 16 of them to a row of the database, which
//! thus stays below what SQLite moves to a page of its own.
//!
//! A row a day would be most of what a commit costs. A span's days stand one behind the other in a blob, each in the
//! same few bytes: its place in the span, its number of rows, its closing balance, the digest.

use std::ops::RangeInclusive;

use super::Digest;
use crate::record::{Day, Money, Window};

/// Days of a span.
const DAYS: i32 = 16;

/// 16 days, counted from 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Span(pub i32);

impl Span {
    /// The span that a day lies in.
    pub(crate) fn of(day: Day) -> Span {
        Span(day.epoch_days().div_euclid(DAYS))
    }

    /// The spans that a window touches, by their numbers.
    pub(super) fn touched_by(window: Window) -> RangeInclusive<i32> {
        Span::of(window.from).0..=Span::of(window.to).0
    }

    /// Whether all of its days lie in the window.
    pub(super) fn lies_in(self, window: Window) -> bool {
        let first = self.0 * DAYS;
        window.from.epoch_days() <= first && first + (DAYS - 1) <= window.to.epoch_days()
    }
}

/// What is committed of one owner's day in one dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealedDay {
    pub day: Day,
    pub rows: u64,
    pub digest: Digest,
    /// In balances: the closing balance that the state holds for the day.
    pub closing: Option<Money>,
}

/// Bytes of a day: its place, whether it has a closing, rows, closing, digest.
pub(crate) const DAY_BYTES: usize = 1 + 1 + 4 + 8 + 32;

impl SealedDay {
    /// Puts it behind the days of its span.
    pub(crate) fn push(&self, span: &mut Vec<u8>) {
        let place = self.day.epoch_days().rem_euclid(DAYS);
        span.push(u8::try_from(place).expect("a place among 16"));
        span.push(u8::from(self.closing.is_some()));
        span.extend_from_slice(&u32::try_from(self.rows).expect("an owner has fewer than 2^32 rows").to_le_bytes());
        span.extend_from_slice(&self.closing.map_or(0, Money::unscaled).to_le_bytes());
        span.extend_from_slice(&self.digest.0);
    }

    fn read(span: Span, bytes: &[u8; DAY_BYTES]) -> Option<SealedDay> {
        let (place, rest) = bytes.split_first_chunk::<2>()?;
        let (rows, rest) = rest.split_first_chunk::<4>()?;
        let (closing, digest) = rest.split_first_chunk::<8>()?;
        let closing = match place[1] {
            0 => None,
            _ => Some(Money::from_unscaled(i64::from_le_bytes(*closing))?),
        };
        let days = span.0.checked_mul(DAYS)?.checked_add(i32::from(place[0]))?;
        Some(SealedDay {
            day: Day::from_epoch_days(days)?,
            rows: u64::from(u32::from_le_bytes(*rows)),
            digest: Digest(digest.try_into().ok()?),
            closing,
        })
    }
}

/// The days of a span, in the order in which they were put there; `None` where the bytes are nothing that was.
pub(super) fn days(span: Span, bytes: &[u8]) -> impl Iterator<Item = Option<SealedDay>> {
    let (whole, rest) = bytes.as_chunks::<DAY_BYTES>();
    let torn = (!rest.is_empty()).then_some(None);
    whole.iter().map(move |bytes| SealedDay::read(span, bytes)).chain(torn)
}

/// Whether these are days of a span in their order, at least one.
pub(super) fn is_sound(bytes: &[u8]) -> bool {
    let (whole, rest) = bytes.as_chunks::<DAY_BYTES>();
    let places = whole.iter().map(|day| i32::from(day[0]));
    !whole.is_empty() && rest.is_empty() && places.clone().is_sorted() && places.max() < Some(DAYS)
}

/// One day of a span, if it has rows; the outer `None` as in [`days`].
#[allow(clippy::option_option, reason = "three outcomes: damaged, no rows, a day")]
pub(super) fn day_of(span: Span, bytes: &[u8], day: Day) -> Option<Option<SealedDay>> {
    let place = u8::try_from(day.epoch_days().rem_euclid(DAYS)).ok()?;
    let (whole, rest) = bytes.as_chunks::<DAY_BYTES>();
    let found = whole.iter().find(|bytes| bytes[0] == place).map(|bytes| SealedDay::read(span, bytes));
    match found {
        None => rest.is_empty().then_some(None),
        Some(read) => read.map(Some),
    }
}

/// The days of a span that lie outside the window, and behind them those that the run brings; in the order of days.
pub(super) fn replaced(span: Span, before: &[u8], window: Window, now: &[u8]) -> Option<Vec<u8>> {
    let kept = days(span, before).filter(|day| day.is_none_or(|day| !window.contains(day.day)));
    let mut all = kept.chain(days(span, now)).collect::<Option<Vec<SealedDay>>>()?;
    all.sort_by_key(|day| day.day);
    let mut bytes = Vec::with_capacity(all.len() * DAY_BYTES);
    for day in &all {
        day.push(&mut bytes);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(day: i32, rows: u32, closing: Option<i64>) -> SealedDay {
        SealedDay {
            day: Day::from_epoch_days(day).expect("a day"),
            rows: u64::from(rows),
            digest: Digest::of(&rows.to_le_bytes()),
            closing: closing.map(|unscaled| Money::from_unscaled(unscaled).expect("an amount")),
        }
    }

    fn all(span: Span, bytes: &[u8]) -> Vec<SealedDay> {
        days(span, bytes).collect::<Option<_>>().expect("what was pushed")
    }

    proptest! {
        #[test]
        fn days_come_back(first in -25_000..84_000_i32, rows: Vec<(u32, Option<i32>)>) {
            let span = Span::of(Day::from_epoch_days(first).expect("a day"));
            let days: Vec<SealedDay> = (span.0 * DAYS..)
                .zip(rows.iter().take(16))
                .map(|(day, (rows, closing))| sealed(day, *rows, closing.map(i64::from)))
                .collect();
            let mut bytes = Vec::new();
            for day in &days {
                day.push(&mut bytes);
            }
            prop_assert_eq!(&all(span, &bytes), &days);
            for day in &days {
                prop_assert_eq!(Span::of(day.day), span);
                prop_assert_eq!(day_of(span, &bytes, day.day), Some(Some(*day)));
            }
        }

        #[test]
        fn damaged_bytes_never_panic(number: i32, bytes: Vec<u8>) {
            let _ = days(Span(number), &bytes).count();
            let _ = day_of(Span(number), &bytes, Day::from_epoch_days(0).expect("a day"));
        }
    }

    #[test]
    fn a_window_replaces_its_own_days_of_a_span() {
        let span = Span::of(Day::from_epoch_days(64).expect("a day"));
        let bytes = |days: &[SealedDay]| {
            let mut bytes = Vec::new();
            for day in days {
                day.push(&mut bytes);
            }
            bytes
        };
        let window = Window::new(sealed(66, 0, None).day, sealed(68, 0, None).day).expect("a window");
        let before =
            bytes(&[sealed(65, 1, None), sealed(66, 2, Some(-5)), sealed(68, 3, None), sealed(69, 4, Some(7))]);
        let now = bytes(&[sealed(67, 9, Some(1))]);
        let made = replaced(span, &before, window, &now).expect("days");
        assert_eq!(all(span, &made), [sealed(65, 1, None), sealed(67, 9, Some(1)), sealed(69, 4, Some(7))]);
        assert_eq!(replaced(span, &before[1..], window, &now), None);
        assert!(!span.lies_in(window));
        assert!(span.lies_in(Window { from: sealed(64, 0, None).day, to: sealed(79, 0, None).day }));
    }
}
