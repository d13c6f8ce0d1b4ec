//! What a run tells about itself: `summary.json`, and the table on the terminal. The page is [`super::page`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;

use super::dataset_of;
use super::gather::Gathered;
pub use super::lines::{MeaningLine, OwnerLine};
use crate::catalogue::{self, Entry};
use crate::job::{Plan, Shard};
use crate::landing::Proof;
use crate::output::Publication;
use crate::reconcile::restatement::{Restated, moved_closings};
use crate::record::{BreakRow, Day, Money, Owner, RejectRow, minor_digits};

/// How a run ended, as its exit code will say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything ties.
    Ties,
    /// Committed, with open breaks.
    Breaks,
    /// Committed in part.
    Partial,
}

impl Outcome {
    /// The exit code of the contract.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Ties => 0,
            Outcome::Breaks => 3,
            Outcome::Partial => 4,
        }
    }
}

/// A run, told.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The job's name.
    pub job: String,
    /// The share of the accounts that was run; without it, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// First day of the window.
    pub from: String,
    /// Last day of the window.
    pub to: String,
    /// The zone in which days are counted.
    pub timezone: String,
    /// The run's id.
    pub run_id: String,
    /// How it ended.
    #[serde(rename = "outcome")]
    pub exit: Outcome,
    /// The exit code.
    pub exit_code: u8,
    /// Rows of each dataset.
    pub datasets: Vec<DatasetLine>,
    /// Each owner whose balances form a chain.
    pub owners: Vec<OwnerLine>,
    /// The breaks.
    #[serde(serialize_with = "break_lines")]
    pub breaks: Vec<BreakRow>,
    /// What their causes mean, and what to do.
    pub causes: Vec<CauseLine>,
    /// Rejected rows.
    pub rejects: usize,
    /// The first of them, on one line each.
    pub rejects_shown: Vec<String>,
    /// What is known of the completeness of each listing.
    pub listings: Vec<ListingLine>,
    /// What the chains tell of the meaning of the provider's fees and amounts; only owners whose rows tell something.
    pub meaning: Vec<MeaningLine>,
    /// What was learned about the meaning of the provider's date filter.
    pub date_filter: String,
    /// Requests sent.
    pub requests: u64,
    /// Attempts beyond the first.
    pub retries: u64,
    /// What is different from what earlier runs committed.
    #[serde(flatten)]
    pub since: Since,
    /// What else should be known.
    pub notes: Vec<String>,
    /// The report folder.
    #[serde(skip)]
    pub reports: PathBuf,
}

/// What is different, in the window, from what earlier runs committed of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Since {
    /// Rows that are new on days that were committed before.
    pub late_rows: u64,
    /// Rows that changed as rows may: they settled, their texts changed, their balance follows a late row.
    pub amended_rows: u64,
    /// Rows that never were booked and are gone.
    pub expired_rows: u64,
    /// Rows that changed or vanished although they were booked: each is a break.
    pub restated_rows: u64,
    /// Owners whose closing balances of days that were committed before are others now.
    pub closings_moved: Vec<ClosingsMoved>,
}

/// Closing balances of an owner that are not what was committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClosingsMoved {
    /// account or card.
    pub owner_kind: &'static str,
    /// The owner's id.
    pub owner_id: String,
    /// The first of the days.
    pub first_day: String,
    /// The last.
    pub last_day: String,
    /// How many days.
    pub days: u64,
    /// Rows that are new on days committed before.
    pub late_rows: u64,
    /// Rows that changed or vanished.
    pub restated_rows: u64,
}

impl ClosingsMoved {
    /// `None` when none of an owner's closing balances moved.
    pub(super) fn of(
        owner: &Owner,
        told: &Restated,
        before: &BTreeMap<Day, Money>,
        now: &BTreeMap<Day, Money>,
    ) -> Option<ClosingsMoved> {
        let moved = moved_closings(before, now);
        Some(ClosingsMoved {
            owner_kind: owner.kind.name(),
            owner_id: owner.id().to_owned(),
            first_day: moved.first()?.to_string(),
            last_day: moved.last()?.to_string(),
            days: moved.len() as u64,
            late_rows: told.late_rows,
            restated_rows: told.breaks.len() as u64,
        })
    }
}

