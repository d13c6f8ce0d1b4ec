//! A job resolved: nothing optional is left open, every path is absolute or relative to the current directory, and
//! every credential has been looked up.

use std::path::PathBuf;

use secrecy::SecretString;

use super::Shard;
use crate::formats::Accounting;
use crate::reconcile::FeeRule;
use crate::record::{Feed, Window, Zone};
use crate::report::Locale;
use crate::store::Address;

/// What a run does.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `[job] name`; names the report folder.
    pub job_name: String,
    /// The zone in which the provider prints dates and in which days are counted.
    pub zone: Zone,
    /// The days reported.
    pub window: Window,
    /// The feeds, in contract order, without doubles.
    pub feeds: Vec<Feed>,
    /// The share of the accounts that is run; all of them without it.
    pub shard: Option<Shard>,
    /// Days between a credit transfer's execution and its debit, at most.
    pub transfer_days: i32,
    /// The provider's name, such as `anytime`.
    pub provider: &'static str,
    /// Whether `fx_fee` is inside `amount` or on top of it.
    pub fx_fee: FeeRule,
    /// Where responses come from.
    pub source: Source,
    /// Where results go.
    pub output: Output,
    /// Whether what an interrupted run has fetched is left alone.
    pub fresh: bool,
    /// How the accountant's page writes amounts.
    pub locale: Locale,
}

/// Where responses come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Pages fetched earlier.
    Archive {
        /// The folder.
        directory: PathBuf,
        /// The API user, when the job names one: with it the envelopes' hashes can be verified.
        username: Option<String>,
    },
    /// The provider itself.
    Network(Box<Connection>),
}

/// `[job] transfer_days` where the file tells none: a debit may be booked on the next day that banks work.
pub const TRANSFER_DAYS_DEFAULT: i32 = 3;

/// How to reach and convince the provider.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Scheme, host and port, without a trailing slash.
    pub base_url: String,
    /// The API user. Not secret by itself: it is part of every envelope's hash.
    pub username: String,
    /// OAuth2 client id.
    pub client_id: String,
    /// OAuth2 client secret.
    pub client_secret: SecretString,
    /// The user's password.
    pub password: SecretString,
    /// The RSA private key.
    pub private_key: KeySource,
    /// Its passphrase.
    pub private_key_passphrase: Option<SecretString>,
    /// Rows asked for in a page (`limit_number`), at least 2.
    pub page_size: u32,
    /// Requests started in a second, all kinds together.
    pub requests_per_second: Option<u32>,
    /// Requests in flight.
    pub concurrency: usize,
    /// PEM file of a further root certificate.
    pub ca_certificate: Option<PathBuf>,
    /// Limits of patience.
    pub limits: Limits,
}

/// Where the RSA private key comes from, as PEM.
#[derive(Debug, Clone)]
pub enum KeySource {
    /// A file, which nobody but its owner may read.
    File(PathBuf),
    /// The PEM text itself, from an environment variable.
    Text(SecretString),
}

/// How long and how often a request is tried, and how much of an answer is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Attempts at one request, the first included.
    pub attempts_max: u32,
    /// Milliseconds over all attempts at one request.
    pub retry_elapsed_ms_max: u64,
    /// Milliseconds before the second attempt, at most; doubles with each further one.
    pub backoff_ms_first: u64,
    /// Milliseconds between two attempts, at most (a longer Retry-After wins, within the elapsed limit).
    pub backoff_ms_max: u64,
    /// Attempts beyond the first that a whole run may use.
    pub run_retries_max: u32,
    /// Milliseconds to connect.
    pub connect_ms_max: u64,
    /// Milliseconds for one attempt from sending to the last byte.
    pub attempt_ms_max: u64,
    /// Bytes of one response body, unpacked.
    pub body_bytes_max: usize,
    /// Nesting of a response's JSON.
    pub json_depth_max: u32,
    /// Times a listing that moved is read before it is given up as unproved.
    pub listing_passes_max: u32,
    /// Pages of one listing.
    pub listing_pages_max: u32,
    /// Whether every page of a listing is read twice, which proves it against any change whatever (see the pager), at
    /// twice the requests.
    pub listings_read_twice: bool,
    /// Days for which landed responses are kept; without it, for ever.
    pub raw_keep_days: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts_max: 8,
            retry_elapsed_ms_max: 300_000,
            backoff_ms_first: 250,
            backoff_ms_max: 30_000,
            run_retries_max: 1_000,
            connect_ms_max: 10_000,
            attempt_ms_max: 60_000,
            body_bytes_max: 64 << 20,
            json_depth_max: 64,
            listing_passes_max: 6,
            listing_pages_max: 200_000,
            listings_read_twice: false,
            raw_keep_days: None,
        }
    }
}

/// Where results go.
#[derive(Debug, Clone)]
pub struct Output {
    /// The output directory.
    pub directory: PathBuf,
    /// What commands shown to a reader call it.
    pub shown_as: String,
    /// The object store that the committed lake is published to.
    pub lake: Option<Address>,
    /// Whether CSV reports are written.
    pub csv: bool,
    /// Whether the Parquet lake is written.
    pub parquet: bool,
    /// What is written for accounting programs.
    pub accounting: Accounting,
}
