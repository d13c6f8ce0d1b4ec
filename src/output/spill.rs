//! Packed rows between the two phases: gathered by partition, and written to a scratch file when they grow too many.
//! Memory thus depends neither on the number of rows nor on the number of days.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::disk::Refused;
use super::encode::LakeRows;
use crate::Result;
use crate::record::{Dataset, Day};

/// Bytes of packed rows that are held in memory before they go to the scratch file.
pub(super) const HELD_BYTES_MAX: usize = 32 << 20;

/// Packed rows of all partitions.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    held_bytes_max: usize,
    held_bytes: usize,
    scratch: Option<Scratch>,
    partitions: BTreeMap<(&'static str, Day), Partition>,
}

/// A file without a name: it is gone when the process is, whatever happens.
#[derive(Debug)]
struct Scratch {
    file: File,
    end: u64,
}

/// The rows of one partition, in order: first the chunks in the scratch file, then those held.
#[derive(Debug, Default)]
struct Partition {
    chunks: Vec<Chunk>,
    held: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Chunk {
    offset: u64,
    bytes: usize,
}

impl Spill {
    /// Nothing yet. The scratch file will be made in `folder`.
    pub(super) fn new(folder: &Path, held_bytes_max: usize) -> Spill {
        Spill { folder: folder.to_owned(), held_bytes_max, held_bytes: 0, scratch: None, partitions: BTreeMap::new() }
    }

    /// Adds rows behind those that their partitions have.
    pub(super) fn append(&mut self, dataset: &'static Dataset, rows: &LakeRows) -> Result<()> {
        for (day, packed) in rows.runs() {
            self.partitions.entry((dataset.name, day)).or_default().held.extend_from_slice(packed);
            self.held_bytes += packed.len();
        }
        if self.held_bytes > self.held_bytes_max {
            self.write_out()?;
        }
        Ok(())
    }

    /// Whether the partition has rows.
    pub(super) fn has_rows(&self, dataset: &'static Dataset, day: Day) -> bool {
        self.partitions.contains_key(&(dataset.name, day))
    }

    /// Hands the partition's packed rows to `take` in order, a block of whole rows at a time.
    pub(super) fn read(
        &self,
        dataset: &'static Dataset,
        day: Day,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let Some(partition) = self.partitions.get(&(dataset.name, day)) else {
            return Ok(());
        };
        let mut block = Vec::new();
        for chunk in &partition.chunks {
            let scratch = self.scratch.as_ref().expect("chunks stand in the scratch file");
            block.resize(chunk.bytes, 0);
            scratch.file.read_exact_at(&mut block, chunk.offset).or_refused("read the scratch file", &self.folder)?;
            take(&block)?;
        }
        if partition.held.is_empty() { Ok(()) } else { take(&partition.held) }
    }

    fn write_out(&mut self) -> Result<()> {
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            none => {
                let file = tempfile::tempfile_in(&self.folder).or_refused("make a scratch file", &self.folder)?;
                none.insert(Scratch { file, end: 0 })
            }
        };
        for partition in self.partitions.values_mut().filter(|partition| !partition.held.is_empty()) {
            // Taken, not cleared: buffers that stayed would add up over partitions that are full at different times.
            let held = std::mem::take(&mut partition.held);
            scratch.file.write_all_at(&held, scratch.end).or_refused("write the scratch file", &self.folder)?;
            partition.chunks.push(Chunk { offset: scratch.end, bytes: held.len() });
            scratch.end += held.len() as u64;
        }
        self.held_bytes = 0;
        Ok(())
    }
}
