//! What the checks between feeds need to know of a row, and nothing more: an account's facts are held until all its feeds
//! are there.

use super::rejected::Rejected;
use super::words::{self, CardWord};
use crate::record::{CardTransaction, CreditTransfer, Feed, Money, Stamp, StatementLine, Status, TransferStatus};
use crate::record::{Day, Owner, Window, minor_digits};

/// Which checks between feeds a job's feeds allow. A check is made only if all feeds that it needs are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Account statements against IBAN statements.
    pub twins: bool,
    /// Credit transfers against statements.
    pub transfers: bool,
    /// Card transactions against account statements.
    pub loads: bool,
}

impl Needs {
    /// What these feeds allow.
    pub fn of(feeds: &[Feed]) -> Needs {
        let has = |feed| feeds.contains(&feed);
        let statements = has(Feed::AccountStatements);
        Needs {
            twins: statements && has(Feed::IbanStatements),
            transfers: has(Feed::CreditTransfers) && (statements || has(Feed::IbanStatements)),
            loads: statements && has(Feed::CardTransactions),
        }
    }

    /// Whether any check needs rows of this feed.
    pub fn any_of(self, feed: Feed) -> bool {
        match feed {
            Feed::AccountStatements => self.twins || self.transfers || self.loads,
            // Its lines are held against each other, even where there is nothing else to hold them against.
            Feed::IbanStatements => true,
            Feed::CardTransactions => self.loads,
            Feed::CreditTransfers => self.transfers,
        }
    }
}

/// A line of either statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFact {
    /// Its id.
    pub txid: Box<str>,
    /// When it was booked.
    pub at: Stamp,
    /// Its signed amount.
    pub amount: Money,
    /// The balance that it states.
    pub balance: Option<Money>,
    /// Whether it moves the balance.
    pub settled: bool,
    /// Whether it lies in the window. Lines around it are only candidates: they are no one's break here.
    pub inside: bool,
    /// IBAN of the other side, its letters and digits in upper case.
    pub iban: Option<Box<str>>,
    /// Whether it names any IBAN, a virtual one included.
    pub has_iban: bool,
    /// Description and remittance text; left out where no check reads it.
    pub text: Box<str>,
}

/// A transaction of a card that may be a load or unload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFact {
    /// Its id.
    pub txid: Box<str>,
    /// When it was processed.
    pub at: Stamp,
    /// Its signed amount.
    pub amount: Money,
    /// Whether it lies in the window.
    pub inside: bool,
    /// What its text says it is; none where a merchant stands behind it.
    pub word: Option<CardWord>,
    /// Its text without digits, to be compared with other loads.
    pub pattern: Box<str>,
}

/// A credit transfer or direct debit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferFact {
    /// Its id.
    pub internal_id: Box<str>,
    /// The day it was executed; else the day it was asked for or ordered.
    pub day: Day,
    /// Negative: money leaves.
    pub amount: Money,
    /// What became of it.
    pub status: TransferStatus,
    /// Whether it is a direct debit.
    pub direct_debit: bool,
    /// Whether it lies in the window.
    pub inside: bool,
    /// Reference of its execution, its letters and digits in upper case.
    pub reference: Option<Box<str>>,
    /// The IBAN that is paid, its letters and digits in upper case.
    pub iban: Option<Box<str>>,
}

/// One listing's facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side<T> {
    /// Its rows, in any order.
    pub rows: Vec<T>,
    /// Rows that could not be taken.
    pub rejected: Rejected,
}

/// A card's facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSide {
    /// The card.
    pub owner: Owner,
    /// Its transactions.
    pub side: Side<CardFact>,
}

/// The facts of one owner in one feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    /// No check needs them.
    None,
    /// Lines of a statement.
    Lines(Side<LineFact>),
    /// A card's transactions.
    Card(Side<CardFact>),
    /// Credit transfers.
    Transfers(Side<TransferFact>),
}

/// All facts of an account. What is `None` was not asked for, not read, or not read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// The account.
    pub owner: Owner,
    /// ISO 4217 code of its amounts.
    pub currency: Option<String>,
    /// Its statement.
    pub statements: Option<Side<LineFact>>,
    /// Its IBAN statement.
    pub iban_statements: Option<Side<LineFact>>,
    /// Its credit transfers.
    pub transfers: Option<Side<TransferFact>>,
    /// Those of its cards that were read whole.
    pub cards: Vec<CardSide>,
}

impl AccountFacts {
    /// An account of which nothing is known yet.
    pub fn new(owner: Owner) -> Self {
        Self { owner, currency: None, statements: None, iban_statements: None, transfers: None, cards: Vec::new() }
    }

