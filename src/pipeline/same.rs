//! One fault under one id: what a window tells of a row hangs on where it begins and ends.
//!
//! - A row at which the chain fails is the chain's break where the rows before it lie in the window, and the seam's where
//!   they were committed before. Whichever was told first stays, as long as the difference is the same.
//! - A reported balance that differs is told at the last row, which is another one the next day. As long as it differs by
//!   the same amount, it is the same break.

use std::collections::HashMap;

use super::register::row_of;
use crate::Result;
use crate::breaks::Check;
use crate::record::BreakRow;
use crate::state::{KnownBreak, OwnerKey, State};

/// Breaks of the register that are not over, where another window may tell them otherwise.
#[derive(Debug, Default)]
pub(super) struct Faults<'k> {
    /// Of chains and seams, by kind and id of the owner and the row.
    rows: HashMap<(&'static str, &'k str, &'k str), Vec<&'k KnownBreak>>,
    /// Of reported balances, by owner.
    closings: HashMap<(&'static str, &'k str), Vec<&'k KnownBreak>>,
}

impl<'k> Faults<'k> {
    pub(super) fn of(known: &'k HashMap<String, KnownBreak>) -> Faults<'k> {
        let mut faults = Faults::default();
        for known in known.values().filter(|known| known.status != "resolved" && known.difference.is_some()) {
            let (kind, id) = (known.owner_kind.name(), known.owner_id.as_str());
            if known.check == Check::ClosingBalance.name() {
                faults.closings.entry((kind, id)).or_default().push(known);
            } else if let (true, Some(row)) = (is_of_chain(&known.check), known.txid.as_deref()) {
                faults.rows.entry((kind, id, row)).or_default().push(known);
            }
        }
        faults
    }

    /// The break as it was told first, if it was told as another one; with the known one.
    pub(super) fn told_first(&self, row: &BreakRow) -> Option<(BreakRow, &'k KnownBreak)> {
        let owner = (row.owner_kind, row.owner_id.as_str());
        let known = if row.check == Check::ClosingBalance.name() {
            self.closings.get(&owner)?
        } else if is_of_chain(row.check) {
            self.rows.get(&(owner.0, owner.1, row.txid.as_deref()?))?
        } else {
            return None;
        };
        if known.iter().any(|known| known.break_id == row.break_id) {
            return None;
        }
        let is_same = |known: &&&KnownBreak| known.difference == row.difference && known.currency == row.currency;
        let same = known.iter().filter(is_same).min_by_key(|known| (known.first_seen, &known.break_id))?;
        let told = if row.check == Check::ClosingBalance.name() {
            // The last row and its balance are today's.
            BreakRow { break_id: same.break_id.clone(), ..row.clone() }
        } else {
            row_of(same)?
        };
        Some((told, same))
    }
}

fn is_of_chain(check: &str) -> bool {
    [Check::Chain, Check::Seam].map(Check::name).contains(&check)
}

/// The breaks of chains at whose row a window may begin: without a balance before it, such a window says nothing of it.
#[derive(Debug, Default)]
pub(super) struct Firsts(HashMap<OwnerKey, Vec<(String, String)>>);

impl Firsts {
    pub(super) fn read(state: &State) -> Result<Firsts> {
        let mut firsts = Firsts::default();
        for check in [Check::Chain, Check::Seam] {
            for known in state.breaks_left(check)? {
                let Some(row) = known.txid else { continue };
                firsts.0.entry((known.owner_kind, known.owner_id)).or_default().push((row, known.break_id));
            }
        }
        Ok(firsts)
    }

    /// Ids of the breaks at an owner's first row.
    pub(super) fn at<'f>(&'f self, owner: &OwnerKey, row: &'f str) -> impl Iterator<Item = String> + 'f {
        let of_owner = self.0.get(owner).into_iter().flatten();
        of_owner.filter(move |(first, _)| first == row).map(|(_, id)| id.clone())
    }
}
