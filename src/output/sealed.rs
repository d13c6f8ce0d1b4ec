//! What a run is about to seal: the digest of each owner's day, gathered while rows are appended.
//!
//! Until the commit it is kept in 48 bytes an owner, dataset and day that has rows: in memory first, and then in a scratch
//! file.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::committed::key_of;
use super::encode::LakeRows;
use super::lake::OwnerOf;
use super::packed::unpack;
use super::spill::{Blocks, Spill};
use crate::Result;
use crate::record::{BalanceRow, Dataset, Day, Money, dataset};
use crate::state::{Digest, OwnerKey, SealedDay, SealedRows};

/// The rows of days, hashed as they come; in the order of days.
#[derive(Debug, Default)]
pub(super) struct Hashers(Vec<(Day, Sha256, u64)>);

/// Each day's digest, and how many rows it has.
pub(super) type SealedDays = Vec<(Day, Digest, u64)>;

impl Hashers {
    /// Adds packed rows to a day.
    pub(super) fn add(&mut self, day: Day, packed: &[u8], rows: u64) {
        let place = match self.0.last() {
            Some((last, ..)) if *last == day => Ok(self.0.len() - 1),
            Some((last, ..)) if day < *last => self.0.binary_search_by_key(&day, |(day, ..)| *day),
            _ => Err(self.0.len()),
        };
        let place = place.unwrap_or_else(|place| {
            self.0.insert(place, (day, Sha256::new(), 0));
            place
        });
        let (_, hash, count) = &mut self.0[place];
        hash.update(packed);
        *count += rows;
    }

    /// What the days come to so far.
    pub(super) fn digests(&self) -> SealedDays {
        let digest = |hash: &Sha256| Digest(hash.clone().finalize().into());
        self.0.iter().map(|(day, hash, rows)| (*day, digest(hash), *rows)).collect()
    }
}

/// What the run has of each dataset's days.
#[derive(Debug)]
pub(super) struct SealBook {
    owners: Vec<Arc<OwnerKey>>,
    numbers: HashMap<Arc<OwnerKey>, u32>,
    /// Entries instead of rows; those of a day in the order of their owners' numbers, unless their dataset is `unordered`.
    entries: Spill,
    unordered: HashSet<&'static str>,
    /// The owner that came last in each dataset, by name: more rows of it may follow.
    pending: BTreeMap<&'static str, Pending>,
    /// The closing balances of all owners by their numbers, once somebody asks.
    closings: Option<HashMap<u32, BTreeMap<Day, Money>>>,
}

/// An owner's days that may not be whole yet.
#[derive(Debug)]
struct Pending {
    dataset: &'static Dataset,
    owner: u32,
    hashers: Hashers,
    /// The digests, unless rows came after they were made.
    digests: Option<SealedDays>,
    /// Balances by which later runs find their opening, in the order of days.
    closings: Vec<(Day, Money)>,
}

/// What the run has of an owner's day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// By its number.
    pub(super) owner: u32,
    /// An owner's day has fewer than 2^32.
    rows: u32,
    closing: Option<Money>,
    pub(super) digest: Digest,
}

/// Bytes of an entry: owner, rows, closing, digest.
const ENTRY_BYTES: usize = 4 + 4 + 8 + 32;

impl Entry {
    /// As the state keeps it.
    pub(super) fn sealed(&self, day: Day) -> SealedDay {
        SealedDay { day, rows: u64::from(self.rows), digest: self.digest, closing: self.closing }
    }

    fn pack(&self) -> [u8; ENTRY_BYTES] {
        // Money has 18 digits at most, so that nothing else looks like this.
        let closing = self.closing.map_or(i64::MIN, Money::unscaled);
        let mut bytes = [0; ENTRY_BYTES];
        bytes[..4].copy_from_slice(&self.owner.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.rows.to_le_bytes());
        bytes[8..16].copy_from_slice(&closing.to_le_bytes());
        bytes[16..].copy_from_slice(&self.digest.0);
        bytes
    }

