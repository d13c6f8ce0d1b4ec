//! Texts on their way into other people's formats: what a format cannot hold is shown, never dropped in silence.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// Stands for a character that XML does not allow.
pub const REPLACEMENT: char = '\u{FFFD}';

/// Bytes of an owner's id that a file name holds before it is shortened.
const FILE_NAME_BYTES_MAX: usize = 60;

/// The text with every character that XML 1.0 does not allow shown as U+FFFD.
pub fn allowed_in_xml(text: &str) -> Cow<'_, str> {
    let refused = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{FFFE}' | '\u{FFFF}');
    if text.contains(refused) {
        Cow::Owned(text.chars().map(|c| if refused(c) { REPLACEMENT } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Appends a text as the content of an element or attribute.
pub fn push_xml(out: &mut String, text: &str) {
    for c in allowed_in_xml(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A plain one would be read as a line feed.
            '\r' => out.push_str("&#13;"),
            c => out.push(c),
        }
    }
}

/// The first characters of a text, at most that many.
pub fn head(text: &str, chars_max: usize) -> &str {
    text.char_indices().nth(chars_max).map_or(text, |(end, _)| &text[..end])
}

/// The text cut to that many characters; that it was cut is part of it.
pub fn cut(text: &str, chars_max: usize) -> Cow<'_, str> {
    let chars = text.chars().count();
    if chars <= chars_max {
        return Cow::Borrowed(text);
    }
    let mark = format!("... [cut, {chars} characters in all]");
    Cow::Owned(format!("{}{mark}", head(text, chars_max.saturating_sub(mark.chars().count()))))
}

/// A text in pieces of at most that many characters.
pub fn pieces(text: &str, chars_max: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let piece = head(rest, chars_max);
        pieces.push(piece);
        rest = &rest[piece.len()..];
    }
    pieces
}

/// Line feeds, tabs and other controls as spaces: for formats whose lines mean something.
pub fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// An id in at most `chars_max` characters: a longer one keeps its beginning, with a hash of the whole behind it.
pub fn short_id(id: &str, chars_max: usize) -> String {
    const HASH_CHARS: usize = 8;
    if id.chars().count() <= chars_max {
        return id.to_owned();
    }
    format!("{}-{}", head(id, chars_max - HASH_CHARS - 1), &sha256(id)[..HASH_CHARS])
}

/// An id as a part of a file name: letters, digits, `-` and `_` stand for themselves, every other byte as `%XX`.
///
/// An id that is long, or has small letters (which some file systems take for large ones), gets a hash behind it, so that
/// no two ids share a name wherever the files are copied to.
pub fn file_name(id: &str) -> String {
    let mut name = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            name.push(char::from(byte));
        } else {
            percent(&mut name, byte);
        }
    }
    if name.len() <= FILE_NAME_BYTES_MAX && !id.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return name;
    }
    name.truncate(FILE_NAME_BYTES_MAX);
    format!("{name}~{}", &sha256(id)[..12])
}

/// Every byte but those that `plain` lets stand as `%XX`.
pub fn percent_encoded(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if plain(byte) && byte != b'%' && byte.is_ascii() {
            out.push(char::from(byte));
        } else {
            percent(&mut out, byte);
        }
    }
    out
}

/// The text that [`percent_encoded`] made it of.
pub fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn percent(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

/// Hex SHA-256.
pub fn sha256(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_become_names_that_stay_in_their_folder() {
        assert_eq!(file_name("7410"), "7410");
        assert_eq!(file_name("ANY2107926427"), "ANY2107926427");
        assert_eq!(file_name("../../ETC"), "%2E%2E%2F%2E%2E%2FETC");
        assert_eq!(file_name("."), "%2E");
        let (small, large) = (file_name("any"), file_name("ANY"));
        assert!(small.starts_with("any~") && large == "ANY", "{small} {large}");
        assert!(file_name(&"É".repeat(500)).len() < 80);
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("short", 10), "short");
        let long = cut(&"é".repeat(300), 255).into_owned();
        assert_eq!(long.chars().count(), 255);
        assert!(long.ends_with("... [cut, 300 characters in all]"), "{long}");
        assert_eq!(short_id("1234567890", 10), "1234567890");
        assert_eq!(short_id(&"9".repeat(50), 16).len(), 16);
    }

    proptest! {
        #[test]
        fn names_of_different_ids_differ_even_where_case_does_not(a in "[aAbB.%/~é-]{0,6}", b in "[aAbB.%/~é-]{0,6}") {
            prop_assume!(a != b);
            prop_assert_ne!(file_name(&a).to_lowercase(), file_name(&b).to_lowercase());
        }

        #[test]
        fn pieces_make_up_the_text(text in "\\PC{0,400}") {
            let pieces = pieces(&text, 140);
            prop_assert!(pieces.iter().all(|piece| !piece.is_empty() && piece.chars().count() <= 140));
            prop_assert_eq!(pieces.concat(), text);
        }

        #[test]
        fn percent_encoding_reads_back(text in "\\PC{0,40}") {
            prop_assert_eq!(percent_decoded(&percent_encoded(&text, |b| b.is_ascii_alphanumeric())), text);
        }
    }
}
