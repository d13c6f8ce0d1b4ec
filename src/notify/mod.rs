//! Who is told of a run: a file of figures for Prometheus, a healthcheck, a command, a webhook. All of it is as the job file
//! says, none of it can change how a run ends: what fails here is a warning, and takes no longer than `wait_s_max`.

mod address;
mod command;
pub mod metrics;
mod post;

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use secrecy::SecretString;
use serde_json::json;

pub use address::Address;
use post::Poster;

use crate::job::Operations;

/// `[notify] wait_s_max`.
pub const WAIT_S_MAX: RangeInclusive<u64> = 1..=600;
/// A run waits no longer for the ping that it begins.
const START_WAIT_MAX: Duration = Duration::from_secs(5);
/// Characters of an error that are told.
const ERROR_CHARS_MAX: usize = 4_000;

/// Who is told, and when.
#[derive(Debug, Clone)]
pub struct Notify {
    /// `[metrics] textfile`.
    pub textfile: Option<PathBuf>,
    /// Pinged at the start and at the end.
    pub healthcheck: Option<Address>,
    /// Gets `summary.json`.
    pub webhook: Option<Address>,
    /// The bearer token that it wants.
    pub webhook_token: Option<SecretString>,
    /// A program and its arguments; empty where there is none.
    pub command: Vec<String>,
    /// What webhook and command are told.
    pub on: Vec<Event>,
    /// Seconds that each of them may take.
    pub wait_s_max: u64,
}

impl Default for Notify {
    fn default() -> Self {
        let on = vec![Event::Breaks, Event::Failure];
        Notify {
            textfile: None,
            healthcheck: None,
            webhook: None,
            webhook_token: None,
            command: Vec::new(),
            on,
            wait_s_max: 20,
        }
    }
}

/// How a run ended, for whoever is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Committed, with open breaks.
    Breaks,
    /// Not committed, or in part.
    Failure,
    /// Everything ties.
    Success,
}

impl Event {
    /// The words of `[notify] on`.
    pub const NAMES: [(&'static str, Event); 3] =
        [("breaks", Event::Breaks), ("failure", Event::Failure), ("success", Event::Success)];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Event::Breaks => "breaks",
            Event::Failure => "failure",
            Event::Success => "success",
        }
    }

    fn of(exit_code: u8) -> Event {
        match exit_code {
            0 => Event::Success,
            3 => Event::Breaks,
            _ => Event::Failure,
        }
    }
}

/// A run that was committed.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Where its `summary.json` stands.
    pub summary_path: PathBuf,
    /// Rows of each dataset.
    pub rows: Vec<(&'static str, u64)>,
    /// The verdict in a sentence.
    pub verdict: String,
}

/// What there is to tell.
#[derive(Debug, Clone, Default)]
pub struct News {
    /// The exit code.
    pub exit_code: u8,
    /// The run's id, once it has one.
    pub run_id: Option<String>,
    /// What was committed, if anything was.
    pub committed: Option<Committed>,
    /// Why it could not finish, and what to do.
    pub error: Option<(String, Option<String>)>,
    /// Requests sent.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
}

impl News {
    /// What webhook and command get: the summary of what was committed, else what stood in the way.
    fn body(&self, job: &str, began: DateTime<Utc>) -> Vec<u8> {
        // Read only when somebody is to have it: of many owners it is long.
        let unread = match self.committed.as_ref().map(|committed| std::fs::read(&committed.summary_path)) {
            Some(Ok(summary)) => return summary,
            Some(Err(why)) => Some(format!("the run is committed, but its summary could not be read: {why}")),
            None => None,
        };
        let place =
            self.committed.as_ref().map(|committed| format!("it stands at {}", committed.summary_path.display()));
        let (error, hint) = unread.map(|why| (why, place)).or_else(|| self.error.clone()).unzip();
        let error = error.map(|error| error.chars().take(ERROR_CHARS_MAX).collect::<String>());
        let body = json!({
            "job": job, "outcome": Event::of(self.exit_code).name(), "exit_code": self.exit_code, "run_id": self.run_id,
            "verdict": self.committed.as_ref().map(|committed| &committed.verdict), "error": error, "hint": hint.flatten(),
            "started_at": began.to_rfc3339_opts(SecondsFormat::Millis, true),
        });
        let mut text = serde_json::to_vec_pretty(&body).expect("plain data");
        text.push(b'\n');
        text
    }

    fn line(&self) -> String {
        let told = self.committed.as_ref().map(|committed| committed.verdict.clone());
        let told = told.or_else(|| self.error.as_ref().map(|(error, _)| error.clone()));
        let line = format!("exit code {}: {}", self.exit_code, told.as_deref().unwrap_or("nothing to do"));
        line.chars().take(ERROR_CHARS_MAX).collect()
    }
}

/// Tells of one run.
#[derive(Debug)]
pub struct Teller {
    operations: Operations,
    began: DateTime<Utc>,
    clock: Instant,
}

