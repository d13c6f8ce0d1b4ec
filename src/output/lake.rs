//! The second phase: day by day, packed rows become one Parquet file a partition.
//!
//! A partition always holds exactly its day's rows. Rows of owners that this run could not ask for stay: they are
//! carried over from the file that is replaced.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::columns::Batch;
use super::committed::key_of;
use super::directory::Shared;
use super::disk::Access;
use super::fan::To;
use super::packed::unpack;
use super::parquet::{PartitionReader, PartitionWriter};
use super::sealing::Sealing;
use super::spill::Spill;
use super::staged::{Digested, StagedFile};
use super::syncer::Sync;
use super::totals::Totals;
use crate::Result;
use crate::planted::{Bug, is_planted};
use crate::record::{CellSink, Dataset, Day, Money, Owner, OwnerKind, Rate, Stamp, Window};
use crate::state::OwnerKey;

/// Which rows of an existing partition stay: those that the run could not ask for.
#[derive(Debug, Clone, Default)]
pub(super) struct Keep {
    /// Owners of whom the run brings no rows.
    owners: HashSet<OwnerKey>,
    /// Of these kinds, everybody's but theirs.
    all_but: HashMap<OwnerKind, HashSet<OwnerKey>>,
    /// Days of owners of which the run may not have all rows: what it has of them does not count.
    days: HashSet<(OwnerKey, Day)>,
}

impl Keep {
    pub(super) fn add_owners(&mut self, owners: impl Iterator<Item = OwnerKey>) {
        self.owners.extend(owners);
    }

    pub(super) fn add_all_but(&mut self, kind: OwnerKind, owners: impl Iterator<Item = OwnerKey>) {
        self.all_but.insert(kind, owners.collect());
    }

    pub(super) fn add_days(&mut self, owner: &OwnerKey, days: impl IntoIterator<Item = Day>) {
        self.days.extend(days.into_iter().map(|day| (owner.clone(), day)));
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.owners.is_empty() && self.all_but.is_empty() && self.days.is_empty()
    }

    /// Whether there is no owner all of whose earlier rows stay.
    fn expects_everybody(&self) -> bool {
        self.owners.is_empty() && self.all_but.is_empty()
    }

    /// Whether an owner's earlier rows of a day stay.
    pub(super) fn keeps(&self, owner: &OwnerKey, day: Day) -> bool {
        self.keeps_owner(owner) || self.withholds(owner, day)
    }

    /// Whether all of an owner's earlier rows stay.
    pub(super) fn keeps_owner(&self, owner: &OwnerKey) -> bool {
        self.owners.contains(owner) || self.all_but.get(&owner.0).is_some_and(|others| !others.contains(owner))
    }

    /// Whether what the run has of an owner's day gives way to what is there.
    pub(super) fn withholds(&self, owner: &OwnerKey, day: Day) -> bool {
        // The set's key is owned; this path is rare.
        !self.days.is_empty() && self.days.contains(&(owner.clone(), day))
    }
}

/// A dataset of the run that has partitions.
#[derive(Debug)]
pub(super) struct LakeDataset {
    pub(super) dataset: &'static Dataset,
    pub(super) keep: Keep,
}

/// What the second phase works on.
#[derive(Debug)]
pub(super) struct Lake {
    /// The output directory and its machine.
    pub(super) shared: Arc<Shared>,
    pub(super) sync: Sync,
    /// Where files are staged.
    pub(super) staging: PathBuf,
    pub(super) window: Window,
    pub(super) datasets: Vec<LakeDataset>,
    pub(super) spill: Arc<Spill>,
    /// The digests of what is written.
    pub(super) sealing: Arc<Sealing>,
}

/// The second phase under way: behind other work, unless the machine has one thread only. If it is dropped, it is called
/// off, and when that returns it is over.
#[derive(Debug)]
pub(super) struct Writing {
    stopped: Arc<AtomicBool>,
    outcomes: Option<Outcomes>,
}

