//! Ids as witnesses: where a row is missing, so is its id.
//!
//! How much a gap tells depends on how the provider counts: one by one for each owner, over all owners with gaps
//! everywhere, or at random. It is learnt from the places where the chain holds.

use std::collections::HashSet;
use std::ops::Range;

/// Gaps that are compared; more say no more.
const SAMPLES_MAX: usize = 256;
/// Ids from which on a sequence without gaps is no accident.
const DENSE_MIN: usize = 8;
/// Ids looked through between two rows.
const BETWEEN_MAX: usize = 64;

pub(super) struct Ids {
    /// Ids of all rows, settled or not, sorted.
    all: Vec<u64>,
    /// The number of each row, by its index.
    number: Vec<u64>,
    /// Gaps where the chain holds, sorted; empty where ids do not grow along the chain.
    gaps: Vec<u64>,
    /// What two gaps make up, sorted: what a missing row leaves.
    pairs: Vec<u64>,
    /// Whether nearly all ids follow each other one by one.
    is_dense: bool,
}

/// For and against a missing row, as odds.
pub(super) type Odds = (u128, u128);

/// Ids grow along the chain and none is free between two rows.
const NO_ROOM: Odds = (1, 1_000_000);

impl Ids {
    /// `None` where ids are no numbers.
    pub fn of<'t>(txid: impl Fn(u32) -> &'t str, moving: &[u32], order: &[u32], failing: &HashSet<u32>) -> Option<Ids> {
        let mut number = vec![0; order.len()];
        let prefix = order.first().map(|row| split(txid(*row)).0)?;
        for row in order {
            let (before, digits) = split(txid(*row));
            number[*row as usize] = digits.parse().ok().filter(|_| before == prefix)?;
        }
        let mut all: Vec<u64> = number.clone();
        all.sort_unstable();
        all.dedup();
        let ones = all.windows(2).filter(|pair| pair[1] - pair[0] == 1).count();
        let gaps = all.len().saturating_sub(1) - ones;
        let is_dense = all.len() >= DENSE_MIN && (gaps <= 1 || gaps * 10 <= all.len());
        let mut ids = Ids { all, number, gaps: Vec::new(), pairs: Vec::new(), is_dense };
        ids.learn(moving, failing);
        Some(ids)
    }

    fn learn(&mut self, moving: &[u32], failing: &HashSet<u32>) {
        let holding = moving.windows(2).filter(|pair| !failing.contains(&pair[1]));
        let found: Vec<Option<u64>> = holding.map(|pair| self.gap(pair[0], pair[1])).collect();
        let gaps: Vec<u64> = found.iter().copied().flatten().collect();
        if gaps.len() * 10 < found.len() * 9 {
            return;
        }
        let stride = gaps.len().div_ceil(SAMPLES_MAX).max(1);
        self.gaps = gaps.into_iter().step_by(stride).collect();
        self.pairs = self.gaps.iter().flat_map(|a| self.gaps.iter().map(move |b| a + b)).collect();
        self.gaps.sort_unstable();
        self.pairs.sort_unstable();
    }

    /// The widest gap between the ids of two rows, those of other rows that lie between considered; `None` where ids do
    /// not grow.
    fn gap(&self, from: u32, to: u32) -> Option<u64> {
        let (from, to) = (self.number[from as usize], self.number[to as usize]);
        if from >= to {
            return None;
        }
        let start = self.all.partition_point(|id| *id < from);
        let between = self.all[start..].windows(2).take(BETWEEN_MAX).take_while(|pair| pair[1] <= to);
        between.map(|pair| pair[1] - pair[0]).max()
    }

    /// The id left out between two rows of a dense sequence, where it is just one.
    pub fn left_out(&self, from: u32, to: u32) -> Option<u64> {
        let (from, to) = (self.number[from as usize], self.number[to as usize]);
        (self.is_dense && to.checked_sub(from) == Some(2)).then(|| from + 1).filter(|id| !self.knows(*id))
    }

    /// The ids that could stand between two rows, where ids grow along the chain.
    pub fn between(&self, from: u32, to: u32) -> Option<Range<u64>> {
        let (from, to) = (self.number[from as usize], self.number[to as usize]);
        (!self.gaps.is_empty() && from < to).then_some(from + 1..to)
    }

    fn knows(&self, id: u64) -> bool {
        self.all.binary_search(&id).is_ok()
    }

    /// How much the ids speak for a row missing between two. `around` are rows nearby.
    pub fn odds(&self, from: u32, to: u32, around: &[u32]) -> Odds {
        if self.gaps.is_empty() {
            return if self.is_dense { self.odds_nearby(around) } else { (1, 1) };
        }
        match self.gap(from, to) {
            Some(gap) => self.odds_of_gap(gap),
            None => (1, 1),
        }
    }

    /// Ids grow one by one, but not along the chain: a hole nearby is where the missing row was.
    fn odds_nearby(&self, around: &[u32]) -> Odds {
        let numbers = || around.iter().map(|row| self.number[*row as usize]);
        let (Some(low), Some(high)) = (numbers().min(), numbers().max()) else {
            return (1, 1);
        };
        let from = self.all.partition_point(|id| *id < low);
        let to = self.all.partition_point(|id| *id <= high);
        let is_whole = self.all[from..to].windows(2).all(|pair| pair[1] - pair[0] == 1);
        if is_whole { (1, 20) } else { (50, 1) }
    }

    /// Where a row is missing two gaps stand as one; else the gap is one like all others.
    fn odds_of_gap(&self, gap: u64) -> Odds {
        const SAMPLES_MIN: usize = 5;
        const ODDS_MAX: u128 = 300;
        if self.gaps.len() < SAMPLES_MIN {
            return (1, 1);
        }
        if gap == 1 {
            return NO_ROOM;
        }
        let near = gap / 8;
        let count = |sorted: &[u64], to: u64| {
            (sorted.partition_point(|held| *held <= to) - sorted.partition_point(|held| *held < gap - near)) as u128
        };
        let (mut one, mut two) = (count(&self.gaps, gap + near), count(&self.pairs, gap + near));
        if one + two == 0 {
            // Wider than any: how often would one gap, or two, be at least as wide?
            (one, two) = (count(&self.gaps, u64::MAX), count(&self.pairs, u64::MAX));
        }
        let samples = self.gaps.len() as u128;
        let missing = (2 * two + 1) * (samples + 1);
        let there = (2 * one + 1) * (samples * samples + 1);
        if one + two == 0 {
            // Wider than even two together: more than a row is missing, or ids jumped.
            return (10, 1);
        }
        if missing >= there {
            ((missing / there).clamp(1, ODDS_MAX), 1)
        } else {
            (1, (there / missing).clamp(1, ODDS_MAX))
        }
    }
}

/// What stands before the digits at the end, and those.
pub(super) fn split(id: &str) -> (&str, &str) {
    let digits = id.bytes().rev().take_while(u8::is_ascii_digit).count();
    id.split_at(id.len() - digits)
}
