//! What `schemas/` holds: printed by the program, run in databases, and parsed by grammars that nobody here wrote.

use serde_json::Value;

use crate::bench::Bench;
use crate::readers::{ROOT, demo, python, reports};
use crate::server::server;

pub const DATASETS: [&str; 7] =
    ["account_statements", "iban_statements", "card_transactions", "credit_transfers", "balances", "breaks", "rejects"];

fn checked_in(path: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/schemas/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_program_prints_what_is_checked_in() {
    let bench = Bench::new();
    let printed = |arguments: &[&str]| {
        let ended = bench.tieout(&[&["schema"], arguments].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.stdout
    };
    let all: Vec<Value> = serde_json::from_str(&printed(&[])).expect("JSON");
    for (dataset, of_all) in DATASETS.iter().zip(all) {
        let text = checked_in(&format!("{dataset}.json"));
        assert_eq!(printed(&[dataset]), text);
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), of_all);
        for dialect in ["postgresql", "duckdb", "bigquery", "snowflake", "redshift", "clickhouse", "spark", "sqlite"] {
            assert_eq!(printed(&[dataset, "--dialect", dialect]), checked_in(&format!("sql/{dialect}/{dataset}.sql")));
        }
    }
    assert_eq!(printed(&["--format", "markdown"]), checked_in("README.md"));
    assert_eq!(printed(&["job"]), checked_in("job.schema.json"));
    assert!(printed(&["--dialect", "spark"]).contains("CREATE TABLE IF NOT EXISTS rejects"));
    assert_eq!(bench.tieout(&["schema", "--dialect", "oracle"]).code, 2);
}

#[test]
fn every_row_of_a_report_fits_its_json_schema() {
    let told = python("rows.py", &reports(), &[&format!("{ROOT}/schemas")]);
    assert!(told.trim().parse::<u32>().expect("a count") > 1_600, "{told}");
}

#[test]
fn job_files_fit_their_schema_and_misspelled_ones_do_not() {
    let told = python("jobs.py", &reports(), &[ROOT]);
    assert!(told.trim().parse::<u32>().expect("a count") > 80, "{told}");
}

#[test]
fn duckdb_loads_the_lake_and_reads_its_footers() {
    let out = demo().path("out");
    let told = python("duck.py", &out, &[ROOT, out.to_str().expect("UTF-8")]);
    assert!(told.contains("account_statements 292\n") && told.ends_with("partitions 406\n"), "{told}");
}

#[test]
fn the_other_databases_can_parse_theirs() {
    let told = python("grammar.py", &reports(), &[ROOT]);
    assert!(told.trim().parse::<u32>().expect("a count") > 200, "{told}");
}

#[test]
fn psql_loads_the_reports_twice_and_has_them_once() {
    let bench = Bench::with_database();
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(reports().join("manifest.json")).expect("reads")).expect("JSON");
    for dataset in DATASETS {
        for _ in 0..2 {
            let output = server()
                .psql_command(&bench.database)
                .args(["-v", "from=2026-08-01", "-v", "to=2026-10-31", "-f"])
                .arg(format!("{ROOT}/schemas/sql/postgresql/{dataset}.sql"))
                .current_dir(reports())
                .output()
                .expect("psql runs");
            assert!(output.status.success(), "{dataset}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let files = manifest["files"].as_array().expect("a list");
        let told = files.iter().find(|file| file["path"] == format!("{dataset}.csv").as_str()).expect("listed");
        assert_eq!(bench.psql(&format!("SELECT count(*) FROM {dataset}")), told["rows"].to_string());
        let net = if dataset == "balances" { "credits + debits" } else { "amount" };
        for total in told["totals"].as_array().expect("a list") {
            let currency = total["currency"].as_str().expect("the demo's rows have one");
            let sum =
                bench.psql(&format!("SELECT sum({net})::numeric(20, 2) FROM {dataset} WHERE currency = '{currency}'"));
            assert_eq!(sum, total["net"].as_str().expect("a text"), "{dataset}");
        }
    }
    let from_lake = Bench::with_database();
    assert_eq!(demo().tieout(&["load", "--out", "out", "--to", &from_lake.url()]).code, 0);
    // CSV marks texts that a spreadsheet would run; everything else is the same by both roads.
    let text = r"regexp_replace(description, '^''([=+@\t\r-])', '\1')";
    for rows in [
        "SELECT * FROM balances ORDER BY 1, 2, 4".to_owned(),
        "SELECT * FROM breaks ORDER BY 1".to_owned(),
        format!("SELECT acc_id, txid, booked_at, amount, balance_after, {text} FROM account_statements ORDER BY 1, 2"),
        "SELECT card_ref, txid, transacted_at, amount_fx, fx_rate, fx_fee FROM card_transactions ORDER BY 1, 2"
            .to_owned(),
    ] {
        assert!(bench.psql(&rows) == from_lake.psql(&rows), "{rows}");
    }
}