/// A cause of breaks, in the words of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseLine {
    /// Its name.
    pub cause: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What to do.
    pub advice: &'static str,
    /// The command that tells more.
    pub explain: String,
}

impl CauseLine {
    /// The causes of the breaks, each once, by name.
    fn of(breaks: &[BreakRow]) -> Vec<CauseLine> {
        let names: BTreeSet<&'static str> = breaks.iter().map(|found| found.cause).collect();
        let line = |name: &str| {
            let Entry { name, means, .. } = catalogue::of_cause(name)?;
            let told = breaks.iter().filter(|found| found.cause == name).map(|found| found.explanation.as_str());
            let advice = catalogue::advice_on_all(name, told)?;
            Some(CauseLine { cause: name, means, advice, explain: catalogue::command(name) })
        };
        names.into_iter().filter_map(line).collect()
    }
}

/// Rows of a dataset.
#[derive(Debug, Serialize)]
pub struct DatasetLine {
    /// Its name.
    pub dataset: &'static str,
    /// Its rows.
    pub rows: u64,
}

/// What is known of a listing.
#[derive(Debug, Serialize)]
pub struct ListingLine {
    /// What was listed.
    pub listing: &'static str,
    /// Whose.
    pub owner_id: String,
    /// The proof, or what stands in its way.
    #[serde(flatten)]
    pub proof: Proof,
}

impl Report {
    pub(super) fn new(
        plan: &Plan,
        publication: &Publication,
        gathered: &Gathered,
        owners: Vec<OwnerLine>,
        breaks: Vec<BreakRow>,
        rejects: &[RejectRow],
    ) -> Report {
        const REJECTS_SHOWN_MAX: usize = 20;
        let is_partial = !rejects.is_empty() || gathered.unproved().next().is_some();
        let has_open = breaks.iter().any(|found| found.status == "open");
        let exit = match (is_partial, has_open) {
            (true, _) => Outcome::Partial,
            (false, true) => Outcome::Breaks,
            (false, false) => Outcome::Ties,
        };
        let line = |reject: &RejectRow| {
            let owner = reject.owner_id.as_deref().unwrap_or("unknown owner");
            format!("{} {owner} {}: {}", reject.feed, reject.pointer, reject.reason)
        };
        Report {
            job: plan.job_name.clone(),
            shard: plan.shard,
            from: plan.window.from.to_string(),
            to: plan.window.to.to_string(),
            timezone: plan.zone.to_string(),
            run_id: publication.run_id().to_owned(),
            exit,
            exit_code: exit.code(),
            datasets: plan
                .feeds
                .iter()
                .map(|feed| dataset_of(*feed))
                .map(|dataset| DatasetLine { dataset: dataset.name, rows: publication.totals(dataset).rows })
                .collect(),
            owners,
            causes: CauseLine::of(&breaks),
            breaks,
            rejects: rejects.len(),
            rejects_shown: rejects.iter().take(REJECTS_SHOWN_MAX).map(line).collect(),
            listings: gathered
                .listings
                .iter()
                .map(|listing| ListingLine {
                    listing: listing.subject.name(),
                    owner_id: listing.owner.id().to_owned(),
                    proof: listing.proof.clone(),
                })
                .collect(),
            meaning: Vec::new(),
            date_filter: gathered.date_filter.clone(),
            requests: gathered.requests,
            retries: gathered.retries,
            since: Since::default(),
            notes: gathered.notes.clone(),
            reports: PathBuf::new(),
        }
    }

    /// Adds what is different from earlier runs.
    pub(super) fn tell_since(&mut self, since: Since, note: Option<String>) {
        if since.late_rows > 0 {
            self.notes.push(format!("late rows, on days that were committed before: {}", since.late_rows));
        }
        if let Some(moved) = closings_note(&since.closings_moved) {
            self.notes.push(moved);
        }
        self.since = since;
        self.notes.extend(note);
    }

