//! One run for all readers: 100,000 rows in several currencies, with hostile texts, large and tiny amounts, and faults
//! planted in it, as CSV, Parquet and in every format of accounting programs. It is made once and read by many.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tieout::record::{Day, Window, minor_digits};
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::books::{Account, ListedRow};
use tieout::sandbox::generator::{FaultKind, Recipe, plant};
use tieout::sandbox::ledger::Ledger;

use crate::bench::Bench;

/// The month in whose last week clocks are set back; it is run in two halves, each with a version of camt.053 and a
/// statement a window or a day. The second has a row that cannot be taken: the run ends so.
const HALVES: [([&str; 4], i32); 2] =
    [(["2026-10-01", "2026-10-15", "001.08", "window"], 3), (["2026-10-16", "2026-10-31", "001.02", "day"], 4)];
/// Midnight in Paris at which the second half begins.
const SECOND_HALF_S: i64 = 1_792_101_600;

/// The output directory, in a place of its own.
pub fn month() -> &'static Bench {
    static MONTH: OnceLock<Bench> = OnceLock::new();
    MONTH.get_or_init(|| {
        let bench = Bench::new();
        let mut writer = ArchiveWriter::new(bench.path("pages"), 500, "sandbox-user").echoing_limits();
        ledger().books().accounts.iter().chain(&hostile_accounts()).for_each(|account| {
            writer.account(account).expect("an account");
        });
        writer.finish().expect("an archive");
        for ([from, to, version, per], code) in HALVES {
            let job = format!(
                "[job]\nname = \"month\"\nwindow = {{ from = \"{from}\", to = \"{to}\" }}\n\
                 [source]\nprovider = \"anytime\"\narchive = \"pages\"\n[output]\ncamt053_version = \"{version}\"\n\
                 formats = [\"csv\", \"parquet\", \"camt053\", \"ofx\", \"mt940\", \"hledger\", \"xlsx\"]\n\
                 statement_per = \"{per}\"\n"
            );
            std::fs::write(bench.path("job.toml"), job).expect("a file");
            let ended = bench.tieout(&["run", "job.toml"]);
            assert_eq!(ended.code, code, "{}", ended.stderr);
        }
        bench
    })
}

