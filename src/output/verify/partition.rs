//! One partition: its bytes against the manifest, its rows against what was sealed, its balances against the state.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::{Finding, FindingKind, Verifier, digest_of};
use crate::Result;
use crate::output::committed::owners_of;
use crate::output::lake::partition_path;
use crate::output::parquet::PartitionReader;
use crate::record::{CellSink, Dataset, Day, Money, OwnerKind, Rate, Stamp, dataset};
use crate::state::{OwnerKey, SealedRows, State, seal_partition};

/// What a partition's check gave.
#[derive(Debug, Default)]
pub(super) struct Checked {
    pub(super) findings: Vec<Finding>,
    pub(super) rows: u64,
}

/// Checks a partition that is there and should be.
pub(super) fn check(verifier: &Verifier<'_>, path: &str, dataset: &'static Dataset, day: Day) -> Result<Checked> {
    let mut checked = Checked::default();
    let mut note = |kind, detail: String| {
        let day = Some(day.to_string());
        checked.findings.push(Finding { day, kind, place: path.to_owned(), detail });
    };
    let expected = verifier.expected.get(path).map(|expected| &expected.file);
    let digest = digest_of(&verifier.out.join(path))?;
    let is_same_file = expected.is_none_or(|file| digest == Some((file.bytes, file.sha256.clone())));
    let Some(mut owners) = owners_of(dataset, &verifier.out.join(path)) else {
        note(FindingKind::FileChanged, "its rows can no longer be read".to_owned());
        return Ok(checked);
    };
    let made = seal_partition(dataset, &mut owners, true);
    let told = tell_rows(verifier, dataset, day, &owners)?;
    let sealed = expected.and_then(|file| file.rows_sha256.as_ref());
    if told.is_empty() && sealed.is_some_and(|sealed| *sealed != made.digest.to_string()) && verifier.state.is_none() {
        let rows = expected.and_then(|file| file.rows).unwrap_or_default();
        note(kind_by_count(rows, made.rows), format!("{rows} rows were committed, {} other are there", made.rows));
    } else if told.is_empty() && !is_same_file {
        note(FindingKind::FileChanged, "its rows are those that were committed, its bytes are not".to_owned());
    }
    for (kind, detail) in told {
        note(kind, detail);
    }
    checked.rows = made.rows;
    Ok(checked)
}

/// What differs from the owners' rows that the state sealed.
fn tell_rows(
    verifier: &Verifier<'_>,
    dataset: &'static Dataset,
    day: Day,
    owners: &[SealedRows],
) -> Result<Vec<(FindingKind, String)>> {
    let is_sealed = |partitions: &Vec<_>| {
        partitions
            .iter()
            .any(|each: &crate::state::SealedPartition| std::ptr::eq(each.dataset, dataset) && each.in_lake)
    };
    let Some(state) = verifier.state.as_ref().filter(|_| verifier.sealed.get(&day).is_some_and(is_sealed)) else {
        return Ok(Vec::new());
    };
    let sealed: BTreeMap<Arc<OwnerKey>, SealedRows> =
        state.sealed_rows(dataset, day)?.into_iter().map(|sealed| (Arc::clone(&sealed.owner), sealed)).collect();
    let mut found: BTreeMap<&OwnerKey, &SealedRows> = owners.iter().map(|owner| (&*owner.owner, owner)).collect();
    let mut told = Vec::new();
    for (owner, sealed) in &sealed {
        let rows = found.remove(&**owner).map_or((0, None), |found| (found.rows, Some(found.digest)));
        if rows != (sealed.rows, Some(sealed.digest)) {
            let name = format!("{} {}", owner.0.name(), owner.1);
            let detail = format!("{name}: {} rows were committed, {} other are there", sealed.rows, rows.0);
            told.push((kind_by_count(sealed.rows, rows.0), detail));
        }
    }
    told.extend(found.into_iter().map(|(owner, found)| {
        let name = format!("{} {}", owner.0.name(), owner.1);
        (FindingKind::RowAdded, format!("{name}: no rows were committed, {} are there", found.rows))
    }));
    Ok(told)
}

