//! What a run writes, from its first row to its commit.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

use super::commit::{self, Journal, Move, Outcome};
use super::commit::{CLOSINGS_FILE, DELTA_FILE, LAKE_FOLDER, REPORT_FOLDER, SEALS_FILE, SPANS_FILE};
use super::committed::key_of;
use super::csv::CsvSink;
use super::datapackage;
use super::directory::{OutputDir, Shared};
use super::disk::{Access, Refused};
use super::encode::{Encoded, Encoder};
use super::lake::{self, Keep, Lake, LakeDataset, Writing};
use super::manifest::{self, FileFacts, Manifest, ManifestFile, path_text};
use super::sealed::SealBook;
use super::sealing::{Sealing, Spans};
use super::spill::Spill;
use super::staged::{Digested, StagedFile};
use super::syncer::Syncer;
use super::totals::Totals;
use crate::Result;
use crate::planted::{Bug, is_planted};
use crate::record::{BalanceRow, Dataset, Day, Money, Owner, OwnerKind, Window};
use crate::state::{OwnerClosings, OwnerKey, StateDelta};

/// What a run is about to publish: a report folder and, unless the job does without, partitions of the lake.
///
/// Until [`Publication::commit`] nothing of it can be seen; if it is dropped, nothing of it is left.
#[derive(Debug)]
pub struct Publication {
    // Before the folder that it writes into: it is over when that goes.
    lake: Option<LakeUnderWay>,
    pub(super) staging: Staging,
    job: String,
    pub(super) window: Window,
    run_id: String,
    csv: bool,
    pub(super) parquet: bool,
    tables: Vec<Table>,
    files: Vec<ManifestFile>,
    /// Folders in the report folder.
    folders: Vec<String>,
    /// Shared once the lake is being written: then no more rows come.
    pub(super) spill: Arc<Spill>,
    pub(super) sealed: SealBook,
    closings: Option<StagedFile>,
    syncer: Syncer,
}

/// The lake's partitions, being written.
#[derive(Debug)]
struct LakeUnderWay {
    sealing: Arc<Sealing>,
    /// `None` for a job without a lake.
    writing: Option<Writing>,
    /// How many bytes of spans are staged.
    spans_bytes: u64,
}

/// What the run writes of a dataset.
#[derive(Debug)]
struct Table {
    dataset: &'static Dataset,
    report: Option<TableReport>,
    totals: Totals,
    keep: Keep,
}

/// A dataset's CSV.
#[derive(Debug)]
enum TableReport {
    Open(StagedFile),
    Whole(Digested),
}

/// What a commit made visible.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The report folder.
    pub reports: PathBuf,
    /// Its manifest.
    pub manifest: Manifest,
    /// Rows and sums by dataset name, of every dataset of the run; rows carried over from earlier runs are not counted.
    pub totals: BTreeMap<&'static str, Totals>,
}

/// Whether a job writes CSV, the Parquet lake, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// Whether datasets are written as CSV into the report folder.
    pub csv: bool,
    /// Whether datasets are written as Parquet into the lake.
    pub parquet: bool,
}

