//! A row is missing, or an amount is wrong (or, at the end of a chain, a balance): the chain alone cannot tell.
//!
//! Each piece of evidence multiplies the odds of what it speaks for. The factors are rough on purpose: what decides is a
//! second amount in the row or a gap in the ids, and without either the habits of the owner.

use super::second::{self, Opinion};
use super::{Case, Suspect, digits};
use crate::breaks::Cause;
use crate::reconcile::Link;
use crate::record::Money;

/// What the evidence comes to.
pub(super) struct Verdict {
    pub cause: Cause,
    /// The piece of it that a reader can check.
    pub evidence: Option<String>,
}

/// How likely each explanation is, against the others.
struct Scales {
    missing: u128,
    amount: u128,
    balance: u128,
}

impl Scales {
    /// Rows go missing oftener than amounts change. A wrong balance shows by the rows after it, where there are any.
    fn even(is_last: bool) -> Scales {
        const UNIT: u128 = 1_000_000;
        Scales { missing: 3 * UNIT, amount: 2 * UNIT, balance: if is_last { UNIT } else { 0 } }
    }

    fn heaviest(&self) -> Cause {
        if self.missing >= self.amount.max(self.balance) {
            Cause::MissingEntry
        } else if self.amount >= self.balance {
            Cause::AmountAltered
        } else {
            Cause::BalanceAltered
        }
    }
}

pub(super) fn weigh<R: Link>(case: &Case<'_, R>, suspect: &Suspect<'_, R>) -> Verdict {
    let posted = suspect.row.amounts().amount;
    // A last balance that the provider reports as well is right.
    let is_open = case.reported.is_none_or(|reported| reported != suspect.fault.actual);
    let mut scales = Scales::even(is_open && case.habits().is_last(suspect.fault.row));
    let Some(moved) = posted.checked_add(suspect.off) else {
        return Verdict { cause: Cause::MissingEntry, evidence: None };
    };
    let told = by_the_row(case, suspect, moved, &mut scales);
    let left_out = by_ids(case, suspect, &mut scales);
    by_the_number(case, suspect, moved, &mut scales);
    by_habit(case, suspect, moved, &mut scales);
    let cause = scales.heaviest();
    let evidence = if cause == Cause::AmountAltered { told } else { left_out.filter(|_| cause == Cause::MissingEntry) };
    Verdict { cause, evidence }
}

/// What the row says of its own amount in other fields.
fn by_the_row<R: Link>(
    case: &Case<'_, R>,
    suspect: &Suspect<'_, R>,
    moved: Money,
    scales: &mut Scales,
) -> Option<String> {
    let amounts = suspect.row.amounts();
    let exchange = second::of_exchange(&amounts, moved, case.digits);
    let vat = second::of_vat(suspect.row.vat_details(), amounts.amount, moved, case.digits);
    let mut told = None;
    for (opinion, what) in [(exchange, "its amount_fx"), (vat, "its VAT")] {
        match opinion {
            Opinion::None => {}
            Opinion::Moved => {
                scales.amount *= 5_000;
                told = told.or(Some(format!("{what} says {} as well", moved.text(case.digits))));
            }
            // Whoever changes an amount may well change both fields, but rarely computes the other anew. An amount that was
            // wrong before it was converted or taxed agrees with what was made of it: that is rare, not unheard of.
            Opinion::Posted { computed } => scales.amount /= if computed { 30 } else { 2 },
        }
    }
    told
}

fn by_ids<R: Link>(case: &Case<'_, R>, suspect: &Suspect<'_, R>, scales: &mut Scales) -> Option<String> {
    const NEARBY: usize = 8;
    let (row, previous) = (suspect.fault.row, suspect.fault.previous?);
    let ids = case.habits().ids.as_ref()?;
    let (missing, there) = ids.odds(previous, row, case.habits().around(row, NEARBY));
    scales.missing *= missing;
    scales.amount *= there;
    scales.balance *= there;
    ids.left_out(previous, row).map(|_| {
        let (from, to) = (case.rows[previous as usize].txid(), case.rows[row as usize].txid());
        format!("no row has the txid between {from} and {to}")
    })
}

/// What the numbers look like.
fn by_the_number<R: Link>(case: &Case<'_, R>, suspect: &Suspect<'_, R>, moved: Money, scales: &mut Scales) {
    let posted = suspect.row.amounts().amount;
    if moved == Money::ZERO {
        scales.amount /= 20;
    } else if moved.is_negative() != posted.is_negative() {
        // The direction of a row is a field of its own.
        scales.amount /= 300;
    }
    let is_whole = suspect.off.unscaled() % 10_000 == 0;
    if digits::point_moved(moved, posted) {
        scales.amount *= 200;
    } else if digits::one_differs(moved, posted, case.digits) && !is_whole {
        scales.amount *= 4;
    }
    let (expected, actual) = (suspect.fault.expected, suspect.fault.actual);
    if digits::swapped(expected, actual, case.digits).is_some() {
        scales.balance *= 20;
    } else if digits::one_differs(expected, actual, case.digits) && !is_whole {
        scales.balance *= 4;
    }
}

/// Rows of an owner from which on it says something that none is like another.
const ROWS_THAT_TELL: u64 = 20;

/// What the size of an amount says, at most.
const ODDS_MAX: u128 = 16;

/// What is usual for the owner.
fn by_habit<R: Link>(case: &Case<'_, R>, suspect: &Suspect<'_, R>, moved: Money, scales: &mut Scales) {
    let habits = case.habits();
    let posted = suspect.row.amounts().amount;
    // A missing row is a row like others; an altered amount is seldom off by much more than itself.
    let (alike, rows) = habits.alike(suspect.off);
    let size = suspect.off.unscaled().unsigned_abs() / posted.unscaled().unsigned_abs().max(1);
    let spread = match size {
        0 => 8,
        1..4 => 16,
        _ => 64,
    };
    let least = u128::from(rows + 2);
    let altered = least * ODDS_MAX;
    let is_unlike_all = alike == 0 && rows >= ROWS_THAT_TELL && size < 16;
    let missing = if is_unlike_all {
        // The fewer rows go in that direction, the less is one of them missing; a wrong amount errs either way.
        least.min(2 * u128::from(habits.same_direction(suspect.off) + 1))
    } else {
        (u128::from(alike + 1) * spread * ODDS_MAX).clamp(least, altered * ODDS_MAX)
    };
    scales.missing *= missing;
    scales.amount *= altered;
    scales.balance *= altered;
    if habits.has(suspect.off) {
        scales.missing *= 4;
    }
    if habits.is_below_all(suspect.off) {
        scales.amount *= 6;
        scales.balance *= 6;
    }
    if let Some((low, high, others)) = suspect.row.description().and_then(|text| habits.range(text, posted)) {
        let within = |amount: Money| (low..=high).contains(&amount.unscaled().abs());
        // One more row would lie outside the range of so many others with odds of two to them and itself; rows of that
        // name that all cost the same say more.
        let weight = if low == high { 100 } else { (others as u128 + 1).div_ceil(2).min(16) };
        match (within(posted), within(moved)) {
            (true, false) => scales.amount /= weight,
            (false, true) => scales.amount *= weight,
            _ => {}
        }
    }
}
