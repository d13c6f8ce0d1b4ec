//! A folder with an archive and a job that reads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::books::Books;

pub struct Place {
    folder: TempDir,
}

impl Place {
    /// A place with `books` as an archive.
    pub fn with(books: &Books) -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = ArchiveWriter::new(folder.path().join("pages"), 50, "sandbox-user").echoing_limits();
        for account in &books.accounts {
            writer.account(account).expect("an account");
        }
        writer.finish().expect("an archive");
        Place { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the job over the archive, with these lines in `[job]` and `[output]`.
    pub fn run(&self, job: &str, output: &str, out: &str) -> Output {
        self.write_job(job, output);
        self.tieout(&["run", "job.toml", "--out", out])
    }

    /// Writes the job file.
    pub fn write_job(&self, job: &str, output: &str) {
        let text = format!(
            "[job]\nname = \"books\"\nwindow = {{ from = \"2026-08-01\", to = \"2026-10-31\" }}\n{job}\n\
             [source]\nprovider = \"anytime\"\narchive = \"pages\"\n[output]\n{output}\n"
        );
        fs::write(self.path("job.toml"), text).expect("a file");
    }

    pub fn tieout(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().output().expect("the binary runs")
    }

    pub fn reports(&self, out: &str) -> PathBuf {
        self.path(out).join("reports/books/2026-08-01_2026-10-31")
    }
}

/// Every file below a folder by its path in it.
pub fn tree(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            files.extend(tree(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            files.insert(name, fs::read(&path).expect("a file"));
        }
    }
    files
}
