//! Providers: who is asked, and how.
//!
//! The shared parts stand here, one idea a file: `http` makes one attempt, `retry` makes several, `rate` is the gate
//! that each attempt passes, `signer` signs it with the `key`, `token` is the access token with its one refresher, and
//! `pager` reads a listing until it is proved complete. A provider's own routes, errors and JSON stand in its folder.

pub mod anytime;
pub mod checkup;
pub mod depth;
pub mod http;
pub mod key;
pub mod keypair;
pub mod pager;
mod pem;
pub mod rate;
pub mod retry;
pub mod signer;
pub mod token;

use crate::job::{Connection, Plan};
use crate::landing::{BalanceReading, Landing, Listing, Subject};
use crate::record::Owner;
use crate::{Error, Result};

/// Who watches a fetch. All of it is optional, and may be called from several threads.
pub trait Progress: Sync {
    /// The run goes on with the fetch of an interrupted one, and bears its id from here on.
    fn run_continues(&self, _run_id: &str) {}
    /// A listing is asked for.
    fn listing_started(&self, _subject: Subject, _owner: &Owner) {}
    /// That many listings are known to wait for their turn; more may come up while accounts and cards are listed.
    fn listings_waiting(&self, _waiting: usize) {}
    /// A listing is known, proved or not; `rows` stand in its pages, overlaps not counted.
    fn listing_finished(&self, _listing: &Listing, _rows: u64) {}
    /// That many more requests were sent, retries among them.
    fn requests(&self, _more: u64) {}
    /// That many more attempts will be made because one failed.
    fn retries(&self, _more: u64) {}
    /// That many more rows were read, rows that are read twice included.
    fn rows(&self, _more: u64) {}
    /// Something that whoever watches should know at once.
    fn note(&self, _text: &str) {}
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Progress for Unwatched {}

/// An account that the provider listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its id, as text.
    pub acc_id: String,
    /// What the provider calls its type, such as `business`.
    pub acc_type: Option<String>,
    /// ISO 4217 code of its balance.
    pub currency: Option<String>,
    /// What went wrong when its details were asked for, on one line.
    pub note: Option<String>,
}

/// A card of an account that the provider listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardInfo {
    /// The account behind it.
    pub acc_id: String,
    /// Its reference.
    pub card_ref: String,
    /// Its status as the provider spells it.
    pub status: Option<String>,
    /// Its balance when it was listed, as the provider prints it.
    pub balance: Option<String>,
}

/// What a run fetched. The rows themselves stand in the landing; the listings say where.
#[derive(Debug, Default)]
pub struct Fetched {
    /// The accounts, in natural order of their ids.
    pub accounts: Vec<AccountInfo>,
    /// The cards, by account and reference; empty when no feed needs them.
    pub cards: Vec<CardInfo>,
    /// All listings, those of accounts and cards included, by subject and owner. An owner has two of one subject when
    /// a margin before the window was read as well.
    pub listings: Vec<Listing>,
    /// Where the owners' balances stand; empty when the window does not reach now.
    pub balances: Vec<BalanceReading>,
    /// Requests sent, each attempt and the token's counted.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// What was learned about the meaning of the date filter, in a sentence.
    pub date_filter: String,
}

/// What `tieout check` learns from the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// Bits of the key that signs.
    pub key_bits: usize,
    /// The provider's local time, as it prints it.
    pub date_time: String,
    /// Seconds that the provider's clock is ahead of this machine's; none when it sent no readable timestamp.
    pub clock_ahead_s: Option<i64>,
    /// Requests sent.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
}

/// Fetches all that the plan needs, and lands it.
///
/// # Errors
/// When the run as a whole cannot go on: no token, no list of accounts, a disk that is full. An owner that cannot be
/// fetched is a listing with [`Proof::Failed`](crate::landing::Proof::Failed) instead.
pub async fn fetch(
    plan: &Plan,
    connection: &Connection,
    landing: &Landing,
    progress: &dyn Progress,
) -> Result<Fetched> {
    match plan.provider {
        anytime::NAME => anytime::fetch(plan, connection, landing, progress).await,
        other => Err(unknown(other)),
    }
}

/// Loads the connection's key, and tells how many bits it has.
///
/// # Errors
/// When it cannot be read, or is no RSA private key.
pub fn check_key(connection: &Connection) -> Result<usize> {
    use rsa::traits::PublicKeyParts;
    key::of(connection).map(|key| key.size() * 8)
}

/// Loads the key, gets a token and makes one signed request that changes nothing.
///
/// # Errors
/// When any of these fails; the message says which, and who must act.
pub async fn check(provider: &str, connection: &Connection) -> Result<CheckReport> {
    match provider {
        anytime::NAME => anytime::check(connection).await,
        other => Err(unknown(other)),
    }
}

/// Checks everything that a run needs of the provider, and tells of each step.
///
/// # Errors
/// The first step that failed; of rights, all feeds that cannot be read.
pub async fn check_up(
    plan: &Plan,
    connection: &Connection,
    apicheck_only: bool,
    tell: &mut checkup::Tell<'_>,
) -> Result<()> {
    match plan.provider {
        anytime::NAME => anytime::check_up(plan, connection, apicheck_only, tell).await,
        other => Err(unknown(other)),
    }
}

fn unknown(provider: &str) -> Error {
    Error::job(format!("expected a provider that can be fetched from, but found '{provider}'"))
        .hint(format!("'{}' can", anytime::NAME))
}
