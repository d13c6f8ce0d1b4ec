//! Card numbers and verification codes are masked before anything lands: whoever reads the landing, a log or a report
//! must not find one.
//!
//! What counts is the key, then the value: 13 to 19 digits that pass Luhn under a key that names a card number, 3 or 4
//! digits under one that names a verification code. References, IBANs and ids under other keys stay as they are, however
//! they look. A mask is as long as what it hides, so that no place in the text moves: stars but for the last four digits,
//! and nines where the value is a bare JSON number, which stars would break. A value that is masked already has no digits
//! to mask. The envelope's hash does not cover the body: masking leaves it as true as it was.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::{memchr_iter, memchr2, memrchr};

/// Keys of card numbers, in small letters and without `_`, `-` and blanks.
const NUMBER_KEYS: [&str; 18] = [
    "pan",
    "cardpan",
    "panfull",
    "fullpan",
    "fpan",
    "dpan",
    "clearpan",
    "pannumber",
    "number",
    "cardnumber",
    "cardno",
    "cardnum",
    "ccnumber",
    "creditcardnumber",
    "debitcardnumber",
    "paymentcardnumber",
    "primaryaccountnumber",
    "cardprimaryaccountnumber",
];
/// Keys of verification codes, spelt the same way.
const CODE_KEYS: [&str; 18] = [
    "cvv",
    "cvv1",
    "cvv2",
    "cvc",
    "cvc1",
    "cvc2",
    "csc",
    "cav2",
    "cvn",
    "cardcvv",
    "cardcvc",
    "cvvcode",
    "cvccode",
    "securitycode",
    "cardsecuritycode",
    "verificationvalue",
    "cardverificationvalue",
    "cardverificationcode",
];
/// The longest of them, with room for separators.
const KEY_BYTES_MAX: usize = 32;
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 3..=4;
/// Digits of a card number that stay, so that a person can tell which card it is.
const SHOWN_DIGITS: usize = 4;

/// A response body without a card number or verification code in it. Nothing else can be landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    bytes: Bytes,
    values: u32,
}

impl Masked {
    /// Masks `body`. One that holds nothing to mask is not copied.
    pub fn of(body: Bytes) -> Masked {
        let found = secrets(&body);
        if found.is_empty() {
            return Masked { bytes: body, values: 0 };
        }
        let values = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let mut bytes = body.to_vec();
        hide_all(&mut bytes, &found);
        Masked { bytes: Bytes::from(bytes), values }
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many values were masked.
    pub fn values(&self) -> u32 {
        self.values
    }
}

/// `text` with what is to be masked masked: for what was landed by others and is shown by us.
pub fn masked_text(text: &str) -> Cow<'_, str> {
    let found = secrets(text.as_bytes());
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut bytes = text.as_bytes().to_vec();
    hide_all(&mut bytes, &found);
    Cow::Owned(String::from_utf8(bytes).expect("digits were replaced by other ASCII"))
}

/// A value to mask: where its digits stand, how many of them are shown, and what stands for the others.
struct Secret {
    place: Range<usize>,
    shown: usize,
    star: u8,
}

fn hide_all(json: &mut [u8], secrets: &[Secret]) {
    for secret in secrets {
        let digits = json[secret.place.clone()].iter().filter(|byte| byte.is_ascii_digit()).count();
        let hidden = digits.saturating_sub(secret.shown);
        json[secret.place.clone()]
            .iter_mut()
            .filter(|byte| byte.is_ascii_digit())
            .take(hidden)
            .for_each(|byte| *byte = secret.star);
    }
}

/// One pass over the colons: only a key that could be meant is looked at more closely.
fn secrets(json: &[u8]) -> Vec<Secret> {
    memchr_iter(b':', json).filter_map(|colon| secret_at(json, colon)).collect()
}

