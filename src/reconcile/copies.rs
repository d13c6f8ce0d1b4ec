//! The same row again under another id: among rows of one moment it is an edge that stands beside the path of balances.

use std::collections::HashMap;

use super::Entry;
use super::trails::Trail;
use crate::record::Money;

/// Takes out trails of one row whose amount and balance another row of the group has as well. Gives the trails that are
/// left, and each row taken out with the row that it copies.
///
/// A path that runs through the same balances twice keeps both rows: only what no path takes is a copy. Of equal rows
/// the first in `rows`, the preferred order, stays.
pub(super) fn set_aside(entries: &[Entry], rows: &[u32], found: Vec<Trail>) -> (Vec<Trail>, Vec<(u32, u32)>) {
    if !found.iter().any(is_alone) {
        return (found, Vec::new());
    }
    let facts = |row: u32| (entries[row as usize].amount, entries[row as usize].balance);
    let mut kept: HashMap<(Money, Option<Money>), Vec<u32>> = HashMap::with_capacity(rows.len());
    for trail in found.iter().filter(|trail| !is_alone(trail)) {
        trail.rows.iter().for_each(|row| kept.entry(facts(*row)).or_default().push(*row));
    }
    let mut left = Vec::with_capacity(found.len());
    let mut copies = Vec::new();
    for trail in found {
        let same = kept.entry(facts(trail.rows[0])).or_default();
        if is_alone(&trail) && !same.is_empty() {
            copies.push((trail.rows[0], same[0]));
        } else {
            if is_alone(&trail) {
                same.push(trail.rows[0]);
            }
            left.push(trail);
        }
    }
    if !copies.is_empty() {
        let rank: HashMap<u32, usize> = rows.iter().enumerate().map(|(rank, row)| (*row, rank)).collect();
        copies.iter_mut().for_each(|pair| keep_the_first(&mut left, pair, &rank));
    }
    (left, copies)
}

fn is_alone(trail: &Trail) -> bool {
    trail.rows.len() == 1
}

/// Equal rows may change places: the later one becomes the copy.
fn keep_the_first(trails: &mut [Trail], (copy, original): &mut (u32, u32), rank: &HashMap<u32, usize>) {
    if rank[copy] > rank[original] {
        return;
    }
    if let Some(place) = trails.iter_mut().flat_map(|trail| &mut trail.rows).find(|row| **row == *original) {
        *place = *copy;
        std::mem::swap(copy, original);
    }
}
