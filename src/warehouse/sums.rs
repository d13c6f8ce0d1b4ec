//! Control totals of a day, as a database and a manifest give them: comparable, exact, in ten-thousandths.

use std::collections::BTreeMap;
use std::fmt;

use crate::output::ManifestFile;
use crate::{Error, Result};

/// What the rows of a partition sum up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct DaySums {
    pub(super) rows: u64,
    /// Credits and debits of each currency, in ten-thousandths.
    pub(super) by_currency: BTreeMap<Option<String>, (i128, i128)>,
}

impl DaySums {
    /// What the manifest tells of a partition.
    ///
    /// # Errors
    /// When its totals are no numbers.
    pub(super) fn of(file: &ManifestFile) -> Result<DaySums> {
        let mut sums = DaySums { rows: file.rows.unwrap_or_default(), ..DaySums::default() };
        for total in &file.totals {
            let both = ten_thousandths(&total.credits).zip(ten_thousandths(&total.debits));
            let both = both.ok_or_else(|| {
                Error::environment("expected control totals in the manifest, found something else").at(&file.path)
            })?;
            sums.by_currency.insert(total.currency.clone(), both);
        }
        Ok(sums)
    }

    /// Adds the rows of one currency.
    pub(super) fn add(&mut self, currency: Option<String>, rows: u64, credits: i128, debits: i128) {
        self.rows += rows;
        self.by_currency.insert(currency, (credits, debits));
    }
}

impl fmt::Display for DaySums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows", self.rows)?;
        for (currency, (credits, debits)) in &self.by_currency {
            let currency = currency.as_deref().unwrap_or("of no currency");
            write!(f, ", {} and {} {currency}", decimal(*credits), decimal(*debits))?;
        }
        Ok(())
    }
}

/// A decimal text with up to four decimals, in ten-thousandths; `None` when it is something else.
pub(super) fn ten_thousandths(text: &str) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = !whole.is_empty() && (whole.bytes().chain(fraction.bytes())).all(|byte| byte.is_ascii_digit());
    if !is_number || fraction.len() > 4 {
        return None;
    }
    let fraction = format!("{fraction:0<4}");
    let scaled = whole.parse::<i128>().ok()?.checked_mul(10_000)?.checked_add(fraction.parse().ok()?)?;
    Some(sign * scaled)
}

fn decimal(ten_thousandths: i128) -> String {
    let sign = if ten_thousandths < 0 { "-" } else { "" };
    let unsigned = ten_thousandths.unsigned_abs();
    let (whole, fraction) = (unsigned / 10_000, unsigned % 10_000);
    let fraction = format!("{fraction:04}");
    let shown = fraction.trim_end_matches('0');
    format!("{sign}{whole}.{shown:0<2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_read_exactly_and_shown_again() {
        for (text, value) in [("0.00", 0), ("-0.01", -100), ("199999999999999.9998", 1_999_999_999_999_999_998)] {
            assert_eq!(ten_thousandths(text), Some(value));
            assert_eq!(decimal(value), text);
        }
        assert_eq!(ten_thousandths("12"), Some(120_000));
        for none in ["", "-", ".5", "1.23456", "1e3", "+1", "1.2.3", "NaN"] {
            assert_eq!(ten_thousandths(none), None, "{none}");
        }
    }
}
