//! Python programs, with the packages that `tests/requirements.txt` pins; and a whole run for them to read.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::bench::Bench;

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The virtual environment of the packages.
pub fn readers() -> PathBuf {
    std::env::var_os("TIEOUT_READERS").map_or_else(|| Path::new(ROOT).join("target/readers"), PathBuf::from)
}

/// Runs a script of `tests/warehouse/python`, which fails by an exception; what it printed.
pub fn python(script: &str, folder: &Path, arguments: &[&str]) -> String {
    let output = python_output(&format!("tests/warehouse/python/{script}"), folder, arguments);
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Runs a script of the repository; what came of it.
pub fn python_output(script: &str, folder: &Path, arguments: &[&str]) -> Output {
    let readers = readers();
    Command::new(readers.join("bin/python"))
        .arg(Path::new(ROOT).join(script))
        .args(arguments)
        .current_dir(folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; tests/all installs it", readers.display()))
}

/// The demo's output, made once.
pub fn demo() -> &'static Bench {
    static DEMO: OnceLock<Bench> = OnceLock::new();
    DEMO.get_or_init(|| {
        let bench = Bench::new();
        let ended = bench.tieout(&["demo", "--out", "out"]);
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        bench
    })
}

/// The folder of the demo's reports.
pub fn reports() -> PathBuf {
    demo().path("out/reports/demo/2026-08-01_2026-10-31")
}
