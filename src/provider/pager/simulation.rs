//! The pager against servers of every kind whose rows come and go between requests.

use std::collections::HashMap;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Ask, Outcome, Page, Pager, Settings};
use crate::landing::{Proof, ResponseId};

const PAGES_MAX: u32 = 200;

/// What the server says about the limit that it applied.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Echo {
    None,
    Applied,
    /// A limit of 0.
    Nonsense,
    /// More than was asked for or applied.
    Larger,
    /// What was asked for, whatever was applied.
    Asked,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Total {
    None,
    Right,
    /// As for card transactions: without the date filter.
    TooMany,
    TooFew,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Heeds {
    Limits,
    Nothing,
    /// The number of rows, not the position.
    NumberOnly,
}

#[derive(Debug, Clone)]
struct Manners {
    clamp: Option<usize>,
    echo: Echo,
    total: Total,
    heeds: Heeds,
    unordered: bool,
}

#[derive(Debug, Clone, Copy)]
enum Change {
    /// A new row at this part of the list, in 256ths.
    Insert(u8),
    Delete(u8),
}

/// A server whose list changes before each request by the next of `changes`.
struct Server {
    manners: Manners,
    rows: Vec<String>,
    next_id: u32,
    changes: std::vec::IntoIter<Vec<Change>>,
    /// The list as it was at each moment from the first request on.
    states: Vec<Vec<String>>,
    answers: HashMap<u32, Vec<String>>,
    asks: Vec<Ask>,
    /// The request whose answer lacks its last rows, though the listing goes on, and how many it lacks.
    hiccup: Option<(usize, usize)>,
}

impl Server {
    fn new(manners: Manners, rows: Vec<String>, changes: Vec<Vec<Change>>) -> Self {
        Self {
            manners,
            rows,
            next_id: 1_000,
            changes: changes.into_iter(),
            states: Vec::new(),
            answers: HashMap::new(),
            asks: Vec::new(),
            hiccup: None,
        }
    }

    fn answer(&mut self, ask: Ask) -> Page {
        if !self.asks.is_empty() {
            for change in self.changes.next().unwrap_or_default() {
                self.change(change);
            }
        }
        self.states.push(self.rows.clone());
        self.asks.push(ask);
        let number = u32::try_from(self.asks.len()).expect("few requests");
        let (start, limit) = self.applied(ask);
        let mut listed = self.rows.clone();
        if self.manners.unordered && !listed.is_empty() {
            let by = self.asks.len() % listed.len();
            listed.rotate_left(by);
        }
        let mut rows: Vec<String> = listed.into_iter().skip(start).take(limit).collect();
        if let Some((_, lacking)) = self.hiccup.filter(|(request, _)| *request == self.asks.len()) {
            rows.truncate(rows.len().saturating_sub(lacking));
        }
        let mut page = super::page::page_of(number, &rows.iter().map(String::as_str).collect::<Vec<_>>());
        page.echoed_limit = match self.manners.echo {
            Echo::None => None,
            Echo::Applied => Some(limit as u64),
            Echo::Nonsense => Some(0),
            Echo::Larger => Some(u64::from(ask.limit) * 10),
            Echo::Asked => Some(u64::from(ask.limit)),
        };
        let count = self.rows.len() as u64;
        page.total = match self.manners.total {
            Total::None => None,
            Total::Right => Some(count),
            Total::TooMany => Some(count + 7),
            Total::TooFew => Some(count / 2),
        };
        self.answers.insert(number, rows);
        page
    }

    fn applied(&self, ask: Ask) -> (usize, usize) {
        let start = usize::try_from(ask.start).expect("a position");
        let limit = (ask.limit as usize).min(self.manners.clamp.unwrap_or(usize::MAX));
        match self.manners.heeds {
            Heeds::Limits => (start, limit),
            Heeds::NumberOnly => (0, limit),
            Heeds::Nothing => (0, 1_000_000),
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Insert(place) => {
                let at = usize::from(place) * self.rows.len() / 255;
                self.rows.insert(at, format!("new {}", self.next_id));
                self.next_id += 1;
            }
            Change::Delete(place) if !self.rows.is_empty() => {
                let at = usize::from(place) * (self.rows.len() - 1) / 255;
                self.rows.remove(at);
            }
            Change::Delete(_) => {}
        }
        self.states.push(self.rows.clone());
    }

    fn read(&mut self, settings: Settings) -> Outcome {
        let mut pager = Pager::new(settings);
        while let Some(ask) = pager.ask() {
            let page = self.answer(ask);
            pager.take(page);
            assert!(self.asks.len() < 20_000, "it must end");
        }
        pager.into_outcome().expect("nothing is asked any more")
    }

    /// As [`read`](Self::read), with requests sent ahead of their turn and answered in any order: `order` picks the next of
    /// those in flight.
    fn read_ahead(&mut self, settings: Settings, ahead_max: u32, order: &[u8]) -> Outcome {
        let (mut pager, mut order) = (Pager::new(settings), order.iter().cycle());
        let (mut in_flight, mut answered) = (Vec::new(), HashMap::new());
        while let Some(ask) = pager.ask() {
            while !answered.contains_key(&(ask.start, ask.limit)) {
                if !in_flight.contains(&ask) {
                    in_flight.push(ask);
                }
                for expected in (1..=ahead_max).map_while(|pages| pager.expected(pages)).map(|expected| expected.ask) {
                    if !in_flight.contains(&expected) && !answered.contains_key(&(expected.start, expected.limit)) {
                        in_flight.push(expected);
                    }
                }
                let picked = usize::from(*order.next().expect("it goes round")) % in_flight.len();
                let ask = in_flight.remove(picked);
                answered.insert((ask.start, ask.limit), self.answer(ask));
            }
            pager.take(answered.remove(&(ask.start, ask.limit)).expect("it is answered"));
            if !pager.is_reading_on() {
                in_flight.drain(..).for_each(|ask| drop(self.answer(ask)));
                answered.clear();
            }
            assert!(self.asks.len() < 40_000, "it must end");
        }
        pager.into_outcome().expect("nothing is asked any more")
    }

    fn rows_of(&self, outcome: &Outcome) -> Vec<String> {
        let rows: Vec<String> = outcome
            .pages
            .iter()
            .flat_map(|page| self.answers[&page.response.0][page.skip as usize..].to_vec())
            .collect();
        assert_eq!(rows.len() as u64, outcome.rows);
        rows
    }

    /// Whether `rows` are what the list was at some moment between the first and the last request.
    fn ever_was(&self, rows: &[String]) -> bool {
        let sorted = |rows: &[String]| {
            let mut rows = rows.to_vec();
            rows.sort();
            rows
        };
        self.states.iter().any(
            |state| {
                if self.manners.unordered { sorted(state) == sorted(rows) } else { state == rows }
            },
        )
    }
}

fn settings(page_size: u32) -> Settings {
    Settings { page_size, passes_max: 6, pages_max: PAGES_MAX, total_counts: true, twice: false, limits_ignored: false }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("row {number}")).collect()
}

