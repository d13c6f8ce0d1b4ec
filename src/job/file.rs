//! Reading a job file into a plan. Every problem of the file is told at once, before any request.

use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};

use chrono::Utc;
use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;
use toml::de::DeTable;

use super::Shard;
use super::directory::Places;
use super::hidden::{is_variable_name, may_hold_credentials};
use super::plan::{Connection, KeySource, Limits, Output, Plan, Source, TRANSFER_DAYS_DEFAULT};
use super::problems::Problems;
use super::section::{Section, Value, describe, integer, kind, refuse_unknown, string};
use crate::formats::statement::Per;
use crate::formats::{Accounting, camt053};
use crate::reconcile::FeeRule;
use crate::record::{Day, Feed, Window, Zone};
use crate::report::Locale;
use crate::{Error, Result};

/// What the command line says over the job file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--from`.
    pub from: Option<Day>,
    /// `--to`.
    pub to: Option<Day>,
    /// `--out`.
    pub out: Option<PathBuf>,
    /// `--archive`, relative to the current directory.
    pub archive: Option<PathBuf>,
    /// `--fresh`.
    pub fresh: bool,
    /// `--shard`.
    pub shard: Option<Shard>,
}

/// Providers of which documents exist; those that can be asked come first.
pub(super) const PROVIDERS: [&str; 4] = ["anytime", "worldline", "treezor", "cardsync"];
pub(super) const FORMATS: [&str; 7] = ["csv", "parquet", "camt053", "ofx", "mt940", "hledger", "xlsx"];
pub(super) const FORMATS_DEFAULT: [&str; 2] = ["csv", "parquet"];
pub(super) const JOB_KEYS: &[&str] = &["name", "timezone", "window", "feeds", "transfer_days", "shard"];
pub(super) const SOURCE_KEYS: &[&str] = &[
    "provider",
    "base_url",
    "username",
    "client_id",
    "client_secret",
    "password",
    "private_key",
    "private_key_passphrase",
    "page_size",
    "requests_per_second",
    "concurrency",
    "ca_certificate",
    "archive",
    "fx_fee",
];
pub(super) const OUTPUT_KEYS: &[&str] = &["directory", "local", "formats", "camt053_version", "statement_per"];
pub(super) const LIMIT_KEYS: &[&str] = &[
    "attempts_max",
    "retry_elapsed_ms_max",
    "backoff_ms_first",
    "backoff_ms_max",
    "run_retries_max",
    "connect_ms_max",
    "attempt_ms_max",
    "body_bytes_max",
    "json_depth_max",
    "listing_passes_max",
    "listing_pages_max",
    "raw_keep_days",
];
pub(super) const REPORT_KEYS: &[&str] = &["locale"];
pub(super) const SCHEDULE_KEYS: &[&str] = &["cron"];
pub(super) const METRICS_KEYS: &[&str] = &["textfile"];
pub(super) const NOTIFY_KEYS: &[&str] = &["healthcheck", "webhook", "webhook_token", "command", "on", "wait_s_max"];
pub(super) const SECTIONS: &[&str] = &["job", "source", "output", "limits", "report", "schedule", "metrics", "notify"];

/// Reads the job file at `path` and resolves it.
///
/// # Errors
/// One of kind job that tells every problem, when the file cannot be read or has any.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Plan> {
    let source = std::fs::read_to_string(path).map_err(|error| {
        Error::job("the job file cannot be read")
            .at(path.display())
            .because(error)
            .hint("give the path of a TOML file such as jobs/nightly.toml")
    })?;
    let mut problems = Problems::default();
    let root = match DeTable::parse(&source) {
        Ok(root) => root,
        Err(error) => {
            problems.add(error.span().unwrap_or(0..0), "the file is not TOML", error.message());
            return Err(problems.check(path, &source).expect_err("a problem was added"));
        }
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let plan = Reader { problems: &mut problems, folder, overrides }.plan(&root);
    problems.check(path, &source)?;
    Ok(plan.expect("what is missing was told as a problem"))
}

pub(super) struct Reader<'p> {
    pub(super) problems: &'p mut Problems,
    pub(super) folder: &'p Path,
    pub(super) overrides: &'p Overrides,
}

