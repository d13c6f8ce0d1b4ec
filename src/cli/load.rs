//! `tieout load`: what was committed, loaded into a database.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::printer::{self, Format};
use crate::job::output_directory;
use crate::record::{Day, Window};
use crate::warehouse::{Loaded, Options, Target, load, target};
use crate::{Error, Result};

/// The variable that stands in for `--to`.
const TO: &str = "TIEOUT_WAREHOUSE";

/// Load the lake's changed partitions and the register of breaks into a database, in one transaction
///
/// Partitions whose file changed since the last load are replaced as a whole; then the control totals of every day are
/// compared with the manifests. If one differs, nothing is changed and the exit code is 1.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tieout load jobs/nightly.toml --to postgresql://loader@db.example.com/books --schema bank\n  \
                  tieout load --out out --to sqlite:books.db --window 2026-08-01..2026-08-31\n\n\
                  The password comes from PGPASSWORD or ~/.pgpass; the whole address may stand in TIEOUT_WAREHOUSE."
)]
pub struct Arguments {
    /// The job file whose output directory is loaded
    #[arg(required_unless_present = "out")]
    job: Option<PathBuf>,
    /// Output directory of the runs, instead of the job's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The database: postgresql://… or sqlite:FILE
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// The schema of the tables in PostgreSQL, made if it is missing [default: public]
    #[arg(long, value_name = "NAME")]
    schema: Option<String>,
    /// Only partitions of these days, both included
    #[arg(long, value_name = "FROM..TO", value_parser = window)]
    window: Option<Window>,
    /// Replace all partitions, whether they changed or not
    #[arg(long)]
    reload: bool,
    /// Replace what another output directory loaded
    #[arg(long)]
    take_over: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// When the directory or the database cannot be read, or the totals differ.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let out = match (&arguments.out, &arguments.job) {
        (Some(out), _) => out.clone(),
        (None, Some(job)) => output_directory(job)?,
        (None, None) => unreachable!("clap asks for one of them"),
    };
    let options = Options { window: arguments.window, reload: arguments.reload, take_over: arguments.take_over };
    let loaded = load(&out, &target_of(arguments)?, options)?;
    match arguments.format {
        Format::Json => printer::result(&serde_json::to_string_pretty(&loaded).expect("plain data")),
        Format::Text => printer::result(&text(&loaded)),
    }
    Ok(Exit::Ties)
}

fn target_of(arguments: &Arguments) -> Result<Target> {
    let schema = arguments.schema.as_deref();
    let Some(to) = &arguments.to else {
        let to = std::env::var(TO).map_err(|_| {
            Error::usage("expected a database to load to, found none")
                .hint(format!("--to postgresql://…, --to sqlite:FILE, or the same in {TO}"))
        })?;
        return target(&to, schema);
    };
    let target = target(to, schema)?;
    if let Target::PostgreSql(address) = &target
        && address.has_password
    {
        printer::note(&format!(
            "warning: everybody on this machine can see a password on the command line; PGPASSWORD, ~/.pgpass or {TO} keep it"
        ));
    }
    Ok(target)
}

fn window(text: &str) -> Result<Window, String> {
    let (from, to) = text.split_once("..").ok_or_else(|| format!("expected FROM..TO, found '{text}'"))?;
    let (from, to): (Day, Day) = (from.parse()?, to.parse()?);
    Window::new(from, to).ok_or_else(|| format!("the window ends on {to}, before it begins on {from}"))
}

fn text(loaded: &Loaded) -> String {
    let plural = |count: usize| if count == 1 { "1 partition".to_owned() } else { format!("{count} partitions") };
    let mut lines = vec![format!(
        "{} of {} loaded with {} rows, {} taken out; {} breaks; control totals agree",
        loaded.replaced,
        plural(loaded.partitions),
        loaded.rows,
        loaded.removed,
        loaded.breaks
    )];
    lines.extend(
        loaded
            .datasets
            .iter()
            .map(|table| format!("  {}: {} rows on {} days", table.dataset, table.rows, table.partitions)),
    );
    lines.join("\n")
}
