//! `tieout check`: what works, step by step, from the job file to the rights per feed. Nothing is changed anywhere.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::printer::{self, Format};
use crate::job::{Overrides, Plan, Source, load};
use crate::provider::checkup::{ORDER, Outcome, Step};
use crate::{Error, Result, catalogue, provider};

/// Tell step by step whether a job can run: its file and key, the way to the provider, one signed request, the rights
///
/// The job file and its key are looked at first, then comes one signed `apicheck`; what follows (accounts seen, rights
/// per feed) is read-only as well. The first step that fails ends it, with what to do.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tieout check jobs/nightly.toml\n  tieout check jobs/nightly.toml --offline")]
pub struct Arguments {
    /// The job file
    job: PathBuf,
    /// Ask nobody: the job file and the key alone
    #[arg(long)]
    offline: bool,
    /// End with the signed apicheck: ask neither for accounts nor for rights
    #[arg(long, conflicts_with = "offline")]
    apicheck_only: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// When anything is wrong; the message says what, and who must act.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let mut steps = Vec::new();
    let outcome = {
        let mut tell = |step: Step| {
            if arguments.format == Format::Text {
                printer::result(&line(&step));
            }
            steps.push(step);
        };
        all_steps(arguments, &mut tell).map_err(with_more_to_read)
    };
    if let Some(last) = steps.last().filter(|_| outcome.is_err())
        && let Some(rest) = ORDER.iter().position(|name| *name == last.name).map(|at| &ORDER[at + 1..])
    {
        let told = last.name;
        for name in rest.iter().filter(|name| **name != "rights" || told != "rights") {
            let step = Step::new(name, Outcome::NotReached, "not reached");
            if arguments.format == Format::Text {
                printer::result(&line(&step));
            }
            steps.push(step);
        }
    }
    if arguments.format == Format::Json {
        printer::result(&to_json(arguments, &steps, outcome.as_ref().err()));
    }
    outcome.map(|()| Exit::Ties)
}

fn all_steps(arguments: &Arguments, tell: &mut dyn FnMut(Step)) -> Result<()> {
    let plan = provider::checkup::told(tell, "job file", load(&arguments.job, &Overrides::default()))?;
    tell(Step::works("job file", describe(&plan)));
    match &plan.source {
        Source::Archive { directory, .. } => {
            if !directory.is_dir() {
                return Err(Error::job("expected an archive, found no such folder").at(directory.display()));
            }
            tell(Step::works("archive", directory.display().to_string()));
            Ok(())
        }
        Source::Network(connection) if arguments.offline => {
            let bits = provider::checkup::told(tell, "key", provider::check_key(connection))?;
            tell(Step::works("key", format!("RSA, {bits} bits")));
            Ok(())
        }
        Source::Network(connection) => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .map_err(|error| Error::environment("the network threads could not be started").because(error))?;
            runtime.block_on(provider::check_up(&plan, connection, arguments.apicheck_only, tell))
        }
    }
}

/// Names the command that tells more of the provider's code.
fn with_more_to_read(error: Error) -> Error {
    let Some(code) = error.code().filter(|code| catalogue::find(&code.to_string()).is_some()) else { return error };
    let more = format!("`tieout explain {code}` tells more");
    let hint = error.hint_text().map_or_else(|| more.clone(), |hint| format!("{hint}; {more}"));
    error.hint(hint)
}

fn line(step: &Step) -> String {
    let mark = match step.outcome {
        Outcome::Works => "ok",
        Outcome::Warning => "! ",
        Outcome::Unknown => "? ",
        Outcome::Failed => "FAILED",
        Outcome::NotReached => "- ",
    };
    let hint = step.hint.as_deref().filter(|_| step.outcome == Outcome::Warning);
    let hint = hint.map(|hint| format!("\n{:14}{hint}", "")).unwrap_or_default();
    format!("{:<9} {mark}  {}{hint}", step.name, step.found.lines().next().unwrap_or_default())
}

fn to_json(arguments: &Arguments, steps: &[Step], error: Option<&Error>) -> String {
    let shown: Vec<serde_json::Value> = steps
        .iter()
        .map(|step| {
            json!({
                "step": step.name,
                "outcome": step.outcome.name(),
                "found": step.found,
                "code": step.code,
                "hint": step.hint,
            })
        })
        .collect();
    let exit = error.map_or(Exit::Ties, Exit::from);
    let told = json!({
        "job_file": arguments.job.display().to_string(),
        "works": error.is_none(),
        "exit_code": exit.code(),
        "steps": shown,
        "error": error.map(ToString::to_string),
    });
    serde_json::to_string_pretty(&told).expect("texts and numbers are plain data")
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
