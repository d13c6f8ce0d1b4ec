//! `datapackage.json`, by the frictionless framework.

use std::path::Path;

use crate::bench::{Bench, Line, line, lines};
use crate::readers::{demo, python, reports};

const REPORTS: &str = "out/reports/nightly/2026-03-01_2026-03-07";

/// The kinds of errors that the framework finds.
fn errors(folder: &Path) -> String {
    python("package.py", folder, &[]).trim().to_owned()
}

#[test]
fn the_package_of_a_run_is_valid() {
    assert_eq!(errors(&reports()), "[]");
    let manifest = std::fs::read_to_string(reports().join("manifest.json")).expect("reads");
    assert!(manifest.contains("\"path\": \"datapackage.json\""), "the manifest lists it");
    assert_eq!(demo().tieout(&["verify", "--out", "out"]).code, 0);
}

#[test]
fn hostile_texts_and_a_doubled_row_are_valid_and_a_changed_byte_is_not() {
    let bench = Bench::new();
    let mut rows = lines();
    rows.push(Line { description: "Tea".to_owned(), ..line("7", "4", "2026-03-06 12:00:00", -501) });
    assert_eq!(bench.run(&rows), 3, "a doubled row is a break");
    let package = || std::fs::read(bench.path(REPORTS).join("datapackage.json")).expect("reads");
    assert_eq!(errors(&bench.path(REPORTS)), "[]");
    let first = package();
    bench.run(&rows);
    assert!(package() == first, "the same input gives the same bytes");
    let csv = bench.path(REPORTS).join("account_statements.csv");
    let text = std::fs::read_to_string(&csv).expect("reads");
    std::fs::write(&csv, text.replacen("-12.50", "-12.51", 1)).expect("writes");
    assert_eq!(errors(&bench.path(REPORTS)), "[\"hash-count\"]");
    std::fs::write(&csv, text.replacen("-12.50", "-12.5O", 1)).expect("writes");
    assert!(errors(&bench.path(REPORTS)).contains("type-error"));
}

#[test]
fn a_job_without_csv_has_no_package() {
    let bench = Bench::new();
    bench.run(&lines());
    let job = std::fs::read_to_string(bench.path("job.toml")).expect("reads");
    std::fs::write(bench.path("lake.toml"), format!("{job}formats = [\"parquet\"]\n")).expect("writes");
    assert_eq!(bench.tieout(&["run", "lake.toml"]).code, 0);
    assert!(!bench.path(REPORTS).join("datapackage.json").exists());
}
