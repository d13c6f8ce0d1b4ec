//! How the provider on loopback behaves, wherever the real one's documents leave it open.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::books::Books;
use super::fault::Fault;
use super::keys::PublicKey;
use super::log::RequestRecord;

/// Everything a sandbox is started with.
#[derive(Clone)]
pub struct SandboxConfig {
    /// What it serves.
    pub books: Books,
    /// Who may ask.
    pub credentials: Credentials,
    /// How it behaves where the documents leave it open.
    pub behaviour: Behaviour,
    /// What goes wrong, and when.
    pub faults: Vec<Fault>,
    /// The port on 127.0.0.1; 0 for any that is free.
    pub port: u16,
    /// Called with each request once it has been answered.
    pub on_request: Option<OnRequest>,
}

/// What is called with each request.
pub type OnRequest = Arc<dyn Fn(&RequestRecord) + Send + Sync>;

impl SandboxConfig {
    /// The built-in sample for the holder of this key, on any free port, with the credentials of [`Credentials::new`].
    pub fn new(public_key: PublicKey) -> Self {
        Self {
            books: super::sample::books(),
            credentials: Credentials::new(public_key),
            behaviour: Behaviour::default(),
            faults: Vec::new(),
            port: 0,
            on_request: None,
        }
    }
}

impl fmt::Debug for SandboxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("SandboxConfig");
        shown.field("behaviour", &self.behaviour).field("faults", &self.faults).field("port", &self.port);
        shown.finish_non_exhaustive()
    }
}

/// The one API user that the sandbox knows. Nothing here guards anything but sample data.
#[derive(Clone)]
pub struct Credentials {
    /// The API user; part of every envelope's hash.
    pub username: String,
    /// OAuth2 client id.
    pub client_id: String,
    /// OAuth2 client secret.
    pub client_secret: String,
    /// The user's password.
    pub password: String,
    /// The key that requests are signed with, as the provider has registered it.
    pub public_key: PublicKey,
}

impl Credentials {
    /// That API user, or the documented one of every sandbox.
    pub fn username_or_default(username: Option<&str>) -> &str {
        username.unwrap_or("sandbox-user")
    }

    /// The documented credentials of every sandbox, with this key.
    pub fn new(public_key: PublicKey) -> Self {
        Self {
            username: Self::username_or_default(None).to_owned(),
            client_id: "sandbox-client".to_owned(),
            client_secret: "sandbox-client-secret".to_owned(),
            password: "sandbox-password".to_owned(),
            public_key,
        }
    }
}

/// In which order a listing has its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Order {
    /// As posted.
    #[default]
    Oldest,
    /// The reverse.
    Newest,
    /// An order of chance that stays the same.
    Shuffled,
}

/// What `body.filters` tells of the limits that were applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Echo {
    /// The limits and dates that were applied.
    #[default]
    Applied,
    /// `[]`
    Empty,
    /// No `filters` at all.
    Absent,
}

/// Which of a card transaction's two days the date filters look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum DateField {
    /// `date`, when it was processed.
    #[default]
    Date,
    /// `date_transaction`, when the card was used.
    DateTransaction,
}

/// Whether and how a 429 tells how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryAfter {
    /// Not at all.
    #[default]
    Absent,
    /// In seconds.
    Seconds(u32),
    /// As the HTTP date that many seconds from now.
    Date(u32),
}

/// The rate limit of an API user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests a second on average; as many may come at once after a second of rest.
    pub per_second: u32,
    /// What a refusal tells.
    pub retry_after: RetryAfter,
}

/// What the provider's documents leave open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// In which order listings have their rows.
    pub order: Order,
    /// The most rows of a page, whatever is asked for.
    pub page_rows_max: u32,
    /// What is told of the limits applied.
    pub echo: Echo,
    /// Whether `total_results` is told.
    pub totals: bool,
    /// Whether `credit-transfers` ignores limits and sends the whole list each time.
    pub transfers_ignore_limits: bool,
    /// Which day of a card transaction the date filters look at.
    pub date_field: DateField,
    /// Whether the day of `date_end` is left out.
    pub date_end_excluded: bool,
    /// How long each answer takes at least.
    pub latency: Duration,
    /// The rate limit, if there is one.
    pub rate_limit: Option<RateLimit>,
    /// `expires_in` of a token, in seconds.
    pub token_lifetime_s: u32,
    /// Decides the order of a shuffled listing and everything else left to chance.
    pub seed: u64,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            order: Order::Oldest,
            page_rows_max: 100,
            echo: Echo::Applied,
            totals: true,
            transfers_ignore_limits: false,
            date_field: DateField::Date,
            date_end_excluded: false,
            latency: Duration::ZERO,
            rate_limit: None,
            token_lifetime_s: 3600,
            seed: 0,
        }
    }
}
