//! `[schedule]`, `[metrics]` and `[notify]`: what a job's operator wants to know of it. They are read on their own, too:
//! who is to be told that a job file is wrong stands in that very file.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::{METRICS_KEYS, NOTIFY_KEYS, Overrides, Reader, SCHEDULE_KEYS};
use super::problems::Problems;
use super::section::{Section, kind, string};
use crate::notify::{Address, Event, Notify, WAIT_S_MAX};
use crate::record::Zone;
use crate::schedule::Schedule;
use crate::{Error, Result};

const CRON_HINT: &str = "minute, hour, day of the month, month and weekday, such as \"30 2 * * *\"";
const HOOK_HINT: &str = "https://, or http:// on a loopback address, without a password in it";

/// Who is told of a job's runs, and what it takes to tell them.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    /// The job's name; empty where the file does not tell it.
    pub job: String,
    /// The output directory.
    pub output: PathBuf,
    /// Who is told.
    pub notify: Notify,
    /// Names of the environment variables that the file reads: hooks do not see them.
    pub variables: Vec<String>,
}

/// A job with a schedule.
#[derive(Debug, Clone)]
pub struct Scheduled {
    /// The job file.
    pub path: PathBuf,
    /// The job's name.
    pub name: String,
    /// When it runs.
    pub schedule: Schedule,
    /// The output directory, relative to the current one unless absolute.
    pub output: PathBuf,
    /// Where its figures are written.
    pub textfile: Option<PathBuf>,
}

/// What the job file at `path` says of who is told, as far as it can be read: problems are the business of
/// [`super::load`].
pub fn operations(path: &Path, out: Option<&Path>) -> Operations {
    let Ok(source) = std::fs::read_to_string(path) else { return Operations::default() };
    let Ok(root) = DeTable::parse(&source) else { return Operations::default() };
    let (mut problems, overrides) = (Problems::default(), Overrides::default());
    let mut reader = Reader { problems: &mut problems, folder: folder_of(path), overrides: &overrides };
    let notify = reader.notify(&root);
    let job = text_of(&root, "job", "name").unwrap_or_default();
    let mut variables = Vec::new();
    root.get_ref().values().for_each(|value| collect_variables(value.get_ref(), &mut variables));
    let output = out.map_or_else(|| output_of(&root), Path::to_path_buf);
    Operations { job, output, notify, variables }
}

