//! Runs against the provider on loopback, whose faults and ours come from one seed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use tieout::job::plan::Limits;
use tieout::job::{Connection, KeySource, Plan, Source};
use tieout::output::LocalDisk;
use tieout::pipeline;
use tieout::pipeline::report::Outcome;
use tieout::sandbox::ledger::Ledger;
use tieout::sandbox::{PublicKey, RunningSandbox, Sandbox, SandboxConfig};

use super::disk::{Fault, SimDisk};
use super::model::Loss;
use super::stories::{self, Tree, Unwatched, at_work, machine_at, plan_of, random, scratch_folder, visible, window};
use super::truth;

const KEY_PEM: &str = include_str!("../fixtures/keys/id_rsa.pem");

/// What passes after a while.
const FAULTS: [&str; 12] = [
    "429@/transactions#2",
    "429:retry-after=1@/cards#1",
    "500@*#10%",
    "502:html@/cards#1",
    "cut@/statements#2",
    "reset@/transactions#3",
    "html@/transactions#1",
    "empty@/statements#1",
    "bad-json@/cards#1",
    "wrong-hash@/transactions#2",
    "revoke@/transactions#2",
    "short@/statements#2",
];

/// A sandbox with those books and faults, in pages of three rows.
pub fn sandbox(ledger: &Ledger, faults: &[&str]) -> RunningSandbox {
    let mut config = SandboxConfig::new(PublicKey::from_pem(KEY_PEM).expect("a key"));
    config.books = ledger.books();
    config.behaviour.page_rows_max = 3;
    config.faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
    Sandbox::start(config).expect("a sandbox")
}

/// Writes the client's key where only its owner reads it.
pub fn write_key(folder: &Path) -> PathBuf {
    let path = folder.join("id_rsa.pem");
    fs::write(&path, KEY_PEM).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its mode");
    path
}

fn connection(sandbox: &RunningSandbox, key: PathBuf) -> Box<Connection> {
    Box::new(Connection {
        base_url: sandbox.base_url(),
        username: "sandbox-user".to_owned(),
        client_id: "sandbox-client".to_owned(),
        client_secret: SecretString::from("sandbox-client-secret"),
        password: SecretString::from("sandbox-password"),
        private_key: KeySource::File(key),
        private_key_passphrase: None,
        page_size: 3,
        requests_per_second: None,
        concurrency: 4,
        ca_certificate: None,
        limits: Limits {
            attempts_max: 5,
            backoff_ms_first: 1,
            backoff_ms_max: 5,
            attempt_ms_max: 3_000,
            ..Limits::default()
        },
    })
}

/// Starts after which nobody disturbs any more, and those that a provider which refuses now and then may still cost.
const DISTURBED: u32 = 2;
const STARTS_MAX: u32 = 8;

/// What happened to a run.
#[derive(Debug, Default, Clone, Copy)]
pub struct Trace {
    pub cuts: usize,
    pub failures: usize,
    /// Starts that went on with what had landed.
    pub resumed: usize,
    /// Runs that told that an owner could not be fetched.
    pub partial: usize,
}

