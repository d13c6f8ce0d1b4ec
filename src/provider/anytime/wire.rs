//! The provider's JSON, borrowed from the response: the envelope, an error, a page's rows and what it says about
//! itself. Numbers are never read as numbers where their text counts.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{self, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What every answer is wrapped in.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct Envelope<'a> {
    /// Seconds since 1970, in the spelling that was hashed.
    #[serde(borrow, default)]
    pub timestamp: Option<&'a RawValue>,
    /// Who answered: see [`auth::check_hash`](super::auth::check_hash).
    #[serde(borrow, default)]
    pub hash: Option<&'a RawValue>,
    /// The answer itself.
    #[serde(borrow, default)]
    pub body: Option<&'a RawValue>,
}

/// `body.error`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// Its code, when it is a number.
    pub code: Option<u32>,
    /// The exception's name.
    pub exception: String,
    /// The provider's words.
    pub message: String,
}

/// A page of rows.
#[derive(Debug, PartialEq, Eq)]
pub struct Rows {
    /// Where each row stands in the text that was read.
    pub rows: Vec<Range<u32>>,
    /// `filters.limit_number`, when it is one.
    pub echoed_limit: Option<u64>,
    /// `total_results`, when it is one.
    pub total: Option<u64>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ErrorBody<'a> {
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ErrorFields<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    exception: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct PageBody<'a> {
    #[serde(borrow, default)]
    filters: Option<&'a RawValue>,
    #[serde(borrow, default)]
    total_results: Option<&'a RawValue>,
    #[serde(borrow, default)]
    accounts: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cards: Option<&'a RawValue>,
    #[serde(borrow, default)]
    transactions: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "credit-transfers")]
    credit_transfers: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Filters<'a> {
    #[serde(borrow, default)]
    limit_number: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct TokenBody<'a> {
    #[serde(borrow, default)]
    access_token: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    expires_in: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct ApiCheckBody<'a> {
    #[serde(borrow, default)]
    date_time: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
#[allow(clippy::struct_field_names, reason = "the provider's names")]
struct AccountFields<'a> {
    #[serde(borrow, default)]
    acc_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    acc_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    acc_currency: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct CardFields<'a> {
    #[serde(borrow, default)]
    card_ref: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    balance: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct DateFields<'a> {
    #[serde(borrow, default)]
    date: Option<&'a RawValue>,
    #[serde(borrow, default)]
    date_transaction: Option<&'a RawValue>,
}

/// The key under which a route lists its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsKey {
    /// `accounts`
    Accounts,
    /// `cards`
    Cards,
    /// `transactions`, also of statements.
    Transactions,
    /// `credit-transfers`
    CreditTransfers,
}

impl RowsKey {
    /// Its spelling.
    pub fn name(self) -> &'static str {
        match self {
            RowsKey::Accounts => "accounts",
            RowsKey::Cards => "cards",
            RowsKey::Transactions => "transactions",
            RowsKey::CreditTransfers => "credit-transfers",
        }
    }
}

/// An account, as the list of accounts or its details tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `acc_id`, not empty.
    pub acc_id: Option<String>,
    /// `acc_type`
    pub acc_type: Option<String>,
    /// `acc_currency`
    pub currency: Option<String>,
}

/// A card, as an account's list of cards tells it.
#[derive(Debug, PartialEq, Eq)]
pub struct Card {
    /// `card_ref`, not empty.
    pub card_ref: Option<String>,
    /// `status`, as sent.
    pub status: Option<String>,
    /// `balance`, as sent.
    pub balance: Option<String>,
}

/// Reads the envelope.
///
/// # Errors
/// Says what stood where the envelope was expected.
pub fn envelope(text: &str) -> Result<Envelope<'_>, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("expected the provider's JSON envelope, but found {}", told(text, &error)))
}

/// What the text looks like, for a person.
fn told(text: &str, error: &serde_json::Error) -> String {
    let start = text.trim_start();
    if start.is_empty() {
        "an empty body".to_owned()
    } else if start.starts_with('<') {
        "HTML or XML".to_owned()
    } else if error.is_eof() {
        format!("JSON that breaks off at byte {}", text.len())
    } else {
        format!("something else ({error})")
    }
}

