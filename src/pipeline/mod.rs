//! The whole journey: gather the pages, process each owner, commit what came out.

mod around;
mod beside;
mod cross;
mod gather;
mod gone;
mod in_parts;
mod lines;
mod moved;
mod ordered;
mod owner;
mod page;
mod register;
mod rejects;
pub mod report;
mod same;
mod seam;
mod share;
mod stay;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::Result;
use crate::breaks::{Break, Cause, Check, Subject};
use crate::formats::{self, xlsx};
use crate::job::{Plan, Source};
use crate::landing;
use crate::output::{Encoded, Encoder, Formats, Machine, OutputDir, Publication};
use crate::provider::Progress;
use crate::reconcile::facts::Needs;
use crate::reconcile::{Prior, Terms, closing};
use crate::record::feed::natural_cmp;
use crate::record::{Dataset, Day, Feed, Owner, OwnerKind, RejectRow, Row, Window, dataset};
use crate::state::{OwnerKey, RunRecord, StateDelta};
use crate::trace;
use around::Wanted;
use beside::Beside;
use cross::CrossChecks;
use gather::{Gathered, OwnerPages};
use in_parts::{Joined, Parted, Piece};
use lines::Meanings;
use ordered::Loads;
use owner::{Knowledge, Outcome};
use page::Kept;
use report::{OwnerLine, Report};
use same::Firsts;
use seam::LaterDays;

pub use share::refuse_another_share;

/// Who watches a run beyond the fetch.
pub trait Watch: Progress {
    /// A run begins, under this id.
    fn run_begins(&self, _run_id: &str) {}
    /// An owner's rows of a feed have been processed; `left` are still to come.
    fn owner_processed(&self, _feed: Feed, _left: usize) {}
    /// All is fetched and looked at; what was found is about to become visible.
    fn committing(&self) {}
}

/// Does what the plan says, from the first request to the commit.
///
/// # Errors
/// When the run cannot finish; nothing is committed then.
pub fn run(plan: &Plan, watch: &dyn Watch) -> Result<Report> {
    run_on(plan, watch, &Machine::default())
}

/// As [`run`], on a machine of one's own.
///
/// # Errors
/// As [`run`].
pub fn run_on(plan: &Plan, watch: &dyn Watch, machine: &Machine) -> Result<Report> {
    let started = machine.clock.now();
    let out = OutputDir::open_on(&plan.output.directory, machine.clone())?;
    refuse_another_share(&plan.output.directory, plan.shard, out.state())?;
    let run_id = run_id(started, (machine.dice)());
    let span = trace::run(plan);
    let ended = span.in_scope(|| travel(plan, watch, &out, started, &run_id));
    trace::ended(&span, &run_id, &ended);
    ended
}

/// The journey itself, once the output directory is ours.
fn travel(plan: &Plan, watch: &dyn Watch, out: &OutputDir, started: DateTime<Utc>, run_id: &str) -> Result<Report> {
    let machine = out.machine();
    watch.run_begins(run_id);
    let today = plan.zone.day_at(started);
    let gathered = trace::gather().in_scope(|| gather::gather(plan, out, run_id, today, watch))?;
    let priors = priors(out, plan)?;
    let mut ledger = Ledger::begin(out, plan, &gathered)?;
    trace::process().in_scope(|| ledger.process_all(&gathered, &priors, watch, machine))?;
    ledger.tell_completeness(&gathered);
    watch.committing();
    let report = trace::commit().in_scope(|| ledger.commit(out, &gathered, &priors, started))?;
    prune(out, plan, gathered.seen_on, watch);
    Ok(report)
}

/// Removes what landed long ago, where the job says so. The run is committed: what goes wrong here is only told.
fn prune(out: &OutputDir, plan: &Plan, today: Day, watch: &dyn Watch) {
    let Source::Network(connection) = &plan.source else { return };
    let Some(keep_days) = connection.limits.raw_keep_days else { return };
    let is_committed = |run: &str| out.state().has_run(run);
    match landing::prune(&plan.output.directory.join("raw"), keep_days, today, &*out.machine().disk, is_committed) {
        Ok(0) => {}
        Ok(runs) => watch.note(&format!("removed {runs} landed runs of more than {keep_days} days ago")),
        Err(error) => watch.note(&format!("warning: {}", error.one_line_with_hint())),
    }
}

