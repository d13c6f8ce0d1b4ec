//! Ctrl-C in the middle of a run: what is kept is told, and it is true.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Bench, Ended, tree};

#[test]
fn ctrl_c_tells_what_is_kept_and_the_same_command_goes_on() {
    let bench = Bench::new();
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
    assert_eq!((ended.code, ended.stdout.as_str()), (130, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing committed; landed pages are kept"), "{}", ended.stderr);
    assert!(!bench.place.path("out/reports").exists(), "nothing was committed");
    assert!(!tree(&bench.place.path("out/raw")).is_empty(), "pages are kept");
    bench.control().set_latency(Duration::ZERO);
    let again = bench.run();
    assert_eq!(again.code, 3, "{}", again.stderr);
    assert!(again.stderr.contains("going on with the fetch"), "{}", again.stderr);
}
