//! The order of rows that share a moment.
//!
//! A provider's clock shows seconds; several rows can share one, and in autumn a whole hour is shown twice. Which of them
//! came first is told by their balances alone.

use std::collections::HashMap;

use super::later::Later;
use super::trails::{self, Trail};
use super::{Entry, copies, repair};
use crate::record::Money;

/// Where the chain stands: the balance that the last row states and, where that row failed, the balances from which the
/// next row may go on instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Held {
    /// The balance of the last row, as the provider states it; `None` before the first row.
    pub actual: Option<Money>,
    /// What it should have been: the next row goes on from here when the last row's balance alone is wrong.
    expected: Option<Money>,
    /// What it should have been, had all rows since the first of several failures wrong balances.
    expected_since: Option<Money>,
    /// The balance before the last row: the next row goes on from here when the last row is none of the chain.
    without: Option<Money>,
}

/// The balance from which a row goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The last row's own.
    Actual,
    /// The one that the last row should have stated.
    Expected,
    /// The one that the last row should have stated, and those that failed directly before it as well.
    ExpectedSince,
    /// The one before the last row.
    Without,
}

impl Held {
    /// After a row that ties, or before the first one.
    pub fn at(actual: Option<Money>) -> Held {
        Held { actual, ..Held::default() }
    }

    /// After a row of that amount that states `actual` and goes on from none of the balances held.
    pub fn after_failure(self, amount: Money, actual: Money) -> Held {
        let plus = |balance: Option<Money>| balance.and_then(|balance| balance.checked_add(amount));
        Held {
            actual: Some(actual),
            expected: plus(self.actual),
            expected_since: plus(self.expected_since.or(self.expected)),
            without: self.actual,
        }
    }

    /// Whether the last row failed.
    pub fn is_failed(self) -> bool {
        self.expected.is_some()
    }

    /// The balances from which the next row may go on, the likeliest first.
    fn ways(self) -> [(Way, Option<Money>); 4] {
        [
            (Way::Actual, self.actual),
            (Way::Expected, self.expected),
            (Way::ExpectedSince, self.expected_since),
            (Way::Without, self.without),
        ]
    }

    /// How the balance before the next row is reached, if it is.
    pub fn way_to(self, balance: Money) -> Option<Way> {
        self.ways().into_iter().find(|(_, held)| *held == Some(balance)).map(|(way, _)| way)
    }

    pub fn ties_to(self, balance: Money) -> bool {
        self.way_to(balance).is_some()
    }
}

/// An order of a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Arrangement {
    /// The rows in order, without copies.
    pub rows: Vec<u32>,
    /// Rows that state the amount and balance of another row and have no place in the chain, each with that other row.
    pub copies: Vec<(u32, u32)>,
    /// Whether another order ties as well, without anything to prefer this one.
    pub arbitrary: bool,
}

impl Arrangement {
    pub fn settled(rows: Vec<u32>) -> Arrangement {
        Arrangement { rows, ..Arrangement::default() }
    }
}

/// Arranges rows that share a moment so that their balances tie, as far as they do.
///
/// `rows` come in the preferred order: where several orders tie, it is taken if it is one of them, else its reverse, else
/// the order that follows it most closely.
pub(super) fn arrange(entries: &[Entry], rows: &[u32], held: Held, later: &Later) -> Arrangement {
    let settled = Arrangement::settled;
    // Nothing came before: a circle of balances ties from any of them, but later rows go on from one.
    let goes_on = |last: u32| {
        held.actual.is_some() || entries[last as usize].balance.is_some_and(|balance| later.goes_on_from(balance))
    };
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
    let entrance = held.actual.or_else(|| entrance_of_first_group(entries, rows, later));
    let found = trails::split(entries, rows, entrance);
    if let [single] = found.as_slice()
        && (held.actual.is_none() || held.ties_to(single.start))
    {
        let arbitrary = !is_unique(entries, rows, entrance, &single.rows);
        return Arrangement { arbitrary, ..settled(single.rows.clone()) };
    }
    let arranged = stories(entries, rows, found, held, later)
        .into_iter()
        .map(|(found, copies)| Arrangement { copies, ..settled(join(entries, found, held, later)) });
    let faults = |arranged: &Arrangement| {
        let (failed, way) = failures(entries, &arranged.rows, held, later);
        (failed + arranged.copies.len(), way)
    };
    arranged.min_by_key(faults).expect("there is one to choose")
}

/// Trails, and the rows set aside as copies of others.
type Story = (Vec<Trail>, Vec<(u32, u32)>);

/// What may have happened to rows that no single path takes, the likelier first. A row that no path takes and that equals
/// another is a copy if it is all that is wrong; beside a wrong balance it can be a piece that this balance cut off, so the
/// stories with and without copies are told to their ends, and the one with the fewest faults holds.
fn stories(entries: &[Entry], rows: &[u32], found: Vec<Trail>, held: Held, later: &Later) -> Vec<Story> {
    let repaired = |found: &[Trail]| repair::repaired(entries, rows, found, held, later);
    let of_all = repaired(&found);
    let aside = copies::set_aside(entries, rows, found.clone());
    if aside.1.is_empty() {
        return [Some(found), of_all].into_iter().flatten().map(|trails| (trails, Vec::new())).collect();
    }
    let of_left = repaired(&aside.0).map(|trails| (trails, aside.1.clone()));
    let of_repaired = of_all.clone().map(|trails| copies::set_aside(entries, rows, trails));
    let of_all = of_all.map(|trails| (trails, Vec::new()));
    let as_found = Some((found, Vec::new()));
    [Some(aside), of_left, of_repaired, of_all, as_found].into_iter().flatten().collect()
}

