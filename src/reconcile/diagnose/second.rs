//! A second opinion on an amount, from the row itself: the amount in the other currency and its rate, or the VAT.

use serde::Deserialize;

use crate::reconcile::meaning::{Amounts, FeeUnit, rounded};
use crate::record::{Money, Rate};

/// What the row's other fields say of an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opinion {
    /// They say nothing.
    None,
    /// They fit the amount as posted and not the other.
    Posted {
        /// Whether it was computed, and is not just the same number in another field.
        computed: bool,
    },
    /// They fit the amount that the balance moves by and not the one posted.
    Moved,
}

fn opinion(posted: bool, moved: bool, computed: bool) -> Opinion {
    match (posted, moved) {
        (true, false) => Opinion::Posted { computed },
        (false, true) => Opinion::Moved,
        _ => Opinion::None,
    }
}

/// What `amount_fx`, its rate and the fee say.
pub(super) fn of_exchange(amounts: &Amounts, moved: Money, digits: u8) -> Opinion {
    let Some(fx) = amounts.amount_fx.filter(|fx| *fx != Money::ZERO) else {
        return Opinion::None;
    };
    let is_real = amounts.rate.is_some_and(|rate| !rate.is_one() && rate.unscaled() > 0);
    if !is_real {
        return opinion(fx == amounts.amount, fx == moved, false);
    }
    let fits = |amount: Money| amounts.rate.is_some_and(|rate| converts(fx, rate, amount, amounts, digits));
    opinion(fits(amounts.amount), fits(moved), true)
}

/// Whether the amount is that of `fx` at the rate or its inverse, with or without the fee, to a unit or two of rounding.
fn converts(fx: Money, rate: Rate, amount: Money, amounts: &Amounts, digits: u8) -> bool {
    const ONE: i128 = 100_000_000;
    let (fx, rate) = (i128::from(fx.unscaled().abs()), i128::from(rate.unscaled()));
    let converted = [rounded(fx * rate, ONE, digits), rounded(fx * ONE, rate, digits)];
    let fee = amounts.fee(FeeUnit::Amount, digits).map_or(0, |fee| i128::from(fee.unscaled()));
    let off_max = 2 * 10_i128.pow(4 - u32::from(digits.min(4)));
    let amount = i128::from(amount.unscaled().abs());
    converted.iter().any(|value| [0, fee, -fee].iter().any(|fee| (value + fee - amount).abs() <= off_max))
}

/// What the VAT says, where one rate makes it up.
pub(super) fn of_vat(details: Option<&str>, posted: Money, moved: Money, digits: u8) -> Opinion {
    #[derive(Deserialize)]
    struct Detail {
        rate: Option<String>,
        amount: Option<String>,
    }
    let details: Vec<Detail> = details.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let [Detail { rate: Some(rate), amount: Some(vat) }] = details.as_slice() else {
        return Opinion::None;
    };
    let (Ok(rate), Ok(vat)) = (Rate::parse(rate), Money::parse(vat)) else {
        return Opinion::None;
    };
    if rate.unscaled() <= 0 || vat == Money::ZERO {
        return Opinion::None;
    }
    let fits = |amount: Money| taxes(amount, rate, vat, digits);
    opinion(fits(posted), fits(moved), true)
}

/// Whether the VAT is that share of the amount, inside it or on top.
fn taxes(amount: Money, rate: Rate, vat: Money, digits: u8) -> bool {
    const HUNDRED: i128 = 10_000_000_000;
    let (amount, rate) = (i128::from(amount.unscaled().abs()), i128::from(rate.unscaled()));
    let off_max = 10_i128.pow(4 - u32::from(digits.min(4)));
    let shares = [rounded(amount * rate, HUNDRED + rate, digits), rounded(amount * rate, HUNDRED, digits)];
    shares.iter().any(|share| (share - i128::from(vat.unscaled().abs())).abs() <= off_max)
}