/// The error in a body, if there is one.
pub fn refusal(body: &RawValue) -> Option<Refusal> {
    let ErrorBody { error } = serde_json::from_str(body.get()).ok()?;
    let error = error.filter(|error| !matches!(error.get(), "null" | "[]" | "{}" | "false" | "\"\""))?;
    let Ok(fields) = serde_json::from_str::<ErrorFields<'_>>(error.get()) else {
        return Some(Refusal { message: scalar(error).unwrap_or_default(), ..Refusal::default() });
    };
    let text = |field: Option<&RawValue>| field.and_then(scalar).unwrap_or_default();
    Some(Refusal {
        code: fields.code.and_then(scalar).and_then(|code| code.parse().ok()),
        exception: text(fields.exception),
        message: text(fields.message),
    })
}

/// The rows of a page; their places are counted from the beginning of `whole`, of which `body` is a part.
///
/// # Errors
/// Says what is missing.
pub fn rows(whole: &str, body: &RawValue, key: RowsKey) -> Result<Rows, String> {
    let name = key.name();
    let missing = || format!("expected a list under body.{name}");
    let fields: PageBody<'_> = serde_json::from_str(body.get()).map_err(|_| missing())?;
    let list = match key {
        RowsKey::Accounts => fields.accounts,
        RowsKey::Cards => fields.cards,
        RowsKey::Transactions => fields.transactions,
        RowsKey::CreditTransfers => fields.credit_transfers,
    };
    let list = list.ok_or_else(missing)?;
    let rows: Vec<&RawValue> = serde_json::from_str(list.get()).map_err(|_| missing())?;
    Ok(Rows::of(whole, rows, fields.filters, fields.total_results))
}

/// A page as it mostly comes, read in one go: the envelope (its body is left out), and the rows under the key. None where
/// anything is unusual, an error above all: then [`envelope`], [`refusal`] and [`rows`] tell what it is.
pub fn page(text: &str, key: RowsKey) -> Option<(Envelope<'_>, Rows)> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = PageReader { whole: text, key: key.name() }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok().map(|()| read)
}

/// Reads the envelope and, as its body, a [`BodyReader`]'s page.
struct PageReader<'a> {
    whole: &'a str,
    key: &'static str,
}

struct BodyReader<'a>(PageReader<'a>);

impl<'a> DeserializeSeed<'a> for PageReader<'a> {
    type Value = (Envelope<'a>, Rows);

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for PageReader<'a> {
    type Value = (Envelope<'a>, Rows);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an envelope")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let (mut timestamp, mut hash, mut rows) = (None, None, None);
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            match name.as_ref() {
                "timestamp" => once(&mut timestamp, map.next_value::<&RawValue>()?)?,
                "hash" => once(&mut hash, map.next_value::<&RawValue>()?)?,
                "body" => once(&mut rows, map.next_value_seed(BodyReader(PageReader { ..self }))?)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let rows = rows.ok_or_else(|| M::Error::missing_field("body"))?;
        Ok((Envelope { timestamp, hash, body: None }, rows))
    }
}

impl<'a> DeserializeSeed<'a> for BodyReader<'a> {
    type Value = Rows;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Rows, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for BodyReader<'a> {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a body with rows")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Rows, M::Error> {
        let PageReader { whole, key } = self.0;
        let (mut rows, mut filters, mut total) = (None, None, None);
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            match name.as_ref() {
                "error" => return Err(M::Error::custom("an error, perhaps")),
                name if name == key => once(&mut rows, map.next_value::<Vec<&RawValue>>()?)?,
                "filters" => once(&mut filters, map.next_value::<&RawValue>()?)?,
                "total_results" => once(&mut total, map.next_value::<&RawValue>()?)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let rows = rows.ok_or_else(|| M::Error::missing_field(key))?;
        Ok(Rows::of(whole, rows, filters, total))
    }
}

/// A member that comes twice is not for here to understand.
fn once<T, E: de::Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom("a member twice")),
    }
}

