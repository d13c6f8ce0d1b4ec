//! What of a job file no message may show: whatever stands where a secret belongs, however wrong the file is.
//!
//! Of a file that is TOML every value is hidden but those of keys that are known and no secrets, and references
//! (`{ env = … }`, `{ file = … }`) to secrets. Of one that is not, lines are judged by their first word and by every word
//! that looks like a secret's name: too much is hidden rather than too little. Credentials in addresses are hidden
//! everywhere.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::SECTIONS;
use super::schema;

/// Keys that are no secrets by themselves, but hold what often is one: an address to ping, the arguments of a program.
const OFTEN_SECRET: [&str; 2] = ["healthcheck", "command"];
/// Parts of names of secrets, in small letters and without `_` and `-`.
const MARKS: [&str; 10] =
    ["secret", "password", "passwd", "passphrase", "token", "privatekey", "webhook", "credential", "apikey", "pwd"];
/// Keys of the tables in which values stand.
const INNER_KEYS: [&str; 5] = ["last_days", "from", "to", "env", "file"];

/// Letters by which a slip differs from the name that was meant.
const SLIPS_MAX: usize = 2;

/// A place that is not shown, and what stands for its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hidden {
    span: Range<usize>,
    by: char,
}

/// The source with stars for secrets, every place where it was. `more` are hidden too.
pub(super) fn without_secrets(source: &str, more: &[Range<usize>]) -> String {
    let mut hidden: Vec<Hidden> = more.iter().cloned().map(starred).collect();
    let names = Names::new();
    match DeTable::parse(source) {
        Ok(root) => {
            names.hide_in_table(root.get_ref(), Depth::Root, source, &mut hidden);
            names.hide_in_remarks(source, &mut hidden);
        }
        Err(_) => names.hide_in_lines(source, &mut hidden),
    }
    hidden.extend(lines(source).filter_map(|(start, line)| credentials_in_line(line).map(|span| moved(&span, start))));
    let by = |place: usize| hidden.iter().find(|hidden| hidden.span.contains(&place)).map(|hidden| hidden.by);
    let mut shown = String::with_capacity(source.len());
    for (place, letter) in source.char_indices() {
        match by(place).filter(|_| !matches!(letter, '"' | '\'' | '\n' | '\r')) {
            Some(instead) => shown.extend(std::iter::repeat_n(instead, letter.len_utf8())),
            None => shown.push(letter),
        }
    }
    shown
}

/// A message with stars for the credentials of an address in it.
pub(super) fn without_credentials(message: &str) -> String {
    let Some(span) = message.rfind('@').and_then(|end| Some(message[..end].find("://")? + 3..end)) else {
        return message.to_owned();
    };
    format!("{}***{}", &message[..span.start], &message[span.end..])
}

/// Whether an address holds what may be a credential: a user, a query, a fragment, or a port that is none.
pub(super) fn may_hold_credentials(address: &str) -> bool {
    address.contains(['@', '?', '#']) || without_port(address).is_some()
}

/// Where a colon is followed by no port: the user and password of an address whose `@` is missing.
fn without_port(line: &str) -> Option<Range<usize>> {
    let start = line.find("://")? + 3;
    let is_end = |letter: char| matches!(letter, '/' | '"' | '\'' | ' ' | '\t');
    let end = line[start..].find(is_end).map_or(line.len(), |length| start + length);
    let host = &line[start..end];
    let (_, port) = host.rsplit_once(':').filter(|_| !host.starts_with('['))?;
    (!port.bytes().all(|byte| byte.is_ascii_digit())).then_some(start..end)
}

/// Whether `name` can be the name of an environment variable; what cannot is likely the secret itself.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn starred(span: Range<usize>) -> Hidden {
    Hidden { span, by: '*' }
}

fn moved(span: &Range<usize>, by: usize) -> Hidden {
    starred(span.start + by..span.end + by)
}

/// The lines of a text, each with the place where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |start, line| {
        let at = *start;
        *start += line.len();
        Some((at, line.trim_end_matches(['\n', '\r'])))
    })
}

/// The user and password of an address in the line, and its query.
fn credentials_in_line(line: &str) -> Option<Range<usize>> {
    let address = line.find("://").map(|at| at + 3);
    let query = address.and_then(|address| Some(address + line[address..].find('?')?));
    let Some(end) = line.rfind('@') else {
        return query.map(|query| query..line.len()).or_else(|| without_port(line));
    };
    let value = line.find('=').map_or(0, |at| at + 1);
    let start = address.filter(|address| *address <= end).unwrap_or(value.min(end));
    Some(start..if query.is_some() { line.len() } else { end })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    Root,
    Below,
    /// In a value that is a secret.
    Secret,
}

/// What the keys of job files are called.
struct Names {
    secret: Vec<&'static str>,
    plain: Vec<&'static str>,
}