fn honest(echo: Echo) -> Manners {
    Manners { clamp: None, echo, total: Total::None, heeds: Heeds::Limits, unordered: false }
}

fn any_manners() -> impl Strategy<Value = Manners> {
    let echo = prop::sample::select(vec![Echo::None, Echo::Applied, Echo::Nonsense, Echo::Larger, Echo::Asked]);
    let total = prop_oneof![Just(Total::None), Just(Total::Right), Just(Total::TooMany), Just(Total::TooFew)];
    let heeds = prop_oneof![6 => Just(Heeds::Limits), 2 => Just(Heeds::Nothing), 1 => Just(Heeds::NumberOnly)];
    let clamp = prop_oneof![2 => Just(None), 1 => (1..5_usize).prop_map(Some)];
    let manners = (clamp, echo, total, heeds, prop::bool::weighted(0.1));
    // A limit and a total that are both wrong, and agree, are believed.
    let manners = manners.prop_filter("one wrong answer at a time", |(_, echo, total, ..)| {
        *echo != Echo::Asked || *total != Total::TooFew
    });
    manners.prop_map(|(clamp, echo, total, heeds, unordered)| Manners {
        // The servers that are not believed in, see the pager.
        clamp: clamp.filter(|rows| *rows > 1 || heeds != Heeds::NumberOnly && echo != Echo::Asked),
        echo,
        total,
        heeds,
        unordered,
    })
}

