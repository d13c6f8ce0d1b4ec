//! `tieout run`: fetch or read the archive, normalise, reconcile, commit reports.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::interrupt;
use super::printer::{self, Format};
use super::progress::Progress;
use super::publish::AfterCommit;
use super::told::{Tally, told};
use crate::Result;
use crate::job::{Overrides, Shard, load};
use crate::pipeline;
use crate::pipeline::report::Outcome;
use crate::record::Day;

/// Fetch a window (or read an archive), reconcile it and commit its reports
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tieout run jobs/nightly.toml --from 2026-01-01 --to 2026-01-31 --out out")]
pub struct Arguments {
    /// The job file
    pub job: PathBuf,
    /// First day of the window, instead of the job's
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<Day>,
    /// Last day of the window, instead of the job's
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<Day>,
    /// Output directory, instead of the job's
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Read pages fetched earlier instead of asking the provider
    #[arg(long, value_name = "DIR")]
    pub archive: Option<PathBuf>,
    /// Ask for everything, whatever an interrupted run has fetched
    #[arg(long)]
    pub fresh: bool,
    /// Only the accounts of shard k of n, by a hash of their ids; each shard has an output directory of its own
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Runs the command.
///
/// # Errors
/// When the job file is wrong or the run cannot finish.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    told(&arguments.job, arguments.out.as_deref(), |tally| run(arguments, tally))
}

fn run(arguments: &Arguments, tally: &mut Tally) -> Result<Exit> {
    let overrides = Overrides {
        from: arguments.from,
        to: arguments.to,
        out: arguments.out.clone(),
        archive: arguments.archive.clone(),
        fresh: arguments.fresh,
        shard: arguments.shard,
    };
    let plan = load(&arguments.job, &overrides)?;
    let after = AfterCommit::of(&plan)?;
    interrupt::listen();
    let progress = Progress::start();
    let report = pipeline::run(&plan, &progress);
    progress.finish();
    tally.count(&progress);
    let mut report = report?;
    if let Err(why) = after.publish(&plan.output.directory) {
        report.exit = Outcome::Partial;
        report.exit_code = report.exit.code();
        report.notes.push(why);
    }
    tally.committed(&report);
    printer::report(&report, arguments.format);
    Ok(Exit::from(report.exit))
}
