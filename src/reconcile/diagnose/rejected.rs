//! Rows that came and could not be taken: what the chain misses may be one of them, and then nobody need be asked for it.

use std::collections::HashMap;
use std::ops::Range;

use super::ids::split;
use super::{Case, Suspect};
use crate::breaks::SEE_REJECTS;
use crate::reconcile::Link;
use crate::record::Money;

/// Ids that a sentence names.
const NAMED_MAX: usize = 3;

/// Something of the owner that was rejected, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Whether it is a page, of which nobody knows the rows.
    pub is_page: bool,
    /// The row's id.
    pub txid: Option<String>,
    /// Its amount, without its direction.
    pub amount: Option<Money>,
}

/// All that was rejected of an owner. There can be as many of them as places where the chain fails: each is found at once.
#[derive(Debug, Default)]
pub struct RejectedRows {
    all: Vec<RejectedRow>,
    by_amount: HashMap<Money, Vec<u32>>,
    /// The numbers at the end of their ids, sorted.
    by_number: Vec<(u64, u32)>,
    has_pages: bool,
    /// Whether each has an id.
    have_ids: bool,
}

impl FromIterator<RejectedRow> for RejectedRows {
    fn from_iter<I: IntoIterator<Item = RejectedRow>>(rows: I) -> Self {
        let all: Vec<RejectedRow> = rows.into_iter().collect();
        let (mut by_amount, mut by_number) = (HashMap::<Money, Vec<u32>>::new(), Vec::new());
        for (rejected, place) in all.iter().zip(0..) {
            if let Some(amount) = rejected.amount {
                by_amount.entry(amount.abs()).or_default().push(place);
            }
            let number = rejected.txid.as_deref().and_then(|txid| split(txid).1.parse::<u64>().ok());
            by_number.extend(number.map(|number| (number, place)));
        }
        by_number.sort_unstable();
        let has_pages = all.iter().any(|rejected| rejected.is_page);
        let have_ids = all.iter().all(|rejected| rejected.txid.is_some());
        RejectedRows { all, by_amount, by_number, has_pages, have_ids }
    }
}

impl RejectedRows {
    /// Some of those with an id of that prefix and range.
    fn numbered<'r>(&'r self, prefix: &str, numbers: &Range<u64>) -> Vec<&'r RejectedRow> {
        let start = self.by_number.partition_point(|(number, _)| *number < numbers.start);
        let within = self.by_number[start..].iter().take_while(|(number, _)| *number < numbers.end);
        let is_alike = |rejected: &&RejectedRow| rejected.txid.as_deref().is_some_and(|txid| split(txid).0 == prefix);
        within.take(NAMED_MAX + 1).map(|(_, place)| &self.all[*place as usize]).filter(is_alike).collect()
    }

    /// Some of those with that amount.
    fn of_amount(&self, amount: Money) -> Vec<&RejectedRow> {
        let places = self.by_amount.get(&amount.abs()).into_iter().flatten();
        places.take(NAMED_MAX + 1).map(|place| &self.all[*place as usize]).collect()
    }

    /// Nothing tells which of them it is, or whether it is one of them.
    fn perhaps(&self, left_out: Option<String>) -> String {
        let perhaps = match self.all.len() {
            _ if self.has_pages => "it may be on a page that was rejected".to_owned(),
            1 => "it may be the row that was rejected".to_owned(),
            rows => format!("it may be among the {rows} rows that were rejected"),
        };
        // An id that nobody could read may be the one.
        match left_out.filter(|_| self.have_ids) {
            Some(left_out) => format!("{left_out}; {perhaps}"),
            None => perhaps,
        }
    }
}

impl<'a, R: Link> Case<'a, R> {
    /// The same, of an owner of which so much was rejected.
    pub fn beside(self, rejected: &'a RejectedRows) -> Self {
        Self { rejected: Some(rejected).filter(|rejected| !rejected.all.is_empty()), ..self }
    }

    /// What is said of a missing row where rows were rejected, and where the ids leave one out.
    pub(super) fn missing_or_rejected(&self, suspect: &Suspect<'_, R>, left_out: Option<String>) -> Option<String> {
        let Some(rejected) = self.rejected else {
            return left_out;
        };
        let told = self.rejected_between(rejected, suspect).unwrap_or_else(|| {
            match rejected.of_amount(suspect.off).as_slice() {
                [] => rejected.perhaps(left_out),
                [RejectedRow { txid: None, .. }] => "a row of that amount was rejected".to_owned(),
                [RejectedRow { txid: Some(txid), .. }] => format!("txid {txid}, of that amount, was rejected"),
                several => several_that_fit(several),
            }
        });
        Some(format!("{told}: {SEE_REJECTS}"))
    }

    /// Those whose ids lie between those of the rows around the missing one.
    fn rejected_between(&self, rejected: &RejectedRows, suspect: &Suspect<'_, R>) -> Option<String> {
        let (previous, row) = (suspect.fault.previous?, suspect.fault.row);
        let numbers = self.habits().ids.as_ref()?.between(previous, row)?;
        let (from, to) = (self.rows[previous as usize].txid(), self.rows[row as usize].txid());
        match rejected.numbered(split(from).0, &numbers).as_slice() {
            [] => None,
            [only] => {
                let txid = only.txid.as_deref()?;
                let is_alike = only.amount.is_some_and(|amount| amount.abs() == suspect.off.abs());
                let alike = if is_alike { " and of that amount" } else { "" };
                Some(format!("txid {txid}, between {from} and {to}{alike}, was rejected"))
            }
            several => Some(several_that_fit(several)),
        }
    }
}

fn several_that_fit(several: &[&RejectedRow]) -> String {
    let ids: Vec<&str> = several.iter().filter_map(|rejected| rejected.txid.as_deref()).take(NAMED_MAX).collect();
    let (rows, others) =
        if several.len() > NAMED_MAX { ("several".to_owned(), " and others") } else { (several.len().to_string(), "") };
    let named = if ids.is_empty() { String::new() } else { format!(", txid {}{others}", ids.join(", ")) };
    format!("{rows} rows that fit were rejected{named}")
}