impl Names {
    fn new() -> Names {
        let is_hidden = |(name, is_secret): &(&str, bool)| *is_secret || OFTEN_SECRET.contains(name);
        let (secret, plain): (Vec<_>, Vec<_>) = schema::keys_and_whether_secret().into_iter().partition(is_hidden);
        let name = |(name, _)| name;
        let plain = plain.into_iter().map(name).chain(INNER_KEYS).collect();
        Names { secret: secret.into_iter().map(name).collect(), plain }
    }

    /// Whether a key is one whose value may be shown, or looks like a slip of one.
    fn is_plain(&self, key: &str) -> bool {
        let slips_max = SLIPS_MAX.min(key.len() / 3);
        let near = |name: &&str| strsim::damerau_levenshtein(key, name) <= slips_max;
        self.plain.contains(&key) || !self.is_like_a_secret(key) && self.plain.iter().any(near)
    }

    /// Whether a key is one whose value may be shown, or a table.
    fn is_known(&self, key: &str) -> bool {
        self.plain.contains(&key) || SECTIONS.contains(&key)
    }

    /// Whether a word is the name of a secret, or looks like a slip of one.
    fn is_secret(&self, word: &str) -> bool {
        !self.is_known(word) && self.is_like_a_secret(word)
    }

    fn is_like_a_secret(&self, word: &str) -> bool {
        let bare = word.to_ascii_lowercase().replace(['_', '-'], "");
        let near = |name: &&str| strsim::damerau_levenshtein(word, name) <= SLIPS_MAX;
        MARKS.iter().any(|mark| bare.contains(mark)) || self.secret.iter().any(near)
    }

    fn hide_in_table(&self, table: &DeTable<'_>, depth: Depth, source: &str, hidden: &mut Vec<Hidden>) {
        for (key, value) in table {
            let key: &str = key.get_ref();
            let is_shown = match depth {
                Depth::Root => !self.is_secret(key) && value.get_ref().is_table(),
                Depth::Below => self.is_plain(key),
                Depth::Secret => false,
            };
            if !is_shown {
                hide_value(value, source, hidden);
            }
            let below = if is_shown { Depth::Below } else { Depth::Secret };
            if !is_shown && is_reference(value) {
                continue;
            }
            self.hide_in_value(value.get_ref(), below, source, hidden);
        }
    }

    /// Tables that stand under a head of their own lie outside of the span of what they belong to.
    fn hide_in_value(&self, value: &DeValue<'_>, depth: Depth, source: &str, hidden: &mut Vec<Hidden>) {
        match value {
            DeValue::Table(table) => self.hide_in_table(table, depth, source, hidden),
            DeValue::Array(items) => {
                items.iter().for_each(|item| self.hide_in_value(item.get_ref(), depth, source, hidden));
            }
            _ => {}
        }
    }

    /// A line that was taken out of use still stands there.
    fn hide_in_remarks(&self, source: &str, hidden: &mut Vec<Hidden>) {
        for (start, line) in lines(source) {
            let from = line.find('#').and_then(|at| Some(at + self.behind_a_name(&line[at..])?));
            hidden.extend(from.map(|from| moved(&(from..line.len()), start)));
        }
    }

    /// The lines of what is not TOML.
    fn hide_in_lines(&self, source: &str, hidden: &mut Vec<Hidden>) {
        let (mut is_shown, mut open) = (true, None);
        for (start, line) in lines(source) {
            if let Some(quotes) = open {
                hidden.push(moved(&(0..line.len()), start));
                open = open.filter(|_| !line.contains(quotes));
                continue;
            }
            let key = key_of(line);
            let is_head = is_head(line);
            let begins = |key: &str| self.is_known(key) || self.secret.contains(&key);
            if is_head || key.is_some_and(begins) {
                is_shown = true;
            } else if !is_shown {
                hidden.push(moved(&(0..line.len()), start));
            }
            let Some(from) = self.secret_from(line).filter(|_| !is_head) else { continue };
            let written = line[from..].trim_start_matches(['"', '\'', ' ', '\t', '=']);
            let (begun, reference) = (line.len() - written.len(), reference_length(written));
            let (from, by) = reference.map_or((begun, '*'), |length| (begun + length, ' '));
            hidden.push(Hidden { span: start + from..start + line.len(), by });
            is_shown = reference.is_some();
            open = [r#"""""#, "'''"].into_iter().find(|quotes| line.matches(quotes).count() % 2 == 1);
        }
    }

    /// Where in a line what may be a secret begins: behind the name of one, or behind a key that is not known.
    fn secret_from(&self, line: &str) -> Option<usize> {
        if key_of(line).is_some_and(|key| !self.is_known(key)) {
            return line.find('=').map(|at| at + 1);
        }
        self.behind_a_name(line)
    }

    /// The end of the first name of a secret.
    fn behind_a_name(&self, text: &str) -> Option<usize> {
        let mut words = text.split(|letter: char| !is_of_a_name(letter));
        let name = words.find(|word| self.is_secret(word))?;
        Some(name.as_ptr().addr() - text.as_ptr().addr() + name.len())
    }
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'
}

/// The key of a line `key = …`, without the tables before it.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    Some(key.rsplit('.').next()?.trim().trim_matches(['"', '\'']))
}

