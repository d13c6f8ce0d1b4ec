//! One wrong row among rows that pass the same balances often: trails that share a balance can swap their ends, so that
//! the first trail may have run to the last balance and left the others stranded. Assuming what is wrong (a balance, or a
//! row that is not there), a path through all others is found again, and the fault stays where it is.

use std::collections::{HashMap, HashSet};

use super::Entry;
use super::later::Later;
use super::order::Held;
use super::trails::{Repairs, Trail, split_repaired};
use crate::record::Money;

/// Trails beyond which a group is so broken that its order says nothing.
const TRAILS_MAX: usize = 64;
/// Rows that are tried as the wrong one.
const SUSPECTS_TRIED_MAX: usize = 8;

/// The trails found again under such assumptions; `None` where none offers itself. Whether they are better ones is for the
/// caller to see.
pub(super) fn repaired(
    entries: &[Entry],
    rows: &[u32],
    found: &[Trail],
    held: Held,
    later: &Later,
) -> Option<Vec<Trail>> {
    if found.len() > TRAILS_MAX {
        return None;
    }
    let exit = later.only_start();
    let loose = Loose::of(found, held, exit);
    let suspects = suspects(entries, rows, found);
    let kept: HashSet<u32> = found.iter().flat_map(|trail| &trail.rows).copied().collect();
    let rows: Vec<u32> = rows.iter().copied().filter(|row| kept.contains(row)).collect();
    let mut fallback = None;
    for first in loose.wrong_balances(entries, &suspects) {
        let repairs = loose.repairs(entries, &suspects, first, held, exit);
        let trails = split_repaired(entries, &rows, held.actual, &repairs);
        if is_path(&trails, &repairs, held) {
            return Some(trails);
        }
        fallback = fallback.or(Some(trails));
    }
    fallback.or_else(|| {
        let jumps = loose.jumps(held, exit);
        let repairs = Repairs { jumps, ..Repairs::default() };
        (!repairs.jumps.is_empty()).then(|| split_repaired(entries, &rows, held.actual, &repairs))
    })
}

/// Whether the trails are one path from where the group is entered: a jump parts two trails, any more do not touch it.
fn is_path(trails: &[Trail], repairs: &Repairs, held: Held) -> bool {
    let mut starts = trails.iter().map(|trail| trail.start).chain(repairs.jumps.iter().map(|(from, _)| *from));
    trails.len() <= 1 + repairs.jumps.len() && held.actual.is_none_or(|entrance| starts.any(|start| start == entrance))
}

/// Rows, the likeliest to state a wrong balance first: those that no path takes, and of them those whose balances the
/// fewest others pass. A wrong balance that others pass as well may lie on a path.
fn suspects(entries: &[Entry], rows: &[u32], found: &[Trail]) -> Vec<u32> {
    let balances = |row: u32| [entries[row as usize].balance_before(), entries[row as usize].balance];
    let mut passed: HashMap<Option<Money>, usize> = HashMap::with_capacity(rows.len() + 1);
    for balance in rows.iter().flat_map(|row| balances(*row)) {
        *passed.entry(balance).or_default() += 1;
    }
    let mut lone: Vec<u32> = found.iter().filter(|trail| trail.rows.len() == 1).map(|trail| trail.rows[0]).collect();
    lone.sort_by_key(|row| balances(*row).iter().map(|balance| passed[balance]).sum::<usize>());
    lone.into_iter().chain(rows.iter().copied()).collect()
}

/// Where paths begin and end that should be joined: balances that are left oftener than reached, and the other way about.
/// Which beginning belongs to which end is not known, as paths that meet can swap their ends.
struct Loose {
    starts: Vec<Money>,
    ends: Vec<Money>,
}

