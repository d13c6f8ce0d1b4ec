//! The figures of a run as a text file for Prometheus, which node_exporter's textfile collector reads.
//!
//! What a run that could not finish does not know is taken from the register and from the file before it: figures of the
//! last commit stand until there is a newer one.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::News;
use crate::breaks::Check;
use crate::job::Operations;
use crate::record::Day;
use crate::state::{BreakFilter, State};
use crate::{Error, Result};

const SECONDS_PER_DAY: i64 = 86_400;
const ROWS: &str = "tieout_rows";

/// A run that has ended.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) news: &'a News,
    pub(super) operations: &'a Operations,
    pub(super) began: DateTime<Utc>,
    pub(super) took: Duration,
}

/// Writes the file at `path` and makes it appear as a whole.
///
/// # Errors
/// When the disk refuses.
pub(super) fn write(path: &Path, run: &Run<'_>) -> Result<()> {
    let before = std::fs::read_to_string(path).unwrap_or_default();
    let text = text(run, &before);
    // Its name ends otherwise: whoever looks for *.prom does not find it half written.
    let temporary = PathBuf::from(format!("{}.{}.tmp", path.display(), std::process::id()));
    let written = std::fs::write(&temporary, text).and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        Error::environment("the file of figures cannot be written").at(path.display()).because(error)
    })
}

fn text(run: &Run<'_>, before: &str) -> String {
    let Run { news, operations, began, took } = run;
    let ended = *began + *took;
    let mut text = Exposition { job: &operations.job, text: String::new() };
    text.gauge("tieout_exit_code", "Exit code of the last run; see README", &news.exit_code.to_string());
    let seconds = |duration: &Duration| format!("{}.{:03}", duration.as_secs(), duration.subsec_millis());
    text.gauge("tieout_run_duration_seconds", "How long the last run took", &seconds(took));
    text.gauge("tieout_run_timestamp_seconds", "When the last run ended", &ended.timestamp().to_string());
    text.gauge("tieout_requests", "Requests sent by the last run", &news.requests.to_string());
    text.gauge("tieout_retries", "Attempts beyond the first of the last run", &news.retries.to_string());
    rows(&mut text, news, before);
    if let Ok(state) = State::open_for_reading(&operations.output) {
        // A state that cannot be read says nothing: what is not there is better than what is wrong.
        let _ = remembered(&mut text, &state, Day::from_date(ended.date_naive()));
    }
    text.text
}

fn rows(text: &mut Exposition<'_>, news: &News, before: &str) {
    text.head(ROWS, "Rows of the last committed run");
    match &news.committed {
        Some(committed) => {
            committed.rows.iter().for_each(|(dataset, rows)| text.labelled(ROWS, "dataset", dataset, *rows));
        }
        None => before.lines().filter(|line| line.starts_with(&format!("{ROWS}{{"))).for_each(|line| {
            text.text.push_str(line);
            text.text.push('\n');
        }),
    }
}

/// What the output directory's register and runs say.
fn remembered(text: &mut Exposition<'_>, state: &State, today: Option<Day>) -> Result<()> {
    let open = state.breaks(&BreakFilter { status: Some("open".to_owned()), ..BreakFilter::default() })?;
    let mut by_check: BTreeMap<&str, u64> = Check::ALL.map(|check| (check.name(), 0)).into();
    for found in &open {
        *by_check.entry(&found.check).or_default() += 1;
    }
    text.head("tieout_open_breaks", "Open breaks of the output directory");
    for (check, count) in by_check {
        text.labelled("tieout_open_breaks", "check", check, count);
    }
    let oldest_days = today.and_then(|today| open.iter().map(|found| found.age_days(today)).max());
    let age_s = i64::from(oldest_days.unwrap_or(0)) * SECONDS_PER_DAY;
    text.gauge(
        "tieout_oldest_open_break_age_seconds",
        "Age of the oldest open break, in whole days; 0 without any",
        &age_s.to_string(),
    );
    let ends = [
        ("tieout_last_good_run_timestamp_seconds", "When a run that ties was committed last", 0),
        ("tieout_last_whole_run_timestamp_seconds", "When a run that ties or has open breaks was committed last", 3),
    ];
    for (name, help, exit_code_max) in ends {
        if let Some(at) = state.last_commit_of(text.job, exit_code_max)? {
            text.gauge(name, help, &at.timestamp().to_string());
        }
    }
    Ok(())
}

/// Prometheus' text format; a job's name needs no escapes.
struct Exposition<'a> {
    job: &'a str,
    text: String,
}

impl Exposition<'_> {
    fn head(&mut self, name: &str, help: &str) {
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge").expect("a text takes any text");
    }

    fn gauge(&mut self, name: &str, help: &str, value: &str) {
        self.head(name, help);
        writeln!(self.text, "{name}{{job=\"{}\"}} {value}", self.job).expect("a text takes any text");
    }

    fn labelled(&mut self, name: &str, label: &str, of: &str, value: u64) {
        writeln!(self.text, "{name}{{job=\"{}\",{label}=\"{of}\"}} {value}", self.job).expect("a text takes any text");
    }
}
