//! One page of a listing as it came, and how pages are compared: row by row, by bytes.

use std::ops::Range;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::landing::ResponseId;

/// Rows at a page's end among which one is looked for that stands in the page only once.
const OVERLAP_ROWS_MAX: usize = 16;

/// A page: its rows' text within the response's bytes, and what the answer said about itself.
#[derive(Debug, Clone)]
pub struct Page {
    /// The landed response.
    pub response: ResponseId,
    /// The limit that the answer says was applied.
    pub echoed_limit: Option<u64>,
    /// How many rows the answer says there are in all.
    pub total: Option<u64>,
    body: Bytes,
    rows: Vec<Range<u32>>,
}

impl Page {
    /// A page whose rows stand at `rows` in `body`, which is smaller than 4 GiB.
    pub fn new(response: ResponseId, body: Bytes, rows: Vec<Range<u32>>) -> Self {
        Self { response, echoed_limit: None, total: None, body, rows }
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The text of a row, which must exist.
    pub fn row(&self, index: usize) -> &[u8] {
        let Range { start, end } = self.rows[index];
        &self.body[start as usize..end as usize]
    }

    /// The texts of its rows.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        (0..self.len()).map(|index| self.row(index))
    }

    /// The limit that was applied, if the answer tells one that can be: not more than was asked for, and not fewer than
    /// the rows that came.
    pub(super) fn limit(&self, asked: u32) -> Option<u64> {
        self.echoed_limit.filter(|limit| (1..=u64::from(asked)).contains(limit) && self.len() as u64 <= *limit)
    }

    /// Whether both have the same rows in the same order.
    pub(super) fn same_rows(&self, other: &Page) -> bool {
        self.rows().eq(other.rows())
    }

    /// Whether both have the same rows, in whatever order.
    pub(super) fn same_rows_unordered(&self, other: &Page) -> bool {
        if self.len() != other.len() {
            return false;
        }
        self.same_rows(other) || {
            let (mut mine, mut theirs): (Vec<_>, Vec<_>) = (self.rows().collect(), other.rows().collect());
            mine.sort_unstable();
            theirs.sort_unstable();
            mine == theirs
        }
    }

    /// Whether a row stands in it more than once.
    pub(super) fn has_equal_rows(&self) -> bool {
        let mut rows: Vec<&[u8]> = self.rows().collect();
        rows.sort_unstable();
        rows.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// Whether `rows` stand at its head.
    pub(super) fn begins_with(&self, rows: &[Bytes]) -> bool {
        self.stands_at(0, rows)
    }

    /// Where `rows` stand in it one after the other, for the first time.
    pub(super) fn find(&self, rows: &[Bytes]) -> Option<usize> {
        (0..self.len()).find(|at| self.stands_at(*at, rows))
    }

    fn stands_at(&self, at: usize, rows: &[Bytes]) -> bool {
        at + rows.len() <= self.len() && rows.iter().enumerate().all(|(offset, row)| self.row(at + offset) == row)
    }

    /// How many rows stand before `first`'s first row, when from there on both go on alike: rows that arrived at the
    /// head since `first` was read.
    pub(super) fn arrived_before(&self, first: &Page) -> Option<usize> {
        let at = self.rows().position(|row| row == first.row(0))?;
        let alike = self.rows().skip(at).zip(first.rows()).all(|(now, then)| now == then);
        (at > 0 && alike).then_some(at)
    }

    /// The rows that the next page must begin with: the last one, or more when the last stands in the page twice (a
    /// row that has an equal could hide a shift). Empty when no such rows exist that would leave the page its first.
    pub(super) fn overlap(&self) -> Vec<Bytes> {
        let last = self.len();
        for at in (1..last).rev().take(OVERLAP_ROWS_MAX) {
            let row = self.row(at);
            if self.rows().filter(|other| *other == row).count() == 1 {
                return self.rows[at..].iter().map(|r| self.body.slice(r.start as usize..r.end as usize)).collect();
            }
        }
        Vec::new()
    }

    /// A digest of its first `count` rows, which must exist.
    pub(super) fn digest(&self, count: usize) -> [u8; 32] {
        let mut hash = Sha256::new();
        for row in self.rows().take(count) {
            hash.update(row.len().to_le_bytes());
            hash.update(row);
        }
        hash.finalize().into()
    }
}

#[cfg(test)]
pub(super) fn page_of(response: u32, rows: &[&str]) -> Page {
    let (mut body, mut ranges) = (Vec::new(), Vec::new());
    for row in rows {
        let start = u32::try_from(body.len()).expect("a small page");
        body.extend_from_slice(row.as_bytes());
        ranges.push(start..u32::try_from(body.len()).expect("a small page"));
    }
    Page::new(ResponseId(response), Bytes::from(body), ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_as_long_as_it_takes_to_be_seen() {
        let overlap = |rows: &[&str]| page_of(0, rows).overlap().len();
        assert_eq!(overlap(&["a", "b", "c"]), 1);
        assert_eq!(overlap(&["a", "b", "c", "c"]), 3);
        assert_eq!(overlap(&["a", "b", "a"]), 2);
        assert_eq!(overlap(&["a", "a"]), 0);
        assert_eq!(overlap(&["a"]), 0);
        assert_eq!(overlap(&[]), 0);
    }

    #[test]
    fn rows_that_arrived_at_the_head_are_counted() {
        let first = page_of(0, &["a", "b", "c"]);
        assert_eq!(page_of(1, &["x", "y", "a"]).arrived_before(&first), Some(2));
        assert_eq!(page_of(1, &["x", "a", "c"]).arrived_before(&first), None);
        assert_eq!(page_of(1, &["a", "b", "c"]).arrived_before(&first), None);
        assert_eq!(page_of(1, &["x", "y", "z"]).arrived_before(&first), None);
    }

    #[test]
    fn lists_without_order_are_compared_with_their_repeats() {
        assert!(page_of(0, &["a", "b", "a"]).same_rows_unordered(&page_of(1, &["b", "a", "a"])));
        assert!(!page_of(0, &["a", "b", "a"]).same_rows_unordered(&page_of(1, &["b", "b", "a"])));
        assert!(!page_of(0, &["ab", "c"]).same_rows_unordered(&page_of(1, &["a", "bc"])));
    }

    #[test]
    fn a_limit_that_cannot_be_is_none() {
        let mut page = page_of(0, &["a", "b"]);
        for (echo, limit) in [(Some(2), Some(2)), (Some(9), Some(9)), (Some(10), None), (Some(1), None), (None, None)] {
            page.echoed_limit = echo;
            assert_eq!(page.limit(9), limit, "{echo:?}");
        }
    }
}
