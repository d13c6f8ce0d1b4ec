//! The landing: every response as received, and which responses make up a listing.
//!
//! Bytes land before they are parsed, so that any run can be done again from here without a network. Responses stand in
//! `raw/<shelf>/<run>.ndjson.zst`, one zstd frame a response: a concatenation that every zstd tool reads as one stream,
//! and in which a single response can be read by its offset. A response that spans lines gets a `.json.zst` of its own.
//! `raw/_runs/<run>.ndjson` tells the request, time, status and SHA-256 of each, and which of them form a listing.

//!
//! A run that was killed is gone on with from here (`resume`), card numbers never get here (`mask`), and what is older than
//! the job keeps is removed (`prune`).

mod archive;
pub mod assemble;
mod index;
pub mod mask;
mod prune;
mod resume;
mod tail;
mod writer;

pub use archive::{Archive, Block};
pub use index::{LandedRun, RunLine, Told, read_back};
pub use mask::Masked;
pub use prune::prune;
pub use resume::{Found, Interrupted, Replay, Resumed, find};
pub use writer::{Landed, Landing};

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::record::{Feed, Owner};

/// Names a response within its run or archive; counted from 0 in the order of landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResponseId(pub u32);

/// The folder that a response lands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Shelf {
    /// Rows of a feed.
    Feed(Feed),
    /// The list of accounts.
    Accounts,
    /// One account's details.
    Account,
    /// The list of an account's cards.
    Cards,
    /// An account's balance.
    Balance,
    /// Anything that carries no rows: errors, answers that were not understood, the API check. Not read back.
    Other,
}

impl Shelf {
    /// All shelves.
    pub const ALL: [Shelf; 9] = [
        Shelf::Accounts,
        Shelf::Account,
        Shelf::Cards,
        Shelf::Balance,
        Shelf::Feed(Feed::AccountStatements),
        Shelf::Feed(Feed::IbanStatements),
        Shelf::Feed(Feed::CardTransactions),
        Shelf::Feed(Feed::CreditTransfers),
        Shelf::Other,
    ];

    /// The folder's name.
    pub fn folder(self) -> &'static str {
        match self {
            Shelf::Feed(feed) => feed.name(),
            Shelf::Accounts => "accounts",
            Shelf::Account => "account",
            Shelf::Cards => "cards",
            Shelf::Balance => "balance",
            Shelf::Other => "_other",
        }
    }
}

/// What a listing lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The provider's accounts.
    Accounts,
    /// An account's cards.
    Cards,
    /// Rows of a feed.
    AccountStatements,
    /// Rows of a feed.
    IbanStatements,
    /// Rows of a feed.
    CardTransactions,
    /// Rows of a feed.
    CreditTransfers,
}

impl Subject {
    /// The feed listed, if it is one.
    pub fn feed(self) -> Option<Feed> {
        match self {
            Subject::Accounts | Subject::Cards => None,
            Subject::AccountStatements => Some(Feed::AccountStatements),
            Subject::IbanStatements => Some(Feed::IbanStatements),
            Subject::CardTransactions => Some(Feed::CardTransactions),
            Subject::CreditTransfers => Some(Feed::CreditTransfers),
        }
    }

    /// The name in words.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Accounts => "accounts",
            Subject::Cards => "cards",
            Subject::AccountStatements => "account_statements",
            Subject::IbanStatements => "iban_statements",
            Subject::CardTransactions => "card_transactions",
            Subject::CreditTransfers => "credit_transfers",
        }
    }
}

impl From<Feed> for Subject {
    fn from(feed: Feed) -> Self {
        match feed {
            Feed::AccountStatements => Subject::AccountStatements,
            Feed::IbanStatements => Subject::IbanStatements,
            Feed::CardTransactions => Subject::CardTransactions,
            Feed::CreditTransfers => Subject::CreditTransfers,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A page of a listing: a landed response, and how many of its first rows the page before it already gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListingPage {
    /// The response.
    pub response: ResponseId,
    /// Rows at its head that belong to the page before (the overlap).
    pub skip: u32,
}

/// All pages of one owner's rows in one feed, in the order of the listing, and what is known of its completeness.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// What is listed.
    pub subject: Subject,
    /// Whose.
    pub owner: Owner,
    /// Its pages; those of the last pass that reached the end. Empty when no pass did.
    pub pages: Vec<ListingPage>,
    /// What is known of its completeness.
    pub proof: Proof,
}

/// The responses that state an owner's balance before and after its rows were read.
#[derive(Debug, Clone, PartialEq)]
pub struct BalanceReading {
    /// Whose.
    pub owner: Owner,
    /// An account's balance, or a page of the list of cards.
    pub before: ResponseId,
    /// The same, later.
    pub after: ResponseId,
}

/// What is known of a listing's completeness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "proof")]
pub enum Proof {
    /// Two passes over its seams agreed.
    Proved(Certificate),
    /// It reached an end but kept moving, or its pages contradict each other. The rows are the last pass's.
    Unproved {
        /// What was expected and what was found.
        reason: String,
    },
    /// It could not be fetched at all.
    Failed {
        /// The provider's error on one line.
        error: String,
    },
    /// Pages from elsewhere, fetched by nobody knows whom: nothing to prove it by.
    NotAsked,
}

/// What was compared to prove a listing complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Passes until two agreed on every seam.
    pub passes: u32,
    /// Pages of the accepted pass.
    pub pages: u32,
    /// Rows, overlaps not counted.
    pub rows: u64,
    /// Seams between pages at which the overlapping row was the same on both sides.
    pub seams: u32,
    /// How the end was shown, and that the first page was the same when read again.
    pub evidence: String,
}