/// Whether a line is the head of a table that is known.
fn is_head(line: &str) -> bool {
    let name = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    name.is_some_and(|name| {
        name.chars().all(|letter| is_of_a_name(letter) || letter == '.')
            && SECTIONS.contains(&name.split('.').next().unwrap_or_default())
    })
}

/// How long the reference is that `text` begins with.
fn reference_length(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('{')?.trim_start();
    let (kind, rest) = inner.split_once('=')?;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (name, rest) = rest[1..].split_once(quote)?;
    let rest = rest.trim_start().strip_prefix('}')?;
    is_named(kind.trim(), name).then(|| text.len() - rest.len())
}

/// Whether a value says where its secret is looked up.
fn is_reference(value: &Spanned<DeValue<'_>>) -> bool {
    let only = value.get_ref().as_table().filter(|table| table.len() == 1).and_then(|table| table.iter().next());
    only.is_some_and(|(kind, name)| name.get_ref().as_str().is_some_and(|name| is_named(kind.get_ref(), name)))
}

fn is_named(kind: &str, name: &str) -> bool {
    kind == "file" || kind == "env" && is_variable_name(name)
}

/// Hides a value that is no reference, and the remark behind it, in which an earlier one may stand.
fn hide_value(value: &Spanned<DeValue<'_>>, source: &str, hidden: &mut Vec<Hidden>) {
    let span = value.span();
    let rest = source[span.end..].split('\n').next().unwrap_or_default();
    if rest.trim_start().starts_with('#') {
        hidden.push(Hidden { span: span.end..span.end + rest.len(), by: ' ' });
    }
    if !is_reference(value) {
        hidden.push(starred(span));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_as_long_as_the_source() {
        for (source, shown) in [
            ("[source]\npassword = \"pässword\"", "[source]\npassword = \"*********\""),
            ("[source]\npassword = \"pä\nname = \"a\"", "[source]\npassword = \"***\nname = \"a\""),
            (
                "[source]\npassword = { env = \"A\" } # b\nage = \"",
                "[source]\npassword = { env = \"A\" }    \nage = \"",
            ),
            ("[source]\npassword = { env = \"A\" } # b", "[source]\npassword = { env = \"A\" }    "),
            ("[source]\nbase_url = \"https://a:b@c/?d=e\"", "[source]\nbase_url = \"https://**********\""),
            ("a = \"https://a:b@c", "a = \"*************"),
            (
                "[job]\nfeeds = [\n \"x\",\n password\n y\n]\n[source]\nb",
                "[job]\nfeeds = [\n \"x\",\n password\n**\n*\n[source]\nb",
            ),
        ] {
            let found = without_secrets(source, &[]);
            assert_eq!(found, shown);
            assert_eq!(found.len(), source.len());
        }
    }

    /// Whatever slips from a hand: a letter that is left out, doubled, or another one.
    #[test]
    fn no_slip_shows_a_secret() {
        const JOB: &str = "[job]\nname = \"a\"\n\n[source]\nbase_url = \"https://me:canary@ws.example\"\nusername = \"u\"\n\
            client_secret = \"canary\"\npassword = { value = \"canary\" }\nprivate_key = \"\"\"\ncanary\ncanary\"\"\"\n\
            private_key_passphrase = [\n  \"canary\",\n  'canary',\n]\n\n[notify]\nwebhook = 'https://hooks/canary'\n\
            webhook_token = \"canary\"\ncommand = [\"tell\", \"canary\"]\n";
        let mut tried = 0;
        for (place, letter) in JOB.char_indices() {
            let is_in_canary = JOB.match_indices("canary").any(|(at, word)| (at..at + word.len()).contains(&place));
            for instead in ["", "\"", "'", "\n", "=", " ", "[", "}", "#", "x"].into_iter().filter(|_| !is_in_canary) {
                for kept in [false, true] {
                    let letter = if kept { letter.to_string() } else { String::new() };
                    let slipped = format!("{}{letter}{instead}{}", &JOB[..place], &JOB[place + 1..]);
                    let shown = without_secrets(&slipped, &[]);
                    assert!(!shown.contains("canary"), "{slipped}\nis shown as\n{shown}");
                    assert_eq!(shown.len(), slipped.len());
                    tried += 1;
                }
            }
        }
        assert!(tried > 5_000);
    }

    #[test]
    fn addresses_in_messages_lose_their_credentials() {
        assert_eq!(without_credentials("found \"https://a:b@c@d/e\": no"), "found \"https://***@d/e\": no");
        for plain in ["found \"https://d/e\"", "ask ada@example.com", ""] {
            assert_eq!(without_credentials(plain), plain);
        }
    }
}
