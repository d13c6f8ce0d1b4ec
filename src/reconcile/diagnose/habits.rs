//! What is usual for an owner: its amounts, what equal descriptions cost, how its ids follow each other.

use std::collections::{HashMap, HashSet};

use super::ids::Ids;
use crate::reconcile::{Chain, Entry, Link};
use crate::record::Money;

/// Rows of the same description that a range is made of.
const RANGE_ROWS_MIN: usize = 4;

pub(super) struct Habits<'a> {
    /// Rows that move the balance, in chain order.
    moving: Vec<u32>,
    /// Where each row stands in `moving`.
    place: HashMap<u32, usize>,
    /// Signed amounts of settled rows, sorted.
    amounts: Vec<i64>,
    /// Amounts without sign of each description, sorted.
    by_description: HashMap<&'a str, Vec<i64>>,
    pub ids: Option<Ids>,
}

impl<'a> Habits<'a> {
    pub fn of<R: Link>(rows: &'a [R], entries: &[Entry], chain: &Chain) -> Habits<'a> {
        let copies: HashSet<u32> = chain.faults.iter().filter(|fault| fault.copy_of.is_some()).map(|f| f.row).collect();
        let links = chain.order.iter().copied().filter(|row| entries[*row as usize].moves && !copies.contains(row));
        let moving: Vec<u32> = links.collect();
        let mut amounts: Vec<i64> = moving.iter().map(|row| rows[*row as usize].amounts().amount.unscaled()).collect();
        amounts.sort_unstable();
        let mut by_description: HashMap<&str, Vec<i64>> = HashMap::new();
        for row in &moving {
            let row = &rows[*row as usize];
            if let Some(text) = row.description() {
                by_description.entry(text).or_default().push(row.amounts().amount.unscaled().abs());
            }
        }
        for amounts in by_description.values_mut() {
            amounts.sort_unstable();
        }
        let place = moving.iter().enumerate().map(|(place, row)| (*row, place)).collect();
        let failing: HashSet<u32> = chain.faults.iter().map(|fault| fault.row).collect();
        let ids = Ids::of(|row| rows[row as usize].txid(), &moving, &chain.order, &failing);
        Habits { moving, place, amounts, by_description, ids }
    }

    /// The rows that moved the balance before a row, in chain order; all where the row moved none.
    pub fn moving_before(&self, row: u32) -> &[u32] {
        &self.moving[..self.place.get(&row).copied().unwrap_or(self.moving.len())]
    }

    /// Whether no row that moves the balance follows.
    pub fn is_last(&self, row: u32) -> bool {
        self.moving.last() == Some(&row)
    }

    /// Rows around a row, itself included.
    pub fn around(&self, row: u32, each_way: usize) -> &[u32] {
        let place = self.place.get(&row).copied().unwrap_or_default();
        &self.moving[place.saturating_sub(each_way)..(place + each_way + 1).min(self.moving.len())]
    }

    /// How many of how many amounts have this one's sign and half to twice its size.
    pub fn alike(&self, amount: Money) -> (u64, u64) {
        let unscaled = amount.unscaled();
        let (near, far) = (unscaled / 2, unscaled.saturating_mul(2));
        let (low, high) = (near.min(far), near.max(far));
        let from = self.amounts.partition_point(|held| *held < low);
        let to = self.amounts.partition_point(|held| *held <= high);
        ((to - from) as u64, self.amounts.len() as u64)
    }

    /// How many amounts have this one's sign.
    pub fn same_direction(&self, amount: Money) -> u64 {
        let debits = self.amounts.partition_point(|held| *held < 0);
        let credits = self.amounts.len() - self.amounts.partition_point(|held| *held <= 0);
        if amount.is_negative() { debits as u64 } else { credits as u64 }
    }

    /// Whether some row has this very amount.
    pub fn has(&self, amount: Money) -> bool {
        self.amounts.binary_search(&amount.unscaled()).is_ok()
    }

    /// Whether every amount is larger, among enough of them.
    pub fn is_below_all(&self, amount: Money) -> bool {
        const ROWS_MIN: usize = 10;
        let zero = self.amounts.partition_point(|held| *held < 0);
        let debit = zero.checked_sub(1).map(|last| -self.amounts[last]);
        let credit = self.amounts[zero..].iter().find(|held| **held > 0).copied();
        let least = debit.into_iter().chain(credit).min();
        self.amounts.len() >= ROWS_MIN && least.is_some_and(|least| amount.unscaled().abs() < least)
    }

    /// The least and the greatest amount of the other rows of that description and how many they are, where there are
    /// enough.
    pub fn range(&self, description: &str, but: Money) -> Option<(i64, i64, usize)> {
        let amounts = self.by_description.get(description).filter(|amounts| amounts.len() > RANGE_ROWS_MIN)?;
        let this = amounts.binary_search(&but.unscaled().abs()).ok()?;
        // Equal amounts stand for each other.
        let low = if this == 0 { amounts[1] } else { amounts[0] };
        let last = amounts.len() - 1;
        let high = if this == last { amounts[last - 1] } else { amounts[last] };
        Some((low, high, last))
    }
}
