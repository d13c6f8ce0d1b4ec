//! The one hand-written JSON scanner: walks a text once and gives out its values as they are spelled, borrowed.
//!
//! It takes less than `serde_json` does, never more: whatever is unusual (an error, a field's name with an escape, a
//! field named twice, nesting beyond [`DEPTH_MAX`]) makes it give up with `None`, and the caller asks `serde_json`,
//! whose word and whose message count. So the two agree on every input, valid or not; a property in
//! [`page`](super::page) holds them to it.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::record::swar;

/// Nesting that is walked here; deeper values are left to `serde_json`.
const DEPTH_MAX: u32 = 64;

/// A JSON value as it is spelled, without blanks around it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Json<'a> {
    text: &'a str,
    /// Whether it is a string that spells every character as it is.
    is_plain_string: bool,
}

impl<'a> Json<'a> {
    fn of(text: &'a str) -> Json<'a> {
        let is_plain_string = text.starts_with('"') && !text.contains('\\');
        Json { text, is_plain_string }
    }

    /// Its text.
    pub fn get(self) -> &'a str {
        self.text
    }

    /// The characters of a string that has no escapes.
    pub fn plain_string(self) -> Option<&'a str> {
        self.is_plain_string.then(|| &self.text[1..self.text.len() - 1])
    }

    /// The characters of a string; `None` when it is none, or one that `serde_json` is to read.
    pub fn unescaped(self) -> Option<String> {
        let mut rest = self.text.strip_prefix('"')?.strip_suffix('"')?;
        let mut text = String::with_capacity(rest.len());
        while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
            text.push_str(&rest[..at]);
            let (letter, behind) = match rest.as_bytes().get(at + 1)? {
                // Half of a pair is no letter.
                b'u' => {
                    let digits = rest.get(at + 2..at + 6).filter(|digits| !digits.starts_with('+'))?;
                    (char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, at + 6)
                }
                b'b' => ('\u{8}', at + 2),
                b'f' => ('\u{c}', at + 2),
                b'n' => ('\n', at + 2),
                b'r' => ('\r', at + 2),
                b't' => ('\t', at + 2),
                mark @ (b'"' | b'\\' | b'/') => (char::from(*mark), at + 2),
                _ => return None,
            };
            text.push(letter);
            rest = &rest[behind..];
        }
        text.push_str(rest);
        Some(text)
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Json::of(raw.get()))
    }
}

/// An object whose fields have names that are known beforehand.
pub trait Fields<'a>: Default {
    /// The names.
    const NAMES: &'static [&'static str];

    /// Where the value of the field at that place in [`Fields::NAMES`] goes.
    fn slot(&mut self, place: usize) -> &mut Option<Json<'a>>;

    /// Takes fields as long as they come in the order of [`Fields::NAMES`], some of them left out, and notes which were
    /// seen. The scanner stands before the first name, and then behind the object or before a name that is out of order.
    /// Where the values are not wanted (`KEEPS` is false), they are walked over.
    #[doc(hidden)]
    fn in_order<const KEEPS: bool>(&mut self, scanner: &mut Scanner<'a>, seen: &mut u64) -> Option<Next>;
}

/// What follows a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub enum Next {
    /// Another field.
    Field,
    /// Nothing: the object is whole.
    End,
}

