//! Breaks: checks that do not hold. They are data, never errors.

use sha2::{Digest, Sha256};

use crate::record::{BreakRow, Day, Money, Owner};

/// With these words an explanation sends its reader to the rows that could not be taken.
pub const SEE_REJECTS: &str = "see rejects.csv";

/// What was checked. Names and meanings are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// Each settled row's balance is the balance before it plus its amount.
    Chain,
    /// A day's opening is the closing of the last day before it that has rows.
    Seam,
    /// The last balance is the one that the provider reports for the owner.
    ClosingBalance,
    /// An IBAN statement has its account statement, and the reverse.
    IbanTwin,
    /// An executed credit transfer has exactly one statement debit, and the reverse.
    Transfer,
    /// A card's load or unload has its account line.
    CardLoad,
    /// No txid stands twice for one owner.
    Duplicate,
    /// The listing was proved complete.
    Completeness,
    /// A row reported earlier is unchanged and still there.
    Restatement,
}

impl Check {
    /// All checks, in the order in which reports list them.
    pub const ALL: [Check; 9] = [
        Check::Chain,
        Check::Seam,
        Check::ClosingBalance,
        Check::IbanTwin,
        Check::Transfer,
        Check::CardLoad,
        Check::Duplicate,
        Check::Completeness,
        Check::Restatement,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Check::Chain => "chain",
            Check::Seam => "seam",
            Check::ClosingBalance => "closing_balance",
            Check::IbanTwin => "iban_twin",
            Check::Transfer => "transfer",
            Check::CardLoad => "card_load",
            Check::Duplicate => "duplicate",
            Check::Completeness => "completeness",
            Check::Restatement => "restatement",
        }
    }
}

/// The smallest explanation of a break. Names are the contract's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// An entry is missing: its exact amount is known.
    MissingEntry,
    /// An entry stands twice.
    DuplicateEntry,
    /// An entry has the wrong sign: the difference is twice its amount.
    SignFlipped,
    /// An entry's amount was altered.
    AmountAltered,
    /// A single balance was altered: the chain closes around it.
    BalanceAltered,
    /// The balance moves by the amount and a fee.
    FeeNotIncluded,
    /// Two digits of an amount are swapped.
    DigitsTransposed,
    /// Nothing simple explains it.
    Unexplained,
    /// What should stand on the other side does not.
    NoCounterpart,
    /// It stands there with another amount.
    AmountDiffers,
    /// Several could be meant, and nothing tells which.
    Ambiguous,
    /// A row reported earlier has changed.
    Changed,
    /// A row reported earlier is gone.
    Vanished,
    /// The listing could not be proved complete.
    Unproved,
}

impl Cause {
    /// All causes.
    pub const ALL: [Cause; 14] = [
        Cause::MissingEntry,
        Cause::DuplicateEntry,
        Cause::SignFlipped,
        Cause::AmountAltered,
        Cause::BalanceAltered,
        Cause::FeeNotIncluded,
        Cause::DigitsTransposed,
        Cause::Unexplained,
        Cause::NoCounterpart,
        Cause::AmountDiffers,
        Cause::Ambiguous,
        Cause::Changed,
        Cause::Vanished,
        Cause::Unproved,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Cause::MissingEntry => "missing_entry",
            Cause::DuplicateEntry => "duplicate_entry",
            Cause::SignFlipped => "sign_flipped",
            Cause::AmountAltered => "amount_altered",
            Cause::BalanceAltered => "balance_altered",
            Cause::FeeNotIncluded => "fee_not_included",
            Cause::DigitsTransposed => "digits_transposed",
            Cause::Unexplained => "unexplained",
            Cause::NoCounterpart => "no_counterpart",
            Cause::AmountDiffers => "amount_differs",
            Cause::Ambiguous => "ambiguous",
            Cause::Changed => "changed",
            Cause::Vanished => "vanished",
            Cause::Unproved => "unproved",
        }
    }
}

/// A check that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The check.
    pub check: Check,
    /// Why, as far as it can be told.
    pub cause: Cause,
    /// Whose books.
    pub owner: Owner,
    /// The row, or what stands for it: the listing of a completeness break.
    pub subject: Subject,
    /// The row's local day.
    pub booking_date: Option<Day>,
    /// ISO 4217 code of the amounts.
    pub currency: Option<String>,
    /// What should be, and what is.
    pub amounts: Option<(Money, Money)>,
    /// What happened, in a sentence.
    pub explanation: String,
}

/// What a break speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A row, by its txid.
    Row(String),
    /// A row of a dataset, where the same id may stand in several of an owner's.
    RowOf(&'static str, String),
    /// A listing, by its name.
    Listing(&'static str),
}

impl Subject {
    /// The row's id, where it is a row.
    pub fn row(&self) -> Option<&str> {
        match self {
            Subject::Row(txid) | Subject::RowOf(_, txid) => Some(txid),
            Subject::Listing(_) => None,
        }
    }

    /// A row as one of a dataset; a listing stays what it is.
    pub fn within(self, dataset: &'static str) -> Subject {
        match self {
            Subject::Row(txid) | Subject::RowOf(_, txid) => Subject::RowOf(dataset, txid),
            listing @ Subject::Listing(_) => listing,
        }
    }
}

impl Break {
    /// Stable over runs: made of check, owner and row.
    pub fn id(&self) -> String {
        let subject = match &self.subject {
            Subject::Row(txid) => txid.clone(),
            Subject::RowOf(dataset, txid) => format!("{dataset}/{txid}"),
            Subject::Listing(name) => (*name).to_owned(),
        };
        // Each part with its length, so that no two breaks spell the same text.
        let parts = [self.check.name(), self.owner.kind.name(), self.owner.id(), &subject];
        let text = parts.map(|part| format!("{}:{part}", part.len())).concat();
        let hash = format!("{:x}", Sha256::digest(text));
        format!("brk-{}", &hash[..12])
    }

    /// As reports show it. `seen` is what the register knows of it.
    pub fn to_row(&self, first_seen: Day, status: &'static str) -> BreakRow {
        let (expected, actual) = self.amounts.unzip();
        BreakRow {
            break_id: self.id(),
            check: self.check.name(),
            cause: self.cause.name(),
            owner_kind: self.owner.kind.name(),
            owner_id: self.owner.id().to_owned(),
            txid: self.subject.row().map(str::to_owned),
            booking_date: self.booking_date,
            currency: self.currency.clone(),
            expected,
            actual,
            difference: self.amounts.and_then(|(expected, actual)| actual.checked_sub(expected)),
            explanation: self.explanation.clone(),
            first_seen,
            status,
        }
    }
}
