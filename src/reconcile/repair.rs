//! One wrong row among rows that pass the same balances often: trails that share a balance can swap their ends, so that
//! the first trail may have run to the last balance and left the others stranded. Assuming what is wrong (a balance, or a
//! row that is not there), a path through all others is found again, and the fault stays where it is.

use std::collections::HashSet;

use super::Entry;
use super::order::Held;
use super::trails::{Repairs, Trail, split_repaired};
use crate::record::Money;

/// Trails beyond which a group is so broken that its order says nothing.
const TRAILS_MAX: usize = 64;

/// The trails, joined where one assumption for each makes a path of them; as they were where none does.
pub(super) fn repaired(
    entries: &[Entry],
    rows: &[u32],
    found: Vec<Trail>,
    held: Held,
    leads_on: &impl Fn(Money) -> bool,
) -> Vec<Trail> {
    if found.len() < 2 || found.len() > TRAILS_MAX {
        return found;
    }
    let mut repairs = Repairs::default();
    let mut open: Vec<Open> = found.iter().filter(|trail| trail.start != trail.end).map(Open::of).collect();
    while let Some((row, between)) = take_wrong_balance(entries, &mut open) {
        repairs.moved.insert(row, between);
    }
    repairs.jumps = jumps(&open, held, leads_on);
    if repairs.moved.is_empty() && repairs.jumps.is_empty() {
        return found;
    }
    let kept: HashSet<u32> = found.iter().flat_map(|trail| &trail.rows).copied().collect();
    let rows: Vec<u32> = rows.iter().copied().filter(|row| kept.contains(row)).collect();
    let joined = split_repaired(entries, &rows, held.actual, &repairs);
    if joined.len() < found.len() || repairs.moved.is_empty() { joined } else { found }
}

/// A trail that does not return to where it starts.
#[derive(Debug, Clone, Copy)]
struct Open {
    start: Money,
    end: Money,
    /// Its row, if it has only one.
    lone: Option<u32>,
}

impl Open {
    fn of(trail: &Trail) -> Open {
        let lone = match trail.rows.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        Open { start: trail.start, end: trail.end, lone }
    }
}

/// Takes out a row alone whose amount leads from where a trail ends to where a trail starts, and joins those by it.
fn take_wrong_balance(entries: &[Entry], open: &mut Vec<Open>) -> Option<(u32, (Money, Money))> {
    let (at, row, before, after) = find_wrong_balance(entries, open)?;
    let between = (open[before].end, open[after].start);
    if before != after {
        open[before] = Open { start: open[before].start, end: open[after].end, lone: None };
    }
    // The trail joined to another is gone, and so is one that became a circle.
    for gone in [at.max(after), at.min(after)] {
        open.remove(gone);
    }
    Some((row, between))
}

/// The place of the lone trail, its row, and the trails that end and start where its amount leads.
fn find_wrong_balance(entries: &[Entry], open: &[Open]) -> Option<(usize, u32, usize, usize)> {
    for (at, row) in open.iter().enumerate().filter_map(|(at, trail)| Some((at, trail.lone?))) {
        let amount = entries[row as usize].amount;
        for before in (0..open.len()).filter(|before| *before != at) {
            let to = open[before].end.checked_add(amount);
            let after = (0..open.len()).find(|after| *after != at && Some(open[*after].start) == to);
            if let Some(after) = after {
                return Some((at, row, before, after));
            }
        }
    }
    None
}

/// Where the trail that the group starts with runs to the balance from which later rows go on, the others are left to be
/// passed on the way.
fn jumps(open: &[Open], held: Held, leads_on: &impl Fn(Money) -> bool) -> Vec<(Money, Money)> {
    let first = open.iter().position(|trail| held.ties_to(trail.start));
    let Some(first) = first.filter(|first| leads_on(open[*first].end)) else {
        return Vec::new();
    };
    let others = open.iter().enumerate().filter(|(index, _)| *index != first);
    others.map(|(_, trail)| (trail.end, trail.start)).collect()
}
