//! The gate that every attempt passes: so many in flight, so many a second, and none while the provider wants quiet.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

const NS_PER_SECOND: u64 = 1_000_000_000;
/// What a late timer may make up for.
const CATCH_UP_NS_MAX: u64 = 5_000_000;
/// Cells of an attempt.
const CELLS: NonZeroU32 = NonZeroU32::new(16).expect("it is not zero");

/// Counts attempts of the whole run, retries and token requests included.
#[derive(Debug)]
pub struct Gate {
    slots: Semaphore,
    /// Attempts that wait for a slot.
    waiting: AtomicUsize,
    limiter: Option<DefaultDirectRateLimiter>,
    quiet_until: Mutex<Option<Instant>>,
}

impl Gate {
    /// A gate for `concurrency` attempts in flight (at least one) and `requests_per_second` started in any second.
    pub fn new(concurrency: usize, requests_per_second: Option<u32>) -> Self {
        let limiter = requests_per_second.and_then(NonZeroU32::new).map(|rate| RateLimiter::direct(quota(rate)));
        Self {
            slots: Semaphore::new(concurrency.max(1)),
            waiting: AtomicUsize::new(0),
            limiter,
            quiet_until: Mutex::new(None),
        }
    }

    /// Waits for a slot, then for the rate. The attempt holds what it gets until its last byte is read.
    pub async fn enter(&self) -> SemaphorePermit<'_> {
        let slot = {
            let _waiting = Waiting::new(&self.waiting);
            self.slots.acquire().await.expect("the semaphore is never closed")
        };
        loop {
            let quiet_until = *self.quiet_until.lock().expect("no thread panics while it holds the time");
            match quiet_until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => break,
            }
        }
        if let Some(limiter) = &self.limiter {
            limiter.until_n_ready(CELLS).await.expect("the burst holds an attempt's cells");
        }
        slot
    }

    /// Slots that nobody holds or waits for.
    pub fn idle(&self) -> usize {
        self.slots.available_permits().saturating_sub(self.waiting.load(Ordering::Relaxed))
    }

    /// Lets nobody through for `wait`: the provider told one caller that it would refuse them all.
    pub fn keep_quiet(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut quiet_until = self.quiet_until.lock().expect("no thread panics while it holds the time");
        *quiet_until = Some(quiet_until.map_or(until, |before| before.max(until)));
    }
}

/// Counts somebody who waits, until it is dropped: who gives up waiting is counted no more.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One attempt in each `1.02 / rate` of a second. The two hundredths are for what the network adds: an attempt that
/// arrives late stands closer to those behind it. A timer that fires late is made up for by the next attempt, within
/// [`CATCH_UP_NS_MAX`]; the limiter knows whole cells only, so an attempt is made of several.
fn quota(rate: NonZeroU32) -> Quota {
    let cell_ns = (NS_PER_SECOND + NS_PER_SECOND / 50) / (u64::from(CELLS.get()) * u64::from(rate.get()));
    let cell_ns = cell_ns.max(1);
    let catch_up = u32::try_from(CATCH_UP_NS_MAX / cell_ns).unwrap_or(u32::MAX);
    let cell = Quota::with_period(Duration::from_nanos(cell_ns)).expect("a cell takes at least a nanosecond");
    cell.allow_burst(CELLS.saturating_add(catch_up))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    /// Measured after each has passed the gate: a machine that stalls in between makes it look worse than it is, and never
    /// better. So one of a few tries must show it.
    #[test]
    fn no_second_sees_more_than_the_rate() {
        let tries: Vec<String> = (0..5).map_while(|_| spread_of_320_at_200_a_second().err()).collect();
        assert!(tries.len() < 5, "{tries:?}");
    }

    fn spread_of_320_at_200_a_second() -> Result<(), String> {
        let rate = 200;
        let starts: Vec<Instant> = block_on(async {
            let gate = Gate::new(8, Some(rate));
            let mut starts = Vec::new();
            for _ in 0..320 {
                let _slot = gate.enter().await;
                starts.push(Instant::now());
            }
            starts
        });
        for (index, start) in starts.iter().enumerate() {
            let within = starts[index..].iter().take_while(|t| **t < *start + Duration::from_secs(1)).count();
            if within > rate as usize {
                return Err(format!("{within} within a second of number {index}"));
            }
        }
        let wall = starts[319] - starts[0];
        if wall >= Duration::from_millis(1680) {
            return Err(format!("320 at 200 a second took {wall:?}"));
        }
        Ok(())
    }

    #[test]
    fn quiet_holds_everybody_back() {
        block_on(async {
            let gate = Gate::new(2, None);
            let before = Instant::now();
            gate.keep_quiet(Duration::from_millis(60));
            gate.keep_quiet(Duration::from_millis(10));
            let _first = gate.enter().await;
            assert!(before.elapsed() >= Duration::from_millis(60));
        });
    }

    #[test]
    fn slots_are_given_back() {
        block_on(async {
            let gate = Gate::new(1, None);
            drop(gate.enter().await);
            assert_eq!(gate.idle(), 1);
            let held = gate.enter().await;
            assert_eq!(gate.idle(), 0);
            let second = tokio::time::timeout(Duration::from_millis(20), gate.enter()).await;
            assert!(second.is_err(), "the only slot is held");
            drop(held);
            assert_eq!(gate.idle(), 1, "who gave up waiting is not counted");
        });
    }
}
