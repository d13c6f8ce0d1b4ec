//! `tieout breaks`: the register of breaks over all runs.

use std::path::PathBuf;

use chrono::Utc;
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};

use super::exit::Exit;
use super::printer::{self, Format};
use crate::breaks::Check;
use crate::output::OutputDir;
use crate::record::{Day, minor_digits};
use crate::state::{BreakFilter, KnownBreak, State, TrailEntry};
use crate::{Error, Result, catalogue};

/// List, show, accept and reopen breaks of all runs
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tieout breaks list --status open\n  tieout breaks show brk-038f73e47f55\n  \
                        tieout breaks accept brk-038f73e47f55 --by Ada --note \"the bank confirmed it\"")]
pub struct Arguments {
    /// Output directory of the runs
    #[arg(long, value_name = "DIR", default_value = "out", global = true)]
    out: PathBuf,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List breaks, those seen first in front
    List {
        /// Only open, accepted or resolved ones
        #[arg(long, value_parser = ["open", "accepted", "resolved"])]
        status: Option<String>,
        /// Only those of a check
        #[arg(long, value_parser = Check::ALL.map(Check::name))]
        check: Option<String>,
        /// Only those of an account or card
        #[arg(long, value_name = "ID")]
        owner: Option<String>,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show one break with all that is known of it
    Show {
        /// The break's id
        break_id: String,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Accept a break: it stays in reports but no longer makes the exit code 3
    Accept {
        /// The break's id
        break_id: String,
        /// Who accepts it
        #[arg(long, value_name = "NAME", value_parser = said)]
        by: String,
        /// Why
        #[arg(long, value_name = "TEXT", value_parser = said)]
        note: String,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Open an accepted break again
    Reopen {
        /// The break's id
        break_id: String,
        /// Who opens it
        #[arg(long, value_name = "NAME", value_parser = said)]
        by: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT", value_parser = said)]
        note: Option<String>,
        /// How the result is shown
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

/// Runs the command.
///
/// # Errors
/// When there is no register, or no such break in it.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    match &arguments.act {
        Act::List { status, check, owner, format } => {
            let filter = BreakFilter { status: status.clone(), check: check.clone(), owner_id: owner.clone() };
            list(&State::open_for_reading(&arguments.out)?.breaks(&filter)?, *format);
        }
        Act::Show { break_id, format } => {
            let state = State::open_for_reading(&arguments.out)?;
            let known = state.break_of_id(break_id)?.ok_or_else(|| unknown(break_id))?;
            show(&known, &state.trail(Some(break_id))?, *format);
        }
        Act::Accept { break_id, by, note, format } => {
            State::open_for_reading(&arguments.out)?;
            let out = OutputDir::open(&arguments.out)?;
            out.state().accept_break(break_id, by, note)?;
            judged(out.state(), break_id, *format, &format!("{break_id} accepted by {by}"))?;
        }
        Act::Reopen { break_id, by, note, format } => {
            State::open_for_reading(&arguments.out)?;
            let out = OutputDir::open(&arguments.out)?;
            out.state().reopen_break(break_id, by.as_deref(), note.as_deref())?;
            judged(out.state(), break_id, *format, &format!("{break_id} open again"))?;
        }
    }
    Ok(Exit::Ties)
}

/// A name or a note must say something: it is all that an auditor will find.
fn said(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("expected a text, found nothing") } else { Ok(text.trim().to_owned()) }
}

/// What a break is after somebody judged it.
fn judged(state: &State, break_id: &str, format: Format, sentence: &str) -> Result<()> {
    match format {
        Format::Text => printer::result(sentence),
        Format::Json => {
            let known = state.break_of_id(break_id)?.ok_or_else(|| unknown(break_id))?;
            show(&known, &state.trail(Some(break_id))?, format);
        }
    }
    Ok(())
}

fn unknown(break_id: &str) -> Error {
    Error::usage(format!("expected the id of a break, found none called '{break_id}'")).hint("tieout breaks list")
}

fn list(breaks: &[KnownBreak], format: Format) {
    if format == Format::Json {
        let lines: Vec<serde_json::Value> = breaks.iter().map(json).collect();
        printer::result(&serde_json::to_string_pretty(&lines).expect("plain data"));
        return;
    }
    if breaks.is_empty() {
        printer::result("no breaks");
        return;
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header([
        "Break",
        "Status",
        "Check",
        "Cause",
        "Owner",
        "Row",
        "Day",
        "Difference",
        "First seen",
        "Last seen",
        "Age",
    ]);
    for found in breaks {
        table.add_row([
            found.break_id.clone(),
            found.status.clone(),
            found.check.clone(),
            found.cause.clone(),
            format!("{} {}", found.owner_kind.name(), found.owner_id),
            found.txid.clone().unwrap_or_default(),
            found.booking_date.map(|day| day.to_string()).unwrap_or_default(),
            amount(found, found.difference),
            found.first_seen.to_string(),
            found.last_seen.to_string(),
            days(found.age_days(today())),
        ]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    printer::result(&lines.join("\n"));
}

fn amount(found: &KnownBreak, value: Option<crate::record::Money>) -> String {
    value.map(|value| value.text(minor_digits(found.currency.as_deref()))).unwrap_or_default()
}

fn today() -> Day {
    Day::from_date(Utc::now().date_naive()).expect("a year that is held")
}

fn days(count: i32) -> String {
    if count == 1 { "1 day".to_owned() } else { format!("{count} days") }
}

fn show(found: &KnownBreak, trail: &[TrailEntry], format: Format) {
    if format == Format::Json {
        let mut shown = json(found);
        shown["trail"] = serde_json::to_value(trail).expect("plain data");
        printer::result(&serde_json::to_string_pretty(&shown).expect("plain data"));
        return;
    }
    let cause = catalogue::of_cause(&found.cause);
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let lines = [
        ("break", found.break_id.clone()),
        ("status", found.status.clone()),
        ("check", found.check.clone()),
        ("cause", found.cause.clone()),
        ("owner", format!("{} {}", found.owner_kind.name(), found.owner_id)),
        ("row", optional(&found.txid)),
        ("day", found.booking_date.map(|day| day.to_string()).unwrap_or_default()),
        ("currency", optional(&found.currency)),
        ("expected", amount(found, found.expected)),
        ("actual", amount(found, found.actual)),
        ("difference", amount(found, found.difference)),
        ("first seen", found.first_seen.to_string()),
        ("last seen", found.last_seen.to_string()),
        ("age", days(found.age_days(today()))),
        ("resolved", found.resolved_on.map(|day| day.to_string()).unwrap_or_default()),
        ("because", optional(&found.resolution)),
        ("accepted by", optional(&found.accepted_by)),
        ("note", optional(&found.note)),
        ("", found.explanation.clone()),
        ("means", cause.as_ref().map(|cause| cause.means.to_owned()).unwrap_or_default()),
        ("what to do", catalogue::advice_on(&found.cause, &found.explanation).unwrap_or_default().to_owned()),
        ("more", cause.as_ref().map(|cause| catalogue::command(cause.name)).unwrap_or_default()),
    ];
    let mut text: Vec<String> = lines
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| if name.is_empty() { format!("\n{value}") } else { format!("{name:<12} {value}") })
        .collect();
    text.push("\nTrail".to_owned());
    text.extend(trail.iter().map(told));
    printer::result(&text.join("\n"));
}

/// An entry of the trail on a line.
fn told(entry: &TrailEntry) -> String {
    let who = match (&entry.by, &entry.run_id) {
        (Some(by), _) => format!(" by {by}"),
        (None, Some(run_id)) => format!(" by run {run_id}"),
        (None, None) => String::new(),
    };
    let note = entry.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("  {} {}{who}{note}", entry.at, entry.act)
}

fn json(found: &KnownBreak) -> serde_json::Value {
    let text = |value| Some(amount(found, value)).filter(|text| !text.is_empty());
    serde_json::json!({
        "break_id": found.break_id,
        "status": found.status,
        "check": found.check,
        "cause": found.cause,
        "owner_kind": found.owner_kind.name(),
        "owner_id": found.owner_id,
        "txid": found.txid,
        "booking_date": found.booking_date.map(|day| day.to_string()),
        "currency": found.currency,
        "expected": text(found.expected),
        "actual": text(found.actual),
        "difference": text(found.difference),
        "explanation": found.explanation,
        "explain": catalogue::command(&found.cause),
        "first_seen": found.first_seen.to_string(),
        "last_seen": found.last_seen.to_string(),
        "age_days": found.age_days(today()),
        "resolved_on": found.resolved_on.map(|day| day.to_string()),
        "resolution": found.resolution,
        "accepted_by": found.accepted_by,
        "note": found.note,
    })
}
