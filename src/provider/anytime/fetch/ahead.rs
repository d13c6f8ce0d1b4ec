//! Pages of a listing asked for before their turn, where the gate would stand idle: an owner with a long listing, left over
//! when all others are read, is read by all of the gate's slots.
//!
//! Nothing is taken before its turn: the pager decides what a page shows, and the request that it asks for is merely on
//! its way already. Whether there is such a page at all is told by `total_results`, where that counts the listing's rows;
//! elsewhere it is a guess, and guesses that lead beyond the end are requests for nothing. Few are made until a listing has
//! shown that it is long: of one that has gone on for many pages, few more are likely to be there too. What was for
//! nothing is bounded by a share of all requests of the run, and by what is in flight at the time.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt;
use futures_util::stream::{FuturesUnordered, SelectAll};

use super::Fetch;
use crate::provider::pager::{Ask, Expected, Page, Pager};
use crate::provider::retry::Trouble;

/// Of so many requests one may be for nothing.
const REQUESTS_PER_GUESS: u64 = 50;
/// Of so many, where the provider's own count said that there was a page.
const REQUESTS_PER_TOLD: u64 = 20;
/// A listing of so many pages is likely to have one more.
const PAGES_PER_GUESS: u32 = 2;

/// What became of the requests that went ahead of their turn, over all listings of a run.
#[derive(Debug, Default)]
pub(super) struct Guesses {
    open: AtomicU64,
    wasted: AtomicU64,
}

impl Guesses {
    /// Whether the request may be sent that is so many `pages` ahead, after so many requests of all kinds.
    fn allow(&self, expected: Expected, pages: u32, requests: u64) -> bool {
        let (open, wasted) = (self.open.load(Ordering::Relaxed), self.wasted.load(Ordering::Relaxed));
        if expected.is_told {
            return wasted * REQUESTS_PER_TOLD <= requests;
        }
        let is_likely = pages * PAGES_PER_GUESS <= expected.read;
        (is_likely && wasted * REQUESTS_PER_GUESS <= requests) || (open + wasted + 1) * REQUESTS_PER_GUESS <= requests
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
    /// What was in flight when its pass was over: waited for, and taken for nothing.
    outdated: SelectAll<FuturesUnordered<F>>,
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
        Self { fetch, send, in_flight, outdated: SelectAll::new(), early, answered, is_wary: false }
    }

    /// The page that `pager` asks for. What `is_there` already is not asked for ahead of its turn.
    pub(super) async fn page(
        &mut self,
        ask: Ask,
        pager: &Pager,
        is_there: impl Fn(Ask) -> bool,
    ) -> Result<Page, Trouble> {
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
            self.look_ahead(pager, unsent, &is_there);
            unsent = 0;
            let (answered, outcome) = tokio::select! {
                Some(outdated) = self.outdated.next() => {
                    no_end_of_run(outdated)?;
                    continue;
                }
                Some(answer) = self.in_flight.next() => answer,
                else => unreachable!("the page that is waited for is in flight"),
            };
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

    /// Forgets what is in flight: it was asked for in a pass that is over, so that nothing of it may be taken for a part of
    /// the next.
    pub(super) fn begin_anew(&mut self) {
        if !self.in_flight.is_empty() {
            self.outdated.push(std::mem::take(&mut self.in_flight));
        }
        self.answered.clear();
        self.fetch.guesses.waste(self.early.len());
        self.early.clear();
    }

    /// Waits for what is in flight, though nobody needs it: to break it off would cost its connection.
    pub(super) async fn settle(mut self) -> Result<(), Trouble> {
        self.begin_anew();
        while let Some(outdated) = self.outdated.next().await {
            no_end_of_run(outdated)?;
        }
        Ok(())
    }

    /// Sends what will be asked for next, as far as the gate is idle.
    fn look_ahead(&mut self, pager: &Pager, unsent: usize, is_there: &impl Fn(Ask) -> bool) {
        let mut idle = self.fetch.client.idle_slots().saturating_sub(unsent);
        let ahead_max = u32::try_from(self.fetch.connection.concurrency).unwrap_or(u32::MAX);
        for pages in 1..=ahead_max {
            if idle == 0 || self.is_wary {
                return;
            }
            let Some(expected) = pager.expected(pages) else { return };
            if self.early.contains(&expected.ask) || is_there(expected.ask) {
                continue;
            }
            if !self.fetch.guesses.allow(expected, pages, self.fetch.client.requests()) {
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

/// Of an answer that nobody needs, all that counts is whether any further one can come.
fn no_end_of_run((_, outcome): (Ask, Result<Page, Trouble>)) -> Result<(), Trouble> {
    match outcome {
        Err(trouble) if trouble.ends_run => Err(trouble),
        _ => Ok(()),
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

    fn expected(is_told: bool, read: u32) -> Expected {
        Expected { ask: Ask { start: 0, limit: 100 }, is_told, read }
    }

    #[test]
    fn guesses_are_bounded_by_a_share_of_all_requests() {
        let guesses = Guesses::default();
        let allow = |requests| guesses.allow(expected(false, 3), 2, requests);
        assert!(!allow(49) && allow(50));
        guesses.sent();
        assert!(!allow(99) && allow(100));
        guesses.used();
        assert!(allow(50), "what was needed is no waste");
        (0..3).for_each(|_| guesses.sent());
        guesses.waste(3);
        assert!(!allow(199) && allow(200));
        let allow_told = |requests| guesses.allow(expected(true, 3), 2, requests);
        assert!(allow_told(60) && !allow_told(59), "a count that proved wrong is believed less");
    }

    #[test]
    fn a_long_listing_is_believed_to_go_on() {
        let guesses = Guesses::default();
        let allow = |read, pages, requests| guesses.allow(expected(false, read), pages, requests);
        assert!(allow(14, 7, 20) && !allow(13, 7, 20));
        (0..7).for_each(|_| guesses.sent());
        assert!(allow(16, 8, 30), "what is not known yet is no waste");
        guesses.waste(7);
        assert!(!allow(20, 1, 349) && allow(20, 1, 350), "until guesses have been wrong too often");
    }
}
