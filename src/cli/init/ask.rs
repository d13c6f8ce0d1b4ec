//! The questions: a line of stdin each, an empty one takes the default.

use std::io::{BufRead, IsTerminal};

use super::{Answers, Arguments};
use crate::cli::printer;
use crate::record::{Feed, Zone};
use crate::{Error, Result};

/// Times that a question is put, before an answer that is of no use ends it.
const TRIES: u32 = 3;
const PRODUCTION: &str = "https://ws.anyti.me";

/// Asks, or takes the defaults.
pub(super) struct Questions {
    asks: bool,
}

impl Questions {
    pub(super) fn new(ask: bool, yes: bool) -> Self {
        Self { asks: ask || (!yes && std::io::stdin().is_terminal()) }
    }

    /// What was given on the command line counts; the rest is asked for.
    pub(super) fn answers(&self, arguments: &Arguments) -> Result<Answers> {
        let stem = arguments.file.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
        let feeds = arguments.feeds.as_ref().map(|names| names.join(","));
        Ok(Answers {
            name: self.one(
                "The job's name, which names its folder of reports",
                arguments.name.as_deref(),
                &stem,
                job_name,
            )?,
            base_url: self.one(
                "Where the provider is asked (its sandbox is https://ws-sandbox.anyti.me)",
                arguments.base_url.as_deref(),
                PRODUCTION,
                base_url,
            )?,
            timezone: self.one(
                "The zone in which days are counted",
                arguments.timezone.as_deref(),
                "Europe/Paris",
                |text| Zone::parse(text).map(|_| text.to_owned()).ok_or("a zone such as Europe/Paris".to_owned()),
            )?,
            last_days: self.one(
                "Days that each run looks back, so that rows which arrive late are still seen",
                arguments.last_days.map(|days| days.to_string()).as_deref(),
                "7",
                |text| text.parse().ok().filter(|days| (1..=366).contains(days)).ok_or("1 to 366".to_owned()),
            )?,
            feeds: self.one("Feeds, joined by commas", feeds.as_deref(), &all_feeds(), feeds_named)?,
            directory: self.one("Output directory", arguments.out.as_deref(), "out", |text| Ok(text.to_owned()))?,
            key: arguments.key.display().to_string(),
            passphrase_env: arguments.passphrase_env.clone(),
        })
    }

    fn one<T>(
        &self,
        question: &str,
        given: Option<&str>,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T> {
        let wrong = |expected: String, found: &str| {
            Error::usage(format!("expected {expected}, found '{found}'"))
                .hint("`tieout init --help` tells what may stand there")
        };
        if let Some(given) = given {
            return read(given).map_err(|expected| wrong(expected, given));
        }
        if !self.asks {
            return read(default).map_err(|expected| wrong(expected, default));
        }
        for left in (0..TRIES).rev() {
            printer::prompt(&format!("{question} [{default}]: "));
            let mut line = String::new();
            let bytes = std::io::stdin().lock().read_line(&mut line);
            let bytes = bytes.map_err(|error| Error::environment("stdin could not be read").because(error))?;
            if bytes == 0 {
                return Err(Error::usage("the questions were not answered: nothing was written"));
            }
            let text = if line.trim().is_empty() { default } else { line.trim() };
            match read(text) {
                Ok(answer) => return Ok(answer),
                Err(expected) if left == 0 => return Err(wrong(expected, text)),
                Err(expected) => printer::note(&format!("  expected {expected}")),
            }
        }
        unreachable!("the last try returns")
    }
}

fn job_name(text: &str) -> Result<String, String> {
    let is_known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_name = !text.is_empty() && text.chars().all(is_known);
    if is_name { Ok(text.to_owned()) } else { Err("small letters, digits and '-'".to_owned()) }
}

/// The job file itself is checked as any other; here only what would break its TOML, or is no address at all.
fn base_url(text: &str) -> Result<String, String> {
    let is_address = text.starts_with("https://") || text.starts_with("http://");
    let is_plain = !text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '"' || c == '\\');
    if is_address && is_plain { Ok(text.to_owned()) } else { Err("an address such as https://ws.anyti.me".to_owned()) }
}

fn all_feeds() -> String {
    Feed::ALL.map(Feed::name).join(",")
}

fn feeds_named(text: &str) -> Result<Vec<Feed>, String> {
    let named = |name: &str| Feed::ALL.into_iter().find(|feed| feed.name() == name);
    let feeds: Option<Vec<Feed>> = text.split(',').map(|name| named(name.trim())).collect();
    feeds.filter(|feeds| !feeds.is_empty()).ok_or_else(|| format!("some of {}", all_feeds()))
}
