//! Ctrl-C in the middle of a run: what is kept is told, and it is true.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Bench, Ended, tree};

/// A run that asks slowly, interrupted by Ctrl-C after some requests.
fn interrupted(bench: &Bench) -> Ended {
    bench.control().set_latency(Duration::from_millis(60));
    let mut command = bench.place.command(&["run", "job.toml"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let begun = Instant::now();
    while bench.control().counters().requests < 20 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let ended = Ended::from(child.wait_with_output().expect("it ends"));
    bench.control().set_latency(Duration::ZERO);
    ended
}

#[test]
fn ctrl_c_tells_what_is_kept_and_the_same_command_goes_on() {
    let bench = Bench::new();
    let ended = interrupted(&bench);
    assert_eq!((ended.code, ended.stdout.as_str()), (130, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing committed; landed pages are kept"), "{}", ended.stderr);
    assert!(!bench.place.path("out/reports").exists(), "nothing was committed");
    assert!(!tree(&bench.place.path("out/raw")).is_empty(), "pages are kept");
    let again = bench.run();
    assert_eq!(again.code, 3, "{}", again.stderr);
    assert!(again.stderr.contains("going on with the fetch"), "{}", again.stderr);
}

/// The reports, the log and who is told agree on the name of the run that was gone on with.
#[test]
fn a_run_that_goes_on_speaks_under_the_id_that_it_reports() {
    let bench = Bench::new();
    assert_eq!(interrupted(&bench).code, 130);
    let again = bench.place.tieout(&["--log-format", "json", "run", "job.toml", "--format", "json"]);
    assert_eq!(again.code, 3, "{}", again.stderr);
    let summary: Value = serde_json::from_str(&again.stdout).expect("JSON");
    let lines: Vec<Value> = again.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["run_id"] == summary["run_id"]), "{}", again.stderr);
}
