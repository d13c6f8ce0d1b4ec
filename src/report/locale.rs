//! Amounts as their reader writes them: separators are set into the exact decimal text, nothing is computed.

/// How a language and region writes numbers, after the Unicode CLDR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locale {
    /// The BCP 47 tag.
    pub tag: &'static str,
    decimal: char,
    group: char,
    grouping: Grouping,
    minus: char,
}

/// Where the digits before the decimal separator are parted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    /// Each three.
    Threes,
    /// Each three, but not where that would part off a single digit: 1234, 12 345.
    ThreesFromFive,
    /// The last three, then each two: 12,34,567.
    Indian,
}

const NARROW_SPACE: char = '\u{202f}';
const SPACE: char = '\u{a0}';
const APOSTROPHE: char = '\u{2019}';
const HYPHEN: char = '-';
const MINUS: char = '\u{2212}';

const fn locale(tag: &'static str, decimal: char, group: char, grouping: Grouping, minus: char) -> Locale {
    Locale { tag, decimal, group, grouping, minus }
}

/// Every locale that a job may name. `tests/page` holds each against the browser's own `Intl.NumberFormat`.
const ALL: [Locale; 38] = {
    use Grouping::{Indian, Threes, ThreesFromFive};
    [
        locale("en-GB", '.', ',', Threes, HYPHEN),
        locale("en-US", '.', ',', Threes, HYPHEN),
        locale("en-IE", '.', ',', Threes, HYPHEN),
        locale("en-CA", '.', ',', Threes, HYPHEN),
        locale("en-AU", '.', ',', Threes, HYPHEN),
        locale("en-IN", '.', ',', Indian, HYPHEN),
        locale("en-CH", '.', APOSTROPHE, Threes, HYPHEN),
        locale("fr-FR", ',', NARROW_SPACE, Threes, HYPHEN),
        locale("fr-BE", ',', NARROW_SPACE, Threes, HYPHEN),
        locale("fr-CH", ',', NARROW_SPACE, Threes, HYPHEN),
        locale("fr-LU", ',', '.', Threes, HYPHEN),
        locale("fr-CA", ',', SPACE, Threes, HYPHEN),
        locale("de-DE", ',', '.', Threes, HYPHEN),
        locale("de-AT", ',', SPACE, Threes, HYPHEN),
        locale("de-CH", '.', APOSTROPHE, Threes, HYPHEN),
        locale("de-LI", '.', APOSTROPHE, Threes, HYPHEN),
        locale("de-LU", ',', '.', Threes, HYPHEN),
        locale("it-IT", ',', '.', ThreesFromFive, HYPHEN),
        locale("it-CH", '.', APOSTROPHE, ThreesFromFive, HYPHEN),
        locale("es-ES", ',', '.', ThreesFromFive, HYPHEN),
        locale("pt-PT", ',', SPACE, ThreesFromFive, HYPHEN),
        locale("pt-BR", ',', '.', Threes, HYPHEN),
        locale("nl-NL", ',', '.', Threes, HYPHEN),
        locale("nl-BE", ',', '.', Threes, HYPHEN),
        locale("da-DK", ',', '.', Threes, HYPHEN),
        locale("sv-SE", ',', SPACE, Threes, MINUS),
        locale("nb-NO", ',', SPACE, Threes, MINUS),
        locale("fi-FI", ',', SPACE, Threes, MINUS),
        locale("pl-PL", ',', SPACE, ThreesFromFive, HYPHEN),
        locale("cs-CZ", ',', SPACE, Threes, HYPHEN),
        locale("sk-SK", ',', SPACE, Threes, HYPHEN),
        locale("hu-HU", ',', SPACE, ThreesFromFive, HYPHEN),
        locale("ro-RO", ',', '.', Threes, HYPHEN),
        locale("el-GR", ',', '.', Threes, HYPHEN),
        locale("tr-TR", ',', '.', Threes, HYPHEN),
        locale("hr-HR", ',', '.', Threes, MINUS),
        locale("sl-SI", ',', '.', ThreesFromFive, MINUS),
        locale("ja-JP", '.', ',', Threes, HYPHEN),
    ]
};

impl Default for Locale {
    fn default() -> Locale {
        ALL[0]
    }
}

impl Locale {
    /// The locale of a tag such as `fr-FR`.
    pub fn of(tag: &str) -> Option<Locale> {
        ALL.into_iter().find(|locale| locale.tag == tag)
    }

    /// The tags of all locales.
    pub fn tags() -> [&'static str; ALL.len()] {
        ALL.map(|locale| locale.tag)
    }

    /// An exact decimal text (`-1234.50`) with this locale's separators.
    pub fn amount(self, text: &str) -> String {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (Some(self.minus), digits),
            None => (None, text),
        };
        let (whole, decimals) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
        let mut written = String::with_capacity(text.len() * 2);
        written.extend(sign);
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && self.parts_before(whole.len() - index, whole.len()) {
                written.push(self.group);
            }
            written.push(digit);
        }
        if let Some(decimals) = decimals {
            written.push(self.decimal);
            written.push_str(decimals);
        }
        written
    }

    /// A count.
    pub fn count(self, number: u64) -> String {
        self.amount(&number.to_string())
    }

    /// Whether a separator stands before the last `left` of `all` digits.
    fn parts_before(self, left: usize, all: usize) -> bool {
        match self.grouping {
            Grouping::Threes => left.is_multiple_of(3),
            Grouping::ThreesFromFive => left.is_multiple_of(3) && all > 4,
            Grouping::Indian => left == 3 || (left > 3 && (left - 3).is_multiple_of(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_written_as_their_readers_write_them() {
        let written = |tag: &str, text: &str| Locale::of(tag).expect("a known tag").amount(text);
        assert_eq!(written("en-GB", "-1234567.50"), "-1,234,567.50");
        assert_eq!(written("fr-FR", "-1234567.50"), "-1\u{202f}234\u{202f}567,50");
        assert_eq!(written("de-CH", "1234.5678"), "1\u{2019}234.5678");
        assert_eq!(written("es-ES", "1234.50"), "1234,50");
        assert_eq!(written("es-ES", "12345"), "12.345");
        assert_eq!(written("en-IN", "12345678.00"), "1,23,45,678.00");
        assert_eq!(written("sv-SE", "-0.05"), "\u{2212}0,05");
        assert_eq!(written("ja-JP", "999"), "999");
    }

    proptest! {
        #[test]
        fn separators_are_all_that_is_added(units in any::<i64>(), tag in 0..ALL.len()) {
            let locale = ALL[tag];
            let text = format!("{units}.{:02}", units.unsigned_abs() % 100);
            let written = locale.amount(&text);
            let read: String = written
                .chars()
                .filter(|letter| *letter != locale.group)
                .map(|letter| if letter == locale.decimal { '.' } else if letter == locale.minus { '-' } else { letter })
                .collect();
            prop_assert_eq!(read, text);
        }
    }
}
