//! `[schedule] cron`: the next time a job runs, in the job's time zone.
//!
//! The pattern speaks of what the clock on the wall shows. Twice a year that clock leaves an hour out or shows one twice:
//! - a time that does not exist runs at the moment at which the clock has jumped over it, several of them together once;
//! - a time that is shown twice runs when it is shown first;
//! - a pattern for every hour (`*` as the hour) speaks of time that passes, and runs in both passes.

use chrono::{DateTime, DurationRound, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::record::Zone;

/// No zone's clock was ever put by more than a day.
const JUMP_MAX: TimeDelta = TimeDelta::hours(25);
const HOURS_OF_A_DAY: usize = 24;

/// When a job runs.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: Zone,
}

impl Schedule {
    /// Reads a pattern of five fields (minute, hour, day of the month, month, weekday), or six with seconds in front.
    ///
    /// # Errors
    /// When it is none, or never comes true; the text says why.
    pub fn parse(text: &str, zone: Zone) -> Result<Schedule, String> {
        let cron = text.parse::<Cron>().map_err(|error| error.to_string().trim_end_matches('.').to_owned())?;
        let schedule = Schedule { cron, zone };
        let never = || "it never comes true".to_owned();
        schedule.next_after(Utc::now()).map(|_| schedule).ok_or_else(never)
    }

    /// The zone whose clock it speaks of.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    pub(super) fn pattern(&self) -> &croner::CronPattern {
        &self.cron.pattern
    }

    /// The first time later than `at`; `None` when there is no more.
    pub fn next_after(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let tz = self.zone.tz();
        if self.cron.pattern.hours.values().len() == HOURS_OF_A_DAY {
            let next = self.cron.find_next_occurrence(&at.with_timezone(&tz), false).ok()?;
            return Some(next.with_timezone(&Utc));
        }
        // The pattern's times on the wall, taken as if no clock was ever put, and each looked up.
        let mut wall = earliest_wall(tz, at).and_utc();
        loop {
            wall = self.cron.find_next_occurrence(&wall, false).ok()?;
            let instant = first_shown(tz, wall.naive_utc())?;
            if instant > at {
                return Some(instant);
            }
        }
    }
}

/// A time on the wall behind which every time later than `at` is found.
fn earliest_wall(tz: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    let wall = |at: DateTime<Utc>| at.with_timezone(&tz).naive_local();
    let (before, now, after) = (at - JUMP_MAX, wall(at), at + JUMP_MAX);
    let is_steady = now - wall(before) == JUMP_MAX && wall(after) - now == JUMP_MAX;
    if is_steady { now } else { now - JUMP_MAX }
}

