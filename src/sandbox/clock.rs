//! A clock for answers that take their time. The runtime's own timers are late by up to two milliseconds, which would
//! be the sandbox's and not its guests' in every measurement; a thread that waits for the next moment is late by less than a
//! tenth of one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

/// Wakes whoever waits for a moment; its thread begins with the first of them, and ends with the clock.
#[derive(Debug, Default)]
pub(super) struct Clock(Arc<Face>);

#[derive(Debug, Default)]
struct Face {
    alarms: Mutex<Alarms>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Alarms {
    waiting: BinaryHeap<Reverse<Alarm>>,
    set: u64,
    has_thread: bool,
    is_over: bool,
}

#[derive(Debug)]
struct Alarm {
    at: Instant,
    /// Tells alarms of the same moment apart.
    number: u64,
    ring: oneshot::Sender<()>,
}

impl Clock {
    /// Waits until then.
    pub(super) async fn wait_until(&self, at: Instant) {
        let (ring, rung) = oneshot::channel();
        if self.set(at, ring).is_err() {
            // No thread for it: later is better than never.
            return tokio::time::sleep_until(at.into()).await;
        }
        // A clock that is gone rings no more; then its sandbox is gone too.
        let _ = rung.await;
    }

    fn set(&self, at: Instant, ring: oneshot::Sender<()>) -> std::io::Result<()> {
        let mut alarms = self.0.lock();
        if !alarms.has_thread {
            let face = Arc::clone(&self.0);
            std::thread::Builder::new().name("sandbox clock".to_owned()).spawn(move || face.run())?;
            alarms.has_thread = true;
        }
        alarms.set += 1;
        let is_next = alarms.waiting.peek().is_none_or(|next| at < next.0.at);
        let number = alarms.set;
        alarms.waiting.push(Reverse(Alarm { at, number, ring }));
        if is_next {
            self.0.changed.notify_one();
        }
        Ok(())
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_one();
    }
}

impl Face {
    fn run(&self) {
        let mut alarms = self.lock();
        while !alarms.is_over {
            let now = Instant::now();
            alarms = match alarms.waiting.peek().map(|next| next.0.at) {
                Some(at) if at <= now => {
                    let Reverse(due) = alarms.waiting.pop().expect("it was seen");
                    // Who does not wait any more need not hear it.
                    let _ = due.ring.send(());
                    continue;
                }
                Some(at) => {
                    let woken = self.changed.wait_timeout(alarms, at - now);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(alarms).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Alarms> {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Alarm {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Alarm {}

impl PartialOrd for Alarm {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Alarm {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_rings_in_the_order_of_the_moments_and_never_early() {
        let (clock, begin) = (Clock::default(), Instant::now());
        let rung = Mutex::new(Vec::new());
        let wait = async |ms: u64| {
            clock.wait_until(begin + Duration::from_millis(ms)).await;
            assert!(begin.elapsed() >= Duration::from_millis(ms));
            rung.lock().expect("nobody panics").push(ms);
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async { tokio::join!(wait(60), wait(0), wait(20), wait(40), wait(20)) });
        assert_eq!(*rung.lock().expect("nobody panics"), [0, 20, 20, 40, 60]);
    }
}