impl Publication {
    /// Begins what `run_id` publishes of `datasets` for `window`. `job` and `run_id` become names: letters, digits and
    /// `-` only.
    ///
    /// # Errors
    /// When an earlier commit cannot be finished, or the disk refuses.
    pub fn begin(
        out: &OutputDir,
        job: &str,
        window: Window,
        run_id: &str,
        formats: Formats,
        datasets: &[&'static Dataset],
    ) -> Result<Publication> {
        assert!(commit::is_run_id(run_id) && commit::is_run_id(job), "names are made of letters, digits and '-'");
        out.shared.committer().finish_pending()?;
        let machine = &out.shared.machine;
        let staging = Staging::begin(&out.shared, run_id)?;
        let closings = staging.create(CLOSINGS_FILE, Access::Private)?;
        let tables = datasets.iter().map(|dataset| Table::begin(&staging, dataset, formats)).collect::<Result<_>>()?;
        Ok(Publication {
            lake: None,
            job: job.to_owned(),
            window,
            run_id: run_id.to_owned(),
            csv: formats.csv,
            parquet: formats.parquet,
            tables,
            files: Vec::new(),
            folders: Vec::new(),
            spill: Arc::new(Spill::new(Arc::clone(&machine.disk), &staging.folder, machine.held_bytes_max)),
            sealed: SealBook::new(Spill::new(Arc::clone(&machine.disk), &staging.folder, machine.sealed_bytes_max())),
            closings: Some(closings),
            syncer: Syncer::new(machine.threads),
            staging,
        })
    }

    /// Encodes rows of one of the run's datasets; usable on any thread.
    pub fn encoder(&self, dataset: &'static Dataset) -> Encoder {
        Encoder::new(dataset, self.csv)
    }

    /// Appends rows behind those that their dataset has. Owners come in the order of [`Owner`], each owner's rows in
    /// chain order, all within the window.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, encoded: Encoded) -> Result<()> {
        let (dataset, totals) = (encoded.dataset(), encoded.totals().clone());
        let window = self.window;
        let days = totals.first_day.into_iter().chain(totals.last_day);
        // A partition is replaced as a whole: rows of a day that the run did not ask for would wipe out all others.
        assert!(
            !dataset.in_lake || days.into_iter().all(|day| window.contains(day)),
            "a run writes rows of its window {window} only, found {totals:?}"
        );
        assert!(!dataset.in_lake || self.lake.is_none(), "rows of {} come before the lake is written", dataset.name);
        let (csv, mut rows) = encoded.into_parts();
        let table = self.table(dataset);
        table.totals.add(&totals);
        if let Some(TableReport::Open(report)) = &mut table.report {
            report.append(&csv)?;
        }
        let hashes = rows.take_hashes();
        self.sealed.append(dataset, rows.packed(), rows.places(), hashes)?;
        if !self.parquet || !dataset.in_lake {
            return Ok(());
        }
        let spill = Arc::get_mut(&mut self.spill).expect("not shared while rows come");
        spill.append(dataset, &rows)
    }