/// Where nothing came before, a circle of balances is best entered at the balance from which later rows go on.
fn entrance_of_first_group(entries: &[Entry], rows: &[u32], later: &Later) -> Option<Money> {
    rows.iter().filter_map(|row| entries[*row as usize].balance).find(|balance| later.goes_on_from(*balance))
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
        running = Held::at(Some(after));
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

/// Joins trails that no single path takes, with as few faults as possible. Where nothing came before, any of them can be
/// the first: the one is taken that leaves the fewest faults.
fn join(entries: &[Entry], found: Vec<Trail>, held: Held, later: &Later) -> Vec<u32> {
    if held.actual.is_some() || found.len() < 2 {
        return join_from(entries, found, None, held, later);
    }
    // Long trails first: it is lone rows that are wrong.
    let mut starts: Vec<usize> = (0..found.len()).collect();
    starts.sort_by_key(|start| found[*start].rows.len() == 1);
    starts.truncate(STARTS_TRIED_MAX);
    let orders = starts.into_iter().map(|start| join_from(entries, found.clone(), Some(start), held, later));
    orders.min_by_key(|order| failures(entries, order, held, later)).expect("there are trails")
}

/// Joins trails, each after the one that it fits best.
fn join_from(entries: &[Entry], found: Vec<Trail>, start: Option<usize>, held: Held, later: &Later) -> Vec<u32> {
    let mut pool = Pool::new(found);
    let mut order = Vec::new();
    let mut held = held;
    if let Some(first) = start.and_then(|start| pool.take(start)) {
        held = place(&mut order, &first, held, entries);
    }
    while let Some(trail) = pool.next(entries, held, later) {
        held = place(&mut order, &trail, held, entries);
    }
    order
}

/// Rows at which an order fails, and how far from plain the way is on which the next moment goes on.
fn failures(entries: &[Entry], order: &[u32], held: Held, later: &Later) -> (usize, usize) {
    let mut failed = 0;
    let mut held = held;
    for row in order {
        let entry = &entries[*row as usize];
        let (Some(before), Some(after)) = (entry.balance_before(), entry.balance) else {
            return (failed, 0);
        };
        held = if held.actual.is_none() || held.ties_to(before) {
            Held::at(Some(after))
        } else {
            failed += 1;
            held.after_failure(entry.amount, after)
        };
    }
    match held.ways().into_iter().position(|(_, balance)| balance.is_some_and(|balance| later.goes_on_from(balance))) {
        Some(way) => (failed, way),
        None => (failed + 1, 0),
    }
}

fn place(order: &mut Vec<u32>, trail: &Trail, held: Held, entries: &[Entry]) -> Held {
    order.extend(&trail.rows);
    match trail.rows.as_slice() {
        [only] if held.actual.is_some() && !held.ties_to(trail.start) => {
            held.after_failure(entries[*only as usize].amount, trail.end)
        }
        _ => Held::at(Some(trail.end)),
    }
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

    fn next(&mut self, entries: &[Entry], held: Held, later: &Later) -> Option<Trail> {
        if self.left == 0 {
            return None;
        }
        for balance in held.ways().into_iter().filter_map(|(_, balance)| balance) {
            if let Some(index) = self.starting_at(balance) {
                return self.take(index);
            }
        }
        if let Some(index) = self.bridge(entries, held, later) {
            return self.take(index);
        }
        self.take_first()
    }

    /// A row alone whose balance is wrong but whose amount leads from here to where others go on.
    fn bridge(&mut self, entries: &[Entry], held: Held, later: &Later) -> Option<usize> {
        let here = held.actual?;
        (self.first_left..self.trails.len()).take(BRIDGES_TRIED_MAX).find(|index| {
            let Some(Trail { rows, .. }) = &self.trails[*index] else {
                return false;
            };
            let [only] = rows.as_slice() else {
                return false;
            };
            here.checked_add(entries[*only as usize].amount).is_some_and(|there| {
                self.has_other_starting_at(there, *index) || (self.left == 1 && later.goes_on_from(there))
            })
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

    fn take_first(&mut self) -> Option<Trail> {
        while self.first_left < self.trails.len() && self.trails[self.first_left].is_none() {
            self.first_left += 1;
        }
        self.take(self.first_left)
    }

    fn take(&mut self, index: usize) -> Option<Trail> {
        let taken = self.trails.get_mut(index)?.take();
        self.left -= usize::from(taken.is_some());
        taken
    }
}

/// Rows looked at for each join; beyond it a group is so broken that its order says nothing.
const BRIDGES_TRIED_MAX: usize = 256;
/// Trails tried as the first where nothing came before.
const STARTS_TRIED_MAX: usize = 8;
