//! Where the rows behind a group of one moment go on.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::Entry;
use super::chain::moment;
use crate::record::Money;

/// The rows behind a group, looked at when the order of the group asks for them.
pub(super) struct Later<'a> {
    entries: &'a [Entry],
    rows: &'a [u32],
    starts: OnceCell<HashSet<Money>>,
}

impl<'a> Later<'a> {
    /// Rows of later moments, in the order of their time.
    pub fn of(entries: &'a [Entry], rows: &'a [u32]) -> Later<'a> {
        Later { entries, rows, starts: OnceCell::new() }
    }

    /// Whether a later row goes on from a balance; true for all where no row is later.
    pub fn goes_on_from(&self, balance: Money) -> bool {
        self.starts().is_empty() || self.starts().contains(&balance)
    }

    /// The balance from which later rows go on, where it is the only one from which they can.
    pub fn only_start(&self) -> Option<Money> {
        let mut starts = self.starts().iter();
        starts.next().filter(|_| starts.next().is_none()).copied()
    }

    fn starts(&self) -> &HashSet<Money> {
        self.starts.get_or_init(|| starts_of_next_moment(self.entries, self.rows))
    }
}

/// The balances from which later rows can go on.
///
/// Rows of the next moment that form a circle can be entered anywhere on it: then the moment after them narrows it down.
fn starts_of_next_moment(entries: &[Entry], later: &[u32]) -> HashSet<Money> {
    const MOMENTS_MAX: usize = 16;
    let mut moving = later.iter().map(|row| &entries[*row as usize]).filter(|entry| entry.moves).peekable();
    let mut candidates: HashSet<Money> = HashSet::new();
    for _ in 0..MOMENTS_MAX {
        let Some(next) = moving.peek().map(|entry| moment(entry)) else {
            break;
        };
        let mut surplus: HashMap<Money, i64> = HashMap::new();
        while let Some(entry) = moving.next_if(|entry| moment(entry) == next) {
            let (Some(before), Some(after)) = (entry.balance_before(), entry.balance) else {
                continue;
            };
            *surplus.entry(before).or_default() += 1;
            *surplus.entry(after).or_default() -= 1;
        }
        let path_starts: HashSet<Money> =
            surplus.iter().filter(|(_, left)| **left > 0).map(|(node, _)| *node).collect();
        let is_circle = path_starts.is_empty();
        let starts = if is_circle { surplus.into_keys().collect() } else { path_starts };
        candidates = match candidates.intersection(&starts).copied().collect::<HashSet<_>>() {
            narrowed if narrowed.is_empty() && candidates.is_empty() => starts,
            narrowed if narrowed.is_empty() => return candidates,
            narrowed => narrowed,
        };
        if !is_circle || candidates.len() == 1 {
            break;
        }
    }
    candidates
}
