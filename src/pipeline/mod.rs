//! The whole journey: gather the pages, process each owner, commit what came out.

mod cross;
mod gather;
mod ordered;
mod owner;
mod register;
pub mod report;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::Result;
use crate::breaks::{Break, Cause, Check, Subject};
use crate::formats::{self, xlsx};
use crate::job::Plan;
use crate::landing;
use crate::output::{Encoder, Formats, OutputDir, Publication};
use crate::provider::Progress;
use crate::reconcile::facts::Needs;
use crate::reconcile::{Prior, Terms, closing};
use crate::record::feed::natural_cmp;
use crate::record::{BalanceRow, Dataset, Day, Feed, Owner, OwnerKind, RejectRow, Row, Window, dataset};
use crate::state::{Closing, OwnerKey, RunRecord, StateDelta};
use cross::CrossChecks;
use gather::{Gathered, OwnerPages};
use owner::{Knowledge, Outcome};
use report::{MeaningLine, OwnerLine, Report};

/// Who watches a run beyond the fetch.
pub trait Watch: Progress {
    /// An owner's rows of a feed have been processed; `left` are still to come.
    fn owner_processed(&self, _feed: Feed, _left: usize) {}
}

/// Does what the plan says, from the first request to the commit.
///
/// # Errors
/// When the run cannot finish; nothing is committed then.
pub fn run(plan: &Plan, watch: &dyn Watch) -> Result<Report> {
    let started = Utc::now();
    let out = OutputDir::open(&plan.output.directory)?;
    let run_id = run_id(started);
    let gathered = gather::gather(plan, &run_id, plan.zone.day_at(started), watch)?;
    let priors = priors(&out, plan)?;
    let mut ledger = Ledger::begin(&out, plan, &run_id, &gathered)?;
    ledger.process_all(&gathered, &priors, watch)?;
    ledger.tell_completeness(&gathered);
    ledger.commit(&out, &gathered, started)
}

/// Grows with time, and is made of letters, digits and `-`.
fn run_id(started: DateTime<Utc>) -> String {
    format!("{}-{:08x}", started.format("%Y%m%dT%H%M%S%3f"), rand::random::<u32>())
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
    meanings: Vec<MeaningLine>,
    cross: CrossChecks,
    /// Owners whose last balance was compared with the one that the provider reports.
    compared: HashSet<OwnerKey>,
    notes: Vec<String>,
}

