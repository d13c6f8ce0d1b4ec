//! The check `seam`, looking forward: where days after the window were committed before it (a backfill, a window run again),
//! they open where the window closes now. Such a break is the one that a run of those later days would find at their
//! first row, and goes away with that run, or with one after which the window closes there.

use std::collections::{HashMap, HashSet};

use super::{dataset_of, key_of};
use crate::Result;
use crate::breaks::{Break, Cause, Check, Subject};
use crate::output::{OutputDir, Publication};
use crate::reconcile::Prior;
use crate::record::{BalanceRow, Day, Feed, Money, Owner, OwnerKind, minor_digits};
use crate::state::{OwnerKey, State};

/// What was committed of the days after the window, and what does not go on from the window's closing.
#[derive(Debug)]
pub(super) struct LaterDays {
    /// The first opening after the window of each owner of whom every day until then is known.
    openings: HashMap<OwnerKey, (Day, Money)>,
    failing: Vec<Failing>,
    tying: HashMap<OwnerKey, Day>,
}

#[derive(Debug)]
struct Failing {
    owner: Owner,
    currency: Option<String>,
    closed: Prior,
    opened: (Day, Money),
}

impl LaterDays {
    pub(super) fn read(out: &OutputDir, last: Day) -> Result<LaterDays> {
        let openings = out.state().unbroken_openings_after(last)?;
        Ok(LaterDays { openings, failing: Vec::new(), tying: HashMap::new() })
    }

    /// Compares the last closing of an owner whose listing is whole. `prior` is the closing before the window, which
    /// stands where the window has no balance.
    pub(super) fn compare(&mut self, owner: &Owner, balances: &[BalanceRow], prior: Option<Prior>) {
        let Some(opened) = self.openings.remove(&key_of(owner)) else {
            return;
        };
        let closed = match balances.last() {
            Some(day) => day.closing.map(|closing| Prior { day: day.booking_date, closing }),
            None => prior,
        };
        let currency = balances.last().and_then(|day| day.currency.clone());
        match closed {
            None => {}
            Some(closed) if closed.closing == opened.1 => {
                self.tying.insert(key_of(owner), opened.0);
            }
            Some(closed) => self.failing.push(Failing { owner: owner.clone(), currency, closed, opened }),
        }
    }

    /// The breaks, each at the first row of its later day, and the ids of known ones that are over.
    pub(super) fn finish(self, publication: &Publication, state: &State) -> Result<(Vec<Break>, Vec<String>)> {
        let mut breaks = Vec::new();
        for kind in [OwnerKind::Account, OwnerKind::Card] {
            let of_kind = |failing: &&Failing| failing.owner.kind == kind;
            let feed = if kind == OwnerKind::Card { Feed::CardTransactions } else { Feed::AccountStatements };
            let mut owners: HashMap<Day, HashSet<OwnerKey>> = HashMap::new();
            for failing in self.failing.iter().filter(of_kind) {
                owners.entry(failing.opened.0).or_default().insert(key_of(&failing.owner));
            }
            let firsts: HashMap<Day, HashMap<OwnerKey, String>> =
                owners.iter().map(|(day, owners)| (*day, first_rows(publication, feed, *day, owners))).collect();
            for failing in self.failing.iter().filter(of_kind) {
                let first = firsts.get(&failing.opened.0).and_then(|rows| rows.get(&key_of(&failing.owner)));
                breaks
                    .push(failing.tell(first.map_or(Subject::Listing(feed.name()), |txid| Subject::Row(txid.clone()))));
            }
        }
        let over = if self.tying.is_empty() { Vec::new() } else { self.over(state)? };
        Ok((breaks, over))
    }

    fn over(&self, state: &State) -> Result<Vec<String>> {
        let is_over = |known: &crate::state::KnownBreak| {
            let opened = self.tying.get(&(known.owner_kind, known.owner_id.clone()));
            known.check == Check::Seam.name()
                && known.status != "resolved"
                && opened.is_some_and(|day| known.booking_date == Some(*day))
        };
        let known = state.known_breaks()?;
        let mut over: Vec<String> = known.into_values().filter(is_over).map(|known| known.break_id).collect();
        over.sort();
        Ok(over)
    }
}

/// The first row of each owner's day that moved its balance.
fn first_rows(
    publication: &Publication,
    feed: Feed,
    day: Day,
    owners: &HashSet<OwnerKey>,
) -> HashMap<OwnerKey, String> {
    let mut firsts = HashMap::new();
    for (owner, row) in publication.committed_rows(dataset_of(feed), day, owners) {
        if matches!(row.status.as_deref(), None | Some("settled")) {
            firsts.entry(key_of(&owner)).or_insert(row.key);
        }
    }
    firsts
}

impl Failing {
    fn tell(&self, subject: Subject) -> Break {
        let money = |amount: Money| amount.text(minor_digits(self.currency.as_deref()));
        let ((day, opening), closed) = (self.opened, self.closed);
        let off = opening.checked_sub(closed.closing);
        let explanation = format!(
            "{} closes at {}, but {day}, committed earlier, opens at {}: off by {}; run the days from {day} on again",
            closed.day,
            money(closed.closing),
            money(opening),
            off.map_or_else(|| "more than can be held".to_owned(), money),
        );
        Break {
            check: Check::Seam,
            cause: Cause::Unexplained,
            owner: self.owner.clone(),
            subject,
            booking_date: Some(day),
            currency: self.currency.clone(),
            amounts: Some((closed.closing, opening)),
            explanation,
        }
    }
}
