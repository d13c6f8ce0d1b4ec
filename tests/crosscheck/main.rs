//! The checks between feeds: each cause with its sentence, clean books without a break, planted faults found.

#![allow(missing_docs, reason = "a test crate has no readers of its docs")]

mod closing;
mod live;
mod loads;
mod many;
mod once;
mod seeds;
mod transfers;
mod twins;

use tieout::breaks::{Break, Subject};
use tieout::reconcile::Terms;
use tieout::reconcile::facts::{AccountFacts, LineFact, Side};
use tieout::record::{Clock, Day, Money, Owner, Stamp, Window, Zone};

pub fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

/// March 2026, read long after.
pub fn march() -> Terms {
    let window = Window::new(day("2026-03-01"), day("2026-03-31")).expect("a window");
    Terms { window, transfer_days: 3, seen_on: day("2026-05-01") }
}

pub fn money(text: &str) -> Money {
    Money::parse(text).expect("an amount")
}

/// A time of March 2026, such as `02 14:10`.
pub fn at(text: &str) -> Stamp {
    let mut clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    clock.parse(&format!("2026-03-{text}:00")).expect("a time")
}

/// An account's line without IBAN.
pub fn line(txid: &str, when: &str, amount: &str, text: &str) -> LineFact {
    let at = at(when);
    LineFact {
        txid: txid.into(),
        at,
        amount: money(amount),
        balance: None,
        settled: true,
        inside: march().window.contains(at.day()),
        iban: None,
        has_iban: false,
        text: text.into(),
    }
}

/// A line of a bank transfer.
pub fn iban_line(txid: &str, when: &str, amount: &str, iban: &str, text: &str) -> LineFact {
    let iban = (!iban.is_empty()).then(|| iban.into());
    LineFact { iban, has_iban: true, ..line(txid, when, amount, text) }
}

pub fn account(statements: Vec<LineFact>) -> AccountFacts {
    AccountFacts {
        currency: Some("EUR".to_owned()),
        statements: Some(Side::of(statements)),
        ..AccountFacts::new(Owner::account("1"))
    }
}

/// Breaks as a reader sees them: row, cause, sentence.
pub fn told(breaks: &[Break]) -> Vec<String> {
    let row = |found: &Break| match &found.subject {
        Subject::Row(txid) | Subject::RowOf(_, txid) => txid.clone(),
        Subject::Listing(name) => format!("({name})"),
    };
    let owner = |found: &Break| found.owner.id().to_owned();
    breaks.iter().map(|b| format!("{} {} {}: {}", owner(b), row(b), b.cause.name(), b.explanation)).collect()
}
