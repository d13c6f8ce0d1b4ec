//! The recorded walk of a new user is what a new user sees.

use std::fs;
use std::path::Path;
use std::process::Command;

/// `docs/walk` makes it anew; what differs between machines and days is made alike there.
#[test]
fn the_recorded_walk_is_current() {
    let root = env!("CARGO_MANIFEST_DIR");
    let folder = tempfile::tempdir().expect("a folder");
    let made = folder.path().join("walk.txt");
    let output = Command::new(format!("{root}/docs/walk"))
        .arg(&made)
        .env("TIEOUT", env!("CARGO_BIN_EXE_tieout"))
        .env("TMPDIR", folder.path())
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let recorded = fs::read_to_string(format!("{root}/docs/walk.txt")).expect("the recorded walk");
    let made = fs::read_to_string(made).expect("a walk");
    assert!(made == recorded, "docs/walk.txt is out of date: run docs/walk\n{made}");
    assert_eq!(working_in(folder.path()), [""; 0], "left behind");
}

/// The processes that work in a folder.
fn working_in(folder: &Path) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("Linux tells").filter_map(Result::ok).map(|entry| entry.path());
    let is_there = |process: &std::path::PathBuf| {
        fs::read_link(process.join("cwd")).is_ok_and(|works_in| works_in.starts_with(folder))
    };
    processes.filter(is_there).filter_map(|process| fs::read_to_string(process.join("cmdline")).ok()).collect()
}
