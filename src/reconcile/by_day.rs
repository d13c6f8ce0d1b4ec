//! Finds what shares a key and lies within some days of another row, the nearest first.

use std::collections::HashMap;
use std::hash::Hash;

use crate::record::Day;

/// Places of rows by key and day.
#[derive(Debug)]
pub(super) struct ByDay<K> {
    places: HashMap<(K, i32), Vec<usize>>,
}

impl<K: Copy + Eq + Hash> ByDay<K> {
    /// Rows with their key, day and place. Places of one day are found in the order in which they come.
    pub(super) fn of(rows: impl Iterator<Item = (K, Day, usize)>) -> ByDay<K> {
        let mut places: HashMap<(K, i32), Vec<usize>> = HashMap::new();
        for (key, day, place) in rows {
            places.entry((key, day.epoch_days())).or_default().push(place);
        }
        ByDay { places }
    }

    /// Places with that key at most `apart_max` days away: by distance, and of one distance those before `day` first.
    pub(super) fn nearest(&self, key: K, day: Day, apart_max: i32) -> impl Iterator<Item = usize> {
        let day = day.epoch_days();
        let days = (0..=apart_max).flat_map(move |apart| {
            let after = (apart > 0).then(|| day.saturating_add(apart));
            std::iter::once(day.saturating_sub(apart)).chain(after)
        });
        days.filter_map(move |day| self.places.get(&(key, day))).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        let day = |text| Day::parse(text).expect("a day");
        let rows = [("a", "2026-03-08", 0), ("a", "2026-03-09", 1), ("b", "2026-03-10", 2), ("a", "2026-03-11", 3)];
        let by_day = ByDay::of(rows.iter().map(|(key, text, place)| (*key, day(text), *place)));
        let near = |key, apart_max| by_day.nearest(key, day("2026-03-10"), apart_max).collect::<Vec<_>>();
        assert_eq!((near("a", 1), near("a", 2)), (vec![1, 3], vec![1, 3, 0]));
        assert_eq!((near("b", 0), near("c", 9)), (vec![2], vec![]));
    }
}
