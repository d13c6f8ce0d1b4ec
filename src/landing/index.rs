//! The index of a run: `raw/_runs/<run>.ndjson`, a line for the run, for each response, and for each finished listing.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::writer::RUNS_FOLDER;
use super::{Archive, BalanceReading, Landed, Listing, ListingPage, Proof, ResponseId, Subject};
use crate::record::{Day, Feed, Owner, OwnerKind, Window};
use crate::{Error, Result};

/// What a run asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// The run's id; ids grow with time.
    pub run: String,
    /// The job's name.
    pub job: String,
    /// The provider's name.
    pub provider: String,
    /// First day asked for, YYYY-MM-DD.
    pub from: String,
    /// Last day asked for.
    pub to: String,
    /// The API user, whose name the envelopes' hashes cover.
    pub username: String,
    /// The local day of the run.
    pub day: String,
    /// Whom it asked: scheme, host and port. Empty in landings of the first version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base_url: String,
    /// The feeds it asked for, by name. Empty in landings of the first version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<String>,
    /// The share of the accounts that it asked for, as in `--shard`. Empty where it asked for all.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shard: String,
}

impl RunLine {
    /// Whether the run asked for all of these feeds, as far as its landing tells.
    fn has(&self, feeds: &[Feed]) -> bool {
        self.feeds.is_empty() || feeds.iter().all(|feed| self.feeds.iter().any(|name| name == feed.name()))
    }
}

/// Written last: everything that was asked for has been answered or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndLine {
    pub end: String,
    #[serde(flatten)]
    pub told: Told,
}

/// What a fetch learned that stands in no listing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The meaning of the provider's date filter, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub date_filter: String,
    /// What the reader of the summary should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A response that a later process asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SetAsideLine {
    pub set_aside: ResponseId,
}

/// A listing, as the index spells it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ListingLine {
    listing: Subject,
    owner_kind: String,
    acc_id: String,
    card_ref: String,
    pages: Vec<ListingPage>,
    proof: Proof,
    /// Path and dates that were asked for; tells apart two listings of one owner.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    asked: String,
}

/// A listing as it was noted, with what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Noted {
    pub listing: Listing,
    pub asked: String,
}

/// A reading of a balance, as the index spells it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BalanceLine {
    balance_of: String,
    acc_id: String,
    card_ref: String,
    before: ResponseId,
    after: ResponseId,
}

impl From<&BalanceReading> for BalanceLine {
    fn from(reading: &BalanceReading) -> Self {
        Self {
            balance_of: reading.owner.kind.name().to_owned(),
            acc_id: reading.owner.acc_id.clone(),
            card_ref: reading.owner.card_ref.clone(),
            before: reading.before,
            after: reading.after,
        }
    }
}

impl From<BalanceLine> for BalanceReading {
    fn from(line: BalanceLine) -> Self {
        let owner = Owner { kind: kind(&line.balance_of), acc_id: line.acc_id, card_ref: line.card_ref };
        BalanceReading { owner, before: line.before, after: line.after }
    }
}

fn kind(name: &str) -> OwnerKind {
    match name {
        "card" => OwnerKind::Card,
        "provider" => OwnerKind::Provider,
        _ => OwnerKind::Account,
    }
}

impl ListingLine {
    pub(super) fn of(listing: &Listing, asked: &str) -> Self {
        Self {
            listing: listing.subject,
            owner_kind: listing.owner.kind.name().to_owned(),
            acc_id: listing.owner.acc_id.clone(),
            card_ref: listing.owner.card_ref.clone(),
            pages: listing.pages.clone(),
            proof: listing.proof.clone(),
            asked: asked.to_owned(),
        }
    }
}

impl From<ListingLine> for Noted {
    fn from(line: ListingLine) -> Self {
        let listing = Listing {
            subject: line.listing,
            owner: Owner { kind: kind(&line.owner_kind), acc_id: line.acc_id, card_ref: line.card_ref },
            pages: line.pages,
            proof: line.proof,
        };
        Noted { listing, asked: line.asked }
    }
}

/// A line of the index.
#[derive(Debug)]
pub(super) enum Line {
    Response(Landed),
    Listing(Noted),
    Balance(BalanceReading),
    SetAside(ResponseId),
    End(Told),
    /// Of a version to come.
    Unknown,
}

impl Line {
    /// Reads a line behind the first.
    pub(super) fn read(line: &str) -> serde_json::Result<Line> {
        use serde_json::from_str;
        Ok(match line.get(..6).unwrap_or_default() {
            "{\"resp" => Line::Response(from_str(line)?),
            "{\"list" => Line::Listing(from_str::<ListingLine>(line)?.into()),
            "{\"bala" => Line::Balance(from_str::<BalanceLine>(line)?.into()),
            "{\"set_" => Line::SetAside(from_str::<SetAsideLine>(line)?.set_aside),
            "{\"end\"" => Line::End(from_str::<EndLine>(line)?.told),
            _ => from_str::<serde::de::IgnoredAny>(line).map(|_| Line::Unknown)?,
        })
    }
}

/// What the lines of an index say.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub landed: Vec<Landed>,
    pub listings: Vec<Noted>,
    pub balances: Vec<BalanceReading>,
    pub set_aside: HashSet<ResponseId>,
    pub end: Option<Told>,
    /// Where the listing of what was asked stands.
    noted_at: HashMap<String, usize>,
}

