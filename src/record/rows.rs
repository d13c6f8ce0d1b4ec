//! The rows of each dataset. Texts are borrowed from the page they came in wherever it spelled them plainly.

use std::borrow::Cow;

use super::dataset::{self, CellSink, Dataset};
use super::{Day, Feed, Money, Rate, Stamp, minor_digits};

/// A text as sent.
pub type Text<'a> = Cow<'a, str>;

/// A row that can be written to its dataset.
pub trait Row {
    /// The dataset it belongs to.
    fn dataset(&self) -> &'static Dataset;
    /// The day whose partition it stands in, if it has one.
    fn day(&self) -> Option<Day>;
    /// What it adds to control totals, where its dataset has amounts.
    fn sums(&self) -> Option<RowSums<'_>> {
        None
    }
    /// Hands over the cells in the order of the dataset's columns.
    fn write_cells(&self, sink: &mut impl CellSink);
}

/// What a row adds to control totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowSums<'r> {
    /// ISO 4217 code of all that follows.
    pub currency: Option<&'r str>,
    /// Not negative.
    pub credits: Money,
    /// Not positive.
    pub debits: Money,
    /// Of a balance: what the day opened with.
    pub opening: Option<Money>,
    /// Of a balance: what the day closed with.
    pub closing: Option<Money>,
}

impl<'r> RowSums<'r> {
    fn of(amount: Money, currency: Option<&'r Text<'_>>) -> RowSums<'r> {
        let sums = RowSums { currency: currency.map(AsRef::as_ref), ..RowSums::default() };
        if amount.is_negative() { RowSums { debits: amount, ..sums } } else { RowSums { credits: amount, ..sums } }
    }
}

/// What became of a row. Only settled rows move a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Booked.
    Settled,
    /// Announced, not booked.
    Pending,
    /// Called off.
    Cancelled,
    /// Refused.
    Declined,
    /// A word that the provider's documents do not explain.
    Unknown,
}

impl Status {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Settled => "settled",
            Status::Pending => "pending",
            Status::Cancelled => "cancelled",
            Status::Declined => "declined",
            Status::Unknown => "unknown",
        }
    }
}

/// What became of a credit transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferStatus {
    /// Under way.
    InProgress,
    /// Waiting for its day.
    ToExecute,
    /// Called off.
    Cancelled,
    /// Paid.
    Executed,
    /// A word that the provider's documents do not explain.
    Unknown,
}

impl TransferStatus {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            TransferStatus::InProgress => "in_progress",
            TransferStatus::ToExecute => "to_execute",
            TransferStatus::Cancelled => "cancelled",
            TransferStatus::Executed => "executed",
            TransferStatus::Unknown => "unknown",
        }
    }
}

/// A line of an account statement or an IBAN statement.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementLine<'a> {
    /// Which of the two statements.
    pub feed: Feed,
    /// The account.
    pub acc_id: Text<'a>,
    /// The row's id.
    pub txid: Text<'a>,
    /// When it was booked.
    pub booked_at: Stamp,
    /// Signed amount in `currency`.
    pub amount: Money,
    /// ISO 4217 code.
    pub currency: Option<Text<'a>>,
    /// The balance after it.
    pub balance_after: Option<Money>,
    /// `None` when the row carries no status; it then counts as booked.
    pub status: Option<Status>,
    /// The status as sent.
    pub provider_status: Option<Text<'a>>,
    /// The provider's text.
    pub description: Option<Text<'a>>,
    /// When it was executed.
    pub executed_at: Option<Stamp>,
    /// IBAN of the other side.
    pub counterparty_iban: Option<Text<'a>>,
    /// BIC of the other side's bank.
    pub counterparty_bic: Option<Text<'a>>,
    /// Remittance text.
    pub comment: Option<Text<'a>>,
    /// Virtual IBAN.
    pub virtual_iban: Option<Text<'a>>,
}

impl Row for StatementLine<'_> {
    fn dataset(&self) -> &'static Dataset {
        if self.feed == Feed::IbanStatements { &dataset::IBAN_STATEMENTS } else { &dataset::ACCOUNT_STATEMENTS }
    }

    fn day(&self) -> Option<Day> {
        Some(self.booked_at.day())
    }

    fn sums(&self) -> Option<RowSums<'_>> {
        Some(RowSums::of(self.amount, self.currency.as_ref()))
    }

    fn write_cells(&self, sink: &mut impl CellSink) {
        let digits = minor_digits(self.currency.as_deref());
        sink.text(non_empty(&self.acc_id));
        sink.text(Some(&self.txid));
        sink.date(self.day());
        sink.time(Some(self.booked_at));
        sink.money(Some(self.amount), digits);
        sink.text(self.currency.as_deref());
        sink.money(self.balance_after, digits);
        sink.text(self.status.map(Status::name));
        sink.text(self.provider_status.as_deref());
        sink.text(self.description.as_deref());
        sink.time(self.executed_at);
        sink.text(self.counterparty_iban.as_deref());
        sink.text(self.counterparty_bic.as_deref());
        sink.text(self.comment.as_deref());
        sink.text(self.virtual_iban.as_deref());
    }
}