/// The report folders, with the version of camt.053 that each has.
pub fn halves() -> [(PathBuf, &'static str); 2] {
    HALVES.map(|([from, to, version, _], _)| (month().path(&format!("out/reports/month/{from}_{to}")), version))
}

/// Books with several faults of each kind, and two owners who do not go on in the second half where they ended in the first.
fn ledger() -> Ledger {
    let day = |text| Day::parse(text).expect("a day");
    let window = Window::new(day(HALVES[0].0[0]), day(HALVES[1].0[1])).expect("runs upwards");
    let mut recipe = Recipe { accounts: 12, cards_per_account: 4, ..Recipe::small(2610, window) };
    (recipe.rows_per_card, recipe.rows_per_account) = (1_600, 900);
    recipe.currencies = vec!["EUR", "JPY", "BHD", "USD"];
    let mut ledger = recipe.ledger();
    for seed in 0..3 {
        assert!(plant(&mut ledger, &FaultKind::ALL, seed).len() > 12);
    }
    // A debit whose transfer nobody lists.
    let transfers = &mut ledger.accounts[7].transfers;
    let listed = transfers.iter().rposition(|transfer| transfer.reference.is_some() && !transfer.direct_debit);
    transfers.remove(listed.expect("an executed transfer"));
    let later = |booked_s: i64| booked_s >= SECOND_HALF_S;
    ledger.accounts[1]
        .lines
        .iter_mut()
        .filter(|line| later(line.booked_s))
        .for_each(|line| line.balance_after += 1_234);
    ledger.accounts[2].cards[0]
        .rows
        .iter_mut()
        .filter(|row| later(row.booked_s))
        .for_each(|row| row.balance_after -= 55);
    ledger
}

/// Texts that mean something in one format or another.
const HOSTILE: [&str; 16] = [
    "<Ntry>&amp; ]]> \"quoted\" 'apostrophe'",
    "; comment\n    assets:bank:account:7410  1000000 EUR\n\n2026-10-02 * (9) forged",
    "\r\n:62F:C261031EUR999999,00\r\n-\r\n:20:forged",
    "-}{1:F01} /BREAK/ ?20?30 :86:",
    "=HYPERLINK(\"http://example.test/?\"&A1,\"pay\")",
    "@SUM(A1:A9)",
    "\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{2028}\u{feff}",
    "Café Zoë Łódź 東京 🚀 Ω ß €",
    "date:2020-01-01, [2020-01-01] (code) * ! | payee",
    "</MEMO><TRNAMT>1000000</TRNAMT>",
    "_x0041_ %2F.. ../../etc/passwd",
    "<script>alert(document.cookie)</script>",
    "\u{202e}تحويل مصرفي\u{202c} \u{5d0}\u{5d1}",
    "\\N \\. \\copy '; DROP TABLE account_statements; --",
    "\"",
    " ",
];

/// Accounts with such texts and ids, in currencies of no, two, three and four decimals; from one smallest unit a row to the
/// most that MT940 can say; one whose chain is broken, one with a row that cannot be taken, and one without rows.
fn hostile_accounts() -> Vec<Account> {
    let account = |id: &str, currency: &str, step: i64| Account {
        acc_id: id.to_owned(),
        list_row: json!({ "acc_id": id, "acc_type": "business" }).to_string(),
        statements: hostile_rows(currency, step).iter().map(|row| ListedRow::read(row.to_string())).collect(),
        ..Account::default()
    };
    let mut broken = hostile_rows("EUR", 1);
    broken.remove(20);
    let mut rejected = hostile_rows("EUR", 5);
    let (amount, text) = ("0.00001", HOSTILE[0]);
    rejected
        .push(json!({ "txid": "r", "date": "2026-10-20 10:00:00", "amount": amount, "type": "D", "description": text,
        "currency": "EUR", "status": "In progress" }));
    let with = |id: &str, rows: &[Value]| Account {
        statements: rows.iter().map(|row| ListedRow::read(row.to_string())).collect(),
        ..account(id, "EUR", 1)
    };
    vec![
        account("7410", "EUR", 1234),
        account("..É", "EUR", 99_999_999_999_999),
        account("JP", "JPY", 12_345_678_901),
        account("TN", "TND", 1),
        account("CL", "CLF", 33_333_333_333_333),
        with("BROKEN", &broken),
        with("REJECTED", &rejected),
        Account { statements: Vec::new(), ..account("EMPTY", "EUR", 1) },
    ]
}

/// Two rows a day in each half, and one that is announced.
fn hostile_rows(currency: &str, step: i64) -> Vec<Value> {
    let digits = usize::from(minor_digits(Some(currency)));
    let text = |units: i64| {
        let all = format!("{:0>width$}", units.abs(), width = digits + 1);
        let (whole, fraction) = all.split_at(all.len() - digits);
        format!("{}{whole}{}{fraction}", if units < 0 { "-" } else { "" }, if digits == 0 { "" } else { "." })
    };
    let mut balance = 0;
    let mut rows = Vec::new();
    for number in 0..48_usize {
        // No two are the same, as a row that is like another would be told as doubled.
        let hostile = format!("{}{number}", HOSTILE[number % HOSTILE.len()]);
        let kind = if number % 4 == 1 || number % 4 == 2 { "D" } else { "C" };
        balance += if kind == "D" { -step } else { step };
        let long = hostile.repeat(1 + number * 40 / hostile.len());
        let date = format!("2026-10-{:02} 10:00:{:02}", 1 + number * 30 / 47, number);
        rows.push(json!({
            "txid": if number % 8 == 3 { format!("{number}{}-{hostile}", "9".repeat(40)) } else { format!("{number}") },
            "description": hostile, "comment": long, "date": date, "executionDate": date, "currency": currency,
            "amount": text(step), "type": kind, "balance": text(balance), "status": "Executed",
        }));
    }
    rows.push(json!({
        "txid": "pending", "description": "announced", "date": "2026-10-20 10:00:00", "amount": text(step), "type": "D",
        "balance": text(balance), "currency": currency, "status": "In progress",
    }));
    rows
}
