//! `tieout load` into a file.

use rusqlite::Connection;

use crate::bench::{Bench, HOSTILE, lines};

fn load(bench: &Bench, more: &[&str]) -> crate::bench::Ended {
    bench.tieout(&[&["load", "job.toml", "--to", "sqlite:books.db", "--format", "json"], more].concat())
}

fn text(database: &Connection, sql: &str) -> String {
    database.query_row(sql, [], |row| row.get::<_, String>(0)).expect("a row")
}

#[test]
fn a_file_holds_the_same_rows_and_is_loaded_once() {
    let bench = Bench::new();
    bench.run(&lines());
    let first = load(&bench, &[]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!((&first.json()["replaced"], &first.json()["rows"]), (&10.into(), &21.into()));
    assert_eq!(load(&bench, &[]).json()["replaced"], 0);
    let database = Connection::open(bench.path("books.db")).expect("opens");
    let sums = "SELECT group_concat(currency || ' ' || amount, ', ') FROM
        (SELECT currency, sum(amount) AS amount FROM account_statements GROUP BY 1 ORDER BY 1)";
    assert_eq!(text(&database, sums), "EUR 99624000, USD 7747700");
    let row = "SELECT amount || ' ' || balance_after || ' ' || booked_at || ' ' || booking_date
        FROM account_statements_readable WHERE txid = '4'";
    assert_eq!(text(&database, row), "-5.0100 9962.4900 2026-03-03T11:00:00+00:00 2026-03-03");
    let texts = "SELECT json_group_array(description) FROM
        (SELECT description FROM account_statements WHERE txid + 0 > 10 ORDER BY txid + 0)";
    assert_eq!(serde_json::from_str::<Vec<String>>(&text(&database, texts)).expect("JSON"), HOSTILE);
    let mut changed = lines();
    changed[1].cents = -1_350;
    bench.run(&changed);
    assert_eq!(load(&bench, &[]).code, 0);
    assert_eq!(text(&database, "SELECT amount FROM account_statements_readable WHERE txid = '2'"), "-13.5000");
    assert_eq!(text(&database, "SELECT count(*) || '' FROM account_statements"), "15");
}

#[test]
fn a_file_that_was_tampered_with_is_found_and_left_as_it_is() {
    let bench = Bench::new();
    bench.run(&lines());
    load(&bench, &[]);
    let database = Connection::open(bench.path("books.db")).expect("opens");
    database.execute("UPDATE account_statements SET amount = amount + 1 WHERE txid = '6'", []).expect("changes");
    let ended = load(&bench, &[]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("-2.9999 USD"), "{}", ended.stderr);
    assert_eq!(load(&bench, &["--reload"]).code, 0);
}
