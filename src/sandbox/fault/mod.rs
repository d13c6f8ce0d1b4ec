//! What goes wrong, where and when: the language of `--fault`.

mod engine;
mod gzip;
pub(super) mod hostile;

pub(super) use engine::{Applied, Engine};

use std::fmt;
use std::str::FromStr;

use super::codes::{self, Refusal};
use super::config::RetryAfter;
use crate::{Error, Result};

/// The language of faults, as `--help` shows it.
pub const GRAMMAR: &str = "\
Faults: WHAT@WHERE[#WHEN]

WHAT goes wrong:
  429 500 502 503 …  that status, in the provider's envelope; for 502 and 503
                     as a web server's page. Arguments, joined by commas:
    :code=N          the provider's code; 4290310 is a business limit
    :retry-after=N   Retry-After in seconds; date+N: as an HTTP date
    :html            a web server's page in any case
  reset[:N]          the connection is reset, at once or after N bytes
  cut[:N]            the body ends after N bytes (half of it)
  drip[:N,MS]        the body comes N (64) bytes every MS (20) milliseconds
  hang               no answer ever
  delay:MS           the answer comes MS milliseconds later
  html  empty        status 200 with a web page, or with nothing
  bad-json           status 200 with JSON that breaks off
  wrong-hash         an envelope with the hash of another user
  redirect[:URL]     302 to elsewhere
  endless            a body without end
  gzip-bomb[:MIB]    a small body that unpacks to MIB (1024) mebibytes
  deep-json[:N]      JSON nested N (100000) deep
  headers[:N]        N (5000) header fields
  bad-row[:HOW]      a row of the page is spoilt: amount (the default),
                     decimals, huge, date, no-id, null, number
  short[:N]          the page lacks its last N rows (half of them)
  unstable           the page is cut from the listing in another order
  insert[:N]         after the answer N (1) rows arrive in the listing
  delete[:N]         after the answer N (1) rows vanish from it
  clock:S            the clock in the answer is S seconds ahead (-S: behind)
  revoke             the token is obsolete before the request is looked at

WHERE it goes wrong: a part of the path and query, such as /transactions or
  /cards/ANY1?*limit_start=50; `*` in it is any text, `*` alone everything.
  `$` at its end is the end of the path: /accounts/2$ leaves out its cards.

WHEN, counted over the requests that match; without it the first:
  3    the third                 3x2    the third and fourth
  3+   the third and all after   *      each
  10%  one in ten, by --seed     1/url  counted for each path and query alone

  500@/transactions#3x2    429:retry-after=1@*#5%    insert@/statements#2
  403@/accounts/2/#*       cut@/credit-transfers     500@*#1/url";

/// A fault: what, where, when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub(super) what: What,
    pub(super) place: Pattern,
    pub(super) when: When,
    text: String,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Status { status: u16, refusal: Option<Refusal>, retry_after: RetryAfter },
    Reset { after_bytes: usize },
    Cut { after_bytes: Option<usize> },
    Drip { bytes: usize, every_ms: u64 },
    Hang,
    Delay { ms: u64 },
    Html,
    Empty,
    BadJson,
    WrongHash,
    Redirect { to: String },
    Endless,
    GzipBomb { mebibytes: usize },
    DeepJson { levels: usize },
    Headers { count: usize },
    BadRow(BadRow),
    Short { rows: Option<usize> },
    Unstable,
    Insert { rows: usize },
    Delete { rows: usize },
    Clock { ahead_s: i64 },
    Revoke,
}

/// How a row is spoilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadRow {
    Amount,
    Decimals,
    Huge,
    Date,
    NoId,
    Null,
    Number,
}

/// Which requests match, by path and query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    pieces: Vec<String>,
    at_path_end: bool,
}

/// Which of the matching requests are hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct When {
    pub(super) choice: Choice,
    pub(super) by_url: bool,
}

/// A choice among requests counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// From the first one on, that many.
    Range { first: u64, count: u64 },
    /// That many of a hundred.
    Percent(u32),
}

impl Pattern {
    fn parse(text: &str) -> Pattern {
        let at_path_end = text.ends_with('$');
        let pieces = text.trim_end_matches('$').split('*').map(str::to_owned).collect();
        Pattern { pieces, at_path_end }
    }