/// What is to be masked in the value behind a colon.
fn secret_at(json: &[u8], colon: usize) -> Option<Secret> {
    let key = key_before(json, colon)?;
    let digits = match kind_of(key)? {
        Kind::Number => NUMBER_DIGITS,
        Kind::Code => CODE_DIGITS,
    };
    let (place, is_text) = value_behind(json, colon)?;
    let value = &json[place.clone()];
    let count = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_meant = digits.contains(&count) && (digits == CODE_DIGITS || passes_luhn(value));
    let shown = if digits == CODE_DIGITS { 0 } else { SHOWN_DIGITS };
    is_meant.then_some(Secret { place, shown, star: if is_text { b'*' } else { b'9' } })
}

/// The key that ends before a colon. JSON within a text counts too: its quotes are escaped.
fn key_before(json: &[u8], colon: usize) -> Option<&[u8]> {
    let before = &json[..colon];
    let before = if before.ends_with(b"\"") { before } else { before.trim_ascii_end() };
    let key_end = before.strip_suffix(b"\"")?;
    let key_end = key_end.strip_suffix(b"\\").unwrap_or(key_end);
    if !may_end_a_key(key_end) {
        return None;
    }
    let near = &key_end[key_end.len().saturating_sub(KEY_BYTES_MAX)..];
    memrchr(b'"', near).map(|quote| &near[quote + 1..])
}

/// Whether any of the keys ends like this: it tells nearly all others apart.
fn may_end_a_key(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk::<3>() else { return false };
    matches!(
        last.map(|letter| letter | 0x20),
        [b'p', b'a', b'n']
            | [b'b', b'e', b'r']
            | [_, b'n', b'o']
            | [_, b'u', b'm']
            | [_, b'v', b'v' | b'c' | b'n']
            | [_, _, b'1' | b'2']
            | [b'c', b's', b'c']
            | [b'o', b'd', b'e']
            | [b'l', b'u', b'e']
            | [b'u', b'l', b'l']
    )
}

enum Kind {
    Number,
    Code,
}

fn kind_of(key: &[u8]) -> Option<Kind> {
    let mut plain = [0; KEY_BYTES_MAX];
    let mut length = 0;
    for byte in key.iter().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
        plain[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = &plain[..length];
    if NUMBER_KEYS.iter().any(|known| known.as_bytes() == plain) {
        return Some(Kind::Number);
    }
    CODE_KEYS.iter().any(|known| known.as_bytes() == plain).then_some(Kind::Code)
}

/// Where the value behind a colon stands, if it is made of digits, and whether it is a text. A text may group its digits.
fn value_behind(json: &[u8], colon: usize) -> Option<(Range<usize>, bool)> {
    let rest = &json[colon + 1..];
    let start = colon + 1 + rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let rest = &json[start..];
    let quote = if rest.starts_with(b"\\\"") { 2 } else { usize::from(rest.starts_with(b"\"")) };
    if quote > 0 {
        let start = start + quote;
        let end = start + memchr2(b'"', b'\\', &json[start..])?;
        let is_digits = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b' ' | b'-');
        return json[start..end].iter().all(is_digits).then_some((start..end, true));
    }
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_whole = !matches!(rest.get(count), Some(b'.' | b'e' | b'E'));
    (count > 0 && is_whole).then_some((start..start + count, false))
}

