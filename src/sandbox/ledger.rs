//! Books before they are spelled: what happened to each account and card, in exact minor units.
//!
//! A ledger is what the generator makes and what faults are planted in. [`Ledger::books`] spells it as the provider
//! would. Rows stand in the order in which they were posted, which is the order in which the balances tie.

use super::books::Books;
use super::spelling;
use crate::record::Zone;

/// Accounts and cards of one provider.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The zone in which local times are printed.
    pub zone: Zone,
    /// How rows are spelled.
    pub quirks: Quirks,
    /// The accounts.
    pub accounts: Vec<Account>,
}

/// An account. Amounts are in minor units of `currency`.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub acc_id: String,
    /// ISO 4217 code.
    pub currency: &'static str,
    /// The company's name.
    pub corp_name: &'static str,
    /// The company's town and postal code.
    pub town: (&'static str, &'static str),
    /// Its own IBAN.
    pub iban: String,
    /// The balance before its first line.
    pub opening: i64,
    /// The lines of its statement and IBAN statement, as posted.
    pub lines: Vec<Line>,
    /// Its credit transfers, by creation.
    pub transfers: Vec<Transfer>,
    /// Its cards.
    pub cards: Vec<Card>,
    /// Whether texts are escaped as PHP does by default: `\/` and `\u00e9`.
    pub escapes: bool,
}

/// A card. Amounts are in minor units of its account's currency.
#[derive(Debug, Clone)]
pub struct Card {
    /// Its reference.
    pub card_ref: String,
    /// The holder's first and last name, and gender.
    pub holder: (&'static str, &'static str, char),
    /// The balance before its first transaction.
    pub opening: i64,
    /// Its transactions, as posted.
    pub rows: Vec<CardRow>,
    /// Whether `currency` names the merchant's currency (that of `amount_fx`), not the card's own.
    pub names_local_currency: bool,
    /// Whether an exchange fee moves the balance beside `amount`.
    pub fee_on_top: bool,
}

/// What became of a row. Only settled rows move a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Booked.
    Settled,
    /// Announced.
    Pending,
    /// Called off.
    Cancelled,
    /// Refused; cards only.
    Declined,
}

/// A transaction of a card.
#[derive(Debug, Clone)]
pub struct CardRow {
    /// Its id.
    pub txid: u64,
    /// When it was processed, in seconds since 1970 (UTC).
    pub booked_s: i64,
    /// When the card was used.
    pub transacted_s: i64,
    /// Signed: credit +, debit −.
    pub amount: i64,
    /// The card's balance after it.
    pub balance_after: i64,
    /// What became of it.
    pub state: State,
    /// What it was.
    pub kind: CardKind,
    /// Set when it was paid in another currency.
    pub exchange: Option<Exchange>,
    /// Merchant category code.
    pub mcc: u16,
    /// The provider's text.
    pub description: String,
    /// Code and text of a refusal.
    pub failed: Option<(&'static str, &'static str)>,
    /// VAT: rate in percent and amount in minor units.
    pub vat: Option<(u32, i64)>,
    /// Decides how this row is spelled, whatever happens to the others.
    pub spelling: u64,
}

/// What a card transaction was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardKind {
    /// Money from the account; the account has a line for it.
    Load,
    /// Money back to the account; the account has a line for it.
    Unload,
    /// Anything else: it stands for itself.
    Plain,
}

/// A payment in another currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// The merchant's currency.
    pub currency: &'static str,
    /// Signed amount in minor units of it.
    pub amount: i64,
    /// What one unit of it costs in the card's currency, in millionths.
    pub rate_micros: i64,
    /// The fee in minor units of the card's currency, never negative.
    pub fee: i64,
}

/// A line of an account. It stands in the statement, the IBAN statement, or both.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its id, the same in both statements.
    pub txid: u64,
    /// When it was booked, in seconds since 1970 (UTC).
    pub booked_s: i64,
    /// Signed: credit +, debit −.
    pub amount: i64,
    /// The account's balance after it.
    pub balance_after: i64,
    /// What became of it.
    pub state: State,
    /// What it was.
    pub kind: LineKind,
    /// The provider's text.
    pub description: String,
    /// IBAN and BIC of the other side, where it came or went by bank transfer.
    pub counterparty: Option<(String, &'static str)>,
    /// Remittance text.
    pub comment: Option<String>,
    /// Virtual IBAN through which it came.
    pub virtual_iban: Option<String>,
    /// Whether the account statement lists it.
    pub in_statement: bool,
    /// Whether the IBAN statement lists it.
    pub in_iban_statement: bool,
    /// What the IBAN statement says of the amount, where that is something else.
    pub twin_amount: Option<i64>,
    /// Decides how this row is spelled.
    pub spelling: u64,
}

