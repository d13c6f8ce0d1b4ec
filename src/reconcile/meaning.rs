//! What a provider means, learnt per owner from the chain itself: is `fx_fee` inside `amount` or on top of it, and does
//! `amount` or `amount_fx` move the balance?
//!
//! Every row on which the possible meanings differ, and that has a neighbour to tie to, is a vote. Without votes the
//! contract's own reading holds: `amount` moves the balance and the fee is inside it. A single row is no habit: to say
//! otherwise takes two rows, as one alone is a break worth telling.

use super::Entry;
use super::chain::{Stretch, moment};
use crate::record::{Money, Rate};

/// What a job file says about fees: `[source] fx_fee`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeeRule {
    /// Learnt from the chain.
    #[default]
    Auto,
    /// `amount` holds the fee.
    Included,
    /// The balance moves by `amount` and the fee.
    Extra,
}

impl FeeRule {
    /// All rules, as a job file names them.
    pub const NAMES: [(&'static str, FeeRule); 3] =
        [("auto", FeeRule::Auto), ("included", FeeRule::Included), ("extra", FeeRule::Extra)];
}

/// What the number in `fx_fee` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeUnit {
    /// Money.
    Amount,
    /// A share of the amount: 0.02.
    Rate,
    /// A share of the amount in percent: 2.
    Percent,
}

impl FeeUnit {
    /// All units.
    pub const ALL: [FeeUnit; 3] = [FeeUnit::Amount, FeeUnit::Rate, FeeUnit::Percent];
}

/// Where the fee is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fee {
    /// Inside `amount`.
    Included,
    /// On top of it.
    Extra(FeeUnit),
}

/// Which amount is in the owner's own currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovesBy {
    /// `amount`.
    Amount,
    /// `amount_fx`.
    AmountFx,
}

/// What was learnt for an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meaning {
    /// Where the fee is; `None` while nothing tells.
    pub fee: Option<Fee>,
    /// Which amount moves the balance; `None` while nothing tells.
    pub moves_by: Option<MovesBy>,
    /// Rows that tie by this meaning and by no other.
    pub rows_for: u32,
    /// Rows that tie by another meaning only.
    pub rows_against: u32,
}

/// What a row says of its amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Signed amount.
    pub amount: Money,
    /// Amount in the other currency, signed alike.
    pub amount_fx: Option<Money>,
    /// Exchange rate as sent.
    pub rate: Option<Rate>,
    /// Exchange fee as sent.
    pub fee: Option<Rate>,
}

impl Amounts {
    /// The fee as money of a currency with that many digits, never negative; `None` when it is none or cannot be held.
    pub fn fee(&self, unit: FeeUnit, digits: u8) -> Option<Money> {
        let fee = i128::from(self.fee?.unscaled().unsigned_abs());
        let amount = i128::from(self.amount.unscaled().unsigned_abs());
        let unscaled = match unit {
            // Hundred-millionths of the rate column, ten-thousandths of the money column.
            FeeUnit::Amount if fee % 10_000 == 0 => fee / 10_000,
            FeeUnit::Amount => return None,
            FeeUnit::Rate => rounded(amount * fee, 100_000_000, digits),
            FeeUnit::Percent => rounded(amount * fee, 10_000_000_000, digits),
        };
        i64::try_from(unscaled).ok().and_then(Money::from_unscaled).filter(|fee| *fee != Money::ZERO)
    }

    /// Whether the row can tell anything of what the provider means.
    pub fn can_vote(&self) -> bool {
        self.fee.is_some_and(|fee| fee.unscaled() != 0) || self.moves_by_amount_fx().is_some()
    }

    fn moves_by_amount(&self) -> Amounts {
        *self
    }

    fn moves_by_amount_fx(&self) -> Option<Amounts> {
        let amount = self.amount_fx.filter(|fx| *fx != Money::ZERO && *fx != self.amount)?;
        Some(Amounts { amount, amount_fx: Some(self.amount), ..*self })
    }

    /// By how much the row moves the balance. A fee always costs.
    pub fn effect(&self, fee: Fee, digits: u8) -> Option<Money> {
        match fee {
            Fee::Included => Some(self.amount),
            Fee::Extra(unit) => self.amount.checked_sub(self.fee(unit, digits).unwrap_or_default()),
        }
    }
}

/// Ten-thousandths out of `product / divisor`, rounded half up to a currency's digits, as who charges it must.
pub(super) fn rounded(product: i128, divisor: i128, digits: u8) -> i128 {
    let step = 10_i128.pow(4 - u32::from(digits.min(4)));
    let divisor = divisor * step;
    (product + divisor / 2) / divisor * step
}

/// Rows that make a habit.
const HABIT_ROWS_MIN: u32 = 2;

/// Votes of the rows of one owner.
#[derive(Debug, Clone, Default)]
pub struct Votes {
    amount: u32,
    amount_fx: u32,
    /// For each of the two bases: fee inside, then on top in each unit.
    fee: [[u32; 4]; 2],
}

/// Learns from rows sorted by time what the provider means.
pub(super) fn learn(
    entries: &[Entry],
    amounts: impl Fn(u32) -> Amounts,
    sorted: &[u32],
    rule: FeeRule,
    digits: u8,
) -> Meaning {
    votes(entries, amounts, sorted, digits, Stretch::WHOLE).decide(rule)
}

