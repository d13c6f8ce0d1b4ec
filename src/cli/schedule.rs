//! `tieout schedule`: runs jobs by their schedules, or prints the units that do it better.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Utc;
use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::logging::{self, LogFormat};
use super::printer;
use crate::job::{Overrides, Scheduled, load, scheduled};
use crate::schedule::agenda::Agenda;
use crate::schedule::daemon::Daemon;
use crate::schedule::units::{self, Place, Unit};
use crate::{Error, Result};

/// Run jobs by the schedules in their files, or print units for systemd, cron or Kubernetes
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tieout schedule --print systemd jobs/nightly.toml --to /etc/systemd/system\n  \
                        tieout schedule --print kubernetes jobs | kubectl apply -f -\n  tieout schedule jobs")]
pub struct Arguments {
    /// A folder of job files, of which those with a [schedule] run; or one job file
    #[arg(value_name = "JOBS_DIR|JOB", default_value = "jobs")]
    jobs: PathBuf,
    /// Print units instead of running anything
    #[arg(long, value_name = "KIND", value_enum)]
    print: Option<Kind>,
    /// Write the units as files into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR", requires = "print")]
    to: Option<PathBuf>,
    /// Where tieout is installed: the program, secrets.env, and what job files name relative to it
    #[arg(long, value_name = "DIR", requires = "print", default_value = "/srv/tieout")]
    directory: String,
    /// The user that runs the jobs
    #[arg(long, value_name = "NAME", requires = "print", default_value = "tieout")]
    user: String,
    /// The container image
    #[arg(long, requires = "print", default_value = concat!("tieout:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// Seconds that runs may take to end after SIGTERM or Ctrl-C, before they are killed
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    grace_s: u64,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A service and a timer for each job
    Systemd,
    /// Lines for crontab -e
    Crontab,
    /// A CronJob for each job
    Kubernetes,
}

/// Runs the command.
///
/// # Errors
/// When a job file is wrong, or a schedule cannot be expressed.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let jobs = jobs(&arguments.jobs)?;
    match arguments.print {
        Some(kind) => print(&units(kind, &jobs, arguments)?, arguments),
        None => keep(jobs, arguments),
    }
}

fn keep(jobs: Vec<Scheduled>, arguments: &Arguments) -> Result<Exit> {
    // What is wrong in the evening is mended more easily than at half past two.
    let wrong: Vec<Error> = jobs.iter().filter_map(|job| load(&job.path, &Overrides::default()).err()).collect();
    if let Some(first) = together(wrong) {
        return Err(first);
    }
    let program =
        std::env::current_exe().map_err(|error| Error::environment("this program cannot be found").because(error))?;
    let json = logging::format() == LogFormat::Json;
    let options = if json { vec!["--log-format".into(), "json".into()] } else { Vec::new() };
    let grace = Duration::from_secs(arguments.grace_s);
    let say = |line: &str| printer::note(&format!("schedule: {line}"));
    let is_clean = Daemon { program, options, grace, say: &say }.run(Agenda::new(jobs, Utc::now()))?;
    Ok(if is_clean { Exit::Ties } else { Exit::Unfinished })
}

fn units(kind: Kind, jobs: &[Scheduled], arguments: &Arguments) -> Result<Vec<Unit>> {
    let Arguments { directory, user, image, .. } = arguments;
    let is_word = |text: &str| !text.is_empty() && !text.chars().any(|letter| letter.is_control() || letter == '#');
    if !directory.starts_with('/') || ![directory, user, image].into_iter().all(|text| is_word(text)) {
        let message = "expected --directory to be an absolute path, and --user and --image to be names";
        return Err(Error::usage(message).hint("such as --directory /srv/tieout --user tieout"));
    }
    let directory = match directory.trim_end_matches('/') {
        "" => "/".to_owned(),
        directory => directory.to_owned(),
    };
    let place = Place { directory, user: user.clone(), image: image.clone() };
    match kind {
        Kind::Systemd => {
            let units: Result<Vec<Vec<Unit>>> = jobs.iter().map(|job| units::systemd(job, &place)).collect();
            Ok(units?.into_iter().flatten().collect())
        }
        Kind::Crontab => Ok(vec![units::crontab(jobs, &place)?]),
        Kind::Kubernetes => jobs.iter().map(|job| units::kubernetes(job, &place)).collect(),
    }
}

fn print(units: &[Unit], arguments: &Arguments) -> Result<Exit> {
    let Some(folder) = &arguments.to else {
        let separate = |unit: &Unit| match arguments.print {
            Some(Kind::Systemd) => format!("# {}\n{}", unit.name, unit.text),
            Some(Kind::Kubernetes) => format!("---\n{}", unit.text),
            Some(Kind::Crontab) | None => unit.text.clone(),
        };
        printer::result(&units.iter().map(separate).collect::<Vec<_>>().join("\n"));
        return Ok(Exit::Ties);
    };
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::environment("the folder cannot be made").at(folder.display()).because(error))?;
    for unit in units {
        let path = folder.join(&unit.name);
        std::fs::write(&path, &unit.text)
            .map_err(|error| Error::environment("the unit cannot be written").at(path.display()).because(error))?;
        printer::result(&path.display().to_string());
    }
    Ok(Exit::Ties)
}

/// The jobs with a schedule, by name.
fn jobs(path: &Path) -> Result<Vec<Scheduled>> {
    let refused = |error| Error::usage("the jobs cannot be read").at(path.display()).because(error);
    if !path.is_dir() {
        let hint = "add: [schedule] cron = \"30 2 * * *\"";
        let without = || Error::job("expected a [schedule] in the job file, found none").at(path.display()).hint(hint);
        return Ok(vec![scheduled(path)?.ok_or_else(without)?]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(refused)? {
        let file = entry.map_err(refused)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    let (mut jobs, mut wrong): (BTreeMap<String, Scheduled>, Vec<Error>) = (BTreeMap::new(), Vec::new());
    for file in files {
        match scheduled(&file) {
            Ok(Some(job)) => {
                if let Some(other) = jobs.insert(job.name.clone(), job) {
                    let message = format!("expected each job to have its own name, found '{}' twice", other.name);
                    wrong.push(Error::job(message).at(format!("{} and {}", other.path.display(), file.display())));
                }
            }
            Ok(None) => {}
            Err(error) => wrong.push(error),
        }
    }
    if let Some(error) = together(wrong) {
        return Err(error);
    }
    if jobs.is_empty() {
        let hint = "add to a job file: [schedule] cron = \"30 2 * * *\"";
        return Err(Error::usage("expected a job file with a [schedule], found none").at(path.display()).hint(hint));
    }
    Ok(jobs.into_values().collect())
}

/// What is wrong with several files, told at once.
fn together(mut wrong: Vec<Error>) -> Option<Error> {
    match wrong.len() {
        0 | 1 => wrong.pop(),
        _ => {
            let all: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            Some(Error::job(all.join("\n\n")))
        }
    }
}