/// The instant at which the clock first shows `wall`, or has jumped over it.
fn first_shown(tz: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
    if let Some(shown) = tz.from_local_datetime(&wall).earliest() {
        return Some(shown.with_timezone(&Utc));
    }
    // Clocks are put by whole minutes.
    let minute = TimeDelta::minutes(1);
    let mut jumped = wall.duration_trunc(minute).ok()?;
    let end = jumped + JUMP_MAX;
    while jumped < end {
        jumped += minute;
        if let Some(shown) = tz.from_local_datetime(&jumped).earliest() {
            return Some(shown.with_timezone(&Utc));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const ZONES: [&str; 8] = [
        "Europe/Paris",
        "America/New_York",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Asia/Tehran",
        "Africa/Casablanca",
        "Pacific/Apia",
        "UTC",
    ];

    fn schedule(text: &str, zone: &str) -> Schedule {
        Schedule::parse(text, Zone::parse(zone).expect("a zone")).expect("a schedule")
    }

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn times(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
        let until = instant(until);
        let mut at = instant(from);
        let mut told = Vec::new();
        while let Some(next) = schedule.next_after(at).filter(|next| *next < until) {
            told.push(next.with_timezone(&schedule.zone().tz()).format("%d %H:%M%:::z").to_string());
            at = next;
        }
        told
    }

    #[test]
    fn a_time_that_does_not_exist_runs_when_the_clock_has_jumped() {
        let nightly = schedule("30 2 * * *", "Europe/Paris");
        let told = times(&nightly, "2026-03-27T12:00:00Z", "2026-03-30T12:00:00Z");
        assert_eq!(told, ["28 02:30+01", "29 03:00+02", "30 02:30+02"]);
        let often = schedule("*/20 2,3 * * *", "Europe/Paris");
        let told = times(&often, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
        assert_eq!(told, ["29 03:00+02", "29 03:20+02", "29 03:40+02"]);
    }

    #[test]
    fn a_time_that_happens_twice_runs_when_it_is_shown_first() {
        let nightly = schedule("30 2 * * *", "Europe/Paris");
        let told = times(&nightly, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(told, ["25 02:30+02", "26 02:30+01"]);
        let twice = schedule("0,30 2 * * *", "Europe/Paris");
        let told = times(&twice, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
        assert_eq!(told, ["25 02:00+02", "25 02:30+02"]);
        // From within the hour that is lived twice.
        assert_eq!(times(&twice, "2026-10-25T01:10:00Z", "2026-10-25T23:00:00Z"), Vec::<String>::new());
    }

    #[test]
    fn every_hour_means_every_hour_that_passes() {
        let hourly = schedule("15 * * * *", "Europe/Paris");
        for (from, until) in
            [("2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"), ("2026-10-24T22:00:00Z", "2026-10-25T04:00:00Z")]
        {
            assert_eq!(times(&hourly, from, until).len(), 6, "{from}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let zone = Zone::parse("Europe/Paris").expect("a zone");
        for text in ["", "every night", "61 2 * * *", "30 2 * *", "0 0 31 2 *"] {
            assert!(Schedule::parse(text, zone).is_err(), "{text}");
        }
    }

    #[test]
    fn a_nightly_job_runs_once_on_each_day_of_the_years_of_every_clock_change() {
        for zone in ZONES {
            for text in ["30 2 * * *", "0 0 * * *", "15 1 * * *"] {
                let schedule = schedule(text, zone);
                let (mut at, end) = (instant("2000-01-01T12:00:00Z"), instant("2037-12-31T12:00:00Z"));
                let mut days = Vec::new();
                while at < end {
                    at = schedule.next_after(at).expect("there is always another night");
                    days.push(at.with_timezone(&schedule.zone().tz()).date_naive());
                }
                // Apia had no 30 December 2011: that night's run comes with the jump, on the day behind.
                let distinct: BTreeSet<_> = days.iter().collect();
                let gone = usize::from(zone == "Pacific/Apia" && text != "0 0 * * *");
                assert_eq!(days.len() - distinct.len(), gone, "{zone} {text}");
                let span = (*days.last().expect("days") - days[0]).num_days();
                let lived = usize::try_from(span).expect("days") + 1 - usize::from(zone == "Pacific/Apia");
                assert_eq!(distinct.len(), lived, "{zone} {text}");
            }
        }
    }

    proptest! {
        #[test]
        fn times_grow_and_none_is_left_out_wherever_one_starts(
            zone in 0..ZONES.len(),
            minute in 0..60_u32,
            hours in proptest::collection::btree_set(0..24_u32, 1..5),
            start in 946_684_800..2_145_916_800_i64,
            later in 0..200_000_i64,
        ) {
            let hours: Vec<String> = hours.iter().map(ToString::to_string).collect();
            let schedule = schedule(&format!("{minute} {} * * *", hours.join(",")), ZONES[zone]);
            let start = DateTime::from_timestamp(start, 0).expect("an instant");
            let next = schedule.next_after(start).expect("there is another");
            prop_assert!(next > start);
            // Any start before it leads to the same, and from it to one that is later.
            let between = (start + TimeDelta::seconds(later)).min(next - TimeDelta::seconds(1));
            prop_assert_eq!(schedule.next_after(between), Some(next));
            prop_assert!(schedule.next_after(next).expect("there is another") > next);
            // What runs is what the wall shows, unless the clock jumped over it.
            let wall = next.with_timezone(&schedule.zone().tz()).naive_local();
            let jumped = next.with_timezone(&schedule.zone().tz()).naive_local()
                - (next - TimeDelta::seconds(1)).with_timezone(&schedule.zone().tz()).naive_local();
            let shows = hours.iter().any(|hour| wall.format("%-H %-M").to_string() == format!("{hour} {minute}"));
            prop_assert!(shows || jumped > TimeDelta::seconds(1), "{} {}", wall, jumped);
        }
    }
}