    fn unpack(bytes: &[u8; ENTRY_BYTES]) -> Entry {
        let (owner, rest) = bytes.split_first_chunk().expect("4 bytes of 48");
        let (rows, rest) = rest.split_first_chunk().expect("4 bytes of 44");
        let (closing, digest) = rest.split_first_chunk().expect("8 bytes of 40");
        Entry {
            owner: u32::from_le_bytes(*owner),
            rows: u32::from_le_bytes(*rows),
            closing: Money::from_unscaled(i64::from_le_bytes(*closing)),
            digest: Digest(digest.try_into().expect("32 bytes of 32")),
        }
    }
}

fn entries_in(block: &[u8]) -> impl Iterator<Item = Entry> {
    let (entries, rest) = block.as_chunks();
    assert!(rest.is_empty(), "blocks hold whole entries");
    entries.iter().map(Entry::unpack)
}

impl SealBook {
    /// Nothing yet; entries are gathered in `entries`.
    pub(super) fn new(entries: Spill) -> SealBook {
        SealBook {
            owners: Vec::new(),
            numbers: HashMap::new(),
            entries,
            unordered: HashSet::new(),
            pending: BTreeMap::new(),
            closings: None,
        }
    }

    /// Adds the rows of an owner behind those it has.
    pub(super) fn append(&mut self, dataset: &'static Dataset, rows: &mut LakeRows) -> Result<()> {
        if rows.packed().is_empty() {
            return Ok(());
        }
        let mut owner = OwnerOf::new(dataset);
        unpack(dataset, rows.packed(), &mut owner)?;
        let owner = self.number(key_of(&owner.owner()));
        match self.pending.get_mut(dataset.name) {
            // An owner that comes in parts: its digests go on. Rare, so that hashing here does not matter.
            Some(pending) if pending.owner == owner => {
                pending.digests = None;
                rows.places().for_each(|(day, count, at)| pending.hashers.add(day, &rows.packed()[at], count));
                Ok(())
            }
            _ => {
                let (hashers, digests) = rows.take_hashes();
                let pending = Pending { dataset, owner, hashers, digests: Some(digests), closings: Vec::new() };
                let Some(mut before) = self.pending.insert(dataset.name, pending) else { return Ok(()) };
                if before.owner > owner {
                    self.unordered.insert(dataset.name);
                }
                self.close(&mut before)?;
                rows.hold((before.hashers, before.digests));
                Ok(())
            }
        }
    }

    /// Says that no more rows come.
    pub(super) fn finish(&mut self) -> Result<()> {
        std::mem::take(&mut self.pending).into_values().try_for_each(|mut pending| self.close(&mut pending))
    }

    fn close(&mut self, Pending { dataset, owner, hashers, digests, closings }: &mut Pending) -> Result<()> {
        let days = digests.get_or_insert_with(|| hashers.digests());
        let packed = days.iter().map(|(day, digest, rows)| {
            let rows = u32::try_from(*rows).expect("an owner's day has fewer than 2^32 rows");
            let closing = closings.binary_search_by_key(day, |(day, _)| *day).ok().map(|place| closings[place].1);
            (*day, Entry { owner: *owner, rows, closing, digest: *digest }.pack())
        });
        let packed: Vec<_> = packed.collect();
        self.entries.append_all(dataset, packed.iter().map(|(day, bytes)| (*day, bytes.as_slice())))
    }

    /// Notes balances by which later runs find their opening, in the order of days: of the owner whose balances came last.
    pub(super) fn note_closings(&mut self, balances: &[BalanceRow]) {
        let Some(pending) = self.pending.get_mut(dataset::BALANCES.name) else {
            return;
        };
        let owner = &self.owners[pending.owner as usize];
        pending.closings.reserve(balances.len());
        let own = balances.iter().filter(|row| row.owner_id == owner.1 && row.owner_kind == owner.0.name());
        pending.closings.extend(own.filter_map(|row| Some((row.booking_date, row.closing?))));
    }

