//! Learning what `date_start` and `date_end` mean for card transactions.
//!
//! A card transaction has the day it was processed (`date`, by which it is booked) and often the earlier day it was made
//! (`date_transaction`). The provider does not say which of them it filters. The rows tell: one that was listed although
//! its `date` lies outside the range asked for cannot have been found by `date`. If it filters by `date_transaction`,
//! rows made before the window and processed within it must be asked for as well.

use std::fmt;

use chrono::TimeDelta;

use crate::record::time::Clock;
use crate::record::{Stamp, Window, Zone};

/// A clock that is not the provider's may shift a day's edge by as much; such rows tell nothing.
const EDGE_S: i64 = TimeDelta::hours(3).num_seconds();
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days before the window in which a card may have been used and the processing still falls into the window.
const MARGIN_DAYS: i32 = 31;

/// What the rows have told so far.
#[derive(Debug)]
pub struct DateFilter {
    clock: Clock,
    rows_with_both: u64,
    found_by_date: u64,
    found_by_transaction: u64,
    found_by_neither: u64,
}

/// What the filter means, as far as the rows tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No row carried both dates: there is nothing to tell apart.
    NoRows,
    /// Rows carried both, but always on the same side of the range.
    Unknown,
    /// By `date`, as the windows of this tool do.
    Date,
    /// By `date_transaction`.
    DateTransaction,
    /// Rows came that neither would have found.
    Neither,
    /// Some rows can only have been found by one, some only by the other.
    Contradictory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Edge,
    Outside,
}

impl DateFilter {
    /// An observer of rows whose times are printed in `zone`.
    pub fn new(zone: Zone) -> Self {
        Self {
            clock: Clock::new(zone),
            rows_with_both: 0,
            found_by_date: 0,
            found_by_transaction: 0,
            found_by_neither: 0,
        }
    }

    /// Takes a row that was listed when `asked` was asked for.
    pub fn observe(&mut self, asked: Window, date: &str, date_transaction: &str) {
        let (Some(date), Some(made)) = (self.clock.parse(date), self.clock.parse(date_transaction)) else {
            return;
        };
        self.rows_with_both += 1;
        match (side(asked, date), side(asked, made)) {
            (Side::Inside, Side::Outside) => self.found_by_date += 1,
            (Side::Outside, Side::Inside) => self.found_by_transaction += 1,
            (Side::Outside, Side::Outside) => self.found_by_neither += 1,
            _ => {}
        }
    }

    /// What is known now.
    pub fn verdict(&self) -> Verdict {
        match (self.found_by_date > 0, self.found_by_transaction > 0) {
            _ if self.found_by_neither > 0 => Verdict::Neither,
            (true, true) => Verdict::Contradictory,
            (true, false) => Verdict::Date,
            (false, true) => Verdict::DateTransaction,
            (false, false) if self.rows_with_both > 0 => Verdict::Unknown,
            (false, false) => Verdict::NoRows,
        }
    }
}

impl Verdict {
    /// Whether the days before the window must be read too.
    pub fn needs_margin(self) -> bool {
        matches!(self, Verdict::DateTransaction | Verdict::Contradictory)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::NoRows => "not told: no card transaction carried a date_transaction beside its date",
            Verdict::Unknown => "not told: no card transaction had its date and its date_transaction on different sides \
                                 of a range asked for",
            Verdict::Date => "date_start and date_end filter card transactions on date",
            Verdict::DateTransaction => {
                "date_start and date_end filter card transactions on date_transaction; the 31 days before the window \
                 were read as well"
            }
            Verdict::Neither => {
                "date_start and date_end did not filter card transactions: rows came that lie outside the range by both \
                 of their dates"
            }
            Verdict::Contradictory => {
                "date_start and date_end filter card transactions on date for some rows and on date_transaction for \
                 others; the 31 days before the window were read as well"
            }
        })
    }
}

/// The range asked for: a day more at both ends than the window, because nobody promises that the ends are included.
pub fn asked_range(window: Window) -> Window {
    Window { from: window.from.previous(), to: window.to.next() }
}

/// The days before [`asked_range`] in which a transaction of the window may have been made.
pub fn margin_range(window: Window) -> Window {
    Window { from: window.from.plus(-MARGIN_DAYS), to: window.from.plus(-2) }
}

fn side(asked: Window, stamp: Stamp) -> Side {
    let at = stamp.local_micros();
    let begin = i64::from(asked.from.epoch_days()) * MICROS_PER_DAY;
    let end = (i64::from(asked.to.epoch_days()) + 1) * MICROS_PER_DAY;
    let edge = EDGE_S * MICROS_PER_SECOND;
    if (begin..end).contains(&at) {
        Side::Inside
    } else if (begin - edge..end + edge).contains(&at) {
        Side::Edge
    } else {
        Side::Outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Day;

    fn window(from: &str, to: &str) -> Window {
        let day = |text| Day::parse(text).expect("a day");
        Window::new(day(from), day(to)).expect("a window")
    }

    fn verdict(rows: &[(&str, &str)]) -> Verdict {
        let mut filter = DateFilter::new(Zone::parse("Europe/Paris").expect("a zone"));
        for (date, made) in rows {
            filter.observe(window("2026-01-10", "2026-01-20"), date, made);
        }
        filter.verdict()
    }

    #[test]
    fn rows_tell_by_which_date_they_were_found() {
        let same = ("2026-01-12 10:00:00", "2026-01-11 09:00:00");
        let by_date = ("2026-01-10 10:00:00", "2026-01-07 09:00:00");
        let by_transaction = ("2026-01-22 10:00:00", "2026-01-19 09:00:00");
        let by_neither = ("2026-02-22 10:00:00", "2026-02-19 09:00:00");
        assert_eq!(verdict(&[]), Verdict::NoRows);
        assert_eq!(verdict(&[same]), Verdict::Unknown);
        assert_eq!(verdict(&[same, by_date]), Verdict::Date);
        assert_eq!(verdict(&[same, by_transaction]), Verdict::DateTransaction);
        assert_eq!(verdict(&[by_date, by_transaction]), Verdict::Contradictory);
        assert_eq!(verdict(&[by_date, by_neither]), Verdict::Neither);
    }

    #[test]
    fn rows_at_a_days_edge_tell_nothing() {
        assert_eq!(verdict(&[("2026-01-21 01:30:00", "2026-01-19 09:00:00")]), Verdict::Unknown);
        assert_eq!(verdict(&[("2026-01-21 03:30:00", "2026-01-19 09:00:00")]), Verdict::DateTransaction);
        assert_eq!(verdict(&[("2026-01-11 01:30:00", "2026-01-09 22:00:00")]), Verdict::Unknown);
    }

    #[test]
    fn what_is_no_time_tells_nothing() {
        assert_eq!(verdict(&[("soon", "2026-01-01"), ("2026-01-01", "0000-00-00")]), Verdict::NoRows);
    }

    #[test]
    fn ranges_meet_without_overlap() {
        let window = window("2026-03-05", "2026-03-11");
        assert_eq!(asked_range(window).to_string(), "2026-03-04_2026-03-12");
        assert_eq!(margin_range(window).to_string(), "2026-02-02_2026-03-03");
    }
}
