//! What is different from what an earlier run committed: found by digests, so that a rerun of the same rows reads nothing,
//! and told row by row out of the partitions that are about to be replaced.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::committed::{key_of, packed_row, reported};
use super::lake::{OwnerOf, partition_path};
use super::packed::unpack;
use super::parquet::PartitionReader;
use super::publication::Publication;
use crate::Result;
use crate::record::{Changed, Dataset, Day, Owner, Reported};
use crate::state::{CoveredDays, OwnerKey, SealedRows};

/// What is different in a dataset.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Rows, in the order of owners and time.
    pub rows: Vec<Changed>,
    /// Owners of whom the run knows nothing at all any more, and what was committed of them in the window.
    pub gone: BTreeMap<String, Gone>,
    /// Days of owners that changed, where the earlier rows are not there to be compared.
    pub unreadable: u64,
}

/// What was committed of an owner that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Whose.
    pub owner: OwnerKey,
    /// Rows.
    pub rows: u64,
    /// First day.
    pub first: Day,
    /// Last day.
    pub last: Day,
}

/// Rows of one side that the other side does not have in the same words.
#[derive(Default)]
struct Sides {
    before: Vec<(Owner, Reported)>,
    after: Vec<(Owner, Reported)>,
}

impl Publication {
    /// What is different, in the window, from what earlier runs committed of a dataset. All rows have been appended;
    /// `is_read` tells whether the run knows an owner.
    ///
    /// # Errors
    /// When the state or the scratch file cannot be read.
    pub fn changes(&mut self, dataset: &'static Dataset, is_read: &dyn Fn(&OwnerKey) -> bool) -> Result<Changes> {
        self.sealed.finish();
        let covered = self.staging.shared.state.covered_days(dataset, self.window)?;
        let mut changes = Changes::default();
        let mut sides = Sides::default();
        let mut looked_at: HashSet<(OwnerKey, Day)> = HashSet::new();
        for day in self.window.iter() {
            let differing = self.differing(dataset, day, &covered, is_read, &mut changes)?;
            if differing.is_empty() {
                continue;
            }
            looked_at.extend(differing.iter().map(|owner| (owner.clone(), day)));
            match self.rows_before(dataset, day, &differing) {
                Some(before) => self.compare(dataset, day, &differing, before, &mut sides)?,
                None => changes.unreadable += differing.len() as u64,
            }
        }
        self.find_moved(dataset, &looked_at, &mut sides)?;
        changes.rows = pair_up(sides);
        Ok(changes)
    }

    /// The owners whose rows of a day are not what was committed.
    fn differing(
        &self,
        dataset: &'static Dataset,
        day: Day,
        covered: &CoveredDays,
        is_read: &dyn Fn(&OwnerKey) -> bool,
        changes: &mut Changes,
    ) -> Result<HashSet<OwnerKey>> {
        let now: HashMap<OwnerKey, SealedRows> =
            self.sealed.of(dataset, day).into_iter().map(|sealed| (sealed.owner.clone(), sealed)).collect();
        let mut differing = HashSet::new();
        let mut known = HashSet::new();
        for old in self.staging.shared.state.sealed_rows(dataset, day)? {
            known.insert(old.owner.clone());
            let is_same = now.get(&old.owner).is_some_and(|new| new.digest == old.digest);
            if is_same || self.keeps(dataset, &old.owner) {
                continue;
            }
            if is_read(&old.owner) {
                differing.insert(old.owner);
            } else {
                note_gone(changes, old, day);
            }
        }
        let was_known = |owner: &OwnerKey| {
            covered.get(owner).is_some_and(|days| days.iter().any(|(first, last)| *first <= day && day <= *last))
        };
        differing.extend(now.into_keys().filter(|owner| !known.contains(owner) && was_known(owner)));
        Ok(differing)
    }

    /// The packed rows of owners in the partition that is about to be replaced; `None` when it is not there or is damaged.
    fn rows_before(
        &self,
        dataset: &'static Dataset,
        day: Day,
        owners: &HashSet<OwnerKey>,
    ) -> Option<BTreeMap<Vec<u8>, usize>> {
        if !self.parquet {
            return None;
        }
        let path = self.staging.shared.root.join(partition_path(dataset, day));
        let mut rows = BTreeMap::new();
        if !path.exists() {
            // A day that had no rows of anybody.
            let sealed = self.staging.shared.state.sealed_rows(dataset, day).ok()?;
            return sealed.is_empty().then_some(rows);
        }
        let mut reader = PartitionReader::open(dataset, &path).ok()?;
        while let Some(batch) = reader.next_batch().ok()? {
            for row in 0..batch.rows() {
                if let Some(packed) = packed_row(dataset, &batch, row, owners)? {
                    *rows.entry(packed).or_default() += 1;
                }
            }
        }
        Some(rows)
    }

