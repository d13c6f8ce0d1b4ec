//! Days, instants and the local clock of a provider.
//!
//! Providers print local times without an offset. Twice a year that is not enough: an hour is left out in spring and
//! one is lived twice in autumn. A time in the hour that is lived twice has two readings; the earlier one is taken until
//! the balance chain shows otherwise ([`Stamp::later`]).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use crate::planted::{Bug, is_planted};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A calendar day, as days since 1970-01-01. Years 1900 to 2199.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    const MIN: i32 = -25_567;
    const MAX: i32 = 84_005;

    /// The day that many days after 1970-01-01; `None` outside the years 1900 to 2199.
    pub fn from_epoch_days(days: i32) -> Option<Day> {
        (Day::MIN..=Day::MAX).contains(&days).then_some(Day(days))
    }

    /// Days since 1970-01-01.
    pub const fn epoch_days(self) -> i32 {
        self.0
    }

    /// Reads `YYYY-MM-DD` of a day that exists.
    pub fn parse(text: &str) -> Option<Day> {
        let bytes: &[u8; 10] = text.as_bytes().try_into().ok()?;
        if bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let (year, month, day) = (digits(&bytes[..4])?, digits(&bytes[5..7])?, digits(&bytes[8..])?);
        Day::from_date(NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)?)
    }

    /// From a calendar date.
    pub fn from_date(date: NaiveDate) -> Option<Day> {
        Day::from_epoch_days(date.num_days_from_ce() - 719_163)
    }

    /// As a calendar date.
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_num_days_from_ce_opt(self.0 + 719_163).expect("years 1900 to 2199 are dates")
    }

    /// The day `days` later (earlier when negative), kept within the years that are held.
    pub fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days).clamp(Day::MIN, Day::MAX))
    }

    /// The day after.
    pub fn next(self) -> Day {
        self.plus(1)
    }

    /// The day before.
    pub fn previous(self) -> Day {
        self.plus(-1)
    }

    /// Appends `YYYY-MM-DD`.
    pub fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.spelled());
    }

    /// `YYYY-MM-DD`.
    pub fn spelled(self) -> [u8; 10] {
        let (year, month, day) = self.civil();
        let mut text = *b"0000-00-00";
        for (at, part) in [(0, year / 100), (2, year % 100), (5, month), (8, day)] {
            text[at..at + 2].copy_from_slice(&two_digits(part));
        }
        text
    }

    /// Year, month and day of the Gregorian calendar, by counting from a March 1 that begins 400 years: a report spells
    /// millions of days, and this takes a few divisions. A test compares every day with chrono's.
    fn civil(self) -> (u32, u32, u32) {
        const DAYS_FROM_1600_03_01_TO_1970: i32 = 135_080;
        const DAYS_OF_400_YEARS: u32 = 146_097;
        let days = (self.0 + DAYS_FROM_1600_03_01_TO_1970).unsigned_abs();
        let (era, day_of_era) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let is_next_year = month_from_march >= 10;
        let month = if is_next_year { month_from_march - 9 } else { month_from_march + 3 };
        (1600 + era * 400 + year_of_era + u32::from(is_next_year), month, day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.date().format("%Y-%m-%d").to_string())
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Day::parse(text).ok_or_else(|| format!("expected a date as YYYY-MM-DD, found '{text}'"))
    }
}

/// Whole local days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// First day.
    pub from: Day,
    /// Last day; never before `from`.
    pub to: Day,
}

impl Window {
    /// The window from `from` to `to`, `None` when it ends before it begins.
    pub fn new(from: Day, to: Day) -> Option<Window> {
        (from <= to).then_some(Window { from, to })
    }

    /// Whether the day lies in it.
    pub fn contains(self, day: Day) -> bool {
        self.from <= day && day <= self.to
    }

    /// How many days it has.
    pub fn days(self) -> u32 {
        (self.to.0 - self.from.0).unsigned_abs() + 1
    }

