//! The smallest explanation of a place where the chain fails. It is told, never applied.
//!
//! What leaves an unmistakable mark comes first: the rows after it go on as if this balance alone were wrong, a row
//! equals its neighbour, the difference is twice the amount, the fee, or two digits that changed places. What is left is
//! a row that is missing or an amount that is wrong; [`weigh`] tells them apart as far as anything does.
//!
//! Runs at faults only: [`Habits`], what is usual for the owner, is made when the first one asks.

mod digits;
mod habits;
mod ids;
mod rejected;
mod second;
mod weigh;
mod witness;
mod words;

use std::cell::OnceCell;

use super::meaning::{Fee, FeeUnit, Meaning};
use super::{Chain, Entry, Fault, Link};
use crate::breaks::Cause;
use crate::record::Money;
use crate::record::feed::natural_cmp;
use habits::Habits;
pub use rejected::{RejectedRow, RejectedRows};
pub(super) use witness::hear_twins;

/// Rows before a fault among which the original of a copy is looked for.
const ORIGINALS_TRIED_MAX: usize = 256;

/// Why the chain fails at a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The cause.
    pub cause: Cause,
    /// What happened, in a sentence.
    pub sentence: String,
    /// Where the row is another one listed again: that one and this one.
    pub copy: Option<(u32, u32)>,
}

/// One owner's rows and what the chain found in them.
pub(super) struct Case<'a, R> {
    pub rows: &'a [R],
    /// What the balance moves by, row by row.
    pub entries: &'a [Entry],
    pub chain: &'a Chain,
    pub meaning: Meaning,
    /// Decimals of the owner's currency.
    pub digits: u8,
    /// The balance that the provider reports after the last row, where it is known.
    reported: Option<Money>,
    /// What of the owner was rejected.
    rejected: Option<&'a RejectedRows>,
    habits: OnceCell<Habits<'a>>,
}

impl<'a, R: Link> Case<'a, R> {
    pub fn new(rows: &'a [R], entries: &'a [Entry], chain: &'a Chain, meaning: Meaning, digits: u8) -> Self {
        Self { rows, entries, chain, meaning, digits, reported: None, rejected: None, habits: OnceCell::new() }
    }

    /// The same with the balance that the provider reports after the last row.
    pub fn ending_on(self, reported: Option<Money>) -> Self {
        Self { reported, ..self }
    }

