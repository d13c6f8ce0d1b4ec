//! How long what landed is kept.

use std::fs;
use std::path::PathBuf;

use super::support::{Bench, tree};

/// Runs the window that begins on that day of August, which leaves a landing.
fn run(bench: &Bench, from: &str) -> super::support::Ended {
    let ended = bench.place.tieout(&["run", "job.toml", "--out", "out", "--from", from, "--to", "2026-08-31"]);
    assert!(matches!(ended.code, 0 | 3), "{}", ended.stderr);
    ended
}

fn indexes(bench: &Bench) -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> = fs::read_dir(bench.place.path("out/raw/_runs"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    names
}

/// Makes the landed run at `index` one of long ago.
fn age(index: &PathBuf) {
    let text = fs::read_to_string(index).expect("an index");
    let (head, rest) = text.split_once("\"day\":\"").expect("a day");
    fs::write(index, format!("{head}\"day\":\"2020-01-01{}", &rest[10..])).expect("written");
}

fn keep(bench: &Bench, days: u32) {
    let job = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
    bench.place.write("job.toml", &job.replace("[limits]", &format!("[limits]\nraw_keep_days = {days}")));
}

/// Runs whose files stand in the landing, the index aside.
fn runs_with_files(bench: &Bench) -> std::collections::BTreeSet<String> {
    let of = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (!path.starts_with("_runs")).then(|| name.split(".ndjson").next().expect("a part").to_owned())
    };
    tree(&bench.place.path("out/raw")).into_keys().filter_map(of).collect()
}

#[test]
fn what_landed_is_kept_for_ever_unless_the_job_says_otherwise() {
    let bench = Bench::new();
    for from in ["2026-08-25", "2026-08-26", "2026-08-27"] {
        run(&bench, from);
        indexes(&bench).iter().for_each(age);
    }
    assert_eq!(indexes(&bench).len(), 3);
    keep(&bench, 30);
    let ended = run(&bench, "2026-08-28");
    assert!(ended.stderr.contains("removed 3 landed runs of more than 30 days ago"), "{}", ended.stderr);
    assert_eq!((indexes(&bench).len(), runs_with_files(&bench).len()), (1, 1));
    // The newest stays, however old; so does a run that was not committed and that nothing supersedes.
    age(&indexes(&bench)[0]);
    let again = bench.place.tieout(&[
        "run",
        "job.toml",
        "--archive",
        "out/raw",
        "--out",
        "again",
        "--from",
        "2026-08-28",
        "--to",
        "2026-08-31",
    ]);
    assert!(matches!(again.code, 0 | 3), "{}", again.stderr);
    let other = fs::read_to_string(bench.place.path("job.toml")).expect("the job").replace("\"demo\"", "\"other\"");
    bench.place.write("other.toml", &other);
    let ended = bench.place.tieout(&["run", "other.toml", "--out", "out"]);
    assert!(matches!(ended.code, 0 | 3), "{}", ended.stderr);
    assert_eq!(indexes(&bench).len(), 2, "another job's run supersedes nothing");
}

/// A crash between the index and the files leaves files that nobody reads; the next run clears them away.
#[test]
fn files_without_an_index_are_cleared_away() {
    let bench = Bench::new();
    run(&bench, "2026-08-25");
    let first = indexes(&bench);
    fs::remove_file(&first[0]).expect("removed");
    let foreign = bench.place.write("out/raw/card_transactions/mine.ndjson.zst", "kept");
    run(&bench, "2026-08-26");
    let name = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    assert!(runs_with_files(&bench).contains(&name(&first[0])), "without a limit nothing is removed");
    keep(&bench, 1);
    run(&bench, "2026-08-27");
    assert!(!runs_with_files(&bench).contains(&name(&first[0])));
    assert!(foreign.is_file(), "what is not ours is not touched");
}

#[test]
fn a_misspelt_key_is_refused_with_the_right_one() {
    let bench = Bench::new();
    keep(&bench, 30);
    let job = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
    bench.place.write("job.toml", &job.replace("raw_keep_days", "raw_kept_day"));
    let ended = bench.run();
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("did you mean 'raw_keep_days'?"), "{}", ended.stderr);
}
