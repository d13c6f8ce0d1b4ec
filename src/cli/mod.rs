//! The commands: one file each. [`printer`] is the only place that prints.

pub mod backfill;
pub mod breaks;
pub mod bug;
pub mod check;
pub mod completions;
pub mod demo;
pub mod exit;
pub mod explain;
pub mod init;
pub mod interrupt;
pub mod load;
pub mod logging;
pub mod man;
pub mod printer;
pub mod progress;
pub mod publish;
pub mod run;
pub mod sandbox;
pub mod schedule;
pub mod schema;
pub mod selftest;
pub mod told;
#[cfg(feature = "otel")]
pub mod traces;
pub mod verify;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::Result;
use exit::Exit;

/// Pulls a company's money movements, proves that the balances tie out, and writes CSV reports and a Parquet lake.
#[derive(Debug, Parser)]
#[command(name = "tieout", version, about, max_term_width = 100)]
struct Arguments {
    /// How progress, warnings and errors are written to stderr
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, global = true)]
    log_format: logging::LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "made once a process")]
enum Command {
    Init(init::Arguments),
    Run(run::Arguments),
    Backfill(backfill::Arguments),
    Schedule(schedule::Arguments),
    Check(check::Arguments),
    Sandbox(sandbox::Arguments),
    Demo(demo::Arguments),
    Breaks(breaks::Arguments),
    Verify(verify::Arguments),
    Load(load::Arguments),
    Publish(publish::Arguments),
    Schema(schema::Arguments),
    Selftest(selftest::Arguments),
    Explain(explain::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Runs the program on the process's own arguments.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Ties.into() };
        }
    };
    logging::start(arguments.log_format);
    bug::end_at_once();
    let exit = execute(arguments.command).unwrap_or_else(|error| {
        printer::error(&error);
        Exit::from(&error)
    });
    #[cfg(feature = "otel")]
    traces::finish();
    exit.into()
}

fn execute(command: Command) -> Result<Exit> {
    match command {
        Command::Init(arguments) => init::execute(&arguments),
        Command::Run(arguments) => run::execute(&arguments),
        Command::Backfill(arguments) => backfill::execute(&arguments),
        Command::Schedule(arguments) => schedule::execute(&arguments),
        Command::Check(arguments) => check::execute(&arguments),
        Command::Sandbox(arguments) => sandbox::execute(&arguments),
        Command::Demo(arguments) => demo::execute(&arguments),
        Command::Breaks(arguments) => breaks::execute(&arguments),
        Command::Verify(arguments) => verify::execute(&arguments),
        Command::Load(arguments) => load::execute(&arguments),
        Command::Publish(arguments) => publish::execute(&arguments),
        Command::Schema(arguments) => schema::execute(&arguments),
        Command::Selftest(arguments) => selftest::execute(&arguments),
        Command::Explain(arguments) => explain::execute(&arguments),
        Command::Completions(arguments) => completions::execute(&arguments, Arguments::command()),
        Command::Man(arguments) => man::execute(&arguments, Arguments::command()),
    }
}