/// Grows with time, and is made of letters, digits and `-`.
fn run_id(started: DateTime<Utc>, drawn: u32) -> String {
    format!("{}-{:08x}", started.format("%Y%m%dT%H%M%S%3f"), drawn)
}

/// Each owner's closing balance before the window, where every day since then was read.
fn priors(out: &OutputDir, plan: &Plan) -> Result<HashMap<OwnerKey, Prior>> {
    let closings = out.state().unbroken_closings_before(plan.window.from)?;
    Ok(closings.into_iter().map(|(owner, (day, closing))| (owner, Prior { day, closing })).collect())
}

/// What a run gathers on its way to the commit.
struct Ledger<'p> {
    plan: &'p Plan,
    publication: Publication,
    book: formats::Book,
    breaks: Vec<Break>,
    rejects: Vec<RejectRow>,
    owners: Vec<OwnerLine>,
    meanings: Meanings,
    cross: CrossChecks,
    /// Known breaks of which the run can say nothing.
    unjudged: Vec<String>,
    firsts: Firsts,
    later: LaterDays,
    beside: Beside,
    /// Owners whose last balance was compared with the one that the provider reports.
    compared: HashSet<OwnerKey>,
    notes: Vec<String>,
    /// For the page.
    kept: Kept,
    /// Owners that are processed in parts, by their place among all.
    in_parts: HashMap<usize, Parted>,
}

/// What is done at once: an owner, or a part of one.
#[derive(Debug, Clone, Copy)]
struct Item {
    owner: usize,
    part: Option<usize>,
}

/// What came out of it.
enum Product {
    /// An owner, and its balances as they are written.
    Owner(Box<(Outcome, Encoded)>),
    /// Until it is taken.
    Part(Item, Option<Box<Piece>>),
}

impl<'p> Ledger<'p> {
    fn begin(out: &OutputDir, plan: &'p Plan, gathered: &Gathered) -> Result<Self> {
        let formats = Formats { csv: plan.output.csv, parquet: plan.output.parquet };
        let feeds = plan.feeds.iter().map(|feed| dataset_of(*feed));
        let datasets: Vec<&'static Dataset> =
            feeds.chain([&dataset::BALANCES, &dataset::BREAKS, &dataset::REJECTS]).collect();
        let mut publication =
            Publication::begin(out, &plan.job_name, plan.window, &gathered.run_id, formats, &datasets)?;
        keep_what_is_not_asked_for(&mut publication, plan);
        keep_what_could_not_be_read(&mut publication, plan, gathered);
        let book = formats::Book::begin(plan.output.accounting, &publication, &datasets)?;
        let rejects = gathered.unreadable.clone();
        let terms = Terms { window: plan.window, transfer_days: plan.transfer_days, seen_on: gathered.seen_on };
        Ok(Self {
            plan,
            publication,
            book,
            breaks: Vec::new(),
            rejects,
            owners: Vec::new(),
            meanings: Meanings::default(),
            cross: CrossChecks::new(terms, cross::watched(out.state(), plan.window)?, out.machine().threads),
            unjudged: Vec::new(),
            firsts: Firsts::read(out.state())?,
            later: LaterDays::read(out, plan.window.to)?,
            beside: Beside::read(out, plan)?,
            compared: HashSet::new(),
            notes: Vec::new(),
            kept: Kept::default(),
            in_parts: HashMap::new(),
        })
    }

