//! What a commit seals: each owner's day, each dataset's day, and the chain of days from the window's first to the last.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::committed::owners_of;
use super::lake::{Keep, partition_path};
use super::manifest::{Manifest, ManifestSeal, path_text};
use super::sealed::SealBook;
use super::staged::StagedFile;
use crate::Result;
use crate::record::{Dataset, Day, Window};
use crate::state::{
    self, Digest, OwnerKey, PartitionSeal, SealLine, SealedPartition, SealedRows, Span, SpanPart, State, in_seals,
    seal_day,
};

/// All that a commit seals.
#[derive(Debug)]
pub(super) struct Sealing {
    window: Window,
    datasets: Vec<&'static Dataset>,
    /// The partitions of every day from the window's first on, those of other runs included.
    days: BTreeMap<Day, Vec<SealedPartition>>,
    /// The seal of each of these days, with the one before it.
    seals: BTreeMap<Day, (Digest, Digest)>,
}

/// The owners' days of the window, which the state keeps 16 together.
#[derive(Debug)]
pub(super) struct Spans {
    book: SealBook,
    /// The days of each that have rows.
    parts: Vec<(&'static Dataset, Span, Vec<Day>)>,
}

impl Sealing {
    /// Puts what the run has in the place of what the state holds of its datasets and days. `lake` is the output directory
    /// of a run that writes partitions.
    pub(super) fn new(
        state: &State,
        window: Window,
        datasets: &[(&'static Dataset, &Keep)],
        mut book: SealBook,
        lake: Option<&Path>,
        threads: usize,
    ) -> Result<(Sealing, Spans)> {
        book.finish()?;
        let mut days = state.sealed_partitions(window.from)?;
        let (mut work, mut parts) = (Vec::new(), Vec::new());
        for (dataset, keep) in datasets {
            let is_elsewhere = |day| {
                let partitions = days.get(&day).into_iter().flatten();
                lake.is_some()
                    && partitions.into_iter().any(|each| std::ptr::eq(each.dataset, *dataset) && !each.in_lake)
            };
            let before = |day| match lake {
                Some(root) if is_elsewhere(day) => rows_in_lake(state, dataset, day, root),
                _ => state.sealed_rows(dataset, day),
            };
            settle(&before, dataset, keep, window, &mut book)?;
            let days: Vec<Day> = window.iter().filter(|day| book.has_entries(dataset, *day)).collect();
            work.extend(days.iter().map(|day| (*dataset, *day)));
            let spans = days.chunk_by(|a, b| Span::of(*a) == Span::of(*b));
            parts.extend(spans.map(|days| (*dataset, Span::of(days[0]), days.to_vec())));
        }
        let ranks = Ranks::of(book.owners());
        let sealed = each_on_threads(threads, work.iter(), |(dataset, day)| {
            seal_partition(dataset, *day, &book, &ranks, lake.is_some())
        });
        let is_ours =
            |partition: &SealedPartition| datasets.iter().any(|(own, _)| std::ptr::eq(*own, partition.dataset));
        let mut earlier: HashMap<(&str, Day), SealedPartition> = HashMap::new();
        for (day, partitions) in days.range_mut(window.from..=window.to) {
            let replaced = partitions.extract_if(.., |partition| is_ours(partition));
            earlier.extend(replaced.map(|partition| ((partition.dataset.name, *day), partition)));
        }
        for ((dataset, day), partition) in work.into_iter().zip(sealed) {
            let mut partition = partition?;
            // A run that writes no lake leaves the files of earlier ones there; those of the same rows are still right.
            partition.in_lake |= earlier
                .get(&(dataset.name, day))
                .is_some_and(|earlier| earlier.in_lake && earlier.digest == partition.digest);
            days.entry(day).or_default().push(partition);
        }
        days.retain(|_, partitions| !partitions.is_empty());
        let seals = chain(state.seal_before(window.from)?, &days);
        let datasets = datasets.iter().map(|(dataset, _)| *dataset).collect();
        Ok((Sealing { window, datasets, days, seals }, Spans { book, parts }))
    }

    /// The digest of a dataset's day, if it has rows.
    pub(super) fn digest_of(&self, dataset: &Dataset, day: Day) -> Option<Digest> {
        let partitions = self.days.get(&day)?;
        partitions.iter().find(|partition| std::ptr::eq(partition.dataset, dataset)).map(|partition| partition.digest)
    }

    /// Writes the window's digests and seals into the manifest.
    pub(super) fn tell(&self, manifest: &mut Manifest) {
        let window = self.window;
        for (day, partitions) in self.days.range(window.from..=window.to) {
            let (before, seal) = self.seals[day];
            for partition in partitions {
                let path = path_text(&partition_path(partition.dataset, *day));
                for file in manifest.files.iter_mut().filter(|file| file.path == path) {
                    file.rows_sha256 = Some(partition.digest.to_string());
                    file.seal = Some(seal.to_string());
                }
            }
            manifest.seals.push(ManifestSeal {
                day: day.to_string(),
                previous: before.to_string(),
                seal: seal.to_string(),
                partitions: partitions
                    .iter()
                    .map(|partition| (partition.dataset.name.to_owned(), partition.digest.to_string()))
                    .collect(),
            });
        }
    }

    /// What the state is to hold beside the spans, which are staged in so many bytes; line by line.
    pub(super) fn lines(&self, manifest_sha256: &str, spans_bytes: u64) -> impl Iterator<Item = SealLine> {
        let replace = SealLine::Replace {
            datasets: self.datasets.iter().map(|dataset| dataset.name.to_owned()).collect(),
            manifest: manifest_sha256.to_owned(),
            spans_bytes: Some(spans_bytes),
        };
        let own = self.days.range(self.window.from..=self.window.to);
        let partitions = own.flat_map(|(day, partitions)| {
            let ours =
                partitions.iter().filter(|each| self.datasets.iter().any(|own| std::ptr::eq(*own, each.dataset)));
            ours.map(|partition| SealLine::partition(*day, partition))
        });
        let seals = self.seals.iter().map(|(day, (_, seal))| SealLine::Seal(day.epoch_days(), seal.to_string()));
        std::iter::once(replace).chain(partitions).chain(seals)
    }
}

impl Spans {
    /// Writes them as they are staged.
    pub(super) fn stage(&self, file: &mut StagedFile) -> Result<()> {
        file.append(&state::owners_part(self.book.owners()))?;
        let mut sealed = Vec::new();
        for (dataset, span, days) in &self.parts {
            let mut part = SpanPart::new(dataset, *span);
            let mut by_owner = self.book.by_owner(dataset, days)?;
            while let Some(owner) = by_owner.read_next(&mut sealed)? {
                file.append(part.add(owner, &sealed))?;
            }
            file.append(part.end())?;
        }
        file.append(&state::END)
    }
}

/// What is there of a dataset's days: of the run, and what other runs committed and stays.
fn settle(
    before: &impl Fn(Day) -> Result<Vec<SealedRows>>,
    dataset: &'static Dataset,
    keep: &Keep,
    window: Window,
    book: &mut SealBook,
) -> Result<()> {
    if keep.is_nothing() && book.is_ordered(dataset) {
        return Ok(());
    }
    for day in window.iter() {
        let mut entries = book.entries(dataset, day)?;
        entries.retain(|new| !keep.withholds(&book.owners()[new.owner as usize], day));
        let brought: HashSet<u32> = entries.iter().map(|new| new.owner).collect();
        let before = if keep.is_nothing() { Vec::new() } else { before(day)? };
        let stays = before.iter().filter(|old| keep.keeps(&old.owner, day)).map(|old| book.entry(old));
        entries.extend(stays.filter(|old| !brought.contains(&old.owner)));
        book.replace(dataset, day, entries)?;
    }
    Ok(())
}

/// What the lake holds of a day that a run without a lake sealed after it: its rows can stay, those of that run cannot.
fn rows_in_lake(state: &State, dataset: &'static Dataset, day: Day, root: &Path) -> Result<Vec<SealedRows>> {
    let mut in_lake = owners_of(dataset, &root.join(partition_path(dataset, day))).unwrap_or_default();
    let sealed = state.sealed_rows(dataset, day)?;
    let sealed: HashMap<&OwnerKey, &SealedRows> = sealed.iter().map(|sealed| (&*sealed.owner, sealed)).collect();
    for rows in &mut in_lake {
        let same = sealed.get(&*rows.owner).filter(|sealed| sealed.digest == rows.digest);
        rows.closing = same.and_then(|sealed| sealed.closing);
    }
    Ok(in_lake)
}

/// Each owner's place in the order of seals.
struct Ranks(Vec<u32>);

impl Ranks {
    fn of(owners: &[Arc<OwnerKey>]) -> Ranks {
        let mut order: Vec<usize> = (0..owners.len()).collect();
        order.sort_unstable_by(|a, b| in_seals(&owners[*a], &owners[*b]));
        let mut ranks = vec![0; owners.len()];
        for (rank, owner) in (0..).zip(order) {
            ranks[owner] = rank;
        }
        Ranks(ranks)
    }

    fn rank(&self, owner: u32) -> u32 {
        self.0[owner as usize]
    }
}

/// Seals a dataset's day.
fn seal_partition(
    dataset: &'static Dataset,
    day: Day,
    book: &SealBook,
    ranks: &Ranks,
    in_lake: bool,
) -> Result<SealedPartition> {
    let mut entries = book.entries(dataset, day)?;
    entries.sort_by_key(|entry| ranks.rank(entry.owner));
    let mut seal = PartitionSeal::default();
    for entry in entries {
        seal.add(&book.owners()[entry.owner as usize], entry.sealed(day).rows, entry.digest);
    }
    Ok(seal.finish(dataset, in_lake))
}

/// What `work` makes of each piece, in their order, on several threads.
fn each_on_threads<I: Send, T: Send>(
    threads: usize,
    pieces: impl Iterator<Item = I> + Send,
    work: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    let pieces = Mutex::new(pieces.enumerate());
    let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
    let mut done: Vec<(usize, T)> = std::thread::scope(|scope| {
        let run = || std::iter::from_fn(next).map(|(place, piece)| (place, work(piece))).collect::<Vec<_>>();
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
        let mut done = run();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, made)| made).collect()
}

/// The seals of days, each made of the one before it.
fn chain(mut before: Digest, days: &BTreeMap<Day, Vec<SealedPartition>>) -> BTreeMap<Day, (Digest, Digest)> {
    let mut seals = BTreeMap::new();
    for (day, partitions) in days {
        let named: Vec<(&str, Digest)> = partitions.iter().map(|each| (each.dataset.name, each.digest)).collect();
        let seal = seal_day(before, *day, &named);
        seals.insert(*day, (before, seal));
        before = seal;
    }
    seals
}
