//! The chain of one owner: opening balance + every settled row = closing balance, along one connected path.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::ops::Range;

use super::later::Later;
use super::order::{Arrangement, Held, Way, arrange, ties};
use super::{Duplicate, Entry, find_duplicates};
use crate::record::feed::natural_cmp;
use crate::record::{Day, Money, Stamp, Total};

/// A row at which the chain fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fault {
    /// The row.
    pub row: u32,
    /// The settled row before it in the chain, if there is one.
    pub previous: Option<u32>,
    /// What its balance should be: the balance before it + its amount.
    pub expected: Money,
    /// What it is.
    pub actual: Money,
    /// Whether the rows after it go on from `expected`, as if this row's balance alone were wrong.
    pub returns: bool,
    /// Whether the rows after it go on from the balance before it, as if this row were not there.
    pub apart: bool,
    /// The row of the same moment that has its amount and balance.
    pub copy_of: Option<u32>,
}

/// An owner's day with settled rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayBalance {
    /// The local day.
    pub day: Day,
    /// The balance before its first settled row, unknown while no row has stated one.
    pub opening: Option<Money>,
    /// Sum of settled credits.
    pub credits: Total,
    /// Sum of settled debits, not positive.
    pub debits: Total,
    /// The balance after its last settled row.
    pub closing: Option<Money>,
    /// Settled rows.
    pub entries: u32,
    /// Its first settled row.
    pub first_row: u32,
    /// Whether the chain holds on it.
    pub verdict: Verdict,
}

/// Whether a day's chain holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does, in the order shown.
    Tied,
    /// It does, but rows of one moment could stand in another order and nothing tells which is right.
    Ambiguous,
    /// It does not.
    Broken,
}

impl Verdict {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Tied => "tied",
            Verdict::Ambiguous => "ambiguous",
            Verdict::Broken => "broken",
        }
    }
}

/// What came out for one owner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// All rows, in chain order.
    pub order: Vec<u32>,
    /// Rows whose local time was shown twice and that stand in its second showing.
    pub second_showing: Vec<u32>,
    /// Rows at which the chain fails.
    pub faults: Vec<Fault>,
    /// Rows whose txid already stood.
    pub duplicates: Vec<Duplicate>,
    /// Days with settled rows, in order.
    pub days: Vec<DayBalance>,
}

/// Orders the rows of one owner and walks their chain. `txid` gives a row's id; `prior` is the closing balance of an
/// earlier run, from which the first row must go on.
///
/// The result does not depend on the order of `entries`, except where two rows are the same to the letter.
pub fn reconcile<'a>(entries: &[Entry], txid: impl Fn(u32) -> &'a str, prior: Option<Money>) -> Chain {
    walk(entries, &sort_by_time(entries, &txid), txid, prior)
}

/// The moments of an owner that are told where its rows are looked at in parts. Rows before and behind them are there to
/// tell them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The first moment that is told, as [`Entry::moment_micros`] gives it.
    pub from: i64,
    /// The first one behind it that is not.
    pub to: i64,
    /// From where on the rows are there when the next stretch is looked at.
    pub next_rows_from: i64,
}

impl Stretch {
    /// All moments.
    pub const WHOLE: Stretch = Stretch { from: i64::MIN, to: i64::MAX, next_rows_from: i64::MAX };

    /// Whether a row is told.
    pub fn holds(&self, entry: &Entry) -> bool {
        (self.from..self.to).contains(&entry.moment_micros())
    }
}

/// A chain of which a stretch is told.
#[derive(Debug)]
pub(super) struct Walked {
    /// All rows and all faults, but the days of the stretch alone.
    pub chain: Chain,
    /// Where in the chain's order the rows of the stretch stand.
    pub told: Range<usize>,
    /// The balance before the first row that is there when the next stretch is looked at.
    pub held_at_next: Option<Money>,
}

/// Walks the chain of rows that [`sort_by_time`] has sorted.
pub(super) fn walk<'a>(
    entries: &[Entry],
    sorted: &[u32],
    txid: impl Fn(u32) -> &'a str,
    prior: Option<Money>,
) -> Chain {
    walk_stretch(entries, sorted, txid, prior, Stretch::WHOLE).chain
}

