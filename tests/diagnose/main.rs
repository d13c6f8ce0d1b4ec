//! The smallest explanation of each break: every cause with its sentence, two faults as two breaks, the provider's
//! meaning learnt, and a self-test small enough for every run.

#![allow(missing_docs, reason = "a test crate has no readers of its docs")]

mod causes;
mod laws;
mod meaning;
mod witness;

use tieout::breaks::{Break, Subject};
use tieout::reconcile::{Books, FeeRule, Prior, close_chain};
use tieout::record::{CardTransaction, Clock, Feed, Money, Owner, Rate, StatementLine, Status, Zone};

pub fn money(text: &str) -> Money {
    Money::parse(text).expect("an amount")
}

fn stamp(text: &str) -> tieout::record::Stamp {
    let mut clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    clock.parse(&format!("2026-03-{text}:00")).expect("a time")
}

/// A line of an account: id, time of March 2026 such as `02 14:10`, amount, balance, text.
pub fn line(txid: &str, at: &str, amount: &str, balance: &str, text: &'static str) -> StatementLine<'static> {
    StatementLine {
        feed: Feed::AccountStatements,
        acc_id: "1".into(),
        txid: txid.to_owned().into(),
        booked_at: stamp(at),
        amount: money(amount),
        currency: Some("EUR".into()),
        balance_after: Some(money(balance)),
        status: Some(Status::Settled),
        provider_status: Some("Executed".into()),
        description: Some(text.into()),
        executed_at: None,
        counterparty_iban: None,
        counterparty_bic: None,
        comment: None,
        virtual_iban: None,
    }
}

/// A payment by card at home: `amount_fx` says the same.
pub fn payment(txid: &str, at: &str, amount: &str, balance: &str) -> CardTransaction<'static> {
    CardTransaction {
        acc_id: "1".into(),
        card_ref: "ANY1".into(),
        txid: txid.to_owned().into(),
        booked_at: stamp(at),
        amount: money(amount),
        currency: Some("EUR".into()),
        balance_after: Some(money(balance)),
        status: Status::Settled,
        provider_status: Some("S".into()),
        description: Some("Monoprix".into()),
        transacted_at: None,
        amount_fx: Some(money(amount)),
        currency_fx: None,
        fx_rate: Rate::parse("1.000000").ok(),
        fx_fee: Rate::parse("0").ok(),
        mcc: None,
        vat_details: None,
        failed_code: None,
        failed_message: None,
    }
}

/// A payment abroad: in the merchant's currency `amount_fx`, at a rate, with a fee.
pub fn abroad(payment: CardTransaction<'static>, amount_fx: &str, rate: &str, fee: &str) -> CardTransaction<'static> {
    CardTransaction {
        amount_fx: Some(money(amount_fx)),
        currency_fx: Some("USD".into()),
        fx_rate: Rate::parse(rate).ok(),
        fx_fee: Rate::parse(fee).ok(),
        ..payment
    }
}

pub fn of_account(rows: Vec<StatementLine<'static>>) -> Books<StatementLine<'static>> {
    close_chain(&Owner::account("1"), rows, None, FeeRule::Auto)
}

pub fn of_account_after(rows: Vec<StatementLine<'static>>, prior: Prior) -> Books<StatementLine<'static>> {
    close_chain(&Owner::account("1"), rows, Some(prior), FeeRule::Auto)
}

pub fn of_card(rows: Vec<CardTransaction<'static>>) -> Books<CardTransaction<'static>> {
    close_chain(&Owner::card("1", "ANY1"), rows, None, FeeRule::Auto)
}

/// Check, cause, row and sentence of each break, a line each.
pub fn told(breaks: &[Break]) -> String {
    let line = |found: &Break| {
        let row = match &found.subject {
            Subject::Row(txid) | Subject::RowOf(_, txid) => txid.as_str(),
            Subject::Listing(name) => name,
        };
        format!("{} {} at {row}: {}", found.check.name(), found.cause.name(), found.explanation)
    };
    breaks.iter().map(line).collect::<Vec<_>>().join("\n")
}