fn place() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0_u8), Just(255), any::<u8>()]
}

/// Changes between requests: mostly none, so that some passes come through.
fn gaps(change: impl Strategy<Value = Change> + Clone, per_gap_max: usize) -> impl Strategy<Value = Vec<Vec<Change>>> {
    vec(prop_oneof![3 => Just(Vec::new()), 1 => vec(change, 1..=per_gap_max)], 0..40)
}

fn insert() -> impl Strategy<Value = Change> + Clone {
    place().prop_map(Change::Insert).boxed()
}

fn delete() -> impl Strategy<Value = Change> + Clone {
    place().prop_map(Change::Delete).boxed()
}

/// Changes for which a proof in one reading is exact.
fn seen_changes() -> impl Strategy<Value = Vec<Vec<Change>>> {
    prop_oneof![
        gaps(insert(), 3),
        gaps(delete(), 3),
        gaps(prop_oneof![insert(), delete()].boxed(), 1),
        // In each gap only one kind, but several of it.
        vec(prop_oneof![3 => Just(Vec::new()), 1 => vec(insert(), 1..4), 1 => vec(delete(), 1..4)], 0..40),
    ]
}

fn assert_true(server: &Server, outcome: &Outcome) -> Result<(), TestCaseError> {
    let rows = server.rows_of(outcome);
    if let Proof::Proved(certificate) = &outcome.proof {
        prop_assert!(
            server.ever_was(&rows),
            "proved {rows:?}\n by {certificate:?}\n asked {:?}\n but it was {:?}",
            server.asks,
            server.states
        );
        prop_assert_eq!(certificate.rows, outcome.rows);
        prop_assert_eq!(certificate.pages as usize, outcome.pages.len());
    }
    Ok(())
}

