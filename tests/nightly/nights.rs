//! Night after night, with rows that arrive late and rows that change: each window is read anew and replaces its days.

use std::collections::BTreeMap;
use std::fs;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use tieout::record::Day;

use super::books::{page, run, settled};
use super::support::{Bench, Place, csv_files, rows, tree};

/// A row, and the night from which on the provider lists it.
struct Tx {
    txid: u32,
    date: &'static str,
    cents: i64,
    listed_from: &'static str,
}

/// One a day, and two that are listed days after they were booked.
const ROWS: [Tx; 8] = [
    Tx { txid: 1, date: "2026-03-26 10:00:00", cents: 10_000, listed_from: "2026-03-26" },
    Tx { txid: 2, date: "2026-03-27 10:00:00", cents: -1_000, listed_from: "2026-03-27" },
    Tx { txid: 3, date: "2026-03-28 10:00:00", cents: -550, listed_from: "2026-03-28" },
    // Late, in the night in which clocks are put forward.
    Tx { txid: 4, date: "2026-03-29 03:30:00", cents: -725, listed_from: "2026-03-31" },
    Tx { txid: 5, date: "2026-03-29 12:00:00", cents: 300, listed_from: "2026-03-29" },
    Tx { txid: 6, date: "2026-03-30 00:00:00", cents: -100, listed_from: "2026-04-01" },
    Tx { txid: 7, date: "2026-03-31 23:59:59", cents: -200, listed_from: "2026-03-31" },
    Tx { txid: 8, date: "2026-04-01 10:00:00", cents: -300, listed_from: "2026-04-01" },
];

/// The page that the provider shows on the evening of `night`; row 3 is of `cents_of_3` by then.
fn page_of(night: &str, cents_of_3: i64) -> String {
    let money =
        |cents: i64| format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
    let mut balance = 0;
    let listed = ROWS.iter().filter(|tx| tx.listed_from <= night).map(|tx| {
        let cents = if tx.txid == 3 { cents_of_3 } else { tx.cents };
        balance += cents;
        settled(tx.txid, tx.date, &money(cents.abs()), if cents < 0 { "D" } else { "C" }, &money(balance))
    });
    page(&listed.collect::<Vec<_>>())
}

/// The ids in the lake, by day.
pub(super) fn lake_of(place: &Place) -> BTreeMap<String, Vec<String>> {
    let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, bytes) in tree(&place.path("out/lake/card_transactions")) {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("Parquet");
        let day = path.iter().next().expect("a folder").to_string_lossy().replace("booking_date=", "");
        for row in reader.get_row_iter(None).expect("rows") {
            for (name, field) in row.expect("a row").get_column_iter() {
                if let ("txid", Field::Str(txid)) = (name.as_str(), field) {
                    days.entry(day.clone()).or_default().push(txid.clone());
                }
            }
        }
    }
    days
}

fn summary(place: &Place, window: &str) -> serde_json::Value {
    let path = place.path(&format!("out/reports/demo/{window}/summary.json"));
    serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
}

#[test]
fn late_and_changed_rows_are_told_and_stand_once_after_many_nights() {
    let place = Place::new();
    let nights = ["2026-03-28", "2026-03-29", "2026-03-30", "2026-03-31", "2026-04-01", "2026-04-02"];
    let mut late = Vec::new();
    for night in nights {
        let to = Day::parse(night).expect("a day");
        let from = to.plus(-4);
        // Row 3 is corrected on the first of April.
        let cents_of_3 = if night < "2026-04-01" { -550 } else { -500 };
        let (code, reports) = run(&place, &[page_of(night, cents_of_3)], &from.to_string(), night);
        let told = summary(&place, &format!("{from}_{night}"));
        late.push(told["late_rows"].as_u64().expect("a count"));
        let restated: Vec<_> =
            rows(&reports["breaks.csv"]).into_iter().filter(|row| row["check"] == "restatement").collect();
        // The night after, its day is not in the window any more; in the register the break stays open.
        let is_corrected = night == "2026-04-01";
        assert_eq!(restated.len(), usize::from(is_corrected), "{night}: {restated:?}");
        if is_corrected {
            let cell = |name: &str| restated[0][name].as_str();
            assert_eq!((cell("txid"), cell("cause")), ("3", "changed"), "{night}");
            assert_eq!((cell("expected"), cell("actual"), cell("difference")), ("-5.50", "-5.00", "0.50"), "{night}");
        }
        assert_eq!(code, if is_corrected { 3 } else { 0 }, "{night}");
        // The lake holds what the provider lists now, once.
        let listed = ROWS.iter().filter(|tx| tx.listed_from <= night);
        let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
        listed.for_each(|tx| expected.entry(tx.date[..10].to_owned()).or_default().push(tx.txid.to_string()));
        assert_eq!(lake_of(&place), expected, "{night}");
    }
    assert_eq!(late, [0, 0, 0, 1, 1, 0], "row 4 on the third night after, row 6 on the second");
    let open = place.tieout(&["breaks", "list", "--format", "json"]).stdout;
    assert!(open.contains("restatement") && open.contains("\"open\""), "{open}");
    let verified = place.tieout(&["verify", "--out", "out"]);
    assert_eq!(verified.code, 0, "{}", verified.stdout);
}

