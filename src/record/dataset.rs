//! The datasets: every column declared once. CSV header, Arrow schema, Parquet, `schemas/*` and documents come from here.

/// What a column holds; the contract's table of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Ids, codes, texts. CSV: UTF-8, formulas neutralised. Parquet: STRING as sent.
    Text,
    /// Exact money. CSV: the currency's digits or more. Parquet: DECIMAL(18,4) on INT64.
    Money,
    /// Exact rate. CSV: as sent. Parquet: DECIMAL(18,8) on INT64.
    Rate,
    /// A day. CSV: YYYY-MM-DD. Parquet: DATE.
    Date,
    /// An instant. CSV: RFC 3339 with the local offset. Parquet: TIMESTAMP(MICROS, UTC).
    Time,
    /// A count. CSV: integer. Parquet: INT64.
    Count,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in every format.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be empty.
    pub nullable: bool,
    /// What it means, in a sentence.
    pub meaning: &'static str,
}

/// A table that tieout writes.
#[derive(Debug)]
pub struct Dataset {
    /// Its name: the CSV file, the lake folder, the warehouse table.
    pub name: &'static str,
    /// What a row is, in a sentence.
    pub meaning: &'static str,
    /// The columns that tell a row from all others, where all is as it should be.
    pub key: &'static [&'static str],
    /// Whether no two rows can share a key. Where the provider makes the ids, it may send one twice: that is a break
    /// (`duplicate`), and the rows must load all the same.
    pub is_key_unique: bool,
    /// Columns in order.
    pub columns: &'static [Column],
    /// Whether it has partitions in the lake.
    pub in_lake: bool,
    /// Why `tieout load` leaves it out, where it does.
    pub left_out: Option<&'static str>,
}

/// Takes a row's cells in the order of its dataset's columns.
pub trait CellSink {
    /// A [`Kind::Text`] cell.
    fn text(&mut self, value: Option<&str>);
    /// A [`Kind::Money`] cell; `digits` is the currency's number of decimals.
    fn money(&mut self, value: Option<super::Money>, digits: u8);
    /// A [`Kind::Rate`] cell.
    fn rate(&mut self, value: Option<super::Rate>);
    /// A [`Kind::Date`] cell.
    fn date(&mut self, value: Option<super::Day>);
    /// A [`Kind::Time`] cell.
    fn time(&mut self, value: Option<super::Stamp>);
    /// A [`Kind::Count`] cell.
    fn count(&mut self, value: i64);
}

const fn column(name: &'static str, kind: Kind, nullable: bool, meaning: &'static str) -> Column {
    Column { name, kind, nullable, meaning }
}

const fn required(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    column(name, kind, false, meaning)
}

const fn optional(name: &'static str, kind: Kind, meaning: &'static str) -> Column {
    column(name, kind, true, meaning)
}

const ACC_ID: Column = optional("acc_id", Kind::Text, "The provider's id of the account");
const TXID: Column = required("txid", Kind::Text, "The provider's id of the row");
const BOOKING_DATE: Column =
    required("booking_date", Kind::Date, "The local day on which the row is booked; windows and partitions go by it");
const BOOKED_AT: Column = required("booked_at", Kind::Time, "When the provider booked the row");
const AMOUNT: Column =
    required("amount", Kind::Money, "What moves the owner's balance, in `currency`: credit positive, debit negative");
const CURRENCY: Column = optional("currency", Kind::Text, "ISO 4217 code of `amount`: the account's own currency");
const BALANCE_AFTER: Column =
    optional("balance_after", Kind::Money, "The owner's balance after the row, as the provider states it");
const STATUS: Column = optional(
    "status",
    Kind::Text,
    "settled, pending, cancelled, declined or unknown; empty where the row carries none",
);
const PROVIDER_STATUS: Column = optional("provider_status", Kind::Text, "The status as the provider sent it");
const DESCRIPTION: Column = optional("description", Kind::Text, "The provider's text for the row");