/// Runs over a bad network onto a bad disk until it is done; after one more power cut the reports are what happened, and what
/// landed says the same again.
pub fn check(seed: u64, is_disturbed: bool) -> Result<Trace, String> {
    let mut chance = random(seed);
    let ledger = stories::books(seed, 1);
    let chosen: Vec<&str> = if is_disturbed { (0..2).map(|_| *chance.pick(&FAULTS)).collect() } else { Vec::new() };
    let named = |found: String| format!("seed {seed}, {chosen:?}: {found}");
    let (folder, sandbox) = (scratch_folder(), sandbox(&ledger, &chosen));
    let key = write_key(folder.path());
    let plan_in = |place: &Path| {
        let source = Source::Network(connection(&sandbox, key.clone()));
        plan_of(window(0, 4), source, stories::output_in(&place.join("out")))
    };
    let mut place = folder.path().join("0");
    fs::create_dir_all(&place).expect("a folder");
    let mut disk = SimDisk::new(&place);
    let (mut trace, mut is_sync_refused) = (Trace::default(), false);
    for start in 0..STARTS_MAX {
        let fault = (is_disturbed && start < DISTURBED).then(|| {
            let kind = if chance.chance(600) { Fault::Death } else { Fault::Onward(ErrorKind::StorageFull) };
            (chance.index(450), kind)
        });
        disk.arm(fault);
        let machine = machine_at(start, Arc::new(disk.clone()));
        let ended = at_work(|| pipeline::run_on(&plan_in(&place), &Unwatched, &machine));
        is_sync_refused |= matches!(fault, Some((_, Fault::Onward(_)))) && ended.is_err();
        let is_whole = match &ended {
            Err(error) if fault.is_none() => return Err(named(error.to_string())),
            Err(_) => false,
            Ok(report) => {
                trace.resumed += usize::from(report.notes.iter().any(|note| note.starts_with("continued")));
                report.exit != Outcome::Partial
            }
        };
        if ended.is_ok() && !is_whole {
            trace.partial += 1;
            told_as_partial(&visible(&place.join("out")), &plan_in(&place)).map_err(&named)?;
        }
        trace.failures += usize::from(ended.is_err() && !disk.is_dead());
        trace.cuts += usize::from(ended.is_err() && disk.is_dead());
        if disk.is_dead() || is_whole {
            place = folder.path().join((start + 1).to_string());
            let loss = *chance.pick(&Loss::ALL);
            disk = disk.reboot(loss, &mut chance, &place);
        }
        if is_whole {
            judge(&ledger, &plan_in(&place), &place, is_sync_refused).map_err(&named)?;
            return Ok(trace);
        }
    }
    Err(named(format!("not whole after {STARTS_MAX} starts")))
}

/// An owner that could not be fetched is told; the next run makes up for it.
fn told_as_partial(tree: &Tree, plan: &Plan) -> Result<(), String> {
    let breaks = tree.get(&report_folder(plan).join("breaks.csv")).ok_or("no breaks.csv")?;
    let is_told = String::from_utf8_lossy(breaks).contains(",completeness,");
    if is_told { Ok(()) } else { Err("it ends with 4, but no listing is told as incomplete".to_owned()) }
}

fn report_folder(plan: &Plan) -> PathBuf {
    PathBuf::from(format!("reports/nightly/{}", plan.window))
}

fn judge(ledger: &Ledger, plan: &Plan, place: &Path, is_sync_refused: bool) -> Result<(), String> {
    let (tree, folder) = (visible(&place.join("out")), report_folder(plan));
    stories::whole(&tree, &folder)?;
    told(ledger, &tree, &folder)?;
    // A disk that has refused to sync once may have lost bytes of the landing for good.
    if is_sync_refused {
        return Ok(());
    }
    let source = Source::Archive { directory: place.join("out/raw"), username: None };
    let again = plan_of(plan.window, source, stories::output_in(&place.join("again")));
    at_work(|| pipeline::run_on(&again, &Unwatched, &machine_at(99, Arc::new(LocalDisk))))
        .map_err(|error| format!("what landed cannot be read back: {error}"))?;
    let again = visible(&place.join("again"));
    let differs =
        |path: &&PathBuf| path.extension().is_some_and(|kind| kind == "csv") && again.get(*path) != tree.get(*path);
    match tree.keys().find(differs) {
        Some(path) => Err(format!("{}: what landed tells another story", path.display())),
        None => Ok(()),
    }
}

fn told(ledger: &Ledger, tree: &Tree, folder: &Path) -> Result<(), String> {
    truth::check(&truth::Told { ledger, window: window(0, 4), tree, folder, csv: true, parquet: true })
}