    /// Its days in order.
    pub fn iter(self) -> impl Iterator<Item = Day> {
        (self.from.0..=self.to.0).map(Day)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.from, self.to)
    }
}

/// An instant with the offset of the local clock that showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    utc_micros: i64,
    offset_s: i32,
    /// Seconds to the second reading of a local time that was lived twice; 0 for all others.
    fold_s: i32,
}

impl Stamp {
    /// From an instant in microseconds since 1970 (UTC) and the local offset in seconds east.
    pub fn new(utc_micros: i64, offset_s: i32) -> Stamp {
        Stamp { utc_micros, offset_s, fold_s: 0 }
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn utc_micros(self) -> i64 {
        self.utc_micros
    }

    /// Seconds that the local clock was ahead of UTC.
    pub const fn offset_s(self) -> i32 {
        self.offset_s
    }

    /// The local day.
    pub fn day(self) -> Day {
        let local_s = self.local_micros().div_euclid(MICROS_PER_SECOND);
        let days = i32::try_from(local_s.div_euclid(SECONDS_PER_DAY)).unwrap_or(i32::MAX);
        Day(days.clamp(Day::MIN, Day::MAX))
    }

    /// What the local clock showed, as microseconds since its 1970-01-01 00:00:00: the order in which a provider that
    /// prints no offset sees its rows.
    pub const fn local_micros(self) -> i64 {
        self.utc_micros + self.offset_s as i64 * MICROS_PER_SECOND
    }

    /// Whether the local clock showed this time twice.
    pub const fn is_ambiguous(self) -> bool {
        self.fold_s != 0
    }

    /// The second reading of a time that was shown twice; the same stamp otherwise.
    pub fn later(self) -> Stamp {
        Stamp {
            utc_micros: self.utc_micros + i64::from(self.fold_s) * MICROS_PER_SECOND,
            offset_s: self.offset_s - self.fold_s,
            fold_s: 0,
        }
    }

    /// Appends RFC 3339 with the local offset; microseconds only where there are any.
    pub fn write(self, out: &mut Vec<u8>) {
        self.write_on(out, self.day().spelled());
    }

    /// As [`Stamp::write`], where its day is spelled already.
    pub fn write_on(self, out: &mut Vec<u8>, day: [u8; 10]) {
        let of_day = self.local_micros().rem_euclid(SECONDS_PER_DAY * MICROS_PER_SECOND);
        let (seconds, micros) = (narrow(of_day / MICROS_PER_SECOND), narrow(of_day % MICROS_PER_SECOND));
        let mut time = *b"T00:00:00";
        for (at, part) in [(1, seconds / 3600), (4, seconds / 60 % 60), (7, seconds % 60)] {
            time[at..at + 2].copy_from_slice(&two_digits(part));
        }
        out.extend_from_slice(&day);
        out.extend_from_slice(&time);
        if micros != 0 {
            let mut fraction = *b".000000";
            for (at, part) in [(1, micros / 10_000), (3, micros / 100 % 100), (5, micros % 100)] {
                fraction[at..at + 2].copy_from_slice(&two_digits(part));
            }
            out.extend_from_slice(&fraction);
        }
        let mut offset = *b"+00:00";
        if self.offset_s < 0 {
            offset[0] = b'-';
        }
        let minutes = self.offset_s.unsigned_abs() / 60;
        for (at, part) in [(1, minutes / 60), (4, minutes % 60)] {
            offset[at..at + 2].copy_from_slice(&two_digits(part));
        }
        out.extend_from_slice(&offset);
    }

    /// The RFC 3339 text.
    pub fn text(self) -> String {
        let mut out = Vec::with_capacity(32);
        self.write(&mut out);
        out.iter().map(|byte| char::from(*byte)).collect()
    }
}

/// A time zone of the IANA database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// The zone of that name, such as `Europe/Paris`.
    pub fn parse(name: &str) -> Option<Zone> {
        Tz::from_str(name).ok().map(Zone)
    }

