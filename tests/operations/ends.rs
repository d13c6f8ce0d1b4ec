//! How the program ends where nobody listens, and when it meets a bug of its own.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use super::place::Place;

#[test]
fn a_log_on_a_full_disk_keeps_no_run_from_its_end() {
    let place = Place::new();
    let full = || OpenOptions::new().write(true).open("/dev/full").expect("a disk that is always full");
    let ended = place.command(&["demo"]).stderr(Stdio::from(full())).output().expect("it runs");
    assert_eq!(ended.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("Open breaks"));
    let ended = place.command(&["schema", "balances"]).stdout(Stdio::from(full())).output().expect("it runs");
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.contains("could not be written to stdout: No space left on device"), "{told}");
}

/// Set for the process that is to panic.
const PANICS: &str = "TIEOUT_TEST_PANICS";

#[test]
fn a_bug_on_any_thread_ends_the_process_and_is_told() {
    if std::env::var_os(PANICS).is_some() {
        tieout::cli::bug::end_at_once();
        let _ = std::thread::spawn(|| panic!("two and two are {}", 5)).join();
        unreachable!("the process has ended");
    }
    let itself = std::env::current_exe().expect("a program");
    let name = "ends::a_bug_on_any_thread_ends_the_process_and_is_told";
    let ended = Command::new(itself).args([name, "--exact", "--nocapture"]).env(PANICS, "1").output().expect("it runs");
    assert_eq!(ended.status.code(), Some(101));
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(told.contains("error: a bug of tieout's own: two and two are 5\n"), "{told}");
    assert!(told.contains("ends.rs") && told.contains("hint: what was committed before stays"), "{told}");
}
