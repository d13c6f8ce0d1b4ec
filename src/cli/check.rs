//! `tieout check`: the job file and its key, then one signed request that changes nothing.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::printer;
use crate::job::{Overrides, Plan, Source, load};
use crate::{Error, Result, provider};

/// Validate a job file and its key, then make one signed request that changes nothing
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tieout check jobs/nightly.toml\n  tieout check jobs/nightly.toml --offline")]
pub struct Arguments {
    /// The job file
    job: PathBuf,
    /// Ask nobody: the job file and the key alone
    #[arg(long)]
    offline: bool,
}

/// Runs the command.
///
/// # Errors
/// When anything is wrong; the message says what, and who must act.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let plan = load(&arguments.job, &Overrides::default())?;
    printer::result(&format!("job file  ok  {}", describe(&plan)));
    match &plan.source {
        Source::Archive { directory, .. } => {
            if !directory.is_dir() {
                return Err(Error::job("expected an archive, found no such folder").at(directory.display()));
            }
            printer::result(&format!("archive   ok  {}", directory.display()));
        }
        Source::Network(connection) => {
            let bits = provider::check_key(connection)?;
            printer::result(&format!("key       ok  RSA, {bits} bits"));
            if !arguments.offline {
                let runtime =
                    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(
                        |error| Error::environment("the network threads could not be started").because(error),
                    )?;
                let found = runtime.block_on(provider::check(plan.provider, connection))?;
                printer::result(&format!("apicheck  ok  {}, provider's time {}", connection.base_url, found.date_time));
                printer::result(&clock_line(found.clock_ahead_s));
            }
        }
    }
    Ok(Exit::Ties)
}

fn describe(plan: &Plan) -> String {
    let feeds: Vec<&str> = plan.feeds.iter().map(|feed| feed.name()).collect();
    format!(
        "{}, {} to {} ({} days, {}), {}",
        plan.job_name,
        plan.window.from,
        plan.window.to,
        plan.window.days(),
        plan.zone,
        feeds.join(", ")
    )
}

fn clock_line(ahead_s: Option<i64>) -> String {
    /// Beyond it, days at midnight may be asked for too early or too late.
    const FAR_S: u64 = 120;
    match ahead_s {
        None => "clock     ?   the provider sent no timestamp that can be read".to_owned(),
        Some(ahead) if ahead.unsigned_abs() > FAR_S => {
            format!("clock     !   the provider's clock is {ahead} s ahead of this machine's: is NTP running?")
        }
        Some(ahead) => format!("clock     ok  the provider's clock is {ahead} s ahead of this machine's"),
    }
}
