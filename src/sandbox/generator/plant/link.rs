//! A row of a chain, whichever owner it is of: what a fault can do to it.

use super::FaultKind;
use crate::record::minor_digits;
use crate::sandbox::ledger::{CardKind, CardRow, Exchange, Line, LineKind, State};

/// What goes on saying what was right when an amount changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// The row has only its VAT left.
    Nothing,
    /// `amount_fx`.
    OtherCurrency,
    /// The line of the IBAN statement.
    Twin,
}

/// A row of a chain, of whichever owner.
pub(super) trait Link: Clone {
    fn txid(&self) -> u64;
    fn set_txid(&mut self, txid: u64);
    fn booked_s(&self) -> i64;
    fn amount(&self) -> i64;
    /// Changes the amount, and all that is not to be kept; `None` where the row has nothing to keep.
    fn set_amount(&mut self, amount: i64, kept: Kept, currency: &'static str) -> Option<()>;
    /// Takes the row out of its chain's listing, and out of no other.
    fn hide(&mut self);
    fn fee(&self) -> i64;
    fn balance_mut(&mut self) -> &mut i64;
    fn balance(&self) -> i64;
    fn settled(&self) -> bool;
    /// Whether a fault of that kind at this row breaks no more than one check, or is told as one break.
    fn is_fit(&self, kind: FaultKind) -> bool;
    /// Takes a fee of chance out of the amount, so that it is charged on top; `None` where rows have no fee.
    fn add_fee(&mut self, fee: i64) -> Option<()>;
    fn respell(&mut self, spelling: u64);
}

impl Link for CardRow {
    fn txid(&self) -> u64 {
        self.txid
    }
    fn set_txid(&mut self, txid: u64) {
        self.txid = txid;
    }
    fn booked_s(&self) -> i64 {
        self.booked_s
    }
    fn amount(&self) -> i64 {
        self.amount
    }
    fn set_amount(&mut self, amount: i64, kept: Kept, currency: &'static str) -> Option<()> {
        let at_home = Exchange { currency, amount: self.amount, rate_micros: 1_000_000, fee: 0 };
        self.exchange = match kept {
            Kept::Nothing => self.exchange.map(|paid| converted_anew(paid, amount, amount - self.amount, currency)),
            Kept::OtherCurrency => Some(self.exchange.unwrap_or(at_home)),
            Kept::Twin => return None,
        };
        self.amount = amount;
        Some(())
    }
    fn hide(&mut self) {}
    fn fee(&self) -> i64 {
        self.exchange.map_or(0, |exchange| exchange.fee)
    }
    fn balance_mut(&mut self) -> &mut i64 {
        &mut self.balance_after
    }
    fn balance(&self) -> i64 {
        self.balance_after
    }
    fn settled(&self) -> bool {
        self.state == State::Settled
    }
    fn is_fit(&self, kind: FaultKind) -> bool {
        let has_what_it_takes = match kind {
            FaultKind::FeeOnTop => self.exchange.is_some(),
            FaultKind::DropBesideTwin | FaultKind::AmountAlteredBesideTwin => false,
            _ => true,
        };
        has_what_it_takes && self.kind == CardKind::Plain
    }
    fn add_fee(&mut self, fee: i64) -> Option<()> {
        let exchange = self.exchange?;
        self.exchange = Some(Exchange { fee, ..exchange });
        Some(())
    }
    fn respell(&mut self, spelling: u64) {
        self.spelling = spelling;
    }
}

impl Link for Line {
    fn txid(&self) -> u64 {
        self.txid
    }
    fn set_txid(&mut self, txid: u64) {
        self.txid = txid;
    }
    fn booked_s(&self) -> i64 {
        self.booked_s
    }
    fn amount(&self) -> i64 {
        self.amount
    }
    fn set_amount(&mut self, amount: i64, kept: Kept, _currency: &'static str) -> Option<()> {
        self.twin_amount = match kept {
            Kept::Nothing => None,
            Kept::OtherCurrency => return None,
            Kept::Twin => Some(self.amount),
        };
        self.amount = amount;
        Some(())
    }
    fn hide(&mut self) {
        self.in_statement = false;
    }
    fn fee(&self) -> i64 {
        0
    }
    fn balance_mut(&mut self) -> &mut i64 {
        &mut self.balance_after
    }
    fn balance(&self) -> i64 {
        self.balance_after
    }
    fn settled(&self) -> bool {
        self.state == State::Settled
    }
    fn is_fit(&self, kind: FaultKind) -> bool {
        match kind {
            FaultKind::FeeOnTop | FaultKind::AmountAlteredAlone | FaultKind::DigitsTransposedAlone => false,
            FaultKind::DropBesideTwin | FaultKind::AmountAlteredBesideTwin => {
                self.in_iban_statement && self.kind == LineKind::TransferIn
            }
            _ => self.kind == LineKind::Plain,
        }
    }
    fn add_fee(&mut self, _fee: i64) -> Option<()> {
        None
    }
    fn respell(&mut self, spelling: u64) {
        self.spelling = spelling;
    }
}

/// What would have been paid for an amount that is `more` than the right one, at the same rate and fee.
fn converted_anew(paid: Exchange, amount: i64, more: i64, currency: &'static str) -> Exchange {
    let unit = |currency| 10_i128.pow(minor_digits(Some(currency)).into());
    let scale = i128::from(paid.rate_micros) * unit(currency);
    let is_turned = amount.signum() != (amount - more).signum();
    let by = if is_turned { 0 } else { i128::from(more) * unit(paid.currency) * 1_000_000 / scale };
    let paid_anew = (i128::from(paid.amount.abs()) + by * i128::from(amount.signum())).max(1);
    Exchange { amount: i64::try_from(paid_anew).unwrap_or(i64::MAX) * amount.signum(), ..paid }
}

/// Fit settled rows that are neither the first nor the last of their chain: a fault at either end cannot be seen.
pub(super) fn middle<L: Link>(rows: &[L], kind: FaultKind) -> Vec<usize> {
    let settled: Vec<usize> = (0..rows.len()).filter(|row| rows[*row].settled()).collect();
    let inner = settled.get(1..settled.len().saturating_sub(1)).unwrap_or_default();
    inner.iter().copied().filter(|row| rows[*row].is_fit(kind) && rows[*row].amount() != 0).collect()
}

pub(super) fn is_tied<L: Link>(rows: &[L], a: usize, b: usize) -> bool {
    // Two hours cover the hour that is lived twice; rows that close share no second, but may share a local time.
    let apart = rows[b].booked_s() - rows[a].booked_s();
    apart == 0 || apart == 3600
}
