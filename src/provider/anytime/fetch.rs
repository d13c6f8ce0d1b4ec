//! Everything that a plan needs: accounts, their cards, and all listings of its feeds, several at a time.

mod ahead;
mod cards;
mod resumed;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use memchr::memmem;
use tracing::Instrument;

use self::ahead::{Ahead, Guesses};
use self::cards::Cards;
use super::client::{Client, landed_page};
use super::date_filter::{self, DateFilter, Verdict};
use super::{NAME, account_path, auth, balance_path, details, path, route, wire};
use crate::job::{Connection, Plan};
use crate::landing::{BalanceReading, Landing, Listing, Proof, Replay, ResponseId, Shelf, Subject};
use crate::provider::pager::{Ask, Outcome, Page, Pager, Settings};
use crate::provider::retry::Trouble;
use crate::provider::{AccountInfo, CardInfo, CheckReport, Fetched, Progress, Unwatched};
use crate::reconcile;
use crate::record::{Day, Feed, Money, Owner, OwnerKind, Window};
use crate::{Error, Result, trace};

/// Times that an account's statement is read while its balance moves.
const BALANCE_ROUNDS_MAX: usize = 3;

/// Loads the key, gets a token and makes one signed `apicheck`.
///
/// # Errors
/// When any of these fails.
pub async fn check(connection: &Connection) -> Result<CheckReport> {
    let client = Client::new(connection, None, &Unwatched)?;
    let read = |_: &str, envelope: &wire::Envelope<'_>, body: &serde_json::value::RawValue| {
        let date_time = wire::date_time(body).ok_or("expected a date_time in the answer")?;
        Ok((date_time, envelope.timestamp.and_then(auth::timestamp_s)))
    };
    let reply = client.get(Shelf::Other, "/v1.0/apicheck", read).await.map_err(|trouble| trouble.error)?;
    let (date_time, timestamp_s) = reply.value;
    Ok(CheckReport {
        key_bits: client.key_bits(),
        date_time,
        clock_ahead_s: timestamp_s.map(|timestamp_s| timestamp_s - Utc::now().timestamp()),
        requests: client.requests(),
        retries: client.retries(),
    })
}

/// Fetches all that the plan needs, and lands it.
///
/// # Errors
/// When the run as a whole cannot go on.
pub async fn fetch(
    plan: &Plan,
    connection: &Connection,
    landing: &Landing,
    progress: &dyn Progress,
) -> Result<Fetched> {
    let client = Client::new(connection, Some(landing), progress)?;
    let fetch = Fetch {
        plan,
        connection,
        landing,
        progress,
        client,
        date_filter: Mutex::new(DateFilter::new(plan.zone)),
        transfers_unlimited: AtomicBool::new(false),
        reaches: reconcile::closing::reaching(plan.window, plan.zone.day_at(landing.now())),
        cards_before: Mutex::default(),
        guesses: Guesses::default(),
    };
    let mut fetched = Fetched::default();
    fetch.run(&mut fetched).await.map_err(|trouble| trouble.error)?;
    fetched.requests = fetch.client.requests();
    fetched.retries = fetch.client.retries();
    fetched.date_filter = fetch.verdict().to_string();
    Ok(fetched)
}

struct Fetch<'a> {
    plan: &'a Plan,
    connection: &'a Connection,
    landing: &'a Landing,
    progress: &'a dyn Progress,
    client: Client<'a>,
    date_filter: Mutex<DateFilter>,
    /// Whether one listing of credit transfers has shown that limits are ignored: the others need not find out again.
    transfers_unlimited: AtomicBool,
    /// Today, if the window reaches so near to it that the owners' balances can be compared with their rows.
    reaches: Option<Day>,
    /// Where each card's balance stood when its account's cards were listed first.
    cards_before: Mutex<HashMap<String, ResponseId>>,
    /// What became of the pages that were asked for ahead of their turn.
    guesses: Guesses,
}

/// Something to fetch that waits for its turn.
#[derive(Debug, Clone)]
enum Job {
    /// An account's details.
    Details(wire::Account),
    /// An account's cards.
    Cards { acc_id: String },
    /// Rows of a feed.
    Rows(Wanted),
    /// An account's cards once more, for their balances.
    CardBalances { acc_id: String, cards: Vec<String> },
}