/// What a line of an account was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// The load or unload of a card; that card has a transaction for it.
    Card {
        /// Index of the card in its account.
        card: usize,
    },
    /// The debit of an executed credit transfer.
    TransferOut {
        /// The transfer's `internal_id`.
        internal_id: u64,
    },
    /// Money received.
    TransferIn,
    /// Anything else, such as a fee: it stands for itself.
    Plain,
}

/// A credit transfer, or a direct debit.
#[derive(Debug, Clone)]
pub struct Transfer {
    /// Its id.
    pub internal_id: u64,
    /// When it was ordered, in seconds since 1970 (UTC).
    pub created_s: i64,
    /// The moment of the day asked for.
    pub requested_s: i64,
    /// When it was executed.
    pub executed_s: Option<i64>,
    /// Never negative: the direction is known.
    pub amount: i64,
    /// What became of it.
    pub state: TransferState,
    /// Whether it is a direct debit.
    pub direct_debit: bool,
    /// Reference of the execution; only where it was executed.
    pub reference: Option<String>,
    /// Who is paid: name, IBAN, BIC.
    pub beneficiary: (String, String, &'static str),
    /// Text for the beneficiary.
    pub reason: String,
    /// Text for the payer.
    pub source_reason: String,
    /// Decides how this row is spelled.
    pub spelling: u64,
}

/// What became of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferState {
    /// Paid.
    Executed,
    /// Under way.
    InProgress,
    /// Waiting for its day.
    ToExecute,
    /// Called off.
    Cancelled,
}

/// How often, of a thousand rows, the provider's spelling strays from its documents. All 0 is the cookbook's spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quirks {
    /// Amounts as text: `"9194.50"`.
    pub numbers_as_text: u32,
    /// Amounts without their last zeros: `9194.5`, `3741`.
    pub zeros_dropped: u32,
    /// Ids and codes as numbers where the cookbook has text.
    pub ids_as_numbers: u32,
    /// `[]` instead of leaving an empty object out.
    pub empty_lists: u32,
    /// An object in a list of one: `"iban": [{…}]`.
    pub objects_in_lists: u32,
    /// `Credit`/`Debit` in statements where others say `C`/`D`.
    pub long_type_words: u32,
    /// A debit's amount with a minus sign.
    pub signed_debits: u32,
    /// The remittance text inside the `iban` object.
    pub comments_inside: u32,
    /// `executionDate` for `execution_date`, `beneficiary_swift_code` for `beneficiary_swift`.
    pub other_keys: u32,
    /// Executed statement lines without a status.
    pub statuses_left_out: u32,
    /// Rows of one second listed out of the order in which they were posted.
    pub ties_out_of_order: u32,
}

impl Quirks {
    /// The mixture that the sample data has.
    pub const USUAL: Quirks = Quirks {
        numbers_as_text: 250,
        zeros_dropped: 300,
        ids_as_numbers: 300,
        empty_lists: 300,
        objects_in_lists: 200,
        long_type_words: 700,
        signed_debits: 20,
        comments_inside: 150,
        other_keys: 250,
        statuses_left_out: 50,
        ties_out_of_order: 400,
    };
}

impl Ledger {
    /// Spells the ledger as the provider would.
    pub fn books(&self) -> Books {
        spelling::books(self)
    }
}

impl Account {
    /// The balance after its last line.
    pub fn closing(&self) -> i64 {
        self.lines.last().map_or(self.opening, |line| line.balance_after)
    }
}

impl Card {
    /// The balance after its last transaction.
    pub fn closing(&self) -> i64 {
        self.rows.last().map_or(self.opening, |row| row.balance_after)
    }

    /// By how much a row moves the balance.
    pub fn effect(&self, row: &CardRow) -> i64 {
        if row.state != State::Settled {
            return 0;
        }
        let fee = row.exchange.filter(|_| self.fee_on_top).map_or(0, |exchange| exchange.fee);
        row.amount - fee
    }
}

impl Line {
    /// By how much it moves the balance.
    pub fn effect(&self) -> i64 {
        if self.state == State::Settled { self.amount } else { 0 }
    }
}
