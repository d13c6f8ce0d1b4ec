//! From the last row to the commit: the lake is written, the reports are described, all becomes visible.

use std::sync::Arc;
use std::thread::JoinHandle;

use super::table::TableReport;
use super::{Committed, Publication};
use crate::Result;
use crate::output::commit::{DELTA_FILE, Journal, LAKE_FOLDER, Move, REPORT_FOLDER, SEALS_FILE, SPANS_FILE};
use crate::output::datapackage;
use crate::output::disk::{Access, Refused};
use crate::output::lake::{self, Lake, LakeDataset, Writing};
use crate::output::manifest::{self, Manifest, ManifestFile, path_text};
use crate::output::sealed::SealBook;
use crate::output::sealing::{Sealing, Spans};
use crate::output::spill::Spill;
use crate::planted::{Bug, is_planted};
use crate::state::StateDelta;

/// The lake's partitions, being written.
#[derive(Debug)]
pub(super) struct LakeUnderWay {
    sealing: Arc<Sealing>,
    /// `None` for a job without a lake.
    writing: Option<Writing>,
    /// How many bytes of spans are staged.
    spans_bytes: u64,
}

impl Publication {
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
        // While the lake is being written.
        self.write_delta(delta)?;
        let early = is_planted(Bug::ManifestFirst).then(|| self.write_manifest(&manifest)).transpose()?;
        let moves = tell_lake(writing.map_or_else(|| Ok(Vec::new()), Writing::finish)?, &mut manifest);
        let emptied = self.empty_the_spill();
        sealing.tell(&mut manifest);
        self.syncer.finish()?;
        let manifest_sha256 = early.map_or_else(|| self.write_manifest(&manifest), Ok)?;
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
        let lake = self.parquet.then_some(self.staging.shared.root.as_path());
        Sealing::new(state, self.window, &datasets, sealed, lake, machine.threads)
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
