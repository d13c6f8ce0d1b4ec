//! Packed rows between the two phases: gathered by partition, and written to a scratch file when they grow too many.
//! Memory thus depends neither on the number of rows nor on the number of days. Rows are held in blocks of one size that
//! go round: growing buffers would be copied again and again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{self, Disk, Refused};
use super::encode::LakeRows;
use crate::Result;
use crate::record::{Dataset, Day, dataset};

/// Bytes of a block, whatever rows end in it. Each partition has one that is not full, however many partitions there are.
const BLOCK_BYTES: usize = 4 << 10;

/// Packed rows of all partitions.
#[derive(Debug)]
pub(super) struct Spill {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    held_bytes_max: usize,
    held_bytes: usize,
    scratch: Option<Scratch>,
    /// Blocks that hold nothing now.
    free: Vec<Vec<u8>>,
    partitions: BTreeMap<(usize, Day), Partition>,
}

/// A file without a name: it is gone when the process is, whatever happens.
#[derive(Debug)]
struct Scratch {
    file: Box<dyn disk::Scratch>,
    end: u64,
}

/// The rows of one partition, in order: first the chunks in the scratch file, then those held.
#[derive(Debug, Default)]
struct Partition {
    chunks: Vec<Chunk>,
    /// Blocks, all full but the last.
    held: Vec<Vec<u8>>,
}

#[derive(Debug, Clone, Copy)]
struct Chunk {
    offset: u64,
    bytes: usize,
}

/// A dataset's place among all: compared for each run of rows, where names would be spelled out.
fn place_of(dataset: &Dataset) -> usize {
    dataset::ALL.iter().position(|each| std::ptr::eq(*each, dataset)).expect("one of ours")
}

impl Spill {
    /// Nothing yet. The scratch file will be made in `folder`.
    pub(super) fn new(disk: Arc<dyn Disk>, folder: &Path, held_bytes_max: usize) -> Spill {
        let folder = folder.to_owned();
        Spill {
            disk,
            folder,
            held_bytes_max,
            held_bytes: 0,
            scratch: None,
            free: Vec::new(),
            partitions: BTreeMap::new(),
        }
    }

    /// Adds rows behind those that their partitions have.
    pub(super) fn append(&mut self, dataset: &'static Dataset, rows: &LakeRows) -> Result<()> {
        self.append_all(dataset, rows.runs())
    }

    /// Adds what belongs together behind what the days have.
    pub(super) fn append_all<'b>(
        &mut self,
        dataset: &'static Dataset,
        all: impl IntoIterator<Item = (Day, &'b [u8])>,
    ) -> Result<()> {
        let place = place_of(dataset);
        for (day, packed) in all {
            let partition = self.partitions.entry((place, day)).or_default();
            partition.hold(packed, &mut self.free);
            self.held_bytes += packed.len();
        }
        if self.held_bytes > self.held_bytes_max { self.write_out() } else { Ok(()) }
    }

    /// Puts this in the place of what a partition has; without anything there is none any more.
    pub(super) fn replace(&mut self, dataset: &'static Dataset, day: Day, packed: &[u8]) -> Result<()> {
        let before = self.partitions.remove(&(place_of(dataset), day));
        self.held_bytes -= before.map_or(0, |before| before.held.iter().map(Vec::len).sum());
        self.append_all(dataset, (!packed.is_empty()).then_some((day, packed)))
    }

    /// The days of which a dataset has rows.
    pub(super) fn days(&self, dataset: &'static Dataset) -> impl Iterator<Item = Day> {
        let place = place_of(dataset);
        self.partitions.keys().filter(move |(each, _)| *each == place).map(|(_, day)| *day)
    }

    /// Whether the partition has rows.
    pub(super) fn has_rows(&self, dataset: &'static Dataset, day: Day) -> bool {
        self.partitions.contains_key(&(place_of(dataset), day))
    }

    /// Hands the partition's packed rows to `take` in order, a block of whole rows at a time.
    pub(super) fn read(
        &self,
        dataset: &'static Dataset,
        day: Day,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut blocks = self.blocks(dataset, day);
        while let Some(block) = blocks.read_next()? {
            take(block)?;
        }
        Ok(())
    }

