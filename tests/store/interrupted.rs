//! Publications that are cut off, refused or overtaken: what readers see then, and what the next one does.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bench::{Bench, lines};
use crate::proxy::{Proxy, Step};
use crate::server::server;

/// Long enough for a machine with other work.
const PATIENCE: Duration = Duration::from_mins(1);

/// A proxy that stops at the n-th PUT of a folder, tells so and waits.
fn stopping_at(folder: &'static str, nth: usize) -> (Proxy, Receiver<()>, Sender<()>) {
    let ((reached, at_stop), (go_on, released)) = (channel(), channel::<()>());
    let released = Mutex::new(released);
    let proxy = Proxy::start(move |request, before| {
        if request.starts_with("PUT ") && request.contains(folder) && before >= nth {
            let _ = reached.send(());
            let _ = released.lock().expect("whole").recv_timeout(PATIENCE);
            return Step::Refused;
        }
        Step::GoesOn
    });
    (proxy, at_stop, go_on)
}

/// Publishes a second night, killed where `folder` gets its n-th object; then what a reader sees must be the first night's
/// publication or the second's, and the next command must end what was begun.
fn killed_at(folder: &'static str, nth: usize, sequence_then: u64) {
    let bench = Bench::new();
    bench.run(&lines());
    let mut second = lines();
    second.extend([(6, -7), (6, -8), (7, -9)]);
    bench.prepare(&second);
    let (proxy, at_stop, go_on) = stopping_at(folder, nth);
    let mut child = bench
        .command(&proxy.address, &["run", "job.toml"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    at_stop.recv_timeout(PATIENCE).expect("it comes there");
    child.kill().expect("is killed");
    child.wait().expect("is gone");
    drop(go_on);
    assert_eq!(bench.manifest()["sequence"], sequence_then, "{folder}");
    // What the newest manifest names is whole at every moment.
    for partition in bench.manifest()["partitions"].as_array().expect("a list") {
        let bytes = bench.object(partition["object"].as_str().expect("a name"));
        assert_eq!(bytes.len() as u64, partition["bytes"], "{folder}");
    }
    let told = bench.publish();
    assert_eq!(told["sequence"], 2, "{folder}");
    bench.assert_published();
    assert_eq!(bench.names("_tieout/data/").len(), 12, "{folder}: nothing is staged twice");
    assert_eq!(bench.publish()["placed"], 0, "{folder}");
}

#[test]
fn killed_while_it_stages() {
    killed_at("/_tieout/data/", 2, 1);
}

#[test]
fn killed_before_its_manifest() {
    killed_at("/_tieout/manifests/", 0, 1);
}

#[test]
fn killed_while_it_puts_in_place() {
    killed_at("/lake/", 1, 2);
}

#[test]
fn killed_before_it_notes_what_is_in_place() {
    killed_at("/_tieout/placed.json", 0, 2);
}

#[test]
fn a_refusal_is_told_and_the_commit_stands() {
    let bench = Bench::new();
    let refusing = Proxy::start(|request, _| {
        if request.starts_with("PUT ") && request.contains("/lake/") { Step::Refused } else { Step::GoesOn }
    });
    bench.prepare(&lines());
    let ended = bench.tieout_by(&refusing.address, &["run", "job.toml", "--format", "json"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let told = ended.json();
    assert_eq!((&told["outcome"], &told["exit_code"]), (&"partial".into(), &4.into()));
    let note = told["notes"].as_array().and_then(|notes| notes.last()).and_then(|note| note.as_str()).expect("a note");
    for words in ["committed, but not published to s3://", "credentials come from the environment", "tieout publish"] {
        assert!(note.contains(words), "expected '{words}' in {note}");
    }
    let summary = bench.path(&format!("home/reports/nightly/{}/summary.json", crate::bench::WINDOW));
    assert!(std::fs::read_to_string(summary).expect("reads").contains("\"exit_code\": 0"), "the commit itself ties");
    bench.publish();
    bench.assert_published();
}

#[test]
fn a_manifest_whose_answer_is_lost_is_known_again() {
    let bench = Bench::new();
    let losing = Proxy::start(|request, before| {
        let is_manifest = request.starts_with("PUT ") && request.contains("/_tieout/manifests/");
        if is_manifest && before == 0 { Step::AnswerLost } else { Step::GoesOn }
    });
    let ended = bench.run_by(&losing.address, &lines());
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(losing.count("PUT /") - losing.count("/lake/"), 8 + 2 + 1, "the manifest was tried twice");
    assert_eq!(bench.manifest()["sequence"], 1);
    bench.assert_published();
}

#[test]
fn of_two_writers_one_is_refused() {
    let bench = Arc::new(Bench::new());
    bench.prepare(&lines());
    assert_eq!(bench.tieout_by(server(), &["run", "job.toml", "--out", "home"]).code, 0);
    let other = Arc::clone(&bench);
    let proxy = Proxy::start(move |request, before| {
        if request.starts_with("PUT ") && request.contains("/_tieout/manifests/") && before == 0 {
            assert_eq!(other.publish()["sequence"], 1);
        }
        Step::GoesOn
    });
    let ended = bench.tieout_by(&proxy.address, &["publish", "job.toml"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stderr.contains("another writer published while publication 1"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint:"), "{}", ended.stderr);
    bench.assert_published();
    assert_eq!(bench.names("_tieout/manifests/").len(), 1);
}