    /// Its IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The zone as chrono knows it.
    pub fn tz(self) -> Tz {
        self.0
    }

    /// The local day at an instant.
    pub fn day_at(self, instant: DateTime<Utc>) -> Day {
        if is_planted(Bug::DayOffAtClockChange) {
            let offset = self.0.offset_from_utc_datetime(&(instant - chrono::TimeDelta::hours(12)).naive_utc()).fix();
            return Day::from_date(instant.with_timezone(&offset).date_naive()).unwrap_or(Day(Day::MAX));
        }
        Day::from_date(instant.with_timezone(&self.0).date_naive()).unwrap_or(Day(Day::MAX))
    }

    /// The local stamp of an instant in microseconds since 1970 (UTC).
    pub fn stamp_at(self, utc_micros: i64) -> Option<Stamp> {
        let instant = DateTime::from_timestamp_micros(utc_micros)?;
        let offset = self.0.offset_from_utc_datetime(&instant.naive_utc()).fix();
        Some(Stamp::new(utc_micros, offset.local_minus_utc()))
    }

    fn resolve(self, local: NaiveDateTime) -> Option<Stamp> {
        let micros = local.and_utc().timestamp_micros();
        let stamp = |offset_s: i32| Stamp::new(micros - i64::from(offset_s) * MICROS_PER_SECOND, offset_s);
        match self.0.offset_from_local_datetime(&local) {
            chrono::MappedLocalTime::Single(offset) => Some(stamp(offset.fix().local_minus_utc())),
            chrono::MappedLocalTime::Ambiguous(a, b) => {
                let (a, b) = (a.fix().local_minus_utc(), b.fix().local_minus_utc());
                let (first, second) = (a.max(b), a.min(b));
                Some(Stamp { fold_s: first - second, ..stamp(first) })
            }
            // The hour that is left out in spring: a clock that had not been put forward yet shows it.
            chrono::MappedLocalTime::None => {
                let before = self.0.offset_from_local_datetime(&(local - chrono::TimeDelta::hours(3))).earliest()?;
                self.stamp_at(stamp(before.fix().local_minus_utc()).utc_micros)
            }
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Days of which a clock remembers the offset: rows come in days, but each tells several times, some days apart.
const REMEMBERED_DAYS: usize = 64;

/// Reads a provider's times of one zone. It remembers the offsets of the days read last.
#[derive(Debug, Clone)]
pub struct Clock {
    zone: Zone,
    /// Days on which the offset does not change, and that offset; each at the place that its number gives it.
    steady: [Option<(Day, i32)>; REMEMBERED_DAYS],
    /// The day read last, and how it was spelled: rows of a day follow each other.
    last: Option<([u8; 10], Day)>,
}

impl Clock {
    /// A reader of times in `zone`.
    pub fn new(zone: Zone) -> Self {
        Self { zone, steady: [None; REMEMBERED_DAYS], last: None }
    }

    /// Its zone.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Reads `YYYY-MM-DD HH:MM:SS`, with `T` or a blank, up to six decimals of a second, and an optional offset (`Z`,
    /// `+02:00`, `+0200`). A day alone is its first instant. `None` when it is none of these.
    pub fn parse(&mut self, text: &str) -> Option<Stamp> {
        let day = self.day(text.get(..10)?)?;
        let Some(rest) = text.get(10..).filter(|rest| !rest.is_empty()) else {
            return self.resolve(day, 0);
        };
        let bytes = rest.as_bytes();
        if bytes.len() < 9 || !matches!(bytes[0], b' ' | b'T') || bytes[3] != b':' || bytes[6] != b':' {
            return None;
        }
        let (hour, minute, second) = (digits(&bytes[1..3])?, digits(&bytes[4..6])?, digits(&bytes[7..9])?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let (micros, zone) = split_fraction(&rest[9..])?;
        let of_day = i64::from(hour * 3600 + minute * 60 + second) * MICROS_PER_SECOND + i64::from(micros);
        match parse_offset(zone)? {
            None => self.resolve(day, of_day),
            Some(offset_s) => {
                let local = i64::from(day.0) * SECONDS_PER_DAY * MICROS_PER_SECOND + of_day;
                self.zone.stamp_at(local - i64::from(offset_s) * MICROS_PER_SECOND)
            }
        }
    }

    fn day(&mut self, text: &str) -> Option<Day> {
        let spelled: [u8; 10] = text.as_bytes().try_into().ok()?;
        if let Some((_, day)) = self.last.filter(|(last, _)| *last == spelled) {
            return Some(day);
        }
        let day = Day::parse(text)?;
        self.last = Some((spelled, day));
        Some(day)
    }

    fn resolve(&mut self, day: Day, micros_of_day: i64) -> Option<Stamp> {
        let local_micros = i64::from(day.0) * SECONDS_PER_DAY * MICROS_PER_SECOND + micros_of_day;
        let place = day.0.unsigned_abs() as usize % REMEMBERED_DAYS;
        if let Some((steady, offset_s)) = self.steady[place]
            && steady == day
        {
            return Some(Stamp::new(local_micros - i64::from(offset_s) * MICROS_PER_SECOND, offset_s));
        }
        let midnight = day.date().and_hms_opt(0, 0, 0)?;
        let at = |hours| self.zone.resolve(midnight + chrono::TimeDelta::hours(hours)).map(|stamp| stamp.offset_s);
        // Three points further apart than any change and its reversal would be.
        if let (Some(a), Some(b), Some(c)) = (at(-3), at(12), at(27))
            && a == b
            && b == c
        {
            self.steady[place] = Some((day, b));
        }
        self.zone.resolve(DateTime::from_timestamp_micros(local_micros)?.naive_utc())
    }
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0')))
}

/// Microseconds of an optional fraction, and what follows it. More than six decimals must be zeros.
fn split_fraction(text: &str) -> Option<(u32, &str)> {
    let Some(fraction) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = fraction.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(fraction.len());
    let (held, beyond) = fraction[..end].split_at(end.min(6));
    if held.is_empty() || beyond.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let missing = u32::try_from(6 - held.len()).ok()?;
    Some((digits(held.as_bytes())? * 10_u32.pow(missing), &fraction[end..]))
}

/// The offset in seconds east; `Some(None)` when there is none.
#[allow(clippy::option_option, reason = "three outcomes: no text, an offset, not an offset")]
fn parse_offset(text: &str) -> Option<Option<i32>> {
    let sign = match text.as_bytes() {
        [] => return Some(None),
        b"Z" | b"z" => return Some(Some(0)),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = match text.as_bytes()[1..] {
        [a, b, b':', c, d] | [a, b, c, d] => (digits(&[a, b])?, digits(&[c, d])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(Some(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?))
}

fn narrow(value: i64) -> u32 {
    u32::try_from(value).expect("a part of a day is small and not negative")
}

/// A number below 100, spelled.
fn two_digits(value: u32) -> [u8; 2] {
    let digit = |value: u32| b"0123456789"[(value % 10) as usize];
    [digit(value / 10), digit(value)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(zone: &str, text: &str) -> Option<String> {
        Clock::new(Zone::parse(zone).expect("a zone")).parse(text).map(Stamp::text)
    }

    fn paris(text: &str) -> Option<String> {
        read("Europe/Paris", text)
    }

    #[test]
    fn local_times_get_the_offset_of_their_day() {
        assert_eq!(paris("2017-02-20 12:09:33").as_deref(), Some("2017-02-20T12:09:33+01:00"));
        assert_eq!(paris("2016-07-03 08:37:27").as_deref(), Some("2016-07-03T08:37:27+02:00"));
        assert_eq!(paris("2020-10-23").as_deref(), Some("2020-10-23T00:00:00+02:00"));
        assert_eq!(paris("2020-10-23T11:04:03.25").as_deref(), Some("2020-10-23T11:04:03.250000+02:00"));
    }

    #[test]
    fn an_offset_that_is_sent_wins_and_is_shown_in_local_time() {
        assert_eq!(paris("2020-10-23T11:04:03+02:00").as_deref(), Some("2020-10-23T11:04:03+02:00"));
        assert_eq!(paris("2020-10-23T23:30:00Z").as_deref(), Some("2020-10-24T01:30:00+02:00"));
        assert_eq!(paris("2022-11-29T00:00:00.000+0100").as_deref(), Some("2022-11-29T00:00:00+01:00"));
    }

    #[test]
    fn the_hour_lived_twice_has_two_readings() {
        let mut clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
        let stamp = clock.parse("2026-10-25 02:30:00").expect("a time");
        assert!(stamp.is_ambiguous());
        assert_eq!(stamp.text(), "2026-10-25T02:30:00+02:00");
        assert_eq!(stamp.later().text(), "2026-10-25T02:30:00+01:00");
        assert!(!clock.parse("2026-10-25 03:00:00").expect("a time").is_ambiguous());
        assert!(!clock.parse("2026-10-25 01:59:59").expect("a time").is_ambiguous());
    }

    #[test]
    fn the_hour_left_out_is_read_by_the_clock_before_the_change() {
        assert_eq!(paris("2026-03-29 01:59:59").as_deref(), Some("2026-03-29T01:59:59+01:00"));
        assert_eq!(paris("2026-03-29 02:30:00").as_deref(), Some("2026-03-29T03:30:00+02:00"));
        assert_eq!(paris("2026-03-29 03:00:00").as_deref(), Some("2026-03-29T03:00:00+02:00"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-02-30",
            "2026-13-01",
            "0000-00-00",
            "2026-1-1",
            "2026-01-01 24:00:00",
            "2026-01-01 10:60:00",
            "2026-01-01 10:00",
            "2026-01-01 10:00:00 CET",
            "2026-01-01 10:00:00.",
            "20260101",
            "2026-01-01x10:00:00",
            "2026-01-01 10:00:00.1234567",
            "2026-01-01 10:00:00+1:00",
        ] {
            assert_eq!(paris(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_remembered_offset_never_differs_from_the_zone() {
        for name in ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca"] {
            let zone = Zone::parse(name).expect("a zone");
            let mut clock = Clock::new(zone);
            for day in (Day::parse("2000-01-01").expect("a day").0..Day::parse("2038-01-01").expect("a day").0).map(Day)
            {
                for minutes in [0, 59, 90, 120, 150, 179, 181, 720, 1439] {
                    let local =
                        day.date().and_hms_opt(0, 0, 0).expect("midnight") + chrono::TimeDelta::minutes(minutes);
                    let text = local.format("%Y-%m-%d %H:%M:%S").to_string();
                    assert_eq!(clock.parse(&text), zone.resolve(local), "{name} {text}");
                }
            }
        }
    }

    #[test]
    fn every_day_is_spelled_as_the_calendar_has_it() {
        for day in (Day::MIN..=Day::MAX).map(Day) {
            let mut out = Vec::new();
            day.write(&mut out);
            assert_eq!(String::from_utf8(out).expect("digits"), day.date().format("%Y-%m-%d").to_string());
        }
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(Day::parse("1970-01-01").map(Day::epoch_days), Some(0));
        assert_eq!(Day::parse("2026-11-21").map(|day| day.next().to_string()).as_deref(), Some("2026-11-22"));
        assert_eq!(Day::parse("1899-12-31"), None);
        assert_eq!(Day::parse("1900-01-01").map(Day::epoch_days), Some(Day::MIN));
        assert_eq!(Day::parse("2199-12-31").map(Day::epoch_days), Some(Day::MAX));
        assert_eq!(Day::parse("2200-01-01"), None);
    }
}
