//! Breaks: checks that do not hold. They are data, never errors.

use sha2::{Digest, Sha256};

use crate::record::{BreakRow, Day, Money, Owner};

/// What was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Check {
    /// Each settled row's balance is the balance before it plus its amount.
    Chain,
    /// A day's opening is the closing of the last day before it that has rows.
    Seam,
    /// No txid stands twice for one owner.
    Duplicate,
    /// The listing was proved complete.
    Completeness,
}

impl Check {
    /// All checks that are made.
    pub const ALL: [Check; 4] = [Check::Chain, Check::Seam, Check::Duplicate, Check::Completeness];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Check::Chain => "chain",
            Check::Seam => "seam",
            Check::Duplicate => "duplicate",
            Check::Completeness => "completeness",
        }
    }
}

/// The smallest explanation of a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// An entry stands twice.
    DuplicateEntry,
    /// Nothing simple explains it.
    Unexplained,
    /// The listing could not be proved complete.
    Unproved,
}

impl Cause {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Cause::DuplicateEntry => "duplicate_entry",
            Cause::Unexplained => "unexplained",
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A row, by its txid.
    Row(String),
    /// A listing, by its name.
    Listing(&'static str),
}

impl Break {
    /// Stable over runs: made of check, owner and row.
    pub fn id(&self) -> String {
        let subject = match &self.subject {
            Subject::Row(txid) => txid.as_str(),
            Subject::Listing(name) => name,
        };
        // Each part with its length, so that no two breaks spell the same text.
        let parts = [self.check.name(), self.owner.kind.name(), self.owner.id(), subject];
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
            txid: match &self.subject {
                Subject::Row(txid) => Some(txid.clone()),
                Subject::Listing(_) => None,
            },
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
