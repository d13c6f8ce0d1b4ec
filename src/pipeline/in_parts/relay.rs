//! What one part hands to the next: several are read and decoded at once, but each is walked from where the one before it
//! ended.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::reconcile::Prior;
use crate::record::{Day, Money, Total};

/// Where a part has to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Baton {
    /// The balance before the first row that the part knows.
    pub held: Option<Money>,
    /// The balance after the last settled row so far, or that of an earlier run.
    pub closing: Option<Money>,
    /// That row and its day.
    pub last: Option<(String, Day)>,
    /// ISO 4217 code, of the first row that told one.
    pub currency: Option<String>,
    /// Sums of all pending rows so far, and of the debits among them.
    pub pending: (Total, Total),
}

/// The batons of an owner's parts.
#[derive(Debug)]
pub(super) struct Relay {
    batons: Mutex<Vec<Option<Baton>>>,
    passed: Condvar,
}

impl Relay {
    /// Of that many parts, the first of which goes on from an earlier run.
    pub fn new(parts: usize, prior: Option<Prior>) -> Relay {
        let closing = prior.map(|prior| prior.closing);
        let mut batons = vec![None; parts + 1];
        batons[0] = Some(Baton { held: closing, closing, ..Baton::default() });
        Relay { batons: Mutex::new(batons), passed: Condvar::new() }
    }

    /// The turn of a part.
    pub fn turn(&self, part: usize) -> Turn<'_> {
        Turn { relay: self, part }
    }

    fn batons(&self) -> MutexGuard<'_, Vec<Option<Baton>>> {
        self.batons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A part's turn: when it is over, the next one goes on in any case.
pub(super) struct Turn<'r> {
    relay: &'r Relay,
    part: usize,
}

impl Turn<'_> {
    /// Waits for the part before.
    pub fn wait(&self) -> Baton {
        let batons = self.relay.batons();
        let batons = self.relay.passed.wait_while(batons, |batons| batons[self.part].is_none());
        batons.unwrap_or_else(PoisonError::into_inner)[self.part].clone().expect("waited for it")
    }

    /// Hands over to the next part.
    pub fn pass(&self, baton: Baton) {
        if let Some(next) = self.relay.batons().get_mut(self.part + 1) {
            next.get_or_insert(baton);
        }
        self.relay.passed.notify_all();
    }
}

impl Drop for Turn<'_> {
    /// A part that failed ends the run: what the next one makes of it is taken by nobody.
    fn drop(&mut self) {
        self.pass(Baton::default());
    }
}
