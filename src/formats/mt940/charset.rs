//! SWIFT's character set X, and lines of it.

use crate::formats::text::cut;

/// Characters of a line.
const LINE_CHARS_MAX: usize = 65;
/// Lines of a text in `:86:`; the two others are for breaks.
pub(super) const TEXT_LINES_MAX: usize = 4;

/// Letters with what they lose their accents to.
const LATIN: &[(&str, &str)] = &[
    ("ÀÁÂÃÅĀĂĄ", "A"),
    ("àáâãåāăą", "a"),
    ("ÇĆČ", "C"),
    ("çćč", "c"),
    ("ĎĐÐ", "D"),
    ("ďđð", "d"),
    ("ÈÉÊËĒĖĘĚ", "E"),
    ("èéêëēėęě", "e"),
    ("ĞĢ", "G"),
    ("ğģ", "g"),
    ("ÌÍÎÏĪĮİ", "I"),
    ("ìíîïīįı", "i"),
    ("ĶĹĻĽŁ", "L"),
    ("ķĺļľł", "l"),
    ("ÑŃŅŇ", "N"),
    ("ñńņň", "n"),
    ("ÒÓÔÕØŌŐ", "O"),
    ("òóôõøōő", "o"),
    ("ŔŘ", "R"),
    ("ŕř", "r"),
    ("ŚŞŠȘ", "S"),
    ("śşšș", "s"),
    ("ŢŤȚ", "T"),
    ("ţťț", "t"),
    ("ÙÚÛŪŮŰŲ", "U"),
    ("ùúûūůűų", "u"),
    ("ÝŸ", "Y"),
    ("ýÿ", "y"),
    ("ŹŻŽ", "Z"),
    ("źżž", "z"),
    ("Ä", "Ae"),
    ("ä", "ae"),
    ("Ö", "Oe"),
    ("ö", "oe"),
    ("Ü", "Ue"),
    ("ü", "ue"),
    ("ß", "ss"),
    ("Æ", "AE"),
    ("æ", "ae"),
    ("Œ", "OE"),
    ("œ", "oe"),
    ("Þ", "Th"),
    ("þ", "th"),
    ("€", "EUR"),
    ("‘’ʼ", "'"),
    ("–—", "-"),
    ("\u{a0}\t\n\r", " "),
];

/// The text in the character set, on one line.
pub(super) fn spelled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii_alphanumeric()
                || matches!(c, '/' | '-' | ':' | '(' | ')' | '.' | ',' | '\'' | '+' | ' ') =>
            {
                out.push(c);
            }
            c => out.push_str(LATIN.iter().find(|(from, _)| from.contains(c)).map_or(".", |(_, to)| to)),
        }
    }
    out
}

/// The text in lines, none of which begins as a field, a message's end or our own mark does.
pub(super) fn lines(text: &str, lines_max: usize) -> Vec<String> {
    let spelled = spelled(text);
    let spelled = spelled.trim();
    // Room for a space before every line that needs one.
    let whole = cut_plainly(spelled, lines_max * (LINE_CHARS_MAX - 1));
    let mut lines = Vec::new();
    let mut rest = whole.as_str();
    while !rest.is_empty() {
        let needs_space = rest.starts_with([':', '-']) || rest.starts_with("/BREAK/");
        let take = (LINE_CHARS_MAX - usize::from(needs_space)).min(rest.len());
        let line = &rest[..take];
        lines.push(if needs_space { format!(" {line}") } else { line.to_owned() });
        rest = &rest[take..];
    }
    lines
}

/// Cut, with the mark spelled in the set.
fn cut_plainly(text: &str, chars_max: usize) -> String {
    cut(text, chars_max).replace(['[', ']'], ".")
}
