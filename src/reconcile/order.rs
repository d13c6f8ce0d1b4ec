//! The order of rows that share a moment.
//!
//! A provider's clock shows seconds; several rows can share one, and in autumn a whole hour is shown twice. Which of them
//! came first is told by their balances alone.

use std::collections::HashMap;

use super::Entry;
use super::trails::{self, Trail};
use crate::record::Money;

/// Where the chain stands before a group of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Held {
    /// The balance of the last row, as the provider states it; `None` before the first row.
    pub actual: Option<Money>,
    /// What it should have been, when the last row failed: the next row may tie to either.
    pub expected: Option<Money>,
}

impl Held {
    fn ties_to(self, balance: Money) -> bool {
        self.actual == Some(balance) || self.expected == Some(balance)
    }
}

/// An order of a group, and whether another one ties as well without anything to prefer this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrangement {
    pub rows: Vec<u32>,
    pub arbitrary: bool,
}

/// Arranges rows that share a moment so that their balances tie, as far as they do.
///
/// `rows` come in the preferred order: where several orders tie, it is taken if it is one of them, else its reverse, else
/// the order that follows it most closely. `leads_on` tells whether a later row goes on from
/// a balance; it is true for all where no row is later.
pub(super) fn arrange(entries: &[Entry], rows: &[u32], held: Held, leads_on: impl Fn(Money) -> bool) -> Arrangement {
    let settled = |rows: Vec<u32>| Arrangement { rows, arbitrary: false };
    // Nothing came before: a circle of balances ties from any of them, but later rows go on from one.
    let goes_on = |last: u32| held.actual.is_some() || entries[last as usize].balance.is_some_and(&leads_on);
    let preferred = rows.to_vec();
    let reversed: Vec<u32> = rows.iter().rev().copied().collect();
    for order in [&preferred, &reversed] {
        if ties(entries, order.iter().copied(), held) && order.last().is_none_or(|last| goes_on(*last)) {
            return settled(order.clone());
        }
    }
    if rows.iter().any(|row| entries[*row as usize].balance_before().is_none()) {
        // A row without a balance can stand anywhere: nothing to solve by.
        return settled(preferred);
    }
    let entrance = held.actual.or_else(|| entrance_of_first_group(entries, rows, &leads_on));
    let found = trails::split(entries, rows, entrance);
    if let [single] = found.as_slice()
        && (held.actual.is_none() || held.ties_to(single.start))
    {
        return Arrangement { arbitrary: !is_unique(entries, rows, entrance, &single.rows), rows: single.rows.clone() };
    }
    settled(join(entries, found, held, leads_on))
}

/// Where nothing came before, a circle of balances is best entered at the balance from which later rows go on.
fn entrance_of_first_group(entries: &[Entry], rows: &[u32], leads_on: impl Fn(Money) -> bool) -> Option<Money> {
    rows.iter().filter_map(|row| entries[*row as usize].balance).find(|balance| leads_on(*balance))
}

/// Whether the rows tie in the order given, going on from `held`.
pub(super) fn ties(entries: &[Entry], rows: impl Iterator<Item = u32>, held: Held) -> bool {
    let mut running = held;
    for row in rows {
        let entry = &entries[row as usize];
        let (Some(before), Some(after)) = (entry.balance_before(), entry.balance) else {
            return false;
        };
        if running.actual.is_some() && !running.ties_to(before) {
            return false;
        }
        running = Held { actual: Some(after), expected: None };
    }
    true
}

/// Solved once more with the opposite preference, another order would have come out if there were one.
fn is_unique(entries: &[Entry], rows: &[u32], entrance: Option<Money>, solved: &[u32]) -> bool {
    let reversed: Vec<u32> = rows.iter().rev().copied().collect();
    match trails::split(entries, &reversed, entrance).as_slice() {
        [single] => single.rows == solved,
        _ => true,
    }
}

