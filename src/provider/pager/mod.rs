//! Reading a listing page by page until it is proved complete, or known not to be.
//!
//! Rows arrive and go while a listing is read, and a page is asked for by position: a row inserted before it pushes one
//! row over the edge twice, a row deleted hides one. So consecutive pages overlap by a row, which must be the same on
//! both sides, and after the last page the first is read again and must be what it was. A listing that moved is read
//! once more from its beginning, within a bound; one that keeps moving is handed over with its last reading as
//! unproved. The pager sends nothing itself: it says what to ask ([`Pager::ask`]) and takes the answer
//! ([`Pager::take`]), so that it can be tested against any server without a network.
//!
//! **What the proof shows.** Rows differ, keep their order while they exist, and do not come back once gone. If between
//! two requests rows were only inserted or only deleted, the rows of a proved listing are exactly those that the server
//! listed when the last page was read: an overlap at its place says that as many rows stand before it as were read. When
//! two requests reached the end, this holds whatever happened. (Pages may be answered in any order, those that are read ahead
//! included: each seam speaks of what happened between the answers to its two pages. For these, which are sent one after
//! the other, the time between is that between two requests.) **What it cannot see:** in a longer listing, a row deleted
//! and another inserted between the same two requests, both on pages that were read before and neither on the first.
//! [`Settings::twice`] closes that gap by reading every page a second time, at twice the requests. That is also done
//! when a row stands in the listing twice, since equal rows can hide a shift (and a listing full of equal rows that moves
//! all the while can hide it twice).
//!
//! **The end.** The limit that an answer echoes is the one that was applied; fewer rows than that show the end, and so does
//! a page of nothing but the overlap. One such answer is believed behind a first page, where `total_results` counts just as
//! many rows. Otherwise it takes two in a row: the first could be a hiccup, or a silent clamp by a server that echoes nothing, something that
//! cannot be, or what it was asked for. A listing's only page, of which the last row is still the last when its end is
//! asked for, need not be read again: that row at its place shows that as many stand before it as were read.
//! `total_results` by itself never ends a listing and never makes it unproved; when it promises more rows than were seen, the
//! same further question is put. (A page of one row is not asked for its end, but read again: a server that gives one row at a
//! time and echoes what it was asked for is not believed in.)
//!
//! **Pages of one row** cannot overlap. They are read twice from end to end instead, and no row may come twice.
//!
//! **A server that ignores limits** answers a later position with the same list. That alone could be a list that moved,
//! or one whose start is ignored while its length is clamped; so a position far beyond any end is asked for with a
//! smaller limit. When the whole list comes again, it is one page, and proved by being the same. (A list of one row
//! cannot be told from one of which such a server never gives more than its first row; no such server is believed in.)

mod page;
#[cfg(test)]
mod simulation;

pub use page::Page;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;

use crate::landing::{Certificate, ListingPage, Proof};

/// How far beyond the known rows a server is asked in order to see whether it heeds positions at all.
const FAR_ROWS: u64 = 1_000_000;
/// Times the first page is looked for further behind, when rows arrive at the head faster than they are read.
const BEHIND_TRIES_MAX: u32 = 4;

/// How a listing is read.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Rows asked for in a page, at least 2.
    pub page_size: u32,
    /// Passes until a moving listing is given up.
    pub passes_max: u32,
    /// Pages of one pass.
    pub pages_max: u32,
    /// Whether `total_results` counts the rows of this listing.
    pub total_counts: bool,
    /// Whether every page is read a second time.
    pub twice: bool,
    /// Whether another listing of the same kind has shown that the server ignores limits.
    pub limits_ignored: bool,
}

/// A page to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// `limit_start`.
    pub start: u64,
    /// `limit_number`.
    pub limit: u32,
}

/// A page that is not asked for yet, but will be if the listing goes on as it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The page.
    pub ask: Ask,
    /// Whether `total_results` says that it has rows.
    pub is_told: bool,
    /// Pages of the listing that have been read so far.
    pub read: u32,
}

/// What became of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Its pages.
    pub pages: Vec<ListingPage>,
    /// Rows in them, overlaps not counted.
    pub rows: u64,
    /// What is known of its completeness.
    pub proof: Proof,
    /// Whether the server was shown to ignore limits.
    pub limits_ignored: bool,
}

