//! A full and a bare row of every dataset, for the tests of this room.

use std::borrow::Cow;

use crate::record::{
    BalanceRow, BreakRow, CardTransaction, CellSink, CreditTransfer, Dataset, Day, Feed, Kind, Money, Rate, RejectRow,
    Row, Stamp, StatementLine, Status, TransferStatus,
};

/// A cell as a row handed it over.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Text(Option<String>),
    Money(Option<Money>),
    Rate(Option<i64>),
    Date(Option<Day>),
    Time(Option<i64>),
    Count(i64),
}

impl Cell {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Cell::Text(_) => Kind::Text,
            Cell::Money(_) => Kind::Money,
            Cell::Rate(_) => Kind::Rate,
            Cell::Date(_) => Kind::Date,
            Cell::Time(_) => Kind::Time,
            Cell::Count(_) => Kind::Count,
        }
    }
}

/// Writes down the cells; of an instant and a rate what the lake holds of them.
#[derive(Debug, Default)]
pub(super) struct Recorder(pub(super) Vec<Cell>);

impl CellSink for Recorder {
    fn text(&mut self, value: Option<&str>) {
        self.0.push(Cell::Text(value.map(str::to_owned)));
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        self.0.push(Cell::Money(value));
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.0.push(Cell::Rate(value.map(Rate::unscaled)));
    }

    fn date(&mut self, value: Option<Day>) {
        self.0.push(Cell::Date(value));
    }

    fn time(&mut self, value: Option<Stamp>) {
        self.0.push(Cell::Time(value.map(Stamp::utc_micros)));
    }

    fn count(&mut self, value: i64) {
        self.0.push(Cell::Count(value));
    }
}

/// Hands recorded cells to a sink, as a row would.
pub(super) fn replay(cells: &[Cell], sink: &mut impl CellSink) {
    for cell in cells {
        match cell {
            Cell::Text(value) => sink.text(value.as_deref()),
            Cell::Money(value) => sink.money(*value, 2),
            Cell::Rate(value) => sink.rate(value.map(Rate::from_unscaled)),
            Cell::Date(value) => sink.date(*value),
            Cell::Time(value) => sink.time(value.map(|micros| Stamp::new(micros, 3600))),
            Cell::Count(value) => sink.count(*value),
        }
    }
}

/// Rows of every dataset: one with all cells, one with as few as may be.
pub(super) fn rows() -> Vec<(&'static Dataset, Vec<Cell>)> {
    let mut rows = Vec::new();
    for is_full in [true, false] {
        rows.push(recorded(&statement_line(Feed::AccountStatements, is_full)));
        rows.push(recorded(&statement_line(Feed::IbanStatements, is_full)));
        rows.push(recorded(&card_transaction(is_full)));
        rows.push(recorded(&credit_transfer(is_full)));
        rows.push(recorded(&balance_row(is_full)));
        rows.push(recorded(&break_row(is_full)));
        rows.push(recorded(&reject_row(is_full)));
    }
    rows
}

fn recorded(row: &impl Row) -> (&'static Dataset, Vec<Cell>) {
    let mut recorder = Recorder::default();
    row.write_cells(&mut recorder);
    (row.dataset(), recorder.0)
}

fn money(text: &str) -> Money {
    Money::parse(text).expect("an amount")
}

fn day() -> Day {
    Day::parse("2026-03-29").expect("a day")
}

fn stamp() -> Stamp {
    Stamp::new(1_774_749_600_250_000, 7200)
}

fn text(is_full: bool, text: &'static str) -> Option<Cow<'static, str>> {
    is_full.then_some(Cow::Borrowed(text))
}

pub(super) fn statement_line(feed: Feed, is_full: bool) -> StatementLine<'static> {
    StatementLine {
        feed,
        acc_id: text(is_full, "7410").unwrap_or_default(),
        txid: Cow::Borrowed("55"),
        booked_at: stamp(),
        amount: money("-12.5"),
        currency: text(is_full, "EUR"),
        balance_after: is_full.then(|| money("99999999999999.9999")),
        status: is_full.then_some(Status::Settled),
        provider_status: text(is_full, "Executed"),
        description: text(is_full, "Café, \"du\" Coin\n東京"),
        executed_at: is_full.then(stamp),
        counterparty_iban: text(is_full, "FR7630006000011234567890189"),
        counterparty_bic: text(is_full, "AGRIFRPP"),
        comment: text(is_full, ""),
        virtual_iban: text(is_full, "FR76"),
    }
}

