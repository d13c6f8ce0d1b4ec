//! Where a run's pages come from: the provider, or an archive. Either way what follows reads landed bytes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::ordered::stream_in_order;
use super::share;
use crate::job::{Connection, Plan, Source};
use crate::landing::assemble::{Assembler, PageFacts, digest};
use crate::landing::{
    self, Archive, BalanceReading, Block, Found, LandedRun, Landing, Listing, ListingPage, Proof, ResponseId, RunLine,
    Shelf, Subject, Told,
};
use crate::output::OutputDir;
use crate::provider::anytime::decode::{WireCard, WireStatement, WireTransfer};
use crate::provider::anytime::details;
use crate::provider::anytime::page::{Page, RowForm, RowText};
use crate::provider::{self, Progress};
use crate::reconcile::closing::{Reported, reaching};
use crate::record::{Day, Feed, Money, Owner, OwnerKind, RejectRow};
use crate::state::OwnerKey;
use crate::{Error, Result};

/// All that a run knows before it looks at a row.
#[derive(Debug)]
pub(super) struct Gathered {
    /// The responses.
    pub archive: Archive,
    /// The pages of each owner in each feed.
    pub owners: Vec<OwnerPages>,
    /// Every listing and what is known of its completeness, those of accounts and cards included.
    pub listings: Vec<Listing>,
    /// The currency of each account, where its details tell it.
    pub currencies: BTreeMap<String, String>,
    /// What the provider reported of the owners' balances, by kind and id; empty when the window does not reach now.
    pub reported: HashMap<OwnerKey, Reported>,
    /// Responses that are none of a feed.
    pub unreadable: Vec<RejectRow>,
    /// What the reader of the summary should know.
    pub notes: Vec<String>,
    /// What was learned about the meaning of the provider's date filter, in a sentence.
    pub date_filter: String,
    /// Requests sent, attempts beyond the first included.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// The local day of the run, or of the run that landed what is read back.
    pub seen_on: Day,
    /// The run: a new one, or the interrupted one that was gone on with.
    pub run_id: String,
    /// Where the listings stand that are not proved, once somebody asks.
    unproved: OnceLock<HashMap<(Subject, Owner), usize>>,
}

/// The pages of one owner in one feed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OwnerPages {
    pub feed: Feed,
    pub owner: Owner,
    pub pages: Vec<ListingPage>,
    /// Whether rows that are the same to the letter on two pages are one row.
    pub repeats_are_one: bool,
}

/// Gathers what the plan needs.
pub(super) fn gather(
    plan: &Plan,
    out: &OutputDir,
    run_id: &str,
    today: Day,
    progress: &dyn Progress,
) -> Result<Gathered> {
    let gathered = match &plan.source {
        Source::Network(connection) => fetch(plan, connection, out, run_id, today, progress),
        Source::Archive { directory, username } => {
            if !directory.is_dir() {
                return Err(Error::job("expected an archive, found no such folder")
                    .at(directory.display())
                    .hint("give a folder that holds a folder per feed, or the out/raw of an earlier run"));
            }
            match landing::read_back(directory, plan.window, &plan.feeds)? {
                Some(landed) => {
                    share::refuse_landing(directory, plan.shard, &landed.run.shard)?;
                    let mut gathered = from_landed(landed.archive, &landed.landed, landed.listings, plan)
                        .seen_on(Day::parse(&landed.run.day).unwrap_or(today))
                        .of_run(run_id);
                    gathered.note_balances(&landed.balances, plan);
                    gathered.tell(landed.told);
                    Ok(gathered)
                }
                None => Ok(from_foreign(plan, directory, username.as_deref(), today)?.of_run(run_id)),
            }
        }
    };
    gathered.map(|gathered| match plan.shard {
        Some(shard) => share::of(gathered, shard),
        None => gathered,
    })
}

