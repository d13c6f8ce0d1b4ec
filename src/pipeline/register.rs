//! A run and the register of breaks: which rows are no longer what was committed, which breaks live on, and what the run
//! has whole enough to say that others are gone.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::beside::Beside;
use super::gather::Gathered;
use super::gone::{self, Back, GoneDays};
use super::report::{ClosingsMoved, Since};
use super::same::Faults;
use super::{dataset_of, key_of, moved, stay};
use crate::Result;
use crate::breaks::{Break, Cause, Check, Subject};
use crate::job::Plan;
use crate::landing;
use crate::output::{Changes, DaysAround, Publication};
use crate::reconcile::restatement::{Restated, Restating, restatements};
use crate::record::{BreakRow, Changed, Day, Feed, Owner, OwnerKind, RejectRow, Reported, Window, dataset};
use crate::state::{Covered, KnownBreak, OwnerKey, SeenBreak, State};

/// Says, in what a run covers, that the balance which the provider states was compared with the last one of the owner.
const BALANCE: &str = "balance";

/// The breaks of a run as the register takes them.
#[derive(Debug, Default)]
pub(super) struct Registered {
    /// As reports show them: those that the run found, and restatements of its window that nobody has accepted or taken
    /// back.
    pub rows: Vec<BreakRow>,
    pub seen: Vec<SeenBreak>,
    pub taken_back: Vec<String>,
    pub since: Since,
    pub note: Option<String>,
    /// What stays in the lake because this run may lack it, in a sentence.
    pub kept: Option<String>,
}

/// What a run found, as the register takes it.
pub(super) struct Found<'l> {
    pub breaks: Vec<Break>,
    /// Ids of known breaks of which the run could say nothing.
    pub unjudged: Vec<String>,
    pub rejects: &'l [RejectRow],
    pub beside: &'l Beside,
}

/// What the register knows of the breaks found, with the restatements that the comparison with earlier runs adds.
pub(super) fn register(
    publication: &mut Publication,
    state: &State,
    plan: &Plan,
    gathered: &Gathered,
    found: Found<'_>,
) -> Result<Registered> {
    let Found { breaks: mut found, unjudged, rejects, beside } = found;
    let known = state.known_breaks()?;
    let mut comparison = Comparison {
        state,
        plan,
        gathered,
        rejects,
        known: &known,
        told: Restated::default(),
        gone: Vec::new(),
        moved: Vec::new(),
        changed: 0,
        kept: BTreeSet::new(),
    };
    let mut first_reported = HashMap::new();
    for feed in &plan.feeds {
        comparison.compare(publication, *feed, &beside.around(*feed))?;
    }
    let kept = stay::told(&comparison.kept);
    let (gone, moved) = (comparison.gone, comparison.moved);
    let Restated { breaks, mut taken_back, late_rows, amended_rows, expired_rows } = comparison.told;
    let note = (comparison.changed > 0).then(|| {
        let days = comparison.changed;
        format!("days of owners that changed since they were committed: {days}; their earlier rows are not in the lake, so nothing tells which rows changed")
    });
    let restated_rows = (breaks.len() + gone.len()) as u64;
    let since = Since { late_rows, amended_rows, expired_rows, restated_rows, closings_moved: moved };
    for (vanished, days) in gone {
        first_reported.insert(vanished.id(), days.to_text());
        found.push(vanished);
    }
    for (restated, first) in breaks {
        first_reported.insert(restated.id(), first.to_text());
        found.push(restated);
    }
    let mut registered = Registered { since, note, kept, ..Registered::default() };
    rows_of(&mut registered, &found, &known, gathered.seen_on, plan, &first_reported);
    taken_back.retain(|id| !registered.rows.iter().any(|row| row.break_id == *id));
    carry_restatements(&mut registered, &known, plan, &taken_back);
    carry(&mut registered, plan, unjudged.iter().filter_map(|id| known.get(id)));
    registered.taken_back = taken_back;
    Ok(registered)
}