    /// The closing balances that the run has of an owner, by day.
    pub(super) fn closings_of(&mut self, owner: &OwnerKey) -> Result<BTreeMap<Day, Money>> {
        self.finish()?;
        let closings = match self.closings.take() {
            Some(closings) => closings,
            None => self.all_closings()?,
        };
        let found = self.numbers.get(owner).and_then(|number| closings.get(number)).cloned();
        self.closings = Some(closings);
        Ok(found.unwrap_or_default())
    }

    fn all_closings(&self) -> Result<HashMap<u32, BTreeMap<Day, Money>>> {
        let mut closings: HashMap<u32, BTreeMap<Day, Money>> = HashMap::new();
        for day in self.entries.days(&dataset::BALANCES) {
            self.entries.read(&dataset::BALANCES, day, |block| {
                for Entry { owner, closing, .. } in entries_in(block) {
                    closings.entry(owner).or_default().extend(closing.map(|closing| (day, closing)));
                }
                Ok(())
            })?;
        }
        Ok(closings)
    }

    /// What the run has of a dataset's day.
    pub(super) fn of(&self, dataset: &'static Dataset, day: Day) -> Result<Vec<SealedRows>> {
        let sealed = |entry: Entry| SealedRows {
            owner: Arc::clone(&self.owners[entry.owner as usize]),
            rows: u64::from(entry.rows),
            digest: entry.digest,
            closing: entry.closing,
        };
        Ok(self.entries(dataset, day)?.into_iter().map(sealed).collect())
    }

    /// The same, by the numbers of owners.
    pub(super) fn entries(&self, dataset: &'static Dataset, day: Day) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        self.entries.read(dataset, day, |block| {
            entries.extend(entries_in(block));
            Ok(())
        })?;
        Ok(entries)
    }

    /// Whether the run has anything of a dataset's day.
    pub(super) fn has_entries(&self, dataset: &'static Dataset, day: Day) -> bool {
        self.entries.has_rows(dataset, day)
    }

    /// Puts others in the place of what the run has of a dataset's day.
    pub(super) fn replace(&mut self, dataset: &'static Dataset, day: Day, mut entries: Vec<Entry>) -> Result<()> {
        entries.sort_by_key(|entry| entry.owner);
        let packed: Vec<u8> = entries.iter().flat_map(Entry::pack).collect();
        self.entries.replace(dataset, day, &packed)
    }

    /// Whether the entries of each of a dataset's days stand in the order of their owners' numbers.
    pub(super) fn is_ordered(&self, dataset: &Dataset) -> bool {
        !self.unordered.contains(dataset.name)
    }

    /// What the run has of an owner's days, owner by owner.
    pub(super) fn by_owner(&self, dataset: &'static Dataset, days: &[Day]) -> Result<ByOwner<'_>> {
        let heads = days.iter().map(|day| Head::new(*day, self.entries.blocks(dataset, *day)));
        heads.collect::<Result<Vec<_>>>().map(|heads| ByOwner { heads })
    }

    /// What is known of another run's rows, in the form of the run's own.
    pub(super) fn entry(&mut self, sealed: &SealedRows) -> Entry {
        let rows = u32::try_from(sealed.rows).expect("an owner's day has fewer than 2^32 rows");
        let owner = self.number((*sealed.owner).clone());
        Entry { owner, rows, digest: sealed.digest, closing: sealed.closing }
    }

    /// The owners by their numbers.
    pub(super) fn owners(&self) -> &[Arc<OwnerKey>] {
        &self.owners
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

/// Days side by side, each in the order of its owners.
pub(super) struct ByOwner<'b> {
    heads: Vec<Head<'b>>,
}

/// A day, as far as it has been read.
struct Head<'b> {
    day: Day,
    blocks: Blocks<'b>,
    block: Vec<u8>,
    at: usize,
    next: Option<Entry>,
}

