//! ISO 4217: how many decimals a currency has.

use iso_currency::Currency;

/// Decimals shown for a currency that ISO 4217 does not know, or when the provider tells none.
pub const UNKNOWN_DIGITS: u8 = 2;

/// The minor-unit digits of an ISO 4217 code: 2 for EUR, 0 for JPY, 3 for BHD. Codes without a minor unit (gold, test
/// codes) and unknown codes count as [`UNKNOWN_DIGITS`].
pub fn minor_digits(code: Option<&str>) -> u8 {
    match code {
        Some("EUR" | "USD" | "GBP" | "CHF") => 2,
        Some(code) => Currency::from_code(code)
            .and_then(Currency::exponent)
            .and_then(|digits| u8::try_from(digits).ok())
            .unwrap_or(UNKNOWN_DIGITS),
        None => UNKNOWN_DIGITS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_follow_iso_4217() {
        for (code, digits) in [("EUR", 2), ("JPY", 0), ("BHD", 3), ("KWD", 3), ("CLF", 4), ("XXX", 2), ("eur", 2)] {
            assert_eq!(minor_digits(Some(code)), digits, "{code}");
        }
        assert_eq!(minor_digits(None), 2);
    }
}
