//! All that an output directory holds, computed again from its files and compared with what was sealed: the lake's rows,
//! the files that manifests list, the state's balances, the chain of days and the trail of the register.
//!
//! It reads a partition at a time and uses all cores; nothing is written. What it cannot see: somebody who rewrites all of
//! it, seals included. The last seal, written down elsewhere, shows that too.

mod csv_days;
mod partition;
mod register;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::io::Read;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::disk::Refused;
use super::lake::partition_path;
use super::manifest::{self, Manifest, ManifestFile, path_text};
use crate::record::{Dataset, Day, dataset};
use crate::state::{Digest, SealedPartition, State, seal_day, seal_partition};
use crate::{Error, ErrorKind, Result};
use partition::Checked;

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verification {
    /// Days that have rows.
    pub days: usize,
    /// Partitions of the lake that were read.
    pub partitions: usize,
    /// Rows in them.
    pub rows: u64,
    /// Files that manifests list, partitions included.
    pub files: usize,
    /// The last day and its seal: whoever writes it down elsewhere can tell later that nothing before it was rewritten.
    pub last_seal: Option<(String, String)>,
    /// What is not as it was committed, the first day in front; what belongs to no day comes last.
    pub findings: Vec<Finding>,
}

/// Something that is not as it was committed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The day it belongs to.
    pub day: Option<String>,
    /// What kind of thing.
    pub kind: FindingKind,
    /// The file or table.
    pub place: String,
    /// What was expected and what was found.
    pub detail: String,
}

/// What kind of thing is not as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// A row has other values, or its order changed.
    RowChanged,
    /// There are rows that were not committed.
    RowAdded,
    /// Rows that were committed are gone.
    RowRemoved,
    /// A partition of the lake is gone.
    PartitionMissing,
    /// There is a partition that nobody committed.
    PartitionExtra,
    /// A closing or opening balance is another.
    ClosingDiffers,
    /// A day does not go on from the day before it.
    ChainBroken,
    /// A file has other bytes.
    FileChanged,
    /// A file of a report folder is gone.
    FileMissing,
    /// There is a file that no manifest lists.
    FileExtra,
    /// The register's trail was edited.
    TrailBroken,
}

impl FindingKind {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            FindingKind::RowChanged => "row changed",
            FindingKind::RowAdded => "row added",
            FindingKind::RowRemoved => "row removed",
            FindingKind::PartitionMissing => "partition missing",
            FindingKind::PartitionExtra => "extra partition",
            FindingKind::ClosingDiffers => "closing differs",
            FindingKind::ChainBroken => "chain of seals broken",
            FindingKind::FileChanged => "file changed",
            FindingKind::FileMissing => "file missing",
            FindingKind::FileExtra => "extra file",
            FindingKind::TrailBroken => "trail edited",
        }
    }
}

/// Verifies an output directory.
///
/// # Errors
/// When there is none, a run is at work in it or was cut off in its commit, or the disk refuses.
pub fn verify(out: &Path) -> Result<Verification> {
    let _held = hold(out)?;
    let state = out.join(crate::state::FILE_NAME).exists().then(|| State::open_for_reading(out)).transpose()?;
    let mut verifier = Verifier::new(out, state)?;
    verifier.reports()?;
    verifier.lake()?;
    verifier.seals()?;
    verifier.trail()?;
    Ok(verifier.finish())
}

/// Keeps runs out as long as it is held; other readers may come.
pub(super) fn hold(out: &Path) -> Result<Option<File>> {
    if !out.join("reports").is_dir() && !out.join(crate::state::FILE_NAME).exists() {
        return Err(Error::usage("expected an output directory of an earlier run, found none")
            .at(out.display())
            .hint("name the directory with --out"));
    }
    if out.join(".tieout/journal.json").exists() {
        return Err(Error::environment("the last run was cut off in its commit")
            .at(out.display())
            .hint("run any job in this directory: it finishes the commit first; then verify"));
    }
    // A copy of the directory may do without.
    let Ok(lock) = File::open(out.join(".tieout/lock")) else {
        return Ok(None);
    };
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Locked, "a run is at work in this output directory")
                .at(out.display())
                .hint("wait for it to end"))
        }
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(lock)),
    }
}

/// A manifest and where it lies.
struct Report {
    folder: PathBuf,
    name: String,
    manifest: Manifest,
}