impl<'p> Ledger<'p> {
    fn begin(out: &OutputDir, plan: &'p Plan, run_id: &str, gathered: &Gathered) -> Result<Self> {
        let formats = Formats { csv: plan.output.csv, parquet: plan.output.parquet };
        let feeds = plan.feeds.iter().map(|feed| dataset_of(*feed));
        let datasets: Vec<&'static Dataset> =
            feeds.chain([&dataset::BALANCES, &dataset::BREAKS, &dataset::REJECTS]).collect();
        let mut publication = Publication::begin(out, &plan.job_name, plan.window, run_id, formats, &datasets)?;
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
            meanings: Vec::new(),
            cross: CrossChecks::new(terms),
            compared: HashSet::new(),
            notes: Vec::new(),
        })
    }

    /// Processes the owners of each feed, several at once, and takes the results in the order of owners.
    fn process_all(&mut self, gathered: &Gathered, priors: &HashMap<OwnerKey, Prior>, watch: &dyn Watch) -> Result<()> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let encoders: HashMap<Feed, Encoder> =
            self.plan.feeds.iter().map(|feed| (*feed, self.publication.encoder(dataset_of(*feed)))).collect();
        let plan = self.plan;
        let mut left = gathered.owners.len();
        let order = by_account(&gathered.owners);
        let needs = Needs::of(&plan.feeds);
        let around = days_around(plan, needs, gathered.seen_on);
        let work = |item: usize| {
            let pages: &OwnerPages = &gathered.owners[order[item]];
            let knowledge = Knowledge {
                window: plan.window,
                zone: plan.zone,
                currency: gathered.currencies.get(&pages.owner.acc_id).map(String::as_str),
                prior: priors.get(&key_of(&pages.owner)).copied(),
                around,
                reported: gathered.reported.get(&key_of(&pages.owner)).copied(),
                needs,
                unproved: gathered.unproved_of(pages.feed, &pages.owner),
                accounting: plan.output.accounting,
                fx_fee: plan.fx_fee,
            };
            owner::process(pages, &gathered.archive, knowledge, encoders[&pages.feed])
        };
        ordered::for_each_in_order(threads, gathered.owners.len(), work, |outcome| {
            left -= 1;
            watch.owner_processed(outcome.feed, left);
            self.take(outcome, gathered)
        })?;
        let breaks = self.cross.finish();
        self.breaks.extend(breaks);
        Ok(())
    }

    fn take(&mut self, mut outcome: Outcome, gathered: &Gathered) -> Result<()> {
        let whole = gathered.is_whole(outcome.feed, &outcome.owner);
        let breaks = self.cross.take(&mut outcome, whole);
        self.breaks.extend(breaks);
        let key = key_of(&outcome.owner);
        // A comparison that proved nothing is told in a note.
        if outcome.feed.is_chain() && whole && outcome.notes.is_empty() && gathered.reported.contains_key(&key) {
            self.compared.insert(key);
        }
        self.notes.append(&mut outcome.notes);
        self.publication.append(outcome.rows)?;
        self.book.take(&mut self.publication, outcome.files, &mut self.notes)?;
        self.book.append(outcome.sheet)?;
        if outcome.feed.is_chain() {
            let balances = self.publication.encoder(&dataset::BALANCES).encode(&outcome.balances);
            self.publication.append(balances)?;
            let xlsx = self.plan.output.accounting.xlsx;
            self.book.append(xlsx.then(|| xlsx::sheet_rows(&dataset::BALANCES, &outcome.balances)))?;
            if whole {
                let closings: Vec<Closing> = outcome.balances.iter().filter_map(Closing::of).collect();
                self.publication.add_closings(&closings)?;
            }
            self.owners.extend(OwnerLine::of(&outcome.owner, &outcome.balances));
            self.meanings.extend(MeaningLine::of(&outcome.owner, outcome.meaning));
        }
        self.breaks.extend(outcome.breaks);
        self.rejects.extend(outcome.rejects);
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

    fn commit(mut self, out: &OutputDir, gathered: &Gathered, started: DateTime<Utc>) -> Result<Report> {
        self.breaks.sort_by(|a, b| {
            let place = |found: &Break| (found.booking_date, found.check);
            a.owner.cmp(&b.owner).then_with(|| place(a).cmp(&place(b)))
        });
        self.rejects.sort_by(|a, b| {
            let place = |reject: &RejectRow| (reject.feed, reject.owner_id.clone(), reject.page_sha256.clone());
            place(a).cmp(&place(b)).then_with(|| natural_cmp(&a.pointer, &b.pointer))
        });
        let found = std::mem::take(&mut self.breaks);
        let registered =
            register::register(&mut self.publication, out.state(), self.plan, gathered, found, &self.rejects)?;
        append(&mut self.publication, &dataset::BREAKS, &registered.rows)?;
        append(&mut self.publication, &dataset::REJECTS, &self.rejects)?;
        self.book.finish(&mut self.publication, &self.plan.job_name, &registered.rows, &self.rejects)?;

        let mut report =
            Report::new(self.plan, &self.publication, gathered, self.owners, registered.rows, &self.rejects);
        report.notes.append(&mut self.notes);
        report.meaning = MeaningLine::kept_short(self.meanings);
        report.tell_since(registered.since, registered.note);
        self.publication.add_report_file("summary.json", &report.to_json())?;
        self.publication.add_report_file("reconciliation.html", report.to_html().as_bytes())?;
        let delta = StateDelta {
            run: RunRecord {
                run_id: self.publication.run_id().to_owned(),
                job: self.plan.job_name.clone(),
                window_from: self.plan.window.from,
                window_to: self.plan.window.to,
                started_at: started.to_rfc3339_opts(SecondsFormat::Micros, true),
                committed_at: Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
                exit_code: report.exit.code(),
                rows: report.rows(),
                breaks: report.open_breaks() as u64,
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
    let days = if needs == Needs::default() { 0 } else { plan.transfer_days.max(1) };
    let (from, to) = (plan.window.from.plus(-days), plan.window.to.plus(days));
    Window { from, to: closing::reaching(plan.window, seen_on).map_or(to, |today| to.max(today)) }
}

fn append<R: Row>(publication: &mut Publication, dataset: &'static Dataset, rows: &[R]) -> Result<()> {
    let encoded = publication.encoder(dataset).encode(rows);
    publication.append(encoded)
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
        let datasets = [Some(dataset_of(*feed)), feed.is_chain().then_some(&dataset::BALANCES)];
        for dataset in datasets.into_iter().flatten() {
            if unknown_owners {
                let read_and_whole = read.iter().copied().filter(|owner| !failed.contains(owner));
                publication.keep_all_but(dataset, read_and_whole);
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

/// The sums of an owner's days, for its line in the report.
fn window_totals(balances: &[BalanceRow]) -> (crate::record::Total, crate::record::Total, i64) {
    let mut sums = (crate::record::Total::default(), crate::record::Total::default(), 0);
    for day in balances {
        day.credits.into_iter().for_each(|credits| sums.0.add(credits));
        day.debits.into_iter().for_each(|debits| sums.1.add(debits));
        sums.2 += day.entries;
    }
    sums
}