impl Job {
    fn is_of_cards(&self) -> bool {
        match self {
            Job::Cards { .. } | Job::CardBalances { .. } => true,
            Job::Rows(wanted) => wanted.subject == Subject::CardTransactions,
            Job::Details(_) => false,
        }
    }
}

/// A listing to read.
#[derive(Debug, Clone)]
struct Wanted {
    subject: Subject,
    owner: Owner,
    range: Option<Window>,
}

/// What came of a job.
enum Done {
    Details(AccountInfo),
    Cards(Listing, Vec<CardInfo>),
    Rows(Listing, u64, Option<BalanceReading>),
    CardBalances(Vec<BalanceReading>),
}

/// A listing's outcome, and the listing if an interrupted run has noted it.
struct Read {
    outcome: Outcome,
    noted: Option<Listing>,
}

impl Fetch<'_> {
    async fn run(&self, fetched: &mut Fetched) -> Result<(), Trouble> {
        let span = trace::fetch(Subject::Accounts, &Owner::provider(NAME));
        let accounts = self.accounts(fetched).instrument(span).await?;
        self.work(self.jobs(&accounts), fetched).await?;
        fetched.accounts.sort_by(|a, b| crate::record::feed::natural_cmp(&a.acc_id, &b.acc_id));
        fetched.cards.sort_by_key(|card| Owner::card(&card.acc_id, &card.card_ref));
        fetched.listings.sort_by(|a, b| a.subject.cmp(&b.subject).then_with(|| a.owner.cmp(&b.owner)));
        Ok(())
    }

    /// The accounts. Without their list there is no run.
    async fn accounts(&self, fetched: &mut Fetched) -> Result<Vec<wire::Account>, Trouble> {
        let wanted = Wanted { subject: Subject::Accounts, owner: Owner::provider(NAME), range: None };
        self.progress.listing_started(wanted.subject, &wanted.owner);
        let mut pages = HashMap::new();
        let read = self.read(&wanted, |page| drop(pages.insert(page.response, page.clone()))).await?;
        let (accounts, nameless) = distinct(&read.outcome, &pages, wire::account, |account| account.acc_id.as_deref());
        let listing = self.listed(&wanted, read, nameless.then_some("acc_id"))?;
        fetched.listings.push(listing);
        // Before anything of them is asked for.
        let is_ours = |account: &wire::Account| {
            self.plan.shard.is_none_or(|shard| account.acc_id.as_deref().is_none_or(|acc_id| shard.holds(acc_id)))
        };
        Ok(accounts.into_iter().filter(is_ours).collect())
    }

    /// What is to be done for each account: cards first, since their listings are known only then.
    fn jobs(&self, accounts: &[wire::Account]) -> VecDeque<Job> {
        let ids = || accounts.iter().filter_map(|account| account.acc_id.clone());
        let mut jobs = VecDeque::new();
        if self.plan.feeds.contains(&Feed::CardTransactions) {
            jobs.extend(ids().map(|acc_id| Job::Cards { acc_id }));
        }
        jobs.extend(accounts.iter().cloned().map(Job::Details));
        for feed in self.plan.feeds.iter().filter(|feed| feed.owner_kind() == OwnerKind::Account) {
            let subject = Subject::from(*feed);
            jobs.extend(ids().map(|acc_id| Job::Rows(self.wanted(subject, Owner::account(acc_id)))));
        }
        jobs
    }

    fn wanted(&self, subject: Subject, owner: Owner) -> Wanted {
        let mut range = route(subject).dated.then(|| date_filter::asked_range(self.plan.window));
        // The rows up to now, whether or not the range's last day is one of its days.
        if let (Some(range), Some(today)) = (&mut range, self.reaches) {
            range.to = range.to.max(today.next());
        }
        Wanted { subject, owner, range }
    }

    /// Works off `jobs` and those that come up meanwhile, so many at a time that the gate is never without a request.
    async fn work(&self, mut jobs: VecDeque<Job>, fetched: &mut Fetched) -> Result<(), Trouble> {
        let open_max = self.connection.concurrency.max(1) * 2;
        let mut open = FuturesUnordered::new();
        let mut cards = Cards::new(jobs.iter().filter(|job| job.is_of_cards()).count());
        loop {
            // In front: what is begun for cards has the others' rows to be read beside it.
            for job in self.next_of_cards(&mut cards, fetched).into_iter().rev() {
                jobs.push_front(job);
            }
            while open.len() < open_max
                && let Some(job) = jobs.pop_front()
            {
                open.push(self.work_on(job));
            }
            self.progress.listings_waiting(jobs.len());
            let Some(done) = open.next().await else {
                return Ok(());
            };
            match done? {
                Done::Details(account) => fetched.accounts.push(account),
                Done::Cards(listing, listed) => {
                    fetched.listings.push(listing);
                    // Cards have the longest listings: begun first, they leave the least to wait for at the end.
                    for owner in cards.listed(&listed) {
                        jobs.push_front(Job::Rows(self.wanted(Subject::CardTransactions, owner)));
                    }
                    fetched.cards.extend(listed);
                }
                Done::CardBalances(readings) => {
                    cards.done();
                    fetched.balances.extend(readings);
                }
                Done::Rows(listing, rows, reading) => {
                    fetched.balances.extend(reading);
                    if listing.subject == Subject::CardTransactions {
                        cards.read(&listing.owner, rows);
                    }
                    fetched.listings.push(listing);
                }
            }
        }
    }

    async fn work_on(&self, job: Job) -> Result<Done, Trouble> {
        match job {
            Job::Details(account) => self.details(account).await.map(Done::Details),
            Job::Cards { acc_id } => {
                let span = trace::fetch(Subject::Cards, &Owner::account(&acc_id));
                self.cards(acc_id).instrument(span).await
            }
            Job::Rows(wanted) => {
                let span = trace::fetch(wanted.subject, &wanted.owner);
                self.rows(wanted).instrument(span).await
            }
            Job::CardBalances { acc_id, cards } => self.card_balances(acc_id, cards).await.map(Done::CardBalances),
        }
    }

    /// An account's details. What they add is welcome, not needed: a refusal is only noted.
    async fn details(&self, listed: wire::Account) -> Result<AccountInfo, Trouble> {
        let acc_id = listed.acc_id.unwrap_or_default();
        let mut info = AccountInfo { acc_id, acc_type: listed.acc_type, currency: listed.currency, note: None };
        let outcome = match account_path(&info.acc_id) {
            Ok(target) => self.told_of_account(&target).await,
            Err(error) => Err(Trouble::lasting(error)),
        };
        match outcome {
            Ok(told) => {
                info.acc_type = told.acc_type.or(info.acc_type);
                info.currency = told.currency.or(info.currency);
            }
            Err(trouble) if trouble.ends_run => return Err(trouble),
            Err(trouble) => info.note = Some(trouble.error.one_line_with_hint()),
        }
        Ok(info)
    }

    async fn told_of_account(&self, target: &str) -> Result<wire::Account, Trouble> {
        let landed = self.landing.resumed().and_then(|resumed| resumed.read(resumed.answer(target)?).ok());
        if let Some(told) = landed.as_deref().and_then(details::account) {
            return Ok(told);
        }
        let read = |_: &str, _: &wire::Envelope<'_>, body: &serde_json::value::RawValue| Ok(wire::account(body.get()));
        Ok(self.client.get(Shelf::Account, target, read).await?.value)
    }

    async fn rows(&self, wanted: Wanted) -> Result<Done, Trouble> {
        self.progress.listing_started(wanted.subject, &wanted.owner);
        let read = if wanted.subject == Subject::AccountStatements && self.reaches.is_some() {
            self.read_between_balances(&wanted).await
        } else {
            self.read(&wanted, |page| self.observe_dates(&wanted, page)).await.map(|read| (read, None))
        };
        match read {
            Ok((read, reading)) => {
                let rows = read.outcome.rows;
                Ok(Done::Rows(self.listed(&wanted, read, None)?, rows, reading))
            }
            Err(trouble) => Ok(Done::Rows(self.failed(&wanted, trouble)?, 0, None)),
        }
    }

    /// Reads an account's statement until its balance is the same before and after, a few times at most.
    async fn read_between_balances(&self, wanted: &Wanted) -> Result<(Read, Option<BalanceReading>), Trouble> {
        if let Some(read) = self.noted(wanted, |_| ()) {
            let reading = self.landing.resumed().and_then(|resumed| resumed.balance(&wanted.owner));
            return Ok((read, reading.cloned()));
        }
        let balance = balance_path(&wanted.owner.acc_id)?;
        let mut replay = self.replay(&[&balance, &asked(wanted)?])?;
        let mut before = self.balance(&balance, &wanted.owner, &mut replay).await?;
        for round in 1.. {
            let read = Read { outcome: self.page_through(wanted, &mut replay, |_| ()).await?, noted: None };
            let after = self.balance(&balance, &wanted.owner, &mut replay).await?;
            let (Some(first), Some(second)) = (before, after) else {
                return Ok((read, None));
            };
            if first.1 == second.1 || round == BALANCE_ROUNDS_MAX {
                let reading = BalanceReading { owner: wanted.owner.clone(), before: first.0, after: second.0 };
                self.landing.note_balance(&reading)?;
                return Ok((read, Some(reading)));
            }
            before = after;
        }
        unreachable!("the last round returns")
    }

    /// An account's balance, and where it landed. A refusal only means that it is not compared.
    async fn balance(
        &self,
        target: &str,
        owner: &Owner,
        replay: &mut Replay,
    ) -> Result<Option<(ResponseId, Money)>, Trouble> {
        if let Some((response, body)) = self.landed(replay, target)
            && let Some(balance) = details::account_balance(&body)
        {
            return Ok(Some((response, balance)));
        }
        let read = |text: &str, _: &wire::Envelope<'_>, _: &serde_json::value::RawValue| {
            Ok(details::account_balance(text.as_bytes()))
        };
        match self.client.get(Shelf::Balance, target, read).await {
            Ok(reply) => Ok(reply.value.map(|balance| (reply.response, balance))),
            Err(trouble) if trouble.ends_run => Err(trouble),
            Err(trouble) => {
                tracing::warn!(%owner, error = trouble.error.one_line(), "its balance could not be read");
                Ok(None)
            }
        }
    }

    /// Reads a listing to its outcome, as far as an interrupted run has not done so; `seen` is shown every page, those that
    /// are read again included.
    async fn read(&self, wanted: &Wanted, mut seen: impl FnMut(&Page)) -> Result<Read, Trouble> {
        if let Some(read) = self.noted(wanted, &mut seen) {
            return Ok(read);
        }
        let mut replay = self.replay(&[&asked(wanted)?])?;
        let outcome = self.page_through(wanted, &mut replay, seen).await?;
        Ok(Read { outcome, noted: None })
    }

    async fn page_through(
        &self,
        wanted: &Wanted,
        replay: &mut Replay,
        mut seen: impl FnMut(&Page),
    ) -> Result<Outcome, Trouble> {
        let route = route(wanted.subject);
        let asked = asked(wanted)?;
        let limits = &self.connection.limits;
        let is_transfers = wanted.subject == Subject::CreditTransfers;
        let mut pager = Pager::new(Settings {
            page_size: self.connection.page_size.max(2),
            passes_max: limits.listing_passes_max.max(1),
            pages_max: limits.listing_pages_max.max(1),
            total_counts: route.total_counts,
            twice: limits.listings_read_twice,
            limits_ignored: is_transfers && self.transfers_unlimited.load(Ordering::Relaxed),
        });
        let page = |ask: Ask| {
            let target = target(&asked, ask);
            async move { (ask, self.client.page(route.shelf, &target, route.rows).await) }
        };
        let mut ahead = Ahead::new(self, page);
        while let Some(ask) = pager.ask() {
            let landed = self.landed(replay, &target(&asked, ask));
            let landed = landed.and_then(|(response, body)| landed_page(response, body, route.rows).ok());
            let page = match landed {
                Some(page) => page,
                None => ahead.page(ask, &pager, |ask| replay.holds(&target(&asked, ask))).await?,
            };
            seen(&page);
            pager.take(page);
            if !pager.is_reading_on() {
                ahead.begin_anew();
            }
        }
        ahead.settle().await?;
        let outcome = pager.into_outcome().expect("a pager that asks nothing has its outcome");
        if is_transfers && outcome.limits_ignored {
            self.transfers_unlimited.store(true, Ordering::Relaxed);
        }
        Ok(outcome)
    }

    /// A listing that was read, noted in the landing. `nameless` names the field that a row of it lacks, if one does:
    /// then what stands behind that row cannot be asked for, and the listing is not complete.
    fn listed(&self, wanted: &Wanted, read: Read, nameless: Option<&str>) -> Result<Listing> {
        let Read { outcome, noted } = read;
        if let Some(listing) = noted {
            self.progress.listing_finished(&listing, outcome.rows);
            trace::fetched(&listing, outcome.rows);
            return Ok(listing);
        }
        let proof = match (nameless, outcome.proof) {
            (Some(field), Proof::Proved(_)) => {
                Proof::Unproved { reason: format!("expected every row to carry {field}, but one does not") }
            }
            (_, proof) => proof,
        };
        if let Proof::Unproved { reason } = &proof {
            tracing::warn!(subject = %wanted.subject, owner = %wanted.owner, reason, "not proved complete");
        }
        self.note(wanted, outcome.pages, outcome.rows, proof)
    }

    /// A listing that could not be read; the run goes on unless it cannot.
    fn failed(&self, wanted: &Wanted, trouble: Trouble) -> Result<Listing, Trouble> {
        if trouble.ends_run {
            return Err(trouble);
        }
        let error = trouble.error.one_line_with_hint();
        tracing::warn!(subject = %wanted.subject, owner = %wanted.owner, error, "could not be fetched");
        Ok(self.note(wanted, Vec::new(), 0, Proof::Failed { error })?)
    }

    fn note(
        &self,
        wanted: &Wanted,
        pages: Vec<crate::landing::ListingPage>,
        rows: u64,
        proof: Proof,
    ) -> Result<Listing> {
        let listing = Listing { subject: wanted.subject, owner: wanted.owner.clone(), pages, proof };
        // An owner that cannot be asked for has failed, and is noted as well.
        self.landing.note_listing(&listing, &asked(wanted).unwrap_or_default())?;
        self.progress.listing_finished(&listing, rows);
        trace::fetched(&listing, rows);
        Ok(listing)
    }

    /// Lets the rows of card transactions tell what the date filter means.
    fn observe_dates(&self, wanted: &Wanted, page: &Page) {
        let (Subject::CardTransactions, Some(asked)) = (wanted.subject, wanted.range) else {
            return;
        };
        let mut filter = self.date_filter.lock().expect("no thread panics while it observes");
        for row in page.rows().filter(|row| memmem::find(row, b"\"date_transaction\"").is_some()) {
            let row = std::str::from_utf8(row).expect("rows are borrowed from a text");
            if let (Some(date), Some(made)) = wire::dates(row) {
                filter.observe(asked, &date, &made);
            }
        }
    }

    fn verdict(&self) -> Verdict {
        self.date_filter.lock().expect("no thread panics while it observes").verdict()
    }
}