/// The schedule of the job file at `path`, `None` when it has none. None of its credentials is needed.
///
/// # Errors
/// When the file cannot be read, or its name, zone or schedule is wrong.
pub fn scheduled(path: &Path) -> Result<Option<Scheduled>> {
    let source = std::fs::read_to_string(path)
        .map_err(|error| Error::job("the job file cannot be read").at(path.display()).because(error))?;
    let root = DeTable::parse(&source).map_err(|error| {
        Error::job("the job file is not TOML").at(path.display()).because(error.message().to_owned())
    })?;
    if root.get_ref().get("schedule").is_none() {
        return Ok(None);
    }
    let (mut problems, overrides) = (Problems::default(), Overrides::default());
    let mut reader = Reader { problems: &mut problems, folder: folder_of(path), overrides: &overrides };
    let (name, zone) = reader.name_and_zone(&root);
    let schedule = reader.schedule(&root, zone);
    problems.check(path, &source)?;
    let (name, schedule) = (name.expect("told as a problem"), schedule.expect("told as a problem"));
    let textfile = text_of(&root, "metrics", "textfile").map(PathBuf::from);
    Ok(Some(Scheduled { path: path.to_owned(), name, schedule, output: output_of(&root), textfile }))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn text_of(root: &Spanned<DeTable<'_>>, table: &str, key: &str) -> Option<String> {
    let table = root.get_ref().get(table)?.get_ref().as_table()?;
    table.get(key)?.get_ref().as_str().map(str::to_owned)
}

fn output_of(root: &Spanned<DeTable<'_>>) -> PathBuf {
    text_of(root, "output", "directory").unwrap_or_else(|| "out".to_owned()).into()
}

fn collect_variables(value: &DeValue<'_>, variables: &mut Vec<String>) {
    let Some(table) = value.as_table() else { return };
    for (key, value) in table {
        match value.get_ref().as_str() {
            Some(name) if key.get_ref() == "env" => variables.push(name.to_owned()),
            _ => collect_variables(value.get_ref(), variables),
        }
    }
}

impl Reader<'_> {
    /// `[schedule]`; a zone that is wrong was told already.
    pub(super) fn schedule(&mut self, root: &Spanned<DeTable<'_>>, zone: Option<Zone>) -> Option<Schedule> {
        let section = Section::of(root, "schedule", SCHEDULE_KEYS, self.problems);
        root.get_ref().get("schedule")?;
        let (text, span) = string(section.require("cron", self.problems)?, self.problems)?;
        let schedule = Schedule::parse(text, zone?);
        schedule
            .map_err(|why| {
                let message = format!("'cron' must be a schedule, found \"{text}\": {why}");
                self.problems.add_with_hint(span, message, "not a schedule", CRON_HINT);
            })
            .ok()
    }

    /// `[metrics]` and `[notify]`.
    pub(super) fn notify(&mut self, root: &Spanned<DeTable<'_>>) -> Notify {
        let metrics = Section::of(root, "metrics", METRICS_KEYS, self.problems);
        let section = Section::of(root, "notify", NOTIFY_KEYS, self.problems);
        let token = section.get("webhook_token").and_then(|value| self.secret("webhook_token", value));
        let wait = section.integer("wait_s_max", WAIT_S_MAX, self.problems);
        let default = Notify::default();
        Notify {
            textfile: self.textfile(&metrics),
            healthcheck: section.get("healthcheck").and_then(|value| {
                let url = self.value("healthcheck", value).map(SecretString::from)?;
                self.address("healthcheck", &url, value)
            }),
            webhook: section.get("webhook").and_then(|value| {
                let url = self.secret("webhook", value)?;
                self.address("webhook", &url, value)
            }),
            webhook_token: token,
            command: self.command(&section),
            on: self.events(&section).unwrap_or(default.on),
            wait_s_max: wait.unwrap_or(default.wait_s_max),
        }
    }

    /// Programs that read such files look for `*.prom` alone.
    fn textfile(&mut self, metrics: &Section<'_, '_>) -> Option<PathBuf> {
        let (text, span) = metrics.string("textfile", self.problems)?;
        let path = PathBuf::from(text);
        if path.extension().is_none_or(|extension| extension != "prom") {
            let message = format!("'textfile' must end in .prom, found \"{text}\"");
            let hint = "node_exporter reads *.prom, such as /var/lib/prometheus/node-exporter/tieout-nightly.prom";
            self.problems.add_with_hint(span, message, "another name", hint);
            return None;
        }
        Some(path)
    }

    /// The address may be a secret: it is not shown.
    fn address(&mut self, key: &str, url: &SecretString, value: super::section::Value<'_, '_>) -> Option<Address> {
        let address = Address::parse(url.expose_secret());
        if let Err(why) = &address {
            let message = format!("'{key}' must be an address that may be asked: {why}");
            self.problems.hide(value.span());
            self.problems.add_with_hint(value.span(), message, "this address", HOOK_HINT);
        }
        address.ok()
    }

    /// A program and its arguments; no shell comes near them.
    fn command(&mut self, section: &Section<'_, '_>) -> Vec<String> {
        let Some(value) = section.get("command") else { return Vec::new() };
        let items = value.get_ref().as_array();
        let words: Option<Vec<String>> =
            items.and_then(|items| items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect());
        match words {
            Some(words) if words.first().is_some_and(|program| !program.is_empty()) => words,
            _ => {
                let message = format!("'command' must be a list of a program and its arguments, found {}", kind(value));
                let hint = "write command = [\"/usr/local/bin/tell\", \"--channel\", \"accounting\"]";
                self.problems.add_with_hint(value.span(), message, "not such a list", hint);
                Vec::new()
            }
        }
    }

    fn events(&mut self, section: &Section<'_, '_>) -> Option<Vec<Event>> {
        let names = self.names(section.get("on")?, "on", &Event::NAMES.map(|(name, _)| name));
        let events = Event::NAMES.into_iter().filter(|(name, _)| names.contains(name));
        Some(events.map(|(_, event)| event).collect())
    }
}
