//! The only file that prints: results to stdout, progress and complaints to stderr.

use std::fmt::Display;
use std::io::{ErrorKind, Write};

use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, Table, presets};

use super::logging::{self, LogFormat};
use crate::pipeline::report::{OwnerLine, Report};
use crate::record::{BreakRow, minor_digits};
use crate::{Error, catalogue};

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For a person
    #[default]
    Text,
    /// For a program
    Json,
}

/// Owners shown in the table; breaks are always shown, up to as many.
const LINES_MAX: usize = 60;

/// Shows why a command could not finish.
pub fn error(error: &Error) {
    match logging::format() {
        LogFormat::Text => complain(format_args!("error: {error}")),
        LogFormat::Json => complain(logging::line("ERROR", &error.one_line(), &[("hint", error.hint_text())])),
    }
}

/// Shows a result. A reader that went away is nobody's error; a disk that is full is told.
pub fn result(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let written = writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush());
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        warning(&format!("the result could not be written to stdout: {error}"));
    }
}

/// A line on stderr. Where nobody can be told, such as on a full disk, the work goes on all the same.
fn complain(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Shows a line of progress or advice.
pub fn note(text: &str) {
    match logging::format() {
        LogFormat::Text => complain(text),
        LogFormat::Json => complain(logging::line("INFO", text, &[])),
    }
}

/// Shows what went wrong beside the work.
pub fn warning(text: &str) {
    match logging::format() {
        LogFormat::Text => complain(format_args!("warning: {text}")),
        LogFormat::Json => complain(logging::line("WARN", text, &[])),
    }
}

/// Puts a question; the answer is typed behind it.
pub fn prompt(text: &str) {
    let _ = write!(std::io::stderr(), "{text}").and_then(|()| std::io::stderr().flush());
}

/// Shows what a run found.
pub fn report(report: &Report, format: Format) {
    match format {
        Format::Json => result(&String::from_utf8_lossy(&report.to_json())),
        Format::Text => result(&report_text(report)),
    }
}

fn report_text(report: &Report) -> String {
    let mut parts = vec![format!("{} {} to {}: {}", report.job, report.from, report.to, report.verdict())];
    if !report.owners.is_empty() {
        parts.push(owners_table(&report.owners));
    }
    let open: Vec<&BreakRow> = report.breaks.iter().filter(|found| found.status == "open").collect();
    if !open.is_empty() {
        parts.push(format!("Open breaks\n{}", breaks_list(&open)));
    }
    if report.rejects > 0 {
        let mut lines = vec![format!("Rejected rows ({}), with their raw text in rejects.csv", report.rejects)];
        lines.extend(report.rejects_shown.iter().map(|line| format!("  {line}")));
        parts.push(lines.join("\n"));
    }
    if !report.notes.is_empty() {
        parts.push(report.notes.iter().map(|note| format!("note: {note}")).collect::<Vec<_>>().join("\n"));
    }
    let rows: Vec<String> = report.datasets.iter().map(|line| format!("{} {}", line.rows, line.dataset)).collect();
    parts.push(format!("{}\nreports: {}", rows.join(", "), report.reports.display()));
    parts.join("\n\n")
}

/// Owners that do not tie come first when not all can be shown.
fn owners_table(owners: &[OwnerLine]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["Owner", "Currency", "Opening", "Credits", "Debits", "Closing", "Entries", "Verdict"]);
    let shown: Vec<&OwnerLine> = if owners.len() <= LINES_MAX {
        owners.iter().collect()
    } else {
        let (tied, open): (Vec<&OwnerLine>, Vec<&OwnerLine>) = owners.iter().partition(|owner| owner.verdict == "tied");
        open.into_iter().chain(tied).take(LINES_MAX).collect()
    };
    for owner in &shown {
        let amount = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([
            Cell::new(format!("{} {}", owner.owner_kind, owner.owner_id())),
            Cell::new(owner.currency().unwrap_or_default()),
            amount(owner.opening().unwrap_or_default()),
            amount(owner.credits()),
            amount(owner.debits()),
            amount(owner.closing().unwrap_or_default()),
            amount(&owner.entries.to_string()),
            Cell::new(owner.verdict),
        ]);
    }
    let mut text: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    if owners.len() > shown.len() {
        text.push(format!(" … and {} more, in balances.csv", owners.len() - shown.len()));
    }
    text.join("\n")
}

fn breaks_list(breaks: &[&BreakRow]) -> String {
    let mut lines: Vec<String> = breaks.iter().take(LINES_MAX).map(|found| break_lines(found)).collect();
    if breaks.len() > LINES_MAX {
        lines.push(format!("  … and {} more, in breaks.csv", breaks.len() - LINES_MAX));
    }
    lines.join("\n")
}

fn break_lines(found: &BreakRow) -> String {
    let day = found.booking_date.map(|day| format!(" {day}")).unwrap_or_default();
    let amount = match (found.difference, found.currency.as_deref()) {
        (Some(difference), currency) => {
            format!(", {} {}", difference.text(minor_digits(currency)), currency.unwrap_or_default())
        }
        (None, _) => String::new(),
    };
    let next = catalogue::advice_on(found.cause, &found.explanation)
        .map(|advice| format!("\n    next: {advice} ({})", catalogue::command(found.cause)))
        .unwrap_or_default();
    format!(
        "  {} {} {} {}{day}{}\n    {}{next}",
        found.break_id,
        found.check,
        found.owner_kind,
        found.owner_id,
        amount.trim_end(),
        found.explanation
    )
}