    /// Processes the owners of each feed, several at once, and takes the results in the order of owners.
    fn process_all(
        &mut self,
        gathered: &Gathered,
        priors: &HashMap<OwnerKey, Prior>,
        watch: &dyn Watch,
        machine: &Machine,
    ) -> Result<()> {
        let encoders: HashMap<Feed, Encoder> =
            self.plan.feeds.iter().map(|feed| (*feed, self.publication.encoder(dataset_of(*feed)))).collect();
        let (plan, scratch) = (self.plan, self.publication.scratch_folder().to_owned());
        let known = |pages| knowledge(plan, gathered, priors, pages, &scratch);
        let in_parts = survey_the_large(gathered, plan, machine, known)?;
        let (batches, loads) = batches(gathered, &in_parts, machine);
        let span = tracing::Span::current();
        let balances = self.publication.encoder(&dataset::BALANCES);
        let work = |item: &Item| {
            let item = *item;
            let pages: &OwnerPages = &gathered.owners[item.owner];
            let _entered = trace::reconcile(&span, pages.feed, &pages.owner).entered();
            let (known, encoder) = (known(pages), encoders[&pages.feed]);
            match item.part {
                None => owner::process(pages, &gathered.archive, known, encoder).map(|outcome| {
                    let balances = balances.encode(&outcome.balances);
                    Product::Owner(Box::new((outcome, balances)))
                }),
                Some(part) => in_parts[&item.owner]
                    .process(part, pages, &gathered.archive, known, encoder)
                    .map(|piece| Product::Part(item, Some(Box::new(piece)))),
            }
        };
        let (mut left, mut joined) = (gathered.owners.len(), Joined::default());
        let mut take = |product: &mut Product| {
            let mut whole;
            let (outcome, balances) = match product {
                Product::Owner(both) => &mut **both,
                Product::Part(item, piece) => {
                    let mut piece = piece.take().expect("taken once");
                    self.publication.append(&mut piece.take_rows())?;
                    let (parted, pages) = (&in_parts[&item.owner], &gathered.owners[item.owner]);
                    let Some(outcome) = joined.add(*piece, parted, pages, known(pages)) else { return Ok(()) };
                    let balances = balances.encode(&outcome.balances);
                    whole = (outcome, balances);
                    &mut whole
                }
            };
            left -= 1;
            watch.owner_processed(outcome.feed, left);
            self.take(outcome, balances, gathered, priors)
        };
        let work_all = |batch: usize| batches[batch].iter().map(work).collect::<Result<Vec<Product>>>();
        ordered::for_each_in_order(machine.threads, &loads, work_all, |products| {
            products.iter_mut().try_for_each(&mut take)
        })?;
        self.in_parts = in_parts;
        let checked = self.cross.finish();
        self.breaks.extend(checked.breaks);
        self.unjudged.extend(checked.unjudged);
        Ok(())
    }

    /// Takes what is needed of an outcome; the rest goes back to where it was made.
    fn take(
        &mut self,
        outcome: &mut Outcome,
        balances: &mut Encoded,
        gathered: &Gathered,
        priors: &HashMap<OwnerKey, Prior>,
    ) -> Result<()> {
        let whole = gathered.is_whole(outcome.feed, &outcome.owner);
        let is_broken = !outcome.breaks.is_empty();
        self.cross.take(outcome, whole);
        let key = key_of(&outcome.owner);
        let unjudged = outcome.begins_at.iter().flat_map(|row| self.firsts.at(&key, row));
        self.unjudged.extend(unjudged);
        self.beside.compare(outcome.feed, &key, outcome.beside);
        // A comparison that proved nothing is told in a note.
        if outcome.feed.is_chain() && whole && outcome.notes.is_empty() && gathered.reported.contains_key(&key) {
            self.compared.insert(key.clone());
        }
        self.notes.append(&mut outcome.notes);
        outcome.rows.as_mut().map_or(Ok(()), |rows| self.publication.append(rows))?;
        self.book.take(&mut self.publication, std::mem::take(&mut outcome.files), &mut self.notes)?;
        self.book.append(outcome.sheet.take())?;
        if outcome.feed.is_chain() {
            self.publication.append(balances)?;
            let xlsx = self.plan.output.accounting.xlsx;
            self.book.append(xlsx.then(|| xlsx::sheet_rows(&dataset::BALANCES, &outcome.balances)))?;
            if whole {
                self.publication.add_closings(&outcome.balances)?;
                self.later.compare(&outcome.owner, &outcome.balances, priors.get(&key).copied());
            }
            self.owners.extend(OwnerLine::of(&outcome.owner, &outcome.balances));
            self.kept.keep_trend(&outcome.owner, &outcome.balances, is_broken);
            self.meanings.add(&outcome.owner, outcome.meaning);
        }
        self.kept.keep_rows(std::mem::take(&mut outcome.around));
        self.rejects.append(&mut outcome.rejects);
        Ok(())
    }