/// A transaction of a card.
#[derive(Debug, Clone, PartialEq)]
pub struct CardTransaction<'a> {
    /// The account behind the card, empty when nobody told.
    pub acc_id: Text<'a>,
    /// The card.
    pub card_ref: Text<'a>,
    /// The row's id.
    pub txid: Text<'a>,
    /// When it was processed.
    pub booked_at: Stamp,
    /// Signed amount in `currency`.
    pub amount: Money,
    /// ISO 4217 code of the card's own currency.
    pub currency: Option<Text<'a>>,
    /// The card's balance after it.
    pub balance_after: Option<Money>,
    /// What became of it.
    pub status: Status,
    /// The status as sent.
    pub provider_status: Option<Text<'a>>,
    /// The provider's text.
    pub description: Option<Text<'a>>,
    /// When the card was used.
    pub transacted_at: Option<Stamp>,
    /// Amount at the merchant, signed like `amount`.
    pub amount_fx: Option<Money>,
    /// ISO 4217 code of `amount_fx`, where told.
    pub currency_fx: Option<Text<'a>>,
    /// Exchange rate as sent.
    pub fx_rate: Option<Rate>,
    /// Exchange fee as sent.
    pub fx_fee: Option<Rate>,
    /// Merchant category code.
    pub mcc: Option<Text<'a>>,
    /// VAT as compact JSON.
    pub vat_details: Option<Text<'a>>,
    /// Failure code.
    pub failed_code: Option<Text<'a>>,
    /// Failure text.
    pub failed_message: Option<Text<'a>>,
}

impl Row for CardTransaction<'_> {
    fn dataset(&self) -> &'static Dataset {
        &dataset::CARD_TRANSACTIONS
    }

    fn day(&self) -> Option<Day> {
        Some(self.booked_at.day())
    }

    fn sums(&self) -> Option<RowSums<'_>> {
        Some(RowSums::of(self.amount, self.currency.as_ref()))
    }

    fn write_cells(&self, sink: &mut impl CellSink) {
        let digits = minor_digits(self.currency.as_deref());
        sink.text(non_empty(&self.acc_id));
        sink.text(Some(&self.card_ref));
        sink.text(Some(&self.txid));
        sink.date(self.day());
        sink.time(Some(self.booked_at));
        sink.money(Some(self.amount), digits);
        sink.text(self.currency.as_deref());
        sink.money(self.balance_after, digits);
        sink.text(Some(self.status.name()));
        sink.text(self.provider_status.as_deref());
        sink.text(self.description.as_deref());
        sink.time(self.transacted_at);
        sink.money(self.amount_fx, minor_digits(self.currency_fx.as_deref()));
        sink.text(self.currency_fx.as_deref());
        sink.rate(self.fx_rate);
        sink.rate(self.fx_fee);
        sink.text(self.mcc.as_deref());
        sink.text(self.vat_details.as_deref());
        sink.text(self.failed_code.as_deref());
        sink.text(self.failed_message.as_deref());
    }
}

/// A credit transfer out of an account.
#[derive(Debug, Clone, PartialEq)]
pub struct CreditTransfer<'a> {
    /// The account that pays.
    pub acc_id: Text<'a>,
    /// The transfer's id.
    pub internal_id: Text<'a>,
    /// Executed date, else requested, else created.
    pub booking_date: Day,
    /// When it was ordered.
    pub created_at: Option<Stamp>,
    /// The day asked for.
    pub requested_date: Option<Day>,
    /// The day it was executed.
    pub executed_date: Option<Day>,
    /// Negative: money leaves.
    pub amount: Money,
    /// ISO 4217 code.
    pub currency: Option<Text<'a>>,
    /// What became of it.
    pub status: TransferStatus,
    /// The status as sent.
    pub provider_status: Option<Text<'a>>,
    /// ct or sdd.
    pub transaction_type: Option<Text<'a>>,
    /// Reference of the execution.
    pub execution_reference: Option<Text<'a>>,
    /// Who is paid.
    pub beneficiary_name: Option<Text<'a>>,
    /// The IBAN that is paid.
    pub beneficiary_iban: Option<Text<'a>>,
    /// The BIC that is paid.
    pub beneficiary_bic: Option<Text<'a>>,
    /// Text for the beneficiary.
    pub reason: Option<Text<'a>>,
    /// Text for the payer.
    pub source_reason: Option<Text<'a>>,
}

impl Row for CreditTransfer<'_> {
    fn dataset(&self) -> &'static Dataset {
        &dataset::CREDIT_TRANSFERS
    }

    fn day(&self) -> Option<Day> {
        Some(self.booking_date)
    }

    fn sums(&self) -> Option<RowSums<'_>> {
        Some(RowSums::of(self.amount, self.currency.as_ref()))
    }

    fn write_cells(&self, sink: &mut impl CellSink) {
        sink.text(non_empty(&self.acc_id));
        sink.text(Some(&self.internal_id));
        sink.date(Some(self.booking_date));
        sink.time(self.created_at);
        sink.date(self.requested_date);
        sink.date(self.executed_date);
        sink.money(Some(self.amount), minor_digits(self.currency.as_deref()));
        sink.text(self.currency.as_deref());
        sink.text(Some(self.status.name()));
        sink.text(self.provider_status.as_deref());
        sink.text(self.transaction_type.as_deref());
        sink.text(self.execution_reference.as_deref());
        sink.text(self.beneficiary_name.as_deref());
        sink.text(self.beneficiary_iban.as_deref());
        sink.text(self.beneficiary_bic.as_deref());
        sink.text(self.reason.as_deref());
        sink.text(self.source_reason.as_deref());
    }
}

