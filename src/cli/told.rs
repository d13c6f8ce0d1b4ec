//! Around a command that runs a job: who the job file names is told when it begins and how it ended.

use std::path::Path;

use super::exit::Exit;
use super::progress::Progress;
use super::{logging, printer};
use crate::job::operations;
use crate::notify::{Committed, News, Teller};
use crate::pipeline::report::Report;
use crate::{Error, ErrorKind, Result};

/// What the runs of a command came to.
#[derive(Debug, Default)]
pub struct Tally {
    worst: Option<(u8, Committed)>,
    requests: u64,
    retries: u64,
}

impl Tally {
    /// A run's requests, however it ended.
    pub fn count(&mut self, progress: &Progress) {
        let (requests, retries) = progress.counted();
        self.requests += requests;
        self.retries += retries;
    }

    /// A run was committed. Of several, the first of the worst is told.
    pub fn committed(&mut self, report: &Report) {
        if self.worst.as_ref().is_some_and(|(code, _)| *code >= report.exit_code) {
            return;
        }
        let committed = Committed {
            summary_path: report.reports.join("summary.json"),
            rows: report.datasets.iter().map(|line| (line.dataset, line.rows)).collect(),
            verdict: report.verdict(),
        };
        self.worst = Some((report.exit_code, committed));
    }

    fn news(self, ended: &Result<Exit>) -> News {
        let (exit, error) = match ended {
            Ok(exit) => (*exit, None),
            Err(error) => (Exit::from(error), Some((Error::one_line(error), error.hint_text().map(str::to_owned)))),
        };
        // What was committed before an error is not what there is to tell.
        let committed = self.worst.filter(|_| error.is_none()).map(|(_, committed)| committed);
        let run_id = logging::run_id();
        News { exit_code: exit.code(), run_id, committed, error, requests: self.requests, retries: self.retries }
    }
}

/// Whoever is woken by an error that tells nothing to do learns at which step it fails.
fn with_next_step(error: Error, job: &Path) -> Error {
    let is_bare = error.kind() == ErrorKind::Provider && error.hint_text().is_none();
    if is_bare { error.hint(format!("`tieout check {}` tells step by step what works", job.display())) } else { error }
}

/// Does the work of the job file at `job`, and tells of it.
///
/// # Errors
/// Those of the work: what could not be told is a warning.
pub fn told(job: &Path, out: Option<&Path>, work: impl FnOnce(&mut Tally) -> Result<Exit>) -> Result<Exit> {
    let warn = |warnings: Vec<String>| warnings.iter().for_each(|warning| printer::warning(warning));
    let (teller, warnings) = Teller::begin(operations(job, out));
    warn(warnings);
    let mut tally = Tally::default();
    let ended = work(&mut tally).map_err(|error| with_next_step(error, job));
    warn(teller.end(&tally.news(&ended)));
    ended
}
