//! Reading a provider's loose JSON values: the same field comes as a string, a number, a boolean, `null` or `[]`.
//!
//! Values are taken as their text; nothing here goes through a float.

use std::borrow::Cow;

use super::scan::Json;
use crate::record::rows::Text;
use crate::record::{Clock, Day, Money, Rate, Stamp};

/// Why a field cannot be taken: its JSON pointer below the row, and what was expected and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldError {
    pub field: &'static str,
    pub reason: String,
}

impl FieldError {
    pub(super) fn new(field: &'static str, reason: impl Into<String>) -> Self {
        Self { field, reason: reason.into() }
    }
}

pub(super) type Field<T> = Result<T, FieldError>;

/// A field as it stands in the row: absent and `null` are the same.
pub(super) type Raw<'a> = Option<Json<'a>>;

/// The text of a string, number or boolean. Absent, `null` and PHP's empty array are no text.
pub(super) fn text<'a>(field: &'static str, raw: Raw<'a>) -> Field<Option<Text<'a>>> {
    let Some(json) = raw else {
        return Ok(None);
    };
    if let Some(plain) = json.plain_string() {
        return Ok(Some(Cow::Borrowed(plain)));
    }
    let text = json.get();
    match text.as_bytes()[0] {
        b'"' => match json.unescaped() {
            Some(text) => Ok(Some(Cow::Owned(text))),
            None => string(field, text).map(Some),
        },
        b'[' | b'{' if is_empty_container(text) => Ok(None),
        b'[' | b'{' => Err(FieldError::new(field, format!("expected a text or a number, found {}", excerpt(text)))),
        b'n' => Ok(None),
        _ => Ok(Some(Cow::Borrowed(text))),
    }
}

/// Whether it is `[]`, `{}` or either with blanks inside.
pub(super) fn is_empty_container(json: &str) -> bool {
    let inner = json.as_bytes();
    inner.len() >= 2 && inner[1..inner.len() - 1].iter().all(u8::is_ascii_whitespace)
}

fn string<'a>(field: &'static str, json: &'a str) -> Field<Text<'a>> {
    serde_json::from_str::<String>(json)
        .map(Cow::Owned)
        .map_err(|error| FieldError::new(field, format!("expected a text, found {}: {error}", excerpt(json))))
}

/// As [`text`], but the row is nothing without it.
pub(super) fn required_text<'a>(field: &'static str, raw: Raw<'a>) -> Field<Text<'a>> {
    text(field, raw)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| FieldError::new(field, format!("expected '{field}', found none")))
}

/// A money text, `None` when there is none. An empty text is none.
pub(super) fn money(field: &'static str, raw: Raw<'_>) -> Field<Option<Money>> {
    non_empty(field, raw)?
        .map(|text| {
            Money::parse(&text).map_err(|error| FieldError::new(field, format!("{error}, found {}", quoted(&text))))
        })
        .transpose()
}

/// As [`money`], but the row is nothing without it.
pub(super) fn required_money(field: &'static str, raw: Raw<'_>) -> Field<Money> {
    money(field, raw)?.ok_or_else(|| FieldError::new(field, format!("expected '{field}', found none")))
}

/// A rate text, `None` when there is none.
pub(super) fn rate(field: &'static str, raw: Raw<'_>) -> Field<Option<Rate>> {
    non_empty(field, raw)?
        .map(|text| {
            Rate::parse(&text).map_err(|error| FieldError::new(field, format!("{error}, found {}", quoted(&text))))
        })
        .transpose()
}

/// A local time, `None` when there is none or it is PHP's zero date.
pub(super) fn stamp(field: &'static str, raw: Raw<'_>, clock: &mut Clock) -> Field<Option<Stamp>> {
    let Some(text) = non_empty(field, raw)?.filter(|text| !is_zero_date(text)) else {
        return Ok(None);
    };
    clock.parse(&text).map(Some).ok_or_else(|| {
        FieldError::new(field, format!("expected a time as YYYY-MM-DD HH:MM:SS, found {}", quoted(&text)))
    })
}

/// As [`stamp`], but the row is nothing without it.
pub(super) fn required_stamp(field: &'static str, raw: Raw<'_>, clock: &mut Clock) -> Field<Stamp> {
    stamp(field, raw, clock)?.ok_or_else(|| FieldError::new(field, format!("expected '{field}', found none")))
}

/// A local day; a time gives the day it lies in.
pub(super) fn day(field: &'static str, raw: Raw<'_>, clock: &mut Clock) -> Field<Option<Day>> {
    Ok(stamp(field, raw, clock)?.map(Stamp::day))
}

fn non_empty<'a>(field: &'static str, raw: Raw<'a>) -> Field<Option<Text<'a>>> {
    Ok(text(field, raw)?.filter(|text| !text.is_empty()))
}

fn is_zero_date(text: &str) -> bool {
    text.starts_with("0000-00-00")
}

/// A text in quotes, shortened to what fits a line.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", excerpt(text))
}

pub(super) fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