    /// Takes away what is on both sides; the rest is noted.
    fn compare(
        &self,
        dataset: &'static Dataset,
        day: Day,
        owners: &HashSet<OwnerKey>,
        mut before: BTreeMap<Vec<u8>, usize>,
        sides: &mut Sides,
    ) -> Result<()> {
        self.rows_now(dataset, day, owners, |packed, owner| {
            if let Some(count) = before.get_mut(packed).filter(|count| **count > 0) {
                *count -= 1;
                return Ok(());
            }
            sides.after.push((owner, reported(dataset, packed)?));
            Ok(())
        })?;
        for packed in before.into_iter().flat_map(|(packed, count)| std::iter::repeat_n(packed, count)) {
            let mut owner = OwnerOf::new(dataset);
            unpack(dataset, &packed, &mut owner)?;
            sides.before.push((owner.owner(), reported(dataset, &packed)?));
        }
        Ok(())
    }

    /// Hands over the new rows of owners.
    fn rows_now(
        &self,
        dataset: &'static Dataset,
        day: Day,
        owners: &HashSet<OwnerKey>,
        mut take: impl FnMut(&[u8], Owner) -> Result<()>,
    ) -> Result<()> {
        self.spill.read(dataset, day, |mut block| {
            while !block.is_empty() {
                let mut owner = OwnerOf::new(dataset);
                let rest = unpack(dataset, block, &mut owner)?;
                let owner = owner.owner();
                if owners.contains(&(owner.kind, owner.id().to_owned())) {
                    take(&block[..block.len() - rest.len()], owner)?;
                }
                block = rest;
            }
            Ok(())
        })
    }

    /// Rows that are gone from their day may stand on another that was not looked at, because it is new.
    fn find_moved(
        &self,
        dataset: &'static Dataset,
        looked_at: &HashSet<(OwnerKey, Day)>,
        sides: &mut Sides,
    ) -> Result<()> {
        let wanted: HashSet<(OwnerKey, String)> = {
            let found: HashSet<_> = sides.after.iter().map(|(owner, row)| (key_of(owner), &row.key)).collect();
            let gone = sides.before.iter().map(|(owner, row)| (key_of(owner), &row.key));
            gone.filter(|row| !found.contains(row)).map(|(owner, key)| (owner, key.clone())).collect()
        };
        let owners: HashSet<OwnerKey> = wanted.iter().map(|(owner, _)| owner.clone()).collect();
        if owners.is_empty() {
            return Ok(());
        }
        for day in self.window.iter() {
            let now = self.sealed.of(dataset, day).into_iter().map(|sealed| sealed.owner);
            let new: HashSet<OwnerKey> =
                now.filter(|owner| owners.contains(owner) && !looked_at.contains(&(owner.clone(), day))).collect();
            if new.is_empty() {
                continue;
            }
            self.rows_now(dataset, day, &new, |packed, owner| {
                let row = reported(dataset, packed)?;
                if wanted.contains(&(key_of(&owner), row.key.clone())) {
                    sides.after.push((owner, row));
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

fn note_gone(changes: &mut Changes, old: SealedRows, day: Day) {
    let gone = changes.gone.entry(format!("{} {}", old.owner.0.name(), old.owner.1)).or_insert_with(|| Gone {
        owner: old.owner,
        rows: 0,
        first: day,
        last: day,
    });
    gone.rows += old.rows;
    gone.last = day;
}

/// Rows of the same key stand together; what is left stands alone.
fn pair_up(sides: Sides) -> Vec<Changed> {
    let mut after: BTreeMap<(OwnerKey, String), Vec<(Owner, Reported)>> = BTreeMap::new();
    for (owner, row) in sides.after {
        after.entry((key_of(&owner), row.key.clone())).or_default().push((owner, row));
    }
    let mut rows: Vec<Changed> = Vec::new();
    for (owner, row) in sides.before {
        let same = after.get_mut(&(key_of(&owner), row.key.clone())).filter(|rows| !rows.is_empty());
        let now = same.map(|rows| rows.remove(0).1);
        rows.push(Changed { owner, before: Some(row), after: now });
    }
    let late = after.into_values().flatten();
    rows.extend(late.map(|(owner, row)| Changed { owner, before: None, after: Some(row) }));
    rows.sort_by(|a, b| {
        let place = |changed: &Changed| {
            let row = changed.after.as_ref().or(changed.before.as_ref()).map(|row| (row.day, row.at));
            (row, changed.before.as_ref().or(changed.after.as_ref()).map(|row| row.key.clone()))
        };
        a.owner.cmp(&b.owner).then_with(|| place(a).cmp(&place(b)))
    });
    rows
}
