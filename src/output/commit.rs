//! The one commit of a run: all its files and its state become visible, or none of them.
//!
//! Everything is staged below `.tieout/txn-<run>`, on the same file system, and synced. Then `.tieout/journal.json`
//! appears by a rename: it tells what goes where, and from that moment on the run is committed. Putting the files in
//! place may be cut off at any step and is done again from its beginning by whoever opens the directory next; each
//! step finds out whether it was done before.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::{Access, Disk, Refused};
use super::manifest;
use super::staged::StagedFile;
use super::syncer;
use crate::planted::{Bug, is_planted};
use crate::state::{self, OwnerClosings, SealLine, StagedSpans, State, StateDelta};
use crate::{Error, Result};

/// Version of the journal. One of another version is left alone: another tieout must finish it.
const JOURNAL_VERSION: u32 = 1;
const JOURNAL: &str = "journal.json";
const JOURNAL_BEGUN: &str = "journal.json.new";
const TRANSACTION_PREFIX: &str = "txn-";

/// Names below a transaction's folder.
pub(super) const REPORT_FOLDER: &str = "report";
pub(super) const LAKE_FOLDER: &str = "lake";
pub(super) const DELTA_FILE: &str = "state.json";
pub(super) const CLOSINGS_FILE: &str = "closings.ndjson";
pub(super) const SEALS_FILE: &str = "seals.ndjson";
/// Runs that were staged before there was such a file have their spans among the seals.
pub(super) const SPANS_FILE: &str = "spans.bin";
/// Where an old report folder goes if two names cannot be swapped in one step.
const REPLACED_FOLDER: &str = "replaced";

/// What a commit does, in the order in which it is done.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Journal {
    version: u32,
    /// The run, and thereby the transaction's folder.
    run_id: String,
    /// Files that take the place of others.
    moves: Vec<Move>,
    /// Files that go, relative to the output directory.
    removals: Vec<String>,
    /// The report folder.
    report: Move,
    /// By which the new report folder is told from the old one.
    manifest_sha256: String,
}

/// A file or folder that goes to its place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Move {
    /// Relative to the transaction's folder.
    pub(super) staged: String,
    /// Relative to the output directory.
    pub(super) target: String,
}

impl Journal {
    pub(super) fn new(
        run_id: &str,
        moves: Vec<Move>,
        removals: Vec<String>,
        report: Move,
        manifest_sha256: String,
    ) -> Journal {
        Journal { version: JOURNAL_VERSION, run_id: run_id.to_owned(), moves, removals, report, manifest_sha256 }
    }

    /// All that changes its place or goes, relative to the output directory.
    fn targets(&self) -> impl Iterator<Item = &str> {
        let moved = self.moves.iter().chain([&self.report]).map(|each| each.target.as_str());
        moved.chain(self.removals.iter().map(String::as_str))
    }

    /// What was read is checked as if somebody else had written it: it moves and removes files.
    fn check(&self, path: &Path) -> Result<()> {
        let inside = |text: &str| Path::new(text).components().all(|part| matches!(part, Component::Normal(_)));
        let staged = self.moves.iter().chain([&self.report]).map(|each| each.staged.as_str());
        let mut paths = staged.chain(self.targets());
        if self.version == JOURNAL_VERSION && is_run_id(&self.run_id) && paths.all(inside) {
            return Ok(());
        }
        Err(Error::environment(
            "expected the journal of a commit that was cut off, found one that this tieout did not write",
        )
        .at(path.display())
        .hint("run the tieout that wrote it once, so that it can finish"))
    }
}

/// Whether it can be part of a file's name.
pub(super) fn is_run_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 100 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// How a commit went.
#[derive(Debug)]
pub(super) enum Outcome {
    /// All is in its place.
    Done,
    /// Nothing has changed.
    NotBegun(Error),
    /// The next start will finish it, or find out that it never began; it needs what is staged.
    Unfinished(Error),
}

impl From<Outcome> for Result<()> {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Ok(()),
            Outcome::NotBegun(error) | Outcome::Unfinished(error) => Err(error),
        }
    }
}

