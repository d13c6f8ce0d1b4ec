//! What is not loaded, and what a load finds.

use crate::bench::{Bench, Line, line, lines};

/// A load that must end with exit code 1, with these words, and change nothing.
fn refused(bench: &Bench, words: &[&str]) {
    let all =
        "SELECT * FROM account_statements ORDER BY booking_date, txid; SELECT * FROM tieout_partitions ORDER BY 1, 2";
    let before = bench.psql(all);
    let ended = bench.load(&[]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    for word in words {
        assert!(ended.stderr.contains(word), "expected '{word}' in {}", ended.stderr);
    }
    assert_eq!(bench.psql(all), before);
}

#[test]
fn a_partition_that_was_tampered_with_is_not_loaded() {
    let bench = Bench::with_database();
    bench.run(&lines());
    bench.loaded(&["--window", "2026-03-01..2026-03-01"]);
    let path = bench.partition("account_statements", "2026-03-03");
    let whole = std::fs::read(&path).expect("reads");
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("writes");
    refused(&bench, &["booking_date=2026-03-03", "sha256", "tieout verify"]);
    std::fs::remove_file(&path).expect("removes");
    refused(&bench, &["booking_date=2026-03-03", "is not there"]);
    std::fs::write(&path, &whole).expect("writes");
    let manifest = bench.path("out/reports/nightly/2026-03-01_2026-03-07/manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("reads");
    std::fs::write(&manifest, text.replacen("\"rows\": 1", "\"rows\": 2", 1)).expect("writes");
    refused(&bench, &["manifest.json", "expected the manifest that a run of this directory wrote"]);
    std::fs::write(&manifest, text).expect("writes");
    bench.loaded(&[]);
}

#[test]
fn rows_that_somebody_changed_in_the_database_are_found_by_their_totals() {
    let bench = Bench::with_database();
    bench.run(&lines());
    bench.loaded(&[]);
    bench.psql("UPDATE account_statements SET amount = amount - 0.0001 WHERE txid = '3'");
    refused(&bench, &["account_statements of 2026-03-02", "-32.50 EUR", "-32.5001 EUR", "--reload"]);
    bench.loaded(&["--reload"]);
    bench.psql("DELETE FROM balances WHERE booking_date = '2026-03-05'");
    refused(&bench, &["balances of 2026-03-05", "0 rows"]);
    bench.loaded(&["--reload"]);
    bench.psql("INSERT INTO account_statements SELECT * FROM account_statements WHERE txid = '6'");
    refused(&bench, &["account_statements of 2026-03-05", "the manifest tells 1 rows", "holds 2 rows"]);
    bench.loaded(&["--reload"]);
    bench.psql("UPDATE account_statements SET currency = 'EUR' WHERE txid = '6'");
    refused(&bench, &["-3.00 USD", "-3.00 EUR"]);
    bench.loaded(&["--reload"]);
    bench.psql(
        "INSERT INTO account_statements (txid, booking_date, booked_at, amount) VALUES ('x', '2027-01-01', now(), 1)",
    );
    refused(&bench, &["account_statements of 2027-01-01", "the lake has no such partition"]);
}

#[test]
fn a_table_that_would_round_is_refused() {
    let bench = Bench::with_database();
    bench.run(&lines());
    bench.loaded(&["--window", "2026-03-01..2026-03-01"]);
    bench.psql("ALTER TABLE account_statements ALTER balance_after TYPE numeric(18,1)");
    refused(&bench, &["'balance_after' of type numeric(18,4), found numeric(18,1)"]);
    bench.psql("ALTER TABLE account_statements DROP balance_after");
    refused(&bench, &["found no such column"]);
}

#[test]
fn a_text_that_postgresql_cannot_hold_is_told_and_never_altered() {
    let bench = Bench::with_database();
    let mut rows = lines();
    rows.push(Line { description: "be\0hind".to_owned(), ..line("7", "20", "2026-03-06 12:00:00", -1) });
    bench.run(&rows);
    bench.loaded(&["--window", "2026-03-01..2026-03-05"]);
    refused(&bench, &["U+0000", "'description' of account_statements", "booking_date=2026-03-06", "row 1"]);
    let to = format!("sqlite:{}", bench.path("books.db").display());
    assert_eq!(bench.tieout(&["load", "job.toml", "--to", &to]).code, 0);
    let database = rusqlite::Connection::open(bench.path("books.db")).expect("opens");
    let sql = "SELECT description FROM account_statements WHERE txid = '20'";
    assert_eq!(database.query_row(sql, [], |row| row.get::<_, String>(0)).expect("a row"), "be\0hind");
}

#[test]
fn another_output_directory_does_not_wipe_out_what_is_there() {
    let (first, second) = (Bench::with_database(), Bench::new());
    first.run(&lines());
    second.run(&lines()[..1]);
    first.loaded(&[]);
    let url = first.url();
    let load = |more: &[&str]| second.tieout(&[&["load", "job.toml", "--to", &url], more].concat());
    let ended = load(&[]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("another output directory") && ended.stderr.contains("--schema"), "{}", ended.stderr);
    assert_eq!(first.psql("SELECT count(*) FROM account_statements"), "15");
    assert_eq!(load(&["--window", "2027-01-01..2027-01-02"]).code, 1, "nor the breaks of a window without rows");
    assert_eq!(load(&["--schema", "second"]).code, 0);
    assert_eq!(load(&["--take-over"]).code, 0);
    assert_eq!(first.psql("SELECT count(*) FROM account_statements"), "1");
}

#[test]
fn what_cannot_be_asked_is_told() {
    let bench = Bench::new();
    let told = |arguments: &[&str], code: i32, words: &str| {
        let ended = bench.tieout(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "expected '{words}' in {}", ended.stderr);
    };
    told(&["load"], 2, "required");
    told(&["load", "--out", "out", "--to", "sqlite:x.db"], 2, "expected an output directory");
    told(&["load", "missing.toml", "--to", "sqlite:x.db"], 2, "the job file cannot be read");
    bench.run(&lines()[..1]);
    told(&["load", "job.toml"], 2, "TIEOUT_WAREHOUSE");
    told(&["load", "job.toml", "--to", "mysql://x/y"], 2, "postgresql:// or sqlite:");
    told(&["load", "job.toml", "--to", "sqlite:x.db", "--schema", "s"], 2, "SQLite has no schemas");
    told(&["load", "job.toml", "--to", "sqlite:"], 2, "expected a file");
    told(&["load", "job.toml", "--to", "sqlite:missing/x.db"], 1, "could not make the database");
    told(&["load", "job.toml", "--to", "postgresql://x@127.0.0.1:1/y"], 1, "would not connect");
}
