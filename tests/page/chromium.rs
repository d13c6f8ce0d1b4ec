//! `browser.py`, and what it needs.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::de::DeserializeOwned;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What tests/all installs below the target folder: where it says, or else in the usual place.
fn installed(variable: &str, folder: &str, path: &str) -> PathBuf {
    let folder = std::env::var(variable).unwrap_or_else(|_| format!("target/{folder}"));
    tool(&format!("{folder}/{path}"))
}

fn tool(path: &str) -> PathBuf {
    let path = Path::new(ROOT).join(path);
    assert!(path.exists(), "{} is missing: run tests/all, which installs what the tests need", path.display());
    path
}

/// axe-core, which looks for what keeps people out.
pub fn axe() -> String {
    installed("TIEOUT_NPM", "npm", "node_modules/axe-core/axe.min.js").display().to_string()
}

/// Asks the browser; see `browser.py`.
pub fn ask<T: DeserializeOwned>(arguments: &[&str]) -> T {
    tool("/usr/bin/chromium");
    let output = Command::new(installed("TIEOUT_READERS", "readers", "bin/python"))
        .arg(tool("tests/page/browser.py"))
        .args(arguments)
        .output()
        .expect("Python runs");
    let (told, complaint) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{arguments:?} (run tests/all, which installs what the tests need):\n{complaint}");
    serde_json::from_str(&told).unwrap_or_else(|error| panic!("{arguments:?}: {error} in {told}"))
}
