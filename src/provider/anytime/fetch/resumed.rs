//! What an interrupted run has landed, in place of requests.

use bytes::Bytes;

use super::super::client::landed_page;
use super::super::route;
use super::{Fetch, Read, Wanted, asked};
use crate::Result;
use crate::landing::{BalanceReading, ListingPage, Proof, Replay, ResponseId, Resumed, Subject};
use crate::provider::pager::{Outcome, Page};
use crate::record::Owner;

impl Fetch<'_> {
    /// The readings that an interrupted run has noted, if it has those of all cards of the account whose balance is told.
    pub(super) fn noted_card_balances(&self, acc_id: &str, cards: &[String]) -> Option<Vec<BalanceReading>> {
        let resumed = self.landing.resumed()?;
        let before = self.cards_before.lock().expect("no thread panics while it notes balances");
        let told = cards.iter().filter(|card_ref| before.contains_key(*card_ref));
        let noted = |card_ref: &String| resumed.balance(&Owner::card(acc_id, card_ref)).cloned();
        told.map(noted).collect::<Option<Vec<_>>>().filter(|readings| !readings.is_empty())
    }

    /// A listing that an interrupted run has read and proved.
    pub(super) fn noted(&self, wanted: &Wanted, mut seen: impl FnMut(&Page)) -> Option<Read> {
        let resumed = self.landing.resumed()?;
        let listing = resumed.listing(wanted.subject, &asked(wanted).ok()?)?.clone();
        let Proof::Proved(certificate) = &listing.proof else { return None };
        let rows = certificate.rows;
        // All of them before the first is shown: one that cannot be read means that none was.
        let page = |page: &ListingPage| page_of(resumed, page.response, wanted.subject);
        let pages: Vec<Page> = listing.pages.iter().map(page).collect::<Option<_>>()?;
        pages.iter().for_each(&mut seen);
        let outcome =
            Outcome { pages: listing.pages.clone(), rows, proof: listing.proof.clone(), limits_ignored: false };
        Some(Read { outcome, noted: Some(listing) })
    }

    /// What an interrupted run was answered when it asked for `asked`. Its last answer is asked for again: what the listing
    /// is proved by is what the provider says now.
    pub(super) fn replay(&self, asked: &[&str]) -> Result<Replay> {
        let Some(resumed) = self.landing.resumed() else {
            return Ok(Replay::default());
        };
        let (replay, last) = resumed.replay(asked);
        last.map_or(Ok(()), |last| self.landing.note_set_aside(last))?;
        Ok(replay)
    }

    /// The landed answer to a request, if the replay has it next.
    pub(super) fn landed(&self, replay: &mut Replay, target: &str) -> Option<(ResponseId, Bytes)> {
        let response = replay.next(target)?;
        let body = self.landing.resumed()?.read(response);
        body.map(|body| (response, body)).inspect_err(|error| tracing::warn!(%error, "asked for again")).ok()
    }
}

fn page_of(resumed: &Resumed, response: ResponseId, subject: Subject) -> Option<Page> {
    let page = resumed
        .read(response)
        .map_err(|error| error.one_line())
        .and_then(|body| landed_page(response, body, route(subject).rows));
    page.inspect_err(|because| tracing::warn!(because, "a landed page is asked for again")).ok()
}
