//! Days that stay in the lake as an earlier run committed them, because this run may lack some of their rows: a page could not
//! be read, or a listing is not whole.

use std::collections::BTreeSet;

use crate::record::{Changed, Day, Feed, Window};
use crate::state::OwnerKey;

/// The days of the window on which an owner's committed rows are missing, and those that are bound to them by a row that
/// moved from the one to the other: both stay or none does, or else the row would stand twice or nowhere.
pub(super) fn days(rows: &[Changed], window: Window) -> BTreeSet<Day> {
    let gone = rows.iter().filter(|row| row.after.is_none()).filter_map(|row| row.before.as_ref());
    let mut days: BTreeSet<Day> = gone.map(|before| before.day).filter(|day| window.contains(*day)).collect();
    loop {
        let known = days.len();
        for row in rows {
            if let (Some(before), Some(after)) = (&row.before, &row.after)
                && (days.contains(&before.day) || days.contains(&after.day))
            {
                days.extend([before.day, after.day].into_iter().filter(|day| window.contains(*day)));
            }
        }
        if days.len() == known {
            return days;
        }
    }
}

/// Whether a row stands, or stood, on one of the days.
pub(super) fn is_on(row: &Changed, days: &BTreeSet<Day>) -> bool {
    row.before.iter().chain(&row.after).any(|row| days.contains(&row.day))
}

/// What stays, in a sentence.
pub(super) fn told(kept: &BTreeSet<(Feed, OwnerKey, Day)>) -> Option<String> {
    let (_, _, first) = kept.iter().min_by_key(|(_, _, day)| *day)?;
    let (_, _, last) = kept.iter().max_by_key(|(_, _, day)| *day)?;
    let owners: BTreeSet<&OwnerKey> = kept.iter().map(|(_, owner, _)| owner).collect();
    Some(format!(
        "days that stay in the lake as they were committed, because this run may not have all of their rows: {} of {} owners, \
         from {first} to {last}",
        kept.len(),
        owners.len()
    ))
}
