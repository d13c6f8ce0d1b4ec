//! Changes to a row's JSON that leave the rest of its text as it was: rows that arrive, rows that are spoilt.

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::books::{ListedRow, plain_text};
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

/// A row that is posted after this one, in the same second. It moves one unit of money out, or, where rows follow that
/// know nothing of it, none: either way the chain ties.
pub(super) fn follower(row: &ListedRow, id: u64, moves: bool) -> Option<ListedRow> {
    let members = serde_json::from_str::<HashMap<String, &RawValue>>(&row.json).ok()?;
    let balance_name = ["balance_after", "balance"].into_iter().find(|name| members.contains_key(*name));
    let amount = if moves { "1.00" } else { "0.00" };
    let mut json = row.json.clone();
    if let Some(name) = balance_name {
        let balance = Money::parse(&plain_text(members[name])).ok()?;
        let moved = Money::parse(amount).expect("a number");
        json = with_member(&json, name, &format!("\"{}\"", balance.checked_sub(moved)?.text(2)));
    }
    let kind = members.get("type").map_or("D", |kind| if kind.get().len() > 3 { "Debit" } else { "D" });
    let amount = format!("\"{amount}\"");
    for (name, value) in [
        ("txid", format!("\"{id}\"")),
        ("internal_id", format!("\"{id}\"")),
        ("amount", amount.clone()),
        ("amount_fx", amount),
        ("fx", "\"1.000000\"".to_owned()),
        ("fx_fee", "0".to_owned()),
        ("vat_details", "[]".to_owned()),
        ("type", format!("\"{kind}\"")),
        ("description", "\"Arrived while paging\"".to_owned()),
    ] {
        json = with_member(&json, name, &value);
    }
    Some(ListedRow::read(json))
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
        let still = follower(&row, 9, false).expect("a row");
        assert!(still.json.contains(r#""balance_after":"38619.50""#) && still.json.contains(r#""type":"D""#));
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