impl Reader<'_> {
    fn plan(&mut self, root: &Spanned<DeTable<'_>>) -> Option<Plan> {
        for key in root.get_ref().keys() {
            let found: &str = key.get_ref();
            if !SECTIONS.contains(&found) {
                refuse_unknown(self.problems, key.span(), format!("unknown table '{found}'"), found, SECTIONS);
            }
        }
        let job = Section::of(root, "job", JOB_KEYS, self.problems);
        let source = Section::of(root, "source", SOURCE_KEYS, self.problems);
        let output = Section::of(root, "output", OUTPUT_KEYS, self.problems);
        let limits = Section::of(root, "limits", LIMIT_KEYS, self.problems);
        let report = Section::of(root, "report", REPORT_KEYS, self.problems);

        let job_name = self.job_name(&job);
        let zone = self.zone(&job);
        let window = self.window(&job, zone);
        let feeds = self.feeds(&job);
        let transfer_days = job.integer("transfer_days", 0..=31, self.problems);
        let shard = self.shard(&job);
        let provider = self.provider(&source);
        let fx_fee = self.fx_fee(&source);
        let limits = self.limits(&limits);
        let source = self.source(&source, limits);
        let output = self.output(&output);
        let locale = self.locale(&report);
        // Who starts it and who is told is no part of what it does: here these are only looked at.
        self.schedule(root, zone);
        self.notify(root);
        Some(Plan {
            job_name: job_name?,
            zone: zone?,
            window: window?,
            feeds,
            shard: shard?,
            transfer_days: transfer_days
                .map_or(TRANSFER_DAYS_DEFAULT, |days| i32::try_from(days).expect("bounded above")),
            provider: provider?,
            fx_fee: fx_fee?,
            source: source?,
            output,
            fresh: self.overrides.fresh,
            locale: locale?,
        })
    }

    pub(super) fn name_and_zone(&mut self, root: &Spanned<DeTable<'_>>) -> (Option<String>, Option<Zone>) {
        let job = Section::of(root, "job", JOB_KEYS, self.problems);
        (self.job_name(&job), self.zone(&job))
    }

    fn job_name(&mut self, job: &Section<'_, '_>) -> Option<String> {
        let (name, span) = string(job.require("name", self.problems)?, self.problems)?;
        let fits = !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if !fits {
            let message = "'name' must be made of a-z, 0-9 and '-', as it names the report folder";
            self.problems.add(span, message, "other characters or none");
            return None;
        }
        Some(name.to_owned())
    }

    fn zone(&mut self, job: &Section<'_, '_>) -> Option<Zone> {
        const ANYTIME_ZONE: &str = "Europe/Paris";
        let (name, span) = match job.get("timezone") {
            Some(value) => string(value, self.problems)?,
            None => (ANYTIME_ZONE, 0..0),
        };
        let zone = Zone::parse(name);
        if zone.is_none() {
            let message = format!("'timezone' must be an IANA zone, found \"{name}\"");
            self.problems.add_with_hint(span, message, "not a zone", "names look like \"Europe/Paris\"");
        }
        zone
    }

    fn window(&mut self, job: &Section<'_, '_>, zone: Option<Zone>) -> Option<Window> {
        let written = match job.get("window") {
            Some(value) => self.written_window(value, zone),
            None if self.overrides.from.is_some() && self.overrides.to.is_some() => None,
            None => {
                job.require("window", self.problems);
                return None;
            }
        };
        let from = self.overrides.from.or(written.map(|window| window.from))?;
        let to = self.overrides.to.or(written.map(|window| window.to))?;
        let window = Window::new(from, to);
        if window.is_none() {
            let span = job.get("window").map_or(0..0, Spanned::span);
            let message = format!("the window ends on {to}, before it begins on {from}");
            let is_overridden = self.overrides.from.is_some() || self.overrides.to.is_some();
            let label = if is_overridden { "--from and --to win over it" } else { "this window" };
            self.problems.add(span, message, label);
        }
        window
    }

    fn written_window(&mut self, value: Value<'_, '_>, zone: Option<Zone>) -> Option<Window> {
        const KEYS: &[&str] = &["last_days", "from", "to"];
        const LAST_DAYS_MAX: u64 = 36_600;
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("'window' must be a table, found {}", describe(value));
            self.problems.add_with_hint(value.span(), message, "not a table", WINDOW_HINT);
            return None;
        };
        for key in table.keys() {
            let found: &str = key.get_ref();
            if !KEYS.contains(&found) {
                refuse_unknown(self.problems, key.span(), format!("unknown key '{found}' in 'window'"), found, KEYS);
            }
        }
        match (table.get("last_days"), table.get("from"), table.get("to")) {
            (Some(days), None, None) => {
                let days = integer(days, "last_days", 1..=LAST_DAYS_MAX, self.problems)?;
                let yesterday = zone?.day_at(Utc::now()).previous();
                let back = i32::try_from(days).expect("bounded above") - 1;
                Window::new(yesterday.plus(-back), yesterday)
            }
            (None, Some(from), Some(to)) => {
                let (from, to) = (self.day(from), self.day(to));
                Some(Window { from: from?, to: to? })
            }
            _ => {
                let message = "'window' must have either 'last_days' or both 'from' and 'to'";
                self.problems.add_with_hint(value.span(), message, "neither or a mixture", WINDOW_HINT);
                None
            }
        }
    }

    fn day(&mut self, value: Value<'_, '_>) -> Option<Day> {
        let text = value
            .get_ref()
            .as_str()
            .map(str::to_owned)
            .or_else(|| value.get_ref().as_datetime().map(ToString::to_string));
        let day = text.as_deref().and_then(Day::parse);
        if day.is_none() {
            let message = format!("expected a date as YYYY-MM-DD, found {}", describe(value));
            self.problems.add(value.span(), message, "not a date");
        }
        day
    }

    fn feeds(&mut self, job: &Section<'_, '_>) -> Vec<Feed> {
        let Some(value) = job.get("feeds") else {
            return Feed::ALL.to_vec();
        };
        let names = self.names(value, "feeds", &Feed::ALL.map(Feed::name));
        Feed::ALL.into_iter().filter(|feed| names.contains(&feed.name())).collect()
    }

    /// A list of known names, not empty.
    pub(super) fn names<'k>(&mut self, value: Value<'_, '_>, key: &str, known: &[&'k str]) -> Vec<&'k str> {
        let Some(items) = value.get_ref().as_array().filter(|items| !items.is_empty()) else {
            let message = format!("'{key}' must be a list of at least one of: {}", known.join(", "));
            self.problems.add(value.span(), message, "not such a list");
            return Vec::new();
        };
        let mut names = Vec::new();
        for item in items {
            let Some((found, span)) = string(item, self.problems) else { continue };
            match known.iter().find(|name| **name == found) {
                Some(name) => names.push(*name),
                None => {
                    refuse_unknown(self.problems, span, format!("unknown name \"{found}\" in '{key}'"), found, known);
                }
            }
        }
        names
    }

    /// The outer `None` is a problem.
    #[expect(clippy::option_option, reason = "what is missing is another thing than what is wrong")]
    fn shard(&mut self, job: &Section<'_, '_>) -> Option<Option<Shard>> {
        let written = match job.string("shard", self.problems) {
            None => None,
            Some((found, span)) => match found.parse() {
                Ok(shard) => Some(shard),
                Err(message) => {
                    self.problems.add(span, message, "not a shard");
                    return None;
                }
            },
        };
        Some(self.overrides.shard.or(written))
    }

    fn provider(&mut self, source: &Section<'_, '_>) -> Option<&'static str> {
        let (found, span) = string(source.require("provider", self.problems)?, self.problems)?;
        match PROVIDERS.iter().find(|name| **name == found) {
            Some(&"anytime") => Some("anytime"),
            Some(name) => {
                let message = format!("the provider \"{name}\" cannot be asked by this version");
                self.problems.add_with_hint(span, message, "not available", "available is: anytime");
                None
            }
            None => {
                refuse_unknown(self.problems, span, format!("unknown provider \"{found}\""), found, &PROVIDERS);
                None
            }
        }
    }

    fn fx_fee(&mut self, source: &Section<'_, '_>) -> Option<FeeRule> {
        let Some((found, span)) = source.string("fx_fee", self.problems) else {
            return Some(FeeRule::Auto);
        };
        let rule = FeeRule::NAMES.iter().find(|(name, _)| *name == found).map(|(_, rule)| *rule);
        if rule.is_none() {
            let names = FeeRule::NAMES.map(|(name, _)| name);
            refuse_unknown(self.problems, span, format!("unknown rule \"{found}\" in 'fx_fee'"), found, &names);
        }
        rule
    }

    fn locale(&mut self, report: &Section<'_, '_>) -> Option<Locale> {
        let Some((found, span)) = report.string("locale", self.problems) else {
            return Some(Locale::default());
        };
        let locale = Locale::of(found);
        if locale.is_none() {
            let message = format!("unknown locale \"{found}\" in 'locale'");
            refuse_unknown(self.problems, span, message, found, &Locale::tags());
        }
        locale
    }

    fn source(&mut self, source: &Section<'_, '_>, limits: Limits) -> Option<Source> {
        let archive = match &self.overrides.archive {
            Some(directory) => Some(directory.clone()),
            None => source.string("archive", self.problems).map(|(path, _)| self.folder.join(path)),
        };
        if let Some(directory) = archive {
            let username = source.get("username").and_then(|value| self.lookup_silently(value));
            return Some(Source::Archive { directory, username });
        }
        if source.get("base_url").is_none() {
            source.require("base_url", self.problems);
        }
        let base_url = source.get("base_url").and_then(|value| self.base_url(value));
        let username = self.required_value(source, "username");
        let client_id = self.required_value(source, "client_id");
        let client_secret = self.required_secret(source, "client_secret");
        let password = self.required_secret(source, "password");
        let private_key = source.require("private_key", self.problems).and_then(|value| self.key_source(value));
        let private_key_passphrase =
            source.get("private_key_passphrase").and_then(|value| self.secret("private_key_passphrase", value));
        let page_size = source.integer("page_size", 2..=100_000, self.problems).unwrap_or(100);
        let requests_per_second = source.integer("requests_per_second", 1..=100_000, self.problems);
        let concurrency = source.integer("concurrency", 1..=1_024, self.problems).unwrap_or(8);
        let ca_certificate = source.get("ca_certificate").and_then(|value| self.path_of(value));
        Some(Source::Network(Box::new(Connection {
            base_url: base_url?,
            username: username?,
            client_id: client_id?,
            client_secret: client_secret?,
            password: password?,
            private_key: private_key?,
            private_key_passphrase,
            page_size: u32::try_from(page_size).expect("bounded above"),
            requests_per_second: requests_per_second.map(|number| u32::try_from(number).expect("bounded above")),
            concurrency: usize::try_from(concurrency).expect("bounded above"),
            ca_certificate,
            limits,
        })))
    }

    fn base_url(&mut self, value: Value<'_, '_>) -> Option<String> {
        let (written, span) = (value.get_ref().as_str(), value.span());
        let text = match written {
            Some(text) => text.to_owned(),
            None => self.value("base_url", value)?,
        };
        // What was looked up may be the secret of another key.
        let is_shown = written.is_some() && !may_hold_credentials(&text);
        if written.is_some() && !is_shown {
            self.problems.hide(span.clone());
        }
        match check_base_url(&text, is_shown) {
            Ok(()) => Some(text.trim_end_matches('/').to_owned()),
            Err((message, hint)) => {
                self.problems.add_with_hint(span, message, "this address", hint);
                None
            }
        }
    }

    /// A plain text, `{ env = … }` or `{ file = … }`, looked up.
    pub(super) fn value(&mut self, key: &str, value: Value<'_, '_>) -> Option<String> {
        match value.get_ref().as_str() {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            Some(_) => {
                self.problems.add(value.span(), format!("'{key}' is empty"), "no value");
                None
            }
            None => self.secret(key, value).map(|secret| secret.expose_secret().to_owned()),
        }
    }

    fn required_value(&mut self, source: &Section<'_, '_>, key: &str) -> Option<String> {
        let value = source.require(key, self.problems)?;
        self.value(key, value)
    }

    fn required_secret(&mut self, source: &Section<'_, '_>, key: &str) -> Option<SecretString> {
        let value = source.require(key, self.problems)?;
        self.secret(key, value)
    }

    /// `{ env = … }` or `{ file = … }`, looked up; a plain text is refused.
    pub(super) fn secret(&mut self, key: &str, value: Value<'_, '_>) -> Option<SecretString> {
        match self.reference(key, value)? {
            Reference::Env(name, span) => self.read_env(name, span),
            Reference::File(path, span) => self.read_file(&path, span),
        }
    }

    fn key_source(&mut self, value: Value<'_, '_>) -> Option<KeySource> {
        match self.reference("private_key", value)? {
            Reference::Env(name, span) => self.read_env(name, span).map(KeySource::Text),
            Reference::File(path, span) => {
                if !path.is_file() {
                    let hint = "make a key with: openssl genrsa -out id_rsa.pem 2048";
                    let message = format!("the private key {} cannot be read", path.display());
                    self.problems.add_with_hint(span, message, "no such file", hint);
                    return None;
                }
                Some(KeySource::File(path))
            }
        }
    }

    fn reference<'d>(&mut self, key: &str, value: Value<'d, '_>) -> Option<Reference<'d>> {
        if value.get_ref().as_str().is_some() {
            let message = format!("'{key}' is a secret and must not stand in the job file");
            let hint = format!("write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"path\" }}");
            self.problems.hide(value.span());
            self.problems.add_with_hint(value.span(), message, "a plain text", hint);
            return None;
        }
        let table = value.get_ref().as_table();
        let only = table.filter(|table| table.len() == 1).and_then(|table| table.iter().next());
        if let Some((name, inner)) = only
            && let Some(text) = inner.get_ref().as_str()
        {
            match name.get_ref().as_ref() {
                "env" => return Some(Reference::Env(text, inner.span())),
                "file" => return Some(Reference::File(self.folder.join(text), inner.span())),
                _ => {}
            }
        }
        let message = format!("'{key}' must be {{ env = \"NAME\" }} or {{ file = \"path\" }}, found {}", kind(value));
        self.problems.add(value.span(), message, "neither of them");
        None
    }

    fn read_env(&mut self, name: &str, span: Range<usize>) -> Option<SecretString> {
        match std::env::var(name) {
            Ok(text) if !text.is_empty() => Some(SecretString::from(text)),
            found => {
                let state = if found.is_ok() { "empty" } else { "not set" };
                if !is_variable_name(name) {
                    self.problems.hide(span.clone());
                    let message = format!("the environment variable named here is {state}");
                    let hint = "write the name of the variable that holds the value, not the value";
                    self.problems.add_with_hint(span, message, "letters, digits and '_' were expected", hint);
                    return None;
                }
                let message = format!("the environment variable {name} is {state}");
                self.problems.add_with_hint(span, message, "named here", format!("export {name}=…"));
                None
            }
        }
    }

    fn read_file(&mut self, path: &Path, span: Range<usize>) -> Option<SecretString> {
        match std::fs::read_to_string(path) {
            Ok(text) if !text.trim_end_matches(['\r', '\n']).is_empty() => {
                Some(SecretString::from(text.trim_end_matches(['\r', '\n'])))
            }
            Ok(_) => {
                self.problems.add(span, format!("the file {} is empty", path.display()), "named here");
                None
            }
            Err(error) => {
                let message = format!("the file {} cannot be read: {error}", path.display());
                self.problems.add(span, message, "named here");
                None
            }
        }
    }

    /// A value that helps but is not needed: what cannot be looked up is no problem.
    fn lookup_silently(&self, value: Value<'_, '_>) -> Option<String> {
        let mut ignored = Problems::default();
        Reader { problems: &mut ignored, folder: self.folder, overrides: self.overrides }.value("username", value)
    }

    /// A path as a plain text or `{ file = … }`, relative to the job file.
    fn path_of(&mut self, value: Value<'_, '_>) -> Option<PathBuf> {
        let (path, span) = match value.get_ref().as_str() {
            Some(text) => (self.folder.join(text), value.span()),
            None => match self.reference("ca_certificate", value)? {
                Reference::File(path, span) => (path, span),
                Reference::Env(name, span) => (PathBuf::from(self.read_env(name, span.clone())?.expose_secret()), span),
            },
        };
        if !path.is_file() {
            self.problems.add(span, format!("the file {} cannot be read", path.display()), "no such file");
            return None;
        }
        Some(path)
    }

    fn limits(&mut self, section: &Section<'_, '_>) -> Limits {
        const DAY_MS: u64 = 86_400_000;
        let mut limits = Limits::default();
        let problems = &mut *self.problems;
        let mut set = |key, range, target: &mut dyn FnMut(u64)| {
            if let Some(number) = section.integer(key, range, problems) {
                target(number);
            }
        };
        let narrow = |number| u32::try_from(number).expect("bounded by its range");
        set("attempts_max", 1..=100, &mut |n| limits.attempts_max = narrow(n));
        set("retry_elapsed_ms_max", 1..=DAY_MS, &mut |n| limits.retry_elapsed_ms_max = n);
        set("backoff_ms_first", 1..=DAY_MS, &mut |n| limits.backoff_ms_first = n);
        set("backoff_ms_max", 1..=DAY_MS, &mut |n| limits.backoff_ms_max = n);
        set("run_retries_max", 0..=1_000_000, &mut |n| limits.run_retries_max = narrow(n));
        set("connect_ms_max", 1..=DAY_MS, &mut |n| limits.connect_ms_max = n);
        set("attempt_ms_max", 1..=DAY_MS, &mut |n| limits.attempt_ms_max = n);
        set("body_bytes_max", 1_024..=(1 << 30), &mut |n| {
            limits.body_bytes_max = usize::try_from(n).expect("bounded by its range");
        });
        set("json_depth_max", 4..=120, &mut |n| limits.json_depth_max = narrow(n));
        set("listing_passes_max", 1..=1_000, &mut |n| limits.listing_passes_max = narrow(n));
        set("listing_pages_max", 1..=10_000_000, &mut |n| limits.listing_pages_max = narrow(n));
        set("raw_keep_days", 1..=36_600, &mut |n| limits.raw_keep_days = Some(narrow(n)));
        limits
    }

    /// The value of the name that a key holds.
    fn one_of<T: Copy>(&mut self, section: &Section<'_, '_>, key: &str, known: &[(&str, T)]) -> Option<T> {
        let (found, span) = section.string(key, self.problems)?;
        let value = known.iter().find(|(name, _)| *name == found).map(|(_, value)| *value);
        if value.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            refuse_unknown(self.problems, span, format!("unknown '{key}' \"{found}\""), found, &names);
        }
        value
    }

    fn output(&mut self, output: &Section<'_, '_>) -> Output {
        let Places { directory, lake } = Places::of(output, self.overrides.out.as_deref(), self.problems);
        let formats = match output.get("formats") {
            Some(value) => self.names(value, "formats", &FORMATS),
            None => FORMATS_DEFAULT.to_vec(),
        };
        let version = self.one_of(output, "camt053_version", &camt053::Version::NAMES).unwrap_or_default();
        let per = self.one_of(output, "statement_per", &Per::NAMES).unwrap_or_default();
        let mut accounting = Accounting { statement_per: per, ..Accounting::default() };
        accounting.choose(&formats, version);
        let parquet = formats.contains(&"parquet");
        if let (Some(_), false, Some(value)) = (&lake, parquet, output.get("formats")) {
            let message = "'directory' is an object store, which holds the lake: 'formats' must have \"parquet\"";
            self.problems.add(value.span(), message, "without it there is no lake");
        }
        let shown_as = directory.display().to_string();
        Output { directory, shown_as, lake, csv: formats.contains(&"csv"), parquet, accounting }
    }
}

