//! What was committed, for those who load it elsewhere: the partitions as the newest manifests tell them, and their rows.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::disk::Refused;
use super::fan::{Both, To};
use super::manifest::{self, Manifest, ManifestFile};
use super::parquet::PartitionReader;
use super::totals::{CurrencyTotals, Summing};
use super::verify::{digest_of, hold, partition_of, report_folders};
use crate::record::{CellSink, Dataset, Day};
use crate::state::State;
use crate::{Error, Result};

/// Takes whole rows.
pub trait RowSink: CellSink {
    /// Says that a row is whole.
    ///
    /// # Errors
    /// When the row cannot be taken.
    fn end_row(&mut self) -> Result<()>;
}

/// An output directory held for reading: no run changes it meanwhile.
#[derive(Debug)]
pub struct Released {
    out: PathBuf,
    state: State,
    partitions: Vec<ReleasedPartition>,
    runs: HashSet<String>,
    _held: Option<File>,
}

/// A partition of the lake, as the run that wrote it told of it.
#[derive(Debug, Clone)]
pub struct ReleasedPartition {
    /// The dataset.
    pub dataset: &'static Dataset,
    /// The day.
    pub day: Day,
    /// Its file, with the control totals.
    pub file: ManifestFile,
    /// The run that wrote it.
    pub run_id: String,
}

impl Released {
    /// Opens an output directory.
    ///
    /// # Errors
    /// When there is none, a run is at work in it, or a manifest is not the one that its run wrote.
    pub fn open(out: &Path) -> Result<Released> {
        let held = hold(out)?;
        let state = State::open_for_reading(out)?;
        let known = state.manifests()?;
        let mut manifests = Vec::new();
        for folder in report_folders(out)? {
            manifests.push(read_manifest(&folder.join(manifest::FILE_NAME), &known)?);
        }
        let partitions = newest(manifests);
        let runs = known.into_keys().collect();
        Ok(Released { out: out.to_owned(), state, partitions, runs, _held: held })
    }

    /// The partitions, by dataset and day.
    pub fn partitions(&self) -> &[ReleasedPartition] {
        &self.partitions
    }

    /// What is remembered of the runs.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether a run of that id was committed here.
    pub fn knows_run(&self, run_id: &str) -> bool {
        self.runs.contains(run_id)
    }

    /// Where a partition lies.
    pub fn path_of(&self, partition: &ReleasedPartition) -> PathBuf {
        self.out.join(&partition.file.path)
    }

    /// Compares a partition's bytes with its manifest.
    ///
    /// # Errors
    /// When they are not the ones that were committed.
    pub fn check(&self, partition: &ReleasedPartition) -> Result<()> {
        let file = &partition.file;
        match digest_of(&self.out.join(&file.path))? {
            Some(found) if found == (file.bytes, file.sha256.clone()) => Ok(()),
            Some((bytes, sha256)) => Err(Error::environment(format!(
                "expected the {} bytes with sha256 {} that were committed, found {bytes} with sha256 {sha256}",
                file.bytes, file.sha256
            ))
            .at(self.out.join(&file.path).display())
            .hint("`tieout verify` tells what was changed; run the day again to write it anew")),
            None => Err(Error::environment("a partition that was committed is not there")
                .at(self.out.join(&file.path).display())
                .hint("`tieout verify` tells what is missing; run the day again to write it anew")),
        }
    }

    /// Hands the rows of a partition to `sink`, in their order.
    ///
    /// # Errors
    /// When they cannot be read or taken, or do not sum up to what the manifest tells.
    pub fn read(&self, partition: &ReleasedPartition, sink: &mut impl RowSink) -> Result<()> {
        let path = self.out.join(&partition.file.path);
        let mut summing = Summing::new(partition.dataset);
        let mut reader = PartitionReader::open(partition.dataset, &path)?;
        while let Some(batch) = reader.next_batch()? {
            for row in 0..batch.rows() {
                batch.hand_over(row, &mut Both(To(&mut *sink), To(&mut summing)))?;
                sink.end_row()
                    .map_err(|error| error.at(format!("{}, row {}", path.display(), summing.totals().rows)))?;
            }
        }
        let (totals, file) = (summing.totals(), &partition.file);
        let days = [totals.first_day, totals.last_day].map(|day| day.is_none_or(|day| day == partition.day));
        if Some(totals.rows) != file.rows || !agree(&totals.by_currency(), &file.totals) || days != [true, true] {
            return Err(Error::environment("the rows of a partition do not sum up to the totals of its manifest")
                .at(path.display())
                .hint("`tieout verify` tells what was changed"));
        }
        Ok(())
    }
}

/// What each partition is by the newest manifest that speaks of it.
fn newest(mut manifests: Vec<Manifest>) -> Vec<ReleasedPartition> {
    manifests.sort_by(|a, b| a.run_id.cmp(&b.run_id));
    let mut partitions: BTreeMap<(usize, Day), ReleasedPartition> = BTreeMap::new();
    let place = |path: &str| partition_of(path).map(|(dataset, day)| (rank(dataset), day));
    for manifest in manifests {
        for gone in manifest.removed.iter().filter_map(|path| place(path)) {
            partitions.remove(&gone);
        }
        for file in manifest.files {
            if let Some((dataset, day)) = partition_of(&file.path) {
                let partition = ReleasedPartition { dataset, day, file, run_id: manifest.run_id.clone() };
                partitions.insert((rank(dataset), day), partition);
            }
        }
    }
    partitions.into_values().collect()
}

/// Manifests of before told no openings and closings.
fn agree(found: &[CurrencyTotals], told: &[CurrencyTotals]) -> bool {
    let is_one = |found: &CurrencyTotals, told: &CurrencyTotals| {
        let older = CurrencyTotals { opening: None, closing: None, ..found.clone() };
        found == told || older == *told
    };
    found.len() == told.len() && found.iter().zip(told).all(|(found, told)| is_one(found, told))
}

fn rank(dataset: &Dataset) -> usize {
    let place = crate::record::dataset::ALL.iter().position(|each| std::ptr::eq(*each, dataset));
    place.expect("a dataset of the declaration")
}

fn read_manifest(path: &Path, known: &std::collections::HashMap<String, String>) -> Result<Manifest> {
    let bytes = std::fs::read(path).or_refused("read a manifest", path)?;
    let manifest = serde_json::from_slice::<Manifest>(&bytes).ok();
    let sha256 = format!("{:x}", Sha256::digest(&bytes));
    manifest.filter(|manifest| known.get(&manifest.run_id) == Some(&sha256)).ok_or_else(|| {
        Error::environment("expected the manifest that a run of this directory wrote, found another")
            .at(path.display())
            .hint("`tieout verify` tells what was changed; run the window again to write it anew")
    })
}
