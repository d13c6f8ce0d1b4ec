//! A page of rows: what a response says of itself, and the text of each row.
//!
//! Source: `anytime-reference`, the envelope and the listings. `filters` is the echo of what was applied; it can be
//! absent or `[]`. Credit transfers stand under the key `credit-transfers`, and their body names no account.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer};

use super::auth;
use super::scalar::{self, Raw, text};
use super::scan::Scanner;
pub use super::scan::{Fields, Json};
use crate::record::Feed;
use crate::record::rows::Text;

/// A response that carries rows, in the shape `R` in which they are wanted.
#[derive(Debug)]
pub struct Page<'a, R> {
    /// The account the body names.
    pub acc_id: Option<Text<'a>>,
    /// The card the body names.
    pub card_ref: Option<Text<'a>>,
    /// What the provider says it applied.
    pub echo: Echo,
    /// The rows, in the order of the listing.
    pub rows: Vec<R>,
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

/// What a page gives of each row.
pub trait RowForm<'a>: Deserialize<'a> {
    /// Takes the row that the scanner stands before, and puts it behind the others.
    #[doc(hidden)]
    fn scan(scanner: &mut Scanner<'a>, rows: &mut Vec<Self>) -> Option<()>;

    /// The row's text.
    fn text(&self) -> &'a str;
}

impl<'a> RowForm<'a> for Json<'a> {
    fn scan(scanner: &mut Scanner<'a>, rows: &mut Vec<Self>) -> Option<()> {
        scanner.value().map(|json| rows.push(json))
    }

    fn text(&self) -> &'a str {
        self.get()
    }
}

/// A row's text, and its fields where the scanner could take them in passing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawRow<'a, F> {
    pub(super) text: &'a str,
    pub(super) fields: Option<F>,
}

impl<'a, F> From<&'a str> for RawRow<'a, F> {
    fn from(text: &'a str) -> Self {
        RawRow { text, fields: None }
    }
}

impl<'de: 'a, 'a, F> Deserialize<'de> for RawRow<'a, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| RawRow::from(json.get()))
    }
}

impl<'a, F: Fields<'a>> RowForm<'a> for RawRow<'a, F> {
    fn scan(scanner: &mut Scanner<'a>, rows: &mut Vec<Self>) -> Option<()> {
        let start = *scanner;
        // Filled where it stands: a row is not small, and there are many.
        let row = rows.push_mut(RawRow { text: "", fields: None });
        if let Some(json) = scanner.fields(row.fields.insert(F::default())) {
            row.text = json.get();
            return Some(());
        }
        *scanner = start;
        *row = RawRow::from(scanner.value()?.get());
        Some(())
    }

    fn text(&self) -> &'a str {
        self.text
    }
}

/// A row's text alone, walked along the fields that it is expected to have: that is the fast way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowText<'a, F> {
    text: &'a str,
    fields: PhantomData<F>,
}

impl<'de: 'a, 'a, F> Deserialize<'de> for RowText<'a, F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| RowText { text: json.get(), fields: PhantomData })
    }
}

impl<'a, F: Fields<'a>> RowForm<'a> for RowText<'a, F> {
    fn scan(scanner: &mut Scanner<'a>, rows: &mut Vec<Self>) -> Option<()> {
        let start = *scanner;
        let json = scanner.text_of_fields::<F>().or_else(|| {
            *scanner = start;
            scanner.value()
        })?;
        rows.push(RowText { text: json.get(), fields: PhantomData });
        Some(())
    }

    fn text(&self) -> &'a str {
        self.text
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(expecting = "an object", bound(deserialize = "'de: 'a, R: Deserialize<'de>"))]
struct WireEnvelope<'a, R> {
    timestamp: Raw<'a>,
    hash: Raw<'a>,
    body: WireBody<'a, R>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(expecting = "an object as the body", bound(deserialize = "'de: 'a, R: Deserialize<'de>"))]
struct WireBody<'a, R> {
    acc_id: Raw<'a>,
    card_ref: Raw<'a>,
    filters: Raw<'a>,
    error: Raw<'a>,
    transactions: Option<Vec<R>>,
    #[serde(rename = "credit-transfers")]
    credit_transfers: Option<Vec<R>>,
    /// The key with an underscore is nowhere documented, and costs nothing to understand.
    #[serde(rename = "credit_transfers")]
    credit_transfers_underscored: Option<Vec<R>>,
}