    /// The same, for those who read several partitions side by side.
    pub(super) fn blocks(&self, dataset: &'static Dataset, day: Day) -> Blocks<'_> {
        let partition = self.partitions.get(&(place_of(dataset), day));
        let (chunks, held) = partition.map(|partition| (&*partition.chunks, &*partition.held)).unwrap_or_default();
        Blocks { spill: self, chunks: chunks.iter(), held, block: Vec::new() }
    }

    fn write_out(&mut self) -> Result<()> {
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            none => {
                let file = self.disk.scratch(&self.folder).or_refused("make a scratch file", &self.folder)?;
                none.insert(Scratch { file, end: 0 })
            }
        };
        let mut together = Vec::new();
        for partition in self.partitions.values_mut().filter(|partition| !partition.held.is_empty()) {
            together.clear();
            for mut block in partition.held.drain(..) {
                together.extend_from_slice(&block);
                block.clear();
                self.free.push(block);
            }
            scratch.file.write_all_at(&together, scratch.end).or_refused("write the scratch file", &self.folder)?;
            partition.chunks.push(Chunk { offset: scratch.end, bytes: together.len() });
            scratch.end += together.len() as u64;
        }
        self.held_bytes = 0;
        Ok(())
    }
}

/// What a partition has, one block of whole rows after the other.
pub(super) struct Blocks<'s> {
    spill: &'s Spill,
    chunks: std::slice::Iter<'s, Chunk>,
    held: &'s [Vec<u8>],
    block: Vec<u8>,
}

impl Blocks<'_> {
    /// The next block; `None` at the end.
    pub(super) fn read_next(&mut self) -> Result<Option<&[u8]>> {
        let Some(chunk) = self.chunks.next() else {
            // A row may begin in one block and end in the next.
            self.block.clear();
            for held in std::mem::take(&mut self.held) {
                self.block.extend_from_slice(held);
            }
            return Ok((!self.block.is_empty()).then_some(&self.block));
        };
        let scratch = self.spill.scratch.as_ref().expect("chunks stand in the scratch file");
        self.block.resize(chunk.bytes, 0);
        let read = scratch.file.read_exact_at(&mut self.block, chunk.offset);
        read.or_refused("read the scratch file", &self.spill.folder)?;
        Ok(Some(&self.block))
    }
}

impl Partition {
    /// Holds rows behind the others.
    fn hold(&mut self, mut rows: &[u8], free: &mut Vec<Vec<u8>>) {
        while !rows.is_empty() {
            let block = match self.held.last_mut().filter(|block| block.len() < BLOCK_BYTES) {
                Some(block) => block,
                None => self.held.push_mut(free.pop().unwrap_or_else(|| Vec::with_capacity(BLOCK_BYTES))),
            };
            let (fits, rest) = rows.split_at(rows.len().min(BLOCK_BYTES - block.len()));
            block.extend_from_slice(fits);
            rows = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::LocalDisk;
    use super::super::encode::Encoder;
    use super::super::samples::card_transaction;
    use super::*;
    use crate::record::Stamp;
    use crate::record::dataset::CARD_TRANSACTIONS;

    /// The rows of a partition after `appends` of a row a day for three days, with that much held in memory.
    fn gathered(held_bytes_max: usize, appends: usize) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spill = Spill::new(Arc::new(LocalDisk), folder.path(), held_bytes_max);
        let encoder = Encoder::new(&CARD_TRANSACTIONS, false);
        for append in 0..appends {
            let rows = [0, 1, 2].map(|day| {
                let mut row = card_transaction(true);
                row.txid = format!("{append}-{day}").into();
                row.booked_at = Stamp::new(day * 86_400_000_000, 0);
                row
            });
            spill
                .append(&CARD_TRANSACTIONS, encoder.encode(&rows).parts().3.expect("rows of the lake"))
                .expect("a disk that works");
        }
        let day = |days| Day::from_epoch_days(days).expect("a day");
        assert!(!spill.has_rows(&CARD_TRANSACTIONS, day(3)));
        (0..3).map(|days| all(&spill, day(days))).collect()
    }

    fn all(spill: &Spill, day: Day) -> Vec<u8> {
        let mut bytes = Vec::new();
        let take = |block: &[u8]| {
            bytes.extend_from_slice(block);
            Ok(())
        };
        spill.read(&CARD_TRANSACTIONS, day, take).expect("a disk that works");
        bytes
    }

    #[test]
    fn rows_keep_their_order_wherever_they_were_held() {
        let in_memory = gathered(usize::MAX, 50);
        for held_bytes_max in [0, 100, 5_000] {
            assert_eq!(gathered(held_bytes_max, 50), in_memory, "{held_bytes_max} bytes held");
        }
    }
}
