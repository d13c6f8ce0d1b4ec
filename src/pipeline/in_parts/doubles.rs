//! Which ids stand twice among more rows than can be held: each id leaves a mark of 24 bytes, marks are sorted in runs, the
//! runs lie in a scratch file and are read side by side.
//!
//! Ids are known by 64 bits of a hash. Two of five million ids share one with odds of one to a million; all that it would
//! do is that a row whose balance fails could be taken for a copy when it also looks like one.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::fs::File;
use std::hash::BuildHasher;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::{Error, Result};

/// Marks that are held and sorted at once.
const HELD_MAX: usize = 1 << 18;
/// Marks of a run that are read at once.
const READ_MAX: usize = 1 << 12;
const MARK_BYTES: usize = 24;

/// Where an id stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    /// Its hash.
    pub id: u64,
    /// The page.
    pub page: u64,
    /// The hash of the row's text, where rows that are the same to the letter on two pages are one; else a number of its
    /// own.
    pub text: u64,
}

/// The hash of an id or of a row's text.
pub(super) fn hash_of(text: &str) -> u64 {
    foldhash::quality::FixedState::default().hash_one(text)
}

/// Marks on their way into sorted runs.
#[derive(Debug)]
pub(super) struct Doubles<'p> {
    folder: &'p Path,
    held_max: usize,
    held: Vec<Mark>,
    scratch: Option<File>,
    /// Where each run begins and ends in the scratch file.
    runs: Vec<(u64, u64)>,
}

impl<'p> Doubles<'p> {
    /// No marks yet; the scratch file is made in `folder` when there are many.
    pub fn new(folder: &'p Path) -> Doubles<'p> {
        Doubles { folder, held_max: HELD_MAX, held: Vec::new(), scratch: None, runs: Vec::new() }
    }

    pub fn add(&mut self, mark: Mark) -> Result<()> {
        self.held.push(mark);
        if self.held.len() >= self.held_max { self.write_out() } else { Ok(()) }
    }

    /// The hashes of the ids that stand twice or more.
    pub fn finish(mut self) -> Result<HashSet<u64>> {
        let mut found = Found::default();
        if self.runs.is_empty() {
            self.held.sort_unstable();
            self.held.iter().for_each(|mark| found.see(*mark));
            return Ok(found.doubled);
        }
        self.write_out()?;
        let scratch = self.scratch.take().expect("there are runs");
        let mut runs: Vec<Run> = self.runs.iter().map(|(at, end)| Run::new(*at, *end)).collect();
        let mut next = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            next.extend(run.next(&scratch, self.folder)?.map(|mark| Reverse((mark, number))));
        }
        while let Some(Reverse((mark, number))) = next.pop() {
            found.see(mark);
            next.extend(runs[number].next(&scratch, self.folder)?.map(|mark| Reverse((mark, number))));
        }
        Ok(found.doubled)
    }

    fn write_out(&mut self) -> Result<()> {
        let refused = |error| refused(self.folder, error);
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            none => none.insert(tempfile::tempfile_in(self.folder).map_err(refused)?),
        };
        self.held.sort_unstable();
        let mut bytes = Vec::with_capacity(self.held.len() * MARK_BYTES);
        for Mark { id, page, text } in self.held.drain(..) {
            bytes.extend([id, page, text].into_iter().flat_map(u64::to_le_bytes));
        }
        let at = self.runs.last().map_or(0, |(_, end)| *end);
        scratch.write_all_at(&bytes, at).map_err(refused)?;
        self.runs.push((at, at + bytes.len() as u64));
        Ok(())
    }
}

fn refused(folder: &Path, error: std::io::Error) -> Error {
    Error::environment("could not use a scratch file").at(folder.display()).because(error)
}

/// A sorted run that is read from its beginning.
struct Run {
    at: u64,
    end: u64,
    read: Vec<u8>,
    taken: usize,
}

impl Run {
    fn new(at: u64, end: u64) -> Run {
        Run { at, end, read: Vec::new(), taken: 0 }
    }

    fn next(&mut self, scratch: &File, folder: &Path) -> Result<Option<Mark>> {
        if self.taken == self.read.len() {
            let bytes = (self.end - self.at).min((READ_MAX * MARK_BYTES) as u64);
            self.read.resize(usize::try_from(bytes).expect("bounded above"), 0);
            scratch.read_exact_at(&mut self.read, self.at).map_err(|error| refused(folder, error))?;
            (self.at, self.taken) = (self.at + bytes, 0);
        }
        let Some(mark) = self.read.get(self.taken..self.taken + MARK_BYTES) else { return Ok(None) };
        let part = |at: usize| u64::from_le_bytes(mark[at..at + 8].try_into().expect("eight bytes"));
        self.taken += MARK_BYTES;
        Ok(Some(Mark { id: part(0), page: part(8), text: part(16) }))
    }
}

/// What the marks come to, seen in their order.
#[derive(Default)]
struct Found {
    doubled: HashSet<u64>,
    id: Option<u64>,
    /// The id's rows: those of earlier pages are known by their text.
    rows: Vec<Mark>,
}

impl Found {
    fn see(&mut self, mark: Mark) {
        if self.id != Some(mark.id) {
            self.id = Some(mark.id);
            self.rows.clear();
        }
        let is_read_again = |known: &Mark| known.page < mark.page && known.text == mark.text;
        if self.doubled.contains(&mark.id) || self.rows.iter().any(is_read_again) {
            return;
        }
        self.rows.push(mark);
        if self.rows.len() > 1 {
            self.doubled.insert(mark.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_row_read_again_on_another_page_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let doubled = |marks: &[(u64, u64, u64)]| {
            let mut doubles = Doubles::new(folder.path());
            for (id, page, text) in marks {
                doubles.add(Mark { id: *id, page: *page, text: *text }).expect("memory");
            }
            doubles.finish().expect("memory").contains(&1)
        };
        assert!(!doubled(&[(1, 0, 5), (1, 1, 5), (1, 2, 5)]), "the same to the letter");
        assert!(doubled(&[(1, 0, 5), (1, 0, 5)]), "listed twice on one page");
        assert!(doubled(&[(1, 0, 5), (1, 1, 6)]), "two texts");
        assert!(!doubled(&[(1, 0, 5), (2, 0, 6)]));
    }

    proptest! {
        #[test]
        fn runs_on_disk_tell_the_same_ids(ids in prop::collection::vec(0_u64..200, 0..300), held_max in 1_usize..50) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut doubles = Doubles { held_max, ..Doubles::new(folder.path()) };
            let mut counts: HashMap<u64, u32> = HashMap::new();
            for (number, id) in (0..).zip(&ids) {
                *counts.entry(*id).or_default() += 1;
                doubles.add(Mark { id: *id, page: number / 7, text: number }).expect("a disk that works");
            }
            let expected: HashSet<u64> = counts.into_iter().filter(|(_, count)| *count > 1).map(|(id, _)| id).collect();
            prop_assert_eq!(doubles.finish().expect("a disk that works"), expected);
        }
    }
}