/// The places and hands of commits in one output directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Committer<'a> {
    pub(super) threads: usize,
    pub(super) disk: &'a dyn Disk,
    pub(super) state: &'a State,
    /// The output directory.
    pub(super) out: &'a Path,
    /// `.tieout` in it.
    pub(super) private: &'a Path,
}

impl Committer<'_> {
    /// The folder in which a run is staged.
    pub(super) fn transaction(&self, run_id: &str) -> PathBuf {
        self.private.join(format!("{TRANSACTION_PREFIX}{run_id}"))
    }

    /// Commits what is staged; every staged file has been synced.
    pub(super) fn commit(&self, journal: &Journal) -> Outcome {
        let transaction = self.transaction(&journal.run_id);
        let folders = [transaction.join(REPORT_FOLDER), transaction.join(LAKE_FOLDER), transaction];
        let mut staged = folders.iter().map(PathBuf::as_path).chain([self.private]);
        if is_planted(Bug::FolderNotSynced) {
            staged.by_ref().for_each(drop);
        }
        if let Err(error) = staged.try_for_each(|folder| self.sync(folder)) {
            return Outcome::NotBegun(error);
        }
        let early = is_planted(Bug::EarlyCheckpoint);
        if early && let Err(error) = self.apply_state(&self.transaction(&journal.run_id), &journal.run_id) {
            return Outcome::NotBegun(error);
        }
        if let Err(error) = self.write_journal(journal) {
            return Outcome::NotBegun(error);
        }
        if let Err(error) = self.decide() {
            return self.take_back(error);
        }
        // Once more, should it fail: what stands in the way is often gone a moment later, and whoever started the run
        // had better hear of a commit that is whole.
        match self.apply(journal).or_else(|_| self.apply(journal)) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Unfinished(
                Error::environment("the run is committed, but its files are not all in place yet")
                    .because(error)
                    .hint("run any job in this output directory again: it finishes this one first"),
            ),
        }
    }

    fn write_journal(&self, journal: &Journal) -> Result<()> {
        assert!(!self.private.join(JOURNAL).exists(), "a commit begins when the one before is finished");
        let bytes = serde_json::to_vec_pretty(journal).expect("a journal is plain data");
        let begun = self.private.join(JOURNAL_BEGUN);
        let _ = self.disk.remove_file(&begun);
        if is_planted(Bug::JournalNotSynced) {
            let mut file = self.disk.create(&begun, Access::Private).or_refused("make a file", &begun)?;
            return file.write_all(&bytes).or_refused("write a file", &begun);
        }
        StagedFile::write_whole(self.disk, begun, Access::Private, &bytes).map(|_| ())
    }

    /// Makes the journal appear: the commit point.
    fn decide(&self) -> Result<()> {
        let path = self.private.join(JOURNAL);
        self.disk.rename(&self.private.join(JOURNAL_BEGUN), &path).or_refused("commit", &path)?;
        if is_planted(Bug::DecisionNotSynced) {
            return Ok(());
        }
        self.sync(self.private)
    }

    /// The journal could not be made to last, and nobody knows whether the disk has it. Only when it is surely gone may
    /// the staged files go; otherwise the next start goes by what it finds.
    fn take_back(&self, error: Error) -> Outcome {
        let path = self.private.join(JOURNAL);
        let removed =
            if path.exists() { self.disk.remove_file(&path).or_refused("take back a commit", &path) } else { Ok(()) };
        match removed.and_then(|()| self.sync(self.private)) {
            Ok(()) => Outcome::NotBegun(error),
            Err(_) => Outcome::Unfinished(error),
        }
    }

    /// Finishes a commit that was cut off, and clears away what was staged for one that never was.
    ///
    /// # Errors
    /// When the disk or the database refuses.
    pub(super) fn recover(&self) -> Result<()> {
        if is_planted(Bug::RecoveryClearsFirst) {
            self.clear_away()?;
        }
        self.finish_pending()?;
        // That there is no journal must be on the disk before what it would need is removed.
        self.sync(self.private)?;
        self.clear_away()
    }

    /// Removes what was staged for commits that never were.
    fn clear_away(&self) -> Result<()> {
        for entry in self.private.read_dir().or_refused("list a folder", self.private)? {
            let entry = entry.or_refused("list a folder", self.private)?;
            let name = entry.file_name();
            if name == JOURNAL_BEGUN {
                self.disk.remove_file(&entry.path()).or_refused("remove a file", &entry.path())?;
            } else if name.to_string_lossy().starts_with(TRANSACTION_PREFIX) {
                self.disk.remove_folder(&entry.path()).or_refused("remove a folder", &entry.path())?;
            }
        }
        Ok(())
    }

    /// Finishes a commit that was cut off.
    pub(super) fn finish_pending(&self) -> Result<()> {
        let path = self.private.join(JOURNAL);
        let bytes = match std::fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            read => read.or_refused("read the journal", &path)?,
        };
        let mut journal: Journal = serde_json::from_slice(&bytes).map_err(|error| {
            Error::environment("could not understand the journal of a commit that was cut off")
                .at(path.display())
                .because(error)
        })?;
        journal.check(&path)?;
        if is_planted(Bug::RecoverySkipsMoves) {
            journal.moves.clear();
        }
        // Whoever made the journal appear may have been killed before that was on the disk. Once it is acted on, it must not
        // be forgotten: what is half in place could be finished by nobody.
        self.sync(self.private)?;
        self.apply(&journal)
    }

    /// Puts everything in its place. Whatever was done before is left as it is.
    fn apply(&self, journal: &Journal) -> Result<()> {
        let transaction = self.transaction(&journal.run_id);
        self.make_folders(journal)?;
        journal.moves.iter().try_for_each(|each| self.place(&transaction, each))?;
        journal.removals.iter().try_for_each(|target| self.remove(target))?;
        self.apply_state(&transaction, &journal.run_id)?;
        self.swap_report(&transaction, journal)?;
        if !is_planted(Bug::TargetsNotSynced) {
            self.sync_targets(journal)?;
        }
        let path = self.private.join(JOURNAL);
        self.disk.remove_file(&path).or_refused("end a commit", &path)?;
        self.sync(self.private)?;
        // What is left is rubbish: if it cannot be removed now, the next start will.
        let _ = self.disk.remove_folder(&transaction);
        Ok(())
    }

    /// Makes the folders of all targets, and waits until they are on the disk: a file that is moved into a folder which
    /// the disk then forgets is lost. Folders that were there are synced too, as nobody knows for how long they were.
    fn make_folders(&self, journal: &Journal) -> Result<()> {
        let mut above = BTreeSet::new();
        for target in journal.moves.iter().chain([&journal.report]).map(|each| Path::new(&each.target)) {
            let folder = self.out.join(parent(target));
            if !folder.exists() {
                self.disk.create_folder(&folder, Access::Shared).or_refused("make a folder", &folder)?;
            }
            above.extend(target.ancestors().skip(2));
        }
        above.into_iter().try_for_each(|folder| self.sync(&self.out.join(folder)))
    }

    fn place(&self, transaction: &Path, each: &Move) -> Result<()> {
        let (staged, target) = (transaction.join(&each.staged), self.out.join(&each.target));
        if !staged.exists() && target.exists() {
            return Ok(());
        }
        self.disk.rename(&staged, &target).or_refused("put a file in its place", &target)
    }

    fn remove(&self, target: &str) -> Result<()> {
        let target = self.out.join(target);
        match self.disk.remove_file(&target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            removed => removed.or_refused("remove a partition without rows", &target)?,
        }
        let folder = parent(&target);
        let is_empty = folder.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        if is_empty {
            self.disk.remove_folder(folder).or_refused("remove an empty folder", folder)?;
        }
        Ok(())
    }

    fn apply_state(&self, transaction: &Path, run_id: &str) -> Result<()> {
        // Asked first, because the staged files may be gone when all but the journal's removal was done before.
        if self.state.has_run(run_id)? {
            return Ok(());
        }
        let path = transaction.join(DELTA_FILE);
        let bytes = std::fs::read(&path).or_refused("read what the run changes in the state", &path)?;
        let delta: StateDelta = serde_json::from_slice(&bytes).map_err(|error| damaged(&path).because(error))?;
        let closings = read_lines(transaction.join(CLOSINGS_FILE), OwnerClosings::read_line)?;
        let seals = read_lines(transaction.join(SEALS_FILE), |line| serde_json::from_str::<SealLine>(line).ok())?;
        let spans = read_spans(&transaction.join(SPANS_FILE))?;
        let database = self.out.join(state::FILE_NAME);
        self.disk.before_transaction(&database).or_refused("change the state", &database)?;
        let is_lasting = self.state.outlives_a_power_cut()?;
        self.state.apply_sealed(&delta, closings, seals, spans)?;
        self.disk.after_transaction(&database, is_lasting).or_refused("change the state", &database)
    }

    fn swap_report(&self, transaction: &Path, journal: &Journal) -> Result<()> {
        let (staged, target) = (transaction.join(&journal.report.staged), self.out.join(&journal.report.target));
        if holds_manifest(&target, &journal.manifest_sha256) {
            return Ok(());
        }
        if is_planted(Bug::ReportsNotSwapped) && target.exists() {
            self.disk.remove_folder(&target).or_refused("remove old reports", &target)?;
        }
        if target.exists() {
            match self.disk.exchange(&staged, &target) {
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    let replaced = transaction.join(REPLACED_FOLDER);
                    self.disk.rename(&target, &replaced).or_refused("put old reports aside", &target)?;
                }
                exchanged => return exchanged.or_refused("put the reports in their place", &target),
            }
        }
        self.disk.rename(&staged, &target).or_refused("put the reports in their place", &target)
    }

    /// Waits until the new names are on the disk, and the old ones off it. A folder that went with its last file is
    /// gone when the one above it says so.
    fn sync_targets(&self, journal: &Journal) -> Result<()> {
        let above =
            |target| self.out.join(target).ancestors().skip(1).find(|folder| folder.exists()).map(Path::to_owned);
        let touched: BTreeSet<PathBuf> = journal.targets().filter_map(above).collect();
        let touched: Vec<PathBuf> = touched.into_iter().collect();
        if self.threads <= 1 {
            return touched.iter().try_for_each(|folder| self.sync(folder));
        }
        let sync_all = |folders: &[PathBuf]| folders.iter().try_for_each(|folder| self.sync(folder));
        std::thread::scope(|scope| {
            let parts = touched.chunks(touched.len().div_ceil(syncer::AT_ONCE).max(1));
            let waiting: Vec<_> = parts.map(|part| scope.spawn(move || sync_all(part))).collect();
            let waited: Vec<Result<()>> = waiting
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect();
            waited.into_iter().collect()
        })
    }

    fn sync(&self, folder: &Path) -> Result<()> {
        self.disk.sync_folder(folder).or_refused("sync a folder", folder)
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().expect("targets lie below the output directory")
}