/// The breaks found, with the day each was seen first, and whether somebody accepted it.
fn rows_of(
    registered: &mut Registered,
    found: &[Break],
    known: &HashMap<String, KnownBreak>,
    seen_on: Day,
    plan: &Plan,
    first_reported: &HashMap<String, String>,
) {
    let mut ids = HashSet::new();
    let faults = Faults::of(known);
    for found in found {
        let mut row = found.to_row(seen_on, "open");
        let mut listings = needs(found, plan);
        if let Some((told, same)) = faults.told_first(&row).filter(|(told, _)| !ids.contains(&told.break_id)) {
            (row, listings) = (told, same.listings.clone());
        }
        // A second break of the same check and row: told apart by its place.
        let base = row.break_id.clone();
        for further in 2.. {
            if ids.insert(row.break_id.clone()) {
                break;
            }
            row.break_id = format!("{base}-{further}");
        }
        if let Some(known) = known.get(&row.break_id) {
            row.first_seen = row.first_seen.min(known.first_seen);
            row.status = if known.status == "accepted" && !known.has_changed(&row) { "accepted" } else { "open" };
        }
        let is_card = found.owner.kind == OwnerKind::Card && !found.owner.acc_id.is_empty();
        registered.seen.push(SeenBreak {
            account: is_card.then(|| found.owner.acc_id.clone()),
            earlier: first_reported.get(&row.break_id).cloned(),
            ..SeenBreak::new(&row, scope(&row, plan)).needing(listings)
        });
        registered.rows.push(row);
    }
}

/// Restatements of the window that are not over: that the new value is the committed one by now makes them no better.
fn carry_restatements(
    registered: &mut Registered,
    known: &HashMap<String, KnownBreak>,
    plan: &Plan,
    taken_back: &[String],
) {
    let mut carried: Vec<&KnownBreak> = known
        .values()
        .filter(|known| known.check == Check::Restatement.name() && known.status != "resolved")
        .filter(|known| known.booking_date.is_some_and(|day| plan.window.contains(day)))
        .filter(|known| known.listings.iter().all(|name| plan.feeds.iter().any(|feed| feed.name() == name)))
        .filter(|known| !taken_back.contains(&known.break_id))
        .collect();
    carried.sort_by(|a, b| (a.booking_date, &a.break_id).cmp(&(b.booking_date, &b.break_id)));
    carry(registered, plan, carried.into_iter());
}

/// Known breaks that are not over, whatever this run found: they are told as they are known.
fn carry<'k>(registered: &mut Registered, plan: &Plan, carried: impl Iterator<Item = &'k KnownBreak>) {
    let told: HashSet<String> = registered.rows.iter().map(|row| row.break_id.clone()).collect();
    for known in carried.filter(|known| !told.contains(&known.break_id)) {
        let Some(row) = row_of(known) else {
            continue;
        };
        registered.seen.push(SeenBreak {
            account: known.account.clone(),
            earlier: known.earlier.clone(),
            ..SeenBreak::new(&row, scope(&row, plan)).needing(known.listings.clone())
        });
        registered.rows.push(row);
    }
}

/// A break of the register as reports show it.
pub(super) fn row_of(known: &KnownBreak) -> Option<BreakRow> {
    Some(BreakRow {
        break_id: known.break_id.clone(),
        check: Check::ALL.into_iter().map(Check::name).find(|name| *name == known.check)?,
        cause: Cause::ALL.into_iter().map(Cause::name).find(|name| *name == known.cause)?,
        owner_kind: known.owner_kind.name(),
        owner_id: known.owner_id.clone(),
        txid: known.txid.clone(),
        booking_date: known.booking_date,
        currency: known.currency.clone(),
        expected: known.expected,
        actual: known.actual,
        difference: known.difference,
        explanation: known.explanation.clone(),
        first_seen: known.first_seen,
        status: if known.status == "accepted" { "accepted" } else { "open" },
    })
}

/// The days that a later run must cover to tell that a break is gone.
fn scope(row: &BreakRow, plan: &Plan) -> Window {
    match row.booking_date {
        Some(day) => Window { from: day, to: day },
        None => plan.window,
    }
}

/// The listings that a later run must have whole to tell that a break is gone: those that the check compares, as far as
/// this job asks for them.
fn needs(found: &Break, plan: &Plan) -> Vec<String> {
    let chain = match found.owner.kind {
        OwnerKind::Card => Feed::CardTransactions,
        _ => Feed::AccountStatements,
    };
    let feeds = match (found.check, &found.subject) {
        (_, Subject::Listing(name)) => return vec![(*name).to_owned()],
        (Check::ClosingBalance, _) => return vec![chain.name().to_owned(), BALANCE.to_owned()],
        // Which of two equal lines is the copy, the account statement tells.
        (Check::IbanTwin, _) | (Check::Duplicate, Subject::RowOf("iban_statements", _)) => {
            vec![Feed::AccountStatements, Feed::IbanStatements]
        }
        (Check::Restatement | Check::Duplicate, Subject::RowOf(dataset, _)) => return vec![(*dataset).to_owned()],
        (Check::Chain | Check::Seam | Check::Restatement, _) => vec![chain],
        (Check::Transfer, _) => vec![Feed::AccountStatements, Feed::IbanStatements, Feed::CreditTransfers],
        (Check::CardLoad, _) => vec![Feed::AccountStatements, Feed::CardTransactions],
        (Check::Duplicate | Check::Completeness, _) => {
            Feed::ALL.into_iter().filter(|feed| feed.owner_kind() == found.owner.kind).collect()
        }
    };
    feeds.into_iter().filter(|feed| plan.feeds.contains(feed)).map(|feed| feed.name().to_owned()).collect()
}

