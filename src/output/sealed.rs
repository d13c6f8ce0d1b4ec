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
use crate::state::{Closing, Digest, OwnerKey, SealedDay, SealedRows};

/// The rows of days, hashed as they come.
#[derive(Debug, Default)]
pub(super) struct Hashers(BTreeMap<Day, (Sha256, u64)>);

/// Each day's digest, and how many rows it has.
pub(super) type SealedDays = Vec<(Day, Digest, u64)>;

impl Hashers {
    /// Adds packed rows to a day.
    pub(super) fn add(&mut self, day: Day, packed: &[u8], rows: u64) {
        let (hash, count) = self.0.entry(day).or_default();
        hash.update(packed);
        *count += rows;
    }

    /// What the days come to so far.
    pub(super) fn digests(&self) -> SealedDays {
        let digest = |hash: &Sha256| Digest(hash.clone().finalize().into());
        self.0.iter().map(|(day, (hash, rows))| (*day, digest(hash), *rows)).collect()
    }
}

/// What the run has of each dataset's days.
#[derive(Debug, Default)]
pub(super) struct SealBook {
    owners: Vec<Arc<OwnerKey>>,
    numbers: HashMap<Arc<OwnerKey>, u32>,
    days: BTreeMap<(&'static str, Day), Vec<Entry>>,
    /// The owner that came last in each dataset: more rows of it may follow.
    pending: HashMap<&'static str, Pending>,
}

/// An owner's days that may not be whole yet.
#[derive(Debug)]
struct Pending {
    owner: u32,
    hashers: Hashers,
    /// The digests, unless rows came after they were made.
    digests: Option<SealedDays>,
}

/// What the run has of an owner's day.
#[derive(Debug)]
pub(super) struct Entry {
    /// By its number.
    pub(super) owner: u32,
    /// An owner's day has fewer than 2^32.
    rows: u32,
    pub(super) digest: Digest,
    closing: Closed,
}

/// A closing balance, if there is one, in eight bytes: there is an entry for each owner, dataset and day.
#[derive(Debug, Clone, Copy)]
struct Closed(i64);

impl From<Option<Money>> for Closed {
    fn from(closing: Option<Money>) -> Closed {
        // Money has 18 digits at most, so that nothing else looks like this.
        Closed(closing.map_or(i64::MIN, Money::unscaled))
    }
}

impl From<Closed> for Option<Money> {
    fn from(Closed(unscaled): Closed) -> Option<Money> {
        Money::from_unscaled(unscaled)
    }
}

impl Entry {
    /// As the state keeps it.
    pub(super) fn sealed(&self, day: Day) -> SealedDay {
        SealedDay { day, rows: u64::from(self.rows), digest: self.digest, closing: self.closing.into() }
    }
}

impl SealBook {
    /// Adds the rows of an owner behind those it has.
    pub(super) fn append(
        &mut self,
        dataset: &'static Dataset,
        packed: &[u8],
        runs: impl Iterator<Item = (Day, u64, std::ops::Range<usize>)>,
        (hashers, digests): (Hashers, SealedDays),
    ) -> Result<()> {
        if packed.is_empty() {
            return Ok(());
        }
        let mut owner = OwnerOf::new(dataset);
        unpack(dataset, packed, &mut owner)?;
        let owner = self.number(key_of(&owner.owner()));
        match self.pending.get_mut(dataset.name) {
            // An owner that comes in parts: its digests go on. Rare, so that hashing here does not matter.
            Some(pending) if pending.owner == owner => {
                pending.digests = None;
                runs.for_each(|(day, rows, at)| pending.hashers.add(day, &packed[at], rows));
            }
            _ => {
                let pending = Pending { owner, hashers, digests: Some(digests) };
                if let Some(before) = self.pending.insert(dataset.name, pending) {
                    self.close(dataset.name, before);
                }
            }
        }
        Ok(())
    }

    /// Says that no more rows come.
    pub(super) fn finish(&mut self) {
        let pending: Vec<_> = self.pending.drain().collect();
        for (dataset, pending) in pending {
            self.close(dataset, pending);
        }
    }

    fn close(&mut self, dataset: &'static str, Pending { owner, hashers, digests }: Pending) {
        for (day, digest, rows) in digests.unwrap_or_else(|| hashers.digests()) {
            let rows = u32::try_from(rows).expect("an owner's day has fewer than 2^32 rows");
            self.days.entry((dataset, day)).or_default().push(Entry { owner, rows, digest, closing: None.into() });
        }
    }

    /// Notes a balance by which later runs find their opening.
    pub(super) fn note_closing(&mut self, closing: &Closing) {
        let owner = self.number(closing.owner.clone());
        let name = dataset::BALANCES.name;
        if self.pending.get(name).is_some_and(|pending| pending.owner == owner)
            && let Some(pending) = self.pending.remove(name)
        {
            self.close(name, pending);
        }
        let day = self.days.get_mut(&(name, closing.day));
        if let Some(entry) = day.and_then(|day| day.iter_mut().rev().find(|entry| entry.owner == owner)) {
            entry.closing = Some(closing.closing).into();
        }
    }

    /// The closing balance that the run has of an owner's day.
    pub(super) fn closing_of(&self, owner: &OwnerKey, day: Day) -> Option<Money> {
        let number = self.numbers.get(owner)?;
        let entries = self.days.get(&(dataset::BALANCES.name, day))?;
        entries.iter().find(|entry| entry.owner == *number)?.closing.into()
    }

    /// What the run has of a dataset's day.
    pub(super) fn of(&self, dataset: &Dataset, day: Day) -> Vec<SealedRows> {
        let entries = self.days.get(&(dataset.name, day)).map(Vec::as_slice).unwrap_or_default();
        let sealed = |entry: &Entry| SealedRows {
            owner: Arc::clone(&self.owners[entry.owner as usize]),
            rows: u64::from(entry.rows),
            digest: entry.digest,
            closing: entry.closing.into(),
        };
        entries.iter().map(sealed).collect()
    }

    /// Hands out what the run has of a dataset's day: it is not kept.
    pub(super) fn take(&mut self, dataset: &Dataset, day: Day) -> Vec<Entry> {
        self.days.remove(&(dataset.name, day)).unwrap_or_default()
    }

    /// What is known of another run's rows, in the form of the run's own.
    pub(super) fn entry(&mut self, sealed: &SealedRows) -> Entry {
        let rows = u32::try_from(sealed.rows).expect("an owner's day has fewer than 2^32 rows");
        let owner = self.number((*sealed.owner).clone());
        Entry { owner, rows, digest: sealed.digest, closing: sealed.closing.into() }
    }

    /// The owners by their numbers.
    pub(super) fn into_owners(self) -> Vec<Arc<OwnerKey>> {
        self.owners
    }

    pub(super) fn owner(&self, number: u32) -> &Arc<OwnerKey> {
        &self.owners[number as usize]
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
                let hashes = rows.take_hashes();
                book.append(&CARD_TRANSACTIONS, rows.packed(), rows.places(), hashes).expect("rows of its own");
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