/// The file that a partition should be.
struct Expected {
    file: ManifestFile,
    run_id: String,
}

struct Verifier<'a> {
    out: &'a Path,
    state: Option<State>,
    reports: Vec<Report>,
    /// By path: what the newest manifest says of each partition.
    expected: BTreeMap<String, Expected>,
    sealed: BTreeMap<Day, Vec<SealedPartition>>,
    found: Verification,
}

impl<'a> Verifier<'a> {
    fn new(out: &'a Path, state: Option<State>) -> Result<Verifier<'a>> {
        let earliest = Day::parse("1900-01-01").expect("a day");
        let sealed = state.as_ref().map(|state| state.sealed_partitions(earliest)).transpose()?.unwrap_or_default();
        let found = Verification::default();
        Ok(Verifier { out, state, reports: Vec::new(), expected: BTreeMap::new(), sealed, found })
    }

    fn note(&mut self, day: Option<Day>, kind: FindingKind, place: impl Into<String>, detail: impl Into<String>) {
        let (place, detail) = (place.into(), detail.into());
        self.found.findings.push(Finding { day: day.map(|day| day.to_string()), kind, place, detail });
    }

    /// The report folders, oldest run first, and what they say of the lake.
    fn reports(&mut self) -> Result<()> {
        for folder in report_folders(self.out)? {
            self.read_report(folder)?;
        }
        self.reports.sort_by(|a, b| a.manifest.run_id.cmp(&b.manifest.run_id));
        for report in &self.reports {
            for gone in &report.manifest.removed {
                self.expected.remove(gone);
            }
            for file in report.manifest.files.iter().filter(|file| file.path.starts_with("lake/")) {
                let run_id = report.manifest.run_id.clone();
                self.expected.insert(file.path.clone(), Expected { file: file.clone(), run_id });
            }
        }
        for index in 0..self.reports.len() {
            self.check_report(index)?;
        }
        Ok(())
    }

    fn read_report(&mut self, folder: PathBuf) -> Result<()> {
        let name = path_text(folder.strip_prefix(self.out).unwrap_or(&folder));
        let path = folder.join(manifest::FILE_NAME);
        let first = folder.file_name().and_then(|name| Day::parse(name.to_str()?.split('_').next()?));
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let place = format!("{name}/{}", manifest::FILE_NAME);
                self.note(first, FindingKind::FileMissing, place, "a report folder without its manifest");
                return Ok(());
            }
            read => read.or_refused("read a manifest", &path)?,
        };
        let place = format!("{name}/{}", manifest::FILE_NAME);
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else {
            self.note(first, FindingKind::FileChanged, place, "it is not a manifest that tieout wrote");
            return Ok(());
        };
        if let Some(state) = &self.state {
            let sha256 = format!("{:x}", Sha256::digest(&bytes));
            if state.manifests()?.get(&manifest.run_id) != Some(&sha256) {
                self.note(
                    first,
                    FindingKind::FileChanged,
                    place,
                    "it is not the manifest that the state knows of that run",
                );
            }
        }
        self.reports.push(Report { folder, name, manifest });
        Ok(())
    }

    /// A report folder's own files, and the seals that its manifest tells.
    fn check_report(&mut self, index: usize) -> Result<()> {
        let report = &self.reports[index];
        let (folder, name) = (report.folder.clone(), report.name.clone());
        let first = Day::parse(&report.manifest.window.from);
        let own: Vec<ManifestFile> =
            report.manifest.files.iter().filter(|file| !file.path.starts_with("lake/")).cloned().collect();
        let broken: Vec<Option<Day>> = report
            .manifest
            .seals
            .iter()
            .filter(|seal| !is_sealed_by_itself(seal))
            .map(|seal| Day::parse(&seal.day))
            .collect();
        let mut names: BTreeSet<String> = own.iter().map(|file| file.path.clone()).collect();
        names.insert(manifest::FILE_NAME.to_owned());
        for file in own {
            self.found.files += 1;
            let place = format!("{name}/{}", file.path);
            match digest_of(&folder.join(&file.path))? {
                None => self.note(first, FindingKind::FileMissing, place, "the manifest lists it"),
                Some(digest) if digest == (file.bytes, file.sha256.clone()) => {}
                Some((bytes, _)) => {
                    let day = csv_days::first_difference(self, index, &file).or(first);
                    let detail =
                        format!("expected {} bytes with sha256 {}, found {bytes} others", file.bytes, file.sha256);
                    self.note(day, FindingKind::FileChanged, place, detail);
                }
            }
        }
        for extra in names_below(&folder)?.into_iter().filter(|found| !names.contains(found)) {
            self.note(first, FindingKind::FileExtra, format!("{name}/{extra}"), "the manifest does not list it");
        }
        for day in broken {
            let place = format!("{name}/{}", manifest::FILE_NAME);
            self.note(day, FindingKind::ChainBroken, place, "its seal is not made of what stands beside it");
        }
        Ok(())
    }

    /// Every partition that is there, and those that should be.
    fn lake(&mut self) -> Result<()> {
        let found = self.partitions()?;
        let mut expected: BTreeSet<(Day, String)> = BTreeSet::new();
        for path in self.expected.keys() {
            expected.extend(partition_of(path).map(|(_, day)| (day, path.clone())));
        }
        for (day, partitions) in &self.sealed {
            let in_lake = partitions.iter().filter(|partition| partition.in_lake);
            expected.extend(in_lake.map(|partition| (*day, path_text(&partition_path(partition.dataset, *day)))));
        }
        for (day, path) in &expected {
            if !found.contains_key(path) {
                self.note(
                    Some(*day),
                    FindingKind::PartitionMissing,
                    path.clone(),
                    "it was committed, and is not there",
                );
            }
        }
        let (known, extra): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|(path, (_, day))| expected.contains(&(*day, path.clone())));
        for (path, (_, day)) in extra {
            self.note(Some(day), FindingKind::PartitionExtra, path, "no run committed it");
        }
        self.check_partitions(&known)
    }

    /// The partitions in the lake; anything else that lies there is told.
    fn partitions(&mut self) -> Result<BTreeMap<String, (&'static Dataset, Day)>> {
        let mut found = BTreeMap::new();
        for folder in folders(&self.out.join("lake"))? {
            for partition in folders(&folder)? {
                for name in file_names(&partition)? {
                    let path = path_text(partition.join(name).strip_prefix(self.out).expect("below it"));
                    if let Some(of) = partition_of(&path) {
                        found.insert(path, of);
                    } else {
                        self.note(day_in(&path), FindingKind::FileExtra, path, "the lake holds partitions only");
                    }
                }
            }
        }
        Ok(found)
    }

    fn check_partitions(&mut self, known: &[(String, (&'static Dataset, Day))]) -> Result<()> {
        let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(known.len().max(1));
        let this = &*self;
        let work = || {
            while let Some((path, (dataset, day))) = known.get(next.fetch_add(1, Ordering::Relaxed)) {
                let checked = partition::check(this, path, dataset, *day);
                done.lock().unwrap_or_else(PoisonError::into_inner).push(checked);
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
        });
        for checked in done.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let Checked { findings, rows } = checked?;
            self.found.partitions += 1;
            self.found.files += 1;
            self.found.rows += rows;
            self.found.findings.extend(findings);
        }
        Ok(())
    }

    /// The state's own digests and seals, each against what it is made of.
    fn seals(&mut self) -> Result<()> {
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        let seals = state.seals()?;
        let mut before = Digest::NONE;
        let days: BTreeSet<Day> = self.sealed.keys().chain(seals.keys()).copied().collect();
        for day in days {
            let partitions = self.sealed.get(&day).cloned().unwrap_or_default();
            for partition in &partitions {
                let mut owners = state.sealed_rows(partition.dataset, day)?;
                let made = seal_partition(partition.dataset, &mut owners, partition.in_lake);
                if (made.rows, made.digest) != (partition.rows, partition.digest) {
                    let detail =
                        format!("the digests of its owners do not make up the one of {}", partition.dataset.name);
                    self.note(Some(day), FindingKind::ChainBroken, "tieout.db, sealed_partitions", detail);
                }
            }
            partition::check_closings(self, &state, day)?;
            let named: Vec<(&str, Digest)> = partitions.iter().map(|each| (each.dataset.name, each.digest)).collect();
            let seal = seals.get(&day).copied();
            if named.is_empty() || seal != Some(seal_day(before, day, &named)) {
                let detail = "the seal is not made of the day's digests and the seal before it";
                self.note(Some(day), FindingKind::ChainBroken, "tieout.db, seals", detail);
            }
            before = seal.unwrap_or(before);
        }
        self.found.last_seal = seals.last_key_value().map(|(day, seal)| (day.to_string(), seal.to_string()));
        self.state = Some(state);
        Ok(())
    }

    fn trail(&mut self) -> Result<()> {
        let Some(state) = self.state.take() else {
            return Ok(());
        };
        let entries = state.trail(None)?;
        let before = std::iter::once(None).chain(entries.iter().map(Some));
        let first = entries.iter().zip(before).find(|(entry, before)| !entry.follows(*before));
        if let Some((entry, _)) = first {
            let detail = format!("entry {} is not the one that was written there", entry.entry);
            let day = entry.at.get(..10).and_then(Day::parse);
            self.note(day, FindingKind::TrailBroken, "tieout.db, trail", detail);
            return Ok(());
        }
        register::check(self, &state, &entries)
    }

    fn finish(mut self) -> Verification {
        let from_lake = self.expected.keys().filter_map(|path| partition_of(path)).map(|(_, day)| day);
        self.found.days = self.sealed.keys().copied().chain(from_lake).collect::<BTreeSet<Day>>().len();
        if self.found.last_seal.is_none() {
            let seals = self.reports.iter().flat_map(|report| &report.manifest.seals);
            self.found.last_seal =
                seals.max_by(|a, b| a.day.cmp(&b.day)).map(|seal| (seal.day.clone(), seal.seal.clone()));
        }
        self.found.findings.sort_by(|a, b| (a.day.is_none(), a).cmp(&(b.day.is_none(), b)));
        self.found
    }
}

fn is_sealed_by_itself(seal: &manifest::ManifestSeal) -> bool {
    let made = || {
        let parsed = |(name, digest): (&'_ String, &String)| Some((name.clone(), Digest::parse(digest)?));
        let partitions: Option<Vec<(String, Digest)>> = seal.partitions.iter().map(parsed).collect();
        let partitions = partitions?;
        let named: Vec<(&str, Digest)> = partitions.iter().map(|(name, digest)| (name.as_str(), *digest)).collect();
        Some(seal_day(Digest::parse(&seal.previous)?, Day::parse(&seal.day)?, &named))
    };
    made().is_some_and(|made| Digest::parse(&seal.seal) == Some(made))
}

/// The dataset and day of a partition's path.
pub(super) fn partition_of(path: &str) -> Option<(&'static Dataset, Day)> {
    let day = day_in(path)?;
    dataset::ALL
        .into_iter()
        .map(|dataset| (dataset, day))
        .find(|(dataset, day)| path_text(&partition_path(dataset, *day)) == path)
}

fn day_in(path: &str) -> Option<Day> {
    let (_, rest) = path.split_once("booking_date=")?;
    Day::parse(rest.get(..10)?)
}

/// Length and SHA-256 of a file; `None` when it is not there.
pub(super) fn digest_of(path: &Path) -> Result<Option<(u64, String)>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.or_refused("read a file", path)?,
    };
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 128 << 10]);
    loop {
        match file.read(&mut buffer).or_refused("read a file", path)? {
            0 => return Ok(Some((bytes, format!("{:x}", hash.finalize())))),
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

pub(super) fn report_folders(out: &Path) -> Result<Vec<PathBuf>> {
    let jobs = folders(&out.join("reports"))?;
    let windows: Vec<Vec<PathBuf>> = jobs.iter().map(|job| folders(job)).collect::<Result<_>>()?;
    Ok(windows.into_iter().flatten().collect())
}

/// The folders in a folder, by name; none when it is not there.
fn folders(path: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(path)?.into_iter().filter(|path| path.is_dir()).collect())
}

/// Files of a report folder and of those in it, by their path in it.
fn names_below(path: &Path) -> Result<Vec<String>> {
    let mut names = file_names(path)?;
    for folder in folders(path)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        names.extend(names_below(&folder)?.into_iter().map(|below| format!("{name}/{below}")));
    }
    Ok(names)
}

fn file_names(path: &Path) -> Result<Vec<String>> {
    let files = entries(path)?.into_iter().filter(|path| !path.is_dir());
    Ok(files.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
}

fn entries(path: &Path) -> Result<Vec<PathBuf>> {
    let listed = match path.read_dir() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.or_refused("list a folder", path)?,
    };
    let mut paths: Vec<PathBuf> = listed
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .or_refused("list a folder", path)?;
    paths.sort();
    Ok(paths)
}
