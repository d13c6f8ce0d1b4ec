//! What a run writes, from its first row to its commit.

mod ending;
mod staging;
mod table;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ending::LakeUnderWay;
use staging::Staging;
use table::{Table, TableReport};

use super::commit::{self, CLOSINGS_FILE, REPORT_FOLDER};
use super::committed::key_of;
use super::datapackage;
use super::directory::OutputDir;
use super::disk::{Access, Refused};
use super::encode::{Encoded, Encoder};
use super::manifest::{self, FileFacts, Manifest, ManifestFile};
use super::sealed::SealBook;
use super::spill::Spill;
use super::staged::StagedFile;
use super::syncer::Syncer;
use super::totals::Totals;
use crate::Result;
use crate::record::{BalanceRow, Dataset, Day, Money, Owner, OwnerKind, Window};
use crate::state::{OwnerClosings, OwnerKey};

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

    /// Appends rows behind those that their dataset has, once. Owners come in the order of [`Owner`], each owner's rows in
    /// chain order, all within the window. The room that they took is left where it is.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn append(&mut self, encoded: &mut Encoded) -> Result<()> {
        let (dataset, totals, csv, rows) = encoded.parts();
        let window = self.window;
        let days = totals.first_day.into_iter().chain(totals.last_day);
        // A partition is replaced as a whole: rows of a day that the run did not ask for would wipe out all others.
        assert!(
            !dataset.in_lake || days.into_iter().all(|day| window.contains(day)),
            "a run writes rows of its window {window} only, found {totals:?}"
        );
        assert!(!dataset.in_lake || self.lake.is_none(), "rows of {} come before the lake is written", dataset.name);
        let table = self.table(dataset);
        table.totals.add(totals);
        if let Some(TableReport::Open(report)) = &mut table.report {
            report.append(csv)?;
        }
        let Some(rows) = rows else { return Ok(()) };
        self.sealed.append(dataset, rows)?;
        if !self.parquet {
            return Ok(());
        }
        let spill = Arc::get_mut(&mut self.spill).expect("not shared while rows come");
        spill.append(dataset, rows)
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
}
