//! Words explained, completions and the man page.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::Place;

#[test]
fn a_cause_an_exit_code_and_a_code_of_the_provider() {
    let place = Place::new();
    let told: Vec<String> = ["chain", "missing_entry", "3", "4010070", "IpAddressNotAllowedException"]
        .map(|name| place.tieout(&["explain", name]).stdout)
        .into();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn without_a_name_all_are_listed() {
    let place = Place::new();
    let list = place.tieout(&["explain"]);
    insta::assert_snapshot!(list.stdout);
    let json = place.tieout(&["explain", "--format", "json"]);
    let entries: Vec<serde_json::Value> = serde_json::from_str(&json.stdout).expect("JSON");
    assert!(entries.iter().all(|entry| list.stdout.contains(entry["name"].as_str().expect("a name"))));
    assert_eq!(entries.len(), tieout::catalogue::all().len());
}

#[test]
fn a_slip_gets_the_nearest_names_and_2() {
    let ended = Place::new().tieout(&["explain", "mising_entry"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("did you mean missing_entry"), "{}", ended.stderr);
}

/// The same words wherever a break is shown.
#[test]
fn breaks_carry_what_their_cause_means_and_what_to_do() {
    let place = Place::new();
    let text = place.tieout(&["demo", "--out", "out"]).stdout;
    let summary = std::fs::read(place.path("out/reports/demo/2026-08-01_2026-10-31/summary.json")).expect("a file");
    let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
    let causes = summary["causes"].as_array().expect("a list");
    let names: Vec<&str> = causes.iter().map(|cause| cause["cause"].as_str().expect("a name")).collect();
    assert_eq!(names, ["balance_altered", "duplicate_entry", "missing_entry"]);
    for found in summary["breaks"].as_array().expect("a list") {
        let id = found["break_id"].as_str().expect("an id");
        let cause = tieout::catalogue::of_cause(found["cause"].as_str().expect("a cause")).expect("it is known");
        let command = format!("tieout explain {}", cause.name);
        assert_eq!(found["explain"], command.as_str());
        let told = causes.iter().find(|told| told["cause"] == cause.name).expect("it is told");
        assert_eq!((&told["means"], &told["advice"]), (&cause.means.into(), &cause.advice.into()));
        assert!(text.contains(&format!("next: {} ({command})", cause.advice)), "{text}");
        let shown = place.tieout(&["breaks", "show", id]).stdout;
        let lines = [("means", cause.means), ("what to do", cause.advice), ("more", command.as_str())];
        for (name, words) in lines {
            assert!(shown.contains(&format!("{name:<12} {words}\n")), "{shown}");
        }
        let explained = place.tieout(&["explain", cause.name]).stdout;
        assert!(explained.contains(cause.means) && explained.contains(cause.advice), "{explained}");
    }
}

#[test]
fn completions_are_scripts_of_their_shells() {
    let place = Place::new();
    for (shell, must_hold) in
        [("bash", "complete -F _tieout"), ("zsh", "#compdef tieout"), ("fish", "complete -c tieout")]
    {
        let ended = place.tieout(&["completions", shell]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert!(ended.stdout.contains(must_hold) && ended.stdout.contains("backfill"), "{shell}");
    }
    let script = place.tieout(&["completions", "bash"]).stdout;
    let asks = "COMP_WORDS=(tieout ex); COMP_CWORD=1; _tieout tieout ex tieout; echo \"found: ${COMPREPLY[*]}\"";
    let output = Command::new("bash").args(["-c", &format!("{script}\n{asks}")]).output().expect("bash runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("found: explain"), "{output:?}");
    assert_eq!(place.tieout(&["completions", "tcsh"]).code, 2);
}

#[test]
fn the_man_page_is_one_that_the_formatter_takes() {
    let page = Place::new().tieout(&["man"]).stdout;
    for must_hold in [".TH tieout 1", "EXIT STATUS", "tieout check"] {
        assert!(page.replace("\\-", "-").contains(must_hold), "{must_hold}");
    }
    // Present wherever pages are read at all.
    let Ok(mut groff) = Command::new("groff")
        .args(["-K", "utf8", "-man", "-Tutf8", "-ww", "-z"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        panic!("groff is needed: tests/all installs it");
    };
    groff.stdin.take().expect("piped").write_all(page.as_bytes()).expect("it reads");
    let output = groff.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