/// An owner's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceRow {
    /// account or card.
    pub owner_kind: &'static str,
    /// The owner's id.
    pub owner_id: String,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// The day.
    pub booking_date: Day,
    /// Balance before the day's first settled row.
    pub opening: Option<Money>,
    /// Sum of credits; `None` when it has more than 18 digits.
    pub credits: Option<Money>,
    /// Sum of debits; `None` when it has more than 18 digits.
    pub debits: Option<Money>,
    /// Balance after the last settled row.
    pub closing: Option<Money>,
    /// Settled rows.
    pub entries: i64,
    /// tied, broken or ambiguous.
    pub verdict: &'static str,
}

impl Row for BalanceRow {
    fn dataset(&self) -> &'static Dataset {
        &dataset::BALANCES
    }

    fn day(&self) -> Option<Day> {
        Some(self.booking_date)
    }

    fn sums(&self) -> Option<RowSums<'_>> {
        Some(RowSums {
            currency: self.currency.as_deref(),
            credits: self.credits.unwrap_or_default(),
            debits: self.debits.unwrap_or_default(),
            opening: self.opening,
            closing: self.closing,
        })
    }

    fn write_cells(&self, sink: &mut impl CellSink) {
        let digits = minor_digits(self.currency.as_deref());
        sink.text(Some(self.owner_kind));
        sink.text(Some(&self.owner_id));
        sink.text(self.currency.as_deref());
        sink.date(Some(self.booking_date));
        sink.money(self.opening, digits);
        sink.money(self.credits, digits);
        sink.money(self.debits, digits);
        sink.money(self.closing, digits);
        sink.count(self.entries);
        sink.text(Some(self.verdict));
    }
}

/// A break as reports show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakRow {
    /// Stable id.
    pub break_id: String,
    /// The check.
    pub check: &'static str,
    /// The cause.
    pub cause: &'static str,
    /// account, card or provider.
    pub owner_kind: &'static str,
    /// The owner's id.
    pub owner_id: String,
    /// The row.
    pub txid: Option<String>,
    /// Its day.
    pub booking_date: Option<Day>,
    /// ISO 4217 code of the amounts.
    pub currency: Option<String>,
    /// What should be.
    pub expected: Option<Money>,
    /// What is.
    pub actual: Option<Money>,
    /// actual − expected.
    pub difference: Option<Money>,
    /// What happened.
    pub explanation: String,
    /// Day of the run that saw it first.
    pub first_seen: Day,
    /// open, accepted or resolved.
    pub status: &'static str,
}

impl Row for BreakRow {
    fn dataset(&self) -> &'static Dataset {
        &dataset::BREAKS
    }

    fn day(&self) -> Option<Day> {
        self.booking_date
    }

    fn write_cells(&self, sink: &mut impl CellSink) {
        let digits = minor_digits(self.currency.as_deref());
        sink.text(Some(&self.break_id));
        sink.text(Some(self.check));
        sink.text(Some(self.cause));
        sink.text(Some(self.owner_kind));
        sink.text(Some(&self.owner_id));
        sink.text(self.txid.as_deref());
        sink.date(self.booking_date);
        sink.text(self.currency.as_deref());
        sink.money(self.expected, digits);
        sink.money(self.actual, digits);
        sink.money(self.difference, digits);
        sink.text(Some(&self.explanation));
        sink.date(Some(self.first_seen));
        sink.text(Some(self.status));
    }
}

/// A row that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectRow {
    /// The feed.
    pub feed: Feed,
    /// The owner, where known.
    pub owner_id: Option<String>,
    /// The row's id, where readable.
    pub txid: Option<String>,
    /// SHA-256 (hex) of the response.
    pub page_sha256: String,
    /// JSON pointer into the response.
    pub pointer: String,
    /// What was expected and what was found.
    pub reason: String,
    /// The row's text as received.
    pub raw: String,
}

impl Row for RejectRow {
    fn dataset(&self) -> &'static Dataset {
        &dataset::REJECTS
    }

    fn day(&self) -> Option<Day> {
        None
    }

    fn write_cells(&self, sink: &mut impl CellSink) {
        sink.text(Some(self.feed.name()));
        sink.text(self.owner_id.as_deref());
        sink.text(self.txid.as_deref());
        sink.text(Some(&self.page_sha256));
        sink.text(Some(&self.pointer));
        sink.text(Some(&self.reason));
        sink.text(Some(&self.raw));
    }
}

fn non_empty(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