/// Declares an object both to `serde` and to the scanner. Every field is optional, `null` is the same as absent, and
/// fields that are not declared are passed over.
macro_rules! fields {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident { $($name_in_json:literal => $field:ident,)+ }) => {
        #[derive(Debug, Default, PartialEq, serde::Deserialize)]
        #[serde(expecting = "an object")]
        $(#[$attribute])*
        $visibility struct $name<'a> {
            $(#[serde(borrow, rename = $name_in_json)]
            $field: $crate::provider::anytime::scalar::Raw<'a>,)+
        }

        impl<'a> $crate::provider::anytime::scan::Fields<'a> for $name<'a> {
            const NAMES: &'static [&'static str] = &[$($name_in_json),+];

            fn slot(&mut self, place: usize) -> &mut $crate::provider::anytime::scalar::Raw<'a> {
                // Becomes one jump, or none.
                let mut at = 0;
                $(if place == at {
                    return &mut self.$field;
                }
                at += 1;)+
                panic!("expected a place among {at} names, found {place}")
            }

            fn in_order<const KEEPS: bool>(
                &mut self,
                scanner: &mut $crate::provider::anytime::scan::Scanner<'a>,
                seen: &mut u64,
            ) -> Option<$crate::provider::anytime::scan::Next> {
                let mut bit = 1;
                $(if scanner.takes_text(concat!("\"", $name_in_json, "\":")) {
                    if KEEPS {
                        self.$field = scanner.optional()?;
                    } else {
                        scanner.pass()?;
                    }
                    *seen |= bit;
                    if scanner.next_field()? == $crate::provider::anytime::scan::Next::End {
                        return Some($crate::provider::anytime::scan::Next::End);
                    }
                }
                bit <<= 1;)+
                let _ = bit;
                Some($crate::provider::anytime::scan::Next::Field)
            }
        }
    };
}
pub(super) use fields;

/// The objects of an array, or one that stands by itself; `None` when `serde_json` is to read them.
pub(super) fn objects<'a, F: Fields<'a>>(json: &'a str) -> Option<Vec<F>> {
    let mut scanner = Scanner::new(json);
    let mut objects = Vec::new();
    let mut object = |scanner: &mut Scanner<'a>| {
        let mut fields = F::default();
        scanner.fields(&mut fields)?;
        objects.push(fields);
        Some(())
    };
    if scanner.blanks()? == b'[' {
        scanner.array(object)?;
    } else {
        object(&mut scanner)?;
    }
    scanner.end()?;
    Some(objects)
}