fn fetch(
    plan: &Plan,
    connection: &Connection,
    out: &OutputDir,
    run_id: &str,
    today: Day,
    progress: &dyn Progress,
) -> Result<Gathered> {
    let run = RunLine {
        run: run_id.to_owned(),
        job: plan.job_name.clone(),
        provider: plan.provider.to_owned(),
        from: plan.window.from.to_string(),
        to: plan.window.to.to_string(),
        username: connection.username.clone(),
        day: today.to_string(),
        base_url: connection.base_url.clone(),
        feeds: plan.feeds.iter().map(|feed| feed.name().to_owned()).collect(),
        shard: plan.shard.map(|shard| shard.to_string()).unwrap_or_default(),
    };
    let root = plan.output.directory.join("raw");
    // The lock of the output directory is ours: a run that has not ended is dead.
    let machine = out.machine();
    let found = if plan.fresh { None } else { landing::find(&root, &run, machine, |run| out.state().has_run(run))? };
    let landing = match found {
        Some(Found::Fetched(landed)) => return Ok(fetched_before(*landed, plan, today, progress)),
        Some(Found::Interrupted(interrupted)) => Landing::reopen(&root, *interrupted, machine),
        None => Landing::create(&root, &run, machine)?,
    };
    if let Some(resumed) = landing.resumed() {
        let (run, there) = (landing.run_id(), resumed.proved());
        progress.run_continues(run);
        progress
            .note(&format!("going on with the fetch of run {run}, which was interrupted: {there} listings are there"));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::environment("the network threads could not be started").because(error))?;
    let fetched = runtime.block_on(provider::fetch(plan, connection, &landing, progress))?;
    let notes = fetched.accounts.into_iter().filter_map(|account| account.note).collect();
    let told = Told { date_filter: fetched.date_filter, notes };
    landing.finish(told.clone())?;
    let of = fetched.listings.len();
    let mut gathered = from_landed(landing.read_back()?, &landing.responses(), fetched.listings, plan)
        .seen_on(today)
        .of_run(landing.run_id());
    gathered.note_balances(&fetched.balances, plan);
    gathered.tell(told);
    if let Some(resumed) = landing.resumed() {
        let (run, there) = (landing.run_id(), resumed.proved());
        gathered.notes.push(format!("continued the fetch of run {run}: {there} of {of} listings were there"));
    }
    (gathered.requests, gathered.retries) = (fetched.requests, fetched.retries);
    Ok(gathered)
}

/// From a run that had fetched everything when it was killed: nothing is asked again.
fn fetched_before(landed: LandedRun, plan: &Plan, today: Day, progress: &dyn Progress) -> Gathered {
    let run = landed.run.run;
    progress.run_continues(&run);
    let note = format!("continued run {run}: everything was fetched, but nothing committed; nothing was asked again");
    progress.note(&note);
    let mut gathered = from_landed(landed.archive, &landed.landed, landed.listings, plan).seen_on(today).of_run(&run);
    gathered.note_balances(&landed.balances, plan);
    gathered.tell(landed.told);
    gathered.notes.push(note);
    gathered
}

/// From responses whose listings are known.
fn from_landed(archive: Archive, landed: &[landing::Landed], listings: Vec<Listing>, plan: &Plan) -> Gathered {
    let mut by_owner: BTreeMap<(Feed, Owner), Vec<ListingPage>> = BTreeMap::new();
    for listing in &listings {
        if let Some(feed) = listing.subject.feed().filter(|feed| plan.feeds.contains(feed)) {
            by_owner.entry((feed, listing.owner.clone())).or_default().extend(&listing.pages);
        }
    }
    let owners = by_owner
        .into_iter()
        .map(|((feed, owner), pages)| OwnerPages { feed, owner, pages, repeats_are_one: false })
        .collect();
    let wanted = |listing: &Listing| listing.subject.feed().is_none_or(|feed| plan.feeds.contains(&feed));
    let mut listings: Vec<Listing> = listings.into_iter().filter(wanted).collect();
    listings.sort_by(|a, b| (a.subject, &a.owner).cmp(&(b.subject, &b.owner)));
    let mut gathered = Gathered { owners, listings, ..Gathered::of(archive) };
    let mut buffer = Vec::new();
    for response in landed.iter().filter(|response| response.shelf == Shelf::Account.folder()) {
        if gathered.archive.read(response.response, &mut buffer).is_ok() {
            gathered.note_currency(&buffer);
        }
    }
    gathered
}

