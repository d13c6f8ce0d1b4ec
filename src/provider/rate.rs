//! The gate that every attempt passes: so many in flight, so many a second, and none while the provider wants quiet.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Counts attempts of the whole run, retries and token requests included.
#[derive(Debug)]
pub struct Gate {
    slots: Semaphore,
    limiter: Option<DefaultDirectRateLimiter>,
    quiet_until: Mutex<Option<Instant>>,
}

impl Gate {
    /// A gate for `concurrency` attempts in flight (at least one) and `requests_per_second` started in any second.
    pub fn new(concurrency: usize, requests_per_second: Option<u32>) -> Self {
        let limiter = requests_per_second.and_then(NonZeroU32::new).map(|rate| RateLimiter::direct(quota(rate)));
        Self { slots: Semaphore::new(concurrency.max(1)), limiter, quiet_until: Mutex::new(None) }
    }

    /// Waits for a slot, then for the rate. The attempt holds what it gets until its last byte is read.
    pub async fn enter(&self) -> SemaphorePermit<'_> {
        let slot = self.slots.acquire().await.expect("the semaphore is never closed");
        loop {
            let quiet_until = *self.quiet_until.lock().expect("no thread panics while it holds the time");
            match quiet_until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => break,
            }
        }
        if let Some(limiter) = &self.limiter {
            limiter.until_ready().await;
        }
        slot
    }

    /// Lets nobody through for `wait`: the provider told one caller that it would refuse them all.
    pub fn keep_quiet(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut quiet_until = self.quiet_until.lock().expect("no thread panics while it holds the time");
        *quiet_until = Some(quiet_until.map_or(until, |before| before.max(until)));
    }
}

/// Evenly spaced, with a little slack to catch up after a late timer: a burst of b at r a second lets r + b − 1 start
/// within one second, so the slack is taken off the rate and the limit holds for every second, wherever it begins.
fn quota(rate: NonZeroU32) -> Quota {
    let slack = rate.get() / 50;
    let steady = NonZeroU32::new(rate.get() - slack).expect("a fiftieth less than a positive number is positive");
    let burst = NonZeroU32::new(slack + 1).expect("one more than a number is positive");
    Quota::per_second(steady).allow_burst(burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn no_second_sees_more_than_the_rate() {
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
            // A timer's grain: what was let through just before a second began is seen just within it.
            let within = starts[index..].iter().take_while(|t| **t < *start + Duration::from_millis(999)).count();
            assert!(within <= rate as usize, "{within} within a second of number {index}");
        }
        let wall = starts[319] - starts[0];
        assert!(wall < Duration::from_millis(1700), "320 at 200 a second took {wall:?}");
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
            let held = gate.enter().await;
            let second = tokio::time::timeout(Duration::from_millis(20), gate.enter()).await;
            assert!(second.is_err(), "the only slot is held");
            drop(held);
        });
    }
}