/// Goes through a text from its beginning.
#[derive(Debug, Clone, Copy)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// At the beginning of `text`.
    pub(super) fn new(text: &'a str) -> Scanner<'a> {
        Scanner { text, at: 0 }
    }

    /// What is left of the text.
    pub(super) fn bytes_left(&self) -> usize {
        self.text.len() - self.at
    }

    /// Nothing but blanks is left.
    pub(super) fn end(&mut self) -> Option<()> {
        self.blanks().is_none().then_some(())
    }

    /// Passes over blanks; gives the byte behind them without taking it.
    #[inline]
    fn blanks(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Takes `byte`, and blanks before it.
    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.blanks()? == byte).then(|| self.at += 1)
    }

    /// Takes `byte` if it is next; blanks before it in any case.
    #[inline]
    fn takes(&mut self, byte: u8) -> bool {
        self.take(byte).is_some()
    }

    /// Takes an object: `field` is called with each name and must take its value. A name with an escape gives up.
    #[inline]
    pub(super) fn object(&mut self, field: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.takes(b'}') {
            return Some(());
        }
        self.rest_of_object(field)
    }

    /// Takes an object from the name of a field on.
    #[inline]
    fn rest_of_object(&mut self, mut field: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        loop {
            self.take(b'"')?;
            let start = self.at;
            let is_plain = self.string()?;
            let name = &self.text[start..self.at - 1];
            if !is_plain {
                return None;
            }
            self.take(b':')?;
            field(self, name)?;
            if self.next_field()? == Next::End {
                return Some(());
            }
        }
    }

    /// Takes what stands behind a field's value, and blanks before the next name.
    #[inline]
    pub(super) fn next_field(&mut self) -> Option<Next> {
        let byte = self.blanks()?;
        self.at += 1;
        match byte {
            b',' => self.blanks().map(|_| Next::Field),
            b'}' => Some(Next::End),
            _ => None,
        }
    }

    /// Takes `text` if it is next, to the letter.
    #[allow(clippy::inline_always, reason = "a comparison with bytes of known number is a few instructions")]
    #[inline(always)]
    pub(super) fn takes_text(&mut self, text: &'static str) -> bool {
        let is_next = self.text.as_bytes()[self.at..].starts_with(text.as_bytes());
        if is_next {
            self.at += text.len();
        }
        is_next
    }

    /// Takes an array: `item` is called for each item and must take it.
    #[inline]
    pub(super) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.takes(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            if !self.takes(b',') {
                return self.take(b']');
            }
        }
    }

    /// Takes an object of known fields and gives its text. Gives up if one of them is named twice.
    #[inline]
    pub(super) fn fields<F: Fields<'a>>(&mut self, fields: &mut F) -> Option<Json<'a>> {
        self.known_fields::<F, true>(fields)
    }

    /// As [`Scanner::fields`], where the text alone is wanted.
    #[inline]
    pub(super) fn text_of_fields<F: Fields<'a>>(&mut self) -> Option<Json<'a>> {
        self.known_fields::<F, false>(&mut F::default())
    }

    #[inline]
    fn known_fields<F: Fields<'a>, const KEEPS: bool>(&mut self, fields: &mut F) -> Option<Json<'a>> {
        self.blanks()?;
        let start = self.at;
        self.take(b'{')?;
        let mut seen = 0_u64;
        // Objects of one kind name their fields in one order, which is mostly that of the declaration.
        if !self.takes(b'}') && fields.in_order::<KEEPS>(self, &mut seen)? == Next::Field {
            let mut expected = 0;
            self.rest_of_object(|scanner, name| {
                let value = scanner.optional()?;
                let Some(place) = place_of(F::NAMES, name, expected) else {
                    return Some(());
                };
                expected = place + 1;
                let bit = 1 << place;
                let is_new = seen & bit == 0;
                seen |= bit;
                *fields.slot(place) = value;
                is_new.then_some(())
            })?;
        }
        Some(Json { text: &self.text[start..self.at], is_plain_string: false })
    }

    /// Whether a value follows that begins as `null` does.
    pub(super) fn is_null(&mut self) -> bool {
        self.blanks() == Some(b'n')
    }

    /// Takes any value; `None` inside for `null`.
    #[allow(clippy::option_option, reason = "three outcomes: unusual, null, a value")]
    pub(super) fn optional(&mut self) -> Option<Option<Json<'a>>> {
        match self.blanks()? {
            b'n' => self.word("null").map(|()| None),
            first => self.value_of(first).map(Some),
        }
    }

    /// Takes any value and gives its text.
    pub(super) fn value(&mut self) -> Option<Json<'a>> {
        let first = self.blanks()?;
        self.value_of(first)
    }

    /// Takes any value; whether it is a string in which nothing is escaped.
    pub(super) fn pass(&mut self) -> Option<bool> {
        let first = self.blanks()?;
        self.pass_of(first)
    }

    #[allow(clippy::inline_always, reason = "a value's kind is told once, where its first byte is at hand")]
    #[inline(always)]
    fn value_of(&mut self, first: u8) -> Option<Json<'a>> {
        let start = self.at;
        let is_plain_string = self.pass_of(first)?;
        Some(Json { text: &self.text[start..self.at], is_plain_string })
    }

    /// Takes the value that begins with the byte `first`.
    #[allow(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    fn pass_of(&mut self, first: u8) -> Option<bool> {
        match first {
            b'"' => {
                self.at += 1;
                self.string()
            }
            b'{' | b'[' => self.nested().map(|()| false),
            first => self.plain(first).map(|()| false),
        }
    }

    /// Takes an object or an array of anything.
    fn nested(&mut self) -> Option<()> {
        // A bit a level, the innermost lowest: whether it is an object.
        let (mut objects, mut depth) = (0_u64, 0_u32);
        loop {
            // A value begins here.
            let first = self.blanks()?;
            self.at += 1;
            let is_container = matches!(first, b'{' | b'[');
            let mut closes = false;
            match first {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    if depth > DEPTH_MAX {
                        return None;
                    }
                    objects = objects << 1 | u64::from(first == b'{');
                    closes = self.takes(if first == b'{' { b'}' } else { b']' });
                }
                _ => {
                    self.at -= 1;
                    self.plain(first)?;
                }
            }
            let mut wants_item = is_container && !closes;
            if closes {
                (objects, depth) = (objects >> 1, depth - 1);
            }
            while !wants_item {
                if depth == 0 {
                    return Some(());
                }
                let close = if objects & 1 == 1 { b'}' } else { b']' };
                let next = self.blanks()?;
                self.at += 1;
                if next == b',' {
                    wants_item = true;
                } else if next == close {
                    (objects, depth) = (objects >> 1, depth - 1);
                } else {
                    return None;
                }
            }
            if objects & 1 == 1 {
                self.take(b'"')?;
                self.string()?;
                self.take(b':')?;
            }
        }
    }

    /// Takes the rest of a string behind its first quote; whether nothing in it is escaped.
    #[inline]
    fn string(&mut self) -> Option<bool> {
        let bytes = self.text.as_bytes();
        let mut is_plain = true;
        loop {
            self.at = next_mark(bytes, self.at);
            let byte = *bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some(is_plain),
                b'\\' => {
                    is_plain = false;
                    self.escape()?;
                }
                _ => return None,
            }
        }
    }

    /// Takes the rest of an escape behind its backslash.
    fn escape(&mut self) -> Option<()> {
        let bytes = self.text.as_bytes();
        let byte = *bytes.get(self.at)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    /// Takes a number, `true`, `false` or `null`, whose first byte is `first`.
    #[inline]
    fn plain(&mut self, first: u8) -> Option<()> {
        match first {
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.as_bytes()[self.at..].starts_with(word.as_bytes()).then(|| self.at += word.len())
    }

    #[inline]
    fn number(&mut self) -> Option<()> {
        let peek = |scanner: &Self| scanner.text.as_bytes().get(scanner.at).copied();
        self.at += usize::from(peek(self) == Some(b'-'));
        if peek(self) == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if peek(self) == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(peek(self), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(peek(self), Some(b'+' | b'-')));
            self.digits()?;
        }
        Some(())
    }

    /// Takes digits, one at least.
    #[inline]
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(chunk) = self.text.as_bytes()[self.at..].first_chunk::<8>() {
            let digits = swar::digits(u64::from_le_bytes(*chunk));
            self.at += digits;
            if digits < 8 {
                return (self.at > start).then_some(());
            }
        }
        self.at += self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        (self.at > start).then_some(())
    }
}