/// Walks it to tell a stretch of it.
pub(super) fn walk_stretch<'a>(
    entries: &[Entry],
    sorted: &[u32],
    txid: impl Fn(u32) -> &'a str,
    prior: Option<Money>,
    stretch: Stretch,
) -> Walked {
    let duplicates: Vec<Duplicate> =
        find_duplicates(u32::try_from(sorted.len()).expect("checked"), |position| txid(sorted[position as usize]))
            .into_iter()
            .map(|found| Duplicate { first: sorted[found.first as usize], again: sorted[found.again as usize] })
            .collect();
    let repeated: HashMap<u32, u32> = duplicates
        .iter()
        .filter(|duplicate| entries[duplicate.first as usize] == entries[duplicate.again as usize])
        .map(|duplicate| (duplicate.again, duplicate.first))
        .collect();
    let mut walker = Walker::new(entries, prior, repeated);
    let mut telling = Telling::of(stretch);
    for group in sorted.chunk_by(|a, b| moment(&entries[*a as usize]) == moment(&entries[*b as usize])) {
        telling.comes_to(entries[group[0] as usize].moment_micros(), &mut walker);
        if let [single] = group {
            walker.single(*single);
        } else {
            // As many rows are placed as stand before the group.
            walker.group(group, &sorted[walker.chain.order.len() + group.len()..], &txid);
        }
    }
    telling.comes_to(i64::MAX, &mut walker);
    walker.chain.duplicates = duplicates;
    walker.chain.faults.append(&mut walker.copies);
    walker.chain.days = telling.days;
    Walked { chain: walker.chain, told: telling.told, held_at_next: telling.held_at_next.flatten() }
}

/// Notes where a stretch begins and ends while its chain is walked.
struct Telling {
    stretch: Stretch,
    has_begun: bool,
    has_ended: bool,
    told: Range<usize>,
    days: Vec<DayBalance>,
    #[allow(clippy::option_option, reason = "three outcomes: not noted yet, unknown, a balance")]
    held_at_next: Option<Option<Money>>,
}

impl Telling {
    fn of(stretch: Stretch) -> Telling {
        Telling { stretch, has_begun: false, has_ended: false, told: 0..0, days: Vec::new(), held_at_next: None }
    }

    fn comes_to(&mut self, moment: i64, walker: &mut Walker<'_>) {
        let placed = walker.chain.order.len();
        if !self.has_begun && moment >= self.stretch.from {
            self.has_begun = true;
            self.told.start = placed;
            walker.chain.days.clear();
        }
        if !self.has_ended && moment >= self.stretch.to {
            self.has_ended = true;
            self.told.end = placed;
            self.days = std::mem::take(&mut walker.chain.days);
        }
        if moment >= self.stretch.next_rows_from {
            self.held_at_next.get_or_insert(walker.held.actual);
        }
    }
}

/// By instant, then by id: the order of rows of one moment that is preferred when it ties. An order that depends on the
/// listing comes last, so that pages may come in any order.
pub(super) fn sort_by_time<'a>(entries: &[Entry], txid: &impl Fn(u32) -> &'a str) -> Vec<u32> {
    let count = u32::try_from(entries.len()).expect("an owner has fewer than 2^32 rows");
    let mut rows: Vec<u32> = (0..count).collect();
    rows.sort_by(|a, b| {
        let (x, y) = (&entries[*a as usize], &entries[*b as usize]);
        moment(x).cmp(&moment(y)).then_with(|| within_moment(*a, *b, x, y, txid))
    });
    rows
}

fn within_moment<'a>(a: u32, b: u32, x: &Entry, y: &Entry, txid: &impl Fn(u32) -> &'a str) -> Ordering {
    x.at.utc_micros()
        .cmp(&y.at.utc_micros())
        .then_with(|| natural_cmp(txid(a), txid(b)))
        .then_with(|| x.amount.cmp(&y.amount))
        .then_with(|| x.balance.cmp(&y.balance))
        .then_with(|| y.moves.cmp(&x.moves))
}

/// Rows of one moment are ordered by their balances.
pub(super) fn moment(entry: &Entry) -> Moment {
    moment_at(entry.at)
}

/// An instant, or a whole hour that is lived twice: within it the clock does not tell what came first.
pub(super) type Moment = (i64, bool);

