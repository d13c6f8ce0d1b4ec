//! Progress of a run: a moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::logging::{self, LogFormat};
use super::printer;
use crate::landing::{Listing, Proof, Subject};
use crate::pipeline::Watch;
use crate::provider;
use crate::record::{Feed, Owner};

/// Between two plain lines, so that a log of a long run stays short.
const PLAIN_LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far a run is.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    started: AtomicU64,
    finished: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    rows: AtomicU64,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// Starts showing.
    pub fn start() -> Self {
        let for_a_person = std::io::stderr().is_terminal() && logging::format() == LogFormat::Text;
        let bar = for_a_person.then(|| {
            let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}").expect("a valid template");
            let bar = ProgressBar::new_spinner().with_style(style);
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            bar,
            started: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            last_line: Mutex::new(Instant::now()),
        }
    }

    /// Clears the moving line.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Requests sent, and those of them that were further attempts.
    pub fn counted(&self) -> (u64, u64) {
        (self.requests.load(Ordering::Relaxed), self.retries.load(Ordering::Relaxed))
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| printer::note(text)),
            None => printer::note(text),
        }
    }

    fn update(&self) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let retries = match read(&self.retries) {
            0 => String::new(),
            retries => format!(", {retries} retries"),
        };
        let line = format!(
            "fetching: {} of {} listings, {} requests{retries}, {} rows",
            read(&self.finished),
            read(&self.started),
            read(&self.requests),
            read(&self.rows),
        );
        self.show(line);
    }

    fn show(&self, line: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(line);
            return;
        }
        let mut last = self.last_line.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= PLAIN_LINE_EVERY {
            *last = Instant::now();
            printer::note(&line);
        }
    }
}

impl provider::Progress for Progress {
    fn listing_started(&self, _subject: Subject, _owner: &Owner) {
        self.started.fetch_add(1, Ordering::Relaxed);
        self.update();
    }

    fn listing_finished(&self, listing: &Listing, _rows: u64) {
        self.finished.fetch_add(1, Ordering::Relaxed);
        match &listing.proof {
            Proof::Failed { error } => self.say(&format!("{} of {}: {error}", listing.subject, listing.owner)),
            Proof::Unproved { reason } => {
                self.say(&format!("{} of {}: not proved complete: {reason}", listing.subject, listing.owner));
            }
            Proof::Proved(_) | Proof::NotAsked => {}
        }
        self.update();
    }

    fn requests(&self, more: u64) {
        self.requests.fetch_add(more, Ordering::Relaxed);
        self.update();
    }

    fn retries(&self, more: u64) {
        self.retries.fetch_add(more, Ordering::Relaxed);
        self.update();
    }

    fn rows(&self, more: u64) {
        self.rows.fetch_add(more, Ordering::Relaxed);
        self.update();
    }

    fn note(&self, text: &str) {
        self.say(text);
    }
}

impl Watch for Progress {
    fn run_begins(&self, run_id: &str) {
        logging::speak_of(run_id);
    }

    fn owner_processed(&self, feed: Feed, left: usize) {
        self.show(format!("reconciling {feed}: {left} listings left"));
    }
}