/// Reads one listing.
#[derive(Debug)]
pub struct Pager {
    settings: Settings,
    next: Ask,
    state: State,
    passes: u32,
    pass: Option<Pass>,
    /// The last pass that reached an end.
    complete: Option<(Vec<ListingPage>, u64)>,
}

/// What the answer that is waited for is for.
#[derive(Debug)]
enum State {
    /// The next page of the pass.
    Reading,
    /// The first page, again, after the last.
    FirstAgain,
    /// The first page, behind rows that arrived after the last page was read.
    FirstBehind { arrived: u64, tries: u32 },
    /// Every page a second time; this is number `index`.
    SecondReading { index: usize },
    /// A position beyond the end: does the server heed it? `repeat` was the first page come again.
    FarAway { repeat: Page },
    /// The whole list again, from a server that ignores limits.
    WholeAgain { last: Page },
    /// None is waited for.
    Done(Box<Outcome>),
}

/// One pass over a listing.
#[derive(Debug)]
struct Pass {
    first: Page,
    pages: Vec<ListingPage>,
    /// Pages read, those without a new row included.
    reads: u32,
    rows: u64,
    seams: u32,
    /// The rows that the next page must begin with.
    overlap: Vec<Bytes>,
    /// Fingerprints of all rows, once there is a second page. Two rows with the same one cost a second reading, no more.
    fingerprints: HashSet<u64>,
    /// What was asked, how many rows came and their digest; kept only when pages are read twice.
    readings: Vec<(Ask, usize, [u8; 32])>,
    /// How the end was shown.
    end: String,
    /// Answers in a row that showed the end.
    end_shown: u32,
    /// The last total that was told.
    total: Option<u64>,
    /// How far each full page moves on, once it is likely that the server heeds positions.
    step: Option<u64>,
    /// Only in a last pass: a contradiction was bridged, so that there are rows to hand over, though unproved.
    bridged: Option<String>,
    stepped_back: bool,
}

impl Pager {
    /// A pager at the beginning of a listing.
    pub fn new(settings: Settings) -> Self {
        let next = Ask { start: 0, limit: settings.page_size };
        Self { settings, next, state: State::Reading, passes: 1, pass: None, complete: None }
    }

    /// The page to ask for; none when the outcome is known.
    pub fn ask(&self) -> Option<Ask> {
        (!matches!(self.state, State::Done(_))).then_some(self.next)
    }

    /// The page `pages` behind [`ask`](Self::ask)'s, where it can be told: its answer may be fetched ahead of its turn, but is
    /// taken in its turn alone, and only as long as the pass goes on ([`is_reading_on`](Self::is_reading_on)). None where two
    /// readings prove the listing, for these must not overlap, and none behind the last row that `total_results` tells of.
    pub fn expected(&self, pages: u32) -> Option<Expected> {
        let pass = self.pass.as_ref().filter(|_| matches!(self.state, State::Reading) && !self.settings.twice)?;
        let step = pass.step.filter(|step| *step > 0 && pass.end_shown == 0 && pass.bridged.is_none())?;
        if pass.reads.saturating_add(pages) >= self.settings.pages_max {
            return None;
        }
        let start = self.next.start + step * u64::from(pages);
        // The row at `start` is the last of the page before. A total that counts too much still counts all.
        if pass.total.is_some_and(|total| start + 1 >= total) {
            return None;
        }
        let is_told = self.settings.total_counts && pass.total.is_some();
        Some(Expected { ask: Ask { start, limit: self.settings.page_size }, is_told, read: pass.reads })
    }

    /// Whether the next page goes on with a pass. Where it does not, what was fetched ahead belongs to the past.
    pub fn is_reading_on(&self) -> bool {
        matches!(self.state, State::Reading) && self.pass.is_some()
    }

    /// The outcome, once nothing is to be asked any more.
    pub fn into_outcome(self) -> Option<Outcome> {
        match self.state {
            State::Done(outcome) => Some(*outcome),
            _ => None,
        }
    }

