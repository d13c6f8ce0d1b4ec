//! JSON as PHP's `json_encode` writes it, compact and with the members in the order in which they are added.

use std::fmt::Write as _;

/// An object being written.
#[derive(Debug)]
pub struct Object {
    text: String,
    escapes: bool,
}

impl Object {
    /// An empty object; `escapes` as in [`quote`].
    pub fn new(escapes: bool) -> Self {
        Self { text: "{".to_owned(), escapes }
    }

    /// Adds a member whose value is JSON already.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
        self.text.push_str(json);
        self
    }

    /// Adds a text.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        let quoted = quote(text, self.escapes);
        self.raw(name, &quoted)
    }

    /// The object.
    pub fn end(&mut self) -> String {
        self.text.push('}');
        std::mem::take(&mut self.text)
    }
}

/// A JSON string. With `escapes`, slashes and all beyond ASCII are escaped, which is PHP's default.
pub fn quote(text: &str, escapes: bool) -> String {
    if !escapes {
        return serde_json::to_string(text).expect("any text is a JSON string");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("a String takes any text");
                }
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn php_escapes_slashes_and_what_is_beyond_ascii() {
        assert_eq!(quote("Café 1/2 😀 \"x\"\n\u{1}", true), r#""Caf\u00e9 1\/2 \ud83d\ude00 \"x\"\n\u0001""#);
        assert_eq!(quote("Café 1/2", false), "\"Café 1/2\"");
    }

    #[test]
    fn either_spelling_reads_back() {
        for text in ["", "\u{7f}\u{2028}", "a\tb\r\n", "مرحبا", "\\\"/"] {
            for escapes in [false, true] {
                assert_eq!(serde_json::from_str::<String>(&quote(text, escapes)).expect("JSON"), text);
            }
        }
    }

    #[test]
    fn members_keep_their_order() {
        assert_eq!(Object::new(false).raw("b", "1").text("a", "x").end(), r#"{"b":1,"a":"x"}"#);
        assert_eq!(Object::new(true).end(), "{}");
    }
}
