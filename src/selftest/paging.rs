//! A page that is shifted while its listing is read: a row slips over a seam and comes twice, or falls into it and is lost.
//!
//! The listing is read by the same pager as a run's, from a list in memory. Either one answer is cut from the list a row
//! too early or too late, or a row arrives at the head or goes from it and all pages behind are shifted for good. The
//! fault is found when the rows are read whole in spite of it, or the listing is told as unproved.

use bytes::Bytes;

use super::KindResults;
use crate::landing::{Proof, ResponseId};
use crate::provider::pager::{Ask, Page, Pager, Settings};
use crate::sandbox::generator::Random;

/// The kind in words.
const KIND: &str = "shifted page";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shift {
    /// One answer begins a row too early.
    Early,
    /// One answer begins a row too late.
    Late,
    /// A row arrives at the head for good.
    Arrival,
    /// The row at the head goes for good.
    Departure,
}

const SHIFTS: [Shift; 4] = [Shift::Early, Shift::Late, Shift::Arrival, Shift::Departure];

/// Nothing planted yet.
pub(super) fn none() -> KindResults {
    KindResults {
        kind: KIND,
        check: "completeness",
        cause: "unproved",
        invisible: "a row gone and another come between the same two requests, both on pages that were read before and not on \
                    the first: listings_read_twice closes it at twice the requests",
        ..KindResults::default()
    }
}

/// One listing with one shift.
pub(super) fn try_seed(seed: u64) -> KindResults {
    let mut random = Random::for_part(seed, 77);
    let page_size = 2 + u32::try_from(random.below(19)).expect("small");
    let rows = page_size as usize * 2 + random.index(page_size as usize * 6);
    let shift = *random.pick(&SHIFTS);
    let pages = rows / (page_size as usize - 1);
    let mut provider = Provider {
        rows: (0..rows).map(|row| format!("row {row}")).collect(),
        shift,
        at: 1 + random.index(pages),
        asked: 0,
        answers: Vec::new(),
    };
    let settings = Settings {
        page_size,
        passes_max: 6,
        pages_max: 10_000,
        total_counts: false,
        twice: false,
        limits_ignored: false,
    };
    let mut pager = Pager::new(settings);
    while let Some(ask) = pager.ask() {
        pager.take(provider.answer(ask));
    }
    let outcome = pager.into_outcome().expect("nothing is asked any more");
    let read: Vec<&String> = outcome
        .pages
        .iter()
        .flat_map(|page| &provider.answers[page.response.0 as usize][page.skip as usize..])
        .collect();
    let is_whole = read.into_iter().eq(&provider.rows);
    let is_told = matches!(outcome.proof, Proof::Unproved { .. });
    let is_found = is_told || is_whole;
    let miss = format!("seed {seed}: {shift:?} at request {} of {rows} rows by {page_size}", provider.at);
    KindResults {
        planted: 1,
        found: u64::from(is_found),
        right_row: u64::from(is_told || is_whole),
        right_moment: u64::from(is_found),
        right_cause: u64::from(is_found),
        visible: 1,
        right_cause_visible: u64::from(is_found),
        misses_shown: if is_found { Vec::new() } else { vec![miss] },
        ..none()
    }
}

/// A provider that lists rows, and shifts them once.
struct Provider {
    rows: Vec<String>,
    shift: Shift,
    /// The request at which it happens, counted from 0.
    at: usize,
    asked: usize,
    answers: Vec<Vec<String>>,
}

impl Provider {
    fn answer(&mut self, ask: Ask) -> Page {
        let is_now = self.asked == self.at;
        self.asked += 1;
        let start = usize::try_from(ask.start).expect("a position");
        let start = match self.shift {
            Shift::Early if is_now => start.saturating_sub(1),
            Shift::Late if is_now => start + 1,
            Shift::Arrival if is_now => {
                self.rows.insert(0, "row that arrived".to_owned());
                start
            }
            Shift::Departure if is_now => {
                self.rows.remove(0);
                start
            }
            _ => start,
        };
        let rows: Vec<String> = self.rows.iter().skip(start).take(ask.limit as usize).cloned().collect();
        let response = ResponseId(u32::try_from(self.answers.len()).expect("few requests"));
        let page = page_of(response, &rows, ask.limit);
        self.answers.push(rows);
        page
    }
}

fn page_of(response: ResponseId, rows: &[String], limit: u32) -> Page {
    let mut body = Vec::new();
    let place = |body: &Vec<u8>| u32::try_from(body.len()).expect("a small page");
    let ranges = rows.iter().map(|row| {
        let start = place(&body);
        body.extend_from_slice(row.as_bytes());
        start..place(&body)
    });
    let ranges = ranges.collect();
    let mut page = Page::new(response, Bytes::from(body), ranges);
    page.echoed_limit = Some(u64::from(limit));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shift_is_survived_or_told() {
        for seed in 0..3_000 {
            let results = try_seed(seed);
            assert_eq!((results.planted, results.found), (1, 1), "{:?}", results.misses_shown);
        }
    }
}
