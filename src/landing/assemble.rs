//! From pages that somebody fetched to listings: which page belongs to whom, and which rows come twice because pages
//! overlap or were fetched again.
//!
//! A page's own word for its position (`limit_start`) is believed only if all pages of a listing agree with each other:
//! they lie end to end, or overlap by a row as tieout's own do. Then a gap between them is seen, and a row that stands
//! at two positions is a row that the provider lists twice. Where positions are unknown or contradict each other, rows
//! that are the same to the letter on two pages are one row read twice.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

use super::{Listing, ListingPage, Proof, ResponseId, Subject};
use crate::record::{Feed, Owner};

/// What a page says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageFacts {
    /// The response.
    pub response: ResponseId,
    /// Its position in the listing, where told.
    pub limit_start: Option<u64>,
    /// The days it was filtered by, where told.
    pub dates: (Option<String>, Option<String>),
    /// How many rows it has.
    pub rows: u32,
    /// A hash over the rows' texts.
    pub digest: u64,
    /// Hashes of its first and its last row's texts; `None` without rows.
    pub ends: Option<(u64, u64)>,
}

impl PageFacts {
    /// Whether its first row is the last of the page before.
    fn repeats_the_end_of(&self, before: &PageFacts) -> bool {
        matches!((before.ends, self.ends), (Some((_, last)), Some((first, _))) if last == first)
    }
}

/// A listing put together from pages of unknown history.
#[derive(Debug, Clone, PartialEq)]
pub struct Assembled {
    /// The listing.
    pub listing: Listing,
    /// Whether rows that are the same to the letter on two of its pages are one row.
    pub repeats_are_one: bool,
}

/// Collects pages by owner.
#[derive(Debug)]
pub struct Assembler {
    feed: Feed,
    owners: HashMap<Owner, Vec<PageFacts>>,
    seen: HashSet<(Owner, PageFacts)>,
}

impl Assembler {
    /// Collects pages of `feed`.
    pub fn new(feed: Feed) -> Self {
        Self { feed, owners: HashMap::new(), seen: HashSet::new() }
    }

    /// Adds a page. A page that was read before is not added again.
    pub fn add(&mut self, owner: Owner, page: PageFacts) {
        let regardless_of_response = PageFacts { response: ResponseId(0), ..page.clone() };
        if self.seen.insert((owner.clone(), regardless_of_response)) {
            self.owners.entry(owner).or_default().push(page);
        }
    }

    /// The listings, by owner.
    pub fn finish(self) -> Vec<Assembled> {
        let mut listings: Vec<Assembled> =
            self.owners.into_iter().map(|(owner, pages)| assemble(self.feed, owner, pages)).collect();
        listings.sort_by(|a, b| a.listing.owner.cmp(&b.listing.owner));
        listings
    }
}

/// Hashes the texts of a page's rows. Pages are compared by it together with their number of rows and position.
pub fn digest<'a>(rows: impl Iterator<Item = &'a str>) -> u64 {
    // The same in every run: pages of unknown position are sorted by it.
    let mut hasher = FixedState::default().build_hasher();
    for row in rows {
        hasher.write_usize(row.len());
        hasher.write(row.as_bytes());
    }
    hasher.finish()
}

fn assemble(feed: Feed, owner: Owner, mut pages: Vec<PageFacts>) -> Assembled {
    let subject = Subject::from(feed);
    pages.sort_by_key(|a| (a.limit_start, a.digest));
    if let Some(Positions { skips, gap }) = positions(&pages) {
        let pages = pages.iter().zip(skips).map(|(page, skip)| ListingPage { response: page.response, skip });
        let proof = gap.map_or(Proof::NotAsked, |reason| Proof::Unproved { reason });
        let listing = Listing { subject, owner, pages: pages.collect(), proof };
        Assembled { listing, repeats_are_one: false }
    } else {
        let repeats_are_one = pages.len() > 1;
        let pages = pages.iter().map(|page| ListingPage { response: page.response, skip: 0 }).collect();
        let listing = Listing { subject, owner, pages, proof: Proof::NotAsked };
        Assembled { listing, repeats_are_one }
    }
}