    /// How many rows are known of it.
    pub fn rows(&self) -> usize {
        let lines = [&self.statements, &self.iban_statements].into_iter().flatten().map(|side| side.rows.len());
        let cards = self.cards.iter().map(|card| card.side.rows.len());
        lines.chain(cards).sum::<usize>() + self.transfers.as_ref().map_or(0, |side| side.rows.len())
    }

    /// An amount in the account's currency.
    pub(super) fn money(&self, amount: Money) -> String {
        amount.text(minor_digits(self.currency.as_deref()))
    }
}

impl<T> Side<T> {
    /// Rows of a listing of which none was rejected.
    pub fn of(rows: Vec<T>) -> Self {
        Self { rows, rejected: Rejected::default() }
    }
}

/// What the checks need of a statement's lines. Cancelled and declined lines prove nothing and are left out.
pub fn of_lines(rows: &[StatementLine<'_>], window: Window, needs: Needs) -> Vec<LineFact> {
    rows.iter().filter_map(|row| line(row, window, needs)).collect()
}

fn line(row: &StatementLine<'_>, window: Window, needs: Needs) -> Option<LineFact> {
    let settled = matches!(row.status, None | Some(Status::Settled));
    let iban = row.counterparty_iban.as_deref().map(words::id).filter(|iban| !iban.is_empty());
    let has_iban = iban.is_some() || row.virtual_iban.as_deref().is_some_and(|iban| !iban.is_empty());
    let is_read = row.amount.is_negative() || (needs.loads && !has_iban) || needs.transfers;
    // A twin is known by its txid, whether or not the account's line names the IBAN as well.
    let is_needed = needs.twins || row.feed == Feed::IbanStatements || is_read;
    let counts = matches!(row.status, None | Some(Status::Settled | Status::Pending | Status::Unknown));
    (is_needed && counts).then(|| LineFact {
        txid: row.txid.as_ref().into(),
        at: row.booked_at,
        amount: row.amount,
        balance: row.balance_after,
        settled,
        inside: window.contains(row.booked_at.day()),
        iban: iban.map(Into::into),
        has_iban,
        text: if is_read { joined(row.description.as_deref(), row.comment.as_deref()) } else { "".into() },
    })
}

fn joined(description: Option<&str>, comment: Option<&str>) -> Box<str> {
    match (description.unwrap_or_default(), comment.unwrap_or_default()) {
        (text, "") | ("", text) => text.into(),
        (description, comment) => format!("{description} {comment}").into(),
    }
}

/// What the checks need of a card's transactions: settled ones, without payments at merchants.
pub fn of_card(rows: &[CardTransaction<'_>], window: Window) -> Vec<CardFact> {
    rows.iter().filter_map(|row| card(row, window)).collect()
}

fn card(row: &CardTransaction<'_>, window: Window) -> Option<CardFact> {
    let by_merchant = row.mcc.as_deref().is_some_and(is_merchant);
    if row.status != Status::Settled || (by_merchant && row.amount.is_negative()) {
        return None;
    }
    let text = row.description.as_deref().unwrap_or_default();
    let word =
        words::card_word(text).filter(|word| !by_merchant && row.amount.is_negative() == (*word == CardWord::Unload));
    Some(CardFact {
        txid: row.txid.as_ref().into(),
        at: row.booked_at,
        amount: row.amount,
        inside: window.contains(row.booked_at.day()),
        word,
        pattern: if by_merchant { "".into() } else { words::pattern(text).into() },
    })
}

/// Whether a category code is that of a merchant. Loads carry none, or one of financial services (6000 to 6999) or of
/// money transfers (4829).
fn is_merchant(mcc: &str) -> bool {
    let code = mcc.trim().parse::<u32>().unwrap_or(0);
    code != 0 && code != 4829 && !(6000..7000).contains(&code)
}

/// What the checks need of credit transfers.
pub fn of_transfers(rows: &[CreditTransfer<'_>], window: Window) -> Vec<TransferFact> {
    let fact = |row: &CreditTransfer<'_>| {
        let kept = |text: Option<&str>| text.map(words::id).filter(|id| !id.is_empty()).map(Into::into);
        TransferFact {
            internal_id: row.internal_id.as_ref().into(),
            day: row.booking_date,
            amount: row.amount,
            status: row.status,
            direct_debit: row.transaction_type.as_deref().is_some_and(|word| word.to_ascii_lowercase().contains("dd")),
            inside: window.contains(row.booking_date),
            reference: kept(row.execution_reference.as_deref()),
            iban: kept(row.beneficiary_iban.as_deref()),
        }
    };
    rows.iter().map(fact).collect()
}