/// The moment of an instant.
pub(super) fn moment_at(at: Stamp) -> Moment {
    const MICROS_PER_DAY: i64 = 86_400_000_000;
    if at.is_ambiguous() {
        // Nothing else lies within the hour that is shown twice; the day's first ambiguous instant stands for all.
        (at.utc_micros() - at.utc_micros().rem_euclid(MICROS_PER_DAY / 24), true)
    } else {
        (at.utc_micros(), false)
    }
}

struct Walker<'e> {
    entries: &'e [Entry],
    held: Held,
    /// Further copies of a row under its own id, with the first: listed and counted, but no link of the chain.
    repeated: HashMap<u32, u32>,
    last: Option<u32>,
    /// The first of the faults that follow each other without a row that ties.
    first_of_run: usize,
    /// Faults that are copies of another row; they do not touch the chain.
    copies: Vec<Fault>,
    chain: Chain,
}

impl<'e> Walker<'e> {
    fn new(entries: &'e [Entry], prior: Option<Money>, repeated: HashMap<u32, u32>) -> Self {
        let chain = Chain { order: Vec::with_capacity(entries.len()), ..Chain::default() };
        let held = Held::at(prior);
        Self { entries, held, repeated, last: None, first_of_run: 0, copies: Vec::new(), chain }
    }

    fn single(&mut self, row: u32) {
        self.chain.order.push(row);
        if self.entries[row as usize].moves {
            self.step(row);
        }
    }

