//! Exact money.

use std::fmt;
use std::ops::Neg;

use rust_decimal::Decimal;

use crate::planted::{self, Bug, is_planted};

use super::number::{NumberError, UNSCALED_MAX, parse_fixed, write_fixed};

/// Decimals of every money column.
const SCALE: u8 = 4;

/// An exact amount in its currency's major unit, with four decimals: −99,999,999,999,999.9999 to 99,999,999,999,999.9999
/// (`DECIMAL(18,4)`). Credit is positive, debit negative. There is no rounding: what does not fit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// Reads a decimal text exactly.
    ///
    /// # Errors
    /// When it is no number, has more than four decimals that are not zero, or more than 18 digits.
    pub fn parse(text: &str) -> Result<Money, NumberError> {
        if is_planted(Bug::AmountThroughFloat) {
            return planted::through_a_float(text).and_then(Money::from_unscaled).ok_or(NumberError::NotANumber);
        }
        parse_fixed(text, SCALE).map(|fixed| Money(fixed.unscaled))
    }

    /// From ten-thousandths of the major unit; `None` beyond 18 digits.
    pub fn from_unscaled(unscaled: i64) -> Option<Money> {
        (unscaled.unsigned_abs() <= UNSCALED_MAX.unsigned_abs()).then_some(Money(unscaled))
    }

    /// In ten-thousandths of the major unit.
    pub const fn unscaled(self) -> i64 {
        self.0
    }

    /// The sum, `None` beyond 18 digits.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).and_then(Money::from_unscaled)
    }

    /// The difference, `None` beyond 18 digits.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).and_then(Money::from_unscaled)
    }

    /// Without its sign.
    pub fn abs(self) -> Money {
        Money(self.0.abs())
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The same value for arithmetic beyond sums.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, u32::from(SCALE))
    }

    /// Appends the decimal text with at least `digits` decimals (the currency's), more where they are needed.
    pub fn write(self, out: &mut Vec<u8>, digits: u8) {
        write_fixed(out, i128::from(self.0), SCALE, digits);
    }

    /// The decimal text with at least `digits` decimals.
    pub fn text(self, digits: u8) -> String {
        Total(i128::from(self.0)).text(digits)
    }
}

impl Neg for Money {
    type Output = Money;

    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text(2))
    }
}

/// A sum of any number of amounts: wide enough never to overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Total(i128);

impl Total {
    /// Nothing.
    pub const ZERO: Total = Total(0);

    /// From ten-thousandths of the major unit.
    pub const fn from_unscaled(unscaled: i128) -> Total {
        Total(unscaled)
    }

    /// Adds an amount.
    pub fn add(&mut self, amount: Money) {
        self.0 += i128::from(amount.0);
    }

    /// Takes another sum away.
    pub fn subtract(&mut self, other: Total) {
        self.0 -= other.0;
    }

    /// Adds another sum.
    pub fn add_total(&mut self, other: Total) {
        self.0 += other.0;
    }

    /// As an amount, `None` beyond 18 digits.
    pub fn to_money(self) -> Option<Money> {
        i64::try_from(self.0).ok().and_then(Money::from_unscaled)
    }

    /// The decimal text with at least `digits` decimals.
    pub fn text(self, digits: u8) -> String {
        let mut out = Vec::with_capacity(24);
        write_fixed(&mut out, self.0, SCALE, digits);
        out.iter().map(|byte| char::from(*byte)).collect()
    }
}

impl From<Money> for Total {
    fn from(amount: Money) -> Total {
        Total(i128::from(amount.0))
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text(2))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Result<String, NumberError> {
        Money::parse(text).map(|money| money.text(2))
    }

    #[test]
    fn every_spelling_of_one_amount_is_the_same_amount() {
        for text in ["9194.5", "9194.50", "9194.500000000000000000000", "+9194.5", "09194.5", "91945e-1", "9.1945E+3"] {
            assert_eq!(parsed(text).as_deref(), Ok("9194.50"), "{text}");
        }
        for text in ["0", "-0", "0.0000000", "0e99", ".0", "0."] {
            assert_eq!(parsed(text).as_deref(), Ok("0.00"), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_held_is_refused_and_never_rounded() {
        let decimals = Err(NumberError::TooManyDecimals { held: 4 });
        let large = Err(NumberError::TooLarge { held: 18 });
        for (text, expected) in [
            ("9194.4999999999991", decimals.clone()),
            ("0.00001", decimals.clone()),
            ("1e-5", decimals),
            ("100000000000000", large.clone()),
            ("99999999999999.9999", Ok("99999999999999.9999".to_owned())),
            ("-99999999999999.9999", Ok("-99999999999999.9999".to_owned())),
            ("1e14", large.clone()),
            ("1e9999", large),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn words_and_separators_are_no_numbers() {
        for text in ["", "-", ".", "1,5", "1 000", "1_000", "NaN", "inf", "1e", "1e+", "1.2.3", "--1", "0x10", "１"] {
            assert_eq!(parsed(text), Err(NumberError::NotANumber), "{text}");
        }
    }

    #[test]
    fn decimals_follow_the_currency_and_grow_where_needed() {
        let text = |amount: &str, digits| Money::parse(amount).expect("fits").text(digits);
        assert_eq!(text("100", 0), "100");
        assert_eq!(text("100.5", 0), "100.5");
        assert_eq!(text("12.345", 2), "12.345");
        assert_eq!(text("-0.05", 2), "-0.05");
        assert_eq!(text("1.5", 3), "1.500");
    }

    proptest! {
        #[test]
        fn agrees_with_rust_decimal(unscaled in -UNSCALED_MAX..=UNSCALED_MAX, scale in 0_u32..=4) {
            let decimal = Decimal::new(unscaled, scale);
            let ours = Money::parse(&decimal.to_string());
            match ours {
                Ok(money) => prop_assert_eq!(money.to_decimal(), decimal),
                Err(error) => {
                    prop_assert_eq!(error, NumberError::TooLarge { held: 18 });
                    prop_assert!(decimal.abs() >= Decimal::from_str_exact("100000000000000").expect("a number"));
                }
            }
        }

        #[test]
        fn text_reads_back(unscaled in -UNSCALED_MAX..=UNSCALED_MAX, digits in 0_u8..=4) {
            let money = Money::from_unscaled(unscaled).expect("within 18 digits");
            prop_assert_eq!(Money::parse(&money.text(digits)), Ok(money));
        }

        #[test]
        fn text_is_what_rust_decimal_writes(unscaled in -UNSCALED_MAX..=UNSCALED_MAX, shift in 0..18_u32, digits in 0_u8..=4) {
            let unscaled = unscaled / 10_i64.pow(shift);
            let mut expected = Decimal::new(unscaled, 4).normalize();
            if expected.scale() < u32::from(digits) {
                expected.rescale(u32::from(digits));
            }
            let money = Money::from_unscaled(unscaled).expect("within 18 digits");
            prop_assert_eq!(money.text(digits), expected.to_string());
        }

        #[test]
        fn no_text_panics(text in "[-+0-9.eE]{0,80}") {
            let _ = Money::parse(&text);
        }
    }
}