    /// Keeps the rows that earlier runs committed for these owners: this run could not ask for them. They must not have
    /// rows in this run. Reports show this run alone; only the lake keeps them.
    pub fn keep_owners<'o>(&mut self, dataset: &'static Dataset, owners: impl IntoIterator<Item = &'o Owner>) {
        self.table(dataset).keep.add_owners(owners.into_iter().map(key_of));
    }

    /// Keeps the rows that earlier runs committed for all owners of a kind but these: for a dataset that other jobs fill too,
    /// and where nobody knows of whom there should have been rows.
    pub fn keep_all_but<'o>(
        &mut self,
        dataset: &'static Dataset,
        kind: OwnerKind,
        owners: impl IntoIterator<Item = &'o Owner>,
    ) {
        self.table(dataset).keep.add_all_but(kind, owners.into_iter().map(key_of));
    }

    /// Keeps what earlier runs committed of an owner's days, in place of what this run has of them: it may lack rows. As with
    /// [`Publication::keep_owners`], reports show this run alone.
    pub fn keep_days(&mut self, dataset: &'static Dataset, owner: &Owner, days: impl IntoIterator<Item = Day>) {
        self.table(dataset).keep.add_days(&key_of(owner), days);
    }

    /// Adds balances by which later runs find their openings: those of the owner whose balances were appended last, in the
    /// order of days.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add_closings(&mut self, balances: &[BalanceRow]) -> Result<()> {
        self.sealed.note_closings(balances);
        let mut lines = Vec::new();
        OwnerClosings::write_lines(balances, &mut lines);
        self.closings.as_mut().expect("open until the lake is written").append(&lines)
    }

    /// Adds a file of another kind to the report folder, or to a folder in it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn add_report_file(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.add_report_stream(name, &mut &*bytes, FileFacts::default())
    }

    /// Adds a file of which not all need be in memory, with what is known of its rows.
    ///
    /// # Errors
    /// When the disk refuses, or `content` does.
    pub fn add_report_stream(&mut self, name: &str, content: &mut impl Read, facts: FileFacts) -> Result<()> {
        self.make_report_folder(name)?;
        let path = format!("{REPORT_FOLDER}/{name}");
        let mut file = self.staging.create(&path, Access::Shared)?;
        std::io::copy(content, &mut file).or_refused("write a file", &self.staging.folder.join(&path))?;
        let digested = file.finish_behind(self.syncer.sync())?;
        self.files.push(ManifestFile::of_facts(name, digested, facts));
        Ok(())
    }

    /// The same, for those who write it themselves.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_report_file(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>,
    ) -> Result<()> {
        self.make_report_folder(name)?;
        let path = format!("{REPORT_FOLDER}/{name}");
        let mut file = self.staging.create(&path, Access::Shared)?;
        write(&mut file).or_refused("write a file", &self.staging.folder.join(&path))?;
        let digested = file.finish_behind(self.syncer.sync())?;
        self.files.push(ManifestFile::of_facts(name, digested, FileFacts::default()));
        Ok(())
    }

    /// Makes the folder of a report file, unless it stands in the report folder itself.
    fn make_report_folder(&mut self, name: &str) -> Result<()> {
        let parts: Vec<&str> = name.split('/').collect();
        let is_plain = |part: &&str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']);
        let is_ours = [manifest::FILE_NAME, datapackage::FILE_NAME].contains(&name);
        let fits = parts.len() <= 2 && parts.iter().all(is_plain) && !is_ours;
        assert!(fits, "a name of its own in the report folder, or in a folder there: {name}");
        if let [folder, _] = parts.as_slice()
            && !self.folders.iter().any(|known| known == folder)
        {
            let path = self.staging.folder.join(REPORT_FOLDER).join(folder);
            let disk = &self.staging.shared.machine.disk;
            disk.create_folder(&path, Access::Shared).or_refused("make a folder", &path)?;
            self.folders.push((*folder).to_owned());
        }
        Ok(())
    }

    /// A file without a name, for what is too large for memory: it is gone when the process is.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn scratch_file(&self) -> Result<File> {
        let folder = self.scratch_folder();
        tempfile::tempfile_in(folder).or_refused("make a scratch file", folder)
    }

    /// Where such files are made, for those who make them on threads of their own.
    pub fn scratch_folder(&self) -> &Path {
        &self.staging.folder
    }

    /// What the rows appended so far sum up to.
    pub fn totals(&self, dataset: &'static Dataset) -> &Totals {
        let table = self.tables.iter().find(|table| std::ptr::eq(table.dataset, dataset));
        &table.expect("a dataset of the run").totals
    }

    /// The run that publishes.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Where the reports will stand, relative to the output directory.
    pub fn report_folder(&self) -> PathBuf {
        PathBuf::from(format!("reports/{}/{}", self.job, self.window))
    }

    /// Says that all rows that the lake takes are there, and whose rows stay: from now on its partitions are written, behind
    /// what else is to do.
    ///
    /// # Errors
    /// When the state cannot be read, or the disk refuses.
    pub fn begin_lake(&mut self) -> Result<()> {
        for table in self.tables.iter_mut().filter(|table| table.dataset.in_lake) {
            table.finish_report(&self.syncer)?;
        }
        let (sealing, spans) = self.seal()?;
        let sealing = Arc::new(sealing);
        let writing = self.parquet.then(|| Writing::begin(self.all_of_the_lake(&sealing)));
        // Called off, should the disk refuse what else is staged for the state.
        let lake = self.lake.insert(LakeUnderWay { sealing, writing, spans_bytes: 0 });
        let sync = self.syncer.sync();
        self.closings.take().expect("open until the lake is written").finish_behind(sync)?;
        let mut file = self.staging.create(SPANS_FILE, Access::Private)?;
        spans.stage(&mut file)?;
        lake.spans_bytes = file.finish_behind(sync)?.bytes;
        Ok(())
    }

    fn all_of_the_lake(&self, sealing: &Arc<Sealing>) -> Lake {
        let tables = self.tables.iter().filter(|table| table.dataset.in_lake);
        Lake {
            shared: Arc::clone(&self.staging.shared),
            sync: self.syncer.sync().clone(),
            staging: self.staging.folder.join(LAKE_FOLDER),
            window: self.window,
            datasets: tables.map(|table| LakeDataset { dataset: table.dataset, keep: table.keep.clone() }).collect(),
            spill: Arc::clone(&self.spill),
            sealing: Arc::clone(sealing),
        }
    }

    /// Writes the manifest and makes everything visible, the partitions included, together with what `delta` changes in the
    /// state.
    ///
    /// # Errors
    /// When the disk refuses. Unless the message says that the run is committed, nothing has changed.
    pub fn commit(mut self, delta: &StateDelta) -> Result<Committed> {
        assert_eq!(delta.run.run_id, self.run_id, "a run changes the state in its own name");
        let mut manifest = Manifest::new(&self.job, self.window, &self.run_id);
        manifest.shard.clone_from(&delta.run.shard);
        manifest.files = self.finish_reports()?;
        self.describe_reports(&mut manifest)?;
        if self.lake.is_none() {
            self.begin_lake()?;
        }
        let LakeUnderWay { sealing, writing, spans_bytes } = self.lake.take().expect("begun at the latest now");
        let early = is_planted(Bug::ManifestFirst).then(|| self.write_manifest(&manifest)).transpose()?;
        let moves = tell_lake(writing.map_or_else(|| Ok(Vec::new()), Writing::finish)?, &mut manifest);
        let emptied = self.empty_the_spill();
        sealing.tell(&mut manifest);
        self.syncer.finish()?;
        let manifest_sha256 = early.map_or_else(|| self.write_manifest(&manifest), Ok)?;
        self.write_delta(delta)?;
        self.write_seals(&sealing, &manifest_sha256, spans_bytes)?;
        let target = path_text(&self.report_folder());
        let report = Move { staged: REPORT_FOLDER.to_owned(), target };
        let journal = Journal::new(&self.run_id, moves, manifest.removed.clone(), report, manifest_sha256);
        self.staging.commit(&journal)?;
        emptied.map_or(Ok(()), JoinHandle::join).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let totals = self.tables.iter().map(|table| (table.dataset.name, table.totals.clone())).collect();
        Ok(Committed { reports: self.staging.shared.root.join(self.report_folder()), manifest, totals })
    }

    /// Lets go of the rows that the lake has now: of a large file, a file system takes its time for it.
    fn empty_the_spill(&mut self) -> Option<JoinHandle<()>> {
        let machine = &self.staging.shared.machine;
        let nothing = Spill::new(Arc::clone(&machine.disk), &self.staging.folder, 0);
        let spill = std::mem::replace(&mut self.spill, Arc::new(nothing));
        (machine.threads > 1).then(|| std::thread::spawn(move || drop(spill)))
    }

    /// What the commit seals: the run's own rows, and with them what other runs committed of the same days.
    fn seal(&mut self) -> Result<(Sealing, Spans)> {
        let tables = self.tables.iter().filter(|table| table.dataset.in_lake);
        let datasets: Vec<_> = tables.map(|table| (table.dataset, &table.keep)).collect();
        let (machine, state) = (&self.staging.shared.machine, &self.staging.shared.state);
        let nothing = SealBook::new(Spill::new(Arc::clone(&machine.disk), &self.staging.folder, 0));
        let sealed = std::mem::replace(&mut self.sealed, nothing);
        Sealing::new(state, self.window, &datasets, sealed, self.parquet, machine.threads)
    }

    fn write_seals(&self, sealing: &Sealing, manifest_sha256: &str, spans_bytes: u64) -> Result<()> {
        let mut file = self.staging.create(SEALS_FILE, Access::Private)?;
        sealing.lines(manifest_sha256, spans_bytes).try_for_each(|line| {
            let mut bytes = serde_json::to_vec(&line).expect("a line is plain data");
            bytes.push(b'\n');
            file.append(&bytes)
        })?;
        file.finish().map(|_| ())
    }

    /// Whether an owner's rows stay as earlier runs committed them.
    pub(super) fn keeps_owner(&self, dataset: &'static Dataset, owner: &OwnerKey) -> bool {
        let table = self.tables.iter().find(|table| std::ptr::eq(table.dataset, dataset));
        table.is_some_and(|table| table.keep.keeps_owner(owner))
    }

    /// The closing balances that the run has of an owner, by day.
    ///
    /// # Errors
    /// When the scratch file cannot be read.
    pub fn closings_of(&mut self, owner: &OwnerKey) -> Result<BTreeMap<Day, Money>> {
        assert!(self.lake.is_none(), "what is sealed has been handed on");
        self.sealed.closings_of(owner)
    }

    fn table(&mut self, dataset: &'static Dataset) -> &mut Table {
        let table = self.tables.iter_mut().find(|table| std::ptr::eq(table.dataset, dataset));
        table.expect("a dataset of the run")
    }

    /// The files of the report folder, tables first.
    fn finish_reports(&mut self) -> Result<Vec<ManifestFile>> {
        let mut files = Vec::new();
        for table in &mut self.tables {
            table.finish_report(&self.syncer)?;
            if let Some(TableReport::Whole(digested)) = table.report.take() {
                let name = format!("{}.csv", table.dataset.name);
                files.push(ManifestFile::of_rows(&name, digested, table.dataset, &table.totals));
            }
        }
        files.append(&mut self.files);
        for folder in &self.folders {
            let path = self.staging.folder.join(REPORT_FOLDER).join(folder);
            self.staging.shared.machine.disk.sync_folder(&path).or_refused("sync a folder", &path)?;
        }
        Ok(files)
    }

    /// Writes `datapackage.json` beside the tables.
    fn describe_reports(&self, manifest: &mut Manifest) -> Result<()> {
        let Some(package) = datapackage::of(manifest) else {
            return Ok(());
        };
        let name = format!("{REPORT_FOLDER}/{}", datapackage::FILE_NAME);
        let mut file = self.staging.create(&name, Access::Shared)?;
        file.append(&package)?;
        let digested = file.finish_behind(self.syncer.sync())?;
        manifest.files.push(ManifestFile::plain(datapackage::FILE_NAME, digested));
        Ok(())
    }

    fn write_manifest(&self, manifest: &Manifest) -> Result<String> {
        let name = format!("{REPORT_FOLDER}/{}", manifest::FILE_NAME);
        self.staging.write_whole(&name, Access::Shared, &manifest.to_json()).map(|digested| digested.sha256)
    }

    fn write_delta(&mut self, delta: &StateDelta) -> Result<()> {
        let bytes = serde_json::to_vec(delta).expect("a delta is plain data");
        self.staging.write_whole(DELTA_FILE, Access::Private, &bytes).map(|_| ())
    }
}