fn kind_by_count(before: u64, now: u64) -> FindingKind {
    match now.cmp(&before) {
        std::cmp::Ordering::Less => FindingKind::RowRemoved,
        std::cmp::Ordering::Equal => FindingKind::RowChanged,
        std::cmp::Ordering::Greater => FindingKind::RowAdded,
    }
}

/// The state's balances of a day against those that were sealed, and those of the lake.
pub(super) fn check_closings(verifier: &mut Verifier<'_>, state: &State, day: Day) -> Result<()> {
    let held = state.balances_of(day)?;
    let sealed = state.sealed_rows(&dataset::BALANCES, day)?;
    let path = verifier.out.join(partition_path(&dataset::BALANCES, day));
    let lake = balances_in(&path).unwrap_or_default();
    for sealed in sealed {
        let Some(closing) = sealed.closing else {
            continue;
        };
        let held = held.get(&*sealed.owner);
        let shown = |amount: Option<Money>| amount.map_or_else(|| "none".to_owned(), |amount| amount.text(2));
        let name = format!("{} {}", sealed.owner.0.name(), sealed.owner.1);
        let stated = held.map(|(_, closing)| *closing);
        if stated != Some(closing) {
            let detail = format!("{name}: closed at {}, the state holds {}", shown(Some(closing)), shown(stated));
            verifier.note(Some(day), FindingKind::ClosingDiffers, "tieout.db, closings", detail);
        } else if let (Some((opening, closing)), Some(in_lake)) = (held, lake.get(&*sealed.owner))
            && *in_lake != (*opening, Some(*closing))
        {
            let detail = format!(
                "{name}: the state holds {} to {}, the lake {} to {}",
                shown(*opening),
                shown(Some(*closing)),
                shown(in_lake.0),
                shown(in_lake.1)
            );
            verifier.note(Some(day), FindingKind::ClosingDiffers, "tieout.db, closings", detail);
        }
    }
    Ok(())
}

type Balances = HashMap<OwnerKey, (Option<Money>, Option<Money>)>;

/// Opening and closing of each owner in a partition of balances; `None` when it cannot be read.
fn balances_in(path: &std::path::Path) -> Option<Balances> {
    let mut reader = PartitionReader::open(&dataset::BALANCES, path).ok()?;
    let mut balances = Balances::new();
    while let Some(batch) = reader.next_batch().ok()? {
        for row in 0..batch.rows() {
            let mut cells = BalanceCells::default();
            batch.hand_over(row, &mut cells).ok()?;
            let kind = if cells.kind == OwnerKind::Card.name() { OwnerKind::Card } else { OwnerKind::Account };
            balances.insert((kind, cells.id), (cells.opening, cells.closing));
        }
    }
    Some(balances)
}

/// What is compared of a row of balances.
#[derive(Default)]
struct BalanceCells {
    at: usize,
    kind: String,
    id: String,
    opening: Option<Money>,
    closing: Option<Money>,
}

impl BalanceCells {
    fn next(&mut self) -> &'static str {
        self.at += 1;
        dataset::BALANCES.columns[self.at - 1].name
    }
}

impl CellSink for BalanceCells {
    fn text(&mut self, value: Option<&str>) {
        match self.next() {
            "owner_kind" => value.unwrap_or_default().clone_into(&mut self.kind),
            "owner_id" => value.unwrap_or_default().clone_into(&mut self.id),
            _ => {}
        }
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        match self.next() {
            "opening" => self.opening = value,
            "closing" => self.closing = value,
            _ => {}
        }
    }

    fn rate(&mut self, _value: Option<Rate>) {
        self.next();
    }

    fn date(&mut self, _value: Option<Day>) {
        self.next();
    }

    fn time(&mut self, _value: Option<Stamp>) {
        self.next();
    }

    fn count(&mut self, _value: i64) {
        self.next();
    }
}
