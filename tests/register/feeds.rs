//! Jobs with other feeds that share an output directory: the balances of owners that a job does not ask for stay.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::AsArray;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::bench::{Bench, data_files, rows, text, tx};

const ALL: &str = r#"["account_statements", "iban_statements", "card_transactions", "credit_transfers"]"#;
const CARDS: &str = r#"["card_transactions"]"#;
const STATEMENTS: &str = r#"["account_statements"]"#;
const IBAN_STATEMENTS: &str = r#"["iban_statements"]"#;
const TRANSFERS: &str = r#"["credit_transfers"]"#;
const WEEK: [&str; 2] = ["2026-03-01", "2026-03-07"];

/// An archive of the account 7 and its card ANY1, with rows on the same days.
fn bench() -> Bench {
    let bench = Bench::new();
    bench.write_cards(&[("ANY1", &rows())]);
    let line = |txid: u32, day: u32, balance: &str| {
        format!(
            r#"{{"txid":"{txid}","date":"2026-03-0{day} 09:00:00","amount":5,"currency":"EUR","type":"D","balance":"{balance}","description":"Fee"}}"#
        )
    };
    let lines = [line(101, 1, "95.00"), line(102, 2, "90.00"), line(103, 4, "85.00")];
    bench.write_statements(&lines.each_ref().map(String::as_str), &[]);
    bench.write_transfers(&[
        r#"{"internal_id":"77","amount":5,"currency":"EUR","status":"cancelled","creation_date":"2026-03-01 08:00:00","execution_date":"2026-03-02"}"#,
    ]);
    bench
}

/// The lake's files, by path.
fn lake(bench: &Bench) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = bench.out();
    let below = |path: PathBuf| path.strip_prefix(&root).expect("below").to_owned();
    let files = data_files(&root).into_iter().map(|(path, bytes)| (below(path), bytes));
    files.filter(|(path, _)| path.starts_with("lake")).collect()
}

/// Whose balances stand on a day.
fn owners(bench: &Bench, day: &str) -> Vec<String> {
    let Ok(file) = std::fs::File::open(bench.partition("balances", day)) else { return Vec::new() };
    let mut owners = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("reads") {
        let batch = batch.expect("reads");
        let ids = batch.column_by_name("owner_id").expect("a column").as_string::<i32>().clone();
        owners.extend(ids.iter().map(|id| id.expect("is there").to_owned()));
    }
    owners
}

#[test]
fn jobs_with_other_feeds_come_to_the_lake_of_one_job_in_any_order() {
    let whole = bench();
    assert_eq!(whole.run_archive(ALL, WEEK).code, 0);
    let expected = lake(&whole);
    assert_eq!(owners(&whole, "2026-03-02"), ["7", "ANY1"]);
    for order in [
        [CARDS, STATEMENTS, TRANSFERS, IBAN_STATEMENTS],
        [IBAN_STATEMENTS, STATEMENTS, TRANSFERS, CARDS],
        [TRANSFERS, CARDS, IBAN_STATEMENTS, STATEMENTS],
    ] {
        let parts = bench();
        for feeds in order {
            let ran = parts.run_archive(feeds, WEEK);
            assert_eq!((ran.code, ran.breaks()), (0, &[][..]), "{feeds}");
            parts.assert_intact();
        }
        assert!(lake(&parts) == expected, "{order:?}: {:?}", lake(&parts).keys());
    }
    for feeds in [CARDS, STATEMENTS, IBAN_STATEMENTS, TRANSFERS, ALL] {
        assert_eq!(whole.run_archive(feeds, WEEK).code, 0);
        assert!(lake(&whole) == expected, "the same days again with {feeds}");
        whole.assert_intact();
    }
}

#[test]
fn a_job_without_balances_takes_none_away_where_windows_overlap_in_part() {
    let bench = bench();
    bench.run_archive(CARDS, WEEK);
    bench.run_archive(STATEMENTS, ["2026-03-02", "2026-03-09"]);
    bench.run_archive(TRANSFERS, ["2026-02-20", "2026-03-04"]);
    let told = ["01", "02", "03", "04", "05"].map(|day| owners(&bench, &format!("2026-03-{day}")).join(" "));
    assert_eq!(told, ["ANY1", "7 ANY1", "ANY1", "7", "ANY1"]);
    bench.assert_intact();
    // Of the owners that it does ask for, a job still replaces all that they had.
    bench.write_cards(&[("ANY1", &rows()[..1])]);
    bench.run_archive(CARDS, WEEK);
    let told = ["01", "02", "03", "04", "05"].map(|day| owners(&bench, &format!("2026-03-{day}")).join(" "));
    assert_eq!(told, ["ANY1", "7", "", "7", ""]);
    bench.assert_intact();
}

#[test]
fn the_days_of_the_owners_that_stay_go_on_from_their_balances() {
    let bench = bench();
    bench.run_archive(CARDS, WEEK);
    bench.run_archive(STATEMENTS, WEEK);
    // ANY1 closes at 65.50; the next week opens elsewhere.
    bench.write_cards(&[("ANY1", &[tx(9, "2026-03-09 09:00:00", 5_000)])]);
    let ran = bench.run_archive(CARDS, ["2026-03-08", "2026-03-14"]);
    assert_eq!((text(ran.only(), "check"), text(ran.only(), "expected")), ("seam", "65.50"));
    // And a restatement of a day that stayed still finds what was committed of it.
    let mut changed = rows();
    changed[4].cents = 200;
    bench.write_cards(&[("ANY1", &changed)]);
    let ran = bench.run_archive(CARDS, WEEK);
    let told: Vec<&str> = ran.breaks().iter().map(|found| text(found, "check")).collect();
    assert!(told.contains(&"restatement"), "{:#}", ran.summary);
    assert_eq!(owners(&bench, "2026-03-02"), ["7", "ANY1"]);
    bench.assert_intact();
}

/// A job without Parquet seals days of which the lake holds other owners' rows alone.
#[test]
fn a_job_without_a_lake_between_two_that_have_one_loses_no_balances() {
    let mut bench = bench();
    bench.run_archive(CARDS, WEEK);
    bench.formats = r#"["csv"]"#;
    bench.run_archive(STATEMENTS, WEEK);
    bench.formats = r#"["parquet"]"#;
    bench.run_archive(TRANSFERS, WEEK);
    assert_eq!(owners(&bench, "2026-03-02"), ["ANY1"], "the lake never had the account's");
    bench.assert_intact();
    bench.run_archive(STATEMENTS, WEEK);
    assert_eq!(owners(&bench, "2026-03-02"), ["7", "ANY1"]);
    bench.assert_intact();
}

#[test]
fn an_edited_csv_of_balances_names_its_day_beside_those_of_another_job() {
    let bench = bench();
    bench.run_archive(CARDS, WEEK);
    bench.run_archive(STATEMENTS, WEEK);
    let path = bench.reports(WEEK[0], WEEK[1]).join("balances.csv");
    let csv = std::fs::read_to_string(&path).expect("a file");
    assert!(csv.contains("85.00"), "{csv}");
    std::fs::write(&path, csv.replace("85.00", "86.00")).expect("a file");
    let (code, told) = bench.verify();
    let days: Vec<&str> = told["findings"].as_array().expect("a list").iter().map(|found| text(found, "day")).collect();
    assert_eq!((code, days), (1, vec!["2026-03-04"]), "{told:#}");
}
