//! What a run tells, as it knows it: exact amounts, days, ids. How it is written is the page's matter.

use std::collections::HashMap;

use super::{Locale, Trend};
use crate::landing::Proof;
use crate::output::CurrencyTotals;
use crate::record::{BreakRow, Day, Money, RejectRow, Window};

/// A run, as the page tells it.
#[derive(Debug, Clone)]
pub struct Story<'a> {
    /// The job's name.
    pub job: &'a str,
    /// The days reported.
    pub window: Window,
    /// The zone in which days are counted.
    pub timezone: &'a str,
    /// The run's id.
    pub run_id: &'a str,
    /// The local day of the run, from which the age of breaks is counted.
    pub as_of: Day,
    /// The option by which commands find the output directory, with a space before it; empty where they need none.
    pub out: String,
    /// How amounts are written.
    pub locale: Locale,
    /// Each owner whose balances form a chain.
    pub owners: Vec<OwnerBooks<'a>>,
    /// All breaks of the window that are open or accepted.
    pub breaks: &'a [BreakRow],
    /// Rows around breaks, by the break's id; see [`super::shown_in_full`].
    pub around: &'a HashMap<String, Vec<Around>>,
    /// All rejected rows.
    pub rejects: &'a [RejectRow],
    /// All listings.
    pub listings: Vec<ListingFacts<'a>>,
    /// Rows and sums of each dataset.
    pub totals: Vec<Totals>,
    /// What is different from earlier runs.
    pub difference: Difference,
    /// What the balances tell of the provider's meaning, a sentence each.
    pub meaning: Vec<String>,
    /// What was learned about the meaning of the provider's date filter.
    pub date_filter: &'a str,
    /// What else should be known.
    pub notes: &'a [String],
    /// Requests sent.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
}

/// An owner's window.
#[derive(Debug, Clone)]
pub struct OwnerBooks<'a> {
    /// account or card.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// ISO 4217 code.
    pub currency: Option<&'a str>,
    /// Balance before the first settled row, an exact decimal text as are those that follow.
    pub opening: Option<&'a str>,
    /// Sum of credits.
    pub credits: &'a str,
    /// Sum of debits.
    pub debits: &'a str,
    /// Balance after the last settled row.
    pub closing: Option<&'a str>,
    /// Settled rows.
    pub entries: u64,
    /// tied, broken or ambiguous.
    pub verdict: &'a str,
    /// How its balance went, where it was kept.
    pub trend: Option<&'a Trend>,
}

/// The rows of a feed around a break, in the order of the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The feed.
    pub feed: &'static str,
    /// Three rows before, the row itself, three after.
    pub rows: Vec<ShownRow>,
    /// The response that holds the row.
    pub source: Option<Source>,
}

/// A response, so that it can be found again and spoken of with the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The `request_id` that the provider gave it.
    pub request_id: Option<String>,
    /// The file that holds it, below the folder of landed responses or the archive.
    pub file: String,
    /// Its number in the run, counted from 0.
    pub number: u32,
    /// SHA-256 (hex) of its bytes as received.
    pub sha256: String,
}

/// A row as shown near a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRow {
    /// Whether the break names it.
    pub is_named: bool,
    /// Its id.
    pub txid: String,
    /// When it was booked, in local time.
    pub at: String,
    /// What it says.
    pub text: String,
    /// Signed amount.
    pub amount: Money,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// The balance after it.
    pub balance: Option<Money>,
    /// What became of it.
    pub status: &'static str,
}

/// What is known of a listing.
#[derive(Debug, Clone)]
pub struct ListingFacts<'a> {
    /// What was listed.
    pub listing: &'static str,
    /// account, card or provider.
    pub owner_kind: &'static str,
    /// Whose.
    pub owner_id: &'a str,
    /// The proof, or what stands in its way.
    pub proof: &'a Proof,
    /// The numbers of the responses that make it up, in the order of the listing.
    pub responses: Vec<u32>,
    /// The first of them, of listings that are told one by one; see [`super::listings_told`].
    pub first: Option<Box<Source>>,
}

/// Control totals of a dataset.
#[derive(Debug, Clone)]
pub struct Totals {
    /// Its name.
    pub dataset: &'static str,
    /// Rows.
    pub rows: u64,
    /// Sums of its amounts by currency.
    pub sums: Vec<CurrencyTotals>,
}

/// What is different, in the window, from what earlier runs committed of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Difference {
    /// Rows that are new on days that were committed before.
    pub late_rows: u64,
    /// Rows that changed as rows may.
    pub amended_rows: u64,
    /// Rows that never were booked and are gone.
    pub expired_rows: u64,
    /// Rows that changed or vanished although they were booked.
    pub restated_rows: u64,
}
