//! Rows that earlier runs committed, read back out of the lake: whose they are, and what they say that must not change.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::columns::Batch;
use super::fan::{Both, To};
use super::lake::{OwnerOf, partition_path};
use super::packed::{Packer, unpack};
use super::parquet::PartitionReader;
use super::publication::Publication;
use crate::Result;
use crate::record::{CellSink, Dataset, Day, Money, Owner, Rate, Reported, Row, Stamp};
use crate::state::{Digest, OwnerKey, SealedRows};

impl Publication {
    /// What the lake holds of owners on a day, in the order in which it was committed; nothing where it holds no such
    /// partition or cannot be read.
    pub fn committed_rows(
        &self,
        dataset: &'static Dataset,
        day: Day,
        owners: &HashSet<OwnerKey>,
    ) -> Vec<(Owner, Reported)> {
        self.read_committed(dataset, day, owners).unwrap_or_default()
    }

    fn read_committed(
        &self,
        dataset: &'static Dataset,
        day: Day,
        owners: &HashSet<OwnerKey>,
    ) -> Option<Vec<(Owner, Reported)>> {
        let path = self.staging.shared.root.join(partition_path(dataset, day));
        if !self.parquet || !path.exists() {
            return None;
        }
        let mut reader = PartitionReader::open(dataset, &path).ok()?;
        let mut rows = Vec::new();
        while let Some(batch) = reader.next_batch().ok()? {
            for row in 0..batch.rows() {
                if let Some(packed) = packed_row(dataset, &batch, row, owners)? {
                    let mut owner = OwnerOf::new(dataset);
                    unpack(dataset, &packed, &mut owner).ok()?;
                    rows.push((owner.owner(), reported(dataset, &packed).ok()?));
                }
            }
        }
        Some(rows)
    }
}

pub(super) fn key_of(owner: &Owner) -> OwnerKey {
    (owner.kind, owner.id().to_owned())
}

/// The owners of a partition's rows, sealed as a run would; `None` when it cannot be read.
pub(super) fn owners_of(dataset: &'static Dataset, path: &Path) -> Option<Vec<SealedRows>> {
    let mut reader = PartitionReader::open(dataset, path).ok()?;
    let mut owners: HashMap<OwnerKey, (Sha256, u64)> = HashMap::new();
    // Rows of an owner follow each other.
    let mut open: Option<(Owner, (Sha256, u64))> = None;
    let (mut owner, mut packer) = (OwnerOf::new(dataset), Packer::default());
    while let Some(batch) = reader.next_batch().ok()? {
        for row in 0..batch.rows() {
            owner.begin();
            packer.clear();
            batch.hand_over(row, &mut Both(To(&mut owner), To(&mut packer))).ok()?;
            if !open.as_ref().is_some_and(|(last, _)| owner.is(last)) {
                let next = owner.clone().owner();
                let so_far = owners.remove(&key_of(&next)).unwrap_or_default();
                if let Some((last, so_far)) = open.replace((next, so_far)) {
                    owners.insert(key_of(&last), so_far);
                }
            }
            let (_, (hash, rows)) = open.as_mut().expect("opened above");
            hash.update(packer.bytes());
            *rows += 1;
        }
    }
    owners.extend(open.map(|(last, so_far)| (key_of(&last), so_far)));
    let sealed = owners.into_iter().map(|(owner, (hash, rows))| {
        let digest = Digest(hash.finalize().into());
        SealedRows { owner: Arc::new(owner), rows, digest, closing: None }
    });
    Some(sealed.collect())
}

/// A row of a partition in the words of `packed`; `None` inside when it is another owner's, outside when it is damaged.
#[allow(clippy::option_option, reason = "three outcomes: damaged, not wanted, a row")]
pub(super) fn packed_row(
    dataset: &'static Dataset,
    batch: &Batch,
    row: usize,
    owners: &HashSet<OwnerKey>,
) -> Option<Option<Vec<u8>>> {
    let (mut owner, mut packer) = (OwnerOf::new(dataset), Packer::default());
    batch.hand_over(row, &mut Both(To(&mut owner), To(&mut packer))).ok()?;
    let is_wanted = owners.contains(&key_of(&owner.owner()));
    Some(is_wanted.then(|| packer.bytes().to_vec()))
}

/// What a packed row says that must not change.
pub(super) fn reported(dataset: &'static Dataset, packed: &[u8]) -> Result<Reported> {
    let mut reader = ReportedSink { dataset, at: 0, row: blank() };
    unpack(dataset, packed, &mut reader)?;
    Ok(reader.row)
}

/// What a row says that must not change.
pub fn reported_of(row: &impl Row) -> Reported {
    let mut reader = ReportedSink { dataset: row.dataset(), at: 0, row: blank() };
    row.write_cells(&mut reader);
    reader.row
}

fn blank() -> Reported {
    Reported {
        key: String::new(),
        day: Day::from_epoch_days(0).expect("1970 is held"),
        at: 0,
        amount: Money::ZERO,
        currency: None,
        balance: None,
        status: None,
    }
}

struct ReportedSink {
    dataset: &'static Dataset,
    at: usize,
    row: Reported,
}

impl ReportedSink {
    fn next(&mut self) -> &'static str {
        self.at += 1;
        self.dataset.columns[self.at - 1].name
    }
}

impl CellSink for ReportedSink {
    fn text(&mut self, value: Option<&str>) {
        match self.next() {
            "txid" | "internal_id" => value.unwrap_or_default().clone_into(&mut self.row.key),
            "currency" => self.row.currency = value.map(str::to_owned),
            "status" => self.row.status = value.map(str::to_owned),
            _ => {}
        }
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        match self.next() {
            "amount" => self.row.amount = value.unwrap_or_default(),
            "balance_after" => self.row.balance = value,
            _ => {}
        }
    }

    fn rate(&mut self, _value: Option<Rate>) {
        self.next();
    }

    fn date(&mut self, value: Option<Day>) {
        if self.next() == "booking_date"
            && let Some(day) = value
        {
            self.row.day = day;
        }
    }

    fn time(&mut self, value: Option<Stamp>) {
        if matches!(self.next(), "booked_at" | "created_at") {
            self.row.at = value.map_or(0, Stamp::utc_micros);
        }
    }

    fn count(&mut self, _value: i64) {
        self.next();
    }
}
