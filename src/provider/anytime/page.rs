//! A page of rows: what a response says of itself, and the text of each row.
//!
//! Source: `anytime-reference`, the envelope and the listings. `filters` is the echo of what was applied; it can be
//! absent or `[]`. Credit transfers stand under the key `credit-transfers`, and their body names no account.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::auth;
use super::scalar::{self, Raw, text};
use crate::record::Feed;
use crate::record::rows::Text;

/// A response that carries rows.
#[derive(Debug)]
pub struct Page<'a> {
    /// The account the body names.
    pub acc_id: Option<Text<'a>>,
    /// The card the body names.
    pub card_ref: Option<Text<'a>>,
    /// What the provider says it applied.
    pub echo: Echo,
    /// The rows' texts, in the order of the listing.
    pub rows: Vec<&'a RawValue>,
    /// The text over which the hash was made, and the hash.
    pub seal: Option<(Text<'a>, Text<'a>)>,
}

/// The filters a response says it applied, where it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Echo {
    /// Position of the first row.
    pub limit_start: Option<u64>,
    /// Greatest number of rows.
    pub limit_number: Option<u64>,
    /// First and last day asked for, as echoed.
    pub dates: (Option<String>, Option<String>),
}

#[derive(Deserialize)]
struct WireEnvelope<'a> {
    #[serde(borrow)]
    timestamp: Raw<'a>,
    #[serde(borrow)]
    hash: Raw<'a>,
    #[serde(borrow)]
    body: WireBody<'a>,
}

#[derive(Deserialize)]
struct WireBody<'a> {
    #[serde(borrow)]
    acc_id: Raw<'a>,
    #[serde(borrow)]
    card_ref: Raw<'a>,
    #[serde(borrow)]
    filters: Raw<'a>,
    #[serde(borrow)]
    error: Raw<'a>,
    #[serde(borrow)]
    transactions: Option<Vec<&'a RawValue>>,
    #[serde(borrow, rename = "credit-transfers")]
    credit_transfers: Option<Vec<&'a RawValue>>,
    /// The key with an underscore is nowhere documented, and costs nothing to understand.
    #[serde(borrow, rename = "credit_transfers")]
    credit_transfers_underscored: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct WireFilters<'a> {
    #[serde(borrow)]
    limit_start: Raw<'a>,
    #[serde(borrow)]
    limit_number: Raw<'a>,
    #[serde(borrow)]
    date_start: Raw<'a>,
    #[serde(borrow)]
    date_end: Raw<'a>,
}

#[derive(Deserialize)]
struct WireSender<'a> {
    #[serde(borrow)]
    sender_account_id: Raw<'a>,
}

impl<'a> Page<'a> {
    /// Reads a response of `feed`.
    ///
    /// # Errors
    /// What was expected and what was found, when it is not one.
    pub fn parse(feed: Feed, response: &'a [u8]) -> Result<Page<'a>, String> {
        let json = std::str::from_utf8(response).map_err(|error| format!("expected UTF-8: {error}"))?;
        let envelope: WireEnvelope<'a> =
            serde_json::from_str(json).map_err(|error| format!("expected an envelope with a body: {error}"))?;
        let body = envelope.body;
        if let Some(error) = body.error {
            return Err(format!("expected rows, found the error {}", scalar::excerpt(error.get())));
        }
        let (key, rows) = match feed {
            Feed::CreditTransfers => ("credit-transfers", body.credit_transfers.or(body.credit_transfers_underscored)),
            _ => ("transactions", body.transactions),
        };
        let rows = rows.ok_or_else(|| format!("expected rows under '{key}' in the body, found none"))?;
        let named = |field, raw| text(field, raw).map_err(|error| error.reason);
        Ok(Page {
            acc_id: named("acc_id", body.acc_id)?.or_else(|| sender_of(&rows)),
            card_ref: named("card_ref", body.card_ref)?,
            echo: Echo::parse(body.filters),
            rows,
            seal: named("timestamp", envelope.timestamp)?.zip(named("hash", envelope.hash)?),
        })
    }

    /// Whether the envelope's hash is that of its timestamp and `username`. It tells who answered, not that the body is
    /// whole.
    pub fn is_sealed_for(&self, username: &str) -> bool {
        self.seal
            .as_ref()
            .is_some_and(|(timestamp, hash)| auth::hash_of(timestamp, username).eq_ignore_ascii_case(hash))
    }
}

/// Credit transfers name their account in each row.
fn sender_of<'a>(rows: &[&'a RawValue]) -> Option<Text<'a>> {
    let first: WireSender<'a> = serde_json::from_str(rows.first()?.get()).ok()?;
    text("sender_account_id", first.sender_account_id).ok()?
}

impl Echo {
    /// Reads `filters`; what is not understood is as good as absent.
    fn parse(raw: Raw<'_>) -> Echo {
        let Some(filters) = raw.and_then(|raw| serde_json::from_str::<WireFilters<'_>>(raw.get()).ok()) else {
            return Echo::default();
        };
        let number = |raw| text("filters", raw).ok().flatten().and_then(|text| text.parse().ok());
        let word = |raw| text("filters", raw).ok().flatten().map(Text::into_owned);
        Echo {
            limit_start: number(filters.limit_start),
            limit_number: number(filters.limit_number),
            dates: (word(filters.date_start), word(filters.date_end)),
        }
    }
}
