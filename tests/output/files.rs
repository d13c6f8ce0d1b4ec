//! The files themselves.

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
            "reports/nightly/2026-11-01_2026-11-02/card_transactions.csv",
            "reports/nightly/2026-11-01_2026-11-02/manifest.json",
            "reports/nightly/2026-11-01_2026-11-02/summary.json",
        ]
    );
}
