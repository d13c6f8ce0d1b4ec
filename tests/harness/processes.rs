//! Real processes: killed at random, started all at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tieout::sandbox::RunningSandbox;

use super::network::{sandbox, write_key};
use super::stories::{self, Tree, random, scratch_folder, visible, whole};

const REPORTS: &str = "reports/nightly/2026-10-23_2026-10-27";

/// A folder with a key and jobs that ask a sandbox and an archive.
pub struct Place {
    folder: TempDir,
    sandbox: RunningSandbox,
}

impl Place {
    pub fn new(latency: Duration) -> Place {
        let folder = scratch_folder();
        let ledger = stories::books(0, 1);
        let sandbox = sandbox(&ledger, &[]);
        sandbox.control().set_latency(latency);
        write_key(folder.path());
        stories::write_archive(&ledger, &folder.path().join("archive"));
        let job = "[job]\nname = \"nightly\"\nwindow = { from = \"2026-10-23\", to = \"2026-10-27\" }\n\n[source]\nprovider = \"anytime\"\n";
        let network = format!(
            "{job}base_url = \"{}\"\nusername = \"sandbox-user\"\nclient_id = \"sandbox-client\"\n\
             client_secret = {{ env = \"SECRET\" }}\npassword = {{ env = \"PASSWORD\" }}\n\
             private_key = {{ file = \"id_rsa.pem\" }}\npage_size = 3\n",
            sandbox.base_url()
        );
        fs::write(folder.path().join("network.toml"), network).expect("a file");
        fs::write(folder.path().join("archive.toml"), format!("{job}archive = \"archive\"\n")).expect("a file");
        Place { folder, sandbox }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, job: &str, out: &str, bug: Option<&str>) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(["run", job, "--out", out]).current_dir(self.folder.path()).env_clear();
        command.env("SECRET", "sandbox-client-secret").env("PASSWORD", "sandbox-password");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(bug) = bug {
            command.env("TIEOUT_PLANTED_BUG", bug);
        }
        stories::start(&mut command).expect("the binary starts")
    }

    fn finish(&self, job: &str, out: &str) -> Result<i32, String> {
        let ended = self.start(job, out, None).wait_with_output().expect("it ends");
        match ended.status.code() {
            Some(code @ (0 | 3)) => Ok(code),
            code => Err(format!("{job}: ends with {code:?}: {}", String::from_utf8_lossy(&ended.stderr))),
        }
    }
}

/// Kills runs at random times, up to three starts in a row, and finishes each. How many were killed at work.
pub fn kill(count: usize, seed: u64) -> Result<usize, String> {
    let place = Place::new(Duration::from_millis(1));
    let mut chance = random(seed);
    let mut expected = Vec::new();
    for job in ["archive.toml", "network.toml"] {
        let out = format!("undisturbed-{job}");
        let began = Instant::now();
        let code = place.finish(job, &out)?;
        let took = began.elapsed();
        expected.push((job, code, took, rows_of(&place.out(&out))));
    }
    let (mut killed, mut number) = (0, 0);
    while killed < count {
        let (job, code, took, rows) = &expected[number % expected.len()];
        let out = format!("out-{number}");
        number += 1;
        for _ in 0..=chance.index(3) {
            let until = *took * u32::try_from(chance.index(1_100)).expect("small") / 1_000;
            let mut child = place.start(job, &out, None);
            std::thread::sleep(until);
            killed += usize::from(child.try_wait().expect("a child").is_none());
            child.kill().expect("a child");
            let _ = child.wait();
            seen_whole(&place.out(&out), rows)?;
        }
        if place.finish(job, &out)? != *code {
            return Err(format!("{job}: another exit code than undisturbed"));
        }
        if rows_of(&place.out(&out)) != *rows {
            return Err(format!("{job}: other bytes than undisturbed"));
        }
        fs::remove_dir_all(place.out(&out)).expect("a folder");
    }
    Ok(killed)
}

/// CSV and Parquet: the same bytes for the same input, whichever run wrote them.
fn rows_of(out: &Path) -> Tree {
    let mut tree = visible(out);
    tree.retain(|path, _| path.extension().is_some_and(|extension| extension == "csv" || extension == "parquet"));
    tree
}

/// Whoever looks after a kill sees nothing or all.
fn seen_whole(out: &Path, rows: &Tree) -> Result<(), String> {
    let tree = visible(out);
    if tree.keys().any(|path| path.starts_with("reports")) {
        // Files of the lake come before the reports do: the manifest must hold.
        whole(&tree, Path::new(REPORTS))?;
    }
    match tree.iter().find(|(path, bytes)| rows.get(*path).is_some_and(|whole| whole != *bytes)) {
        Some((path, _)) => Err(format!("after a kill, {} is half", path.display())),
        None => Ok(()),
    }
}

/// How long eight starts may take to find out who is first; then the provider answers at once.
const FIND_OUT_MAX: Duration = Duration::from_mins(1);

/// Starts eight at once: one commits, seven find it at work. The provider is slow until seven have ended, or one has done
/// something else than find another at work: so the first is at work all the while, however slow the machine is.
pub fn eight_at_once(bug: Option<&str>) -> Result<(), String> {
    let place = Place::new(Duration::from_millis(500));
    let mut children: Vec<Child> = (0..8).map(|_| place.start("network.toml", "out", bug)).collect();
    let began = Instant::now();
    loop {
        let codes: Vec<Option<i32>> = children
            .iter_mut()
            .filter_map(|child| child.try_wait().expect("a child"))
            .map(|ended| ended.code())
            .collect();
        if codes.len() >= 7 || codes.iter().any(|code| *code != Some(75)) || began.elapsed() > FIND_OUT_MAX {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    place.sandbox.control().set_latency(Duration::ZERO);
    let mut codes: Vec<Option<i32>> =
        children.into_iter().map(|child| child.wait_with_output().expect("it ends").status.code()).collect();
    codes.sort();
    let committed = codes.iter().filter(|code| matches!(code, Some(0 | 3))).count();
    let locked = codes.iter().filter(|code| **code == Some(75)).count();
    if (committed, locked) != (1, 7) {
        return Err(format!("of eight starts, expected one that commits and seven that find it at work: {codes:?}"));
    }
    let runs = super::state::count_runs(&place.out("out"));
    if runs != 1 {
        return Err(format!("one committed, {runs} runs are noted"));
    }
    whole(&visible(&place.out("out")), Path::new(REPORTS))
}
