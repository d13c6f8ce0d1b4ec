//! Statement files are written and read back entry by entry: they cost no memory that grows with the owner's rows.

use std::process::Command;

use serde_json::json;
use tieout::sandbox::books::{Account, Books, ListedRow};

use super::place::Place;
use super::programs::python;

const ROWS: i64 = 20_000;
/// Beyond what CSV takes. Entries, file and what is read back would be four times as much for camt.053 alone.
const MORE_MB_MAX: u64 = 16;

/// Runs a program; prints the most memory that it had, in MB.
const PEAK: &str = "import resource, subprocess, sys\n\
    ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n\
    assert ended.returncode == 0, ended.returncode\n\
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)";

fn books() -> Books {
    let row = |number: i64| {
        let (second, kind) = (number * 5, if number % 2 == 0 { "C" } else { "D" });
        let (day, second) = (1 + second / 86_400, second % 86_400);
        let at = format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        let row = json!({
            "txid": number.to_string(), "date": format!("2026-09-{day:02} {at}"), "amount": "12.34", "type": kind,
            "balance": if number % 2 == 0 { "12.34" } else { "0.00" }, "currency": "EUR", "status": "Executed",
            "description": format!("Virement reçu de Société Anonyme numéro {number}"),
            "comment": format!("Facture {number} du mois de septembre, merci"),
            "iban": { "iban": "FR7630006000011234567890189", "swift": "AGRIFRPP" },
        });
        ListedRow::read(row.to_string())
    };
    let list_row = json!({ "acc_id": "7", "acc_type": "business" }).to_string();
    let account =
        Account { acc_id: "7".to_owned(), list_row, statements: (0..ROWS).map(row).collect(), ..Account::default() };
    Books { accounts: vec![account] }
}

#[test]
fn an_owners_statements_are_never_in_memory_as_a_whole() {
    let place = Place::with(&books());
    let peak_mb = |formats: &str, out: &str| -> u64 {
        place.write_job("feeds = [\"account_statements\"]", &format!("formats = [{formats}]"));
        let ended = Command::new(python())
            .args(["-c", PEAK, env!("CARGO_BIN_EXE_tieout"), "run", "job.toml", "--out", out])
            .current_dir(place.path("."))
            .output()
            .expect("Python runs");
        let told = String::from_utf8(ended.stdout).expect("a number");
        told.trim().parse().unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ended.stderr)))
    };
    let csv = peak_mb("\"csv\"", "csv");
    let all = peak_mb("\"csv\", \"camt053\", \"ofx\", \"mt940\", \"hledger\", \"xlsx\"", "all");
    let file = std::fs::metadata(place.reports("all").join("camt053/account-7.xml")).expect("written").len();
    assert!(file >> 20 > MORE_MB_MAX, "the file is larger than what may be held");
    assert!(all < csv + MORE_MB_MAX, "{csv} MB for CSV, {all} MB with statements");
}