    /// A listing that could not be proved complete is a break of its own.
    fn tell_completeness(&mut self, gathered: &Gathered) {
        let mut told = HashSet::new();
        for (subject, owner, reason) in gathered.unproved() {
            if told.insert((subject, owner)) {
                self.breaks.push(incomplete(subject, owner, reason));
            }
        }
    }

    fn commit(
        mut self,
        out: &OutputDir,
        gathered: &Gathered,
        priors: &HashMap<OwnerKey, Prior>,
        started: DateTime<Utc>,
    ) -> Result<Report> {
        let (seams, seams_over) = self.later.finish(&self.publication, out.state())?;
        self.breaks.extend(seams);
        self.breaks.sort_by(|a, b| {
            let place = |found: &Break| (found.booking_date, found.check);
            a.owner.cmp(&b.owner).then_with(|| place(a).cmp(&place(b)))
        });
        self.rejects.sort_by(|a, b| {
            let place = |reject: &RejectRow| (reject.feed, reject.owner_id.clone(), reject.page_sha256.clone());
            place(a).cmp(&place(b)).then_with(|| natural_cmp(&a.pointer, &b.pointer))
        });
        let found = register::Found {
            breaks: std::mem::take(&mut self.breaks),
            unjudged: std::mem::take(&mut self.unjudged),
            rejects: &self.rejects,
            beside: &self.beside,
        };
        let mut registered = register::register(&mut self.publication, out.state(), self.plan, gathered, found)?;
        registered.taken_back.extend(seams_over);
        // What follows tells of the run; its rows, and which earlier ones stay, are settled.
        self.publication.begin_lake()?;
        let known = |pages| knowledge(self.plan, gathered, priors, pages, self.publication.scratch_folder());
        let look_again = |owner: usize, wanted: &[Wanted]| {
            let (pages, archive) = (&gathered.owners[owner], &gathered.archive);
            match self.in_parts.get(&owner) {
                Some(parted) => parted.look_again(pages, archive, known(pages), wanted),
                None => owner::look_again(pages, archive, known(pages), wanted),
            }
        };
        self.kept.look_again(gathered, &registered.rows, &registered.seen, look_again)?;
        append(&mut self.publication, &dataset::BREAKS, &registered.rows)?;
        append(&mut self.publication, &dataset::REJECTS, &self.rejects)?;
        self.book.finish(&mut self.publication, &self.plan.job_name, &registered.rows, &self.rejects)?;

        self.notes.extend(registered.kept);
        let mut report =
            Report::new(self.plan, &self.publication, gathered, self.owners, registered.rows, &self.rejects);
        report.notes.append(&mut self.notes);
        report.meaning = self.meanings.into_lines();
        report.tell_since(registered.since, registered.note);
        self.publication.write_report_file("summary.json", |file| report.write_json(file))?;
        let page = page::page(self.plan, &self.publication, gathered, &report, &self.rejects, &self.kept);
        self.publication.add_report_file("reconciliation.html", page.as_bytes())?;
        let delta = StateDelta {
            run: RunRecord {
                run_id: self.publication.run_id().to_owned(),
                job: self.plan.job_name.clone(),
                window_from: self.plan.window.from,
                window_to: self.plan.window.to,
                started_at: started.to_rfc3339_opts(SecondsFormat::Micros, true),
                committed_at: out.machine().clock.now().to_rfc3339_opts(SecondsFormat::Micros, true),
                exit_code: report.exit.code(),
                rows: report.rows(),
                breaks: report.open_breaks() as u64,
                shard: self.plan.shard.map(|shard| shard.to_string()),
            },
            today: gathered.seen_on,
            covered: register::coverage(gathered, &self.compared),
            rules: register::rules(self.plan),
            breaks: registered.seen,
            taken_back: registered.taken_back,
        };
        let committed = self.publication.commit(&delta)?;
        report.reports = committed.reports;
        Ok(report)
    }
}