#[derive(Debug)]
enum Outcomes {
    There(Result<Vec<Outcome>>),
    Behind(JoinHandle<Result<Vec<Outcome>>>),
}

impl Writing {
    /// Begins.
    pub(super) fn begin(lake: Lake) -> Writing {
        let stopped = Arc::new(AtomicBool::new(false));
        let outcomes = if lake.shared.machine.threads <= 1 {
            Outcomes::There(lake.stage(&stopped))
        } else {
            let stopped = Arc::clone(&stopped);
            Outcomes::Behind(std::thread::spawn(move || lake.stage(&stopped)))
        };
        Writing { stopped, outcomes: Some(outcomes) }
    }

    /// Waits for it: what becomes of each partition, in the order of datasets and days.
    ///
    /// # Errors
    /// The first one met.
    pub(super) fn finish(mut self) -> Result<Vec<Outcome>> {
        match self.outcomes.take() {
            Some(Outcomes::There(outcomes)) => outcomes,
            Some(Outcomes::Behind(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            None => unreachable!("taken here alone"),
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(Outcomes::Behind(thread)) = self.outcomes.take() {
            // What went wrong there does not matter any more.
            let _ = thread.join();
        }
    }
}

/// What becomes of a partition.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A new file, staged.
    Written(Partition),
    /// The day has no rows any more: its file goes.
    Removed(PathBuf),
}

/// A staged partition.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) dataset: &'static Dataset,
    /// Its name in the staging folder.
    pub(super) staged_name: String,
    /// Where it goes, relative to the output directory.
    pub(super) target: PathBuf,
    pub(super) digested: Digested,
    pub(super) totals: Totals,
}

/// A partition's file, relative to the output directory.
pub fn partition_path(dataset: &Dataset, day: Day) -> PathBuf {
    let name = dataset.name;
    PathBuf::from(format!("lake/{name}/booking_date={day}/{name}.parquet"))
}

/// Whether a path, relative to the output directory, is that of a partition.
pub fn is_partition(path: &str) -> bool {
    super::verify::partition_of(path).is_some()
}

impl Lake {
    /// Stages every partition of the window, in the order of datasets and days.
    ///
    /// # Errors
    /// The first one met; the other threads then stop.
    fn stage(&self, stopped: &AtomicBool) -> Result<Vec<Outcome>> {
        let work = self.work();
        let queue = Queue { next: AtomicUsize::new(0), stopped, done: Mutex::new(Vec::new()) };
        let threads = self.shared.machine.threads.min(work.len().max(1));
        let results: Vec<Result<()>> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| self.run(&work, &queue))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|p| std::panic::resume_unwind(p))).collect()
        });
        results.into_iter().collect::<Result<()>>()?;
        let mut done = queue.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(index, _)| *index);
        if is_planted(Bug::OrderUnstable) && !done.is_empty() {
            let by = rand::random::<usize>() % done.len();
            done.rotate_left(by);
        }
        Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
    }

    /// The partitions that have rows now or had some before.
    fn work(&self) -> Vec<(&LakeDataset, Day)> {
        self.datasets
            .iter()
            .flat_map(|each| self.window.iter().map(move |day| (each, day)))
            .filter(|(each, day)| {
                self.spill.has_rows(each.dataset, *day)
                    || self.shared.root.join(partition_path(each.dataset, *day)).exists()
            })
            .collect()
    }

    fn run(&self, work: &[(&LakeDataset, Day)], queue: &Queue<'_>) -> Result<()> {
        while !queue.stopped.load(Ordering::Relaxed) {
            let index = queue.next.fetch_add(1, Ordering::Relaxed);
            let Some((each, day)) = work.get(index) else {
                break;
            };
            let outcome = self.partition(each, *day).inspect_err(|_| queue.stopped.store(true, Ordering::Relaxed))?;
            let mut done = queue.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.extend(outcome.map(|outcome| (index, outcome)));
        }
        Ok(())
    }

    /// `None` when there is no file of the day and none is to be.
    fn partition(&self, each: &LakeDataset, day: Day) -> Result<Option<Outcome>> {
        let target = partition_path(each.dataset, day);
        let path = self.shared.root.join(&target);
        let mut kept = KeptRows::open(each, day, &path, self.bringers(each, day)?)?;
        // What is sealed is what will be there: rows that are withheld leave nothing.
        let has_rows = self.spill.has_rows(each.dataset, day) && self.sealing.digest_of(each.dataset, day).is_some();
        if kept.is_empty() && !has_rows {
            return Ok(path.exists().then_some(Outcome::Removed(target)));
        }
        let staged_name = format!("{}.{day}.parquet", each.dataset.name);
        let file = StagedFile::create(&*self.shared.machine.disk, self.staging.join(&staged_name), Access::Shared)?;
        let mut rows = RowWriter { dataset: each.dataset, writer: PartitionWriter::new(each.dataset, file)? };
        self.spill.read(each.dataset, day, |block| rows.merge(block, &mut kept))?;
        rows.write_kept(&mut kept, None)?;
        let rows_sha256 = self.sealing.digest_of(each.dataset, day).map(|digest| digest.to_string());
        let (file, totals) = rows.writer.finish(each.dataset, rows_sha256)?;
        let digested = file.finish_behind(&self.sync)?;
        Ok(Some(Outcome::Written(Partition { dataset: each.dataset, staged_name, target, digested, totals })))
    }

    /// Owners of whom nothing was expected, and who bring rows of the day all the same: a transfer may name another sender
    /// than the listing it stands in. Theirs count, as in every other run.
    fn bringers(&self, each: &LakeDataset, day: Day) -> Result<HashSet<OwnerKey>> {
        let mut bringers = HashSet::new();
        if each.keep.expects_everybody() {
            return Ok(bringers);
        }
        self.spill.read(each.dataset, day, |mut block| {
            while !block.is_empty() {
                let mut owner = OwnerOf::new(each.dataset);
                block = unpack(each.dataset, block, &mut owner)?;
                bringers.extend(Some(key_of(&owner.owner())).filter(|owner| each.keep.keeps_owner(owner)));
            }
            Ok(())
        })?;
        Ok(bringers)
    }
}