    /// Rows of all feeds.
    pub fn rows(&self) -> u64 {
        self.datasets.iter().map(|line| line.rows).sum()
    }

    /// Breaks that nobody has accepted.
    pub fn open_breaks(&self) -> usize {
        self.breaks.iter().filter(|found| found.status == "open").count()
    }

    /// The verdict in a sentence.
    pub fn verdict(&self) -> String {
        let tied = self.owners.iter().filter(|owner| owner.verdict == "tied").count();
        let count = |number: usize, one: &str, several: &str| match number {
            1 => format!("1 {one}"),
            number => format!("{number} {several}"),
        };
        let unproved = self.listings.iter().filter(|line| !matches!(line.proof, Proof::Proved(_) | Proof::NotAsked));
        let mut parts = vec![format!("{tied} of {} tie out", count(self.owners.len(), "owner", "owners"))];
        parts.push(match self.open_breaks() {
            0 => "no open breaks".to_owned(),
            open => count(open, "open break", "open breaks"),
        });
        match unproved.count() {
            0 => {}
            unproved => parts.push(format!("{} not proved complete", count(unproved, "listing", "listings"))),
        }
        match self.rejects {
            0 => {}
            rejects => parts.push(format!("{} rejected", count(rejects, "row", "rows"))),
        }
        parts.join("; ")
    }

    /// `summary.json`.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = Vec::new();
        self.write_json(&mut json).expect("a report is plain data, and memory takes it");
        json
    }

    /// The same, as it comes: it is long where owners are many.
    ///
    /// # Errors
    /// When `out` refuses.
    pub fn write_json(&self, mut out: impl Write) -> std::io::Result<()> {
        serde_json::to_writer_pretty(&mut out, self)?;
        out.write_all(b"\n")
    }
}

/// Which days that were closed do not close as they did.
fn closings_note(moved: &[ClosingsMoved]) -> Option<String> {
    const OWNERS_SHOWN_MAX: usize = 3;
    let told = |moved: &ClosingsMoved| {
        let ClosingsMoved { owner_kind, owner_id, first_day, last_day, days, .. } = moved;
        match days {
            1 => format!("{owner_kind} {owner_id} on {first_day}"),
            days => format!("{owner_kind} {owner_id} on {days} days from {first_day} to {last_day}"),
        }
    };
    let shown: Vec<String> = moved.iter().take(OWNERS_SHOWN_MAX).map(told).collect();
    let more = match moved.len().saturating_sub(OWNERS_SHOWN_MAX) {
        0 => String::new(),
        more => format!(", and {more} more owners"),
    };
    (!shown.is_empty()).then(|| format!("closing balances that were committed move: {}{more}", shown.join(", ")))
}

#[derive(Serialize)]
struct BreakLine<'a> {
    break_id: &'a str,
    check: &'a str,
    cause: &'a str,
    owner_kind: &'a str,
    owner_id: &'a str,
    txid: Option<&'a str>,
    booking_date: Option<String>,
    currency: Option<&'a str>,
    expected: Option<String>,
    actual: Option<String>,
    difference: Option<String>,
    explanation: &'a str,
    first_seen: String,
    status: &'a str,
    explain: String,
}

fn break_lines<S: serde::Serializer>(breaks: &[BreakRow], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(breaks.iter().map(|found| {
        let digits = minor_digits(found.currency.as_deref());
        let text = |amount: Option<crate::record::Money>| amount.map(|amount| amount.text(digits));
        BreakLine {
            break_id: &found.break_id,
            check: found.check,
            cause: found.cause,
            owner_kind: found.owner_kind,
            owner_id: &found.owner_id,
            txid: found.txid.as_deref(),
            booking_date: found.booking_date.map(|day| day.to_string()),
            currency: found.currency.as_deref(),
            expected: text(found.expected),
            actual: text(found.actual),
            difference: text(found.difference),
            explanation: &found.explanation,
            first_seen: found.first_seen.to_string(),
            status: found.status,
            explain: catalogue::command(found.cause),
        }
    }))
}
