//! Who is told of a run: figures, healthcheck, webhook, command. None of it changes how the run ends.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::listener::Listener;
use super::place::{Place, python};

const REPORTS: &str = "2026-08-01_2026-10-31";

#[test]
fn a_healthcheck_hears_of_start_breaks_failure_and_success() {
    let place = Place::new();
    let listener = Listener::answering(&[200]);
    let notify = format!("[notify]\nhealthcheck = \"{}?canary=1\"\n", listener.url);
    place.job("nightly", &notify);
    place.failing_job("failing", &notify);
    assert_eq!(place.tieout(&["run", "jobs/nightly.toml"]).code, 3);
    assert_eq!(place.tieout(&["run", "jobs/failing.toml"]).code, 1);
    let listed = place.tieout(&["breaks", "list", "--out", "out-nightly", "--format", "json"]).stdout;
    for found in serde_json::from_str::<Vec<Value>>(&listed).expect("JSON") {
        let id = found["break_id"].as_str().expect("an id");
        let more = ["--by", "Ada", "--note", "known", "--out", "out-nightly"];
        assert_eq!(place.tieout(&[&["breaks", "accept", id][..], &more].concat()).code, 0);
    }
    let ended = place.tieout(&["run", "jobs/nightly.toml"]);
    assert_eq!((ended.code, ended.stderr.contains("warning")), (0, false), "{}", ended.stderr);
    let told = ["start", "3", "start", "1", "start", ""];
    let told =
        told.map(|part| format!("/hook{}?canary=1", if part.is_empty() { String::new() } else { format!("/{part}") }));
    assert_eq!(listener.targets(), told);
    let bodies: Vec<String> = listener.heard().into_iter().map(|heard| heard.body).collect();
    assert!(bodies[1].starts_with("exit code 3: 3 of 6 owners tie out; 3 open breaks"), "{bodies:?}");
    assert!(bodies[3].starts_with("exit code 1: ") && bodies[3].contains("could not be reached"), "{bodies:?}");
}

#[test]
fn a_webhook_gets_the_summary_and_is_tried_again() {
    let place = Place::new();
    let listener = Listener::answering(&[503, 429, 204]);
    place.job("nightly", "[notify]\nwebhook = { env = \"HOOK\" }\nwebhook_token = { file = \"token\" }\n");
    place.write("jobs/token", "canary-token\n");
    let output = place.command(&["run", "jobs/nightly.toml"]).env("HOOK", &listener.url).output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    let heard = listener.heard();
    assert_eq!(heard.len(), 3);
    let summary = place.read(&format!("out-nightly/reports/nightly/{REPORTS}/summary.json"));
    let run_id = serde_json::from_str::<Value>(&summary).expect("JSON")["run_id"].as_str().expect("an id").to_owned();
    for attempt in heard {
        assert_eq!(attempt.body, summary);
        assert!(attempt.headers.contains("authorization: bearer canary-token"), "{}", attempt.headers);
        assert!(attempt.headers.contains("content-type: application/json"), "{}", attempt.headers);
        assert!(
            attempt.headers.contains(&format!("idempotency-key: {}", run_id.to_lowercase())),
            "{}",
            attempt.headers
        );
    }
}

#[test]
fn only_what_is_asked_for_is_told() {
    let place = Place::new();
    let listener = Listener::answering(&[200]);
    place.failing_job("quiet", "[notify]\nwebhook = { env = \"HOOK\" }\non = [\"breaks\", \"success\"]\n");
    place.failing_job("told", "[notify]\nwebhook = { env = \"HOOK\" }\n");
    for job in ["jobs/quiet.toml", "jobs/told.toml"] {
        let output = place.command(&["run", job]).env("HOOK", &listener.url).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1));
    }
    let heard = listener.heard();
    assert_eq!(heard.len(), 1);
    let body: Value = serde_json::from_str(&heard[0].body).expect("JSON");
    assert_eq!((&body["job"], &body["outcome"], &body["exit_code"]), (&"told".into(), &"failure".into(), &1.into()));
    assert!(body["error"].as_str().expect("a text").contains("could not be reached"), "{body}");
}

#[test]
fn a_job_file_that_is_wrong_is_told_to_whom_it_names() {
    let place = Place::new();
    let listener = Listener::answering(&[200]);
    let more = format!(
        "[report]\nlocale = \"xx\"\n[notify]\nwebhook = {{ env = \"HOOK\" }}\nhealthcheck = \"{}\"",
        listener.url
    );
    place.job("nightly", &more);
    let output = place.command(&["run", "jobs/nightly.toml"]).env("HOOK", &listener.url).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(listener.targets(), ["/hook/start", "/hook", "/hook/2"]);
    assert!(listener.heard()[1].body.contains("unknown locale"), "{:?}", listener.heard());
}