/// What breaks are judged by beside the rows: a break that goes while its rows stay has gone by a change of these.
pub(super) fn rules(plan: &Plan) -> String {
    let (version, days) = (env!("CARGO_PKG_VERSION"), plan.transfer_days);
    format!("tieout {version}, zone {}, transfer_days {days}, fx_fee {:?}", plan.zone, plan.fx_fee)
}

/// The listings that the run has whole, by the owner on which they bear: an account's own, and those of its cards when
/// all of them are whole; a card's own, and its account's. `compared` are the owners whose last balance was held against
/// the one that the provider reports.
pub(super) fn coverage(gathered: &Gathered, compared: &HashSet<OwnerKey>) -> Vec<Covered> {
    let broken: HashSet<(landing::Subject, &Owner)> =
        gathered.unproved().map(|(subject, owner, _)| (subject, owner)).collect();
    let mut own: BTreeMap<&Owner, Vec<landing::Subject>> = BTreeMap::new();
    let mut cards_broken: HashSet<&str> = HashSet::new();
    for listing in &gathered.listings {
        let subjects = own.entry(&listing.owner).or_default();
        let is_broken = broken.contains(&(listing.subject, &listing.owner))
            || listing.subject.feed().is_some_and(|feed| gathered.has_unreadable(feed));
        if !is_broken {
            subjects.push(listing.subject);
        } else if matches!(listing.subject, landing::Subject::Cards | landing::Subject::CardTransactions) {
            cards_broken.insert(&listing.owner.acc_id);
        }
    }
    let statements: HashSet<&str> = own
        .iter()
        .filter(|(owner, subjects)| {
            owner.kind == OwnerKind::Account && subjects.contains(&landing::Subject::AccountStatements)
        })
        .map(|(owner, _)| owner.acc_id.as_str())
        .collect();
    let asks_cards = gathered.listings.iter().any(|listing| listing.subject == landing::Subject::CardTransactions);
    let covered = own.iter().map(|(owner, subjects)| {
        let mut names: Vec<&'static str> = subjects.iter().map(|subject| subject.name()).collect();
        let further = match owner.kind {
            OwnerKind::Account if asks_cards && !cards_broken.contains(owner.acc_id.as_str()) => {
                Some(Feed::CardTransactions.name())
            }
            OwnerKind::Card if statements.contains(owner.acc_id.as_str()) => Some(Feed::AccountStatements.name()),
            _ => None,
        };
        names.extend(further);
        names.extend(compared.contains(&key_of(owner)).then_some(BALANCE));
        names.sort_unstable();
        names.dedup();
        Covered::new(&key_of(owner), names)
    });
    covered.collect()
}

/// The rows of a run against those that were committed before.
struct Comparison<'a> {
    state: &'a State,
    plan: &'a Plan,
    gathered: &'a Gathered,
    rejects: &'a [RejectRow],
    known: &'a HashMap<String, KnownBreak>,
    told: Restated,
    /// Owners that are not listed any more, or not as they were.
    gone: Vec<(Break, GoneDays)>,
    /// Owners whose committed closing balances are others now.
    moved: Vec<ClosingsMoved>,
    /// Days of owners that changed without anything to tell by how.
    changed: u64,
    /// Days of owners that stay as they were committed.
    kept: BTreeSet<(Feed, OwnerKey, Day)>,
}