    /// Takes the answer to [`ask`](Self::ask).
    pub fn take(&mut self, page: Page) {
        match std::mem::replace(&mut self.state, State::Reading) {
            State::Reading => match self.pass.take() {
                None => self.begin(&page),
                Some(pass) => self.follow(pass, page),
            },
            State::FirstAgain => self.first_again(&page),
            State::FirstBehind { arrived, tries } => self.first_behind(&page, arrived, tries),
            State::SecondReading { index } => self.second_reading(&page, index),
            State::FarAway { repeat } => self.far_away(page, &repeat),
            State::WholeAgain { last } => self.whole_again(page, &last),
            State::Done(_) => unreachable!("nothing was asked"),
        }
    }

    /// A pass begins with its first page.
    fn begin(&mut self, page: &Page) {
        let mut pass = Pass::new(page.clone());
        self.note_reading(&mut pass, page);
        self.go_on(pass, page, page.len());
    }

    /// A further page of a pass.
    fn follow(&mut self, mut pass: Pass, page: Page) {
        pass.reads += 1;
        let overlap = pass.overlap.len();
        let agrees = overlap > 0 && page.begins_with(&pass.overlap);
        if page.is_empty() && overlap == 0 {
            pass.end = String::from("an empty page came after the last row");
            return self.end(pass);
        }
        if pass.pages.len() == 1 && pass.ends_unordered(&page) {
            pass.seams += u32::from(agrees);
            return self.accept(pass, &page, 1);
        }
        if pass.reads == 2 && pass.is_begun_again_by(&page, agrees) {
            return self.suspect_ignored_limits(pass, page);
        }
        if overlap == 0 {
            if !self.settings.twice {
                // Nothing overlaps: only a second reading can prove this listing.
                self.settings.twice = true;
                return self.start_pass();
            }
        } else if !agrees {
            return self.contradiction(pass, &page);
        } else {
            pass.seams += 1;
        }
        self.accept(pass, &page, overlap);
    }

    /// Takes the rows of `page` beyond its first `skip`.
    fn accept(&mut self, mut pass: Pass, page: &Page, skip: usize) {
        let new_rows = page.len() - skip;
        if new_rows > 0 {
            if pass.has_repeated(page, skip) && pass.bridged.is_none() {
                if pass.overlap.is_empty() {
                    let reason = "a row came twice from pages that cannot overlap";
                    if self.passes < self.settings.passes_max {
                        return self.moved(reason);
                    }
                    pass.bridged = Some(self.in_vain(reason));
                } else if !self.settings.twice {
                    // Either it is listed twice, or the order varies: a second reading tells.
                    self.settings.twice = true;
                    return self.start_pass();
                }
            }
            self.note_reading(&mut pass, page);
            pass.pages.push(listing_page(page, skip));
            pass.rows += new_rows as u64;
        }
        self.go_on(pass, page, new_rows);
    }

    fn note_reading(&self, pass: &mut Pass, page: &Page) {
        if self.settings.twice {
            pass.readings.push((self.next, page.len(), page.digest(page.len())));
        }
    }

    /// Ends the pass at `page`, or asks for the page behind it.
    fn go_on(&mut self, mut pass: Pass, page: &Page, new_rows: usize) {
        pass.total = page.total.or(pass.total);
        if new_rows == 0
            && page.limit(self.next.limit).is_some_and(|limit| !page.is_empty() && page.len() as u64 >= limit)
        {
            return self.moved("the server lowered its limit so far that pages cannot overlap");
        }
        if let Some(end) = self.end_shown_by(&mut pass, page, new_rows) {
            pass.end = end;
            return self.end(pass);
        }
        if pass.reads >= self.settings.pages_max {
            let reason = format!("expected an end within {} pages, but the listing goes on", self.settings.pages_max);
            return self.give_up(reason);
        }
        // Where nothing new came, the same question is put once more.
        if new_rows > 0 {
            pass.overlap = page.overlap();
            // A seam shows that positions are heeded; before there is one, it is told by an echo and by a total of more rows.
            let is_heeded = page.limit(self.next.limit) == Some(page.len() as u64)
                && self.settings.total_counts
                && pass.total.is_some_and(|total| total > pass.rows);
            let is_full = pass.end_shown == 0 && pass.overlap.len() == 1;
            pass.step = (is_full && (pass.seams > 0 || is_heeded)).then(|| page.len() as u64 - 1);
            let position = self.next.start + page.len() as u64;
            self.next = Ask { start: position - pass.overlap.len() as u64, limit: self.settings.page_size };
        }
        self.pass = Some(pass);
        self.state = State::Reading;
    }