#[test]
fn a_command_gets_the_summary_and_no_secret_of_the_job() {
    let place = Place::new();
    let script = "#!/bin/sh\ncat > told.json\nenv | sort > told.env\necho said by the hook\n";
    let hook = place.write("hook", script);
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
    let more = "[notify]\ncommand = [\"./hook\", \"a b; touch pwned\"]\nwebhook_token = { env = \"CANARY\" }\n";
    place.job("nightly", more);
    let mut command = place.command(&["run", "jobs/nightly.toml", "--format", "json"]);
    let output = command.env("CANARY", "canary-token").env("KEPT", "yes").output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    // Its words are no result of ours.
    assert!(String::from_utf8_lossy(&output.stderr).contains("said by the hook"));
    let summary = place.read(&format!("out-nightly/reports/nightly/{REPORTS}/summary.json"));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), summary.trim_end());
    assert_eq!(place.read("told.json"), summary);
    let told = place.read("told.env");
    for line in ["TIEOUT_JOB=nightly", "TIEOUT_EVENT=breaks", "TIEOUT_EXIT_CODE=3", "KEPT=yes"] {
        assert!(told.lines().any(|found| found == line), "{line} in {told}");
    }
    let path = told.lines().find_map(|line| line.strip_prefix("TIEOUT_SUMMARY=")).expect("a path");
    assert_eq!(fs::read_to_string(path).expect("the summary"), summary);
    assert!(!told.contains("canary") && !place.path("pwned").exists(), "{told}");
}

#[test]
fn what_cannot_be_told_is_a_warning_and_takes_its_time_at_most() {
    let place = Place::new();
    let silent = Listener::answering(&[0]);
    let more = "[metrics]\ntextfile = \"no/such/folder/tieout.prom\"\n\
                [notify]\nhealthcheck = { env = \"DEAF\" }\nwebhook = { env = \"HOOK\" }\ncommand = [\"./missing\"]\nwait_s_max = 1\n";
    place.job("nightly", more);
    let began = Instant::now();
    let mut command = place.command(&["run", "jobs/nightly.toml"]);
    command.env("HOOK", format!("{}/canary", silent.url)).env("DEAF", "http://127.0.0.1:1/canary");
    let output = command.output().expect("it runs");
    // Half of it may be the run itself, on a machine that is busy.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    let warnings: Vec<&str> = told.lines().filter(|line| line.starts_with("warning: ")).collect();
    assert_eq!(warnings.len(), 5, "{told}");
    assert!(told.contains("the webhook at 127.0.0.1 was not told: it took longer than 1s"), "{told}");
    assert!(!told.contains("canary"), "{told}");
}

#[test]
fn figures_are_read_by_prometheus_and_outlive_a_run_that_failed() {
    let place = Place::new();
    let more = "[metrics]\ntextfile = \"nightly.prom\"\n";
    place.job("nightly", more);
    assert_eq!(place.tieout(&["run", "jobs/nightly.toml"]).code, 3);
    let told = |name: &str| {
        let samples = python("metrics", &place.path("nightly.prom"));
        let found = samples.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
        found.unwrap_or_else(|| panic!("{name} in {samples}"))
    };
    assert_eq!(told("tieout_exit_code{job=nightly}"), "3");
    assert_eq!(told("tieout_open_breaks{check=chain,job=nightly}"), "2");
    assert_eq!(told("tieout_open_breaks{check=seam,job=nightly}"), "0");
    assert_eq!(told("tieout_oldest_open_break_age_seconds{job=nightly}"), "0");
    let rows = told("tieout_rows{dataset=card_transactions,job=nightly}");
    assert_ne!(rows, "0");
    let whole = told("tieout_last_whole_run_timestamp_seconds{job=nightly}");
    // No run that ties was ever committed.
    assert!(!place.read("nightly.prom").contains("tieout_last_good_run_timestamp_seconds"));
    let readable = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(place.path("nightly.prom")).expect("a file").permissions(),
    );
    assert_eq!(readable & 0o044, 0o044, "node_exporter is another user");
    place.failing_job("nightly", more);
    assert_eq!(place.tieout(&["run", "jobs/nightly.toml"]).code, 1);
    assert_eq!(told("tieout_exit_code{job=nightly}"), "1");
    assert_eq!(told("tieout_rows{dataset=card_transactions,job=nightly}"), rows);
    assert_eq!(told("tieout_last_whole_run_timestamp_seconds{job=nightly}"), whole);
    let left: Vec<_> =
        fs::read_dir(place.folder.path()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[test]
fn all_problems_of_the_tables_are_told_without_the_addresses() {
    let place = Place::new();
    let more = "[schedule]\ncron = \"61 2 * * *\"\ncorn = 1\n[metrics]\ntextfile = \"figures.txt\"\n\
                [notify]\nhealthcheck = \"http://hc.example/canary\"\nwebhook = \"https://hooks.example/canary\"\n\
                command = \"mail -s canary\"\non = [\"brakes\"]\nwait_s_max = 0\n";
    place.job("nightly", &more.replace("canary\"\non", "x\"\non"));
    let ended = place.tieout(&["run", "jobs/nightly.toml"]);
    assert_eq!(ended.code, 2);
    for words in [
        "did you mean 'cron'?",
        "'cron' must be a schedule, found \"61 2 * * *\"",
        "'textfile' must end in .prom",
        "'healthcheck' must be an address that may be asked: it begins with http://",
        "'webhook' is a secret and must not stand in the job file",
        "'command' must be a list of a program and its arguments",
        "did you mean 'breaks'?",
        "'wait_s_max' must be a whole number from 1 to 600",
    ] {
        assert!(ended.stderr.contains(words), "expected {words} in {}", ended.stderr);
    }
    assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
}
