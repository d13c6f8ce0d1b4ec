//! A folder with an archive to run on, and the binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use tempfile::TempDir;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

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

pub struct Place {
    pub folder: TempDir,
}

impl Place {
    pub fn new() -> Place {
        Place { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// A job over the demo's landed pages (three open breaks: exit code 3), with more tables.
    pub fn job(&self, name: &str, more: &str) -> PathBuf {
        let text = format!(
            "[job]\nname = \"{name}\"\nwindow = {{ from = \"2026-08-01\", to = \"2026-10-31\" }}\n\
             [source]\nprovider = \"anytime\"\narchive = '{}'\n[output]\ndirectory = \"out-{name}\"\n{more}",
            archive().display()
        );
        self.write(&format!("jobs/{name}.toml"), &text)
    }

    /// A job that asks where nobody listens: it cannot finish (exit code 1).
    pub fn failing_job(&self, name: &str, more: &str) -> PathBuf {
        let key = self.write("jobs/id_rsa.pem", include_str!("../fixtures/keys/id_rsa.pem"));
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("its mode");
        self.write("jobs/secret", "a-secret\n");
        let text = format!(
            "[job]\nname = \"{name}\"\nwindow = {{ from = \"2026-08-01\", to = \"2026-10-31\" }}\n\
             [source]\nprovider = \"anytime\"\nbase_url = \"http://127.0.0.1:1\"\nusername = \"x\"\nclient_id = \"x\"\n\
             client_secret = {{ file = \"secret\" }}\npassword = {{ file = \"secret\" }}\n\
             private_key = {{ file = \"id_rsa.pem\" }}\n[limits]\nattempts_max = 1\n\
             [output]\ndirectory = \"out-{name}\"\n{more}"
        );
        self.write(&format!("jobs/{name}.toml"), &text)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null());
        command
    }

    pub fn tieout(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().expect("the binary runs").into()
    }
}

/// What the demo landed, made once.
pub fn archive() -> &'static Path {
    static DEMO: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, raw) = DEMO.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let status = Command::new(env!("CARGO_BIN_EXE_tieout"))
            .args(["demo", "--out", "out"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert_eq!(status.expect("the binary runs").code(), Some(3));
        let raw = folder.path().join("out/raw");
        (folder, raw)
    });
    raw
}

/// What a reader of `check.py` prints.
pub fn python(reader: &str, file: &Path) -> String {
    let readers =
        std::env::var_os("TIEOUT_READERS").map_or_else(|| Path::new(ROOT).join("target/readers"), PathBuf::from);
    let output = Command::new(readers.join("bin/python"))
        .arg(Path::new(ROOT).join("tests/operations/check.py"))
        .arg(reader)
        .arg(file)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; tests/all installs it", readers.display()));
    assert!(output.status.success(), "{reader}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
