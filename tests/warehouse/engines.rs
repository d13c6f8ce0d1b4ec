//! A lake of 100,000 rows in several currencies, with hostile texts and faults planted in it, read by the engines of data
//! engineers; `schemas/sql/checks` must find there what the runs found.

use crate::month::month;
use crate::readers::{ROOT, python};

/// Everything is asked of both engines: they find the same, and what the runs found.
#[test]
fn engines_read_the_lake_and_their_sql_finds_what_the_runs_found() {
    let out = month().path("out");
    let arguments = [ROOT, out.to_str().expect("UTF-8")];
    let (duckdb, spark) = std::thread::scope(|scope| {
        let duckdb = scope.spawn(|| python("lake_duckdb.py", &out, &arguments));
        let spark = scope.spawn(|| python("lake_spark.py", &out, &arguments));
        (duckdb.join().expect("read by DuckDB and pyarrow"), spark.join().expect("read by Spark"))
    });
    assert_eq!(duckdb, spark);
    for (check, findings) in [("chain", 39), ("seam", 2), ("iban_twin", 3), ("transfer", 4)] {
        assert_eq!(duckdb.lines().filter(|line| line.starts_with(&format!("{check} "))).count(), findings, "{duckdb}");
    }
}
