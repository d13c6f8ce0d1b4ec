//! The files themselves.

use sha2::{Digest, Sha256};
use tieout::output::OutputDir;

use super::support::{Run, visible};

#[test]
fn a_run_leaves_reports_a_lake_and_a_manifest() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    Run::new("run-1", "2026-11-01", "2026-11-02")
        .card("900", "-12.50")
        .card("1000", "3")
        .publish(&out)
        .expect("commits");
    let names: Vec<String> = visible(folder.path()).keys().map(|path| path.display().to_string()).collect();
    assert_eq!(
        names,
        [
            "lake/balances/booking_date=2026-11-01/balances.parquet",
            "lake/balances/booking_date=2026-11-02/balances.parquet",
            "lake/card_transactions/booking_date=2026-11-01/card_transactions.parquet",
            "lake/card_transactions/booking_date=2026-11-02/card_transactions.parquet",
            "reports/nightly/2026-11-01_2026-11-02/balances.csv",
            "reports/nightly/2026-11-01_2026-11-02/breaks.csv",
            "reports/nightly/2026-11-01_2026-11-02/camt053/card-900.xml",
            "reports/nightly/2026-11-01_2026-11-02/card_transactions.csv",
            "reports/nightly/2026-11-01_2026-11-02/datapackage.json",
            "reports/nightly/2026-11-01_2026-11-02/manifest.json",
            "reports/nightly/2026-11-01_2026-11-02/summary.json",
        ]
    );
}

#[test]
fn the_manifest_tells_every_files_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    let run = Run::new("run-1", "2026-11-01", "2026-11-02").card("900", "-12.50").card("1000", "3");
    let committed = run.publish(&out).expect("commits");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(committed.reports.join("manifest.json")).expect("is there"))
            .expect("JSON");
    let mut listed = Vec::new();
    for file in manifest["files"].as_array().expect("a list") {
        let path = file["path"].as_str().expect("a path");
        let place = if path.starts_with("lake/") { folder.path().join(path) } else { committed.reports.join(path) };
        let bytes = std::fs::read(&place).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(file["bytes"], bytes.len(), "{path}");
        assert_eq!(file["sha256"], format!("{:x}", Sha256::digest(&bytes)), "{path}");
        if place.extension().is_some_and(|end| end == "csv") {
            let rows: Result<Vec<_>, _> = csv::Reader::from_reader(bytes.as_slice()).records().collect();
            let rows = rows.expect("is CSV").len();
            assert_eq!(file["rows"], rows, "{path}");
        }
        listed.push(place);
    }
    assert_eq!(listed.len() + 1, visible(folder.path()).len(), "all files but the manifest itself");
    assert_eq!(manifest["window"], serde_json::json!({"from": "2026-11-01", "to": "2026-11-02"}));
    assert_eq!((&manifest["job"], &manifest["run_id"]), (&"nightly".into(), &"run-1".into()));
    let totals = serde_json::json!([{"currency": "EUR", "credits": "6.00", "debits": "-25.00", "net": "-19.00"}]);
    assert_eq!(manifest["files"][0]["totals"], totals);
}

#[test]
fn csv_cells_are_as_the_contract_spells_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    let run = Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "-12.50");
    let committed = run.publish(&out).expect("commits");
    let csv = std::fs::read_to_string(committed.reports.join("card_transactions.csv")).expect("is there");
    let row = csv.lines().nth(1).expect("a row");
    assert_eq!(
        row,
        "7410,900,900-0,2026-11-01,2026-11-01T13:00:00+01:00,-12.50,EUR,100.00,settled,Processed,\
         \"'=Café, \"\"du\"\" Coin\",,-3,JPY,1.100000,,5812,,,"
    );
    assert_eq!(std::fs::read_to_string(committed.reports.join("breaks.csv")).expect("is there").lines().count(), 1);
}
