//! Partitions: each holds exactly its day's rows, also those that a run could not ask for.

use std::fs::File;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, Encoding, LogicalType, TimeUnit, Type};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use tieout::output::{Formats, OutputDir, Publication, arrow_schema, partition_path};
use tieout::record::dataset::{self, BALANCES, CARD_TRANSACTIONS};
use tieout::record::{Dataset, Kind, Owner, OwnerKind};

use super::support::{BOTH, DATASETS, Run, card, card_row, day, visible};

fn open(path: &Path) -> ParquetRecordBatchReaderBuilder<File> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    ParquetRecordBatchReaderBuilder::try_new(file).expect("is Parquet")
}

fn read(out: &Path, dataset: &Dataset, on: &str) -> RecordBatch {
    let mut batches = open(&out.join(partition_path(dataset, day(on)))).build().expect("reads");
    let batch = batches.next().expect("has rows").expect("reads");
    assert!(batches.next().is_none(), "a small file is one batch");
    batch
}

/// The texts of a column in a partition.
fn texts(out: &Path, dataset: &Dataset, on: &str, column: &str) -> Vec<String> {
    let batch = read(out, dataset, on);
    let array = batch.column_by_name(column).expect("a column").as_string::<i32>().clone();
    array.iter().map(|text| text.unwrap_or("null").to_owned()).collect()
}

fn has(out: &Path, dataset: &Dataset, on: &str) -> bool {
    out.join(partition_path(dataset, day(on))).exists()
}

fn directory() -> (tempfile::TempDir, OutputDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    (folder, out)
}

#[test]
fn a_day_without_rows_loses_its_partition_and_other_days_do_not() {
    let (folder, out) = directory();
    Run::new("run-1", "2026-11-01", "2026-11-03").card("900", "1").publish(&out).expect("commits");
    let mut run = Run::new("run-2", "2026-11-02", "2026-11-03");
    run.cards = Run::new("", "2026-11-03", "2026-11-03").card("900", "1").cards;
    let committed = run.publish(&out).expect("commits");
    let path = folder.path();
    let left = ["2026-11-01", "2026-11-02", "2026-11-03"].map(|on| has(path, &CARD_TRANSACTIONS, on));
    assert_eq!(left, [true, false, true]);
    assert!(!path.join("lake/card_transactions/booking_date=2026-11-02").exists(), "no empty folder stays");
    assert_eq!(
        committed.manifest.removed,
        [
            "lake/card_transactions/booking_date=2026-11-02/card_transactions.parquet",
            "lake/balances/booking_date=2026-11-02/balances.parquet",
        ]
    );
}

#[test]
fn owners_that_could_not_be_asked_keep_their_rows_in_order() {
    let (folder, out) = directory();
    let all = ["2", "10", "30", "A"];
    let run = |run_id| Run::new(run_id, "2026-11-01", "2026-11-02");
    all.iter().fold(run("run-1"), |run, id| run.card(id, "1")).publish(&out).expect("commits");
    let undisturbed = visible(folder.path());
    run("run-2").card("2", "5").kept("10").card("30", "5").kept("A").publish(&out).expect("commits");
    for dataset in [&CARD_TRANSACTIONS, &BALANCES] {
        let (owner, amount) = if dataset.name == "balances" { ("owner_id", "credits") } else { ("card_ref", "amount") };
        assert_eq!(texts(folder.path(), dataset, "2026-11-02", owner), all);
        let batch = read(folder.path(), dataset, "2026-11-02");
        let amounts =
            batch.column_by_name(amount).expect("a column").as_primitive::<arrow::datatypes::Decimal128Type>();
        assert_eq!(amounts.values(), &[50_000, 10_000, 50_000, 10_000], "{}", dataset.name);
    }
    let csv =
        std::fs::read_to_string(folder.path().join("reports/nightly/2026-11-01_2026-11-02/card_transactions.csv"));
    assert_eq!(csv.expect("is there").lines().count(), 5, "reports show what this run saw");
    all.iter().fold(run("run-1b"), |run, id| run.card(id, "1")).publish(&out).expect("commits");
    let lake = |files: std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>| {
        files.into_iter().filter(|(path, _)| path.starts_with("lake")).collect::<Vec<_>>()
    };
    assert!(lake(visible(folder.path())) == lake(undisturbed), "and afterwards all is as if nothing had been");
}

