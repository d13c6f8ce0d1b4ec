//! Whether a fault's cause can be seen at all, by the books as they were and by what was done to them. What the checks
//! said of it is not asked.
//!
//! A row left out and a wrong amount leave the same mark: the balance moves by more or less than a row says. Each can be
//! told from the other only where the other story does not fit, which is so
//!
//! - for a wrong amount, where no id is free for a row left out (ids grow along the chain), where such a row would be
//!   unlike all rows of the owner (none of its direction has half to twice its amount), or where the row's VAT, its
//!   `amount_fx` or its line in the IBAN statement says what was right;
//! - for a row left out, where its id leaves a wider gap than any other (ids grow along the chain), where the next row
//!   would have to be of the other direction or of nothing, where that row's VAT or exchange fits its amount, or where the
//!   IBAN statement has the row left out.
//!
//! A row left out whose amount happens to be the next row's fee, twice its amount or the same with two digits swapped
//! reads like one of those, which are smaller explanations: it is not seen either.

use crate::record::OwnerKind;
use crate::sandbox::generator::{FaultKind, Planted};
use crate::sandbox::ledger::{Exchange, Ledger, State};

/// A row of the chain, as far as it is evidence.
#[derive(Debug, Clone, Copy)]
struct Row {
    txid: u64,
    amount: i64,

    moves: bool,
    vat: Option<(u32, i64)>,
    exchange: Option<Exchange>,
}

/// Whether the cause of what was planted can be seen.
pub(super) fn is_cause_visible(clean: &Ledger, planted: &Planted) -> bool {
    let (Some(expected), Some(actual)) = (planted.expected, planted.actual) else {
        return true;
    };
    let rows = rows_of(clean, planted);
    let settled: Vec<Row> = rows.iter().copied().filter(|row| row.moves).collect();
    let Some(at) = settled.iter().position(|row| row.txid.to_string() == planted.txid).filter(|at| *at > 0) else {
        return true;
    };
    let chain = Chain { ids: sorted_ids(&rows), settled, at };
    let off = actual - expected;
    match planted.kind {
        FaultKind::AmountAltered => chain.tells_a_wrong_amount(off),
        FaultKind::Drop => chain.tells_a_row_left_out(off),
        _ => true,
    }
}

fn rows_of(ledger: &Ledger, planted: &Planted) -> Vec<Row> {
    if planted.owner_kind == OwnerKind::Account {
        let account = ledger.accounts.iter().find(|account| account.acc_id == planted.owner_id);
        let lines = account.into_iter().flat_map(|account| &account.lines);
        let row = |line: &crate::sandbox::ledger::Line| Row {
            txid: line.txid,
            amount: line.amount,
            moves: line.state == State::Settled,
            vat: None,
            exchange: None,
        };
        return lines.map(row).collect();
    }
    let mut cards = ledger.accounts.iter().flat_map(|account| &account.cards);
    let card = cards.find(|card| card.card_ref == planted.owner_id);
    let row = |row: &crate::sandbox::ledger::CardRow| Row {
        txid: row.txid,
        amount: row.amount,

        moves: row.state == State::Settled,
        vat: row.vat,
        exchange: row.exchange,
    };
    card.into_iter().flat_map(|card| &card.rows).map(row).collect()
}

fn sorted_ids(rows: &[Row]) -> Vec<u64> {
    let mut ids: Vec<u64> = rows.iter().map(|row| row.txid).collect();
    ids.sort_unstable();
    ids
}

/// The clean chain, and the row that was touched.
struct Chain {
    /// Ids of all rows, settled or not.
    ids: Vec<u64>,
    settled: Vec<Row>,
    at: usize,
}

impl Chain {
    fn tells_a_wrong_amount(&self, off: i64) -> bool {
        let (before, row) = (self.settled[self.at - 1], self.settled[self.at]);
        let posted = row.amount - off;
        let no_room = self.ids_grow() && self.widest_gap(before.txid, row.txid) == 1;
        no_room || !self.is_like_others(off) || vat_tells(&row, row.amount, posted)
    }