impl Lines {
    /// Takes a line. A listing that was noted before was read again: its later reading counts.
    pub(super) fn take(&mut self, line: Line) {
        match line {
            Line::Response(landed) => self.landed.push(landed),
            Line::Listing(noted) => {
                if let Some(at) = self.noted_at.get(&noted.asked) {
                    self.listings[*at] = noted;
                    return;
                }
                // Landings of the first version do not say what was asked.
                if !noted.asked.is_empty() {
                    self.noted_at.insert(noted.asked.clone(), self.listings.len());
                }
                self.listings.push(noted);
            }
            Line::Balance(reading) => self.balances.push(reading),
            Line::SetAside(response) => drop(self.set_aside.insert(response)),
            Line::End(told) => self.end = Some(told),
            Line::Unknown => {}
        }
    }
}

/// A run's landing, read back.
#[derive(Debug)]
pub struct LandedRun {
    /// What it asked for.
    pub run: RunLine,
    /// Its responses.
    pub archive: Archive,
    /// The shelf's folder of each response.
    pub landed: Vec<Landed>,
    /// Its finished listings.
    pub listings: Vec<Listing>,
    /// The balances that it read.
    pub balances: Vec<BalanceReading>,
    /// What else the fetch learned.
    pub told: Told,
}

/// Reads back the newest finished run below `root` that covers `window` and has the feeds; `None` when `root` is no landing of ours.
///
/// # Errors
/// When it is a landing but no run of it fits, or its index is damaged.
pub fn read_back(root: &Path, window: Window, feeds: &[Feed]) -> Result<Option<LandedRun>> {
    let folder = root.join(RUNS_FOLDER);
    if !folder.is_dir() {
        return Ok(None);
    }
    let (mut seen, mut held) = (Vec::new(), Vec::new());
    for path in indexes(&folder)? {
        let text =
            std::fs::read_to_string(&path).map_err(|error| damaged(&path, "could not be read").because(error))?;
        let Some((run, finished)) = describe(&text) else {
            return Err(damaged(&path, "does not begin with its run"));
        };
        let covers = covered(&run).is_some_and(|held| held.contains(window.from) && held.contains(window.to));
        if finished && covers && run.has(feeds) {
            return load(root, &path, &text, run).map(Some);
        }
        held.extend(covered(&run).filter(|_| finished && run.has(feeds)));
        let lacks = match (finished, run.has(feeds)) {
            (false, _) => " (not finished)".to_owned(),
            (true, true) => String::new(),
            (true, false) => format!(" (of {} only)", run.feeds.join(", ")),
        };
        seen.push(format!("{} to {}{lacks}", run.from, run.to));
    }
    Err(Error::job(format!("no landed run covers {} to {}; found: {}", window.from, window.to, seen.join(", ")))
        .at(root.display())
        .hint(where_it_lies(window, &held)))
}

/// What to ask of the landing instead. Chunks of a range cover it together: they are read as they were fetched, each with
/// the proofs of its own listings.
fn where_it_lies(window: Window, held: &[Window]) -> String {
    let mut day = window.from;
    while day <= window.to {
        let Some(last) = held.iter().filter(|held| held.contains(day)).map(|held| held.to).max() else {
            return "give --from and --to within one of them".to_owned();
        };
        day = last.next();
    }
    let Window { from, to } = window;
    format!(
        "together they cover it: read them chunk by chunk, with \
         `tieout backfill JOB --archive DIR --from {from} --to {to}` and the same --chunk"
    )
}

/// Newest first.
pub(super) fn indexes(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| damaged(folder, "could not be read").because(error))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
    paths.sort();
    paths.reverse();
    Ok(paths)
}

fn describe(text: &str) -> Option<(RunLine, bool)> {
    let run = serde_json::from_str::<RunLine>(text.lines().next()?).ok()?;
    let finished = text.lines().next_back().is_some_and(|line| serde_json::from_str::<EndLine>(line).is_ok());
    Some((run, finished))
}

pub(super) fn covered(run: &RunLine) -> Option<Window> {
    Window::new(Day::parse(&run.from)?, Day::parse(&run.to)?)
}

fn load(root: &Path, path: &Path, text: &str, run: RunLine) -> Result<LandedRun> {
    let mut lines = Lines::default();
    for line in text.lines().skip(1) {
        let line = Line::read(line).map_err(|error| damaged(path, "has a line that cannot be read").because(error))?;
        lines.take(line);
    }
    let archive = Archive::of_landed(root, &lines.landed)?;
    Ok(LandedRun::new(run, archive, lines))
}

impl LandedRun {
    pub(super) fn new(run: RunLine, archive: Archive, lines: Lines) -> LandedRun {
        LandedRun {
            run,
            archive,
            landed: lines.landed,
            listings: lines.listings.into_iter().map(|noted| noted.listing).collect(),
            balances: lines.balances,
            told: lines.end.unwrap_or_default(),
        }
    }
}

pub(super) fn damaged(path: &Path, what: &str) -> Error {
    Error::environment(format!("the index of a landed run {what}")).at(path.display())
}
