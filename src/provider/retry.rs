//! Trying again: full jitter, the provider's own wish, and three bounds.
//!
//! A request is tried again after a random time between nothing and a ceiling that doubles (full jitter: callers that
//! failed together do not come back together), or after the provider's Retry-After when that is longer. It ends at a
//! number of attempts, at a time over all of them, or when the whole run has used up its retries: a provider that is
//! down for everybody is not asked a thousand times by each of a thousand owners.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder, Retryable};
use rand::Rng;

use crate::job::plan::Limits;
use crate::{Error, ErrorKind};

/// An attempt that failed.
#[derive(Debug)]
pub struct Trouble {
    /// What was expected and what was found.
    pub error: Error,
    /// Whether another attempt may help.
    pub again: Again,
    /// Whether the whole run must end, because nothing further can succeed (no token, a full disk).
    pub ends_run: bool,
}

/// Whether another attempt may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// The same request would fail in the same way.
    No,
    /// It may pass.
    Yes,
    /// It may pass, but the provider asked not to be called before this time is over.
    After(Duration),
}

impl Trouble {
    /// One that no further attempt cures.
    pub fn lasting(error: Error) -> Self {
        Self { error, again: Again::No, ends_run: false }
    }

    /// One that may pass.
    pub fn passing(error: Error) -> Self {
        Self { error, again: Again::Yes, ends_run: false }
    }

    /// One after which no request can succeed.
    pub fn fatal(error: Error) -> Self {
        Self { error, again: Again::No, ends_run: true }
    }

    /// Names the place.
    pub fn at(mut self, place: impl std::fmt::Display) -> Self {
        self.error = self.error.at(place);
        self
    }
}

impl From<Error> for Trouble {
    /// Only the provider is worth the hope that it recovers for the next owner.
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::Provider { Trouble::lasting(error) } else { Trouble::fatal(error) }
    }
}

/// Tries requests again within bounds; one for the whole run.
#[derive(Debug)]
pub struct Retrier {
    limits: Limits,
    budget: AtomicU32,
    retries: AtomicU64,
}

/// One request's attempts so far.
#[derive(Debug, Default)]
struct Tries {
    count: u32,
    /// When the first attempt had failed. Time spent waiting for a slot before it is not the request's.
    since: Option<Instant>,
    /// Why no further attempt was made, when one might have helped.
    ended: Option<String>,
}

impl Retrier {
    /// A retrier with the run's whole budget.
    pub fn new(limits: &Limits) -> Self {
        Self { limits: *limits, budget: AtomicU32::new(limits.run_retries_max), retries: AtomicU64::new(0) }
    }

    /// Attempts beyond the first, over all requests so far.
    pub fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Makes attempts until one succeeds, fails for good or a bound is reached. `noticed` hears of each failure that
    /// is tried again and of the wait before the next attempt.
    ///
    /// # Errors
    /// The last attempt's, which says how often it was tried.
    pub async fn run<T, F>(
        &self,
        attempt: impl FnMut() -> F,
        mut noticed: impl FnMut(&Trouble, Duration),
    ) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let mut tries = Tries::default();
        let outcome = attempt
            .retry(self.waits())
            .sleep(tokio::time::sleep)
            .when(|trouble: &Trouble| trouble.again != Again::No)
            .adjust(|trouble, wait| self.decide(&mut tries, trouble, wait))
            .notify(|trouble, wait| {
                self.retries.fetch_add(1, Ordering::Relaxed);
                noticed(trouble, wait);
            })
            .await;
        outcome.map_err(|trouble| tries.explain(trouble))
    }

    fn waits(&self) -> FullJitter {
        let limits = &self.limits;
        let ceilings = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(limits.backoff_ms_first))
            .with_max_delay(Duration::from_millis(limits.backoff_ms_max))
            .with_max_times(limits.attempts_max.saturating_sub(1) as usize)
            .build();
        FullJitter(ceilings)
    }

    /// The wait before the next attempt, or none.
    fn decide(&self, tries: &mut Tries, trouble: &Trouble, wait: Option<Duration>) -> Option<Duration> {
        tries.count += 1;
        let elapsed = tries.since.get_or_insert_with(Instant::now).elapsed();
        let Some(wait) = wait else {
            tries.ended = Some("that is all that is tried".to_owned());
            return None;
        };
        let wait = match trouble.again {
            Again::After(asked) => wait.max(asked),
            Again::Yes | Again::No => wait,
        };
        let elapsed_max = Duration::from_millis(self.limits.retry_elapsed_ms_max);
        if elapsed + wait > elapsed_max {
            tries.ended = Some(format!("a wait of {wait:.0?} more would pass the {elapsed_max:.0?} that it may take"));
            return None;
        }
        let spent = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        if spent.is_err() {
            tries.ended = Some(format!("the run's {} retries are used up", self.limits.run_retries_max));
            return None;
        }
        Some(wait)
    }
}