/// What the threads share.
struct Queue<'s> {
    next: AtomicUsize,
    stopped: &'s AtomicBool,
    done: Mutex<Vec<(usize, Outcome)>>,
}

/// Writes rows, new and kept, to one file.
struct RowWriter {
    dataset: &'static Dataset,
    writer: PartitionWriter<StagedFile>,
}

impl RowWriter {
    /// Writes packed rows, each behind the kept rows of owners that come before its own.
    fn merge(&mut self, mut block: &[u8], kept: &mut KeptRows) -> Result<()> {
        while !block.is_empty() {
            if kept.is_empty() && kept.each.keep.days.is_empty() {
                return self.writer.add(block);
            }
            let mut owner = OwnerOf::new(self.dataset);
            let behind = unpack(self.dataset, block, &mut owner)?;
            let owner = owner.owner();
            self.write_kept(kept, Some(&owner))?;
            if !kept.each.keep.withholds(&key_of(&owner), kept.day) {
                self.writer.add(&block[..block.len() - behind.len()])?;
            }
            block = behind;
        }
        Ok(())
    }

    /// Writes the kept rows of owners before `until`, or all that are left.
    fn write_kept(&mut self, kept: &mut KeptRows, until: Option<&Owner>) -> Result<()> {
        while let Some(next) = &kept.next
            && until.is_none_or(|until| next.owner < *until)
        {
            next.batch.hand_over(next.row, &mut To(self.writer.cells()))?;
            self.writer.end_row()?;
            kept.advance()?;
        }
        Ok(())
    }
}

/// The rows of an existing partition that stay, in their order.
struct KeptRows<'a> {
    each: &'a LakeDataset,
    day: Day,
    /// Owners whose rows are new after all.
    bringers: HashSet<OwnerKey>,
    reader: Option<PartitionReader>,
    next: Option<KeptRow>,
}