pub(super) fn card_transaction(is_full: bool) -> CardTransaction<'static> {
    CardTransaction {
        acc_id: text(is_full, "7410").unwrap_or_default(),
        card_ref: Cow::Borrowed("900"),
        txid: Cow::Borrowed("1"),
        booked_at: stamp(),
        amount: money("0"),
        currency: text(is_full, "EUR"),
        balance_after: is_full.then(|| money("-99999999999999.9999")),
        status: Status::Declined,
        provider_status: text(is_full, "Refused"),
        description: text(is_full, "=1+1"),
        transacted_at: is_full.then(stamp),
        amount_fx: is_full.then(|| money("-7")),
        currency_fx: text(is_full, "JPY"),
        fx_rate: is_full.then(|| Rate::parse("0.00735294").expect("a rate")),
        fx_fee: is_full.then(|| Rate::parse("-1").expect("a rate")),
        mcc: text(is_full, "5812"),
        vat_details: text(is_full, "[{\"rate\":\"20\",\"amount\":\"1.00\"}]"),
        failed_code: text(is_full, "51"),
        failed_message: text(is_full, "no funds"),
    }
}

fn credit_transfer(is_full: bool) -> CreditTransfer<'static> {
    CreditTransfer {
        acc_id: text(is_full, "7410").unwrap_or_default(),
        internal_id: Cow::Borrowed("ct-1"),
        booking_date: day(),
        created_at: is_full.then(stamp),
        requested_date: is_full.then(day),
        executed_date: is_full.then(day),
        amount: money("-250"),
        currency: text(is_full, "EUR"),
        status: TransferStatus::Executed,
        provider_status: text(is_full, "executed"),
        transaction_type: text(is_full, "ct"),
        execution_reference: text(is_full, "X1"),
        beneficiary_name: text(is_full, "Zoë"),
        beneficiary_iban: text(is_full, "FR76"),
        beneficiary_bic: text(is_full, "AGRIFRPP"),
        reason: text(is_full, "rent"),
        source_reason: text(is_full, "rent 3"),
    }
}

fn balance_row(is_full: bool) -> BalanceRow {
    BalanceRow {
        owner_kind: "card",
        owner_id: "900".to_owned(),
        currency: is_full.then(|| "EUR".to_owned()),
        booking_date: day(),
        opening: is_full.then(|| money("10")),
        credits: Some(money("5")),
        debits: Some(money("-3")),
        closing: is_full.then(|| money("12")),
        entries: 2,
        verdict: "tied",
    }
}

fn break_row(is_full: bool) -> BreakRow {
    BreakRow {
        break_id: "chain-1".to_owned(),
        check: "chain",
        cause: "unexplained",
        owner_kind: "account",
        owner_id: "7410".to_owned(),
        txid: is_full.then(|| "55".to_owned()),
        booking_date: is_full.then(day),
        currency: is_full.then(|| "EUR".to_owned()),
        expected: is_full.then(|| money("42361.11")),
        actual: is_full.then(|| money("29798.5")),
        difference: is_full.then(|| money("-12562.61")),
        explanation: "no explanation found".to_owned(),
        first_seen: day(),
        status: "open",
    }
}

fn reject_row(is_full: bool) -> RejectRow {
    RejectRow {
        feed: Feed::CardTransactions,
        owner_id: is_full.then(|| "900".to_owned()),
        txid: is_full.then(|| "2".to_owned()),
        page_sha256: "ab".repeat(32),
        pointer: "/data/3/amount".to_owned(),
        reason: "expected a decimal number".to_owned(),
        raw: "{\"amount\":\"x\"}".to_owned(),
    }
}
