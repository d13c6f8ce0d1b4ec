//! Progress of a run: a moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt::{self, Stage};
use super::logging::{self, LogFormat};
use super::printer;
use crate::landing::{Listing, Proof, Subject};
use crate::pipeline::Watch;
use crate::provider;
use crate::record::{Feed, Owner};

/// Between two plain lines, so that a log of a long run stays short.
const PLAIN_LINE_EVERY: Duration = Duration::from_secs(10);

/// Before it, a rate says nothing.
const RATE_AFTER: Duration = Duration::from_secs(2);

/// Shows how far a run is.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    reconciling: OnceLock<(Instant, usize)>,
    waiting: AtomicU64,
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
        interrupt::at(Stage::Fetching);
        Self {
            bar,
            begun: Instant::now(),
            reconciling: OnceLock::new(),
            waiting: AtomicU64::new(0),
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
            "fetching: {} of {} listings, {} requests{retries}, {} rows{}",
            read(&self.finished),
            read(&self.started) + read(&self.waiting),
            read(&self.requests),
            read(&self.rows),
            pace(
                self.begun.elapsed(),
                Done {
                    what: "rows",
                    count: read(&self.rows),
                    parts: read(&self.finished),
                    left: (read(&self.started) + read(&self.waiting)).saturating_sub(read(&self.finished)),
                }
            ),
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
    fn run_continues(&self, run_id: &str) {
        logging::speak_of(run_id);
    }

    fn listing_started(&self, _subject: Subject, _owner: &Owner) {
        self.started.fetch_add(1, Ordering::Relaxed);
        self.update();
    }

    fn listings_waiting(&self, waiting: usize) {
        self.waiting.store(waiting as u64, Ordering::Relaxed);
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
        let (begun, all) = *self.reconciling.get_or_init(|| {
            interrupt::at(Stage::Reconciling);
            (Instant::now(), left + 1)
        });
        let done = (all - left) as u64;
        let done = Done { what: "listings", count: done, parts: done, left: left as u64 };
        self.show(format!("reconciling {feed}: {left} listings left{}", pace(begun.elapsed(), done)));
    }

    fn committing(&self) {
        interrupt::at(Stage::Committing);
    }
}

/// What has been done so far, and what is known to be left.
#[derive(Debug, Clone, Copy)]
struct Done {
    what: &'static str,
    count: u64,
    /// Parts that are done, of those that `left` counts too.
    parts: u64,
    left: u64,
}

/// How fast it goes and about how long what is left takes, in words; nothing as long as that would be a guess.
fn pace(elapsed: Duration, done: Done) -> String {
    if elapsed < RATE_AFTER || done.count == 0 {
        return String::new();
    }
    let ms = elapsed.as_millis();
    let rate = u128::from(done.count) * 1000 / ms;
    let mut text = format!(", {rate} {} a second", done.what);
    if done.parts > 0 && done.left > 0 {
        let left_s = ms * u128::from(done.left) / u128::from(done.parts) / 1000;
        let time = match left_s {
            0..120 => format!("{} s", left_s.max(1)),
            120..7_200 => format!("{} min", left_s.div_ceil(60)),
            _ => format!("{} h", left_s.div_ceil(3_600)),
        };
        text = format!("{text}, about {time} left");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_told_once_they_mean_something() {
        let told =
            |seconds, count, parts, left| pace(Duration::from_secs(seconds), Done { what: "rows", count, parts, left });
        assert_eq!(told(1, 100, 1, 9), "");
        assert_eq!(told(10, 0, 0, 9), "");
        assert_eq!(told(10, 5_000, 0, 9), ", 500 rows a second");
        assert_eq!(told(10, 5_000, 10, 0), ", 500 rows a second");
        assert_eq!(told(10, 5_000, 10, 20), ", 500 rows a second, about 20 s left");
        assert_eq!(told(60, 5_000, 10, 100), ", 83 rows a second, about 10 min left");
        assert_eq!(told(600, 5_000, 1, 100), ", 8 rows a second, about 17 h left");
    }
}
