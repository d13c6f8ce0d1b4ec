//! The instants at which something happens: days of a window, clock changes, first mornings of months.

use super::Random;
use crate::record::time::Clock;
use crate::record::{Window, Zone};

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 86_400;

/// The window of a recipe in seconds since 1970 (UTC).
#[derive(Debug)]
pub(super) struct Calendar {
    /// The first second of each day, and of the day after the last.
    day_starts: Vec<i64>,
    /// Instants at which the local clock was put back.
    put_back: Vec<i64>,
    /// Nine in the morning of each first of a month.
    month_mornings: Vec<i64>,
}

impl Calendar {
    pub(super) fn new(zone: Zone, window: Window) -> Self {
        let mut clock = Clock::new(zone);
        let mut start_of = |day: crate::record::Day| {
            let stamp = clock.parse(&day.to_string()).expect("a day that is held has a first instant");
            stamp.utc_micros() / 1_000_000
        };
        let mut day_starts: Vec<i64> = window.iter().map(&mut start_of).collect();
        day_starts.push(start_of(window.to.next()));
        let firsts = window.iter().zip(&day_starts).filter(|(day, _)| day.to_string().ends_with("-01"));
        let month_mornings = firsts.map(|(_, start)| start + 9 * HOUR_S).collect();
        let put_back = put_back(zone, &day_starts);
        Self { day_starts, put_back, month_mornings }
    }

    /// The first second of the window.
    pub(super) fn first_s(&self) -> i64 {
        self.day_starts[0]
    }

    /// The last second of the window.
    pub(super) fn last_s(&self) -> i64 {
        self.day_starts[self.day_starts.len() - 1] - 1
    }

    pub(super) fn month_mornings(&self) -> &[i64] {
        &self.month_mornings
    }

    /// `count` instants in order, most of them by day, some the same as the one before.
    pub(super) fn instants(&self, random: &mut Random, count: usize, tied: u32) -> Vec<i64> {
        let mut instants: Vec<i64> = (0..count).map(|_| self.instant(random)).collect();
        instants.sort_unstable();
        for index in 1..count {
            if random.chance(tied) {
                instants[index] = instants[index - 1];
            }
        }
        instants
    }

    fn instant(&self, random: &mut Random) -> i64 {
        let day = random.index(self.day_starts.len() - 1);
        let (start, end) = (self.day_starts[day], self.day_starts[day + 1]);
        if random.chance(850) {
            start + random.between(7 * HOUR_S, 21 * HOUR_S)
        } else {
            random.between(start, end - 1)
        }
    }

    /// Instants around each time that the clock was put back: in the hour before, in both passes of the hour that is
    /// lived twice (once with the same local time in both), and after.
    pub(super) fn around_changes(&self, random: &mut Random) -> Vec<i64> {
        let mut instants = Vec::new();
        for change in &self.put_back {
            let twin = random.between(1, HOUR_S - 1);
            instants.extend([change - HOUR_S - random.between(1, HOUR_S), change - twin, change - 1]);
            instants.extend([*change, change + HOUR_S - twin, change + HOUR_S - 1, change + HOUR_S]);
        }
        instants.retain(|instant| (self.first_s()..=self.last_s()).contains(instant));
        instants
    }
}

fn put_back(zone: Zone, day_starts: &[i64]) -> Vec<i64> {
    let offset = |instant: i64| zone.stamp_at(instant * 1_000_000).map_or(0, crate::record::Stamp::offset_s);
    let mut changes = Vec::new();
    for days in day_starts.windows(2).filter(|days| days[1] - days[0] > DAY_S) {
        let (mut before, mut after) = (days[0], days[1]);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if offset(middle) == offset(days[0]) { before = middle } else { after = middle }
        }
        changes.push(after);
    }
    changes
}