/// Tells the manifest what became of the partitions; gives the files that move.
fn tell_lake(outcomes: Vec<lake::Outcome>, manifest: &mut Manifest) -> Vec<Move> {
    let mut moves = Vec::new();
    for outcome in outcomes {
        match outcome {
            lake::Outcome::Removed(target) => manifest.removed.push(path_text(&target)),
            lake::Outcome::Written(partition) => {
                let staged = format!("{LAKE_FOLDER}/{}", partition.staged_name);
                let target = path_text(&partition.target);
                let (dataset, totals) = (partition.dataset, &partition.totals);
                manifest.files.push(ManifestFile::of_rows(&target, partition.digested, dataset, totals));
                moves.push(Move { staged, target });
            }
        }
    }
    moves
}

impl Table {
    fn begin(staging: &Staging, dataset: &'static Dataset, formats: Formats) -> Result<Table> {
        let mut report = None;
        if formats.csv {
            let mut file = staging.create(&format!("{REPORT_FOLDER}/{}.csv", dataset.name), Access::Shared)?;
            file.append(&CsvSink::header(dataset))?;
            report = Some(TableReport::Open(file));
        }
        Ok(Table { dataset, report, totals: Totals::default(), keep: Keep::default() })
    }

    /// Ends the CSV, of a job that has any.
    fn finish_report(&mut self, syncer: &Syncer) -> Result<()> {
        self.report = match self.report.take() {
            Some(TableReport::Open(file)) => Some(TableReport::Whole(file.finish_behind(syncer.sync())?)),
            whole_or_none => whole_or_none,
        };
        Ok(())
    }
}

