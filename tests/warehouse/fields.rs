//! Every field that the declaration names as the source of a column: what stands there comes out in that column.

use std::collections::HashMap;

use serde_json::{Value, json};
use tieout::record::dataset::CARD_TRANSACTIONS;
use tieout::record::sources::PROVIDERS;
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::books::{Account, Card, ListedRow};

use crate::bench::Bench;

/// A row with one field set, in an account (and card) of its own.
struct Case {
    dataset: &'static str,
    column: &'static str,
    field: &'static str,
    /// The id of its account, of its card, and of the same row without the field.
    ids: [String; 2],
}

/// The fields that a text names: what stands in backticks.
fn named(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split('`').skip(1).step_by(2)
}

/// The least that a row must say.
fn least(dataset: &str, id: &str) -> Value {
    match dataset {
        "credit_transfers" => {
            json!({ "internal_id": id, "sender_account_id": id, "creation_date": "2026-03-01T09:00:00+01:00", "amount": "1.00",
            "status": "Executed" })
        }
        _ => json!({ "txid": id, "date": "2026-03-01 09:00:00", "amount": "1.00", "type": "C" }),
    }
}

/// A value that a row does not have of itself.
fn sample(dataset: &str, field: &str) -> Value {
    match field {
        "status" if dataset == "card_transactions" => json!("P"),
        "type" => json!("D"),
        "status" => json!("In progress"),
        "amount"
        | "balance"
        | "balance_after"
        | "amount_fx"
        | "fx"
        | "fx_fee"
        | "vat_details[].rate"
        | "vat_details[].amount" => json!("7.31"),
        "date" | "date_transaction" | "creation_date" | "executionDate" => json!("2026-03-05 10:00:00"),
        "execution_date" | "request_date" => json!("2026-03-05"),
        "currency" | "acc_currency" => json!("USD"),
        "mcc" => json!("5812"),
        "sender_account_id" | "txid" | "internal_id" => json!("424242"),
        _ => json!(format!("here {field}")),
    }
}

fn set(row: &mut Value, dataset: &str, field: &str) {
    let mut place = row;
    let (path, last) = field.rsplit_once('.').map_or(("", field), |(path, last)| (path, last));
    if let Some(list) = path.strip_suffix("[]") {
        let other = if last == "rate" { "amount" } else { "rate" };
        place[list] = json!([{ other: "1.00" }]);
        place = &mut place[list][0];
    } else if !path.is_empty() {
        place[path] = json!({});
        place = &mut place[path];
    }
    place[last] = sample(dataset, field);
}

/// The account of a case, with or without its field.
fn account(case: &Case, id: &str, is_set: bool) -> Account {
    let mut row = least(case.dataset, id);
    // The currency of its account tells a card's own currency from that of a payment.
    let mut details = json!({ "acc_id": id, "acc_type": "business" });
    if case.column == "currency_fx" {
        (details["acc_currency"], row["amount_fx"]) = (json!("CHF"), json!("2.00"));
    }
    if case.column == "amount_fx" && case.field == "type" {
        row["amount_fx"] = json!("2.00");
    }
    if is_set && case.field == "acc_currency" {
        details["acc_currency"] = sample(case.dataset, case.field);
    } else if is_set {
        set(&mut row, case.dataset, case.field);
    }
    let rows = vec![ListedRow::read(row.to_string())];
    let mut account = Account {
        acc_id: id.to_owned(),
        list_row: json!({ "acc_id": id, "acc_type": "business" }).to_string(),
        details: details.to_string(),
        ..Account::default()
    };
    match case.dataset {
        "account_statements" => account.statements = rows,
        "iban_statements" => account.iban_statements = rows,
        "credit_transfers" => account.credit_transfers = rows,
        _ => {
            account.cards = vec![Card {
                card_ref: id.to_owned(),
                list_row: json!({ "card_ref": id, "status": "1" }).to_string(),
                details: "{}".to_owned(),
                transactions: rows,
            }];
        }
    }
    account
}

#[test]
fn what_stands_in_a_field_comes_out_in_its_column() {
    let [anytime] = PROVIDERS;
    let mut cases = Vec::new();
    for filled in anytime.datasets {
        for (column, text) in filled.fields {
            for field in named(text) {
                let number = 1_000 + 2 * cases.len();
                let ids = [number, number + 1].map(|id| id.to_string());
                cases.push(Case { dataset: filled.dataset, column, field, ids });
            }
        }
    }
    assert!(cases.len() > 80, "{}", cases.len());
    let bench = Bench::new();
    let mut writer = ArchiveWriter::new(bench.path("pages"), 100, "sandbox-user").echoing_limits();
    for case in &cases {
        for (id, is_set) in case.ids.iter().zip([true, false]) {
            writer.account(&account(case, id, is_set)).expect("an account");
        }
    }
    writer.finish().expect("an archive");
    let job = "[job]\nname = \"fields\"\nwindow = { from = \"2026-03-01\", to = \"2026-03-31\" }\n\
               [source]\nprovider = \"anytime\"\narchive = \"pages\"\n[output]\nformats = [\"csv\"]\n";
    std::fs::write(bench.path("job.toml"), job).expect("a file");
    let ended = bench.tieout(&["run", "job.toml"]);
    assert!([3, 4].contains(&ended.code), "{}", ended.stderr);
    let rows = rows(&bench);
    for Case { dataset, column, field, ids } in &cases {
        let cell = |id: &String| {
            let row =
                rows.get(&(*dataset, id.clone())).unwrap_or_else(|| panic!("{dataset}: no row of {column}, {field}"));
            row[*column].clone()
        };
        let (with, without) = (cell(&ids[0]), cell(&ids[1]));
        assert_ne!(with, without, "{dataset}: `{field}` does not come out in {column}");
        if let Some(text) = sample(dataset, field).as_str().filter(|text| text.starts_with("here ")) {
            assert_eq!(with, text, "{dataset}: `{field}` comes out in {column} as something else");
        }
    }
}

/// The rows of all datasets by the id of their account or row; where both are of the case, its own id comes first.
fn rows(bench: &Bench) -> HashMap<(&'static str, String), HashMap<String, String>> {
    let mut rows = HashMap::new();
    for dataset in ["account_statements", "iban_statements", CARD_TRANSACTIONS.name, "credit_transfers"] {
        let path = bench.path(&format!("out/reports/fields/2026-03-01_2026-03-31/{dataset}.csv"));
        for row in csv::Reader::from_path(path).expect("opens").deserialize::<HashMap<String, String>>() {
            let row = row.expect("a row");
            let id = if row.contains_key("internal_id") { &row["internal_id"] } else { &row["acc_id"] };
            let id = if id == "424242" { &row["acc_id"] } else { id };
            rows.insert((dataset, id.clone()), row);
        }
    }
    rows
}
