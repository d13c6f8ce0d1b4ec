//! Cards: their lists, and what is asked for once the rows of all of them have been read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::{Done, Fetch, Job, Wanted, date_filter, distinct, wire};
use crate::landing::{BalanceReading, Replay, ResponseId, Subject};
use crate::provider::anytime::date_filter::Verdict;
use crate::provider::pager::{Outcome, Page};
use crate::provider::retry::Trouble;
use crate::provider::{CardInfo, Fetched};
use crate::record::{Money, Owner};

/// Cards whose margin is read to learn the meaning of the date filter.
const PROBED_CARDS_MAX: usize = 3;

/// How far the cards are.
pub(super) struct Cards {
    stage: Stage,
    /// Jobs of theirs that wait or are worked on.
    open: usize,
    met: HashSet<String>,
    rows: BTreeMap<Owner, u64>,
}

/// What has been read, or is being read, of all cards.
enum Stage {
    Rows,
    /// The margins of a few, to learn what the date filter means.
    Probes(Vec<Owner>),
    /// The margins of all that need it.
    Margins,
    Balances,
}

impl Cards {
    /// Before the first of so many lists of cards.
    pub(super) fn new(lists: usize) -> Self {
        Self { stage: Stage::Rows, open: lists, met: HashSet::new(), rows: BTreeMap::new() }
    }

    /// A list of cards has been read; those of them whose rows are to be read. A card that another account listed too is
    /// read once: its rows are one chain.
    pub(super) fn listed(&mut self, cards: &[CardInfo]) -> Vec<Owner> {
        let is_new = |card: &&CardInfo| self.met.insert(card.card_ref.clone());
        let owners: Vec<Owner> =
            cards.iter().filter(is_new).map(|card| Owner::card(&card.acc_id, &card.card_ref)).collect();
        self.open += owners.len();
        self.done();
        owners
    }

    /// So many rows of a card have been read.
    pub(super) fn read(&mut self, owner: &Owner, rows: u64) {
        *self.rows.entry(owner.clone()).or_default() += rows;
        self.done();
    }

    /// A job of theirs is done.
    pub(super) fn done(&mut self) {
        self.open = self.open.checked_sub(1).expect("each job is done once");
    }

    /// Those that were read, the one with the most rows first.
    fn by_rows(&self) -> Vec<Owner> {
        let mut owners: Vec<Owner> = self.rows.keys().cloned().collect();
        // Stable: cards with equally many rows stay in their own order.
        owners.sort_by_key(|owner| Reverse(self.rows[owner]));
        owners
    }
}