impl Tries {
    fn explain(&self, mut trouble: Trouble) -> Trouble {
        if let Some(ended) = &self.ended {
            let count = self.count;
            let attempts = if count == 1 { "attempt" } else { "attempts" };
            // Not how long they took: what became of a listing stands in a report, which is the same for the same answers.
            trouble.error = trouble.error.adding(format_args!("; {count} {attempts}, {ended}"));
        } else if self.count > 0 {
            trouble.error = trouble.error.adding(format_args!("; it was attempt {}", self.count + 1));
        }
        trouble
    }
}

/// Uniform between nothing and each ceiling.
#[derive(Debug)]
struct FullJitter(ExponentialBackoff);

impl Iterator for FullJitter {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let ceiling = u64::try_from(self.0.next()?.as_micros()).unwrap_or(u64::MAX);
        Some(Duration::from_micros(rand::thread_rng().gen_range(0..=ceiling)))
    }
}

/// What a Retry-After header asks for, in seconds or as an HTTP date. A date that has passed asks for nothing.
pub fn retry_after(header: &str, now: std::time::SystemTime) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(header).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::SystemTime;

    use super::*;

    fn limits() -> Limits {
        Limits { attempts_max: 4, backoff_ms_first: 1, backoff_ms_max: 4, ..Limits::default() }
    }

    fn run(retrier: &Retrier, outcomes: &[Result<u8, Again>]) -> (Result<u8, Trouble>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let made = Cell::new(0);
        let result = runtime.block_on(retrier.run(
            || {
                let outcome = outcomes[made.get().min(outcomes.len() - 1)];
                made.set(made.get() + 1);
                async move { outcome.map_err(|again| Trouble { error: Error::provider("no"), again, ends_run: false }) }
            },
            |_, _| (),
        ));
        (result, made.get())
    }

    #[test]
    fn it_tries_until_it_works() {
        let retrier = Retrier::new(&limits());
        let (result, made) = run(&retrier, &[Err(Again::Yes), Err(Again::Yes), Ok(7)]);
        assert_eq!((result.expect("the third works"), made, retrier.retries()), (7, 3, 2));
    }

    #[test]
    fn it_ends_at_the_attempts_and_says_how_many() {
        let (result, made) = run(&Retrier::new(&limits()), &[Err(Again::Yes)]);
        let message = result.expect_err("it never works").error.message().to_owned();
        assert_eq!(made, 4);
        assert!(message.starts_with("no; 4 attempts, "), "{message}");
    }

    #[test]
    fn what_cannot_pass_is_not_tried_again() {
        let (result, made) = run(&Retrier::new(&limits()), &[Err(Again::No)]);
        assert_eq!((result.expect_err("no").error.message().to_owned(), made), ("no".to_owned(), 1));
    }

    #[test]
    fn a_wait_beyond_the_elapsed_limit_is_not_begun() {
        let hour = Again::After(Duration::from_hours(1));
        let (result, made) = run(&Retrier::new(&limits()), &[Err(hour)]);
        let message = result.expect_err("no").error.message().to_owned();
        assert_eq!(made, 1);
        assert!(message.contains("a wait of 3600s more would pass the 300s"), "{message}");
    }

    #[test]
    fn the_whole_run_shares_one_budget() {
        let retrier = Retrier::new(&Limits { run_retries_max: 4, ..limits() });
        assert_eq!(run(&retrier, &[Err(Again::Yes)]).1, 4);
        let (result, made) = run(&retrier, &[Err(Again::Yes)]);
        let message = result.expect_err("no").error.message().to_owned();
        assert_eq!(made, 2);
        assert!(message.contains("the run's 4 retries are used up"), "{message}");
    }

    #[test]
    fn waits_lie_between_nothing_and_the_ceiling() {
        let retrier =
            Retrier::new(&Limits { attempts_max: 10, backoff_ms_first: 100, backoff_ms_max: 800, ..limits() });
        let mut shortest = Duration::MAX;
        for _ in 0..200 {
            let waits: Vec<Duration> = retrier.waits().collect();
            assert_eq!(waits.len(), 9);
            for (wait, ceiling) in waits.iter().zip([100, 200, 400, 800, 800, 800, 800, 800, 800]) {
                assert!(*wait <= Duration::from_millis(ceiling), "{waits:?}");
            }
            shortest = shortest.min(waits[8]);
        }
        assert!(shortest < Duration::from_millis(80), "full jitter reaches down to nothing");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(retry_after(" 121 ", now), Some(Duration::from_secs(121)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:47 GMT", now), Some(Duration::from_secs(10)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:27 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
        assert_eq!(retry_after("1.5", now), None);
    }
}