/// What the rows of a stretch say; those before it are neighbours.
pub(super) fn votes(
    entries: &[Entry],
    amounts: impl Fn(u32) -> Amounts,
    sorted: &[u32],
    digits: u8,
    stretch: Stretch,
) -> Votes {
    let mut votes = Votes::default();
    let mut before: &[u32] = &[];
    for group in sorted.chunk_by(|a, b| moment(&entries[*a as usize]) == moment(&entries[*b as usize])) {
        let mut moves = false;
        let is_told = stretch.holds(&entries[group[0] as usize]);
        for row in group.iter().copied().filter(|row| entries[*row as usize].moves) {
            moves = true;
            let amounts = amounts(row);
            if is_told && amounts.can_vote() {
                vote(&mut votes, entries, row, &amounts, [before, group], digits);
            }
        }
        if moves {
            before = group;
        }
    }
    votes
}

/// Rows among which a neighbour is looked for; larger groups cast no votes, so that this stays linear.
const NEIGHBOURS_MAX: usize = 64;

fn vote(votes: &mut Votes, entries: &[Entry], row: u32, amounts: &Amounts, near: [&[u32]; 2], digits: u8) {
    let neighbours = || near.into_iter().flatten().filter(|other| **other != row && entries[**other as usize].moves);
    let Some(balance) = entries[row as usize].balance.filter(|_| near[0].len() + near[1].len() <= NEIGHBOURS_MAX)
    else {
        return;
    };
    let ties = |effect: Option<Money>| {
        let start = effect.and_then(|effect| balance.checked_sub(effect));
        start.is_some() && neighbours().any(|other| entries[*other as usize].balance == start)
    };
    let fees = [Fee::Included, Fee::Extra(FeeUnit::Amount), Fee::Extra(FeeUnit::Rate), Fee::Extra(FeeUnit::Percent)];
    let by =
        |amounts: Option<Amounts>| fees.map(|fee| amounts.is_some_and(|amounts| ties(amounts.effect(fee, digits))));
    let found = [by(Some(amounts.moves_by_amount())), by(amounts.moves_by_amount_fx())];
    let [amount, amount_fx] = found.map(|by| by.contains(&true));
    // Two amounts that differ at a rate of one are a mistake in one of them, and no exchange.
    if amounts.moves_by_amount_fx().is_some() && !amounts.rate.is_some_and(Rate::is_one) {
        votes.amount += u32::from(amount && !amount_fx);
        votes.amount_fx += u32::from(amount_fx && !amount);
    }
    for (base, ties) in found.into_iter().enumerate() {
        // A row whose fee makes no difference, or that ties both ways, tells nothing of fees.
        if ties[0] != ties[1..].contains(&true) {
            (0..4).filter(|fee| ties[*fee]).for_each(|fee| votes.fee[base][fee] += 1);
        }
    }
}

impl Votes {
    /// Adds the votes of other rows of the owner.
    pub fn add(&mut self, others: &Votes) {
        self.amount += others.amount;
        self.amount_fx += others.amount_fx;
        for (mine, theirs) in self.fee.iter_mut().flatten().zip(others.fee.iter().flatten()) {
            *mine += theirs;
        }
    }

    /// What they come to.
    pub fn decide(&self, rule: FeeRule) -> Meaning {
        let moves_by = match (self.amount, self.amount_fx) {
            (0, 0) => None,
            (amount, amount_fx) if amount_fx >= HABIT_ROWS_MIN && amount_fx > amount => Some(MovesBy::AmountFx),
            (0, _) => None,
            _ => Some(MovesBy::Amount),
        };
        let fees = self.fee[usize::from(moves_by == Some(MovesBy::AmountFx))];
        let unit = (0..3).rev().max_by_key(|unit| fees[unit + 1]).expect("there are units");
        let (included, extra) = (fees[0], fees[unit + 1]);
        let fee = match rule {
            FeeRule::Included => Some(Fee::Included),
            FeeRule::Extra => Some(Fee::Extra(FeeUnit::ALL[unit])),
            FeeRule::Auto if extra >= HABIT_ROWS_MIN && extra > included => Some(Fee::Extra(FeeUnit::ALL[unit])),
            FeeRule::Auto => (included > 0).then_some(Fee::Included),
        };
        let (fee_for, fee_against) =
            if matches!(fee, Some(Fee::Extra(_))) { (extra, included) } else { (included, extra) };
        let (base_for, base_against) = match moves_by {
            Some(MovesBy::AmountFx) => (self.amount_fx, self.amount),
            _ => (self.amount, self.amount_fx),
        };
        // A row often speaks on both questions; it is counted once.
        Meaning { fee, moves_by, rows_for: fee_for.max(base_for), rows_against: fee_against.max(base_against) }
    }
}

impl Meaning {
    /// Whether any row told something.
    pub fn has_evidence(&self) -> bool {
        self.rows_for + self.rows_against > 0
    }

    /// Where the fee is taken to be.
    pub fn fee(&self) -> Fee {
        self.fee.unwrap_or(Fee::Included)
    }

    /// `included`, `extra` or `unknown`.
    pub fn fee_name(&self) -> &'static str {
        match self.fee {
            None => "unknown",
            Some(Fee::Included) => "included",
            Some(Fee::Extra(_)) => "extra",
        }
    }

    /// `amount`, `amount_fx` or `unknown`.
    pub fn moves_by_name(&self) -> &'static str {
        match self.moves_by {
            None => "unknown",
            Some(MovesBy::Amount) => "amount",
            Some(MovesBy::AmountFx) => "amount_fx",
        }
    }
}