impl Fetch<'_> {
    /// What is to be done once all that was to be done for cards is done: the days before the window are read where card
    /// transactions of the window may hide, for a few cards if the rows have not told what the filter means, then for all
    /// if it is the day of the transaction. At last, the lists are read once more for the balances.
    pub(super) fn next_of_cards(&self, cards: &mut Cards, fetched: &mut Fetched) -> VecDeque<Job> {
        let mut jobs = VecDeque::new();
        while cards.open == 0 && jobs.is_empty() {
            let (next, of_stage) = match &cards.stage {
                Stage::Rows if self.verdict() == Verdict::Unknown => {
                    let with_rows = cards.by_rows().into_iter().filter(|owner| cards.rows[owner] > 0);
                    let probed: Vec<Owner> = with_rows.take(PROBED_CARDS_MAX).collect();
                    let jobs = self.margin_jobs(&probed);
                    (Stage::Probes(probed), jobs)
                }
                Stage::Rows => (Stage::Probes(Vec::new()), VecDeque::new()),
                Stage::Probes(probed) if self.verdict().needs_margin() => {
                    let mut owners = cards.by_rows();
                    owners.retain(|owner| !probed.contains(owner));
                    (Stage::Margins, self.margin_jobs(&owners))
                }
                Stage::Probes(_) => (Stage::Margins, VecDeque::new()),
                Stage::Margins => (Stage::Balances, self.card_balance_jobs(fetched)),
                Stage::Balances => break,
            };
            (cards.stage, jobs) = (next, of_stage);
        }
        cards.open += jobs.len();
        jobs
    }

    /// Reads the list of an account's cards.
    pub(super) async fn cards(&self, acc_id: String) -> Result<Done, Trouble> {
        let wanted = Wanted { subject: Subject::Cards, owner: Owner::account(&acc_id), range: None };
        self.progress.listing_started(wanted.subject, &wanted.owner);
        let mut pages = HashMap::new();
        let read = self.read(&wanted, |page| drop(pages.insert(page.response, page.clone()))).await;
        let read = match read {
            Ok(read) => read,
            Err(trouble) => return Ok(Done::Cards(self.failed(&wanted, trouble)?, Vec::new())),
        };
        let (cards, nameless) = distinct(&read.outcome, &pages, wire::card, |card| card.card_ref.as_deref());
        if self.reaches.is_some() {
            let mut before = self.cards_before.lock().expect("no thread panics while it notes balances");
            for (card_ref, response) in balances_listed(&read.outcome, &pages) {
                before.entry(card_ref).or_insert(response);
            }
        }
        let listing = self.listed(&wanted, read, nameless.then_some("card_ref"))?;
        let known = |card: wire::Card| CardInfo {
            acc_id: acc_id.clone(),
            card_ref: card.card_ref.unwrap_or_default(),
            status: card.status,
            balance: card.balance,
        };
        Ok(Done::Cards(listing, cards.into_iter().map(known).collect()))
    }

    fn margin_jobs(&self, owners: &[Owner]) -> VecDeque<Job> {
        let range = Some(date_filter::margin_range(self.plan.window));
        let wanted = |owner: &Owner| Wanted { subject: Subject::CardTransactions, owner: owner.clone(), range };
        owners.iter().map(wanted).map(Job::Rows).collect()
    }

    /// The accounts whose cards are listed once more, now that all rows of the cards have been read.
    fn card_balance_jobs(&self, fetched: &mut Fetched) -> VecDeque<Job> {
        fetched.cards.sort_by_key(|card| Owner::card(&card.acc_id, &card.card_ref));
        let by_account = fetched.cards.chunk_by(|a, b| a.acc_id == b.acc_id);
        let again = |cards: &[CardInfo]| Job::CardBalances {
            acc_id: cards[0].acc_id.clone(),
            cards: cards.iter().map(|card| card.card_ref.clone()).collect(),
        };
        by_account.filter(|_| self.reaches.is_some()).map(again).collect()
    }

    /// Reads that list once more.
    pub(super) async fn card_balances(
        &self,
        acc_id: String,
        cards: Vec<String>,
    ) -> Result<Vec<BalanceReading>, Trouble> {
        if let Some(noted) = self.noted_card_balances(&acc_id, &cards) {
            return Ok(noted);
        }
        let wanted = Wanted { subject: Subject::Cards, owner: Owner::account(&acc_id), range: None };
        let mut pages = HashMap::new();
        let mut nothing = Replay::default();
        let read_now = self.page_through(&wanted, &mut nothing, |page| drop(pages.insert(page.response, page.clone())));
        let outcome = match read_now.await {
            Ok(outcome) => outcome,
            Err(trouble) if trouble.ends_run => return Err(trouble),
            Err(trouble) => {
                tracing::warn!(acc_id, error = trouble.error.one_line(), "its cards' balances could not be read");
                return Ok(Vec::new());
            }
        };
        let mut readings = Vec::new();
        for (card_ref, after) in balances_listed(&outcome, &pages) {
            let first =
                self.cards_before.lock().expect("no thread panics while it notes balances").get(&card_ref).copied();
            if let Some(before) = first {
                let reading = BalanceReading { owner: Owner::card(&acc_id, card_ref), before, after };
                self.landing.note_balance(&reading)?;
                readings.push(reading);
            }
        }
        Ok(readings)
    }
}

/// Where each card's balance stands.
fn balances_listed(outcome: &Outcome, pages: &HashMap<ResponseId, Page>) -> Vec<(String, ResponseId)> {
    let rows_of = |response: ResponseId| pages[&response].rows().map(move |row| (response, row));
    let place = |(response, row): (ResponseId, &[u8])| {
        let card = wire::card(std::str::from_utf8(row).expect("rows are borrowed from a text"));
        Money::parse(card.balance?.trim()).ok()?;
        Some((card.card_ref?, response))
    };
    outcome.pages.iter().flat_map(|listed| rows_of(listed.response)).filter_map(place).collect()
}
