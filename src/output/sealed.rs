//! What a run is about to seal: the digest of each owner's day, gathered while rows are appended.
//!
//! Held until the commit, in about 50 bytes an owner, dataset and day that has rows.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::committed::key_of;
use super::lake::OwnerOf;
use super::packed::unpack;
use crate::Result;
use crate::record::{Dataset, Day, Money, dataset};
use crate::state::{Closing, Digest, OwnerKey, SealedRows};

/// The rows of days, hashed as they come.
#[derive(Debug, Default)]
pub(super) struct Hashers(BTreeMap<Day, (Sha256, u64)>);

impl Hashers {
    /// Adds packed rows to a day.
    pub(super) fn add(&mut self, day: Day, packed: &[u8], rows: u64) {
        let (hash, count) = self.0.entry(day).or_default();
        hash.update(packed);
        *count += rows;
    }
}

/// What the run has of each dataset's days.
#[derive(Debug, Default)]
pub(super) struct SealBook {
    owners: Vec<Arc<OwnerKey>>,
    numbers: HashMap<Arc<OwnerKey>, u32>,
    days: BTreeMap<(&'static str, Day), Vec<Entry>>,
    /// The owner that came last in each dataset: more rows of it may follow.
    pending: HashMap<&'static str, (u32, Hashers)>,
}

#[derive(Debug)]
struct Entry {
    owner: u32,
    rows: u64,
    digest: Digest,
    closing: Option<Money>,
}

impl SealBook {
    /// Adds the rows of an owner behind those it has.
    pub(super) fn append(
        &mut self,
        dataset: &'static Dataset,
        packed: &[u8],
        runs: impl Iterator<Item = (Day, u64, std::ops::Range<usize>)>,
        hashers: Hashers,
    ) -> Result<()> {
        if packed.is_empty() {
            return Ok(());
        }
        let mut owner = OwnerOf::new(dataset);
        unpack(dataset, packed, &mut owner)?;
        let owner = self.number(key_of(&owner.owner()));
        match self.pending.get_mut(dataset.name) {
            // An owner that comes in parts: its digests go on. Rare, so that hashing here does not matter.
            Some((last, known)) if *last == owner => runs.for_each(|(day, rows, at)| known.add(day, &packed[at], rows)),
            _ => {
                if let Some((last, known)) = self.pending.insert(dataset.name, (owner, hashers)) {
                    self.close(dataset.name, last, known);
                }
            }
        }
        Ok(())
    }

    /// Says that no more rows come.
    pub(super) fn finish(&mut self) {
        let pending: Vec<_> = self.pending.drain().collect();
        for (dataset, (owner, hashers)) in pending {
            self.close(dataset, owner, hashers);
        }
    }

    fn close(&mut self, dataset: &'static str, owner: u32, hashers: Hashers) {
        for (day, (hash, rows)) in hashers.0 {
            let entry = Entry { owner, rows, digest: Digest(hash.finalize().into()), closing: None };
            self.days.entry((dataset, day)).or_default().push(entry);
        }
    }

    /// Notes a balance by which later runs find their opening.
    pub(super) fn note_closing(&mut self, closing: &Closing) {
        let owner = self.number(closing.owner.clone());
        let name = dataset::BALANCES.name;
        if self.pending.get(name).is_some_and(|(last, _)| *last == owner)
            && let Some((last, hashers)) = self.pending.remove(name)
        {
            self.close(name, last, hashers);
        }
        let day = self.days.get_mut(&(name, closing.day));
        if let Some(entry) = day.and_then(|day| day.iter_mut().rev().find(|entry| entry.owner == owner)) {
            entry.closing = Some(closing.closing);
        }
    }

    /// The closing balance that the run has of an owner's day.
    pub(super) fn closing_of(&self, owner: &OwnerKey, day: Day) -> Option<Money> {
        let number = self.numbers.get(owner)?;
        let entries = self.days.get(&(dataset::BALANCES.name, day))?;
        entries.iter().find(|entry| entry.owner == *number)?.closing
    }

    /// What the run has of a dataset's day.
    pub(super) fn of(&self, dataset: &Dataset, day: Day) -> Vec<SealedRows> {
        let entries = self.days.get(&(dataset.name, day)).map(Vec::as_slice).unwrap_or_default();
        let sealed = |entry: &Entry| SealedRows {
            owner: Arc::clone(&self.owners[entry.owner as usize]),
            rows: entry.rows,
            digest: entry.digest,
            closing: entry.closing,
        };
        entries.iter().map(sealed).collect()
    }

    fn number(&mut self, owner: OwnerKey) -> u32 {
        if let Some(number) = self.numbers.get(&owner) {
            return *number;
        }
        let (owner, number) = (Arc::new(owner), u32::try_from(self.owners.len()).expect("fewer than 2^32 owners"));
        self.owners.push(Arc::clone(&owner));
        self.numbers.insert(owner, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::Encoder;
    use super::super::samples::card_transaction;
    use super::*;
    use crate::record::dataset::CARD_TRANSACTIONS;
    use crate::record::{CardTransaction, OwnerKind, Stamp};

    /// Rows of a card on alternating days.
    fn rows(card: &str) -> Vec<CardTransaction<'static>> {
        (0..7)
            .map(|index| CardTransaction {
                card_ref: card.to_owned().into(),
                txid: index.to_string().into(),
                booked_at: Stamp::new(i64::from(index % 2) * 86_400_000_000, 0),
                ..card_transaction(true)
            })
            .collect()
    }

    fn sealed(parts: usize) -> Vec<SealedRows> {
        let mut book = SealBook::default();
        for card in ["900", "1000"] {
            for part in rows(card).chunks(parts) {
                let mut rows = Encoder::new(&CARD_TRANSACTIONS, false).encode(part).into_parts().1;
                let hashers = rows.take_hashers();
                book.append(&CARD_TRANSACTIONS, rows.packed(), rows.places(), hashers).expect("rows of its own");
            }
        }
        book.finish();
        let day = |days| Day::from_epoch_days(days).expect("a day");
        [book.of(&CARD_TRANSACTIONS, day(0)), book.of(&CARD_TRANSACTIONS, day(1))].concat()
    }

    #[test]
    fn an_owner_that_comes_in_parts_is_sealed_as_one() {
        let whole = sealed(7);
        let shown: Vec<(&str, u64)> = whole.iter().map(|each| (each.owner.1.as_str(), each.rows)).collect();
        assert_eq!(shown, [("900", 4), ("1000", 4), ("900", 3), ("1000", 3)]);
        assert!(whole.iter().all(|each| each.owner.0 == OwnerKind::Card));
        for parts in 1..7 {
            assert_eq!(sealed(parts), whole, "in parts of {parts} rows");
        }
    }
}
