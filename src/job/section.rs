//! A table of the job file, read key by key with every problem noted and nothing left unread.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::{Problems, nearest};

/// A value with its place.
pub(super) type Value<'d, 'i> = &'d Spanned<DeValue<'i>>;

/// A table of the job file.
pub(super) struct Section<'d, 'i> {
    name: &'static str,
    table: Option<&'d DeTable<'i>>,
    span: Range<usize>,
    known: &'static [&'static str],
}

impl<'d, 'i> Section<'d, 'i> {
    /// The table `name` of the file; `known` are all its keys. Unknown keys are problems.
    pub(super) fn of(
        root: &'d Spanned<DeTable<'i>>,
        name: &'static str,
        known: &'static [&'static str],
        problems: &mut Problems,
    ) -> Self {
        let value = root.get_ref().get(name);
        let table = value.and_then(|value| value.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            problems.add(value.span(), format!("'{name}' must be a table"), "expected a table");
        }
        let end = root.span().end;
        let span = value.map_or(end..end, Spanned::span);
        let section = Self { name, table, span, known };
        section.refuse_unknown(problems);
        section
    }

    fn refuse_unknown(&self, problems: &mut Problems) {
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let found: &str = key.get_ref();
            if !self.known.contains(&found) {
                let message = format!("unknown key '{found}' in [{}]", self.name);
                refuse_unknown(problems, key.span(), message, found, self.known);
            }
        }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<Value<'d, 'i>> {
        debug_assert!(self.known.contains(&key), "{key} is not declared");
        self.table?.get(key)
    }

    /// The value of a key that must be there.
    pub(super) fn require(&self, key: &str, problems: &mut Problems) -> Option<Value<'d, 'i>> {
        let value = self.get(key);
        if value.is_none() {
            let label = if self.table.is_some() { "in this table" } else { "the file ends without it" };
            problems.add(self.span.clone(), format!("[{}] needs '{key}'", self.name), label);
        }
        value
    }

    /// A text.
    pub(super) fn string(&self, key: &str, problems: &mut Problems) -> Option<(&'d str, Range<usize>)> {
        string(self.get(key)?, problems)
    }

    /// A whole number within `range`.
    pub(super) fn integer(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<u64>,
        problems: &mut Problems,
    ) -> Option<u64> {
        integer(self.get(key)?, key, range, problems)
    }
}

/// Reads a text.
pub(super) fn string<'d>(value: Value<'d, '_>, problems: &mut Problems) -> Option<(&'d str, Range<usize>)> {
    let text = value.get_ref().as_str();
    if text.is_none() {
        problems.add(value.span(), format!("expected a text, found {}", describe(value)), "not a text");
    }
    text.map(|text| (text, value.span()))
}

/// Reads a whole number within `range`.
pub(super) fn integer(
    value: Value<'_, '_>,
    key: &str,
    range: std::ops::RangeInclusive<u64>,
    problems: &mut Problems,
) -> Option<u64> {
    let number = value
        .get_ref()
        .as_integer()
        .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
        .filter(|number| range.contains(number));
    if number.is_none() {
        let message = format!(
            "'{key}' must be a whole number from {} to {}, found {}",
            range.start(),
            range.end(),
            describe(value)
        );
        problems.add(value.span(), message, "out of range");
    }
    number
}

/// Refuses a name, with the known one it was probably meant to be.
pub(super) fn refuse_unknown(
    problems: &mut Problems,
    span: Range<usize>,
    message: String,
    found: &str,
    known: &[&str],
) {
    let hint = match nearest(found, known) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("known are: {}", known.join(", ")),
    };
    problems.add_with_hint(span, message, "not known", hint);
}

/// What a value is, for a message.
pub(super) fn describe(value: Value<'_, '_>) -> String {
    match value.get_ref() {
        DeValue::String(text) => format!("the text \"{text}\""),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(truth) => format!("{truth}"),
        DeValue::Datetime(at) => format!("the date {at}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// As [`describe`], of what may be a secret: without the value.
pub(super) fn kind(value: Value<'_, '_>) -> &'static str {
    match value.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
