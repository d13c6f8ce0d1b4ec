//! Pages of a listing asked for before their turn, where the gate would stand idle: an owner with a long listing, left over
//! when all others are read, is read by all of the gate's slots.
//!
//! Nothing is taken before its turn: the pager decides what a page shows, and the request that it asks for is merely on
//! its way already. Whether there is such a page at all is told by `total_results`, where that counts the listing's rows;
//! elsewhere it is a guess, and guesses that lead beyond the end are requests for nothing. They are bounded by a share of
//! all requests of the run.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::Fetch;
use crate::provider::pager::{Ask, Page, Pager};
use crate::provider::retry::Trouble;

/// Of so many requests one may be for nothing.
const REQUESTS_PER_GUESS: u64 = 50;
/// Of so many, where the provider's own count said that there was a page.
const REQUESTS_PER_TOLD: u64 = 20;

/// What became of the requests that went ahead of their turn, over all listings of a run.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    open: AtomicU64,
    wasted: AtomicU64,
}

impl Guesses {
    /// Whether one more may be sent, after so many requests of all kinds.
    fn allow(&self, is_told: bool, requests: u64) -> bool {
        let (open, wasted) = (self.open.load(Ordering::Relaxed), self.wasted.load(Ordering::Relaxed));
        if is_told {
            wasted * REQUESTS_PER_TOLD <= requests
        } else {
            (open + wasted + 1) * REQUESTS_PER_GUESS <= requests
        }
    }

    fn sent(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    fn used(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    fn waste(&self, requests: usize) {
        let requests = requests as u64;
        self.open.fetch_sub(requests, Ordering::Relaxed);
        self.wasted.fetch_add(requests, Ordering::Relaxed);
    }
}

/// The requests of one listing, those ahead of their turn included.
pub(super) struct Ahead<'f, 'c, P, F> {
    fetch: &'f Fetch<'c>,
    /// Sends a request.
    send: P,
    in_flight: FuturesUnordered<F>,
    /// What was sent ahead of its turn, and is not needed yet.
    early: Vec<Ask>,
    /// Answers that came before their turn.
    answered: Vec<(Ask, Page)>,
    /// One went wrong: the listing's next requests wait for their turn.
    is_wary: bool,
}

impl<'f, 'c, P, F> Ahead<'f, 'c, P, F>
where
    P: Fn(Ask) -> F,
    F: Future<Output = (Ask, Result<Page, Trouble>)>,
{
    /// For one listing, whose requests are sent by `send`.
    pub(super) fn new(fetch: &'f Fetch<'c>, send: P) -> Self {
        let (in_flight, early, answered) = (FuturesUnordered::new(), Vec::new(), Vec::new());
        Self { fetch, send, in_flight, early, answered, is_wary: false }
    }

    /// The page that `pager` asks for.
    pub(super) async fn page(&mut self, ask: Ask, pager: &Pager) -> Result<Page, Trouble> {
        let is_under_way = self.take_early(ask);
        if let Some(at) = self.answered.iter().position(|(answered, _)| *answered == ask) {
            return Ok(self.answered.swap_remove(at).1);
        }
        if !is_under_way {
            self.in_flight.push((self.send)(ask));
        }
        // What was just sent stands before the gate the next time that all are polled.
        let mut unsent = usize::from(!is_under_way);
        loop {
            self.look_ahead(pager, unsent);
            unsent = 0;
            let (answered, outcome) = self.in_flight.next().await.expect("the page that is waited for is in flight");
            if answered == ask {
                return outcome;
            }
            match outcome {
                Ok(page) => self.answered.push((answered, page)),
                Err(trouble) if trouble.ends_run => return Err(trouble),
                // If it is needed, it is asked for in its turn, and then tells what is wrong.
                Err(_) => {
                    self.is_wary = true;
                    self.forget(answered);
                }
            }
        }
    }

    /// Waits for what is in flight, and forgets it: it was asked for in a pass that is over, so that nothing of it may be
    /// taken for a part of the next.
    pub(super) async fn settle(&mut self) -> Result<(), Trouble> {
        while let Some((_, outcome)) = self.in_flight.next().await {
            if let Err(trouble) = outcome.map(drop)
                && trouble.ends_run
            {
                return Err(trouble);
            }
        }
        self.answered.clear();
        self.fetch.guesses.waste(self.early.len());
        self.early.clear();
        Ok(())
    }

    /// Sends what will be asked for next, as far as the gate is idle.
    fn look_ahead(&mut self, pager: &Pager, unsent: usize) {
        let mut idle = self.fetch.client.idle_slots().saturating_sub(unsent);
        let ahead_max = u32::try_from(self.fetch.connection.concurrency).unwrap_or(u32::MAX);
        for pages in 1..=ahead_max {
            if idle == 0 || self.is_wary {
                return;
            }
            let Some(expected) = pager.expected(pages) else { return };
            if self.early.contains(&expected.ask) {
                continue;
            }
            if !self.fetch.guesses.allow(expected.is_told, self.fetch.client.requests()) {
                return;
            }
            self.fetch.guesses.sent();
            self.early.push(expected.ask);
            self.in_flight.push((self.send)(expected.ask));
            idle -= 1;
        }
    }

    /// Whether a request was sent ahead of its turn, which now has come.
    fn take_early(&mut self, ask: Ask) -> bool {
        let at = self.early.iter().position(|early| *early == ask);
        if let Some(at) = at {
            self.early.swap_remove(at);
            self.fetch.guesses.used();
        }
        at.is_some()
    }

    fn forget(&mut self, ask: Ask) {
        if let Some(at) = self.early.iter().position(|early| *early == ask) {
            self.early.swap_remove(at);
            self.fetch.guesses.waste(1);
        }
    }
}

impl<P, F> Drop for Ahead<'_, '_, P, F> {
    fn drop(&mut self) {
        // A listing that failed leaves some behind.
        self.fetch.guesses.waste(self.early.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_bounded_by_a_share_of_all_requests() {
        let guesses = Guesses::default();
        assert!(!guesses.allow(false, 49) && guesses.allow(false, 50));
        guesses.sent();
        assert!(!guesses.allow(false, 99) && guesses.allow(false, 100));
        guesses.used();
        assert!(guesses.allow(false, 50), "what was needed is no waste");
        (0..3).for_each(|_| guesses.sent());
        guesses.waste(3);
        assert!(!guesses.allow(false, 199) && guesses.allow(false, 200));
        assert!(guesses.allow(true, 60) && !guesses.allow(true, 59), "a count that proved wrong is believed less");
    }
}
