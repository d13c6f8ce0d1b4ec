//! A folder with an archive that changes from run to run, a job whose lake goes to a bucket of its own, and the program.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::server::{make_bucket, names, object, readers, server};

pub const WINDOW: &str = "2026-03-01_2026-03-07";

/// Day of March, cents.
pub type Line = (u32, i64);

/// Four days; amounts that no float holds.
pub fn lines() -> Vec<Line> {
    vec![(1, 1_000_000), (2, -1_250), (2, -2_001), (3, -501), (5, -33)]
}

pub struct Bench {
    folder: tempfile::TempDir,
    pub bucket: String,
}

pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {} {}", self.stdout, self.stderr))
    }
}

impl Bench {
    pub fn new() -> Bench {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("books-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        make_bucket(&bucket);
        Bench { folder: tempfile::tempdir().expect("a folder"), bucket }
    }

    /// With the bucket of another.
    pub fn beside(other: &Bench) -> Bench {
        Bench { folder: tempfile::tempdir().expect("a folder"), bucket: other.bucket.clone() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn address(&self) -> String {
        format!("s3://{}/bank", self.bucket)
    }

    /// Writes the archive and the job.
    pub fn prepare(&self, lines: &[Line]) {
        let feed = self.path("archive/account_statements");
        std::fs::create_dir_all(&feed).expect("a folder");
        std::fs::write(feed.join("page.json"), page(lines)).expect("a file");
        let text = format!(
            "[job]\nname = \"nightly\"\ntimezone = \"Europe/Paris\"\nfeeds = [\"account_statements\"]\n\
             window = {{ from = \"2026-03-01\", to = \"2026-03-07\" }}\n\
             [source]\nprovider = \"anytime\"\narchive = \"archive\"\n\
             [output]\ndirectory = \"{}\"\nlocal = \"home\"\n",
            self.address()
        );
        std::fs::write(self.path("job.toml"), text).expect("a file");
    }

    /// Runs the job over these lines by way of `endpoint`.
    pub fn run_by(&self, endpoint: &str, lines: &[Line]) -> Ended {
        self.prepare(lines);
        self.tieout_by(endpoint, &["run", "job.toml"])
    }

    /// Runs the job over these lines, which must end well; what it told of the publication.
    pub fn run(&self, lines: &[Line]) -> String {
        let ended = self.run_by(server(), lines);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        ended.stderr
    }

    pub fn publish(&self) -> Value {
        let ended = self.tieout_by(server(), &["publish", "job.toml", "--format", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.json()
    }

    pub fn tieout_by(&self, endpoint: &str, arguments: &[&str]) -> Ended {
        let output = self.command(endpoint, arguments).output().expect("runs");
        let ended = Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        };
        assert!(!format!("{}{}", ended.stdout, ended.stderr).contains("canary"), "a secret is told");
        ended
    }

    pub fn command(&self, endpoint: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("AWS_ACCESS_KEY_ID", "tieout").env("AWS_SECRET_ACCESS_KEY", "canary-of-the-store");
        command.env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", endpoint).env("NO_PROXY", "127.0.0.1");
        command
    }

    /// The objects below the job's prefix, without it.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let names = names(&self.bucket, &format!("bank/{folder}"));
        names.into_iter().map(|name| name["bank/".len()..].to_owned()).collect()
    }

    pub fn object(&self, name: &str) -> Vec<u8> {
        object(&self.bucket, &format!("bank/{name}")).unwrap_or_else(|| panic!("no object {name}"))
    }

    /// The newest manifest.
    pub fn manifest(&self) -> Value {
        let newest = self.names("_tieout/manifests/").pop().expect("a manifest");
        serde_json::from_slice(&self.object(&newest)).expect("JSON")
    }

    /// `lake/` and what the newest manifest names are both the lake of the directory, byte by byte, and nothing else is there.
    pub fn assert_published(&self) {
        let manifest = self.manifest();
        let partitions = manifest["partitions"].as_array().expect("a list");
        let mut expected = files(&self.path("home"), "lake");
        expected.sort();
        assert_eq!(self.names("lake/"), expected);
        assert_eq!(partitions.len(), expected.len());
        for partition in partitions {
            let path = partition["path"].as_str().expect("a path");
            let local = std::fs::read(self.path("home").join(path)).expect("reads");
            assert!(self.object(path) == local, "{path}");
            assert!(self.object(partition["object"].as_str().expect("a name")) == local, "{path}, staged");
        }
    }
}

/// Runs a script of `tests/store`, which fails by an exception.
pub fn python(script: &str, arguments: &[&str]) {
    let output = Command::new(readers())
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/store").join(script))
        .args(arguments)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("runs");
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The files below a folder, with `/` between the parts of their paths.
fn files(root: &std::path::Path, folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = format!("{folder}/{}", entry.file_name().to_str().expect("UTF-8"));
        if entry.path().is_dir() { found.extend(files(root, &name)) } else { found.push(name) }
    }
    found
}

fn page(lines: &[Line]) -> String {
    let mut balance = 0;
    let money = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    let rows: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(at, (day, cents))| {
            balance += cents;
            json!({
                "txid": (at + 1).to_string(), "date": format!("2026-03-{day:02} 09:{at:02}:00"), "currency": "EUR",
                "amount": money(cents.abs()), "type": if *cents < 0 { "D" } else { "C" }, "balance": money(balance),
                "status": "Executed", "description": "Coffee",
            })
        })
        .collect();
    json!({ "body": { "acc_id": "7", "transactions": rows } }).to_string()
}