/// `last_days` counts back from yesterday, in the job's zone.
#[test]
fn last_days_reads_and_replaces_as_many_days() {
    let place = Place::new();
    let zone = tieout::record::Zone::parse("Europe/Paris").expect("a zone");
    let yesterday = zone.day_at(chrono::Utc::now()).previous();
    let date = |back: i32| format!("{} 10:00:00", yesterday.plus(-back));
    let before = page(&[settled(1, &date(2), "100", "C", "100"), settled(2, &date(1), "30", "D", "70")]);
    let after = page(&[
        settled(1, &date(2), "100", "C", "100"),
        settled(3, &date(2), "5", "D", "95"),
        settled(2, &date(1), "30", "D", "65"),
    ]);
    let run = |page: &str| {
        place.write("archive/card_transactions/pages.ndjson", page);
        place.write(
            "job.toml",
            "[job]\nname = \"demo\"\nfeeds = [\"card_transactions\"]\nwindow = { last_days = 3 }\n\
             [source]\nprovider = \"anytime\"\narchive = \"archive\"\n",
        );
        place.tieout(&["run", "job.toml"])
    };
    assert_eq!(run(&before).code, 0);
    let ended = run(&after);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let window = format!("{}_{yesterday}", yesterday.plus(-2));
    assert_eq!(summary(&place, &window)["late_rows"], 1);
    let ids: Vec<Vec<String>> = lake_of(&place).into_values().collect();
    assert_eq!(ids, [vec!["1".to_owned(), "3".to_owned()], vec!["2".to_owned()]]);
}

const BACKFILL: [&str; 8] = ["backfill", "job.toml", "--from", "2026-08-01", "--to", "2026-10-31", "--chunk", "month"];

#[test]
fn a_backfill_that_is_killed_goes_on_with_its_chunk() {
    let bench = Bench::with(|config| {
        config.behaviour.page_rows_max = 20;
        config.behaviour.latency = std::time::Duration::from_millis(2);
    });
    let whole = bench.run_into("whole");
    assert_eq!(whole.code, 3, "{}", whole.stderr);
    let august = bench.place.path("out/reports/demo/2026-08-01_2026-08-31/manifest.json");
    let mut run = bench
        .place
        .command(&BACKFILL)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it runs");
    let begun = std::time::Instant::now();
    let mut committed_at = None;
    // In the middle of the second chunk.
    loop {
        assert!(begun.elapsed().as_secs() < 60 && run.try_wait().expect("a child").is_none(), "it was not killed");
        if committed_at.is_none() && august.is_file() {
            committed_at = Some(bench.control().counters().requests);
        }
        if committed_at.is_some_and(|then| bench.control().counters().requests > then + 15) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
    bench.control().clear_log();
    let ended = bench.place.tieout(&BACKFILL);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("2026-08-01 to 2026-08-31: committed before, 2 chunks left"), "{}", ended.stderr);
    assert!(ended.stderr.contains("going on with the fetch of run"), "{}", ended.stderr);
    assert!(ended.stderr.contains("2 of 3 chunks done, 1 left, at most about "), "{}", ended.stderr);
    assert!(ended.stderr.contains("3 of 3 chunks done, none left"), "{}", ended.stderr);
    let of_august =
        bench.control().log().iter().filter(|record| record.query.contains("date_start=2026-07-31")).count();
    assert_eq!(of_august, 0, "a committed chunk is not asked for again");
    // Everything that the whole run has, the chunks have: the same rows in the same files, and the same balances.
    for dataset in ["account_statements", "iban_statements", "card_transactions", "credit_transfers"] {
        let lake = |out: &str| tree(&bench.place.path(&format!("{out}/lake/{dataset}")));
        assert!(lake("out") == lake("whole"), "{dataset}");
    }
    let mut in_chunks = Vec::new();
    for window in ["2026-08-01_2026-08-31", "2026-09-01_2026-09-30", "2026-10-01_2026-10-31"] {
        in_chunks.extend(balances(&bench, "out", window));
    }
    let mut in_whole = balances(&bench, "whole", "2026-08-01_2026-10-31");
    in_chunks.sort();
    in_whole.sort();
    assert_eq!(in_chunks, in_whole);
}

/// Owner, day, opening, credits, debits, closing and entries of each day; what a chain is found to be hangs on its length.
fn balances(bench: &Bench, out: &str, window: &str) -> Vec<Vec<String>> {
    let reports = csv_files(&bench.place.path(out).join(format!("reports/demo/{window}")));
    let names = ["owner_kind", "owner_id", "booking_date", "opening", "credits", "debits", "closing", "entries"];
    rows(&reports["balances.csv"]).iter().map(|row| names.iter().map(|name| row[*name].clone()).collect()).collect()
}

/// A past that changed since it was committed is told when its chunk runs again.
#[test]
fn a_changed_past_is_a_restatement() {
    let bench = Bench::new();
    assert_eq!(bench.place.tieout(&BACKFILL).code, 3);
    let path = "/v1.0/accounts/1/statements";
    let oldest_in_august =
        bench.control().rows(path).iter().position(|row| row.contains("\"2026-08-")).expect("a row of August");
    assert_eq!(bench.control().delete_rows(path, oldest_in_august + 1), oldest_in_august + 1);
    let mut again = BACKFILL.to_vec();
    again.push("--again");
    let ended = bench.place.tieout(&again);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let august = csv_files(&bench.place.path("out/reports/demo/2026-08-01_2026-08-31"));
    let restated: Vec<_> =
        rows(&august["breaks.csv"]).into_iter().filter(|row| row["check"] == "restatement").collect();
    assert!(restated.iter().any(|row| row["cause"] == "vanished" && row["owner_id"] == "1"), "{restated:?}");
    let september = csv_files(&bench.place.path("out/reports/demo/2026-09-01_2026-09-30"));
    assert!(!september["breaks.csv"].contains("restatement"), "its rows are what they were");
    assert_eq!(bench.place.tieout(&["verify", "--out", "out"]).code, 0);
}