impl<'a, R: RowForm<'a>> WireEnvelope<'a, R> {
    /// Reads a response in one go; `None` when `serde_json` is to read it.
    fn scan(json: &'a str) -> Option<Self> {
        let mut scanner = Scanner::new(json);
        let (mut timestamp, mut hash, mut body) = (None, None, None);
        scanner.object(|scanner, name| match name {
            "timestamp" => once(&mut timestamp, scanner.optional()?),
            "hash" => once(&mut hash, scanner.optional()?),
            "body" => once(&mut body, WireBody::scan(scanner)?),
            _ => scanner.value().map(drop),
        })?;
        scanner.end()?;
        Some(WireEnvelope { timestamp: timestamp.flatten(), hash: hash.flatten(), body: body? })
    }
}

impl<'a, R: RowForm<'a>> WireBody<'a, R> {
    fn scan(scanner: &mut Scanner<'a>) -> Option<Self> {
        let (mut acc_id, mut card_ref, mut filters, mut error) = (None, None, None, None);
        let (mut transactions, mut credit_transfers, mut underscored) = (None, None, None);
        scanner.object(|scanner, name| match name {
            "acc_id" => once(&mut acc_id, scanner.optional()?),
            "card_ref" => once(&mut card_ref, scanner.optional()?),
            "filters" => once(&mut filters, scanner.optional()?),
            "error" => once(&mut error, scanner.optional()?),
            "transactions" => once(&mut transactions, rows(scanner)?),
            "credit-transfers" => once(&mut credit_transfers, rows(scanner)?),
            "credit_transfers" => once(&mut underscored, rows(scanner)?),
            _ => scanner.value().map(drop),
        })?;
        Some(WireBody {
            acc_id: acc_id.flatten(),
            card_ref: card_ref.flatten(),
            filters: filters.flatten(),
            error: error.flatten(),
            transactions: transactions.flatten(),
            credit_transfers: credit_transfers.flatten(),
            credit_transfers_underscored: underscored.flatten(),
        })
    }
}

/// Bytes of a short row: by these, room is made.
pub const ROW_BYTES_ABOUT: usize = 256;

/// A list of rows, or `null`.
#[allow(clippy::option_option, reason = "three outcomes: unusual, null, a list")]
fn rows<'a, R: RowForm<'a>>(scanner: &mut Scanner<'a>) -> Option<Option<Vec<R>>> {
    if scanner.is_null() {
        return scanner.value().map(|_| None);
    }
    let mut rows = Vec::with_capacity(scanner.bytes_left() / ROW_BYTES_ABOUT);
    scanner.array(|scanner| R::scan(scanner, &mut rows))?;
    Some(Some(rows))
}

/// Fills a place that must still be free: a name that comes twice is `serde_json`'s matter.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
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
#[serde(expecting = "an object")]
struct WireSender<'a> {
    #[serde(borrow)]
    sender_account_id: Raw<'a>,
}

