//! What a commit seals: each owner's day, each dataset's day, and the chain of days from the window's first to the last.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::lake::{Keep, partition_path};
use super::manifest::{Manifest, ManifestSeal, path_text};
use super::sealed::{Entry, SealBook};
use crate::Result;
use crate::record::{Dataset, Day, Window};
use crate::state::{
    Digest, OwnerKey, PartitionSeal, SealLine, SealedPartition, Span, SpanPart, State, in_seals, seal_day,
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

/// The owners' days of the window, packed for the state.
#[derive(Debug)]
pub(super) struct Spans {
    /// By their numbers.
    pub(super) owners: Vec<Arc<OwnerKey>>,
    /// Of each dataset and span; the owners as they came, which is how the state numbers them.
    pub(super) parts: Vec<Vec<u8>>,
}

impl Sealing {
    /// Puts what the run has in the place of what the state holds of its datasets and days.
    pub(super) fn new(
        state: &State,
        window: Window,
        datasets: &[(&'static Dataset, &Keep)],
        mut sealed: SealBook,
        in_lake: bool,
        threads: usize,
    ) -> Result<(Sealing, Spans)> {
        sealed.finish();
        let mut spans: BTreeMap<(usize, Span), SpanDays> = BTreeMap::new();
        for (place, (dataset, keep)) in datasets.iter().enumerate() {
            for day in window.iter() {
                let entries = entries_of(state, dataset, keep, day, &mut sealed)?;
                if !entries.is_empty() {
                    spans.entry((place, Span::of(day))).or_default().push((day, entries));
                }
            }
        }
        let owners = sealed.into_owners();
        let ranks = Ranks::of(&owners);
        let dataset_of = |place: usize| datasets[place].0;
        let (keys, work): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
        let pieces = keys.iter().zip(work);
        let sealed = each_on_threads(threads, pieces, |((place, span), days)| {
            seal_span((dataset_of(*place), *span), days, &owners, &ranks, in_lake)
        });
        let mut days = state.sealed_partitions(window.from)?;
        let is_ours =
            |partition: &SealedPartition| datasets.iter().any(|(own, _)| std::ptr::eq(*own, partition.dataset));
        for (_, partitions) in days.range_mut(window.from..=window.to) {
            partitions.retain(|partition| !is_ours(partition));
        }
        let mut parts = Vec::new();
        for (partitions, packed) in sealed {
            for (day, partition) in partitions {
                days.entry(day).or_default().push(partition);
            }
            parts.push(packed);
        }
        days.retain(|_, partitions| !partitions.is_empty());
        let seals = chain(state.seal_before(window.from)?, &days);
        let datasets = datasets.iter().map(|(dataset, _)| *dataset).collect();
        Ok((Sealing { window, datasets, days, seals }, Spans { owners, parts }))
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

/// The days of a span that have rows, and what the owners have of each.
type SpanDays = Vec<(Day, Vec<Entry>)>;

/// What is there of a dataset's day: of the run, and what other runs committed and stays.
fn entries_of(
    state: &State,
    dataset: &'static Dataset,
    keep: &Keep,
    day: Day,
    sealed: &mut SealBook,
) -> Result<Vec<Entry>> {
    let mut entries = sealed.take(dataset, day);
    if !keep.is_nothing() {
        entries.retain(|new| !keep.withholds(sealed.owner(new.owner), day));
        let brought: HashSet<u32> = entries.iter().map(|new| new.owner).collect();
        let before = state.sealed_rows(dataset, day)?;
        let stays = before.iter().filter(|old| keep.keeps(&old.owner, day)).map(|old| sealed.entry(old));
        entries.extend(stays.filter(|old| !brought.contains(&old.owner)));
    }
    Ok(entries)
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

/// Seals the partitions of a span, and packs each owner's days of it.
fn seal_span(
    (dataset, span): (&'static Dataset, Span),
    mut days: SpanDays,
    owners: &[Arc<OwnerKey>],
    ranks: &Ranks,
    in_lake: bool,
) -> (Vec<(Day, SealedPartition)>, Vec<u8>) {
    let mut partitions = Vec::with_capacity(days.len());
    let mut places = Vec::with_capacity(days.iter().map(|(_, entries)| entries.len()).sum());
    for (place, (day, entries)) in days.iter_mut().enumerate() {
        entries.sort_unstable_by_key(|entry| ranks.rank(entry.owner));
        let mut seal = PartitionSeal::default();
        for (at, entry) in entries.iter().enumerate() {
            seal.add(&owners[entry.owner as usize], entry.sealed(*day).rows, entry.digest);
            places.push((entry.owner, place, at));
        }
        partitions.push((*day, seal.finish(dataset, in_lake)));
    }
    places.sort_unstable();
    let owned = places.chunk_by(|a, b| a.0 == b.0).count();
    let mut packed = SpanPart::new(dataset, span, owned, places.len());
    for of_owner in places.chunk_by(|a, b| a.0 == b.0) {
        let sealed = of_owner.iter().map(|(_, place, at)| {
            let (day, entries) = &days[*place];
            entries[*at].sealed(*day)
        });
        packed.add(of_owner[0].0, sealed);
    }
    (partitions, packed.finish())
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
