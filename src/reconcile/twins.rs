//! The check `iban_twin`: a line of the IBAN statement has its line in the account statement, and a line of the account
//! statement that names an IBAN has its twin: same txid, amount and day.
//!
//! A line that moves no balance needs no twin, but is one: statuses may be a moment apart. A txid that stands several
//! times has its twin if one of its rows fits: the rest is a matter of the check `duplicate`.

use std::collections::BTreeMap;

use super::cross::Terms;
use super::facts::{AccountFacts, LineFact, Side};
use super::listed::listed;
use crate::breaks::{Break, Cause, Check, Subject};

/// Compares the two statements; nothing where one of them is not there. A line booked on the day of the run has time
/// until the next one: its twin may have come after the other statement was read.
pub fn check_twins(facts: &AccountFacts, terms: Terms) -> Vec<Break> {
    let (Some(statement), Some(iban_statement)) = (&facts.statements, &facts.iban_statements) else {
        return Vec::new();
    };
    let (lines, twins) = (by_id(statement), by_id(iban_statement));
    let needs_twin = |line: &&LineFact| line.settled && line.inside && line.at.day() < terms.seen_on;
    let mut breaks = Vec::new();
    for (txid, here) in &lines {
        let here: Vec<&LineFact> = here.iter().copied().filter(needs_twin).filter(|line| line.has_iban).collect();
        let there = twins.get(txid).map(Vec::as_slice).unwrap_or_default();
        let other = Other { side: iban_statement, here: "account statement", there: "IBAN statement", is_twin: true };
        breaks.extend(compare(facts, &here, there, &other));
    }
    for (txid, here) in &twins {
        let here: Vec<&LineFact> = here.iter().copied().filter(needs_twin).collect();
        let there = lines.get(txid).map(Vec::as_slice).unwrap_or_default();
        // A pair that differs was told from the account's side if that one names an IBAN.
        if there.iter().any(|line| line.has_iban && needs_twin(line)) {
            continue;
        }
        let other = Other { side: statement, here: "IBAN statement", there: "account statement", is_twin: false };
        breaks.extend(compare(facts, &here, there, &other));
    }
    breaks
}

fn by_id(side: &Side<LineFact>) -> BTreeMap<&str, Vec<&LineFact>> {
    let mut by_id: BTreeMap<&str, Vec<&LineFact>> = BTreeMap::new();
    for line in &side.rows {
        by_id.entry(&line.txid).or_default().push(line);
    }
    by_id
}

/// The other statement, and what the two are called.
struct Other<'a> {
    side: &'a Side<LineFact>,
    here: &'static str,
    there: &'static str,
    /// Whether it is the IBAN statement.
    is_twin: bool,
}

/// The lines of one txid on either side.
fn compare(facts: &AccountFacts, lines: &[&LineFact], found: &[&LineFact], other: &Other<'_>) -> Option<Break> {
    let is_twin = |a: &LineFact, b: &LineFact| a.amount == b.amount && a.at.day() == b.at.day();
    if lines.iter().any(|line| found.iter().any(|twin| is_twin(line, twin))) {
        return None;
    }
    let line = lines.iter().min_by_key(|line| (line.at.utc_micros(), line.amount))?;
    let day = line.at.day();
    let Other { here, there, .. } = other;
    let (txid, amount) = (&line.txid, facts.money(line.amount));
    let mut amounts = None;
    let (cause, explanation) = match found {
        [] if other.side.rejected.names(txid) => return None,
        [] => (Cause::NoCounterpart, format!("txid {txid} of {amount} stands in the {here} but not in the {there}")),
        [twin] if twin.amount == line.amount => (
            Cause::NoCounterpart,
            format!("txid {txid} of {amount} stands in the {here} on {day}, but in the {there} on {}", twin.at.day()),
        ),
        [twin] => {
            let pair = (line.amount, twin.amount);
            amounts = Some(if other.is_twin { pair } else { (pair.1, pair.0) });
            let there_amount = facts.money(twin.amount);
            (Cause::AmountDiffers, format!("txid {txid} is {amount} in the {here}, but {there_amount} in the {there}"))
        }
        several => {
            let mut sums: Vec<String> =
                several.iter().map(|twin| format!("{} on {}", facts.money(twin.amount), twin.at.day())).collect();
            sums.sort();
            let text = listed(sums.into_iter());
            (Cause::Ambiguous, format!("txid {txid} of {amount} on {day} stands in the {there} several times: {text}"))
        }
    };
    Some(Break {
        check: Check::IbanTwin,
        cause,
        owner: facts.owner.clone(),
        subject: Subject::Row(txid.to_string()),
        booking_date: Some(day),
        currency: facts.currency.clone(),
        amounts,
        explanation,
    })
}
