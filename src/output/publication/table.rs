//! What a run writes of one dataset.

use super::Formats;
use super::staging::Staging;
use crate::Result;
use crate::output::commit::REPORT_FOLDER;
use crate::output::csv::CsvSink;
use crate::output::disk::Access;
use crate::output::lake::Keep;
use crate::output::staged::{Digested, StagedFile};
use crate::output::syncer::Syncer;
use crate::output::totals::Totals;
use crate::record::Dataset;

/// What the run writes of a dataset.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) dataset: &'static Dataset,
    pub(super) report: Option<TableReport>,
    pub(super) totals: Totals,
    pub(super) keep: Keep,
}

/// A dataset's CSV.
#[derive(Debug)]
pub(super) enum TableReport {
    Open(StagedFile),
    Whole(Digested),
}

impl Table {
    pub(super) fn begin(staging: &Staging, dataset: &'static Dataset, formats: Formats) -> Result<Table> {
        let mut report = None;
        if formats.csv {
            let mut file = staging.create(&format!("{REPORT_FOLDER}/{}.csv", dataset.name), Access::Shared)?;
            file.append(&CsvSink::header(dataset))?;
            report = Some(TableReport::Open(file));
        }
        Ok(Table { dataset, report, totals: Totals::default(), keep: Keep::default() })
    }

    /// Ends the CSV, of a job that has any.
    pub(super) fn finish_report(&mut self, syncer: &Syncer) -> Result<()> {
        self.report = match self.report.take() {
            Some(TableReport::Open(file)) => Some(TableReport::Whole(file.finish_behind(syncer.sync())?)),
            whole_or_none => whole_or_none,
        };
        Ok(())
    }
}