/// Cases of each property; `PROPTEST_CASES=300000` takes two minutes.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(6_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// No listing that never was is ever called proved.
    #[test]
    fn what_is_proved_was_so(
        manners in any_manners(),
        count in 0..24_usize,
        page_size in 2..=7_u32,
        changes in seen_changes(),
    ) {
        let mut server = Server::new(manners, names(count), changes);
        let outcome = server.read(settings(page_size));
        assert_true(&server, &outcome)?;
    }

    /// Read ahead, with answers in any order, a proof is as good: of changes of one kind.
    #[test]
    fn what_is_proved_when_read_ahead_was_so(
        manners in any_manners(),
        count in 0..40_usize,
        page_size in 2..=7_u32,
        ahead_max in 1..=6_u32,
        order in vec(any::<u8>(), 1..12),
        changes in prop_oneof![gaps(insert(), 3), gaps(delete(), 3)],
    ) {
        let mut server = Server::new(manners, names(count), changes);
        let outcome = server.read_ahead(settings(page_size), ahead_max, &order);
        assert_true(&server, &outcome)?;
    }

    /// What is listed at rest is the same, read ahead or not, and costs no more requests than are sent beyond the end.
    #[test]
    fn what_holds_still_is_read_ahead_as_it_is_in_turn(
        manners in any_manners(),
        ids in prop_oneof![(0..40_u32).prop_map(|count| (0..count).collect::<Vec<_>>()), vec(0..30_u32, 0..40)],
        page_size in 2..=7_u32,
        ahead_max in 1..=6_u32,
        order in vec(any::<u8>(), 1..12),
    ) {
        let rows: Vec<String> = ids.iter().map(|id| format!("row {id}")).collect();
        let manners = Manners { unordered: false, ..manners };
        let mut in_turn = Server::new(manners.clone(), rows.clone(), Vec::new());
        let expected = in_turn.read(settings(page_size));
        let mut ahead = Server::new(manners, rows, Vec::new());
        let outcome = ahead.read_ahead(settings(page_size), ahead_max, &order);
        prop_assert_eq!(in_turn.rows_of(&expected), ahead.rows_of(&outcome));
        prop_assert_eq!(std::mem::discriminant(&expected.proof), std::mem::discriminant(&outcome.proof));
    }

    /// Reading twice needs no assumption about the changes at all.
    #[test]
    fn what_is_proved_by_two_readings_was_so_whatever_happened(
        manners in any_manners(),
        count in 0..24_usize,
        page_size in 2..=7_u32,
        changes in gaps(prop_oneof![insert(), delete()].boxed(), 5),
    ) {
        let mut server = Server::new(manners, names(count), changes);
        let outcome = server.read(Settings { twice: true, ..settings(page_size) });
        assert_true(&server, &outcome)?;
    }

    /// When two requests reach the end, no assumption is needed either.
    #[test]
    fn two_requests_are_exact_whatever_happened(
        echo in prop_oneof![Just(Echo::None), Just(Echo::Applied)],
        count in 0..9_usize,
        changes in gaps(prop_oneof![insert(), delete()].boxed(), 5),
    ) {
        let mut server = Server::new(honest(echo), names(count), changes);
        let outcome = server.read(settings(7));
        // A listing that grew while its end was asked for once more has a third page, read by a third request.
        if outcome.pages.len() == 1 || (echo == Echo::Applied && outcome.pages.len() == 2) {
            assert_true(&server, &outcome)?;
        }
    }

    /// A list that holds still is always proved, and nothing is missing.
    #[test]
    fn what_holds_still_is_proved(manners in any_manners(), count in 0..24_usize, page_size in 2..=7_u32) {
        let heeds = if manners.heeds == Heeds::NumberOnly { Heeds::Limits } else { manners.heeds };
        let manners = Manners { heeds, unordered: false, ..manners };
        let mut server = Server::new(manners, names(count), Vec::new());
        let outcome = server.read(settings(page_size));
        prop_assert!(matches!(outcome.proof, Proof::Proved(_)), "{:?} after {:?}", outcome.proof, server.asks);
        prop_assert_eq!(server.rows_of(&outcome), names(count));
    }

    /// Rows that are equal to the last byte (the same row listed twice) hide nothing and double nothing while the list
    /// holds still.
    #[test]
    fn equal_rows_are_kept_as_often_as_they_stand_there(
        manners in any_manners(),
        ids in vec(0..12_u8, 0..24),
        page_size in 2..=7_u32,
    ) {
        let rows: Vec<String> = ids.iter().map(|id| format!("row {id}")).collect();
        let mut server = Server::new(manners, rows, Vec::new());
        let outcome = server.read(settings(page_size));
        assert_true(&server, &outcome)?;
    }

    /// A short disturbance costs passes, not the proof.
    #[test]
    fn a_list_that_comes_to_rest_is_proved(
        echo in prop_oneof![Just(Echo::None), Just(Echo::Applied)],
        count in 0..24_usize,
        page_size in 2..=7_u32,
        quiet in 0..12_usize,
        changes in vec(prop_oneof![insert(), delete()], 1..3),
    ) {
        let mut gaps = vec![Vec::new(); quiet];
        gaps.push(changes);
        let mut server = Server::new(honest(echo), names(count), gaps);
        let outcome = server.read(settings(page_size));
        prop_assert!(matches!(outcome.proof, Proof::Proved(_)), "{:?} after {:?}", outcome.proof, server.asks);
    }
}