/// From pages that somebody fetched elsewhere.
fn from_foreign(plan: &Plan, root: &Path, username: Option<&str>, today: Day) -> Result<Gathered> {
    if !plan.feeds.iter().any(|feed| root.join(feed.name()).is_dir()) {
        let expected = plan.feeds.iter().map(|feed| format!("{feed}/")).collect::<Vec<_>>().join(", ");
        return Err(Error::job(format!("expected a folder per feed in the archive ({expected}), found none of them"))
            .at(root.display())
            .hint("each holds *.json (one response a file), *.ndjson or *.ndjson.zst (one response a line)"));
    }
    let mut archive = Archive::default();
    let mut gathered = Gathered::of(Archive::default()).seen_on(today);
    for shelf in [Shelf::Account, Shelf::Accounts] {
        archive.scan(root, shelf, |_, response| {
            gathered.note_currency(response);
            Ok(())
        })?;
    }
    let mut foreign_seals = 0_u64;
    for feed in &plan.feeds {
        let mut assembler = Assembler::new(*feed);
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let room = Mutex::new(Vec::new());
        let kept_room = || room.lock().unwrap_or_else(PoisonError::into_inner);
        let examine = |block: Block| -> Vec<Examined> {
            let examined = block.responses().map(|(id, bytes)| examine(*feed, id, bytes, username)).collect();
            kept_room().push(block.into_room());
            examined
        };
        let take = |examined: Vec<Examined>| {
            for examined in examined {
                match examined {
                    Examined::Page { owner, facts, is_foreign } => {
                        assembler.add(owner, facts);
                        foreign_seals += u64::from(is_foreign);
                    }
                    Examined::Unreadable(reject) => gathered.unreadable.push(reject),
                }
            }
            Ok(())
        };
        let spare = || kept_room().pop().unwrap_or_default();
        let scan =
            |give: &mut dyn FnMut(Block) -> Result<()>| archive.scan_blocks(root, Shelf::Feed(*feed), spare, give);
        stream_in_order(threads, scan, examine, take)?;
        for assembled in assembler.finish() {
            let listing = assembled.listing;
            gathered.owners.push(OwnerPages {
                feed: *feed,
                owner: listing.owner.clone(),
                pages: listing.pages.clone(),
                repeats_are_one: assembled.repeats_are_one,
            });
            gathered.listings.push(listing);
        }
    }
    // A hash shows who answered, not that the body is whole: in an archive of one's own it is a hint, no reason to refuse.
    match username {
        None => gathered.notes.push("the envelopes' hashes were not verified: the job names no username".to_owned()),
        Some(username) if foreign_seals > 0 => gathered.notes.push(format!(
            "the hash of {foreign_seals} archived responses was not made with the username '{username}'"
        )),
        Some(_) => {}
    }
    gathered.archive = archive;
    Ok(gathered)
}

/// What an archived response turned out to be.
enum Examined {
    Page {
        owner: Owner,
        facts: PageFacts,
        /// Whether its hash was made with another username.
        is_foreign: bool,
    },
    Unreadable(RejectRow),
}

fn examine(feed: Feed, response: ResponseId, bytes: &[u8], username: Option<&str>) -> Examined {
    let examined = match feed {
        Feed::AccountStatements | Feed::IbanStatements => {
            examine_as::<RowText<'_, WireStatement<'_>>>(feed, response, bytes, username)
        }
        Feed::CardTransactions => examine_as::<RowText<'_, WireCard<'_>>>(feed, response, bytes, username),
        Feed::CreditTransfers => examine_as::<RowText<'_, WireTransfer<'_>>>(feed, response, bytes, username),
    };
    examined.unwrap_or_else(|reason| Examined::Unreadable(unreadable(feed, bytes, reason)))
}

fn examine_as<'b, R: RowForm<'b>>(
    feed: Feed,
    response: ResponseId,
    bytes: &'b [u8],
    username: Option<&str>,
) -> Result<Examined, String> {
    let page = Page::<R>::parse(feed, bytes)?;
    let is_foreign = username.is_some_and(|username| !page.is_sealed_for(username));
    facts(feed, response, page).map(|(owner, facts)| Examined::Page { owner, facts, is_foreign })
}

/// Whose page it is and what it says of itself, or why it is none.
fn facts<'b, R: RowForm<'b>>(
    feed: Feed,
    response: ResponseId,
    page: Page<'b, R>,
) -> Result<(Owner, PageFacts), String> {
    let acc_id = page.acc_id.as_deref().filter(|id| !id.is_empty());
    let owner = match (feed, page.card_ref.as_deref()) {
        (Feed::CardTransactions, Some(card_ref)) if !card_ref.is_empty() => {
            Owner::card(acc_id.unwrap_or_default(), card_ref)
        }
        (Feed::CardTransactions, _) => return Err("expected 'card_ref' in the body, found none".to_owned()),
        _ if page.rows.is_empty() && acc_id.is_none() => Owner::account(""),
        _ => Owner::account(acc_id.ok_or("expected 'acc_id' in the body, found none")?),
    };
    let of_row = |row: &R| digest(std::iter::once(row.text()));
    let facts = PageFacts {
        response,
        limit_start: page.echo.limit_start,
        dates: page.echo.dates,
        rows: u32::try_from(page.rows.len()).map_err(|_| "expected fewer than 2^32 rows in a page".to_owned())?,
        digest: digest(page.rows.iter().map(RowForm::text)),
        ends: page.rows.first().zip(page.rows.last()).map(|(first, last)| (of_row(first), of_row(last))),
    };
    Ok((owner, facts))
}

/// Balances by response; a page of cards is read once for all of its cards.
#[derive(Default)]
struct Balances {
    pages: HashMap<ResponseId, HashMap<String, Money>>,
    buffer: Vec<u8>,
}

impl Balances {
    fn of(&mut self, archive: &Archive, response: ResponseId, owner: &Owner) -> Option<Money> {
        if owner.kind == OwnerKind::Card {
            if !self.pages.contains_key(&response) {
                archive.read(response, &mut self.buffer).ok()?;
                self.pages.insert(response, details::card_balances(&self.buffer).into_iter().collect());
            }
            return self.pages[&response].get(&owner.card_ref).copied();
        }
        archive.read(response, &mut self.buffer).ok()?;
        details::account_balance(&self.buffer)
    }
}

