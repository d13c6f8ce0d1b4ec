//! The index of a run: `raw/_runs/<run>.ndjson`, a line for the run, for each response, and for each finished listing.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::writer::RUNS_FOLDER;
use super::{Archive, BalanceReading, Landed, Listing, ListingPage, Proof, ResponseId, Subject};
use crate::record::{Day, Owner, OwnerKind, Window};
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
}

/// Written last: everything that was asked for has been answered or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndLine {
    pub end: String,
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

impl From<&Listing> for ListingLine {
    fn from(listing: &Listing) -> Self {
        Self {
            listing: listing.subject,
            owner_kind: listing.owner.kind.name().to_owned(),
            acc_id: listing.owner.acc_id.clone(),
            card_ref: listing.owner.card_ref.clone(),
            pages: listing.pages.clone(),
            proof: listing.proof.clone(),
        }
    }
}

impl From<ListingLine> for Listing {
    fn from(line: ListingLine) -> Self {
        Listing {
            subject: line.listing,
            owner: Owner { kind: kind(&line.owner_kind), acc_id: line.acc_id, card_ref: line.card_ref },
            pages: line.pages,
            proof: line.proof,
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
}

/// Reads back the newest finished run below `root` that covers `window`; `None` when `root` is no landing of ours.
///
/// # Errors
/// When it is a landing but no run of it fits, or its index is damaged.
pub fn read_back(root: &Path, window: Window) -> Result<Option<LandedRun>> {
    let folder = root.join(RUNS_FOLDER);
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut seen = Vec::new();
    for path in indexes(&folder)? {
        let text =
            std::fs::read_to_string(&path).map_err(|error| damaged(&path, "could not be read").because(error))?;
        let Some((run, finished)) = describe(&text) else {
            return Err(damaged(&path, "does not begin with its run"));
        };
        let covers =
            finished && covered(&run).is_some_and(|held| held.contains(window.from) && held.contains(window.to));
        if covers {
            return load(root, &path, &text, run).map(Some);
        }
        seen.push(format!("{} to {}{}", run.from, run.to, if finished { "" } else { " (not finished)" }));
    }
    Err(Error::job(format!("no landed run covers {} to {}; found: {}", window.from, window.to, seen.join(", ")))
        .at(root.display())
        .hint("give --from and --to within one of them"))
}

/// Newest first.
fn indexes(folder: &Path) -> Result<Vec<PathBuf>> {
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

fn covered(run: &RunLine) -> Option<Window> {
    Window::new(Day::parse(&run.from)?, Day::parse(&run.to)?)
}

fn load(root: &Path, path: &Path, text: &str, run: RunLine) -> Result<LandedRun> {
    let mut landed = Vec::new();
    let mut listings = Vec::new();
    let mut balances = Vec::new();
    for line in text.lines().skip(1) {
        let kind = line.get(..6).unwrap_or_default();
        let parsed = match kind {
            "{\"resp" => serde_json::from_str::<Landed>(line).map(|response| landed.push(response)),
            "{\"list" => serde_json::from_str::<ListingLine>(line).map(|listing| listings.push(listing.into())),
            "{\"bala" => serde_json::from_str::<BalanceLine>(line).map(|balance| balances.push(balance.into())),
            _ => Ok(()),
        };
        parsed.map_err(|error| damaged(path, "has a line that cannot be read").because(error))?;
    }
    Ok(LandedRun { run, archive: Archive::of_landed(root, &landed)?, landed, listings, balances })
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::environment(format!("the index of a landed run {what}")).at(path.display())
}