/// Whether the digits of `value` pass Luhn.
fn passes_luhn(value: &[u8]) -> bool {
    let digits = value.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(json: &str) -> String {
        let masked = masked_text(json).into_owned();
        assert_eq!(masked.len(), json.len(), "no place moves");
        assert_eq!(masked_text(&masked), masked, "once is enough");
        masked
    }

    #[test]
    fn no_key_is_overlooked() {
        for (key, value, mask) in NUMBER_KEYS
            .map(|key| (key, "4111111111111111", "************1111"))
            .into_iter()
            .chain(CODE_KEYS.map(|key| (key, "123", "***")))
        {
            for key in [key.to_owned(), key.to_uppercase()] {
                assert_eq!(masked(&format!(r#"{{"{key}":"{value}"}}"#)), format!(r#"{{"{key}":"{mask}"}}"#));
            }
        }
    }

    #[test]
    fn card_numbers_are_masked_under_keys_that_name_one() {
        for key in ["pan", "PAN", "card_number", "cardNumber", "Card-Number", "number", "primary_account_number"] {
            let expected = format!(r#"{{"{key}": "************1111","x":1}}"#);
            assert_eq!(masked(&format!(r#"{{"{key}": "4111111111111111","x":1}}"#)), expected);
        }
        assert_eq!(masked(r#"{"pan" : "4111 1111-1111 1111"}"#), r#"{"pan" : "**** ****-**** 1111"}"#);
        assert_eq!(masked(r#"{"pan":4111111111111111}"#), r#"{"pan":9999999999991111}"#);
        assert_eq!(masked(r#"{"pan":"4222222222222"}"#), r#"{"pan":"*********2222"}"#);
        let nested = r#"{"raw":"{\"pan\":\"4111111111111111\",\"cvv\":123}"}"#;
        assert_eq!(masked(nested), r#"{"raw":"{\"pan\":\"************1111\",\"cvv\":999}"}"#);
    }

    #[test]
    fn verification_codes_are_masked_whole() {
        for key in ["cvv", "CVC", "cvv2", "security_code", "cardSecurityCode", "card_verification_value"] {
            assert_eq!(masked(&format!(r#"{{"{key}":"123"}}"#)), format!(r#"{{"{key}":"***"}}"#));
            assert_eq!(masked(&format!(r#"{{"{key}":1234}}"#)), format!(r#"{{"{key}":9999}}"#));
        }
    }

    #[test]
    fn what_is_none_stays_as_it_is() {
        for json in [
            // Not Luhn; too short; too long; a fraction; masked by the provider.
            r#"{"pan":"4111111111111112"}"#,
            r#"{"pan":"411111111111"}"#,
            r#"{"pan":"41111111111111111111"}"#,
            r#"{"number":4111111111111111.0}"#,
            r#"{"number":"535678******1234"}"#,
            // Other keys, whatever stands there.
            r#"{"txid":"4111111111111111","card_ref":"ANY2107926427","internal_id":4111111111111111}"#,
            r#"{"iban":"FR1420041010050500013M02606","acc_id":"4111111111111111","description":"cvv 123"}"#,
            r#"{"limit_number":4111111111111111,"cvv":"12345","cvv":null,"pan":["4111111111111111"],"mcc":5411}"#,
            "\"pan\":",
            "pan\":\"4111111111111111\"",
            ":",
            "",
            "\":\"",
            r#"{"pan":"4111111111111111"#,
        ] {
            assert_eq!(masked(json), json);
        }
    }

    #[test]
    fn a_body_without_any_is_not_copied() {
        let body = Bytes::from_static(br#"{"card_ref":"ANY2107926427"}"#);
        let kept = Masked::of(body.clone());
        assert_eq!((kept.bytes().as_ptr(), kept.values()), (body.as_ptr(), 0));
        assert_eq!(Masked::of(Bytes::from_static(br#"[{"pan":"4111111111111111","cvv":"123"}]"#)).values(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_and_keep_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(Masked::of(Bytes::from(bytes.clone())).bytes().len(), bytes.len());
        }

        #[test]
        fn no_number_that_passes_luhn_survives(digits in "[0-9]{12,18}", blanks in " {0,3}") {
            let check = (0..10).find(|check| passes_luhn(format!("{digits}{check}").as_bytes())).expect("one of ten");
            let number = format!("{digits}{check}");
            let json = format!(r#"[{{"card_number"{blanks}:{blanks}"{number}"}}]"#);
            let masked = masked_text(&json);
            prop_assert!(!masked.contains(&number));
            let shown = format!("*{}", &number[number.len() - 4..]);
            prop_assert!(masked.contains(&shown));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&masked).is_ok());
        }
    }
}
