//! A folder, a sandbox, a job file, and the binary.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tieout::sandbox::{Behaviour, Control, PublicKey, RunningSandbox, Sandbox, SandboxConfig};

const KEY_PEM: &str = include_str!("../fixtures/keys/id_rsa.pem");

/// What a run ended with.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Ended {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// A place to run in, without a provider.
pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("id_rsa.pem");
        fs::write(&key, KEY_PEM).expect("a file");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("its mode");
        Place { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// The binary, run in the place with the sandbox's credentials in the environment.
    pub fn tieout(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the binary runs").into()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("ANYTIME_CLIENT_SECRET", "sandbox-client-secret")
            .env("ANYTIME_PASSWORD", "sandbox-password");
        command
    }

    /// Writes an archive job and runs it.
    pub fn run_archive(&self, archive: &Path, out: &str, more: &str) -> Ended {
        let job = format!(
            "[job]\nname = \"demo\"\nwindow = {{ from = \"2026-08-01\", to = \"2026-10-31\" }}\n{more}\n\
             [source]\nprovider = \"anytime\"\narchive = '{}'\n",
            archive.display()
        );
        self.write("archive.toml", &job);
        self.tieout(&["run", "archive.toml", "--out", out])
    }

    /// The report of the demo's window, by file name; what names the run itself is left out.
    pub fn reports(&self, out: &str) -> BTreeMap<String, String> {
        csv_files(&self.path(out).join("reports/demo/2026-08-01_2026-10-31"))
    }
}

/// A place with a running sandbox and a job that asks it.
pub struct Bench {
    pub place: Place,
    pub sandbox: RunningSandbox,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(|_| {})
    }

    pub fn with(configure: impl FnOnce(&mut SandboxConfig)) -> Bench {
        let key = PublicKey::from_pem(KEY_PEM).expect("a key");
        let mut config = SandboxConfig::new(key);
        configure(&mut config);
        let bench = Bench { place: Place::new(), sandbox: Sandbox::start(config).expect("a sandbox") };
        bench.write_job("", "");
        bench
    }

    pub fn behaving(behaviour: Behaviour) -> Bench {
        Bench::with(|config| config.behaviour = behaviour)
    }

    pub fn failing(faults: &[&str]) -> Bench {
        Bench::with(|config| config.faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect())
    }

    pub fn control(&self) -> Control {
        self.sandbox.control()
    }

    /// Writes `job.toml` with more lines in `[job]` and `[source]`.
    pub fn write_job(&self, job: &str, source: &str) {
        let window =
            if job.contains("window") { "" } else { "window = { from = \"2026-08-01\", to = \"2026-10-31\" }" };
        let text = format!(
            r#"[job]
name = "demo"
{window}
{job}
[source]
provider = "anytime"
base_url = "{}"
username = "sandbox-user"
client_id = "sandbox-client"
client_secret = {{ env = "ANYTIME_CLIENT_SECRET" }}
password = {{ env = "ANYTIME_PASSWORD" }}
private_key = {{ file = "id_rsa.pem" }}
{source}
[limits]
attempts_max = 5
backoff_ms_first = 1
backoff_ms_max = 20
attempt_ms_max = 3000
retry_elapsed_ms_max = 20000
"#,
            self.sandbox.base_url()
        );
        self.place.write("job.toml", &text);
    }

    pub fn run(&self) -> Ended {
        self.run_into("out")
    }

    pub fn run_into(&self, out: &str) -> Ended {
        self.place.tieout(&["run", "job.toml", "--out", out])
    }

    pub fn reports(&self) -> BTreeMap<String, String> {
        self.place.reports("out")
    }
}

/// All CSV files of a folder.
pub fn csv_files(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            files.insert(name, fs::read_to_string(&path).expect("UTF-8"));
        }
    }
    files
}

/// Bytes by path.
pub type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// Every file below a folder with its bytes.
pub fn tree(folder: &Path) -> Tree {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below it").to_owned();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

/// The rows of a CSV text, each by column name.
pub fn rows(csv: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    reader.deserialize().collect::<Result<_, _>>().expect("CSV")
}

/// Breaks as `check cause owner txid difference`, a line each.
pub fn breaks_told(reports: &BTreeMap<String, String>) -> String {
    let mut told = String::new();
    for row in rows(&reports["breaks.csv"]) {
        let cell = |name: &str| row[name].clone();
        writeln!(told, "{} {} {} {}", cell("check"), cell("owner_id"), cell("txid"), cell("difference"))
            .expect("a text takes any text");
    }
    told
}