fn read_quiet(count: usize, page_size: u32, manners: Manners) -> (Outcome, Vec<Ask>) {
    let mut server = Server::new(manners, names(count), Vec::new());
    let outcome = server.read(settings(page_size));
    assert!(matches!(outcome.proof, Proof::Proved(_)), "{:?}", outcome.proof);
    assert_eq!(server.rows_of(&outcome), names(count));
    (outcome, server.asks)
}

#[test]
fn a_page_that_falls_short_once_loses_nothing() {
    for (echo, total) in [(Echo::Applied, Total::None), (Echo::Applied, Total::Right), (Echo::None, Total::TooMany)] {
        for (request, count) in (1..=14).flat_map(|request| (0..40).map(move |count| (request, count))) {
            let mut server = Server::new(Manners { total, ..honest(echo) }, names(count), Vec::new());
            server.hiccup = Some((request, 1 + count % 5));
            let outcome = server.read(settings(6));
            assert!(matches!(outcome.proof, Proof::Proved(_)), "{request} {count} {:?}", outcome.proof);
            assert_eq!(server.rows_of(&outcome), names(count), "{request} {count}");
        }
    }
}

#[test]
fn no_request_is_made_without_need() {
    for (count, page_size, requests) in [(0, 10, 2), (1, 10, 2), (9, 10, 2), (10, 10, 4), (18, 10, 4), (19, 10, 5)] {
        let (_, asks) = read_quiet(count, page_size, honest(Echo::Applied));
        assert_eq!(asks.len(), requests, "{count} rows by {page_size} with an echo: {asks:?}");
    }
    for (count, page_size, requests) in [(0, 10, 2), (1, 10, 3), (9, 10, 2), (10, 10, 4), (18, 10, 4), (19, 10, 5)] {
        let (_, asks) = read_quiet(count, page_size, honest(Echo::None));
        assert_eq!(asks.len(), requests, "{count} rows by {page_size} without an echo: {asks:?}");
    }
    // A hundred pages cost two requests more: the end is asked for, and the first page again.
    let (outcome, asks) = read_quiet(10_000 - 120, 100, honest(Echo::Applied));
    assert_eq!((outcome.pages.len(), asks.len()), (100, 102));
}

/// The most pages that were expected at once, told by a count and guessed.
fn expected_of(manners: &Manners, count: usize, total_counts: bool) -> (usize, usize) {
    let mut server = Server::new(manners.clone(), names(count), Vec::new());
    let mut pager = Pager::new(Settings { total_counts, ..settings(10) });
    let (mut told_max, mut guessed_max) = (0, 0);
    while let Some(ask) = pager.ask() {
        let expected: Vec<_> = (1..=20).map_while(|pages| pager.expected(pages)).collect();
        let told = expected.iter().filter(|expected| expected.is_told).count();
        (told_max, guessed_max) = (told_max.max(told), guessed_max.max(expected.len() - told));
        let page = server.answer(ask);
        let beyond = |total: u64| expected.iter().find(|expected| expected.ask.start + 1 >= total);
        assert_eq!(page.total.and_then(beyond), None, "{count} rows");
        pager.take(page);
    }
    (told_max, guessed_max)
}

#[test]
fn pages_that_the_count_promises_are_asked_for_ahead_and_none_beyond() {
    let right = Manners { total: Total::Right, ..honest(Echo::Applied) };
    for count in [90, 91, 100, 109] {
        // All but the first two, once the first has told of them and another is being asked for.
        assert_eq!(expected_of(&right, count, true), ((count - 2) / 9 - 1, 0), "{count} rows");
        // A count of more than the listing's rows still bounds it.
        let more = Manners { total: Total::TooMany, ..right.clone() };
        let (told, guessed) = expected_of(&more, count, false);
        assert!(told == 0 && (7..=10).contains(&guessed), "{count} rows: {guessed}");
    }
    // Without an echo the first page does not tell whether positions are heeded, the second does.
    let silent = Manners { echo: Echo::None, ..right };
    assert_eq!(expected_of(&silent, 100, true), (8, 0));
    let uncounted = Manners { total: Total::None, ..silent };
    assert_eq!(expected_of(&uncounted, 100, true), (0, 20));
}

