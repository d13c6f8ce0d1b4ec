//! Changes to a row's JSON that leave the rest of its text as it was: rows that arrive, rows that are spoilt.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::books::{ListedRow, member, plain_text};
use super::fault::BadRow;
use crate::record::Money;

/// The row with one member's value replaced; as it was when it has no such member.
pub(super) fn with_member(json: &str, name: &str, value: &str) -> String {
    let Ok(members) = serde_json::from_str::<HashMap<String, &RawValue>>(json) else {
        return json.to_owned();
    };
    let Some(found) = members.get(name) else {
        return json.to_owned();
    };
    // The value is a part of `json`, so its place is the distance between the two.
    let from = found.get().as_ptr() as usize - json.as_ptr() as usize;
    let to = from + found.get().len();
    format!("{}{value}{}", &json[..from], &json[to..])
}

/// Spoils a row.
pub(super) fn spoilt(json: &str, how: BadRow) -> String {
    let quoted =
        |id: &str| json.contains(&format!("\"{id}\"")).then(|| json.replacen(&format!("\"{id}\""), "\"_id\"", 1));
    match how {
        BadRow::Amount => with_member(json, "amount", "\"12,50 EUR\""),
        BadRow::Decimals => with_member(json, "amount", "9194.4999999999991"),
        BadRow::Huge => with_member(json, "amount", "123456789012345678901234567890"),
        BadRow::Date => ["date", "creation_date"]
            .iter()
            .fold(json.to_owned(), |json, name| with_member(&json, name, "\"31/12/2026\"")),
        BadRow::NoId => quoted("txid").or_else(|| quoted("internal_id")).unwrap_or_else(|| json.to_owned()),
        BadRow::Null => "null".to_owned(),
        BadRow::Number => "42".to_owned(),
    }
}

/// Whether a row is one that moves a balance, so that another can follow it.
pub(super) fn is_settled(row: &ListedRow) -> bool {
    let Ok(members) = serde_json::from_str::<HashMap<String, &RawValue>>(&row.json) else {
        return false;
    };
    members.get("status").is_none_or(|status| matches!(plain_text(status).as_str(), "S" | "Executed"))
}

/// A row that is posted after this one. It moves one unit of money out, or, where rows stand beside or after it that know
/// nothing of that, none: either way the chain ties. It has no counterpart elsewhere, and needs none.
pub(super) fn follower(row: &ListedRow, id: u64, moves: bool) -> Option<ListedRow> {
    let members = serde_json::from_str::<HashMap<String, &RawValue>>(&row.json).ok()?;
    let amount = if moves { "1.00" } else { "0.00" };
    let kind = members.get("type").map_or("D", |kind| if kind.get().len() > 3 { "Debit" } else { "D" });
    let mut changes = vec![
        ("amount", format!("\"{amount}\"")),
        ("amount_fx", format!("\"{amount}\"")),
        ("fx", "\"1.000000\"".to_owned()),
        ("fx_fee", "0".to_owned()),
        ("vat_details", "[]".to_owned()),
        ("iban", "[]".to_owned()),
        ("type", format!("\"{kind}\"")),
        ("description", "\"Arrived while paging\"".to_owned()),
    ];
    if let Some(name) = balance_name(&row.json) {
        let balance = Money::parse(&plain_text(members[name])).ok()?;
        let moved = Money::parse(amount).expect("a number");
        changes.push((name, format!("\"{}\"", balance.checked_sub(moved)?.text(2))));
    }
    if members.contains_key("internal_id") {
        changes.extend([("internal_id", format!("\"{id}\"")), ("status", "\"In progress\"".to_owned())]);
        changes
            .extend(["execution_reference", "execution_date", "executionDate"].map(|name| (name, "null".to_owned())));
    } else {
        changes.push(("txid", format!("\"{id}\"")));
        let date = plain_text(members.get("date")?);
        let later = if moves { a_second_later(&date) } else { date };
        changes.push(("date", format!("\"{later}\"")));
    }
    let json = changes.iter().fold(row.json.clone(), |json, (name, value)| with_member(&json, name, value));
    Some(ListedRow::read(json))
}

/// The member that holds a row's balance.
pub(super) fn balance_name(json: &str) -> Option<&'static str> {
    ["balance_after", "balance"].into_iter().find(|name| member(json, name).is_some())
}

/// The next second of the same minute; the same second at the minute's end.
fn a_second_later(date: &str) -> String {
    let seconds = date.get(17..19).and_then(|text| text.parse::<u32>().ok()).filter(|seconds| *seconds < 59);
    seconds.map_or_else(|| date.to_owned(), |seconds| format!("{}{:02}", &date[..17], seconds + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"txid":"8", "amount":9194.50,"type":"C","balance_after":"38619.50","status":"S","date":"2016-07-03 08:37:27"}"#;

    #[test]
    fn one_member_changes_and_the_rest_stays() {
        let expected = ROW.replace("9194.50", "1");
        assert_eq!(with_member(ROW, "amount", "1"), expected);
        assert_eq!(with_member(ROW, "nothing", "1"), ROW);
        assert_eq!(with_member("17", "amount", "1"), "17");
    }

    #[test]
    fn a_follower_ties() {
        let row = ListedRow::read(ROW);
        let moved = follower(&row, 9, true).expect("a row");
        assert!(moved.json.contains(r#""balance_after":"38618.50""#) && moved.json.contains(r#""amount":"1.00""#));
        assert_eq!((moved.id.as_str(), moved.booked), ("9", row.booked));
        assert!(moved.json.contains("08:37:28"));
        let still = follower(&row, 9, false).expect("a row");
        assert!(still.json.contains(r#""balance_after":"38619.50""#) && still.json.contains(r#""type":"D""#));
        assert_eq!(a_second_later("2026-10-31 23:59:59"), "2026-10-31 23:59:59");
    }

    #[test]
    fn a_transfer_that_arrives_is_not_executed_yet() {
        let row = r#"{"internal_id":7,"execution_reference":"1","status":"Executed","amount":3,"execution_date":"2026-08-01"}"#;
        let expected = r#"{"internal_id":"8","execution_reference":null,"status":"In progress","amount":"0.00","execution_date":null}"#;
        assert_eq!(follower(&ListedRow::read(row), 8, false).expect("a row").json, expected);
    }

    #[test]
    fn a_spoilt_row_is_still_json() {
        for how in
            [BadRow::Amount, BadRow::Decimals, BadRow::Huge, BadRow::Date, BadRow::NoId, BadRow::Null, BadRow::Number]
        {
            let spoilt = spoilt(ROW, how);
            assert_ne!(spoilt, ROW, "{how:?}");
            serde_json::from_str::<serde_json::Value>(&spoilt).expect("JSON");
        }
    }
}