impl<'b> Head<'b> {
    fn new(day: Day, blocks: Blocks<'b>) -> Result<Head<'b>> {
        let mut head = Head { day, blocks, block: Vec::new(), at: 0, next: None };
        head.advance().map(|()| head)
    }

    fn advance(&mut self) -> Result<()> {
        if self.at == self.block.len() {
            (self.at, self.next) = (0, None);
            self.block.clear();
            match self.blocks.read_next()? {
                Some(block) => self.block.extend_from_slice(block),
                None => return Ok(()),
            }
        }
        let bytes = self.block[self.at..].first_chunk().expect("blocks hold whole entries");
        self.next = Some(Entry::unpack(bytes));
        self.at += ENTRY_BYTES;
        Ok(())
    }
}

impl ByOwner<'_> {
    /// Hands over the next owner's days in their order, and tells the owner; `None` at the end.
    pub(super) fn read_next(&mut self, days: &mut Vec<SealedDay>) -> Result<Option<u32>> {
        days.clear();
        let Some(owner) = self.heads.iter().filter_map(|head| head.next).map(|entry| entry.owner).min() else {
            return Ok(None);
        };
        for head in &mut self.heads {
            while let Some(entry) = head.next.filter(|entry| entry.owner == owner) {
                days.push(entry.sealed(head.day));
                head.advance()?;
            }
        }
        Ok(Some(owner))
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::LocalDisk;
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

    fn book(held_bytes_max: usize) -> (tempfile::TempDir, SealBook) {
        let folder = tempfile::tempdir().expect("a folder");
        let spill = Spill::new(Arc::new(LocalDisk), folder.path(), held_bytes_max);
        (folder, SealBook::new(spill))
    }

    fn sealed(parts: usize, held_bytes_max: usize) -> Vec<SealedRows> {
        let (_folder, mut book) = book(held_bytes_max);
        for card in ["900", "1000"] {
            for part in rows(card).chunks(parts) {
                let mut encoded = Encoder::new(&CARD_TRANSACTIONS, false).encode(part);
                let rows = encoded.parts().3.expect("a dataset of the lake");
                book.append(&CARD_TRANSACTIONS, rows).expect("rows of its own");
            }
        }
        book.finish().expect("a disk that works");
        let days = [0, 1].map(|days| Day::from_epoch_days(days).expect("a day"));
        let of_days = days.map(|day| book.of(&CARD_TRANSACTIONS, day).expect("reads")).concat();
        let mut by_owner = book.by_owner(&CARD_TRANSACTIONS, &days).expect("reads");
        let (mut of_owner, mut owners) = (Vec::new(), 0);
        while let Some(owner) = by_owner.read_next(&mut of_owner).expect("reads") {
            let owner = &book.owners()[owner as usize];
            let told = of_days.iter().filter(|each| each.owner == *owner).map(|each| (each.rows, each.digest));
            assert!(told.eq(of_owner.iter().map(|day| (day.rows, day.digest))), "{owner:?}: {of_owner:?}");
            owners += 1;
        }
        assert_eq!(owners, 2);
        of_days
    }

    #[test]
    fn an_owner_that_comes_in_parts_is_sealed_as_one() {
        let whole = sealed(7, usize::MAX);
        let shown: Vec<(&str, u64)> = whole.iter().map(|each| (each.owner.1.as_str(), each.rows)).collect();
        assert_eq!(shown, [("900", 4), ("1000", 4), ("900", 3), ("1000", 3)]);
        assert!(whole.iter().all(|each| each.owner.0 == OwnerKind::Card));
        for parts in 1..7 {
            for held_bytes_max in [0, 60, usize::MAX] {
                assert_eq!(sealed(parts, held_bytes_max), whole, "in parts of {parts} rows");
            }
        }
    }
}