#[test]
fn a_partition_of_kept_rows_alone_stays() {
    let (folder, out) = directory();
    Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "1").card("901", "1").publish(&out).expect("commits");
    Run::new("run-2", "2026-11-01", "2026-11-01").kept("901").publish(&out).expect("commits");
    assert_eq!(texts(folder.path(), &CARD_TRANSACTIONS, "2026-11-01", "card_ref"), ["901"]);
    assert_eq!(texts(folder.path(), &CARD_TRANSACTIONS, "2026-11-01", "description"), ["=Café, \"du\" Coin"]);
}

#[test]
fn a_dataset_that_several_jobs_fill_keeps_what_is_not_asked_for() {
    let (folder, out) = directory();
    Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "1").card("901", "1").publish(&out).expect("commits");
    let run = Run::new("run-2", "2026-11-01", "2026-11-01");
    let mut publication = Publication::begin(&out, "other", run.window, "run-2", BOTH, &DATASETS).expect("begins");
    publication.keep_all_but(&BALANCES, OwnerKind::Card, &[card("901"), Owner::account("7410")]);
    publication.commit(&run.delta()).expect("commits");
    assert_eq!(texts(folder.path(), &BALANCES, "2026-11-01", "owner_id"), ["900"]);
    assert!(!has(folder.path(), &CARD_TRANSACTIONS, "2026-11-01"));
}

#[test]
fn feeds_that_a_job_leaves_out_are_not_touched() {
    let (folder, out) = directory();
    let run = Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "1");
    run.publish(&out).expect("commits");
    let other = Run::new("run-2", "2026-11-01", "2026-11-01");
    let begun = Publication::begin(&out, "nightly", other.window, "run-2", BOTH, &[&dataset::CREDIT_TRANSFERS]);
    begun.expect("begins").commit(&other.delta()).expect("commits");
    assert!(has(folder.path(), &CARD_TRANSACTIONS, "2026-11-01"));
    let reports = folder.path().join("reports/nightly/2026-11-01_2026-11-01");
    assert!(!reports.join("card_transactions.csv").exists());
    assert!(reports.join("credit_transfers.csv").exists());
}

#[test]
fn formats_that_a_job_does_without_are_not_written() {
    for (formats, csv, lake) in
        [(Formats { csv: false, parquet: true }, false, true), (Formats { csv: true, parquet: false }, true, false)]
    {
        let (folder, out) = directory();
        let run = Run { formats, ..Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "1") };
        let committed = run.publish(&out).expect("commits");
        let reports = folder.path().join("reports/nightly/2026-11-01_2026-11-01");
        assert_eq!(reports.join("card_transactions.csv").exists(), csv);
        assert_eq!(folder.path().join("lake").exists(), lake);
        assert!(reports.join("summary.json").exists() && reports.join("manifest.json").exists());
        assert_eq!(committed.totals["card_transactions"].rows, 1);
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let lake_and_csv = |run_id| {
        let (folder, out) = directory();
        Run::new(run_id, "2026-11-01", "2026-11-09").card("900", "1").card("901", "-2.345").publish(&out).expect("ok");
        let is_data = |path: &Path| path.extension().is_some_and(|end| end == "csv" || end == "parquet");
        visible(folder.path()).into_iter().filter(|(path, _)| is_data(path)).collect::<Vec<_>>()
    };
    let first = lake_and_csv("run-1");
    assert_eq!(first.len(), 2 * 9 + 3);
    assert!(first == lake_and_csv("run-2"));
}

