//! `tieout demo`: sandbox and a whole run, no set-up.

use std::path::{Path, PathBuf};

use clap::Args;
use secrecy::SecretString;

use super::exit::Exit;
use super::printer::{self, Format};
use super::progress::Progress;
use crate::formats::Accounting;
use crate::job::plan::TRANSFER_DAYS_DEFAULT;
use crate::job::{Connection, KeySource, Limits, Output, Plan, Source};
use crate::reconcile::FeeRule;
use crate::record::{Feed, Zone};
use crate::report::Locale;
use crate::sandbox::{Credentials, KeyFiles, PublicKey, RunningSandbox, Sandbox, SandboxConfig, sample};
use crate::{Error, Result, pipeline};

/// Serve the built-in sample on loopback and run the whole job against it: no set-up
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tieout demo --out out\n\nThe sample holds three planted breaks, so the demo ends with exit code 3."
)]
pub struct Arguments {
    /// Output directory
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// When the sandbox cannot start or the run cannot finish.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    printer::note("demo: making a key pair and starting the provider's sandbox on loopback");
    let folder = tempfile::tempdir()
        .map_err(|error| Error::environment("a folder for the demo's key could not be made").because(error))?;
    let keys = KeyFiles::in_folder(folder.path())?;
    let credentials = Credentials::new(PublicKey::from_file(&keys.public)?);
    let running = Sandbox::start(SandboxConfig::new(PublicKey::from_file(&keys.public)?))?;
    let plan = plan(&running, &credentials, &keys.private, arguments);
    printer::note(&format!(
        "demo: running the job against {}, {} to {}",
        running.base_url(),
        plan.window.from,
        plan.window.to
    ));
    let progress = Progress::start();
    let report = pipeline::run(&plan, &progress);
    progress.finish();
    running.shutdown();
    let report = report?;
    printer::report(&report, arguments.format);
    printer::note(
        "demo: the sample holds three planted breaks, therefore exit code 3; sample-data/README.md tells which.\n\
         next: look into the reports folder, then set up your own job from jobs/nightly.toml",
    );
    Ok(Exit::from(report.exit))
}

/// The plan that `jobs/demo.toml` spells out.
fn plan(running: &RunningSandbox, credentials: &Credentials, private_key: &Path, arguments: &Arguments) -> Plan {
    Plan {
        job_name: "demo".to_owned(),
        zone: Zone::parse("Europe/Paris").expect("a zone of the database"),
        window: sample::window(),
        feeds: Feed::ALL.to_vec(),
        shard: None,
        transfer_days: TRANSFER_DAYS_DEFAULT,
        provider: "anytime",
        fx_fee: FeeRule::Auto,
        source: Source::Network(Box::new(Connection {
            base_url: running.base_url(),
            username: credentials.username.clone(),
            client_id: credentials.client_id.clone(),
            client_secret: SecretString::from(credentials.client_secret.clone()),
            password: SecretString::from(credentials.password.clone()),
            private_key: KeySource::File(private_key.to_owned()),
            private_key_passphrase: None,
            page_size: 100,
            requests_per_second: None,
            concurrency: 8,
            ca_certificate: None,
            limits: Limits::default(),
        })),
        output: Output {
            directory: arguments.out.clone(),
            shown_as: arguments.out.display().to_string(),
            lake: None,
            csv: true,
            parquet: true,
            accounting: Accounting::default(),
        },
        fresh: false,
        locale: Locale::default(),
    }
}
