//! What `tieout verify` sees of whoever edits what was committed.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, RecordBatch};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::bench::{Bench, rows, text, tx};

/// Committed twice, in windows that overlap.
fn committed() -> Bench {
    let bench = Bench::new();
    bench.run(&rows());
    bench.run_cards(&[("ANY1", &rows())], ["2026-03-03", "2026-03-09"]);
    bench.assert_intact();
    bench
}

/// The first day, and the kinds of all findings.
fn told(bench: &Bench) -> (String, Vec<String>) {
    let (code, told) = bench.verify();
    assert_eq!(code, 1, "{told:#}");
    let kinds = told["findings"].as_array().expect("a list").iter().map(|each| text(each, "kind").to_owned());
    let first = told["first_day"].as_str().unwrap_or_default().to_owned();
    (first, kinds.collect())
}

#[test]
fn a_flipped_byte_in_a_partition() {
    let bench = committed();
    let path = bench.partition("card_transactions", "2026-03-02");
    let mut bytes = std::fs::read(&path).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    let (first, kinds) = told(&bench);
    assert_eq!(first, "2026-03-02");
    assert!(!kinds.is_empty());
}

#[test]
fn a_partition_with_other_rows() {
    for (day, keep, kind) in [("2026-03-02", true, "row_changed"), ("2026-03-02", false, "row_removed")] {
        let bench = committed();
        let path = bench.partition("card_transactions", day);
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).expect("opens")).expect("Parquet");
        let batch = reader.build().expect("Parquet").next().expect("rows").expect("rows");
        let edited = if keep { with_other_amounts(&batch) } else { batch.slice(0, 1) };
        let mut writer =
            ArrowWriter::try_new(File::create(&path).expect("opens"), batch.schema(), None).expect("Parquet");
        writer.write(&edited).expect("writes");
        writer.close().expect("writes");
        assert_eq!(told(&bench), (day.to_owned(), vec![kind.to_owned()]));
        // The manifest is made to fit, and so is the state's knowledge of it: the rows are still not those.
        let reports = bench.reports("2026-03-01", "2026-03-07").join("manifest.json");
        let mut manifest: Value = serde_json::from_slice(&std::fs::read(&reports).expect("reads")).expect("JSON");
        let listed = manifest["files"].as_array_mut().expect("a list");
        let name = format!("lake/card_transactions/booking_date={day}/card_transactions.parquet");
        let file = listed.iter_mut().find(|file| file["path"] == name.as_str()).expect("is listed");
        let bytes = std::fs::read(&path).expect("reads");
        file["bytes"] = bytes.len().into();
        file["sha256"] = sha256(&bytes).into();
        let text = serde_json::to_vec_pretty(&manifest).expect("JSON");
        std::fs::write(&reports, &text).expect("writes");
        let run_id = manifest["run_id"].as_str().expect("a run").to_owned();
        let known = "UPDATE runs SET manifest = ?1 WHERE run_id = ?2";
        bench.database().execute(known, [sha256(&text), run_id]).expect("edits");
        assert_eq!(told(&bench), (day.to_owned(), vec![kind.to_owned()]));
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    format!("{:x}", sha2::Sha256::digest(bytes))
}

fn with_other_amounts(batch: &RecordBatch) -> RecordBatch {
    let at = batch.schema().index_of("amount").expect("a column");
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    let amounts = Decimal128Array::from(vec![-1_i128; batch.num_rows()]).with_precision_and_scale(18, 4).expect("fits");
    columns[at] = Arc::new(amounts);
    RecordBatch::try_new(batch.schema(), columns).expect("the same columns")
}

#[test]
fn a_partition_that_is_gone_and_one_too_many() {
    let bench = committed();
    let path = bench.partition("card_transactions", "2026-03-03");
    let elsewhere = bench.partition("card_transactions", "2026-02-11");
    std::fs::create_dir_all(elsewhere.parent().expect("a folder")).expect("a folder");
    std::fs::copy(&path, elsewhere).expect("copies");
    assert_eq!(told(&bench), ("2026-02-11".to_owned(), vec!["partition_extra".to_owned()]));
    std::fs::remove_file(path).expect("removes");
    let (first, kinds) = told(&bench);
    assert_eq!((first.as_str(), kinds), ("2026-02-11", vec!["partition_extra".into(), "partition_missing".into()]));
}

#[test]
fn an_edited_csv_names_the_day_of_its_row() {
    for (dataset, from, to) in
        [("card_transactions", ",-5.00,", ",-6.00,"), ("balances", ",-5.00,62.50,", ",-6.00,61.50,")]
    {
        let bench = committed();
        let path = bench.reports("2026-03-03", "2026-03-09").join(format!("{dataset}.csv"));
        let csv = std::fs::read_to_string(&path).expect("reads");
        assert!(csv.contains(from), "{csv}");
        std::fs::write(&path, csv.replace(from, to)).expect("writes");
        assert_eq!(told(&bench), ("2026-03-03".to_owned(), vec!["file_changed".to_owned()]));
    }
    let bench = committed();
    let path = bench.reports("2026-03-03", "2026-03-09").join("card_transactions.csv");
    let csv = std::fs::read_to_string(&path).expect("reads");
    let without_last: Vec<&str> = csv.lines().filter(|line| !line.contains("2026-03-05")).collect();
    std::fs::write(&path, without_last.join("\n")).expect("writes");
    assert_eq!(told(&bench).0, "2026-03-05");
}