impl Loose {
    /// The rows before the group end where it is entered, and the rows behind begin where it is left.
    fn of(found: &[Trail], held: Held, exit: Option<Money>) -> Loose {
        let open = || found.iter().filter(|trail| trail.start != trail.end);
        let mut loose =
            Loose { starts: open().map(|trail| trail.start).collect(), ends: open().map(|trail| trail.end).collect() };
        if let Some(first) = loose.starts.iter().position(|start| held.ties_to(*start)) {
            loose.starts.remove(first);
            // The path that the group starts with comes first.
            loose.ends[..=first].rotate_right(1);
        } else {
            loose.ends.extend(held.actual);
        }
        match exit.map(|exit| (exit, place_of(&loose.ends, exit))) {
            Some((_, Some(last))) => drop(loose.ends.remove(last)),
            Some((exit, None)) => loose.starts.push(exit),
            None => {}
        }
        loose
    }

    /// Rows of which any may be the one that is wrong, each with where it would belong.
    fn wrong_balances(&self, entries: &[Entry], suspects: &[u32]) -> Vec<Moved> {
        let mut tried = HashSet::new();
        let moved = suspects.iter().filter_map(|row| {
            let moved = self.moved(entries, *row)?;
            tried.insert((entries[*row as usize].amount, entries[*row as usize].balance)).then_some(moved)
        });
        moved.take(SUSPECTS_TRIED_MAX).collect()
    }

    /// A first wrong balance assumed, what else must be wrong.
    fn repairs(&self, entries: &[Entry], suspects: &[u32], first: Moved, held: Held, exit: Option<Money>) -> Repairs {
        let mut loose = Loose { starts: self.starts.clone(), ends: self.ends.clone() };
        let mut repairs = Repairs::default();
        let mut next = Some(first);
        while let Some(moved) = next {
            loose.take(&moved);
            repairs.moved.insert(moved.row, moved.between);
            let mut others = suspects.iter().filter(|row| !repairs.moved.contains_key(row));
            next = others.find_map(|row| loose.moved(entries, *row));
        }
        repairs.jumps = loose.jumps(held, exit);
        repairs
    }

    /// Where a row belongs that is left over, but whose amount leads from an end to a beginning.
    fn moved(&self, entries: &[Entry], row: u32) -> Option<Moved> {
        if self.starts.len() < 2 || self.ends.len() < 2 {
            return None;
        }
        let entry = &entries[row as usize];
        let (start, end) = (place_of(&self.starts, entry.balance_before()?)?, place_of(&self.ends, entry.balance?)?);
        let (before, after) = self.gap_of(entry.amount, start, end)?;
        let between = (self.ends[before], self.starts[after]);
        Some(Moved { row, between, starts: [start, after], ends: [end, before] })
    }

    /// An end and a beginning that far apart, others than a row's own.
    fn gap_of(&self, amount: Money, own_start: usize, own_end: usize) -> Option<(usize, usize)> {
        (0..self.ends.len()).filter(|before| *before != own_end).find_map(|before| {
            let to = self.ends[before].checked_add(amount)?;
            let after = (0..self.starts.len()).find(|after| *after != own_start && self.starts[*after] == to)?;
            Some((before, after))
        })
    }

    fn take(&mut self, moved: &Moved) {
        remove_both(&mut self.starts, moved.starts);
        remove_both(&mut self.ends, moved.ends);
    }

    /// What is left is passed on the way. Where no row follows, the path that the group starts with is left where it ends.
    fn jumps(&self, held: Held, exit: Option<Money>) -> Vec<(Money, Money)> {
        if held.actual.is_none() {
            return Vec::new();
        }
        let ends = self.ends.iter().skip(usize::from(exit.is_none())).copied();
        ends.zip(self.starts.iter().copied()).collect()
    }
}

/// A row whose balance is taken to be wrong.
struct Moved {
    row: u32,
    /// The balances between which it belongs.
    between: (Money, Money),
    /// The places of what is loose no more: its own ends and those that it joins.
    starts: [usize; 2],
    ends: [usize; 2],
}

fn place_of(balances: &[Money], balance: Money) -> Option<usize> {
    balances.iter().position(|held| *held == balance)
}

fn remove_both(balances: &mut Vec<Money>, [one, other]: [usize; 2]) {
    balances.remove(one.max(other));
    balances.remove(one.min(other));
}
