//! `tieout publish`: the committed lake, published to an object store.

use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Exit;
use super::printer::{self, Format};
use crate::job::{Places, Plan, places};
use crate::store::{Address, Store};
use crate::{Error, Result};

/// Publish the committed lake to an object store: S3, Google Cloud Storage or Azure
///
/// A run of a job whose `directory` is a store publishes by itself; this does it again where that failed. Only what changed
/// is uploaded, and said again the command changes nothing.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tieout publish jobs/nightly.toml\n  tieout publish --out out --to s3://books/bank\n\n\
                  Credentials come from the environment: AWS_…, GOOGLE_… or AZURE_…."
)]
pub struct Arguments {
    /// The job file whose lake is published
    #[arg(required_unless_present = "out")]
    job: Option<PathBuf>,
    /// Output directory of the runs, instead of the job's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The store, instead of the job's: s3://bucket/prefix, gs://… or az://…
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,
    /// Replace what another output directory published
    #[arg(long)]
    take_over: bool,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// When the directory or the store cannot be read, the store refuses, or another writer was faster.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let of_job = arguments.job.as_deref().map(places).transpose()?;
    let (directory, of_job) = match (&arguments.out, of_job) {
        (Some(out), of_job) => (out.clone(), of_job.and_then(|places| places.lake)),
        (None, Some(Places { directory, lake })) => (directory, lake),
        (None, None) => unreachable!("clap asks for one of them"),
    };
    let address = match &arguments.to {
        Some(to) => Some(Address::parse(to).map_err(Error::usage)?),
        None => of_job,
    };
    let address = address.ok_or_else(|| {
        Error::usage("expected an object store to publish to, found none")
            .hint("--to s3://bucket/prefix, or directory = \"s3://bucket/prefix\" in the job file")
    })?;
    let published = Store::open(&address)?.publish(&directory, arguments.take_over)?;
    match arguments.format {
        Format::Json => printer::result(&serde_json::to_string_pretty(&published).expect("plain data")),
        Format::Text => printer::result(&published.text()),
    }
    Ok(Exit::Ties)
}

/// Publishes after a commit, where the job says so.
pub(super) struct AfterCommit(Option<Store>);

impl AfterCommit {
    /// Looks at the environment before anything is asked of the provider.
    ///
    /// # Errors
    /// When it does not tell how to reach the store.
    pub(super) fn of(plan: &Plan) -> Result<AfterCommit> {
        plan.output.lake.as_ref().map(Store::open).transpose().map(AfterCommit)
    }

    /// Publishes. The commit stands whatever happens: a failure is told in words for whoever runs the job.
    pub(super) fn publish(&self, directory: &Path) -> Result<(), String> {
        let Some(store) = &self.0 else { return Ok(()) };
        match store.publish(directory, false) {
            Ok(published) => {
                printer::note(&format!("published {}", published.text()));
                Ok(())
            }
            Err(error) => {
                let why = error.one_line_with_hint();
                Err(format!("committed, but not published to {}: {why}; retry with: tieout publish", store.address()))
            }
        }
    }
}