/// The folder in which a run is staged. It goes when the run does, unless a commit needs it.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) shared: Arc<Shared>,
    folder: PathBuf,
    needed: bool,
}

impl Staging {
    fn begin(shared: &Arc<Shared>, run_id: &str) -> Result<Staging> {
        let folder = shared.committer().transaction(run_id);
        let staging = Staging { shared: Arc::clone(shared), folder, needed: false };
        for (name, access) in [("", Access::Private), (REPORT_FOLDER, Access::Shared), (LAKE_FOLDER, Access::Private)] {
            let path = staging.folder.join(name);
            shared.machine.disk.create_folder(&path, access).or_refused("make a folder", &path)?;
        }
        Ok(staging)
    }

    fn create(&self, name: &str, access: Access) -> Result<StagedFile> {
        StagedFile::create(&*self.shared.machine.disk, self.folder.join(name), access)
    }

    fn write_whole(&self, name: &str, access: Access, bytes: &[u8]) -> Result<Digested> {
        StagedFile::write_whole(&*self.shared.machine.disk, self.folder.join(name), access, bytes)
    }

    fn commit(&mut self, journal: &Journal) -> Result<()> {
        let _alone = self.shared.committing.lock().unwrap_or_else(PoisonError::into_inner);
        self.needed = true;
        let outcome = self.shared.committer().commit(journal);
        self.needed = matches!(outcome, Outcome::Unfinished(_));
        outcome.into()
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.needed {
            // What cannot be removed now is removed when the directory is opened next.
            let _ = self.shared.machine.disk.remove_folder(&self.folder);
        }
    }
}
