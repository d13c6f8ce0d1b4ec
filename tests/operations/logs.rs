//! Every line of the log can be read by a program, and says of which run it is.

use serde_json::Value;

use super::place::Place;

#[test]
fn every_line_is_json_with_the_id_of_its_run() {
    let place = Place::new();
    let mut command = place.command(&["--log-format", "json", "demo", "--format", "json"]);
    let output = command.env("TIEOUT_LOG", "tieout=debug").output().expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    let lines: Vec<Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of_the_run: Vec<&Value> = lines.iter().skip_while(|line| line["run_id"].is_null()).collect();
    assert!(of_the_run.len() > 20, "{told}");
    assert!(of_the_run.iter().all(|line| line["run_id"] == summary["run_id"]), "{told}");
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{told}");
    // Nothing but the demo's own words comes before.
    let before = &lines[..lines.len() - of_the_run.len()];
    assert!(
        before.iter().all(|line| line["message"].as_str().is_some_and(|text| text.starts_with("demo: "))),
        "{told}"
    );
    let answered = of_the_run.iter().find(|line| line["message"] == "answered").expect("a request");
    assert_eq!((&answered["level"], &answered["status"]), (&"DEBUG".into(), &200.into()));
}

#[test]
fn a_line_of_text_says_its_run_too() {
    let place = Place::new();
    let output = place.command(&["demo"]).env("TIEOUT_LOG", "tieout=debug").output().expect("it runs");
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    let logged: Vec<&str> = told.lines().filter(|line| line.contains(" DEBUG tieout::")).collect();
    assert!(logged.len() > 20, "{told}");
    assert!(logged.iter().all(|line| line.contains(" run_id=")), "{told}");
}

#[test]
fn an_error_is_a_line_too() {
    let place = Place::new();
    place.failing_job("nightly", "");
    let ended = place.tieout(&["run", "jobs/nightly.toml", "--log-format", "json"]);
    assert_eq!(ended.code, 1);
    let lines: Vec<Value> = ended.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let last = lines.last().expect("a line");
    assert_eq!(last["level"], "ERROR");
    assert!(
        last["run_id"].is_string()
            && last["message"].as_str().is_some_and(|text| text.contains("could not be reached")),
        "{last}"
    );
    let ended = place.tieout(&["run", "nowhere.toml", "--log-format", "json"]);
    assert_eq!(ended.code, 2);
    let line: Value = serde_json::from_str(&ended.stderr).expect("JSON");
    assert!(line["hint"].is_string(), "{line}");
}