#[test]
fn pages_overlap_by_one_row() {
    let (outcome, asks) = read_quiet(7, 3, honest(Echo::Applied));
    assert_eq!(asks.iter().map(|ask| ask.start).collect::<Vec<_>>(), [0, 2, 4, 6, 6, 0]);
    assert_eq!(outcome.pages.iter().map(|page| page.skip).collect::<Vec<_>>(), [0, 1, 1]);
    let Proof::Proved(certificate) = outcome.proof else { panic!("it is proved") };
    assert_eq!((certificate.passes, certificate.pages, certificate.rows, certificate.seams), (1, 3, 7, 4));
}

#[test]
fn a_server_that_ignores_limits_is_read_whole_and_once_known_at_once() {
    let manners = Manners { heeds: Heeds::Nothing, ..honest(Echo::None) };
    for count in [0, 1, 2, 9, 10, 11, 40] {
        let mut server = Server::new(manners.clone(), names(count), Vec::new());
        let outcome = server.read(settings(10));
        assert_eq!(server.rows_of(&outcome), names(count));
        assert_eq!(outcome.pages.len(), 1);
        assert!(server.asks.len() <= 3, "{count}: {:?}", server.asks);
        assert_eq!(outcome.limits_ignored, count > 0);
        let mut server = Server::new(manners.clone(), names(count), Vec::new());
        server.read(Settings { limits_ignored: true, ..settings(10) });
        assert_eq!(server.asks.len(), 2, "{count}");
    }
}

#[test]
fn a_server_that_ignores_positions_alone_is_never_proved() {
    let manners = Manners { heeds: Heeds::NumberOnly, ..honest(Echo::None) };
    let mut server = Server::new(manners, names(50), Vec::new());
    let outcome = server.read(settings(10));
    let Proof::Unproved { reason } = &outcome.proof else { panic!("{:?}", outcome.proof) };
    assert!(reason.contains("ignores limit_start"), "{reason}");
}

#[test]
fn a_silent_clamp_is_found_out() {
    for clamp in 1..=6 {
        let manners = Manners { clamp: Some(clamp), ..honest(Echo::None) };
        read_quiet(23, 10, manners);
    }
    for clamp in 2..=6 {
        let manners = Manners { clamp: Some(clamp), ..honest(Echo::Asked) };
        read_quiet(23, 10, manners);
    }
}

#[test]
fn a_row_listed_twice_on_pages_of_one_row_is_kept_unproved() {
    let mut rows = names(9);
    rows.insert(5, rows[4].clone());
    let mut server = Server::new(Manners { clamp: Some(1), ..honest(Echo::None) }, rows.clone(), Vec::new());
    let outcome = server.read(settings(10));
    assert!(matches!(outcome.proof, Proof::Unproved { .. }), "{:?}", outcome.proof);
    assert_eq!(server.rows_of(&outcome), rows);
}

#[test]
fn rows_that_keep_arriving_at_the_tail_do_no_harm() {
    let arrivals = vec![vec![Change::Insert(255)]; 60];
    let mut server = Server::new(honest(Echo::Applied), names(30), arrivals);
    let outcome = server.read(settings(7));
    let Proof::Proved(certificate) = &outcome.proof else { panic!("{:?}", outcome.proof) };
    assert_eq!(certificate.passes, 1);
    assert!(server.ever_was(&server.rows_of(&outcome)));
}

