//! Rows as elements of a sheet.

use std::fmt::Write;
use std::io;

use super::{is_exact_as_double, shown};
use crate::formats::text::push_xml;
use crate::record::{CellSink, Day, Money, Rate, Stamp};

/// Cell styles, by their place in `styles.xml`.
pub(super) mod style {
    pub(in super::super) const HEADER: u8 = 1;
    /// A text that a spreadsheet would take for a formula when somebody edits it.
    pub(in super::super) const QUOTED: u8 = 2;
    pub(in super::super) const DATE: u8 = 3;
    pub(in super::super) const TIME: u8 = 4;
    pub(in super::super) const COUNT: u8 = 5;
    /// Money without decimals; those with one to four follow.
    pub(in super::super) const MONEY: u8 = 6;
}

/// Days from 1899-12-30, day zero of spreadsheets, to 1970-01-01.
pub(super) const EPOCH_SERIAL: i32 = 25_569;
/// Before 1900-03-01 spreadsheets count a day that never was.
pub(super) const SERIAL_MIN: i32 = 61;
/// Decimals of a day: a hundred-thousandth of a second.
const DAY_DECIMALS: i64 = 10_000_000_000;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Gathers rows.
#[derive(Debug)]
pub(super) struct Cells {
    out: String,
}

impl Cells {
    pub(super) fn new() -> Cells {
        Cells { out: String::new() }
    }

    pub(super) fn begin_row(&mut self) {
        self.out.push_str("<row>");
    }

    pub(super) fn end_row(&mut self) {
        self.out.push_str("</row>");
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    /// Hands over what was gathered, once it is as much.
    pub(super) fn pass_on(&mut self, least: usize, packed: &mut zstd::Encoder<'_, Vec<u8>>) {
        if self.out.len() >= least {
            io::Write::write_all(packed, self.out.as_bytes()).expect("memory takes the bytes");
            self.out.clear();
        }
    }

    pub(super) fn header(&mut self, name: &str) {
        self.string(name, style::HEADER);
    }

    fn empty(&mut self) {
        self.out.push_str("<c/>");
    }

    fn number(&mut self, decimal: &str, style: u8) {
        write!(self.out, "<c s=\"{style}\"><v>{decimal}</v></c>").expect("a text takes any text");
    }

    fn string(&mut self, text: &str, style: u8) {
        write!(self.out, "<c s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">")
            .expect("a text takes any text");
        push_xml(&mut self.out, &without_escapes(&shown(text)));
        self.out.push_str("</t></is></c>");
    }

    fn exact(&mut self, decimal: &str, style: u8) {
        if is_exact_as_double(decimal) {
            self.number(decimal, style);
        } else {
            self.string(decimal, 0);
        }
    }
}

/// Spreadsheets read `_x0041_` in a text as the character of that number: such an underscore is itself written so.
fn without_escapes(text: &str) -> String {
    let is_escape = |at: usize| {
        let bytes = &text.as_bytes()[at..];
        bytes.len() >= 7 && bytes[1] == b'x' && bytes[6] == b'_' && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
    };
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c == '_' && is_escape(at) {
            out.push_str("_x005F_");
        } else {
            out.push(c);
        }
    }
    out
}

impl CellSink for Cells {
    fn text(&mut self, value: Option<&str>) {
        match value {
            None => self.empty(),
            Some(text) => {
                let style = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { style::QUOTED } else { 0 };
                self.string(text, style);
            }
        }
    }

    fn money(&mut self, value: Option<Money>, digits: u8) {
        let Some(amount) = value else { return self.empty() };
        let text = amount.text(digits);
        let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        self.exact(&text, style::MONEY + u8::try_from(decimals).expect("money has four decimals at most"));
    }

    fn rate(&mut self, value: Option<Rate>) {
        let Some(rate) = value else { return self.empty() };
        let mut text = Vec::new();
        rate.write(&mut text);
        self.exact(&String::from_utf8(text).expect("digits"), 0);
    }

    fn date(&mut self, value: Option<Day>) {
        match value {
            None => self.empty(),
            Some(day) if day.epoch_days() + EPOCH_SERIAL >= SERIAL_MIN => {
                self.number(&(day.epoch_days() + EPOCH_SERIAL).to_string(), style::DATE);
            }
            Some(day) => self.string(&day.to_string(), 0),
        }
    }

    fn time(&mut self, value: Option<Stamp>) {
        let Some(stamp) = value else { return self.empty() };
        let micros = stamp.local_micros();
        let day = micros.div_euclid(MICROS_PER_DAY) + i64::from(EPOCH_SERIAL);
        if micros % 1_000_000 != 0 || day < i64::from(SERIAL_MIN) {
            return self.string(&stamp.text(), 0);
        }
        let seconds = micros.rem_euclid(MICROS_PER_DAY) / 1_000_000;
        let decimals = (seconds * DAY_DECIMALS + 43_200) / 86_400;
        self.number(&format!("{day}.{decimals:010}"), style::TIME);
    }

    fn count(&mut self, value: i64) {
        self.exact(&value.to_string(), style::COUNT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str, digits: u8) -> String {
        let mut cells = Cells::new();
        cells.money(Some(Money::parse(text).expect("an amount")), digits);
        cells.out
    }

    #[test]
    fn amounts_are_their_decimal_text_and_those_that_a_double_would_round_are_texts() {
        assert_eq!(money("-1234.5", 2), "<c s=\"8\"><v>-1234.50</v></c>");
        assert_eq!(money("1000", 0), "<c s=\"6\"><v>1000</v></c>");
        assert_eq!(money("1.5", 3), "<c s=\"9\"><v>1.500</v></c>");
        assert_eq!(money("9999999999999.99", 2), "<c s=\"8\"><v>9999999999999.99</v></c>");
        assert!(money("99999999999999.99", 2).contains("inlineStr"));
        assert_eq!(money("99999999999999", 2), "<c s=\"8\"><v>99999999999999.00</v></c>");
    }

    #[test]
    fn what_a_double_is_trusted_with_prints_the_same_decimals() {
        for text in ["9999999999999.99", "0.1", "-123456789012.345", "99999999999999", "1234567890123.45"] {
            assert!(is_exact_as_double(text));
            let double: f64 = text.parse().expect("a number");
            assert_eq!(double.to_string(), text);
        }
    }

    #[test]
    fn texts_stay_texts() {
        let mut cells = Cells::new();
        cells.text(Some("=1+1 <&> _x0041_ a_b\u{1}"));
        assert_eq!(
            cells.out,
            "<c s=\"2\" t=\"inlineStr\"><is><t xml:space=\"preserve\">=1+1 &lt;&amp;&gt; _x005F_x0041_ a_b\u{FFFD}</t></is></c>"
        );
    }
}