    fn tells_a_row_left_out(&self, off: i64) -> bool {
        let (before, gone) = (self.settled[self.at - 1], self.settled[self.at]);
        let Some(next) = self.settled.get(self.at + 1).copied() else {
            return false;
        };
        if reads_like_a_smaller_fault(&next, off) {
            return false;
        }
        let moved = next.amount + off;
        let other_gaps = (1..self.settled.len()).filter(|at| *at != self.at && *at != self.at + 1);
        let widest = other_gaps.map(|at| self.widest_gap(self.settled[at - 1].txid, self.settled[at].txid)).max();
        let mut ids = self.ids.clone();
        ids.retain(|id| *id != gone.txid);
        let left = widest_gap(&ids, before.txid, next.txid);
        let is_hole = self.ids_grow() && widest.is_some_and(|widest| left > widest);
        let is_turned = moved.signum() != next.amount.signum();
        is_hole || is_turned || vat_tells(&next, next.amount, moved) || exchange_tells(&next)
    }

    /// Whether ids grow along the chain.
    fn ids_grow(&self) -> bool {
        self.settled.is_sorted_by_key(|row| row.txid)
    }

    fn widest_gap(&self, from: u64, to: u64) -> u64 {
        widest_gap(&self.ids, from, to)
    }

    /// Whether another row of that direction has half to twice that amount.
    fn is_like_others(&self, amount: i64) -> bool {
        let size = amount.abs();
        let others = self.settled.iter().enumerate().filter(|(at, _)| *at != self.at).map(|(_, row)| row.amount);
        others.filter(|other| other.signum() == amount.signum()).any(|other| {
            let other = other.abs();
            other * 2 >= size && other <= size * 2
        })
    }
}

/// The widest gap between two ids, those between them considered; 1 where none is free.
fn widest_gap(ids: &[u64], from: u64, to: u64) -> u64 {
    let between = ids.windows(2).filter(|pair| from <= pair[0] && pair[1] <= to);
    between.map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
}

/// Whether the VAT fits one amount and not the other.
fn vat_tells(row: &Row, right: i64, other: i64) -> bool {
    let Some((rate, vat)) = row.vat else {
        return false;
    };
    let rate = i64::from(rate);
    let shares = |amount: i64| [amount.abs() * rate / (100 + rate), amount.abs() * rate / 100];
    let fits = |amount: i64| shares(amount).iter().any(|share| (share - vat).abs() <= 2);
    fits(right) && !fits(other)
}

/// Whether a rate speaks for the amount: whoever changes one rarely converts it.
fn exchange_tells(row: &Row) -> bool {
    row.exchange.is_some_and(|exchange| exchange.rate_micros != 1_000_000)
}

/// Whether a difference is also what a flipped sign, a fee or swapped digits would leave.
fn reads_like_a_smaller_fault(next: &Row, off: i64) -> bool {
    let is_fee = next.exchange.is_some_and(|exchange| exchange.fee != 0 && exchange.fee == off.abs());
    let moved = next.amount + off;
    off == -2 * next.amount || is_fee || are_swapped(next.amount, moved)
}

/// Whether two neighbouring digits changed places.
fn are_swapped(a: i64, b: i64) -> bool {
    let (text_a, text_b) = (a.abs().to_string(), b.abs().to_string());
    let width = text_a.len().max(text_b.len());
    let (text_a, text_b) = (format!("{text_a:0>width$}").into_bytes(), format!("{text_b:0>width$}").into_bytes());
    let differing: Vec<usize> = (0..width).filter(|at| text_a[*at] != text_b[*at]).collect();
    let neighbours = matches!(differing[..], [left, right] if right == left + 1
        && text_a[left] == text_b[right] && text_a[right] == text_b[left]);
    neighbours && a.signum() == b.signum()
}