    /// How the end was shown, if it was. One answer can be a hiccup: the end takes two that agree on it, and a page that
    /// is all of its listing is read twice anyway.
    fn end_shown_by(&self, pass: &mut Pass, page: &Page, new_rows: usize) -> Option<String> {
        let total = page.total.filter(|_| self.settings.total_counts);
        let limit = page.limit(self.next.limit);
        let is_short = (page.len() as u64) < limit.unwrap_or(u64::from(self.next.limit));
        // New rows show that what looked like the end before them was none.
        pass.end_shown = match new_rows {
            0 => pass.end_shown + 1,
            _ => u32::from(is_short),
        };
        let promises_more = total.is_some_and(|total| total > pass.rows);
        let is_told = page.is_empty() || new_rows == 0 || (is_short && limit.is_some());
        let is_only_page = pass.reads == 1 && page.len() <= 1 && (page.is_empty() || !promises_more);
        let is_enough = pass.end_shown >= 2 || is_only_page || (pass.reads > 1 && total == Some(pass.rows));
        (is_told && is_enough).then(|| match (page.len(), new_rows, limit) {
            (0, ..) => "the page was empty".to_owned(),
            (held, 1.., Some(limit)) => format!("the last page held {held} rows of at most {limit}"),
            _ => "nothing came after the last row".to_owned(),
        })
    }

    /// The pass has reached the end of the listing; now the first page must still be what it was.
    fn end(&mut self, pass: Pass) {
        self.complete = Some((pass.pages.clone(), pass.rows));
        if let Some(reason) = pass.bridged {
            return self.give_up(reason);
        }
        let is_short = pass.first.len() < self.settings.page_size as usize;
        if pass.pages.len() == 1 && pass.reads == 2 && pass.seams == 1 && is_short && !self.settings.twice {
            return self.prove(&pass, "its end was asked for, and its last row was the last");
        }
        self.pass = Some(pass);
        self.next = self.beginning();
        self.state = State::FirstAgain;
    }

    fn first_again(&mut self, page: &Page) {
        let pass = self.pass.take().expect("the first page is read again at the end of a pass");
        let is_single = pass.pages.len() == 1;
        // With equal rows, what came from several requests could be another choice from a longer list.
        let order_counts = pass.reads > 1 && pass.first.has_equal_rows();
        if is_single && page.same_rows_unordered(&pass.first) && (!order_counts || page.same_rows(&pass.first)) {
            return self.prove(&pass, "the page was the same when read again");
        }
        if !is_single && page.same_rows(&pass.first) {
            return self.after_first_again(pass);
        }
        if !is_single && let Some(arrived) = page.arrived_before(&pass.first) {
            self.pass = Some(pass);
            return self.look_behind(arrived as u64, 1);
        }
        // What came is as good a beginning of the next pass as any.
        let reason = "the first page was not the same when read again after the last";
        if self.passes >= self.settings.passes_max {
            return self.moved(reason);
        }
        self.passes += 1;
        self.begin(page);
    }

    fn after_first_again(&mut self, pass: Pass) {
        match pass.readings.get(1) {
            None => self.prove(&pass, "the first page was the same when read again"),
            Some((ask, ..)) => {
                self.next = *ask;
                self.pass = Some(pass);
                self.state = State::SecondReading { index: 1 };
            }
        }
    }

    /// Rows arrived at the head after the last page was read: the listing was complete without them, if the first page
    /// stands unchanged behind them.
    fn look_behind(&mut self, arrived: u64, tries: u32) {
        self.next = Ask { start: arrived, limit: self.settings.page_size };
        self.state = State::FirstBehind { arrived, tries };
    }

