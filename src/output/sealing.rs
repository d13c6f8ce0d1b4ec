//! What a commit seals: each owner's day, each dataset's day, and the chain of days from the window's first to the last.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::lake::{Keep, partition_path};
use super::manifest::{Manifest, ManifestSeal, path_text};
use super::sealed::SealBook;
use crate::Result;
use crate::record::{Dataset, Day, Window};
use crate::state::{
    Digest, OwnerKey, SealLine, SealedDay, SealedPartition, SealedRows, Span, State, seal_day, seal_partition,
};

/// An owner and its packed days of a span.
type OwnerSpan = (Arc<OwnerKey>, Vec<u8>);

/// All that a commit seals.
#[derive(Debug)]
pub(super) struct Sealing {
    window: Window,
    datasets: Vec<&'static Dataset>,
    /// The owners' days of the window, 16 together.
    spans: Vec<(&'static Dataset, Span, Vec<OwnerSpan>)>,
    /// The partitions of every day from the window's first on, those of other runs included.
    days: BTreeMap<Day, Vec<SealedPartition>>,
    /// The seal of each of these days, with the one before it.
    seals: BTreeMap<Day, (Digest, Digest)>,
}

impl Sealing {
    /// Puts what the run has in the place of what the state holds of its datasets and days.
    pub(super) fn new(
        state: &State,
        window: Window,
        datasets: &[(&'static Dataset, &Keep)],
        sealed: &SealBook,
        in_lake: bool,
    ) -> Result<Sealing> {
        let mut days = state.sealed_partitions(window.from)?;
        let mut spans = Spans::default();
        for day in window.iter() {
            let partitions = days.entry(day).or_default();
            partitions
                .retain(|partition| !datasets.iter().any(|(dataset, _)| std::ptr::eq(*dataset, partition.dataset)));
            for (dataset, keep) in datasets {
                let mut owners = sealed.of(dataset, day);
                if !keep.is_nothing() {
                    owners.retain(|new| !keep.withholds(&new.owner, day));
                    let before = state.sealed_rows(dataset, day)?.into_iter();
                    let brought: HashSet<Arc<OwnerKey>> = owners.iter().map(|new| Arc::clone(&new.owner)).collect();
                    let stays = |old: &SealedRows| keep.keeps(&old.owner, day) && !brought.contains(&old.owner);
                    owners.extend(before.filter(stays));
                }
                if !owners.is_empty() {
                    partitions.push(seal_partition(dataset, &mut owners, in_lake));
                    for SealedRows { owner, rows, digest, closing } in owners {
                        spans.add(dataset, owner, &SealedDay { day, rows, digest, closing });
                    }
                }
            }
        }
        days.retain(|_, partitions| !partitions.is_empty());
        let seals = chain(state.seal_before(window.from)?, &days);
        Ok(Sealing {
            window,
            datasets: datasets.iter().map(|(dataset, _)| *dataset).collect(),
            spans: spans.in_order(),
            days,
            seals,
        })
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

    /// What the state is to hold, line by line.
    pub(super) fn lines(&self, manifest_sha256: &str) -> impl Iterator<Item = SealLine> {
        let replace = SealLine::Replace {
            datasets: self.datasets.iter().map(|dataset| dataset.name.to_owned()).collect(),
            manifest: manifest_sha256.to_owned(),
        };
        let spans = self.spans.iter().flat_map(|(dataset, span, owners)| {
            owners.iter().map(|(owner, days)| SealLine::span(dataset, *span, owner, days))
        });
        let own = self.days.range(self.window.from..=self.window.to);
        let partitions = own.flat_map(|(day, partitions)| {
            let ours =
                partitions.iter().filter(|each| self.datasets.iter().any(|own| std::ptr::eq(*own, each.dataset)));
            ours.map(|partition| SealLine::partition(*day, partition))
        });
        let seals = self.seals.iter().map(|(day, (_, seal))| SealLine::Seal(day.epoch_days(), seal.to_string()));
        std::iter::once(replace).chain(spans).chain(partitions).chain(seals)
    }
}

/// Packs owners' days as they come, day by day.
#[derive(Default)]
struct Spans(HashMap<(&'static str, Span), OwnersOf>);

/// Of a dataset: each owner's days so far.
type OwnersOf = (&'static Dataset, HashMap<Arc<OwnerKey>, Vec<u8>>);

impl Spans {
    fn add(&mut self, dataset: &'static Dataset, owner: Arc<OwnerKey>, day: &SealedDay) {
        let (_, owners) = self.0.entry((dataset.name, Span::of(day.day))).or_insert_with(|| (dataset, HashMap::new()));
        day.push(owners.entry(owner).or_default());
    }

    /// As the state keeps them.
    fn in_order(self) -> Vec<(&'static Dataset, Span, Vec<OwnerSpan>)> {
        let mut spans: Vec<_> = self.0.into_iter().collect();
        spans.sort_by_key(|(key, _)| *key);
        let in_order = |owners: HashMap<Arc<OwnerKey>, Vec<u8>>| {
            let mut owners: Vec<OwnerSpan> = owners.into_iter().collect();
            owners.sort_by(|a, b| a.0.cmp(&b.0));
            owners
        };
        spans.into_iter().map(|((_, span), (dataset, owners))| (dataset, span, in_order(owners))).collect()
    }
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