impl Rows {
    fn of(whole: &str, rows: Vec<&RawValue>, filters: Option<&RawValue>, total: Option<&RawValue>) -> Rows {
        let place = |row: &RawValue| place_in(whole, row.get());
        let filters = filters.and_then(|filters| serde_json::from_str::<Filters<'_>>(filters.get()).ok());
        Rows {
            rows: rows.into_iter().map(place).collect(),
            echoed_limit: filters.and_then(|filters| filters.limit_number).and_then(count),
            total: total.and_then(count),
        }
    }
}

/// Where `part` stands in `whole`, of which it was borrowed.
fn place_in(whole: &str, part: &str) -> Range<u32> {
    let start = part.as_ptr().addr() - whole.as_ptr().addr();
    let narrow = |place: usize| u32::try_from(place).expect("bodies are bounded far below 4 GiB");
    narrow(start)..narrow(start + part.len())
}

/// The token and its seconds, as the token's answer tells them.
pub fn token(body: &RawValue) -> Option<(Cow<'_, str>, Option<u64>)> {
    let fields: TokenBody<'_> = serde_json::from_str(body.get()).ok()?;
    let token = fields.access_token.filter(|token| !token.is_empty())?;
    Some((token, fields.expires_in.and_then(count)))
}

/// `date_time` of an API check.
pub fn date_time(body: &RawValue) -> Option<String> {
    let fields: ApiCheckBody<'_> = serde_json::from_str(body.get()).ok()?;
    fields.date_time.and_then(scalar)
}

/// Reads an account.
pub fn account(text: &str) -> Account {
    let fields = serde_json::from_str::<AccountFields<'_>>(text).ok();
    let text =
        |pick: fn(&AccountFields<'_>) -> Option<String>| fields.as_ref().and_then(pick).filter(|t| !t.is_empty());
    Account {
        acc_id: text(|fields| fields.acc_id.and_then(scalar)),
        acc_type: text(|fields| fields.acc_type.and_then(scalar)),
        currency: text(|fields| fields.acc_currency.and_then(scalar)),
    }
}

/// Reads a card.
pub fn card(text: &str) -> Card {
    let fields = serde_json::from_str::<CardFields<'_>>(text).ok();
    let text = |pick: fn(&CardFields<'_>) -> Option<String>| fields.as_ref().and_then(pick).filter(|t| !t.is_empty());
    Card {
        card_ref: text(|fields| fields.card_ref.and_then(scalar)),
        status: text(|fields| fields.status.and_then(scalar)),
        balance: text(|fields| fields.balance.and_then(scalar)),
    }
}

/// `balance` of an account's balance, as sent.
pub fn balance(text: &str) -> Option<String> {
    let fields = serde_json::from_str::<CardFields<'_>>(text).ok()?;
    fields.balance.and_then(scalar).filter(|text| !text.is_empty())
}

/// `date` and `date_transaction` of a row, as sent.
pub fn dates(row: &str) -> (Option<String>, Option<String>) {
    match serde_json::from_str::<DateFields<'_>>(row) {
        Ok(fields) => (fields.date.and_then(scalar), fields.date_transaction.and_then(scalar)),
        Err(_) => (None, None),
    }
}

/// A string's content, or a number's text as it is printed; PHP sends either.
pub fn scalar(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::from_str(text).ok(),
        b'-' | b'0'..=b'9' => Some(text.to_owned()),
        _ => None,
    }
}

/// A count, as a number or a string.
fn count(raw: &RawValue) -> Option<u64> {
    scalar(raw)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = (Vec<String>, Option<u64>, Option<u64>);

    fn rows_of(text: &str, key: RowsKey) -> Result<Found, String> {
        let body = envelope(text).expect("an envelope").body.expect("a body");
        let found = rows(text, body, key)?;
        let texts = found.rows.iter().map(|r| text[r.start as usize..r.end as usize].to_owned()).collect();
        Ok((texts, found.echoed_limit, found.total))
    }

    #[test]
    fn rows_keep_their_bytes() {
        let text = r#" {"body": {"filters":{"limit_start":0,"limit_number":"50"},"total_results":"2",
            "transactions": [ {"txid":"8", "amount": 9194.50}, {"txid":9} ] },"timestamp":1.50}"#;
        let (rows, limit, total) = rows_of(text, RowsKey::Transactions).expect("rows");
        assert_eq!(rows, [r#"{"txid":"8", "amount": 9194.50}"#, r#"{"txid":9}"#]);
        assert_eq!((limit, total), (Some(50), Some(2)));
        assert_eq!(envelope(text).expect("an envelope").timestamp.expect("a timestamp").get(), "1.50");
    }

    /// What is read in one go is what is read step by step; and whatever is unusual is left to that.
    #[test]
    fn a_page_read_in_one_go_says_the_same() {
        let usual = r#" {"request_id":7,"timestamp":1.50,"hash":"ab","body": {"acc_id":"1","filters":{"limit_number":"50"},
            "total_results":2,"cards":null,"transactions": [ {"txid":"8", "amount": 9194.50}, {"t":[{}]} ] }} "#;
        let both = |text: &str| {
            let quick = page(text, RowsKey::Transactions);
            let slow = envelope(text).ok().and_then(|envelope| {
                let body = envelope.body.filter(|body| refusal(body).is_none())?;
                Some((envelope.timestamp?.get().to_owned(), rows(text, body, RowsKey::Transactions).ok()?))
            });
            (
                quick.map(|(envelope, rows)| {
                    (envelope.timestamp.map(RawValue::get).unwrap_or_default().to_owned(), rows)
                }),
                slow,
            )
        };
        let (quick, slow) = both(usual);
        assert!(quick.is_some() && quick == slow, "{quick:?} {slow:?}");
        for (from, to) in [
            ("\"cards\":null", "\"error\":null"),
            ("\"cards\":null", "\"error\":{\"code\":1}"),
            ("\"cards\":null", "\"transactions\":[]"),
            ("\"cards\":null", "\"total_results\":3"),
            ("\"cards\":null", "\"hash\":"),
            ("\"transactions\": [", "\"transactions\": [1,"),
            ("\"transactions\": [", "\"transaction\": ["),
            ("\"transactions\"", "\"tr\\u0061nsactions\""),
            ("\"hash\"", "\"timestamp\""),
            ("]} ] }} ", "]} ] }} x"),
            ("]} ] }} ", "]} ] "),
            ("{\"acc_id\"", "[\"acc_id\""),
        ] {
            let text = usual.replacen(from, to, 1);
            assert_ne!(text, usual);
            let (quick, slow) = both(&text);
            assert!(quick.is_none() || quick == slow, "{text}: {quick:?} {slow:?}");
        }
    }

    #[test]
    fn filters_may_be_anything() {
        for filters in
            ["[]", "{}", "null", "\"\"", "{\"limit_number\":null}", "{\"limit_number\":-1}", "{\"limit_number\":1.5}"]
        {
            let text = format!(r#"{{"body":{{"filters":{filters},"total_results":[],"credit-transfers":[]}}}}"#);
            assert_eq!(rows_of(&text, RowsKey::CreditTransfers), Ok((vec![], None, None)), "{filters}");
        }
    }

    #[test]
    fn a_page_without_its_list_is_told() {
        for body in ["{}", "[]", "null", "{\"cards\":null}", "{\"cards\":{}}", "{\"transactions\":[]}"] {
            let text = format!(r#"{{"body":{body}}}"#);
            if envelope(&text).expect("an envelope").body.is_some() {
                assert_eq!(
                    rows_of(&text, RowsKey::Cards),
                    Err("expected a list under body.cards".to_owned()),
                    "{body}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_envelope_is_told_in_words() {
        for (text, found) in [
            ("", "an empty body"),
            ("<html>", "HTML or XML"),
            (r#"{"body":{"a":[1,"#, "JSON that breaks off at byte 16"),
            ("nonsense", "something else"),
            (r#"{"body":1,"body":2}"#, "something else"),
        ] {
            let error = envelope(text).expect_err("no envelope");
            assert!(error.contains(found), "{error}");
        }
    }

    #[test]
    fn errors_are_read_in_all_spellings() {
        let refusal_of = |body: &str| refusal(&RawValue::from_string(body.to_owned()).expect("JSON"));
        let code = |body: &str| refusal_of(body).and_then(|refusal| refusal.code);
        assert_eq!(code(r#"{"error":{"code":4010050,"message":"m","exception":"E"}}"#), Some(4_010_050));
        assert_eq!(code(r#"{"error":{"code":"4010050"}}"#), Some(4_010_050));
        assert_eq!(refusal_of(r#"{"error":"broken"}"#).map(|refusal| refusal.message).as_deref(), Some("broken"));
        for none in [r#"{"error":[]}"#, r#"{"error":null}"#, "{}", "[]", "1"] {
            assert_eq!(refusal_of(none), None, "{none}");
        }
    }

    #[test]
    fn ids_are_text_whatever_they_were() {
        assert_eq!(account(r#"{"acc_id":12,"acc_type":"business"}"#).acc_id.as_deref(), Some("12"));
        assert_eq!(account(r#"{"acc_id":"012"}"#).acc_id.as_deref(), Some("012"));
        assert_eq!(account(r#"{"acc_id":""}"#).acc_id, None);
        assert_eq!(account("[]").acc_id, None);
        assert_eq!(card(r#"{"card_ref":"ANY1","status":1,"balance":-1.50}"#).balance.as_deref(), Some("-1.50"));
    }
}