/// Joins trails that no single path takes: each after the one that it fits best, with as few faults as possible.
fn join(entries: &[Entry], found: Vec<Trail>, held: Held, leads_on: impl Fn(Money) -> bool) -> Vec<u32> {
    let mut pool = Pool::new(found);
    let mut order = Vec::new();
    let mut held = held;
    if held.actual.is_none()
        && let Some(first) = pool.take_first_where(|trail| trail.rows.len() > 1)
    {
        held = place(&mut order, &first, held, entries);
    }
    while let Some(trail) = pool.next(entries, held, &leads_on) {
        held = place(&mut order, &trail, held, entries);
    }
    order
}

fn place(order: &mut Vec<u32>, trail: &Trail, held: Held, entries: &[Entry]) -> Held {
    order.extend(&trail.rows);
    let joined_well = held.actual.is_none() || held.ties_to(trail.start);
    let expected = match trail.rows.as_slice() {
        [only] if !joined_well => held.actual.and_then(|balance| balance.checked_add(entries[*only as usize].amount)),
        _ => None,
    };
    Held { actual: Some(trail.end), expected }
}

/// Trails not yet placed, found by the balance they start from.
struct Pool {
    trails: Vec<Option<Trail>>,
    by_start: HashMap<Money, Vec<usize>>,
    first_left: usize,
    left: usize,
}

impl Pool {
    fn new(trails: Vec<Trail>) -> Self {
        let mut by_start: HashMap<Money, Vec<usize>> = HashMap::with_capacity(trails.len());
        for (index, trail) in trails.iter().enumerate().rev() {
            by_start.entry(trail.start).or_default().push(index);
        }
        Self { left: trails.len(), trails: trails.into_iter().map(Some).collect(), by_start, first_left: 0 }
    }

    fn next(&mut self, entries: &[Entry], held: Held, leads_on: &impl Fn(Money) -> bool) -> Option<Trail> {
        if self.left == 0 {
            return None;
        }
        for balance in [held.actual, held.expected].into_iter().flatten() {
            if let Some(index) = self.starting_at(balance) {
                return self.take(index);
            }
        }
        if let Some(index) = self.bridge(entries, held, leads_on) {
            return self.take(index);
        }
        self.take_first_where(|_| true)
    }

    /// A row alone whose balance is wrong but whose amount leads from here to where others go on.
    fn bridge(&mut self, entries: &[Entry], held: Held, leads_on: &impl Fn(Money) -> bool) -> Option<usize> {
        let here = held.actual?;
        (self.first_left..self.trails.len()).take(BRIDGES_TRIED_MAX).find(|index| {
            let Some(Trail { rows, .. }) = &self.trails[*index] else {
                return false;
            };
            let [only] = rows.as_slice() else {
                return false;
            };
            here.checked_add(entries[*only as usize].amount)
                .is_some_and(|there| self.has_other_starting_at(there, *index) || (self.left == 1 && leads_on(there)))
        })
    }

    fn has_other_starting_at(&self, balance: Money, this: usize) -> bool {
        self.by_start
            .get(&balance)
            .is_some_and(|indexes| indexes.iter().any(|index| *index != this && self.trails[*index].is_some()))
    }

    fn starting_at(&mut self, balance: Money) -> Option<usize> {
        let indexes = self.by_start.get_mut(&balance)?;
        while let Some(index) = indexes.last() {
            if self.trails[*index].is_some() {
                return Some(*index);
            }
            indexes.pop();
        }
        None
    }

    fn take_first_where(&mut self, fits: impl Fn(&Trail) -> bool) -> Option<Trail> {
        while self.first_left < self.trails.len() && self.trails[self.first_left].is_none() {
            self.first_left += 1;
        }
        let index = (self.first_left..self.trails.len())
            .find(|index| self.trails[*index].as_ref().is_some_and(&fits))
            .or_else(|| (self.left > 0).then_some(self.first_left))?;
        self.take(index)
    }

    fn take(&mut self, index: usize) -> Option<Trail> {
        let taken = self.trails[index].take();
        self.left -= usize::from(taken.is_some());
        taken
    }
}

/// Rows looked at for each join; beyond it a group is so broken that its order says nothing.
const BRIDGES_TRIED_MAX: usize = 256;