impl Teller {
    /// A run begins. What could not be told comes back as warnings.
    pub fn begin(operations: Operations) -> (Teller, Vec<String>) {
        let teller = Teller { operations, began: Utc::now(), clock: Instant::now() };
        let wait = START_WAIT_MAX.min(teller.wait());
        let told = teller.operations.notify.healthcheck.as_ref().map(|address| {
            post::within(wait, async {
                Poster::new()?
                    .once(&address.below("start"), "text/plain", b"the run begins", &[])
                    .await
                    .map_err(|missed| missed.why)
            })
            .map_err(|why| format!("the healthcheck at {} was not told of the start: {why}", address.host()))
        });
        let warnings = told.and_then(Result::err).into_iter().collect();
        (teller, warnings)
    }

    fn wait(&self) -> Duration {
        Duration::from_secs(self.operations.notify.wait_s_max)
    }

    /// It has ended. What could not be told comes back as warnings.
    pub fn end(&self, news: &News) -> Vec<String> {
        let mut warnings: Vec<String> = Vec::new();
        let notify = &self.operations.notify;
        warnings.extend(self.write_metrics(news).err());
        if notify.on.contains(&Event::of(news.exit_code)) {
            warnings.extend(self.run_command(news).err());
            warnings.extend(self.call_webhook(news).err());
        }
        // Last, as somebody may come and look.
        warnings.extend(self.ping(news).err());
        warnings
    }

    fn write_metrics(&self, news: &News) -> Result<(), String> {
        let Some(path) = &self.operations.notify.textfile else { return Ok(()) };
        let run = metrics::Run { news, operations: &self.operations, began: self.began, took: self.clock.elapsed() };
        metrics::write(path, &run).map_err(|error| format!("no figures were written: {}", error.one_line()))
    }

    fn run_command(&self, news: &News) -> Result<(), String> {
        let Operations { notify, job, variables, .. } = &self.operations;
        let Some(program) = notify.command.first() else { return Ok(()) };
        let code = news.exit_code.to_string();
        let summary = news.committed.as_ref().map(|committed| {
            let path = &committed.summary_path;
            path.canonicalize().unwrap_or_else(|_| path.clone()).into_os_string()
        });
        let told = [
            ("TIEOUT_JOB", Some(job.into())),
            ("TIEOUT_EVENT", Some(Event::of(news.exit_code).name().into())),
            ("TIEOUT_EXIT_CODE", Some(code.into())),
            ("TIEOUT_RUN_ID", news.run_id.as_ref().map(Into::into)),
            ("TIEOUT_SUMMARY", summary),
        ];
        let body = news.body(job, self.began);
        let work = command::run(&notify.command, &told, variables, &body);
        post::within(self.wait(), work).map_err(|why| format!("the command {program} was not told: {why}"))
    }

    fn call_webhook(&self, news: &News) -> Result<(), String> {
        let Operations { notify, job, .. } = &self.operations;
        let Some(address) = &notify.webhook else { return Ok(()) };
        let body = news.body(job, self.began);
        let key = news.run_id.clone().unwrap_or_else(|| self.began.to_rfc3339());
        let mut headers = vec![("idempotency-key", SecretString::from(key))];
        headers.extend(notify.webhook_token.as_ref().map(|token| ("authorization", address::bearer(token))));
        post::within(self.wait(), async {
            Poster::new()?.patiently(address, "application/json", &body, &headers).await
        })
        .map_err(|why| format!("the webhook at {} was not told: {why}", address.host()))
    }

    fn ping(&self, news: &News) -> Result<(), String> {
        let Some(address) = &self.operations.notify.healthcheck else { return Ok(()) };
        let target = match news.exit_code {
            0 => address.clone(),
            code => address.below(&code.to_string()),
        };
        let line = news.line();
        post::within(self.wait(), async {
            Poster::new()?.patiently(&target, "text/plain; charset=utf-8", line.as_bytes(), &[]).await
        })
        .map_err(|why| format!("the healthcheck at {} was not told of the end: {why}", address.host()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_whose_summary_cannot_be_read_is_still_told_as_committed() {
        let folder = tempfile::tempdir().expect("a folder");
        let summary_path = folder.path().join("summary.json");
        let committed =
            Committed { summary_path: summary_path.clone(), rows: Vec::new(), verdict: "it ties".to_owned() };
        let news = News { run_id: Some("r1".to_owned()), committed: Some(committed), ..News::default() };
        let body: serde_json::Value = serde_json::from_slice(&news.body("nightly", Utc::now())).expect("JSON");
        assert_eq!((&body["outcome"], &body["verdict"]), (&"success".into(), &"it ties".into()));
        assert!(body["error"].as_str().is_some_and(|told| told.starts_with("the run is committed, but")), "{body}");
        assert_eq!(body["hint"], format!("it stands at {}", summary_path.display()));
        std::fs::write(summary_path, "{}").expect("a file");
        assert_eq!(news.body("nightly", Utc::now()), b"{}");
    }
}
