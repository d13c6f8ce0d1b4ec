//! `tieout verify`: everything that was committed, computed again.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::printer::{self, Format};
use crate::Result;
use crate::output::{Finding, Verification, verify};

/// Compute again, offline, everything that was committed, and name the first day that was tampered with
///
/// Reads the lake, the report folders and the state, and changes nothing. Exit code 0: all is as it was committed; 1: it
/// is not.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tieout verify --out out")]
pub struct Arguments {
    /// Output directory of the runs
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Findings shown; all of them are in the JSON.
const LINES_MAX: usize = 40;

/// Runs the command.
///
/// # Errors
/// When there is nothing to verify, or it cannot be read.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let found = verify(&arguments.out)?;
    match arguments.format {
        Format::Json => printer::result(&json(&found)),
        Format::Text => printer::result(&text(&found)),
    }
    Ok(if found.findings.is_empty() { Exit::Ties } else { Exit::Unfinished })
}

fn json(found: &Verification) -> String {
    let first = found.findings.first();
    serde_json::to_string_pretty(&serde_json::json!({
        "intact": found.findings.is_empty(),
        "first_day": first.and_then(|finding| finding.day.clone()),
        "days": found.days,
        "partitions": found.partitions,
        "rows": found.rows,
        "files": found.files,
        "last_day": found.last_seal.as_ref().map(|(day, _)| day),
        "last_seal": found.last_seal.as_ref().map(|(_, seal)| seal),
        "findings": found.findings,
    }))
    .expect("plain data")
}

fn text(found: &Verification) -> String {
    let read =
        format!("{} days, {} partitions with {} rows, {} files", found.days, found.partitions, found.rows, found.files);
    let Some(first) = found.findings.first() else {
        let seal = found.last_seal.as_ref().map(|(day, seal)| format!("\nseal of {day}: {seal}"));
        return format!("intact: {read}{}", seal.unwrap_or_default());
    };
    let mut lines = vec![match &first.day {
        Some(day) => format!("not intact: the first day that was tampered with is {day} ({read})"),
        None => format!("not intact ({read})"),
    }];
    lines.extend(found.findings.iter().take(LINES_MAX).map(line));
    if found.findings.len() > LINES_MAX {
        lines.push(format!("  … and {} more, with --format json", found.findings.len() - LINES_MAX));
    }
    lines.join("\n")
}

fn line(finding: &Finding) -> String {
    let day = finding.day.as_deref().unwrap_or("-");
    format!("  {day}  {}: {}: {}", finding.kind.words(), finding.place, finding.detail)
}