#[test]
fn edited_balances_and_digests_of_the_state() {
    let days = "SELECT CAST(julianday('2026-03-03') - julianday('1970-01-01') AS INTEGER)";
    let closings = |line: &str| {
        format!("UPDATE closing_spans SET days = (SELECT json_group_array({line}) FROM json_each(days) AS day)")
    };
    let is_day = "(day.value ->> 0 = (DAY))";
    let closed = closings(&format!("json_array(day.value ->> 0, day.value ->> 1, (day.value ->> 2) + {is_day})"));
    let opened = closings(&format!("json_array(day.value ->> 0, iif({is_day}, 0, day.value ->> 1), day.value ->> 2)"));
    let gone = closings("json(day.value)").replace("AS day)", &format!("AS day WHERE NOT {is_day})"));
    for (sql, kind) in [
        (closed.as_str(), "closing_differs"),
        (opened.as_str(), "closing_differs"),
        (gone.as_str(), "closing_differs"),
        ("UPDATE seals SET seal = zeroblob(32) WHERE day = (DAY)", "chain_broken"),
        ("DELETE FROM seals WHERE day = (DAY)", "chain_broken"),
        ("UPDATE sealed_partitions SET digest = zeroblob(32) WHERE day = (DAY) AND dataset = 3", "chain_broken"),
    ] {
        let bench = committed();
        bench.database().execute(&sql.replace("DAY", days), []).expect("edits");
        let (first, kinds) = told(&bench);
        assert_eq!(first, "2026-03-03", "{sql}");
        assert!(kinds.contains(&kind.to_owned()), "{sql}: {kinds:?}");
    }
}

#[test]
fn an_edited_manifest_and_a_file_that_nobody_wrote() {
    let bench = committed();
    let manifest = bench.reports("2026-03-03", "2026-03-09").join("manifest.json");
    let told_of = std::fs::read_to_string(&manifest).expect("reads");
    std::fs::write(&manifest, told_of.replace("\"rows\": 1", "\"rows\": 2")).expect("writes");
    assert_eq!(told(&bench), ("2026-03-03".to_owned(), vec!["file_changed".to_owned()]));
    std::fs::write(&manifest, told_of).expect("writes");
    std::fs::write(bench.reports("2026-03-01", "2026-03-07").join("more.csv"), "x").expect("writes");
    assert_eq!(told(&bench), ("2026-03-01".to_owned(), vec!["file_extra".to_owned()]));
}

#[test]
fn the_lake_and_the_manifests_are_enough() {
    let bench = committed();
    std::fs::remove_file(bench.out().join("tieout.db")).expect("removes");
    bench.assert_intact();
    std::fs::remove_file(bench.partition("balances", "2026-03-05")).expect("removes");
    assert_eq!(told(&bench), ("2026-03-05".to_owned(), vec!["partition_missing".to_owned()]));
}

#[test]
fn a_past_that_is_filled_in_later_moves_the_seals_behind_it() {
    let bench = committed();
    let before = bench.verify().1["last_seal"].clone();
    let earlier = [tx(90, "2026-02-10 09:00:00", 5)];
    bench.run_cards(&[("ANY1", &earlier)], ["2026-02-09", "2026-02-12"]);
    bench.assert_intact();
    let after = bench.verify().1;
    assert_eq!(after["last_day"], "2026-03-05");
    assert_ne!(after["last_seal"], before);
}

#[test]
fn a_folder_of_nothing_is_a_usage_error() {
    let bench = Bench::new();
    assert_eq!(bench.verify().0, 2);
}

#[test]
fn a_break_that_is_not_what_its_trail_says() {
    for sql in [
        "UPDATE breaks SET status = 'accepted', accepted_by = 'Bob', note = 'fine'",
        "UPDATE breaks SET status = 'resolved', resolution = 'late_row'",
        "UPDATE breaks SET note = 'what nobody said'",
        "DELETE FROM breaks",
    ] {
        let bench = Bench::new();
        let mut broken = rows();
        broken[2].off = 40;
        bench.run(&broken);
        bench.assert_intact();
        bench.database().execute(sql, []).expect("edits");
        assert_eq!(told(&bench).1, ["trail_broken"], "{sql}");
    }
    let bench = Bench::new();
    let mut broken = rows();
    broken[2].off = 40;
    let id = text(bench.run(&broken).only(), "break_id").to_owned();
    bench.accept(&id);
    bench.assert_intact();
    bench.run(&rows());
    bench.assert_intact();
}
