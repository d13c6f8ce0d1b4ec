//! What a commit seals: each owner's day, each dataset's day, and the chain of days from the window's first to the last.

use std::collections::BTreeMap;

use super::lake::{Keep, partition_path};
use super::manifest::{Manifest, ManifestSeal, path_text};
use super::sealed::SealBook;
use crate::Result;
use crate::record::{Dataset, Day, Window};
use crate::state::{Digest, SealLine, SealedPartition, SealedRows, State, seal_day, seal_partition};

/// All that a commit seals.
#[derive(Debug)]
pub(super) struct Sealing {
    window: Window,
    datasets: Vec<&'static Dataset>,
    rows: Vec<(&'static Dataset, Day, SealedRows)>,
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
        let mut rows = Vec::new();
        for day in window.iter() {
            let partitions = days.entry(day).or_default();
            partitions
                .retain(|partition| !datasets.iter().any(|(dataset, _)| std::ptr::eq(*dataset, partition.dataset)));
            for (dataset, keep) in datasets {
                let mut owners = sealed.of(dataset, day);
                if !keep.is_nothing() {
                    owners.retain(|new| !keep.withholds(&new.owner, day));
                    let before = state.sealed_rows(dataset, day)?.into_iter();
                    owners.extend(before.filter(|old| keep.keeps(&old.owner, day)));
                }
                if !owners.is_empty() {
                    partitions.push(seal_partition(dataset, &mut owners, in_lake));
                    rows.extend(owners.into_iter().map(|owner| (*dataset, day, owner)));
                }
            }
        }
        days.retain(|_, partitions| !partitions.is_empty());
        // As the state keeps them.
        rows.sort_by(|a, b| a.2.owner.cmp(&b.2.owner));
        let seals = chain(state.seal_before(window.from)?, &days);
        Ok(Sealing { window, datasets: datasets.iter().map(|(dataset, _)| *dataset).collect(), rows, days, seals })
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
        let rows = self.rows.iter().map(|(dataset, day, sealed)| SealLine::rows(dataset, *day, sealed));
        let own = self.days.range(self.window.from..=self.window.to);
        let partitions = own.flat_map(|(day, partitions)| {
            let ours =
                partitions.iter().filter(|each| self.datasets.iter().any(|own| std::ptr::eq(*own, each.dataset)));
            ours.map(|partition| SealLine::partition(*day, partition))
        });
        let seals = self.seals.iter().map(|(day, (_, seal))| SealLine::Seal(day.epoch_days(), seal.to_string()));
        std::iter::once(replace).chain(rows).chain(partitions).chain(seals)
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
