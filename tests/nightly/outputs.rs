//! What a run leaves behind: CSV and Parquet as the contract lays them out, the same bytes for the same input.

use std::collections::BTreeMap;
use std::fs;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use sha2::{Digest, Sha256};

use super::support::{Bench, Place, csv_files, rows, tree};

/// Rows of a Parquet file.
pub fn parquet_rows(bytes: &[u8]) -> i64 {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).expect("Parquet");
    reader.metadata().file_metadata().num_rows()
}

#[test]
fn the_demo_leaves_csv_parquet_and_reports() {
    let place = Place::new();
    let ended = place.tieout(&["demo", "--out", "out"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let reports = place.path("out/reports/demo/2026-08-01_2026-10-31");
    let mut names: Vec<String> = fs::read_dir(&reports)
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "account_statements.csv",
            "balances.csv",
            "breaks.csv",
            "card_transactions.csv",
            "credit_transfers.csv",
            "datapackage.json",
            "iban_statements.csv",
            "manifest.json",
            "reconciliation.html",
            "rejects.csv",
            "summary.json",
        ]
    );
    for dataset in ["account_statements", "iban_statements", "card_transactions", "credit_transfers", "balances"] {
        assert!(
            place.path(&format!("out/lake/{dataset}/booking_date=2026-10-25/{dataset}.parquet")).is_file(),
            "{dataset}"
        );
    }
    assert!(place.path("out/tieout.db").is_file());
    assert!(place.path("out/raw/card_transactions").is_dir());
}

#[test]
fn headers_are_the_contracts() {
    let bench = Bench::new();
    bench.run();
    let header = |name: &str| bench.reports()[name].lines().next().expect("a header").to_owned();
    let statements = "acc_id,txid,booking_date,booked_at,amount,currency,balance_after,status,provider_status,description,\
                      executed_at,counterparty_iban,counterparty_bic,comment,virtual_iban";
    assert_eq!(header("account_statements.csv"), statements);
    assert_eq!(header("iban_statements.csv"), statements);
    assert_eq!(
        header("card_transactions.csv"),
        "acc_id,card_ref,txid,booking_date,booked_at,amount,currency,balance_after,status,provider_status,description,\
         transacted_at,amount_fx,currency_fx,fx_rate,fx_fee,mcc,vat_details,failed_code,failed_message"
    );
    assert_eq!(
        header("credit_transfers.csv"),
        "acc_id,internal_id,booking_date,created_at,requested_date,executed_date,amount,currency,status,provider_status,\
         transaction_type,execution_reference,beneficiary_name,beneficiary_iban,beneficiary_bic,reason,source_reason"
    );
    assert_eq!(
        header("balances.csv"),
        "owner_kind,owner_id,currency,booking_date,opening,credits,debits,closing,entries,verdict"
    );
    assert_eq!(
        header("breaks.csv"),
        "break_id,check,cause,owner_kind,owner_id,txid,booking_date,currency,expected,actual,difference,explanation,\
         first_seen,status"
    );
    assert_eq!(header("rejects.csv"), "feed,owner_id,txid,page_sha256,pointer,reason,raw");
}

#[test]
fn on_a_tied_day_opening_and_entries_make_the_closing() {
    let bench = Bench::new();
    bench.run();
    let unscaled = |row: &BTreeMap<String, String>, name: &str| {
        tieout::record::Money::parse(&row[name]).expect("an amount").unscaled()
    };
    let balances = rows(&bench.reports()["balances.csv"]);
    assert!(balances.len() > 300);
    let tied: Vec<_> = balances.iter().filter(|row| row["verdict"] == "tied").collect();
    assert!(tied.len() + 3 >= balances.len(), "three breaks break three days at most");
    for row in tied {
        let sum = unscaled(row, "opening") + unscaled(row, "credits") + unscaled(row, "debits");
        assert_eq!(sum, unscaled(row, "closing"), "{row:?}");
    }
}

#[test]
fn the_lake_holds_the_rows_of_the_reports_with_the_contracts_types() {
    let bench = Bench::new();
    bench.run();
    let reports = bench.reports();
    for dataset in ["account_statements", "iban_statements", "card_transactions", "credit_transfers", "balances"] {
        let files = tree(&bench.place.path(&format!("out/lake/{dataset}")));
        let mut in_lake = 0;
        let mut cents = 0_i128;
        for (path, bytes) in &files {
            let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).expect("Parquet");
            let day = path.iter().next().expect("a folder").to_string_lossy().replace("booking_date=", "");
            for row in reader.get_row_iter(None).expect("rows") {
                let row = row.expect("a row");
                in_lake += 1;
                for (name, field) in row.get_column_iter() {
                    match (name.as_str(), field) {
                        ("booking_date", Field::Date(days)) => {
                            assert_eq!(tieout::record::Day::from_epoch_days(*days).expect("a day").to_string(), day);
                        }
                        ("amount" | "closing", Field::Decimal(decimal)) => {
                            let bytes: [u8; 8] = decimal.data().try_into().expect("INT64");
                            cents += i128::from(i64::from_be_bytes(bytes));
                        }
                        _ => {}
                    }
                }
            }
            let schema = reader.metadata().file_metadata().schema_descr();
            for column in schema.columns() {
                match column.name() {
                    "amount" | "balance_after" | "opening" => {
                        assert_eq!(column.physical_type(), Type::INT64);
                        assert_eq!((column.type_precision(), column.type_scale()), (18, 4));
                        assert_eq!(column.converted_type(), ConvertedType::DECIMAL);
                    }
                    "fx_rate" => assert_eq!((column.type_precision(), column.type_scale()), (18, 8)),
                    "booking_date" => assert_eq!(column.converted_type(), ConvertedType::DATE),
                    "booked_at" => assert!(matches!(column.logical_type_ref(), Some(LogicalType::Timestamp(_)))),
                    "description" => assert_eq!(column.converted_type(), ConvertedType::UTF8),
                    _ => {}
                }
            }
        }
        let in_csv = rows(&reports[&format!("{dataset}.csv")]);
        assert_eq!(in_lake, in_csv.len(), "{dataset}");
        let column = if dataset == "balances" { "closing" } else { "amount" };
        let sum: i128 = in_csv
            .iter()
            .map(|row| i128::from(tieout::record::Money::parse(&row[column]).expect("an amount").unscaled()))
            .sum();
        assert_eq!(cents, sum, "{dataset}");
    }
}