    fn first_behind(&mut self, page: &Page, arrived: u64, tries: u32) {
        let pass = self.pass.take().expect("the first page is looked for at the end of a pass");
        if page.same_rows(&pass.first) && pass.readings.is_empty() {
            let how = format!("the first page was found unchanged behind {arrived} rows that arrived meanwhile");
            return self.prove(&pass, &how);
        }
        match page.arrived_before(&pass.first).filter(|_| tries < BEHIND_TRIES_MAX) {
            Some(more) => {
                self.pass = Some(pass);
                self.look_behind(arrived + more as u64, tries + 1);
            }
            None => self.moved("the first page was not found again behind rows that arrived meanwhile"),
        }
    }

    fn second_reading(&mut self, page: &Page, index: usize) {
        let pass = self.pass.take().expect("pages are read a second time at the end of a pass");
        let (_, count, digest) = pass.readings[index];
        // The last page may have grown: that its rows are still there is what is shown.
        if page.len() < count || page.digest(count) != digest {
            return self.moved("a page was not the same when read a second time");
        }
        match pass.readings.get(index + 1) {
            None => self.prove(&pass, "every page was the same when read a second time"),
            Some((ask, ..)) => {
                self.next = *ask;
                self.pass = Some(pass);
                self.state = State::SecondReading { index: index + 1 };
            }
        }
    }

    /// A later position brought the first page again.
    fn suspect_ignored_limits(&mut self, pass: Pass, page: Page) {
        let is_same = page.same_rows_unordered(&pass.first);
        if self.settings.limits_ignored && is_same {
            return self.prove_whole(&page);
        }
        let smaller = u32::try_from(page.len().saturating_sub(1)).unwrap_or(u32::MAX).max(1);
        self.next = Ask { start: self.next.start + FAR_ROWS, limit: smaller };
        self.pass = Some(pass);
        self.state = State::FarAway { repeat: page };
    }

    fn far_away(&mut self, page: Page, repeat: &Page) {
        let pass = self.pass.take().expect("a far position is asked for within a pass");
        let ignores_start = !page.is_empty() && (page.row(0) == repeat.row(0) || page.same_rows_unordered(repeat));
        // A single row cannot be asked for less of; that a clamp of one row would look the same is not believed.
        let is_single = page.len() == 1 && repeat.len() == 1 && repeat.limit(self.settings.page_size) != Some(1);
        let ignores_limit = page.len() > self.next.limit as usize || is_single;
        if !ignores_start {
            return self.moved("a later position brought the first page again");
        }
        if !ignores_limit {
            self.complete = Some((vec![listing_page(&pass.first, 0)], pass.first.len() as u64));
            return self.give_up("the server ignores limit_start: only its first page can be read".to_owned());
        }
        self.settings.limits_ignored = true;
        if repeat.same_rows_unordered(&pass.first) || page.same_rows_unordered(repeat) {
            return self.prove_whole(repeat);
        }
        self.next = self.beginning();
        self.state = State::WholeAgain { last: page };
    }

    fn whole_again(&mut self, page: Page, last: &Page) {
        if page.same_rows_unordered(last) {
            return self.prove_whole(&page);
        }
        self.complete = Some((vec![listing_page(&page, 0)], page.len() as u64));
        if self.passes >= self.settings.passes_max {
            return self.moved("the list, which the server sends whole, was different each time");
        }
        self.passes += 1;
        self.next = self.beginning();
        self.state = State::WholeAgain { last: page };
    }

    /// The page does not go on where the one before it ended.
    fn contradiction(&mut self, mut pass: Pass, page: &Page) {
        let reason = "a page did not begin with the last row of the page before it";
        if self.passes < self.settings.passes_max {
            return self.moved(reason);
        }
        // There will be no further pass: better an unproved listing than none.
        pass.bridged.get_or_insert_with(|| self.in_vain(reason));
        if let Some(at) = page.find(&pass.overlap) {
            pass.stepped_back = false;
            let skip = at + pass.overlap.len();
            return self.accept(pass, page, skip);
        }
        if pass.stepped_back || self.next.start == 0 {
            return self.moved(reason);
        }
        pass.stepped_back = true;
        let back = u64::from(self.settings.page_size).saturating_sub(pass.overlap.len() as u64).max(1);
        self.next.start = self.next.start.saturating_sub(back);
        self.pass = Some(pass);
        self.state = State::Reading;
    }