struct Positions {
    skips: Vec<u32>,
    gap: Option<String>,
}

/// The rows each page repeats from the one before it, if the pages' positions fit together.
fn positions(pages: &[PageFacts]) -> Option<Positions> {
    let mut skips = Vec::with_capacity(pages.len());
    let mut gap = None;
    let mut end = 0_u64;
    for (index, page) in pages.iter().enumerate() {
        let start = page.limit_start?;
        if page.dates != pages[0].dates {
            return None;
        }
        let overlap = end.saturating_sub(start);
        // A row is left out only where it is seen to be the one before.
        let is_seen = || index.checked_sub(1).is_some_and(|before| page.repeats_the_end_of(&pages[before]));
        if overlap > 1 || (overlap == 1 && !is_seen()) {
            return None;
        }
        if start > end && gap.is_none() {
            gap = Some(format!("expected a page that goes on at row {end}, found the next at row {start}"));
        }
        skips.push(u32::try_from(overlap).expect("0 or 1"));
        end = start + u64::from(page.rows);
    }
    Some(Positions { skips, gap })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(response: u32, limit_start: Option<u64>, rows: u32) -> PageFacts {
        PageFacts {
            response: ResponseId(response),
            limit_start,
            dates: (None, None),
            rows,
            digest: u64::from(response),
            // Pages that begin where others end are made of the same rows.
            ends: limit_start.map(|start| (start, start + u64::from(rows) - 1)),
        }
    }

    fn assembled(pages: Vec<PageFacts>) -> Assembled {
        let mut assembler = Assembler::new(Feed::CardTransactions);
        for page in pages {
            assembler.add(Owner::card("1", "A"), page);
        }
        assembler.finish().pop().expect("one owner")
    }

    fn skips(assembled: &Assembled) -> Vec<(u32, u32)> {
        assembled.listing.pages.iter().map(|page| (page.response.0, page.skip)).collect()
    }

    #[test]
    fn pages_end_to_end_or_overlapping_by_a_row_are_put_in_order() {
        let found = assembled(vec![page(2, Some(99), 3), page(0, Some(0), 50), page(1, Some(50), 50)]);
        assert_eq!(skips(&found), [(0, 0), (1, 0), (2, 1)]);
        assert_eq!((found.listing.proof, found.repeats_are_one), (Proof::NotAsked, false));
    }

    #[test]
    fn a_page_read_again_counts_once() {
        let found = assembled(vec![page(0, Some(0), 50), page(1, Some(50), 50), page(0, Some(0), 50)]);
        assert_eq!(skips(&found), [(0, 0), (1, 0)]);
    }

    #[test]
    fn a_gap_between_pages_is_told() {
        let found = assembled(vec![page(0, Some(0), 50), page(1, Some(100), 50)]);
        assert!(matches!(found.listing.proof, Proof::Unproved { reason } if reason.contains("row 50")));
    }

    #[test]
    fn a_row_at_the_place_of_another_is_not_left_out() {
        let damaged = PageFacts { ends: Some((7, 101)), ..page(1, Some(49), 50) };
        let found = assembled(vec![page(0, Some(0), 50), damaged]);
        assert_eq!(skips(&found), [(0, 0), (1, 0)]);
        assert!(found.repeats_are_one);
    }

    #[test]
    fn positions_that_contradict_each_other_are_not_believed() {
        for pages in [
            vec![page(0, Some(0), 50), page(1, Some(0), 50)],
            vec![page(0, Some(0), 50), page(1, Some(1), 50)],
            vec![page(0, None, 50), page(1, None, 50)],
        ] {
            let found = assembled(pages);
            assert_eq!((found.listing.proof, found.repeats_are_one), (Proof::NotAsked, true));
        }
    }
}