const WINDOW_HINT: &str = "write window = { last_days = 7 } or window = { from = \"2026-01-01\", to = \"2026-01-31\" }";

enum Reference<'d> {
    Env(&'d str, Range<usize>),
    File(PathBuf, Range<usize>),
}

/// Refuses what is no address of a provider: the only protocol is HTTPS, except on this very machine.
fn check_base_url(text: &str, is_shown: bool) -> std::result::Result<(), (String, String)> {
    let found = if is_shown { format!(", found \"{text}\"") } else { String::new() };
    let example = || "it looks like \"https://ws-sandbox.anyti.me\"".to_owned();
    let url = reqwest::Url::parse(text)
        .map_err(|error| (format!("'base_url' must be an address{found}: {error}"), example()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(("'base_url' must not hold credentials".to_owned(), example()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(("'base_url' must not have a query or fragment".to_owned(), example()));
    }
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" if !host.is_empty() => Ok(()),
        "http" if is_loopback => Ok(()),
        "http" => Err((
            format!("'base_url' must be https://{found}: credentials would travel in clear"),
            "http:// is allowed for a loopback address only, such as http://127.0.0.1:8080".to_owned(),
        )),
        scheme => {
            let found = if is_shown { format!(", found {scheme}://") } else { String::new() };
            Err((format!("'base_url' must be https://{found}"), example()))
        }
    }
}