/// What the requests for a listing's pages share: path and dates.
fn asked(wanted: &Wanted) -> Result<String> {
    let path = path(wanted.subject, &wanted.owner)?;
    let dates = |range: Window| format!("date_start={}&date_end={}&", range.from, range.to);
    Ok(format!("{path}?{}", wanted.range.map_or_else(String::new, dates)))
}

/// Path and query of a page.
fn target(asked: &str, ask: Ask) -> String {
    format!("{asked}limit_start={}&limit_number={}", ask.start, ask.limit)
}

/// The items of a listing that have an id, each id once; and whether a row has none.
fn distinct<T>(
    outcome: &Outcome,
    pages: &HashMap<ResponseId, Page>,
    read: impl Fn(&str) -> T,
    id: impl Fn(&T) -> Option<&str>,
) -> (Vec<T>, bool) {
    let (mut items, mut known, mut nameless) = (Vec::new(), HashSet::new(), false);
    for listed in &outcome.pages {
        let page = &pages[&listed.response];
        for row in page.rows().skip(listed.skip as usize) {
            let item = read(std::str::from_utf8(row).expect("rows are borrowed from a text"));
            match id(&item) {
                None => nameless = true,
                Some(id) if known.insert(id.to_owned()) => items.push(item),
                Some(_) => {}
            }
        }
    }
    (items, nameless)
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        trouble.error
    }
}