#[test]
fn texts_that_would_run_as_formulas_are_neutralised_in_csv_alone() {
    let bench = Bench::new();
    bench.run();
    let reports = bench.reports();
    let column = |feed: &str, name: &str| -> Vec<String> {
        rows(&reports[&format!("{feed}.csv")]).iter().map(|row| row[name].clone()).collect()
    };
    let mut texts = column("card_transactions", "description");
    texts.extend(column("account_statements", "comment"));
    for start in ["'=", "'+", "'-"] {
        assert!(texts.iter().any(|text| text.starts_with(start)), "the sample holds formulas: {start}");
    }
    assert!(!texts.iter().any(|text| text.starts_with(['=', '+', '-', '@', '\t', '\r'])));
    let lake: Vec<u8> = tree(&bench.place.path("out/lake/account_statements"))
        .into_values()
        .flat_map(|bytes| texts_of(&bytes))
        .collect();
    let lake = String::from_utf8(lake).expect("UTF-8");
    assert!(lake.lines().any(|text| text == "=1+1") && !lake.contains("'="), "as sent");
}

fn texts_of(bytes: &[u8]) -> Vec<u8> {
    let reader = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).expect("Parquet");
    let mut texts = Vec::new();
    for row in reader.get_row_iter(None).expect("rows") {
        for (name, field) in row.expect("a row").get_column_iter() {
            if let ("comment", Field::Str(text)) = (name.as_str(), field) {
                texts.extend(text.bytes());
                texts.push(b'\n');
            }
        }
    }
    texts
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (first, second) = (Bench::new(), Bench::new());
    assert_eq!((first.run().code, second.run().code), (3, 3));
    // Again into the same directory: the window is replaced as a whole.
    assert_eq!(first.run().code, 3);
    assert!(first.reports() == second.reports());
    assert!(tree(&first.place.path("out/lake")) == tree(&second.place.path("out/lake")));
}

#[test]
fn the_manifest_speaks_of_every_file_as_it_is() {
    let bench = Bench::new();
    bench.run();
    let reports = bench.place.path("out/reports/demo/2026-08-01_2026-10-31");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(reports.join("manifest.json")).expect("a file")).expect("JSON");
    let files = manifest["files"].as_array().expect("a list");
    let mut told = Vec::new();
    for file in files {
        let path = file["path"].as_str().expect("a path");
        let place = if path.starts_with("lake/") { bench.place.path("out").join(path) } else { reports.join(path) };
        let bytes = fs::read(&place).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(file["bytes"], bytes.len(), "{path}");
        assert_eq!(file["sha256"], format!("{:x}", Sha256::digest(&bytes)), "{path}");
        told.push(path.to_owned());
    }
    for name in csv_files(&reports).keys() {
        assert!(told.contains(name), "{name}");
    }
    assert_eq!(told.iter().filter(|path| path.starts_with("lake/")).count(), tree(&bench.place.path("out/lake")).len());
}

#[test]
fn a_feed_that_the_job_leaves_out_writes_no_file_and_one_without_rows_a_header() {
    let bench = Bench::new();
    bench.write_job("window = { from = \"2020-01-01\", to = \"2020-01-31\" }\nfeeds = [\"card_transactions\"]", "");
    let ended = bench.run();
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let files = csv_files(&bench.place.path("out/reports/demo/2020-01-01_2020-01-31"));
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        ["balances.csv", "breaks.csv", "card_transactions.csv", "rejects.csv"]
    );
    assert!(files.values().all(|text| text.lines().count() == 1));
}

#[test]
fn formats_choose_what_is_written() {
    let bench = Bench::new();
    let job = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
    for (formats, csv, lake) in [("\"csv\"", true, false), ("\"parquet\"", false, true)] {
        bench.place.write("job.toml", &format!("{job}\n[output]\nformats = [{formats}]\n"));
        let out = format!("out-{csv}");
        assert_eq!(bench.run_into(&out).code, 3);
        assert_eq!(!csv_files(&bench.place.path(&out).join("reports/demo/2026-08-01_2026-10-31")).is_empty(), csv);
        assert_eq!(bench.place.path(&out).join("lake").exists(), lake);
    }
}

/// A lake that an earlier run wrote is still right where the rows are the same.
#[test]
fn a_run_of_csv_alone_leaves_a_lake_that_verifies() {
    let bench = Bench::new();
    assert_eq!(bench.run().code, 3);
    let job = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
    bench.place.write("job.toml", &format!("{job}\n[output]\nformats = [\"csv\"]\n"));
    assert_eq!(bench.run().code, 3);
    let verified = bench.place.tieout(&["verify", "--out", "out"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}