#[test]
fn rows_beyond_a_batch_are_written_and_kept_in_order() {
    const ROWS: usize = 10_000;
    let (folder, out) = directory();
    let on = day("2026-11-01");
    let many = |card_ref: &str, amount: &str| -> Vec<_> {
        (0..ROWS).map(|row| card_row(card_ref, &format!("{card_ref}-{row}"), on, amount, "0")).collect()
    };
    let mut run = Run::new("run-1", "2026-11-01", "2026-11-01");
    run.cards = vec![("2", many("2", "1")), ("10", many("10", "1")), ("11", many("11", "1"))];
    run.publish(&out).expect("commits");
    let mut run = Run::new("run-2", "2026-11-01", "2026-11-01").kept("2").kept("11");
    run.cards = vec![("10", many("10", "2"))];
    run.publish(&out).expect("commits");
    let path = folder.path().join(partition_path(&CARD_TRANSACTIONS, on));
    let mut txids = Vec::new();
    for batch in open(&path).build().expect("reads") {
        let batch = batch.expect("reads");
        let column = batch.column_by_name("txid").expect("a column").as_string::<i32>().clone();
        txids.extend(column.iter().map(|txid| txid.expect("is there").to_owned()));
    }
    let expected = ["2", "10", "11"].into_iter().flat_map(|card| (0..ROWS).map(move |row| format!("{card}-{row}")));
    assert!(txids.into_iter().eq(expected));
}

fn metadata(out: &Path, dataset: &Dataset) -> ParquetMetaData {
    open(&out.join(partition_path(dataset, day("2026-11-01")))).metadata().as_ref().clone()
}

#[test]
fn parquet_is_what_every_engine_reads() {
    let (folder, out) = directory();
    Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "1").publish(&out).expect("commits");
    for dataset in [&CARD_TRANSACTIONS, &BALANCES] {
        let metadata = metadata(folder.path(), dataset);
        assert_eq!(metadata.file_metadata().version(), 1);
        let written = metadata.file_metadata().schema_descr();
        for (column, declared) in written.columns().iter().zip(dataset.columns) {
            assert_eq!(column.name(), declared.name);
            assert_eq!(column.self_type().is_optional(), declared.nullable, "{}", declared.name);
            let decimal = |scale| Some(LogicalType::decimal(scale, 18));
            let expected = match declared.kind {
                Kind::Text => (Type::BYTE_ARRAY, Some(LogicalType::String)),
                Kind::Money => (Type::INT64, decimal(4)),
                Kind::Rate => (Type::INT64, decimal(8)),
                Kind::Date => (Type::INT32, Some(LogicalType::Date)),
                Kind::Time => (Type::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS))),
                Kind::Count => (Type::INT64, None),
            };
            assert_eq!((column.physical_type(), column.logical_type_ref().cloned()), expected, "{}", declared.name);
        }
        for chunk in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
            assert!(matches!(chunk.compression(), Compression::ZSTD(_)));
            let known = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY];
            assert!(chunk.encodings().all(|encoding| known.contains(&encoding)), "{chunk:?}");
            assert!(chunk.column_index_offset().is_some() && chunk.offset_index_offset().is_some(), "a page index");
        }
    }
}

#[test]
fn the_embedded_arrow_schema_has_wide_decimals_and_meanings() {
    let (folder, out) = directory();
    Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "1").publish(&out).expect("commits");
    let path = folder.path().join(partition_path(&CARD_TRANSACTIONS, day("2026-11-01")));
    let schema = open(&path).schema().clone();
    assert_eq!(schema.fields(), arrow_schema(&CARD_TRANSACTIONS).fields());
    assert_eq!(schema.field_with_name("amount").expect("a field").data_type(), &DataType::Decimal128(18, 4));
    assert_eq!(schema.field_with_name("mcc").expect("a field").metadata()["description"], "Merchant category code");
}

#[test]
fn control_totals_stand_in_the_footer() {
    let (folder, out) = directory();
    Run::new("run-1", "2026-11-01", "2026-11-01").card("900", "1").card("901", "-2.5").publish(&out).expect("commits");
    let metadata = metadata(folder.path(), &CARD_TRANSACTIONS);
    let pairs = metadata.file_metadata().key_value_metadata().expect("has some");
    let value = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone());
    assert_eq!(value("tieout.rows").as_deref(), Some("2"));
    assert_eq!(
        value("tieout.totals").as_deref(),
        Some(r#"[{"currency":"EUR","credits":"1.00","debits":"-2.50","net":"-1.50"}]"#)
    );
    assert_eq!(metadata.file_metadata().created_by(), Some(concat!("tieout version ", env!("CARGO_PKG_VERSION"))));
}
