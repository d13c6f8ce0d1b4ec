//! Card numbers, verification codes, PINs and what is on a card's stripe are masked before anything lands: whoever reads the
//! landing, a log or a report must not find one.
//!
//! What counts is the key, then the value: 13 to 19 digits that pass Luhn under a key that names a card number, 3 or 4
//! digits under one that names a verification code, 4 to 12 under one that names a PIN, any text under one that names a PIN
//! block or a track. References, IBANs and ids under other keys stay as they are, however they look. A mask is as long as
//! what it hides, so that no place in the text moves: stars but for the last four digits of a card number, and nines where
//! the value is a bare JSON number, which stars would break. A value that is masked already has nothing to mask. Where a
//! text breaks off, so does the value. The envelope's hash does not cover the body: masking leaves it as true as it was.

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
const CODE_KEYS: [&str; 36] = [
    "cvv",
    "cvv1",
    "cvv2",
    "cvv3",
    "cvc",
    "cvc1",
    "cvc2",
    "cvc3",
    "csc",
    "cav",
    "cav2",
    "cvn",
    "cvd",
    "icvv",
    "dcvv",
    "dcvv2",
    "dcvc",
    "dcvc3",
    "cardcvv",
    "cardcvv2",
    "cardcvc",
    "cardcvc2",
    "cardcsc",
    "cardcvn",
    "cvvcode",
    "cvccode",
    "cvvnumber",
    "cvcnumber",
    "cvvvalue",
    "cvcvalue",
    "securitycode",
    "cardsecuritycode",
    "verificationvalue",
    "cardverificationvalue",
    "cardverificationcode",
    "cardverificationnumber",
];
/// Keys of PINs.
const PIN_KEYS: [&str; 10] =
    ["pin", "pincode", "pinnumber", "pinvalue", "cardpin", "clearpin", "atmpin", "newpin", "oldpin", "currentpin"];
/// Keys of texts that are hidden whole: PIN blocks and what is on the stripe.
const WHOLE_KEYS: [&str; 17] = [
    "pinblock",
    "pinblk",
    "encryptedpin",
    "encryptedpinblock",
    "track1",
    "track2",
    "track3",
    "track1data",
    "track2data",
    "track3data",
    "trackdata",
    "track2equivalent",
    "track2equivalentdata",
    "magstripe",
    "magstripedata",
    "magneticstripe",
    "magneticstripedata",
];
/// The longest of them, with room for separators.
const KEY_BYTES_MAX: usize = 32;
const NUMBER_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
const CODE_DIGITS: std::ops::RangeInclusive<usize> = 3..=4;
const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;
/// Digits of a card number that stay, so that a person can tell which card it is.
const SHOWN_DIGITS: usize = 4;

/// A response body without a card number or code in it. Nothing else can be landed.
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

/// A value to mask: where it stands, how many of its digits are shown, and what stands for the others.
struct Secret {
    place: Range<usize>,
    shown: usize,
    star: u8,
    /// Whether everything is hidden, and not its digits alone.
    is_whole: bool,
}

fn hide_all(json: &mut [u8], secrets: &[Secret]) {
    for secret in secrets {
        let value = &mut json[secret.place.clone()];
        if secret.is_whole {
            value.fill(secret.star);
            continue;
        }
        let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
        let hidden = digits.saturating_sub(secret.shown);
        value.iter_mut().filter(|byte| byte.is_ascii_digit()).take(hidden).for_each(|byte| *byte = secret.star);
    }
}

/// One pass over the colons: only a key that could be meant is looked at more closely.
fn secrets(json: &[u8]) -> Vec<Secret> {
    memchr_iter(b':', json).filter_map(|colon| secret_at(json, colon)).collect()
}

/// What is to be masked in the value behind a colon.
fn secret_at(json: &[u8], colon: usize) -> Option<Secret> {
    let kind = kind_of(key_before(json, colon)?)?;
    let (place, is_text) = value_behind(json, colon)?;
    let value = &json[place.clone()];
    let count = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_digits = value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-'));
    let is_meant = match kind {
        Kind::Number => is_digits && NUMBER_DIGITS.contains(&count) && passes_luhn(value),
        Kind::Code => is_digits && CODE_DIGITS.contains(&count),
        Kind::Pin => is_digits && PIN_DIGITS.contains(&count),
        Kind::Whole => value.iter().any(|byte| *byte != b'*'),
    };
    let shown = if matches!(kind, Kind::Number) { SHOWN_DIGITS } else { 0 };
    let star = if is_text { b'*' } else { b'9' };
    is_meant.then_some(Secret { place, shown, star, is_whole: matches!(kind, Kind::Whole) })
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
        [b'p', b'a' | b'i', b'n']
            | [b'b', b'e', b'r']
            | [_, b'n', b'o']
            | [_, b'u', b'm']
            | [_, b'v', b'v' | b'c' | b'n' | b'd']
            | [b'c', b'a', b'v']
            | [_, _, b'1' | b'2' | b'3']
            | [b'c', b's', b'c']
            | [b'o', b'd', b'e']
            | [b'l', b'u', b'e']
            | [b'u', b'l', b'l']
            | [b'o', b'c', b'k']
            | [b'b', b'l', b'k']
            | [b'a', b't', b'a']
            | [b'i', b'p', b'e']
            | [b'e', b'n', b't']
    )
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Code,
    Pin,
    Whole,
}