struct KeptRow {
    batch: Batch,
    row: usize,
    owner: Owner,
}

impl KeptRows<'_> {
    fn open<'a>(each: &'a LakeDataset, day: Day, path: &Path, bringers: HashSet<OwnerKey>) -> Result<KeptRows<'a>> {
        let appends = is_planted(Bug::PartitionAppended);
        let wanted = (appends || !each.keep.is_nothing()) && path.exists();
        let reader = wanted.then(|| PartitionReader::open(each.dataset, path)).transpose()?;
        let mut kept = KeptRows { each, day, bringers, reader, next: None };
        kept.advance()?;
        Ok(kept)
    }

    fn is_empty(&self) -> bool {
        self.next.is_none()
    }

    /// Goes to the next row that stays.
    fn advance(&mut self) -> Result<()> {
        let Some(reader) = &mut self.reader else {
            return Ok(());
        };
        let mut current = self.next.take().map(|kept| (kept.batch, kept.row + 1));
        loop {
            let (batch, row) = match current.take() {
                Some((batch, row)) if row < batch.rows() => (batch, row),
                _ => match reader.next_batch()? {
                    Some(batch) => (batch, 0),
                    None => return Ok(()),
                },
            };
            if row >= batch.rows() {
                continue;
            }
            let mut owner = OwnerOf::new(self.each.dataset);
            batch.hand_over(row, &mut owner)?;
            let owner = owner.owner();
            let key = key_of(&owner);
            let stays = self.each.keep.keeps(&key, self.day) && !self.bringers.contains(&key);
            if stays || is_planted(Bug::PartitionAppended) {
                self.next = Some(KeptRow { batch, row, owner });
                return Ok(());
            }
            current = Some((batch, row + 1));
        }
    }
}

/// Finds out whose a row is.
#[derive(Clone)]
pub(super) struct OwnerOf {
    dataset: &'static Dataset,
    at: usize,
    kind: OwnerKind,
    acc_id: String,
    card_ref: String,
}

impl OwnerOf {
    pub(super) fn new(dataset: &'static Dataset) -> OwnerOf {
        OwnerOf { dataset, at: 0, kind: OwnerKind::Account, acc_id: String::new(), card_ref: String::new() }
    }

    /// Before the cells of another row.
    pub(super) fn begin(&mut self) {
        (self.at, self.kind) = (0, OwnerKind::Account);
        self.acc_id.clear();
        self.card_ref.clear();
    }

    /// Whether the row is that owner's.
    pub(super) fn is(&self, owner: &Owner) -> bool {
        (self.kind, &self.acc_id, &self.card_ref) == (owner.kind, &owner.acc_id, &owner.card_ref)
    }

    pub(super) fn owner(self) -> Owner {
        Owner { kind: self.kind, acc_id: self.acc_id, card_ref: self.card_ref }
    }
}

impl CellSink for OwnerOf {
    fn text(&mut self, value: Option<&str>) {
        let value = value.unwrap_or_default();
        match self.dataset.columns[self.at].name {
            "card_ref" => {
                self.kind = OwnerKind::Card;
                value.clone_into(&mut self.card_ref);
            }
            "owner_kind" if value == OwnerKind::Card.name() => self.kind = OwnerKind::Card,
            "owner_id" if self.kind == OwnerKind::Card => value.clone_into(&mut self.card_ref),
            "acc_id" | "owner_id" => value.clone_into(&mut self.acc_id),
            _ => {}
        }
        self.at += 1;
    }

    fn money(&mut self, _value: Option<Money>, _digits: u8) {
        self.at += 1;
    }

    fn rate(&mut self, _value: Option<Rate>) {
        self.at += 1;
    }

    fn date(&mut self, _value: Option<Day>) {
        self.at += 1;
    }

    fn time(&mut self, _value: Option<Stamp>) {
        self.at += 1;
    }

    fn count(&mut self, _value: i64) {
        self.at += 1;
    }
}