    fn habits(&self) -> &Habits<'a> {
        self.habits.get_or_init(|| Habits::of(self.rows, self.entries, self.chain))
    }

    /// The smallest explanation of a fault.
    pub fn explain(&self, fault: &Fault) -> Finding {
        let Some(off) = fault.actual.checked_sub(fault.expected) else {
            return Self::found(Cause::Unexplained, self.arithmetic(fault));
        };
        let row = fault.row as usize;
        let suspect = Suspect { fault, off, row: &self.rows[row], entry: self.entries[row] };
        self.copy(&suspect)
            .or_else(|| self.altered_balance(&suspect))
            .or_else(|| self.altered_last_balance(&suspect))
            .or_else(|| self.row_apart(&suspect))
            .or_else(|| self.flipped_sign(&suspect))
            .or_else(|| self.fee(&suspect))
            .or_else(|| self.swapped_digits(&suspect))
            .unwrap_or_else(|| self.missing_or_altered(&suspect))
    }

    fn money(&self, amount: Money) -> String {
        amount.text(self.digits)
    }

    fn found(cause: Cause, sentence: String) -> Finding {
        Finding { cause, sentence, copy: None }
    }

    /// The same row under another id: found among the rows of its moment, or equal to one shortly before.
    fn copy(&self, suspect: &Suspect<'_, R>) -> Option<Finding> {
        let row = suspect.fault.row;
        let original = suspect.fault.copy_of.or_else(|| self.original_of(suspect))?;
        let (a, b) = (self.rows[original as usize].txid(), self.rows[row as usize].txid());
        // Of equal rows of one moment the later id is the copy.
        let same_moment = self.entries[original as usize].at == self.entries[row as usize].at;
        let turned = same_moment && natural_cmp(a, b).is_gt();
        let pair = if turned { (row, original) } else { (original, row) };
        let (first, again) = (self.rows[pair.0 as usize].txid(), self.rows[pair.1 as usize].txid());
        let sentence = if first == again {
            format!("listed twice: txid {first}")
        } else {
            format!("listed twice: txid {first} and {again}")
        };
        Some(Finding { cause: Cause::DuplicateEntry, sentence, copy: Some(pair) })
    }

    /// A row that the chain goes on without, or whose balance does not move, and that equals an earlier one.
    fn original_of(&self, suspect: &Suspect<'_, R>) -> Option<u32> {
        let unmoved = suspect.off == -suspect.entry.amount;
        if suspect.entry.amount == Money::ZERO || !(suspect.fault.apart || unmoved) {
            return None;
        }
        let equal = |other: &u32| {
            let entry = &self.entries[*other as usize];
            let alike =
                entry.at == suspect.entry.at || self.rows[*other as usize].description() == suspect.row.description();
            entry.amount == suspect.entry.amount && entry.balance == suspect.entry.balance && alike
        };
        let before = self.habits().moving_before(suspect.fault.row);
        before.iter().rev().take(ORIGINALS_TRIED_MAX).copied().find(equal)
    }

    fn altered_balance(&self, suspect: &Suspect<'_, R>) -> Option<Finding> {
        if !suspect.fault.returns {
            return None;
        }
        let sentence = format!(
            "balance {} of txid {} is altered: {} fits the rows before and after it",
            self.money(suspect.fault.actual),
            suspect.row.txid(),
            self.money(suspect.fault.expected),
        );
        Some(Self::found(Cause::BalanceAltered, sentence))
    }

    /// No row follows, but the provider reports the balance that should stand there.
    fn altered_last_balance(&self, suspect: &Suspect<'_, R>) -> Option<Finding> {
        let is_reported = self.reported == Some(suspect.fault.expected);
        if !is_reported || !self.habits().is_last(suspect.fault.row) {
            return None;
        }
        let sentence = format!(
            "balance {} of txid {} is altered: {} fits the row before it, and the provider reports it",
            self.money(suspect.fault.actual),
            suspect.row.txid(),
            self.money(suspect.fault.expected),
        );
        Some(Self::found(Cause::BalanceAltered, sentence))
    }

    fn row_apart(&self, suspect: &Suspect<'_, R>) -> Option<Finding> {
        if !suspect.fault.apart {
            return None;
        }
        let sentence = format!(
            "txid {} of {} stands outside the chain: the rows before and after it tie without it",
            suspect.row.txid(),
            self.money(suspect.row.amounts().amount),
        );
        Some(Self::found(Cause::Unexplained, sentence))
    }

    fn flipped_sign(&self, suspect: &Suspect<'_, R>) -> Option<Finding> {
        let amount = suspect.row.amounts().amount;
        let twice = amount.checked_add(amount)?;
        if amount == Money::ZERO || suspect.off != -twice {
            return None;
        }
        let (posted, moved, apart) = (self.money(amount), self.money(-amount), self.money(twice.abs()));
        let sentence = format!("the sign is flipped: {posted} posted, but the balance moves by {moved}, {apart} apart");
        Some(Self::found(Cause::SignFlipped, sentence))
    }

    fn fee(&self, suspect: &Suspect<'_, R>) -> Option<Finding> {
        let amounts = suspect.row.amounts();
        let off_by = |unit: &FeeUnit| amounts.fee(*unit, self.digits) == Some(suspect.off.abs());
        let unit = FeeUnit::ALL.into_iter().find(off_by)?;
        let fee = self.money(suspect.off.abs());
        let fee =
            if unit == FeeUnit::Amount { fee } else { format!("{} of the amount, {fee},", words::rate(amounts.fee?)) };
        let sentence = match (self.meaning.fee(), suspect.off.is_negative()) {
            (Fee::Included, true) => format!("moves by amount + fee: fx_fee {fee} is charged on top"),
            (Fee::Included, false) => {
                format!("moves by amount - fee: fx_fee {fee} is inside the amount, but not charged")
            }
            (Fee::Extra(_), false) => {
                format!("moves by amount alone: fx_fee {fee} is not charged on top, as on the owner's other rows")
            }
            (Fee::Extra(_), true) => format!("moves by amount + twice the fee: fx_fee {fee} is charged again"),
        };
        Some(Self::found(Cause::FeeNotIncluded, sentence))
    }

    fn swapped_digits(&self, suspect: &Suspect<'_, R>) -> Option<Finding> {
        let posted = suspect.row.amounts().amount;
        let right = posted.checked_add(suspect.off)?;
        let (left, after) = digits::swapped(right, posted, self.digits)?;
        let sentence = format!(
            "{} off, the digits {left} and {after} are swapped: {} posted as {}",
            self.money(suspect.off.abs()),
            self.money(right.abs()),
            self.money(posted.abs()),
        );
        Some(Self::found(Cause::DigitsTransposed, sentence))
    }

    fn missing_or_altered(&self, suspect: &Suspect<'_, R>) -> Finding {
        let verdict = weigh::weigh(self, suspect);
        let mut sentence = match verdict.cause {
            Cause::MissingEntry => self.missing(suspect),
            Cause::AmountAltered => self.altered(suspect),
            _ => format!(
                "balance {} of txid {} is altered: {} fits the row before it, and no row follows",
                self.money(suspect.fault.actual),
                suspect.row.txid(),
                self.money(suspect.fault.expected),
            ),
        };
        let evidence = match verdict.cause {
            Cause::MissingEntry => self.missing_or_rejected(suspect, verdict.evidence),
            _ => verdict.evidence,
        };
        if let Some(evidence) = evidence {
            sentence.push_str("; ");
            sentence.push_str(&evidence);
        }
        Self::found(verdict.cause, sentence)
    }

    fn missing(&self, suspect: &Suspect<'_, R>) -> String {
        let amount = self.money(suspect.off.abs());
        let kind = if suspect.off.is_negative() { "debit" } else { "credit" };
        match suspect.fault.previous {
            Some(previous) => format!(
                "balance jumps by {amount} between {}: a {kind} of {amount} is missing",
                words::between(self.entries[previous as usize].at, suspect.entry.at),
            ),
            None => format!("a {kind} of {amount} is missing in between"),
        }
    }

    fn altered(&self, suspect: &Suspect<'_, R>) -> String {
        let posted = suspect.row.amounts().amount;
        let moved = posted.checked_add(suspect.off).unwrap_or_default();
        format!(
            "amount {} of txid {} is altered: the balance moves by {}, {} off",
            self.money(posted),
            suspect.row.txid(),
            self.money(moved),
            self.money(suspect.off.abs()),
        )
    }

    /// The bare facts, where nothing simple explains them.
    pub fn arithmetic(&self, fault: &Fault) -> String {
        let entry = self.entries[fault.row as usize];
        let before = fault.expected.checked_sub(entry.amount).unwrap_or_default();
        let after_what = match fault.previous {
            Some(previous) => format!(" after txid {}", self.rows[previous as usize].txid()),
            None => String::new(),
        };
        format!(
            "balance {}{after_what} and amount {} give {}, but txid {} states {}",
            self.money(before),
            self.money(entry.amount),
            self.money(fault.expected),
            self.rows[fault.row as usize].txid(),
            self.money(fault.actual),
        )
    }
}

/// A row at which the chain fails.
struct Suspect<'a, R> {
    fault: &'a Fault,
    /// Actual − expected, never zero.
    off: Money,
    row: &'a R,
    entry: Entry,
}
