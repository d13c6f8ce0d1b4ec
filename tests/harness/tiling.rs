//! Days tile time: over every change of every zone's clock, each instant lies in one day, and no day is left out.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Offset, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use tieout::record::{Clock, Day, Stamp, Window, Zone};

const HOUR_S: i64 = 3_600;

/// What was looked at.
#[derive(Debug, Default)]
pub struct Looked {
    pub zones: usize,
    pub transitions: usize,
}

/// Checks all zones of the database. Zones that tick alike are looked at once.
pub fn check() -> Result<Looked, String> {
    let mut seen = HashSet::new();
    let mut looked = Looked::default();
    for zone in TZ_VARIANTS {
        let transitions = transitions(zone);
        if !seen.insert((offset(zone, first_s()), transitions.clone())) {
            continue;
        }
        looked.zones += 1;
        looked.transitions += transitions.len();
        transitions.iter().try_for_each(|at| around(zone, *at)).map_err(|found| format!("{zone}: {found}"))?;
    }
    Ok(looked)
}

fn first_s() -> i64 {
    946_684_800 // 2000-01-01
}

fn offset(zone: Tz, at_s: i64) -> i32 {
    let at = DateTime::from_timestamp(at_s, 0).expect("an instant");
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// The first second of each new offset, 2000 to 2037.
fn transitions(zone: Tz) -> Vec<i64> {
    let last_s = 2_145_916_800; // 2038-01-01
    let mut found = Vec::new();
    // Morocco's pause for Ramadan is the shortest there is: weeks.
    let step = 72 * HOUR_S;
    let mut at = first_s();
    while at < last_s {
        let next = at + step;
        if offset(zone, at) != offset(zone, next) {
            let (mut low, mut high) = (at, next);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if offset(zone, middle) == offset(zone, at) { low = middle } else { high = middle }
            }
            found.push(high);
        }
        at = next;
    }
    found
}

fn around(zone: Tz, at: i64) -> Result<(), String> {
    let known = Zone::parse(zone.name()).ok_or("is not known")?;
    let steps = (-6..=6).map(|six| six * 6 * HOUR_S).chain((-6..=6).map(|half| half * HOUR_S / 2)).chain([-1, 1]);
    let instants: BTreeSet<i64> = steps.map(|step| at + step).collect();
    let mut days = BTreeSet::new();
    for instant in instants {
        let day = day_of(known, instant)?;
        let windows = [day.previous(), day, day.next()].map(|day| Window { from: day, to: day });
        if windows.iter().filter(|window| window.contains(day)).count() != 1 {
            return Err(format!("{day} is not in one window of a day"));
        }
        days.insert(day);
    }
    let (first, last) = (*days.first().expect("some"), *days.last().expect("some"));
    // An island that moves over the date line leaves a day out, or lives it twice.
    let is_leap = (offset(zone, at) - offset(zone, at - 1)).abs() >= 23 * 3_600;
    let missing: Vec<Day> = Window { from: first, to: last }.iter().filter(|day| !days.contains(day)).collect();
    if missing.len() > usize::from(is_leap) { Err(format!("no instant lies in {missing:?}")) } else { Ok(()) }
}

/// The day of an instant, by every way to it.
fn day_of(zone: Zone, instant: i64) -> Result<Day, String> {
    let stamp = zone.stamp_at(instant * 1_000_000).ok_or("an instant has no local time")?;
    let text = stamp.text();
    let mut clock = Clock::new(zone);
    let told = Day::parse(&text[..10]).ok_or_else(|| format!("{text} begins with no day"))?;
    let utc: DateTime<Utc> = DateTime::from_timestamp(instant, 0).ok_or("no instant")?;
    if stamp.day() != told || zone.day_at(utc) != told {
        return Err(format!("{text} lies in {} by its stamp, in {} by its instant", stamp.day(), zone.day_at(utc)));
    }
    if clock.parse(&text) != Some(stamp) {
        return Err(format!("{text} reads as {:?}", clock.parse(&text).map(Stamp::text)));
    }
    // As a provider prints it: the earlier reading of an hour lived twice.
    let local = &text[..19];
    match clock.parse(local) {
        Some(read) if read.text()[..19] == *local && read.day() == told => Ok(told),
        read => Err(format!("{local} reads as {:?}", read.map(Stamp::text))),
    }
}