fn damaged(path: &Path) -> Error {
    Error::environment("expected what a run changes in the state, found something else").at(path.display())
}

/// Whether the folder is the one that the journal speaks of.
fn holds_manifest(folder: &Path, sha256: &str) -> bool {
    std::fs::read(folder.join(manifest::FILE_NAME)).is_ok_and(|bytes| format!("{:x}", Sha256::digest(bytes)) == sha256)
}

/// What the staged lines of a file hold.
fn read_lines<T>(path: PathBuf, read: impl Fn(&str) -> Option<T>) -> Result<impl Iterator<Item = Result<T>>> {
    let file = File::open(&path).or_refused("read what the run changes in the state", &path)?;
    Ok(BufReader::new(file).lines().map(move |line| {
        let line = line.or_refused("read what the run changes in the state", &path)?;
        read(&line).ok_or_else(|| damaged(&path))
    }))
}

/// Staged spans, where there are any.
fn read_spans(path: &Path) -> Result<Option<StagedSpans<BufReader<File>>>> {
    const BUFFER_BYTES: usize = 128 << 10;
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.or_refused("read what the run changes in the state", path)?,
    };
    let bytes = file.metadata().or_refused("read what the run changes in the state", path)?.len();
    let input = BufReader::with_capacity(BUFFER_BYTES, file);
    Ok(Some(StagedSpans::new(input, path.display().to_string(), bytes)))
}