fn kind_of(key: &[u8]) -> Option<Kind> {
    let mut plain = [0; KEY_BYTES_MAX];
    let mut length = 0;
    for byte in key.iter().filter(|byte| !matches!(byte, b'_' | b'-' | b' ')) {
        plain[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = &plain[..length];
    let kinds: [(&[&str], Kind); 4] =
        [(&NUMBER_KEYS, Kind::Number), (&CODE_KEYS, Kind::Code), (&PIN_KEYS, Kind::Pin), (&WHOLE_KEYS, Kind::Whole)];
    kinds.into_iter().find(|(keys, _)| keys.iter().any(|known| known.as_bytes() == plain)).map(|(_, kind)| kind)
}

/// Where the value behind a colon stands, if it is a text or made of digits, and whether it is a text.
fn value_behind(json: &[u8], colon: usize) -> Option<(Range<usize>, bool)> {
    let rest = &json[colon + 1..];
    let start = colon + 1 + rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let rest = &json[start..];
    if rest.starts_with(b"\\\"") {
        return Some((start + 2..text_end(json, start + 2, true), true));
    }
    if rest.starts_with(b"\"") {
        return Some((start + 1..text_end(json, start + 1, false), true));
    }
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_whole = !matches!(rest.get(count), Some(b'.' | b'e' | b'E'));
    (count > 0 && is_whole).then_some((start..start + count, false))
}

/// Where a text ends that begins at `at`: before its closing quote, or where everything ends. In a text within a text that
/// quote is escaped, and what is escaped in it is escaped twice.
fn text_end(json: &[u8], mut at: usize, is_nested: bool) -> usize {
    while let Some(found) = memchr2(b'"', b'\\', &json[at..]) {
        at += found;
        match (json[at], json.get(at + 1)) {
            (b'"', _) | (_, None) => return at,
            (_, Some(b'"')) if is_nested => return at,
            // An escape of the inner text: what follows belongs to it.
            (_, Some(b'\\')) if is_nested => at += if json.get(at + 2) == Some(&b'\\') { 4 } else { 3 },
            _ => at += 2,
        }
        if at >= json.len() {
            break;
        }
    }
    json.len()
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
            .chain(PIN_KEYS.map(|key| (key, "123456", "******")))
            .chain(WHOLE_KEYS.map(|key| (key, "B2Fa9==?", "********")))
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
    fn pins_and_what_is_on_the_stripe_are_masked_whole() {
        assert_eq!(
            masked(r#"{"pin":"0420","PIN":1234,"new_pin":"12 34"}"#),
            r#"{"pin":"****","PIN":9999,"new_pin":"** **"}"#
        );
        assert_eq!(masked(r#"{"pin_block":"0412AC89ABCDEF67"}"#), r#"{"pin_block":"****************"}"#);
        assert_eq!(
            masked(r#"{"track2":";4111111111111111=29121010000?"}"#),
            format!(r#"{{"track2":"{}"}}"#, "*".repeat(30))
        );
        // A slash that is escaped, as some providers do, and a quote.
        let track1 = r#"%B4111111111111111^DOE\/JOHN \"J\"^2912101?"#;
        assert_eq!(
            masked(&format!(r#"{{"Track1": "{track1}","x":1}}"#)),
            format!(r#"{{"Track1": "{}","x":1}}"#, "*".repeat(track1.len()))
        );
        let nested = r#"{"raw":"{\"track1\":\"%B4^DOE\\\/J \\\"X\\\"^29\",\"txid\":\"1\"}"}"#;
        let value = r#"%B4^DOE\\\/J \\\"X\\\"^29"#;
        assert_eq!(masked(nested), nested.replace(value, &"*".repeat(value.len())));
        assert_eq!(masked(r#"{"magstripe":4111111111111111}"#), r#"{"magstripe":9999999999999999}"#);
    }

    #[test]
    fn a_value_that_breaks_off_is_masked_as_far_as_it_goes() {
        assert_eq!(masked(r#"{"pan":"4111111111111111"#), r#"{"pan":"************1111"#);
        assert_eq!(masked(r#"{"track2":";41111111"#), r#"{"track2":"*********"#);
        assert_eq!(masked("{\"track2\":\";41\\"), "{\"track2\":\"***\\");
        assert_eq!(masked(r#"{"cvv":"123"#), r#"{"cvv":"***"#);
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
            // Not meant: too long for a PIN, no digits, nothing.
            r#"{"pin":"1234567890123","pin":"none","track2":"","track2":null,"track":"4","tracking":"1234"}"#,
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
        fn nothing_of_a_track_survives(value in "[ -~]{1,40}", key in 0..WHOLE_KEYS.len(), depth in 0..3_usize) {
            let mut json = serde_json::json!({ WHOLE_KEYS[key]: value });
            for _ in 0..depth.min(1) {
                json = serde_json::json!({ "raw": json.to_string() });
            }
            let masked: serde_json::Value = serde_json::from_str(&masked_text(&json.to_string())).expect("still JSON");
            let inner = match masked["raw"].as_str() {
                Some(text) => serde_json::from_str(text).expect("still JSON"),
                None => masked,
            };
            let value = inner[WHOLE_KEYS[key]].as_str().expect("a text");
            prop_assert!(value.bytes().all(|byte| byte == b'*'), "{}", value);
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