    /// Places rows of one moment: those that move the balance in the order in which they tie, each with its copies, then
    /// the others.
    fn group<'a>(&mut self, group: &[u32], later: &[u32], txid: &impl Fn(u32) -> &'a str) {
        let (moving, rest): (Vec<u32>, Vec<u32>) = group.iter().partition(|row| self.entries[**row as usize].moves);
        let (repeats, links): (Vec<u32>, Vec<u32>) = moving.iter().partition(|row| self.repeated.contains_key(row));
        let arrangement = self.arrange_links(links, later, txid);
        let first_of_group = self.chain.order.len();
        let mut followers: HashMap<u32, Vec<u32>> = HashMap::new();
        for (copy, original) in &arrangement.copies {
            self.copy(*copy, *original);
            followers.entry(*original).or_default().push(*copy);
        }
        for repeat in &repeats {
            followers.entry(self.repeated[repeat]).or_default().push(*repeat);
        }
        for row in &arrangement.rows {
            self.chain.order.push(*row);
            self.step(*row);
            self.place_followers(*row, &mut followers);
        }
        self.chain.order.extend(rest);
        if arrangement.arbitrary {
            self.mark(Verdict::Ambiguous);
        }
        self.tell_showings(first_of_group);
    }

    /// Places the copies of a row after it, and copies of those.
    fn place_followers(&mut self, row: u32, followers: &mut HashMap<u32, Vec<u32>>) {
        if followers.is_empty() {
            return;
        }
        let mut waiting = followers.remove(&row).unwrap_or_default();
        while let Some(copy) = waiting.pop() {
            self.chain.order.push(copy);
            self.count(copy);
            self.mark(Verdict::Broken);
            waiting.extend(followers.remove(&copy).unwrap_or_default());
        }
    }

    fn copy(&mut self, row: u32, original: u32) {
        let entry = &self.entries[row as usize];
        let actual = entry.balance.expect("only rows with a balance are copies");
        let expected = actual.checked_add(entry.amount).unwrap_or_default();
        let fault = Fault { row, previous: Some(original), expected, actual, ..Fault::default() };
        self.copies.push(Fault { copy_of: Some(original), ..fault });
    }

    fn arrange_links<'a>(&self, links: Vec<u32>, later: &[u32], txid: &impl Fn(u32) -> &'a str) -> Arrangement {
        if links.len() < 2 {
            return Arrangement::settled(links);
        }
        let before = self.held;
        if self.entries[links[0] as usize].at.is_ambiguous() {
            // The clock is no help within the hour it shows twice; ids often are.
            let mut by_id = links.clone();
            by_id.sort_by(|a, b| natural_cmp(txid(*a), txid(*b)));
            if ties(self.entries, by_id.iter().copied(), before) {
                return Arrangement::settled(by_id);
            }
        }
        arrange(self.entries, &links, before, &Later::of(self.entries, later))
    }

    /// In the hour shown twice, the clock jumps back once: from there on rows stand in the second showing.
    fn tell_showings(&mut self, first_of_group: usize) {
        let placed = &self.chain.order[first_of_group..];
        let shown = |row: u32| self.entries[row as usize].at;
        let moving = || placed.iter().copied().filter(|row| self.entries[*row as usize].moves);
        if !placed.first().is_some_and(|row| shown(*row).is_ambiguous()) {
            return;
        }
        let jump = moving().zip(moving().skip(1)).find(|(a, b)| shown(*b).utc_micros() < shown(*a).utc_micros());
        let Some((_, first_again)) = jump else {
            return;
        };
        let second: Vec<u32> = moving().skip_while(|row| *row != first_again).collect();
        self.chain.second_showing.extend(second);
    }

    fn step(&mut self, row: u32) {
        let entry = self.entries[row as usize];
        let before = self.held;
        let mut verdict = Verdict::Tied;
        self.held = match (before.actual, entry.balance) {
            (None, balance) => Held::at(balance),
            (Some(held), None) => Held::at(held.checked_add(entry.amount)),
            (Some(held), Some(actual)) => {
                if let Some(way) = entry.balance_before().and_then(|start| before.way_to(start)) {
                    self.close(way);
                    Held::at(Some(actual))
                } else {
                    verdict = Verdict::Broken;
                    self.fault(row, held.checked_add(entry.amount), actual);
                    before.after_failure(entry.amount, actual)
                }
            }
        };
        self.open_day(row, before, &entry);
        self.count(row);
        self.mark(verdict);
        self.chain.days.last_mut().expect("opened above").closing = self.held.actual;
        self.last = Some(row);
    }

    fn fault(&mut self, row: u32, expected: Option<Money>, actual: Money) {
        if !self.held.is_failed() {
            self.first_of_run = self.chain.faults.len();
        }
        let expected = expected.unwrap_or(Money::ZERO);
        self.chain.faults.push(Fault { row, previous: self.last, expected, actual, ..Fault::default() });
    }

    /// A row ties after others failed: by the way it ties, what was wrong with those is known.
    fn close(&mut self, way: Way) {
        match way {
            Way::Actual => {}
            Way::Expected => self.last_fault().returns = true,
            Way::Without => self.last_fault().apart = true,
            Way::ExpectedSince => {
                let mut right: Option<Money> = None;
                for fault in &mut self.chain.faults[self.first_of_run..] {
                    let amount = self.entries[fault.row as usize].amount;
                    fault.expected = right.and_then(|right| right.checked_add(amount)).unwrap_or(fault.expected);
                    fault.returns = true;
                    right = Some(fault.expected);
                }
            }
        }
    }

    fn last_fault(&mut self) -> &mut Fault {
        self.chain.faults.last_mut().expect("other balances are held only after a fault")
    }

    fn open_day(&mut self, row: u32, before: Held, entry: &Entry) {
        let day = entry.at.day();
        if self.chain.days.last().is_some_and(|last| last.day == day) {
            return;
        }
        let from_row = entry.balance_before();
        // What the row says itself, wherever the row before cannot contradict: it is the first, or its own balance failed.
        let goes_on = self.last.is_none() || from_row.is_some_and(|start| before.ties_to(start));
        let opening = if goes_on { from_row.or(before.actual) } else { before.actual.or(from_row) };
        self.chain.days.push(DayBalance {
            day,
            opening,
            credits: Total::default(),
            debits: Total::default(),
            closing: None,
            entries: 0,
            first_row: row,
            verdict: Verdict::Tied,
        });
    }

    /// Counts a settled row into its day.
    fn count(&mut self, row: u32) {
        let amount = self.entries[row as usize].amount;
        let Some(day) = self.chain.days.last_mut() else {
            return;
        };
        if amount.is_negative() {
            day.debits.add(amount);
        } else {
            day.credits.add(amount);
        }
        day.entries += 1;
    }

    fn mark(&mut self, verdict: Verdict) {
        if let Some(day) = self.chain.days.last_mut()
            && day.verdict != Verdict::Broken
            && verdict != Verdict::Tied
        {
            day.verdict = verdict;
        }
    }
}