fn unreadable(feed: Feed, response: &[u8], reason: String) -> RejectRow {
    RejectRow {
        feed,
        owner_id: None,
        txid: None,
        page_sha256: super::rejects::sha256(response),
        pointer: String::new(),
        reason,
        raw: landing::mask::masked_text(&String::from_utf8_lossy(response)).into_owned(),
    }
}

impl Gathered {
    fn of(archive: Archive) -> Self {
        Self {
            archive,
            owners: Vec::new(),
            listings: Vec::new(),
            currencies: BTreeMap::new(),
            reported: HashMap::new(),
            unreadable: Vec::new(),
            notes: Vec::new(),
            date_filter: String::new(),
            requests: 0,
            retries: 0,
            seen_on: Day::from_epoch_days(0).expect("1970 is held"),
            run_id: String::new(),
            unproved: OnceLock::new(),
        }
    }

    fn seen_on(self, day: Day) -> Self {
        Self { seen_on: day, ..self }
    }

    fn of_run(self, run_id: &str) -> Self {
        Self { run_id: run_id.to_owned(), ..self }
    }

    fn tell(&mut self, told: Told) {
        self.date_filter = told.date_filter;
        self.notes.extend(told.notes);
    }

    fn note_currency(&mut self, response: &[u8]) {
        if let Some((acc_id, currency)) = details::account_currency(response) {
            self.currencies.insert(acc_id, currency);
        }
    }

    /// Reads the balances that the provider reported, where the window reaches the day of the run.
    fn note_balances(&mut self, readings: &[BalanceReading], plan: &Plan) {
        if reaching(plan.window, self.seen_on).is_none() {
            return;
        }
        let mut balances = Balances::default();
        for reading in readings {
            let mut read = |response| balances.of(&self.archive, response, &reading.owner);
            if let (Some(before), Some(after)) = (read(reading.before), read(reading.after)) {
                self.reported.insert(super::key_of(&reading.owner), Reported { before, after });
            }
        }
        let chains = self.owners.iter().filter(|pages| pages.feed.is_chain());
        let silent = chains.filter(|pages| !self.reported.contains_key(&super::key_of(&pages.owner))).count();
        if silent > 0 {
            self.notes.push(format!("{silent} owners' last balances were not compared: the provider reported none"));
        }
    }

    /// Whether nothing speaks against the completeness of an owner's rows.
    pub(super) fn is_whole(&self, feed: Feed, owner: &Owner) -> bool {
        !self.has_unreadable(feed) && self.unproved_of(feed, owner).is_none()
    }

    /// The listing of an owner's feed, and why it is not proved complete; `None` where it is.
    pub(super) fn unproved_of(&self, feed: Feed, owner: &Owner) -> Option<(Subject, &str)> {
        let subject = Subject::from(feed);
        let unproved = self.unproved.get_or_init(|| {
            let all = self.listings.iter().enumerate().filter(|(_, listing)| unproved_for(listing).is_some());
            // Of several the first counts.
            all.rev().map(|(place, listing)| ((listing.subject, listing.owner.clone()), place)).collect()
        });
        if unproved.is_empty() {
            return None;
        }
        let listing = &self.listings[*unproved.get(&(subject, owner.clone()))?];
        unproved_for(listing).map(|reason| (subject, reason))
    }

    /// Whether a page of the feed could not be read: it may be anybody's, and the last of a listing that looks whole.
    pub(super) fn has_unreadable(&self, feed: Feed) -> bool {
        self.unreadable.iter().any(|page| page.feed == feed)
    }

    /// Listings of which no row could be read: they failed, or never held still long enough.
    pub(super) fn unread(&self) -> impl Iterator<Item = &Listing> {
        self.listings.iter().filter(|listing| match &listing.proof {
            Proof::Failed { .. } => true,
            Proof::Unproved { .. } => listing.pages.is_empty(),
            Proof::Proved(_) | Proof::NotAsked => false,
        })
    }

    /// Listings of which it is not known that they are whole.
    pub(super) fn unproved(&self) -> impl Iterator<Item = (Subject, &Owner, &str)> {
        self.listings
            .iter()
            .filter_map(|listing| unproved_for(listing).map(|reason| (listing.subject, &listing.owner, reason)))
    }
}

/// Why a listing is not known to be whole.
fn unproved_for(listing: &Listing) -> Option<&str> {
    match &listing.proof {
        Proof::Failed { error: reason } | Proof::Unproved { reason } => Some(reason),
        Proof::Proved(_) | Proof::NotAsked => None,
    }
}
