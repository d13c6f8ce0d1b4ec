//! Runs against the provider on loopback, whose faults and ours come from one seed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use tieout::job::plan::Limits;
use tieout::job::{Connection, KeySource, Source};
use tieout::output::Machine;
use tieout::pipeline;
use tieout::sandbox::ledger::Ledger;
use tieout::sandbox::{PublicKey, RunningSandbox, Sandbox, SandboxConfig};

use super::disk::{Fault, SimDisk};
use super::stories::{self, Tree, Unwatched, at_work, machine, plan_of, random, scratch_folder, visible, window};
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

/// Runs over a bad network onto a bad disk until it is done; the reports are what happened.
pub fn check(seed: u64, is_disturbed: bool) -> Result<(), String> {
    let mut chance = random(seed);
    let ledger = stories::books(seed, 1);
    let chosen: Vec<&str> = if is_disturbed { (0..2).map(|_| *chance.pick(&FAULTS)).collect() } else { Vec::new() };
    let (folder, sandbox) = (scratch_folder(), sandbox(&ledger, &chosen));
    let root = folder.path().join("root");
    fs::create_dir_all(&root).expect("a folder");
    let source = Source::Network(connection(&sandbox, write_key(folder.path())));
    let plan = plan_of(window(0, 4), source, stories::output_in(&root.join("out")));
    let disk = SimDisk::new(&root);
    let starts = if is_disturbed { 3 } else { 1 };
    for start in 0..starts {
        let fault = (start + 1 < starts).then(|| (chance.index(150), Fault::Onward(ErrorKind::StorageFull)));
        disk.arm(fault);
        let machine = Machine { dice: rand::random::<u32>, ..machine(Arc::new(disk.clone())) };
        let ended = at_work(|| pipeline::run_on(&plan, &Unwatched, &machine));
        if let (Err(error), None) = (&ended, fault) {
            return Err(format!("seed {seed}, {chosen:?}: {error}"));
        }
    }
    let tree = visible(&root.join("out"));
    let reports = PathBuf::from(format!("reports/nightly/{}", plan.window));
    stories::whole(&tree, &reports)?;
    told(&ledger, &tree, &reports).map_err(|found| format!("seed {seed}, {chosen:?}: {found}"))
}

fn told(ledger: &Ledger, tree: &Tree, folder: &Path) -> Result<(), String> {
    truth::check(&truth::Told { ledger, window: window(0, 4), tree, folder, csv: true, parquet: true })
}
