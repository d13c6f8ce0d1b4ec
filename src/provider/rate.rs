//! The gate that every attempt passes: so many in flight, so many a second, and none while the provider wants quiet.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// A second's attempts are spread over as much. The two hundredths are for what the network adds: an attempt that arrives late
/// stands closer to those behind it.
const SPREAD: Duration = Duration::from_millis(1020);
/// However late attempts started, no more than a second's start within as much. Less than [`SPREAD`], so that a timer's
/// usual millisecond is not handed on from second to second.
const SECOND: Duration = Duration::from_millis(1010);
/// Behind by more than this, the schedule begins anew. What a start's few requests one after the other, a slow answer or a
/// late timer cost is made up for, and nobody sees more than a quarter of a second's attempts at once.
const CATCH_UP_MAX: Duration = Duration::from_millis(250);

/// Counts attempts of the whole run, retries and token requests included.
#[derive(Debug)]
pub struct Gate {
    slots: Arc<Semaphore>,
    /// Attempts that wait for a slot.
    waiting: Arc<AtomicUsize>,
    /// Held by the first of those that have a slot and wait for their start.
    pace: Option<Mutex<Pace>>,
    quiet_until: std::sync::Mutex<Option<Instant>>,
}

/// The right to have one attempt in flight, given back when it is dropped.
#[derive(Debug)]
pub struct Slot(#[allow(dead_code, reason = "held, not used")] OwnedSemaphorePermit);

impl Gate {
    /// A gate for `concurrency` attempts in flight (at least one) and `requests_per_second` started in any second.
    pub fn new(concurrency: usize, requests_per_second: Option<u32>) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(concurrency.max(1))),
            waiting: Arc::default(),
            pace: requests_per_second.and_then(NonZeroU32::new).map(|rate| Mutex::new(Pace::new(rate))),
            quiet_until: std::sync::Mutex::new(None),
        }
    }

    /// Waits for a slot. The attempt holds it until its last byte is read.
    pub fn slot(&self) -> impl Future<Output = Slot> + Send + use<> {
        let (slots, waiting) = (Arc::clone(&self.slots), Arc::clone(&self.waiting));
        async move {
            let _waiting = Waiting::new(waiting);
            Slot(slots.acquire_owned().await.expect("the semaphore is never closed"))
        }
    }

    /// Waits, with a slot in hand, until the attempt may start.
    pub async fn start(&self, _with: &Slot) {
        let mut pace = match &self.pace {
            Some(pace) => Some(pace.lock().await),
            None => None,
        };
        loop {
            let now = Instant::now();
            let quiet_until = *self.quiet_until.lock().expect("no thread panics while it holds the time");
            let due = pace.as_mut().and_then(|pace| pace.due(now));
            match quiet_until.max(due).filter(|at| *at > now) {
                Some(at) => tokio::time::sleep_until(at).await,
                None => return pace.iter_mut().for_each(|pace| pace.start(now)),
            }
        }
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
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// When attempts may start: evenly, on a schedule that a late start does not move, and never more than the rate in a
/// [`SECOND`], whenever they did start.
#[derive(Debug)]
struct Pace {
    rate: usize,
    interval: Duration,
    /// The place of the next attempt in the schedule.
    scheduled: Option<Instant>,
    /// When the attempts of the last second started, oldest first.
    started: VecDeque<Instant>,
}

impl Pace {
    fn new(rate: NonZeroU32) -> Self {
        let started = VecDeque::new();
        Self { rate: rate.get() as usize, interval: SPREAD / rate.get(), scheduled: None, started }
    }

    /// When the next attempt may start.
    fn due(&mut self, now: Instant) -> Option<Instant> {
        while self.started.front().is_some_and(|start| *start + SECOND <= now) {
            self.started.pop_front();
        }
        let full = self.started.front().filter(|_| self.started.len() >= self.rate);
        self.scheduled.max(full.map(|first| *first + SECOND))
    }

    /// An attempt starts.
    fn start(&mut self, now: Instant) {
        let earliest = now.checked_sub(CATCH_UP_MAX).unwrap_or(now);
        self.scheduled = Some(self.scheduled.map_or(now, |at| at.max(earliest)) + self.interval);
        self.started.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    async fn enter(gate: &Gate) -> Slot {
        let slot = gate.slot().await;
        gate.start(&slot).await;
        slot
    }

    /// Starts of `count` attempts, each as late as `late_us` says (over and over), out of a clock of the test's own.
    fn starts(rate: u32, count: usize, late_us: &[u64]) -> Vec<Duration> {
        let begin = Instant::now();
        let (mut now, mut pace) = (begin, Pace::new(NonZeroU32::new(rate).expect("a rate")));
        let start = |late_us: &u64| {
            while let Some(due) = pace.due(now).filter(|due| *due > now) {
                now = due;
            }
            now += Duration::from_micros(*late_us);
            // Late is late: what was due is due still.
            assert!(pace.due(now).is_none_or(|due| due <= now));
            pace.start(now);
            now - begin
        };
        late_us.iter().cycle().take(count).map(start).collect()
    }

    fn most_in_a_second(starts: &[Duration]) -> usize {
        let within = |(at, start): (usize, &Duration)| {
            starts[at..].iter().take_while(|next| **next < *start + Duration::from_secs(1)).count()
        };
        starts.iter().enumerate().map(within).max().unwrap_or_default()
    }

    #[test]
    fn attempts_start_evenly_and_a_late_one_holds_up_none_behind_it() {
        let even = starts(100, 1_000, &[0]);
        let gaps: HashSet<Duration> = even.windows(2).map(|pair| pair[1].abs_diff(pair[0])).collect();
        assert_eq!(gaps, HashSet::from([Duration::from_micros(10_200)]));
        // Three of the run's first one after the other, and a timer that is never on time.
        let mut late_us = [700; 997];
        late_us[..3].fill(32_000);
        let late = starts(100, 997, &late_us);
        let behind = late[996].saturating_sub(late[0] + even[996]);
        assert!(behind <= Duration::from_millis(1), "{behind:?}");
        assert_eq!((most_in_a_second(&even), most_in_a_second(&late)), (99, 100));
    }

    proptest::proptest! {
        #[test]
        fn no_second_sees_more_than_the_rate_however_late_attempts_start(
            rate in 1_u32..80,
            late_us in proptest::collection::vec(proptest::prop_oneof![4 => 0_u64..2_000, 1 => 0_u64..400_000], 1..40),
        ) {
            let starts = starts(rate, 400, &late_us);
            proptest::prop_assert!(most_in_a_second(&starts) <= rate as usize);
        }
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
                let _slot = enter(&gate).await;
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
            let _first = enter(&gate).await;
            assert!(before.elapsed() >= Duration::from_millis(60));
        });
    }

    #[test]
    fn slots_are_given_back() {
        block_on(async {
            let gate = Gate::new(1, None);
            drop(enter(&gate).await);
            assert_eq!(gate.idle(), 1);
            let held = enter(&gate).await;
            assert_eq!(gate.idle(), 0);
            let second = tokio::time::timeout(Duration::from_millis(20), enter(&gate)).await;
            assert!(second.is_err(), "the only slot is held");
            drop(held);
            assert_eq!(gate.idle(), 1, "who gave up waiting is not counted");
        });
    }
}
