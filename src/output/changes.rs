//! What is different from what an earlier run committed: found by digests, so that a rerun of the same rows reads nothing,
//! and told row by row out of the partitions that are about to be replaced.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::committed::{key_of, packed_row, reported};
use super::lake::{OwnerOf, partition_path};
use super::packed::unpack;
use super::parquet::PartitionReader;
use super::publication::Publication;
use crate::Result;
use crate::record::{Changed, Dataset, Day, Owner, Reported, Window};
use crate::state::{CoveredDays, Digest, OwnerKey, SealedRows};

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
    /// Each day, with the digest of its rows.
    pub days: BTreeMap<Day, Digest>,
}

/// The days around the window, from which rows may have moved into it.
#[derive(Debug, Clone)]
pub struct DaysAround {
    /// The window and those days.
    pub days: Window,
    /// Owners who have not as many rows on such a day as were committed.
    pub differing: HashSet<(OwnerKey, Day)>,
}

/// Rows of one side that the other side does not have in the same words.
#[derive(Default)]
struct Sides {
    before: Vec<(Owner, Reported)>,
    after: Vec<(Owner, Reported)>,
}

impl Publication {
    /// What is different, in the window, from what earlier runs committed of a dataset. All rows have been appended;
    /// `is_read` tells whether the run knows an owner; rows may have moved in from `around`.
    ///
    /// # Errors
    /// When the state or the scratch file cannot be read.
    pub fn changes(
        &mut self,
        dataset: &'static Dataset,
        is_read: &dyn Fn(&OwnerKey) -> bool,
        around: &DaysAround,
    ) -> Result<Changes> {
        self.sealed.finish()?;
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
        self.find_moved_in(dataset, &looked_at, around, &mut sides)?;
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
        let before = self.staging.shared.state.sealed_rows(dataset, day)?;
        if before.is_empty() && covered.is_empty() {
            return Ok(HashSet::new());
        }
        let now: HashMap<Arc<OwnerKey>, SealedRows> =
            self.sealed.of(dataset, day)?.into_iter().map(|sealed| (Arc::clone(&sealed.owner), sealed)).collect();
        let mut differing = HashSet::new();
        let mut known = HashSet::new();
        for old in before {
            known.insert(Arc::clone(&old.owner));
            let is_same = now.get(&old.owner).is_some_and(|new| new.digest == old.digest);
            if is_same || self.keeps_owner(dataset, &old.owner) {
                continue;
            }
            if is_read(&old.owner) {
                differing.insert((*old.owner).clone());
            } else {
                note_gone(changes, &old, day);
            }
        }
        let was_known = |owner: &OwnerKey| {
            covered.get(owner).is_some_and(|days| days.iter().any(|(first, last)| *first <= day && day <= *last))
        };
        let new = now.into_keys().filter(|owner| !known.contains(owner) && was_known(owner));
        differing.extend(new.map(|owner| (*owner).clone()));
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
                if owners.contains(&key_of(&owner)) {
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
        self.rows_elsewhere(dataset, looked_at, &owners, |owner, row| {
            if wanted.contains(&(key_of(&owner), row.key.clone())) {
                sides.after.push((owner, row));
            }
        })
    }

    /// Rows that are new in the window may have been committed on a day outside of it.
    fn find_moved_in(
        &self,
        dataset: &'static Dataset,
        looked_at: &HashSet<(OwnerKey, Day)>,
        around: &DaysAround,
        sides: &mut Sides,
    ) -> Result<()> {
        let known: HashSet<(OwnerKey, &str)> =
            sides.before.iter().map(|(owner, row)| (key_of(owner), row.key.as_str())).collect();
        let late = sides.after.iter().map(|(owner, row)| (key_of(owner), row.key.clone()));
        let late: HashSet<(OwnerKey, String)> =
            late.filter(|(owner, key)| !known.contains(&(owner.clone(), key.as_str()))).collect();
        let late_owners: HashSet<OwnerKey> = late.iter().map(|(owner, _)| owner.clone()).collect();
        let mut gone: HashMap<(OwnerKey, String), (Owner, Reported)> = HashMap::new();
        for day in around.days.iter().filter(|day| !self.window.contains(*day)) {
            let fewer = around.differing.iter().filter(|(_, on)| *on == day).map(|(owner, _)| owner);
            let owners: HashSet<OwnerKey> = late_owners.iter().chain(fewer).cloned().collect();
            if owners.is_empty() {
                continue;
            }
            for (owner, row) in self.committed_rows(dataset, day, &owners) {
                let key = (key_of(&owner), row.key.clone());
                if late.contains(&key) {
                    sides.before.push((owner, row));
                } else if around.differing.contains(&(key.0.clone(), day)) {
                    gone.insert(key, (owner, row));
                }
            }
        }
        let owners: HashSet<OwnerKey> = gone.keys().map(|(owner, _)| owner.clone()).collect();
        self.rows_elsewhere(dataset, looked_at, &owners, |owner, row| {
            if let Some(before) = gone.remove(&(key_of(&owner), row.key.clone())) {
                sides.before.push(before);
                sides.after.push((owner, row));
            }
        })
    }

    /// Hands over owners' rows on days of the window that were not looked at, because they are new.
    fn rows_elsewhere(
        &self,
        dataset: &'static Dataset,
        looked_at: &HashSet<(OwnerKey, Day)>,
        owners: &HashSet<OwnerKey>,
        mut take: impl FnMut(Owner, Reported),
    ) -> Result<()> {
        for day in self.window.iter().filter(|_| !owners.is_empty()) {
            let now = self.sealed.of(dataset, day)?.into_iter().map(|sealed| (*sealed.owner).clone());
            let new: HashSet<OwnerKey> =
                now.filter(|owner| owners.contains(owner) && !looked_at.contains(&(owner.clone(), day))).collect();
            if !new.is_empty() {
                self.rows_now(dataset, day, &new, |packed, owner| {
                    take(owner, reported(dataset, packed)?);
                    Ok(())
                })?;
            }
        }
        Ok(())
    }

    /// The digests of the run's rows of an owner, by day.
    ///
    /// # Errors
    /// When the scratch file cannot be read.
    pub fn digests_of(&mut self, dataset: &'static Dataset, owner: &OwnerKey) -> Result<BTreeMap<Day, Digest>> {
        self.sealed.finish()?;
        let mut digests = BTreeMap::new();
        for day in self.window.iter() {
            let sealed = self.sealed.of(dataset, day)?.into_iter().find(|sealed| *sealed.owner == *owner);
            digests.extend(sealed.map(|sealed| (day, sealed.digest)));
        }
        Ok(digests)
    }
}

fn note_gone(changes: &mut Changes, old: &SealedRows, day: Day) {
    let name = format!("{} {}", old.owner.0.name(), old.owner.1);
    let gone = changes.gone.entry(name).or_insert_with(|| Gone {
        owner: (*old.owner).clone(),
        rows: 0,
        days: BTreeMap::new(),
    });
    gone.rows += old.rows;
    gone.days.insert(day, old.digest);
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