impl Comparison<'_> {
    fn compare(&mut self, publication: &mut Publication, feed: Feed, around: &DaysAround) -> Result<()> {
        let owners = self.gathered.owners.iter().filter(|pages| pages.feed == feed);
        let read: HashSet<OwnerKey> = owners.map(|pages| key_of(&pages.owner)).collect();
        let Changes { rows, gone, unreadable } =
            publication.changes(dataset_of(feed), &|owner| read.contains(owner), around)?;
        self.changed += unreadable;
        self.note_unread(feed, &read)?;
        for rows in rows.chunk_by(|a, b| a.owner == b.owner) {
            let rows = moved::followed(rows, self.gathered, self.plan, feed)?;
            let rows = self.keep_what_is_missing(publication, feed, rows);
            if !rows.is_empty() {
                self.restate(publication, feed, &rows)?;
            }
        }
        let known = self.known;
        let open = |id: &str| known.get(id).filter(|known| known.status != "resolved");
        let told = gone.into_values().map(|gone| (gone::id_of(feed, &gone.owner), gone));
        self.gone.extend(told.map(|(id, gone)| gone::tell(feed, gone, open(&id))));
        self.look_for_gone(publication, feed)
    }

    /// Owners of whom nothing could be read may stand on a page that could not be: all of theirs stays.
    fn note_unread(&mut self, feed: Feed, read: &HashSet<OwnerKey>) -> Result<()> {
        if !self.gathered.has_unreadable(feed) {
            return Ok(());
        }
        for day in self.plan.window.iter() {
            let before = self.state.sealed_rows(dataset_of(feed), day)?.into_iter();
            let unread = before.map(|sealed| sealed.owner).filter(|owner| !read.contains(owner));
            self.kept.extend(unread.map(|owner| (feed, (*owner).clone(), day)));
        }
        Ok(())
    }

    /// In a listing that is not whole, a row that is not there may have been overlooked: its day stays as it was committed.
    /// What is left has changed.
    fn keep_what_is_missing<'r>(
        &mut self,
        publication: &mut Publication,
        feed: Feed,
        rows: Cow<'r, [Changed]>,
    ) -> Cow<'r, [Changed]> {
        let owner = &rows[0].owner;
        if self.gathered.is_whole(feed, owner) {
            return rows;
        }
        let days = stay::days(&rows, self.plan.window);
        if days.is_empty() {
            return rows;
        }
        for dataset in [Some(dataset_of(feed)), feed.is_chain().then_some(&dataset::BALANCES)].into_iter().flatten() {
            publication.keep_days(dataset, owner, days.iter().copied());
        }
        self.kept.extend(days.iter().map(|day| (feed, key_of(owner), *day)));
        Cow::Owned(rows.iter().filter(|row| !stay::is_on(row, &days)).cloned().collect())
    }

    /// Owners that had gone and are listed again.
    fn look_for_gone(&mut self, publication: &mut Publication, feed: Feed) -> Result<()> {
        if !self.known.values().any(|known| known.check == Check::Restatement.name() && known.txid.is_none()) {
            return Ok(());
        }
        let gathered = self.gathered;
        let read = gathered.owners.iter().filter(|pages| pages.feed == feed && gathered.is_whole(feed, &pages.owner));
        for owner in read.map(|pages| &pages.owner) {
            let known = self.known.get(&gone::id_of(feed, &key_of(owner)));
            let Some(known) = known.filter(|known| known.status != "resolved") else {
                continue;
            };
            match gone::look_again(publication, feed, owner, known)? {
                Back::Unknown => {}
                Back::Whole => self.told.taken_back.push(known.break_id.clone()),
                Back::Otherwise(told, days) => self.gone.push((*told, days)),
            }
        }
        Ok(())
    }

    fn restate(&mut self, publication: &mut Publication, feed: Feed, rows: &[Changed]) -> Result<()> {
        let owner = &rows[0].owner;
        let key = key_of(owner);
        let rejected: HashSet<&str> = self
            .rejects
            .iter()
            .filter(|reject| reject.feed == feed && reject.owner_id.as_deref() == Some(owner.id()))
            .filter_map(|reject| reject.txid.as_deref())
            .collect();
        let closings_before = self.state.sealed_closings(&key, self.plan.window)?;
        let closings_now = if feed.is_chain() { publication.closings_of(&key)? } else { BTreeMap::new() };
        let known = self.known;
        let first_reported = |id: &str| {
            let open = known.get(id).filter(|known| known.status != "resolved")?;
            Reported::from_text(open.earlier.as_deref()?)
        };
        let told = restatements(
            owner,
            rows,
            &Restating {
                dataset: dataset_of(feed),
                is_chain: feed.is_chain(),
                is_whole: self.gathered.is_whole(feed, owner),
                is_rejected: &|txid| rejected.contains(txid),
                first_reported: &first_reported,
                closings_before: &closings_before,
                closings_now: &closings_now,
            },
        );
        self.moved.extend(ClosingsMoved::of(owner, &told, &closings_before, &closings_now));
        self.told.breaks.extend(told.breaks);
        self.told.taken_back.extend(told.taken_back);
        self.told.late_rows += told.late_rows;
        self.told.amended_rows += told.amended_rows;
        self.told.expired_rows += told.expired_rows;
        Ok(())
    }
}