/// Looks for the first time at owners with more rows than are held at once.
fn survey_the_large<'k>(
    gathered: &'k Gathered,
    plan: &Plan,
    machine: &Machine,
    known: impl Fn(&'k OwnerPages) -> Knowledge<'k>,
) -> Result<HashMap<usize, Parted>> {
    let (archive, rows_max) = (&gathered.archive, machine.owner_rows_max);
    let large = gathered.owners.iter().enumerate();
    let large = large.filter(|(_, pages)| in_parts::needs_parts(pages, archive, plan.output.accounting, rows_max));
    let surveyed = large.map(|(owner, pages)| {
        let parted = Parted::of(pages, archive, known(pages), rows_max, machine.threads)?;
        Ok((owner, parted))
    });
    surveyed.collect()
}

/// Rows of owners that are done together: of small ones, handing over each by itself costs more than it is worth.
const BATCH_ROWS: u64 = 1_000;
/// How many such owners at most.
const BATCH_OWNERS: usize = 64;

/// What is to be done, in the order in which it is taken, and how much each batch brings into memory. A part is a batch of
/// its own: it may wait for the one before.
fn batches(gathered: &Gathered, in_parts: &HashMap<usize, Parted>, machine: &Machine) -> (Vec<Vec<Item>>, Loads) {
    let (mut batches, mut rows): (Vec<Vec<Item>>, Vec<u64>) = (Vec::new(), Vec::new());
    let rows_max = BATCH_ROWS.min(machine.owner_rows_max as u64);
    let mut is_open = false;
    for owner in by_account(&gathered.owners) {
        let of_owner = in_parts::rows_about(&gathered.owners[owner], &gathered.archive);
        if let Some(parted) = in_parts.get(&owner) {
            let pieces = parted.pieces();
            batches.extend((0..pieces).map(|part| vec![Item { owner, part: Some(part) }]));
            rows.extend(std::iter::repeat_n(of_owner / pieces as u64, pieces));
            is_open = false;
            continue;
        }
        let item = Item { owner, part: None };
        match (batches.last_mut(), rows.last_mut()) {
            (Some(batch), Some(rows)) if is_open && batch.len() < BATCH_OWNERS && *rows + of_owner <= rows_max => {
                batch.push(item);
                *rows += of_owner;
            }
            _ => {
                batches.push(vec![item]);
                rows.push(of_owner);
            }
        }
        is_open = true;
    }
    // The others' largest, while the one whose turn it is takes long.
    let others = machine.threads.saturating_sub(1).max(1);
    let ahead_max = machine.owner_rows_max.saturating_mul(others) as u64;
    (batches, Loads::of(rows, ahead_max))
}

/// What is known of an owner beside its pages.
fn knowledge<'k>(
    plan: &Plan,
    gathered: &'k Gathered,
    priors: &HashMap<OwnerKey, Prior>,
    pages: &OwnerPages,
    scratch: &'k Path,
) -> Knowledge<'k> {
    let (key, needs) = (key_of(&pages.owner), Needs::of(&plan.feeds));
    // Balances are those of the chain.
    let has_chain = pages.feed.is_chain();
    Knowledge {
        window: plan.window,
        zone: plan.zone,
        currency: gathered.currencies.get(&pages.owner.acc_id).map(String::as_str),
        prior: priors.get(&key).copied().filter(|_| has_chain),
        around: days_around(plan, needs, gathered.seen_on),
        reported: gathered.reported.get(&key).copied().filter(|_| has_chain),
        needs,
        unproved: gathered.unproved_of(pages.feed, &pages.owner),
        accounting: plan.output.accounting,
        scratch,
        fx_fee: plan.fx_fee,
    }
}