#[test]
fn one_row_that_arrives_at_the_head_costs_one_more_pass() {
    let mut server = Server::new(honest(Echo::Applied), names(30), vec![vec![], vec![], vec![Change::Insert(0)]]);
    let outcome = server.read(settings(7));
    let Proof::Proved(certificate) = &outcome.proof else { panic!("{:?}", outcome.proof) };
    assert_eq!(certificate.passes, 2);
    assert_eq!(server.rows_of(&outcome).len(), 31);
}

#[test]
fn one_row_that_arrives_at_the_head_after_the_last_page_costs_one_request() {
    let changes = vec![vec![], vec![], vec![], vec![], vec![], vec![Change::Insert(0)]];
    let mut server = Server::new(honest(Echo::Applied), names(30), changes);
    let outcome = server.read(settings(7));
    let Proof::Proved(certificate) = &outcome.proof else { panic!("{:?}", outcome.proof) };
    assert_eq!((certificate.passes, server.asks.len()), (1, 8));
    assert_eq!(server.rows_of(&outcome), names(30));
}

#[test]
fn rows_that_keep_arriving_at_the_head_leave_an_unproved_listing_with_all_rows_that_were_there() {
    let arrivals = vec![vec![Change::Insert(0)]; 400];
    let mut server = Server::new(honest(Echo::Applied), names(30), arrivals);
    let outcome = server.read(settings(7));
    let Proof::Unproved { reason } = &outcome.proof else { panic!("{:?}", outcome.proof) };
    assert!(reason.contains("hold still"), "{reason}");
    let rows = server.rows_of(&outcome);
    assert!(names(30).iter().all(|name| rows.contains(name)), "{rows:?}");
    assert_eq!(rows.iter().collect::<std::collections::HashSet<_>>().len(), rows.len(), "none twice: {rows:?}");
}

#[test]
fn rows_that_keep_going_leave_an_unproved_listing() {
    let deletions = vec![vec![Change::Delete(10)]; 400];
    let mut server = Server::new(honest(Echo::Applied), names(90), deletions);
    let outcome = server.read(settings(7));
    assert!(matches!(outcome.proof, Proof::Unproved { .. } | Proof::Proved(_)));
    assert_true(&server, &outcome).expect("nothing false");
}

#[test]
fn a_listing_without_end_is_given_up() {
    /// Answers every position with two rows that fit the page before.
    fn page(ask: Ask) -> Page {
        let text = format!("{}{}", ask.start % 10, (ask.start + 1) % 10);
        Page::new(ResponseId(0), Bytes::from(text), vec![0..1, 1..2])
    }
    let mut pager = Pager::new(settings(2));
    let mut requests = 0;
    while let Some(ask) = pager.ask() {
        pager.take(page(ask));
        requests += 1;
    }
    let outcome = pager.into_outcome().expect("it ended");
    // Rows come back after ten pages, which costs a second beginning.
    assert_eq!(requests, PAGES_MAX + 10);
    assert!(matches!(outcome.proof, Proof::Unproved { .. }), "{:?}", outcome.proof);
}

#[test]
fn a_total_that_promises_more_is_asked_for_and_noted() {
    let manners = Manners { total: Total::TooMany, ..honest(Echo::Applied) };
    let (outcome, asks) = read_quiet(9, 10, manners);
    assert_eq!(asks.len(), 2);
    let Proof::Proved(certificate) = outcome.proof else { panic!("it is proved") };
    assert!(certificate.evidence.contains("total_results says 16, and 9 rows were listed"), "{certificate:?}");
}

#[test]
fn an_order_that_varies_is_no_movement_within_one_page() {
    let manners = Manners { unordered: true, ..honest(Echo::None) };
    let mut server = Server::new(manners, names(8), Vec::new());
    let outcome = server.read(settings(10));
    assert!(matches!(outcome.proof, Proof::Proved(_)), "{:?} {:?}", outcome.proof, server.asks);
}
