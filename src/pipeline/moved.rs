//! Rows that moved to another booking date, where one of the two days lies outside the window: what was sent around the
//! window is read once more, for the few owners of whom a row is gone or new.

use std::borrow::Cow;
use std::collections::HashMap;

use super::gather::Gathered;
use super::owner;
use crate::Result;
use crate::job::Plan;
use crate::record::{Changed, Feed, Reported};

/// An owner's changed rows, with those found again that only moved.
pub(super) fn followed<'r>(
    rows: &'r [Changed],
    gathered: &Gathered,
    plan: &Plan,
    feed: Feed,
) -> Result<Cow<'r, [Changed]>> {
    let window = plan.window;
    let is_gone = |row: &Changed| row.after.is_none();
    let comes_in = |row: &Changed| row.before.as_ref().is_some_and(|before| !window.contains(before.day));
    if !rows.iter().any(|row| is_gone(row) || comes_in(row)) {
        return Ok(Cow::Borrowed(rows));
    }
    let of_owner = |pages: &&super::OwnerPages| pages.feed == feed && pages.owner == rows[0].owner;
    let Some(pages) = gathered.owners.iter().find(of_owner) else {
        return Ok(Cow::Borrowed(rows));
    };
    let currency = gathered.currencies.get(&pages.owner.acc_id).map(String::as_str);
    let mut outside: HashMap<String, Vec<Reported>> = HashMap::new();
    for row in owner::rows_outside(pages, &gathered.archive, plan, currency, rows)? {
        outside.entry(row.key.clone()).or_default().push(row);
    }
    let found = |before: &Reported| outside.get(&before.key).map(Vec::as_slice).unwrap_or_default();
    let mut rows = rows.to_vec();
    for row in &mut rows {
        match (&row.before, &mut row.after) {
            (Some(before), None) => row.after = found(before).first().map(|row| moved(before, row)),
            (Some(before), Some(after)) if !window.contains(before.day) => {
                if found(before).iter().any(|still| still.day == before.day) {
                    // It stands where it stood: what is in the window is another row of that id.
                    row.before = None;
                } else {
                    *after = moved(before, after);
                }
            }
            _ => {}
        }
    }
    Ok(Cow::Owned(rows))
}

/// What stands between the two days is not all known, so that nothing tells what its balance should be now.
fn moved(before: &Reported, after: &Reported) -> Reported {
    Reported { balance: before.balance, ..after.clone() }
}
