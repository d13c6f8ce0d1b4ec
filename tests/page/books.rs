//! An archive in which everything is wrong at once, with texts that would run if they were not texts.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

/// What must be shown to the letter, and never run.
pub const HOSTILE: [&str; 4] = [
    "<script>window.pwned = true; alert(1)</script>",
    "\"><img src=\"https://example.com/x\" onerror=\"window.pwned = true\">",
    "</style></script><script>window.pwned = true</script>",
    "{{ run_id }}{% for x in y %}' onmouseover='alert(2)",
];

/// A card whose reference is hostile, too.
pub const CARD: &str = "ANY<b onclick=alert(3)>7";

fn response(request_id: u32, body: &Value) -> String {
    json!({ "request_id": request_id, "type_response": "sync", "timestamp": 1, "hash": "0", "body": body }).to_string()
}

fn line(txid: u32, day: u32, cents: i64, balance: i64, description: &str, iban: Option<&str>) -> Value {
    let kind = if cents < 0 { "Debit" } else { "Credit" };
    json!({
        "txid": txid, "description": description, "date": format!("2026-03-{day:02} 10:00:00"),
        "amount": money(cents.abs()), "type": kind, "balance": money(balance), "currency": "EUR",
        "iban": iban.map(|iban| json!([{ "iban": iban, "swift": "ABNANL2A" }])).unwrap_or(json!([])),
        "comment": HOSTILE[1], "status": "Executed", "executionDate": format!("2026-03-{day:02} 10:00:00"),
    })
}

fn money(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

fn card_row(txid: u32, day: u32, cents: i64, balance: i64, description: &str) -> Value {
    json!({
        "txid": format!("c{txid}"), "mcc": "1", "amount": money(cents.abs()), "amount_fx": money(cents.abs()),
        "currency": "EUR", "fx": "1.000000", "fx_fee": 0, "status": "S", "type": if cents < 0 { "D" } else { "C" },
        "balance_after": money(balance), "date": format!("2026-03-{day:02} 08:37:27"), "description": description,
    })
}

/// Writes the archive. `first` is the amount of the second row in cents: another one the next time is a restatement.
pub fn write(folder: &Path, first: i64) {
    let mut balance = 123_456_700;
    let mut statements = Vec::new();
    for txid in 1..=9_u32 {
        let cents = if txid == 2 { first } else { -1_000 * i64::from(txid) };
        balance += cents;
        // One altered balance: the chain closes around it.
        let off = if txid == 6 { 1_250 } else { 0 };
        let iban = (txid == 8).then_some("NL60ABNA0733842019");
        let description = if txid == 5 { HOSTILE[0] } else { HOSTILE[3] };
        statements.push(line(txid, txid + 1, cents, balance + off, description, iban));
    }
    let mut rejected = line(77, 4, -100, 0, HOSTILE[2], None);
    rejected["amount"] = json!("1.23456789");
    let transfer = json!({
        "internal_id": "t1", "sender_account_id": 1, "sender_account_type": "business",
        "execution_reference": "342611267088", "transaction_type": "ct", "beneficiary_name": HOSTILE[2],
        "beneficiary_iban": "NL60ABNA0733842019", "beneficiary_swift": "ABNANL2A", "reason": "r", "source_reason": "s",
        "status": "Executed", "amount": 99.5, "currency": "EUR", "creation_date": "2026-03-04 10:00:00",
        "request_date": "2026-03-04", "execution_date": "2026-03-04",
    });
    let cards = [card_row(1, 2, 10_000, 10_000, HOSTILE[0]), card_row(2, 3, -500, 9_999, HOSTILE[2])];
    let files = [
        ("account_statements", response(501, &json!({ "acc_id": "1", "transactions": statements }))),
        ("iban_statements", response(502, &json!({ "acc_id": "1", "transactions": [rejected] }))),
        ("card_transactions", response(503, &json!({ "acc_id": "1", "card_ref": CARD, "transactions": cards }))),
        ("credit_transfers", response(504, &json!({ "credit-transfers": [transfer] }))),
    ];
    for (feed, text) in files {
        std::fs::create_dir_all(folder.join(feed)).expect("a folder");
        std::fs::write(folder.join(feed).join("1.json"), text).expect("a file");
    }
}

/// A job that reads it.
pub fn job(archive: &Path, locale: &str) -> String {
    let mut job = String::new();
    write!(
        job,
        "[job]\nname = \"page\"\nwindow = {{ from = \"2026-03-01\", to = \"2026-03-31\" }}\n\
         [source]\nprovider = \"anytime\"\narchive = '{}'\n[report]\nlocale = \"{locale}\"\n",
        archive.display()
    )
    .expect("a text takes any text");
    job
}