/// The owners account by account, so that the facts of one account at a time need be held; within each dataset they
/// stand in their usual order.
fn by_account(owners: &[OwnerPages]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..owners.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&owners[*a], &owners[*b]);
        natural_cmp(&a.owner.acc_id, &b.owner.acc_id).then_with(|| (a.feed, &a.owner).cmp(&(b.feed, &b.owner)))
    });
    order
}

/// The window and the days around it in which counterparts may lie, up to the day of the run where an owner's balance is
/// to be compared.
fn days_around(plan: &Plan, needs: Needs, seen_on: Day) -> Window {
    // A day at least, to see rows that moved to the other side of its ends.
    let days = if needs == Needs::default() { 1 } else { plan.transfer_days.max(1) };
    let (from, to) = (plan.window.from.plus(-days), plan.window.to.plus(days));
    Window { from, to: closing::reaching(plan.window, seen_on).map_or(to, |today| to.max(today)) }
}

fn append<R: Row>(publication: &mut Publication, dataset: &'static Dataset, rows: &[R]) -> Result<()> {
    let mut encoded = publication.encoder(dataset).encode(rows);
    publication.append(&mut encoded)
}

/// Balances of all kinds of owners share partitions: those that other jobs committed of owners whose chain this job leaves
/// out stay.
fn keep_what_is_not_asked_for(publication: &mut Publication, plan: &Plan) {
    let left_out = Feed::ALL.into_iter().filter(|feed| feed.is_chain() && !plan.feeds.contains(feed));
    for feed in left_out {
        publication.keep_all_but(&dataset::BALANCES, feed.owner_kind(), []);
    }
}

/// Rows that an earlier run committed stay in the lake where this run could not ask for them.
fn keep_what_could_not_be_read(publication: &mut Publication, plan: &Plan, gathered: &Gathered) {
    for feed in &plan.feeds {
        let read: Vec<&Owner> =
            gathered.owners.iter().filter(|pages| pages.feed == *feed).map(|pages| &pages.owner).collect();
        let failed: Vec<&Owner> = gathered
            .unread()
            .filter(|listing| listing.subject.feed() == Some(*feed))
            .map(|listing| &listing.owner)
            .collect();
        let unknown_owners = gathered.unproved().any(|(subject, _, _)| {
            subject == landing::Subject::Accounts
                || (subject == landing::Subject::Cards && feed.owner_kind() == OwnerKind::Card)
        });
        // A page that could not be read may have been anybody's.
        let unknown_owners = unknown_owners || gathered.has_unreadable(*feed);
        let datasets = [Some(dataset_of(*feed)), feed.is_chain().then_some(&dataset::BALANCES)];
        for dataset in datasets.into_iter().flatten() {
            if unknown_owners {
                let read_and_whole = read.iter().copied().filter(|owner| !failed.contains(owner));
                publication.keep_all_but(dataset, feed.owner_kind(), read_and_whole);
            } else if !failed.is_empty() {
                publication.keep_owners(dataset, failed.iter().copied());
            }
        }
    }
}

fn incomplete(subject: landing::Subject, owner: &Owner, reason: &str) -> Break {
    Break {
        check: Check::Completeness,
        cause: Cause::Unproved,
        owner: owner.clone(),
        subject: Subject::Listing(subject.name()),
        booking_date: None,
        currency: None,
        amounts: None,
        explanation: format!("the listing of {subject} could not be proved complete: {reason}"),
    }
}

fn key_of(owner: &Owner) -> OwnerKey {
    (owner.kind, owner.id().to_owned())
}

/// The dataset that a feed's rows go to.
pub fn dataset_of(feed: Feed) -> &'static Dataset {
    match feed {
        Feed::AccountStatements => &dataset::ACCOUNT_STATEMENTS,
        Feed::IbanStatements => &dataset::IBAN_STATEMENTS,
        Feed::CardTransactions => &dataset::CARD_TRANSACTIONS,
        Feed::CreditTransfers => &dataset::CREDIT_TRANSFERS,
    }
}