    /// Whether a path and query match.
    pub(super) fn matches(&self, url: &str) -> bool {
        let text = if self.at_path_end { url.split('?').next().unwrap_or_default() } else { url };
        let (last, inner) = self.pieces.split_last().expect("a split gives a piece");
        let mut rest = text;
        for piece in inner {
            match rest.find(piece.as_str()) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        if self.at_path_end { rest.ends_with(last.as_str()) } else { rest.contains(last.as_str()) }
    }
}

impl FromStr for Fault {
    type Err = Error;

    fn from_str(text: &str) -> Result<Fault> {
        let wrong = |expected: &str| {
            Error::usage(format!("expected {expected}, found the fault '{text}'"))
                .hint("`tieout sandbox --help` shows the language of faults")
        };
        let (what, rest) = text.rsplit_once('@').ok_or_else(|| wrong("WHAT@WHERE"))?;
        let (place, when) = rest.rsplit_once('#').unwrap_or((rest, "1"));
        if place.is_empty() {
            return Err(wrong("a part of a path, or '*', after '@'"));
        }
        Ok(Fault {
            what: parse_what(what).ok_or_else(|| wrong("something that can go wrong before '@'"))?,
            place: Pattern::parse(place),
            when: parse_when(when).ok_or_else(|| wrong("N, NxM, N+, * or N% after '#'"))?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse_what(text: &str) -> Option<What> {
    let (name, argument) = match text.split_once(':') {
        Some((name, argument)) => (name, Some(argument)),
        None => (text, None),
    };
    let number = |default: usize| argument.map_or(Some(default), |text| text.parse().ok());
    let what = match name {
        "reset" => What::Reset { after_bytes: number(0)? },
        "cut" => What::Cut { after_bytes: optional(argument)? },
        "drip" => parse_drip(argument)?,
        "delay" => What::Delay { ms: argument?.parse().ok()? },
        "redirect" => What::Redirect { to: argument.unwrap_or("http://127.0.0.1:9/elsewhere").to_owned() },
        "gzip-bomb" => What::GzipBomb { mebibytes: number(1024)? },
        "deep-json" => What::DeepJson { levels: number(100_000)? },
        "headers" => What::Headers { count: number(5000)? },
        "bad-row" => What::BadRow(parse_bad_row(argument.unwrap_or("amount"))?),
        "short" => What::Short { rows: optional(argument)? },
        "insert" => What::Insert { rows: number(1)? },
        "delete" => What::Delete { rows: number(1)? },
        "clock" => What::Clock { ahead_s: argument?.parse().ok()? },
        _ if argument.is_none() => return parse_bare(name),
        _ => return parse_status(name, argument),
    };
    Some(what)
}

fn parse_bare(name: &str) -> Option<What> {
    Some(match name {
        "hang" => What::Hang,
        "html" => What::Html,
        "empty" => What::Empty,
        "bad-json" => What::BadJson,
        "wrong-hash" => What::WrongHash,
        "endless" => What::Endless,
        "unstable" => What::Unstable,
        "revoke" => What::Revoke,
        _ => return parse_status(name, None),
    })
}

fn parse_status(name: &str, arguments: Option<&str>) -> Option<What> {
    let status = name.parse::<u16>().ok().filter(|status| (400..600).contains(status))?;
    let mut refusal = codes::by_status(status);
    let mut retry_after = RetryAfter::Absent;
    for argument in arguments.into_iter().flat_map(|text| text.split(',')) {
        match argument.split_once('=') {
            Some(("code", code)) => {
                let code = code.parse().ok()?;
                let unknown = Refusal { code, ..codes::UNKNOWN };
                refusal = Some(Refusal { status, ..codes::by_code(code).unwrap_or(unknown) });
            }
            Some(("retry-after", wait)) => retry_after = parse_retry_after(wait)?,
            None if argument == "html" => refusal = None,
            _ => return None,
        }
    }
    Some(What::Status { status, refusal, retry_after })
}

/// Reads `N` (seconds) or `date+N` (an HTTP date N seconds from now).
fn parse_retry_after(text: &str) -> Option<RetryAfter> {
    match text.strip_prefix("date+") {
        Some(seconds) => seconds.parse().ok().map(RetryAfter::Date),
        None => text.parse().ok().map(RetryAfter::Seconds),
    }
}

impl FromStr for RetryAfter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "absent" {
            return Ok(RetryAfter::Absent);
        }
        parse_retry_after(text).ok_or_else(|| format!("expected absent, N (seconds) or date+N, found '{text}'"))
    }
}

fn parse_drip(argument: Option<&str>) -> Option<What> {
    let Some(argument) = argument else {
        return Some(What::Drip { bytes: 64, every_ms: 20 });
    };
    let (bytes, every_ms) = argument.split_once(',').unwrap_or((argument, "20"));
    let bytes = bytes.parse().ok().filter(|bytes| *bytes > 0)?;
    Some(What::Drip { bytes, every_ms: every_ms.parse().ok()? })
}

fn parse_bad_row(how: &str) -> Option<BadRow> {
    Some(match how {
        "amount" => BadRow::Amount,
        "decimals" => BadRow::Decimals,
        "huge" => BadRow::Huge,
        "date" => BadRow::Date,
        "no-id" => BadRow::NoId,
        "null" => BadRow::Null,
        "number" => BadRow::Number,
        _ => return None,
    })
}

#[allow(clippy::option_option, reason = "three outcomes: no argument, a number, not a number")]
fn optional(argument: Option<&str>) -> Option<Option<usize>> {
    argument.map_or(Some(None), |text| text.parse().ok().map(Some))
}

fn parse_when(text: &str) -> Option<When> {
    let (text, by_url) = text.strip_suffix("/url").map_or((text, false), |text| (text, true));
    let range = |first: &str, count: u64| {
        let first = first.parse().ok().filter(|first| *first > 0)?;
        Some(Choice::Range { first, count })
    };
    let choice = if text == "*" {
        Choice::Range { first: 1, count: u64::MAX }
    } else if let Some(percent) = text.strip_suffix('%') {
        Choice::Percent(percent.parse().ok().filter(|percent| *percent <= 100)?)
    } else if let Some(first) = text.strip_suffix('+') {
        range(first, u64::MAX)?
    } else if let Some((first, count)) = text.split_once('x') {
        range(first, count.parse().ok().filter(|count| *count > 0)?)?
    } else {
        range(text, 1)?
    };
    Some(When { choice, by_url })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_examples_of_the_grammar_are_faults() {
        let examples = GRAMMAR.rsplit("\n\n").next().expect("the last paragraph").split_whitespace();
        assert_eq!(examples.map(fault).count(), 6);
        assert!(GRAMMAR.lines().all(|line| line.chars().count() < 80), "a terminal of 80 columns shows it unbroken");
        assert_eq!(fault("500@/transactions#3x2").when.choice, Choice::Range { first: 3, count: 2 });
        assert_eq!(fault("hang@*").when, When { choice: Choice::Range { first: 1, count: 1 }, by_url: false });
        assert!(fault("cut:10@/cards#1/url").when.by_url);
    }

    #[test]
    fn arguments_are_understood() {
        let What::Status { status, refusal, retry_after } = fault("429:code=4290310,retry-after=date+3@*").what else {
            panic!("a status");
        };
        assert_eq!((status, refusal.map(|refusal| refusal.code)), (429, Some(4_290_310)));
        assert_eq!(retry_after, RetryAfter::Date(3));
        assert_eq!(fault("drip:1,5@*").what, What::Drip { bytes: 1, every_ms: 5 });
        let to = "http://user@127.0.0.1:1/x".to_owned();
        assert_eq!(fault("clock:-90@*").what, What::Clock { ahead_s: -90 });
        assert_eq!(fault("redirect:http://user@127.0.0.1:1/x@/accounts").what, What::Redirect { to });
    }

    #[test]
    fn what_is_no_fault_is_refused_with_the_text() {
        for text in [
            "500",
            "@*",
            "500@",
            "299@*",
            "600@*",
            "explode@*",
            "500@*#0",
            "500@*#x",
            "500@*#101%",
            "429:x=1@*",
            "drip:0@*",
            "html:1@*",
        ] {
            let error = text.parse::<Fault>().expect_err(text).to_string();
            assert!(error.contains(text) && error.contains("hint:"), "{error}");
        }
    }

    #[test]
    fn patterns_match_parts_of_path_and_query() {
        let matches = |pattern: &str, url: &str| Pattern::parse(pattern).matches(url);
        assert!(matches("*", "/v1.0/accounts") && matches("/accounts", "/v1.0/accounts/2/cards"));
        assert!(matches("/accounts/2$", "/v1.0/accounts/2?x=1") && !matches("/accounts/2$", "/v1.0/accounts/2/cards"));
        assert!(matches("/cards/*?*limit_start=50", "/v1.0/cards/A/transactions?a=1&limit_start=50"));
        assert!(!matches("/cards/*limit_start=50", "/v1.0/cards/A/transactions?limit_start=5"));
        assert!(!matches("/transactions$", "/v1.0/cards/A/transactions/9"));
    }
}