/// What is wrong with a page, in the words of JSON.
fn not_an_envelope(error: &serde_json::Error) -> String {
    const WORDS: [(&str, &str); 3] = [
        ("expected a sequence", "expected a list"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: object"),
    ];
    let told = WORDS.into_iter().fold(error.to_string(), |told, (theirs, ours)| told.replacen(theirs, ours, 1));
    format!("expected an envelope with a body: {told}")
}

/// The number that the provider gave its answer; `None` when it is not found before anything unusual.
pub fn request_id(response: &[u8]) -> Option<&str> {
    let mut scanner = Scanner::new(std::str::from_utf8(response).ok()?);
    let mut found = None;
    // It stands near the beginning: there is no need to go on.
    let _ = scanner.object(|scanner, name| {
        let value = scanner.optional()?;
        let is_it = name == "request_id";
        if is_it {
            found = value.map(|id| id.get().trim_matches('"'));
        }
        (!is_it).then_some(())
    });
    found
}

impl<'a, R: RowForm<'a>> Page<'a, R> {
    /// Reads a response of `feed`.
    ///
    /// # Errors
    /// What was expected and what was found, when it is not one.
    pub fn parse(feed: Feed, response: &'a [u8]) -> Result<Page<'a, R>, String> {
        let json = std::str::from_utf8(response).map_err(|error| format!("expected UTF-8: {error}"))?;
        let envelope: WireEnvelope<'a, R> = match WireEnvelope::scan(json) {
            Some(envelope) => envelope,
            None => serde_json::from_str(json).map_err(|error| not_an_envelope(&error))?,
        };
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
fn sender_of<'a, R: RowForm<'a>>(rows: &[R]) -> Option<Text<'a>> {
    let first: WireSender<'a> = serde_json::from_str(rows.first()?.text()).ok()?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::decode::WireCard;
    use super::*;

    const PAGE: &str = r#"{"request_id":1,"timestamp":1793408400.644,"hash":"fcca","body":{"card_ref":"ANY1","acc_id":"1",
"filters":{"limit_start":0,"limit_number":500},"transactions":[{"txid":"100","mcc":5200,"amount":7.22,"fx":"1.000000",
"vat_details":[{"rate":20,"amount":1.2}],"failed_reason":[],"status":"S","type":"D","balance_after":-960.66,
"date":"2026-08-01 00:01:28","description":"Caf\u00e9 \"Zo\u00eb\""} , {"txid":101,"extra":{"a":[null,true]}},{}]}}"#;

    type CardRow<'a> = RawRow<'a, WireCard<'a>>;

    /// What is scanned, `serde_json` reads as well, and finds the same in it.
    fn agrees(json: &str) -> Result<(), TestCaseError> {
        let Some(mut scanned) = WireEnvelope::<CardRow<'_>>::scan(json) else { return Ok(()) };
        for row in scanned.body.transactions.iter_mut().flatten() {
            if let Some(fields) = row.fields.take() {
                prop_assert_eq!(Some(fields), serde_json::from_str(row.text).ok(), "{}", row.text);
            }
        }
        prop_assert_eq!(Some(scanned), serde_json::from_str(json).ok(), "{}", json);
        Ok(())
    }

    #[test]
    fn a_page_is_scanned_in_one_go() {
        let page: Page<'_, CardRow<'_>> = Page::parse(Feed::CardTransactions, PAGE.as_bytes()).expect("a page");
        assert_eq!((page.acc_id.as_deref(), page.card_ref.as_deref()), (Some("1"), Some("ANY1")));
        assert_eq!((page.echo.limit_start, page.echo.limit_number), (Some(0), Some(500)));
        assert!(page.rows.len() == 3 && page.rows.iter().all(|row| row.fields.is_some()), "{:?}", page.rows);
        assert_eq!(page.rows[1].text(), r#"{"txid":101,"extra":{"a":[null,true]}}"#);
    }

    #[test]
    fn an_unusual_row_or_envelope_is_left_to_serde_json() {
        let twice = PAGE.replace("\"txid\":101", "\"txid\":101,\"txid\":102");
        let page: Page<'_, CardRow<'_>> = Page::parse(Feed::CardTransactions, twice.as_bytes()).expect("a page");
        assert_eq!(page.rows.iter().map(|row| row.fields.is_some()).collect::<Vec<_>>(), [true, false, true]);
        let escaped = PAGE.replace("card_ref", "card\\u005fref");
        let page: Page<'_, CardRow<'_>> = Page::parse(Feed::CardTransactions, escaped.as_bytes()).expect("a page");
        assert_eq!((page.card_ref.as_deref(), page.rows.len()), (Some("ANY1"), 3));
        assert!(page.rows.iter().all(|row| row.fields.is_none()));
        let refused = Page::<Json<'_>>::parse(Feed::CardTransactions, br#"{"body":{"error":null,"error":{}}}"#);
        assert!(refused.expect_err("no page").contains("duplicate field `error`"));
    }

    proptest! {
        #[test]
        fn damaged_pages_are_read_as_serde_json_reads_them(
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0..4_usize, r#"[{}\[\],:"\\ 0a-]{0,3}"#), 0..4)
        ) {
            let mut json: Vec<char> = PAGE.chars().collect();
            for (at, removed, added) in changes {
                let at = at.index(json.len());
                let end = (at + removed).min(json.len());
                json.splice(at..end, added.chars());
            }
            agrees(&json.into_iter().collect::<String>())?;
        }
    }
}