const STATEMENT_COLUMNS: &[Column] = &[
    ACC_ID,
    TXID,
    BOOKING_DATE,
    BOOKED_AT,
    AMOUNT,
    CURRENCY,
    BALANCE_AFTER,
    STATUS,
    PROVIDER_STATUS,
    DESCRIPTION,
    optional("executed_at", Kind::Time, "When the movement was executed"),
    optional("counterparty_iban", Kind::Text, "IBAN of the other side"),
    optional("counterparty_bic", Kind::Text, "BIC (SWIFT code) of the other side's bank"),
    optional("comment", Kind::Text, "The remittance text"),
    optional("virtual_iban", Kind::Text, "The virtual IBAN through which the movement came"),
];

/// Lines of account statements.
pub static ACCOUNT_STATEMENTS: Dataset = Dataset {
    name: "account_statements",
    meaning: "A line of an account's statement",
    key: &["acc_id", "txid"],
    is_key_unique: false,
    columns: STATEMENT_COLUMNS,
    in_lake: true,
    left_out: None,
};

/// Lines of IBAN statements.
pub static IBAN_STATEMENTS: Dataset = Dataset {
    name: "iban_statements",
    meaning: "A line of an account's IBAN statement: its bank transfers, in and out",
    key: &["acc_id", "txid"],
    is_key_unique: false,
    columns: STATEMENT_COLUMNS,
    in_lake: true,
    left_out: None,
};

/// Transactions of cards.
pub static CARD_TRANSACTIONS: Dataset = Dataset {
    name: "card_transactions",
    meaning: "A transaction of a payment card",
    key: &["card_ref", "txid"],
    is_key_unique: false,
    columns: &[
        ACC_ID,
        required("card_ref", Kind::Text, "The provider's reference of the card"),
        TXID,
        BOOKING_DATE,
        BOOKED_AT,
        AMOUNT,
        CURRENCY,
        BALANCE_AFTER,
        STATUS,
        PROVIDER_STATUS,
        DESCRIPTION,
        optional("transacted_at", Kind::Time, "When the card was used"),
        optional("amount_fx", Kind::Money, "The amount at the merchant, in `currency_fx`, signed like `amount`"),
        optional("currency_fx", Kind::Text, "ISO 4217 code of `amount_fx`, empty when the provider does not tell it"),
        optional("fx_rate", Kind::Rate, "The exchange rate that the provider states"),
        optional("fx_fee", Kind::Rate, "The exchange fee that the provider states: an amount or a rate, as sent"),
        optional("mcc", Kind::Text, "Merchant category code"),
        optional("vat_details", Kind::Text, "VAT as a compact JSON array of {\"rate\":\"…\",\"amount\":\"…\"}"),
        optional("failed_code", Kind::Text, "Why the transaction failed: the provider's code"),
        optional("failed_message", Kind::Text, "Why the transaction failed: the provider's words"),
    ],
    in_lake: true,
    left_out: None,
};

/// Orders to pay.
pub static CREDIT_TRANSFERS: Dataset = Dataset {
    name: "credit_transfers",
    meaning: "A credit transfer ordered out of an account",
    key: &["acc_id", "internal_id"],
    is_key_unique: false,
    columns: &[
        ACC_ID,
        required("internal_id", Kind::Text, "The provider's id of the transfer"),
        required("booking_date", Kind::Date, "The executed date, else the requested, else the day of creation"),
        optional("created_at", Kind::Time, "When the transfer was ordered"),
        optional("requested_date", Kind::Date, "The day asked for"),
        optional("executed_date", Kind::Date, "The day on which it was executed"),
        required("amount", Kind::Money, "The amount in `currency`, negative: money leaves"),
        optional("currency", Kind::Text, "ISO 4217 code of `amount`"),
        required("status", Kind::Text, "in_progress, to_execute, cancelled, executed or unknown"),
        PROVIDER_STATUS,
        optional("transaction_type", Kind::Text, "ct (credit transfer) or sdd (SEPA direct debit)"),
        optional("execution_reference", Kind::Text, "The reference under which it was executed"),
        optional("beneficiary_name", Kind::Text, "Who is paid"),
        optional("beneficiary_iban", Kind::Text, "The IBAN that is paid"),
        optional("beneficiary_bic", Kind::Text, "The BIC (SWIFT code) of the bank that is paid"),
        optional("reason", Kind::Text, "The text for the beneficiary"),
        optional("source_reason", Kind::Text, "The text for the payer's own statement"),
    ],
    in_lake: true,
    left_out: None,
};