    /// The listing moved: once more from the beginning, unless that was the last pass.
    fn moved(&mut self, reason: &str) {
        if self.passes >= self.settings.passes_max {
            let reason = self.in_vain(reason);
            return self.give_up(reason);
        }
        self.passes += 1;
        self.start_pass();
    }

    fn in_vain(&self, reason: &str) -> String {
        format!("expected the listing to hold still for one of {} passes, but {reason}", self.settings.passes_max)
    }

    fn start_pass(&mut self) {
        self.pass = None;
        self.next = self.beginning();
        self.state = State::Reading;
    }

    fn beginning(&self) -> Ask {
        Ask { start: 0, limit: self.settings.page_size }
    }

    fn prove(&mut self, pass: &Pass, how: &str) {
        let disagrees = |total: &u64| self.settings.total_counts && *total != pass.rows;
        let note = match pass.total.filter(disagrees) {
            Some(total) => format!("; total_results says {total}, and {} rows were listed", pass.rows),
            None => String::new(),
        };
        let evidence = format!("{}; {how}{note}", pass.end);
        self.finish_proved(pass.pages.clone(), pass.rows, pass.seams, evidence);
    }

    fn prove_whole(&mut self, page: &Page) {
        self.settings.limits_ignored = true;
        let evidence = "the server ignores limits; the whole list was the same when read again".to_owned();
        self.finish_proved(vec![listing_page(page, 0)], page.len() as u64, 0, evidence);
    }

    fn finish_proved(&mut self, pages: Vec<ListingPage>, rows: u64, seams: u32, evidence: String) {
        let page_count = u32::try_from(pages.len()).expect("pages are counted in 32 bits");
        let certificate = Certificate { passes: self.passes, pages: page_count, rows, seams, evidence };
        self.finish(pages, rows, Proof::Proved(certificate));
    }

    fn give_up(&mut self, reason: String) {
        let (pages, rows) = self.complete.take().unwrap_or_default();
        self.finish(pages, rows, Proof::Unproved { reason });
    }

    fn finish(&mut self, pages: Vec<ListingPage>, rows: u64, proof: Proof) {
        let limits_ignored = self.settings.limits_ignored;
        self.state = State::Done(Box::new(Outcome { pages, rows, proof, limits_ignored }));
    }
}

impl Pass {
    fn new(first: Page) -> Self {
        Self {
            pages: vec![listing_page(&first, 0)],
            reads: 1,
            rows: first.len() as u64,
            seams: 0,
            overlap: Vec::new(),
            fingerprints: HashSet::new(),
            readings: Vec::new(),
            end: String::new(),
            end_shown: 0,
            total: first.total,
            step: None,
            bridged: None,
            stepped_back: false,
            first,
        }
    }

    /// Whether a row of the pass, that of `page` beyond its first `skip` included, stands in it more than once.
    fn has_repeated(&mut self, page: &Page, skip: usize) -> bool {
        let mut is_new = |row: &[u8]| {
            let mut hasher = DefaultHasher::new();
            hasher.write(row);
            self.fingerprints.insert(hasher.finish())
        };
        let first = if self.pages.len() == 1 { self.first.len() } else { 0 };
        self.first.rows().take(first).chain(page.rows().skip(skip)).any(|row| !is_new(row))
    }

    /// Whether `page`, asked for at the last row's position, shows that there are no more rows than the first page has,
    /// though they may be listed in another order each time.
    fn ends_unordered(&self, page: &Page) -> bool {
        let is_one_row = self.overlap.len() == 1 && page.len() == 1;
        is_one_row && self.first.rows().any(|row| row == page.row(0)) && !self.first.has_equal_rows()
    }

    /// Whether `page`, asked for behind the first page, looks like the first page.
    fn is_begun_again_by(&self, page: &Page, agrees: bool) -> bool {
        if page.is_empty() {
            return false;
        }
        let is_same = page.same_rows_unordered(&self.first);
        // One row that comes back is the overlap, unless none was asked for.
        (is_same && (page.len() > 1 || self.overlap.is_empty())) || (!agrees && page.row(0) == self.first.row(0))
    }
}

fn listing_page(page: &Page, skip: usize) -> ListingPage {
    let skip = u32::try_from(skip).expect("a page has fewer than 2^32 rows");
    ListingPage { response: page.response, skip }
}
