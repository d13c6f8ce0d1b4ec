//! One wrong row among rows that pass the same balances often: trails that share a balance can swap their ends, so that
//! the first trail may have run to the last balance and left the others stranded. Assuming what is wrong (a balance, or a
//! row that is not there), a path through all others is found again, and the fault stays where it is.

use std::collections::{HashMap, HashSet};

use super::Entry;
use super::order::Held;
use super::trails::{Repairs, Trail, split_repaired};
use crate::record::Money;

/// Trails beyond which a group is so broken that its order says nothing.
const TRAILS_MAX: usize = 64;

/// The trails found again under such assumptions; `None` where none offers itself. Whether they are better ones is for the
/// caller to see.
pub(super) fn repaired(
    entries: &[Entry],
    rows: &[u32],
    found: &[Trail],
    held: Held,
    leads_on: &impl Fn(Money) -> bool,
) -> Option<Vec<Trail>> {
    if found.len() > TRAILS_MAX {
        return None;
    }
    let exit = only_exit(entries, rows, leads_on);
    let mut loose = Loose::of(found, held, exit);
    let suspects = suspects(entries, rows, found);
    let mut repairs = Repairs::default();
    while let Some((row, between)) = loose.take_wrong_balance(entries, &suspects, &repairs) {
        repairs.moved.insert(row, between);
    }
    if held.actual.is_some() {
        repairs.jumps = loose.jumps(exit);
    }
    if repairs.moved.is_empty() && repairs.jumps.is_empty() {
        return None;
    }
    let kept: HashSet<u32> = found.iter().flat_map(|trail| &trail.rows).copied().collect();
    let rows: Vec<u32> = rows.iter().copied().filter(|row| kept.contains(row)).collect();
    Some(split_repaired(entries, &rows, held.actual, &repairs))
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

    /// Takes out a row that is left over, but whose amount leads from an end to a beginning, with the balances between
    /// which it belongs.
    fn take_wrong_balance(
        &mut self,
        entries: &[Entry],
        suspects: &[u32],
        known: &Repairs,
    ) -> Option<(u32, (Money, Money))> {
        if self.starts.len() < 2 || self.ends.len() < 2 {
            return None;
        }
        suspects.iter().filter(|row| !known.moved.contains_key(row)).find_map(|row| {
            let entry = &entries[*row as usize];
            let (start, end) = (place_of(&self.starts, entry.balance_before()?)?, place_of(&self.ends, entry.balance?)?);
            let (before, after) = self.gap_of(entry.amount, start, end)?;
            let between = (self.ends[before], self.starts[after]);
            remove_both(&mut self.starts, start, after);
            remove_both(&mut self.ends, end, before);
            Some((*row, between))
        })
    }

    /// An end and a beginning that far apart, others than a row's own.
    fn gap_of(&self, amount: Money, own_start: usize, own_end: usize) -> Option<(usize, usize)> {
        (0..self.ends.len()).filter(|before| *before != own_end).find_map(|before| {
            let to = self.ends[before].checked_add(amount)?;
            let after = (0..self.starts.len()).find(|after| *after != own_start && self.starts[*after] == to)?;
            Some((before, after))
        })
    }

    /// What is left is passed on the way. Where no row follows, the path that the group starts with is left where it ends.
    fn jumps(&self, exit: Option<Money>) -> Vec<(Money, Money)> {
        let ends = self.ends.iter().skip(usize::from(exit.is_none())).copied();
        ends.zip(self.starts.iter().copied()).collect()
    }
}

/// The balance from which later rows go on, if only one of those that the rows pass can be it.
fn only_exit(entries: &[Entry], rows: &[u32], leads_on: &impl Fn(Money) -> bool) -> Option<Money> {
    let passed = rows.iter().flat_map(|row| [entries[*row as usize].balance_before(), entries[*row as usize].balance]);
    let mut exits = passed.flatten().filter(|balance| leads_on(*balance));
    let exit = exits.next()?;
    exits.all(|other| other == exit).then_some(exit)
}

fn place_of(balances: &[Money], balance: Money) -> Option<usize> {
    balances.iter().position(|held| *held == balance)
}

fn remove_both(balances: &mut Vec<Money>, one: usize, other: usize) {
    balances.remove(one.max(other));
    balances.remove(one.min(other));
}