/// Balances by day.
pub static BALANCES: Dataset = Dataset {
    name: "balances",
    meaning: "An owner's day that has settled rows",
    key: &["owner_kind", "owner_id", "booking_date"],
    is_key_unique: true,
    columns: &[
        required("owner_kind", Kind::Text, "account or card"),
        required("owner_id", Kind::Text, "The account's id or the card's reference"),
        optional("currency", Kind::Text, "ISO 4217 code of the balance"),
        required("booking_date", Kind::Date, "The local day"),
        optional("opening", Kind::Money, "The balance before the day's first settled row"),
        optional(
            "credits",
            Kind::Money,
            "The sum of what settled rows added to the balance, fees charged on top included; empty beyond 18 digits",
        ),
        optional(
            "debits",
            Kind::Money,
            "The sum of what settled rows took from the balance, fees charged on top included; not positive; empty beyond 18 digits",
        ),
        optional("closing", Kind::Money, "The balance after the day's last settled row, as the provider states it"),
        required("entries", Kind::Count, "How many settled rows the day has"),
        required("verdict", Kind::Text, "tied, broken or ambiguous"),
    ],
    in_lake: true,
    left_out: None,
};

/// Breaks.
pub static BREAKS: Dataset = Dataset {
    name: "breaks",
    meaning: "A check that does not hold",
    key: &["break_id"],
    is_key_unique: true,
    columns: &[
        required("break_id", Kind::Text, "Stable over runs: made of check, owner and row"),
        required("check", Kind::Text, "The check that does not hold"),
        required("cause", Kind::Text, "The smallest explanation found"),
        required("owner_kind", Kind::Text, "account, card or provider"),
        required("owner_id", Kind::Text, "The account's id, the card's reference or the provider's name"),
        optional("txid", Kind::Text, "The row at which the check fails first"),
        optional("booking_date", Kind::Date, "The local day of that row"),
        optional("currency", Kind::Text, "ISO 4217 code of the three amounts"),
        optional("expected", Kind::Money, "What should stand there"),
        optional("actual", Kind::Money, "What stands there"),
        optional("difference", Kind::Money, "actual − expected"),
        required("explanation", Kind::Text, "What happened, in a sentence"),
        required("first_seen", Kind::Date, "The day of the run that saw it first"),
        required("status", Kind::Text, "open, accepted or resolved"),
    ],
    in_lake: false,
    left_out: None,
};

/// Rows that could not be taken.
pub static REJECTS: Dataset = Dataset {
    name: "rejects",
    meaning: "A row that could not be held exactly or lacks what it needs, with its raw text",
    key: &["feed", "page_sha256", "pointer"],
    is_key_unique: false,
    columns: &[
        required("feed", Kind::Text, "The feed it came in"),
        optional("owner_id", Kind::Text, "The account's id or the card's reference, where known"),
        optional("txid", Kind::Text, "The row's id, where it could be read"),
        required("page_sha256", Kind::Text, "SHA-256 of the response that held it"),
        required("pointer", Kind::Text, "JSON pointer to the row or field in that response"),
        required("reason", Kind::Text, "What was expected and what was found"),
        required("raw", Kind::Text, "The row's text as received"),
    ],
    in_lake: false,
    left_out: Some(
        "a rejected row has no day by which it could be replaced; it belongs to the report of its run. \
         `sql/<database>/rejects.sql` loads it out of a report folder",
    ),
};

/// Every dataset, in the order in which reports list them.
pub static ALL: [&Dataset; 7] =
    [&ACCOUNT_STATEMENTS, &IBAN_STATEMENTS, &CARD_TRANSACTIONS, &CREDIT_TRANSFERS, &BALANCES, &BREAKS, &REJECTS];

impl Dataset {
    /// The dataset of that name.
    pub fn from_name(name: &str) -> Option<&'static Dataset> {
        ALL.into_iter().find(|dataset| dataset.name == name)
    }
}