/// Where `name` stands among `names`, looked for at `expected` first.
#[inline]
fn place_of(names: &[&str], name: &str, expected: usize) -> Option<usize> {
    if names.get(expected).is_some_and(|known| *known == name) {
        return Some(expected);
    }
    names.iter().position(|known| *known == name)
}

/// Where the next byte is, from `at` on, that ends a string, escapes, or may not stand in one. Eight at a time.
#[inline]
fn next_mark(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        // With this bit turned, the quote lies right behind the bytes below the blank, and the blank does not.
        let turned = word ^ swar::eight(0x02);
        let ends = turned.wrapping_sub(swar::eight(0x21)) & !turned;
        let found = (ends | swar::zeros(word ^ swar::eight(b'\\'))) & swar::HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_mark = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes[at..].iter().position(is_mark).map_or(bytes.len(), |run| at + run)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fields! {
        struct Few { "a" => a, "type" => kind, "é" => accented, }
    }

    /// What the scanner takes as a whole text.
    fn whole<'a, T>(json: &'a str, take: impl FnOnce(&mut Scanner<'a>) -> Option<T>) -> Option<T> {
        let mut scanner = Scanner::new(json);
        let taken = take(&mut scanner)?;
        scanner.end().map(|()| taken)
    }

    fn is_json(json: &str) -> bool {
        whole(json, |scanner| scanner.value().map(drop)).is_some()
    }

    /// Whatever is taken, `serde_json` takes as well, and finds the same in it.
    fn agrees(json: &str) -> Result<(), TestCaseError> {
        prop_assert_eq!(is_json(json), serde_json::from_str::<IgnoredAny>(json).is_ok(), "{}", json);
        let mut scanner = Scanner::new(json);
        let mut found = Few::default();
        if let Some(text) = scanner.fields(&mut found).filter(|_| scanner.end().is_some()) {
            let expected = serde_json::from_str::<Few<'_>>(json);
            prop_assert_eq!(text.get(), json.trim_ascii(), "{}", json);
            prop_assert_eq!(Some(found), expected.ok(), "{}", json);
        }
        Ok(())
    }

    #[test]
    fn each_rule_of_json_is_kept() {
        for json in [
            "",
            " ",
            "1",
            "-",
            "-0",
            "01",
            "1.",
            ".5",
            "1.0e",
            "1e+",
            "1E-07",
            "+1",
            "--1",
            "1 2",
            "true",
            "tru",
            "nulll",
            "NaN",
            "\"\"",
            "\"",
            "\"\\\"",
            "\"\\u00e9\"",
            "\"\\u00g0\"",
            "\"\\ud800\"",
            "\"\\x\"",
            "\"a\tb\"",
            "\"\u{1f}\"",
            "\"\u{7f}é東\"",
            "[]",
            "[ ]",
            "[,]",
            "[1,]",
            "[1 2]",
            "[1",
            "{}",
            "{ }",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"type\":2}",
            "{a:1}",
            "{1:1}",
            "{\"a\":[{\"b\":[]},{}],\"c\":null}",
            "[1}",
            "{\"a\":1]",
            "[[[]]",
            "[]]",
            " {\"a\" : null , \"a\" : 1 } ",
            "{\"a\":1,\"a\":2}",
            "{\"x\":1,\"x\":2}",
            "{\"\\u0061\":1}",
            "{\"type\":\"C\",\"a\":1.50,\"é\":[ 1 ]}\n",
            "\u{feff}1",
            "{\"a\":{\"a\":[true,false,{\"\":0}]}}",
        ] {
            agrees(json).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn fields_are_found_in_any_order_and_unusual_objects_left_alone() {
        fn found(json: &str) -> Option<Few<'_>> {
            let mut found = Few::default();
            whole(json, |scanner| scanner.fields(&mut found)).map(|_| found)
        }
        let few = found("{\"x\":[{}],\"é\": 1.50 ,\"a\":null,\"type\":\"\\u0043\"}").expect("an object");
        assert_eq!(few, Few { a: None, kind: Some(Json::of("\"\\u0043\"")), accented: Some(Json::of("1.50")) });
        for unusual in ["{\"a\":1,\"a\":1}", "{\"a\":null,\"a\":null}", "{\"\\u0061\":1}", "[1,2,3]", "null"] {
            assert_eq!(found(unusual), None, "{unusual}");
        }
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(is_json(&deep(64)));
        assert!(!is_json(&deep(65)), "deeper values are serde_json's matter");
    }

    proptest! {
        #[test]
        fn json_is_what_serde_json_takes(json in r#"[{}\[\],:"\\ \-+.eE0-9nulltrefasu\t\né]{0,24}"#) {
            agrees(&json)?;
        }

        #[test]
        fn strings_end_where_serde_json_ends_them(text in any::<String>(), cut in 0..40_usize) {
            let json = serde_json::to_string(&text).expect("a text is JSON");
            agrees(&json)?;
            agrees(&json.chars().take(cut).collect::<String>())?;
            agrees(&format!("{{\"a\":{json},{json}:1,\"type\":[{json}]}}"))?;
            agrees(&format!("\"{text}\""))?;
            prop_assert_eq!(Json::of(&json).unescaped(), Some(text));
        }

        #[test]
        fn escapes_mean_what_serde_json_says(json in r#"(\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|\\ud8[0-9a-f]{2}\\udc[0-9a-f]{2}|[a-zé東 ]){0,8}"#) {
            let json = format!("\"{json}\"");
            if let Some(text) = Json::of(&json).unescaped() {
                prop_assert_eq!(Some(text), serde_json::from_str::<String>(&json).ok(), "{}", json);
            }
        }
    }
}
