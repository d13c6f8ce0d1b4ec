//! Exchange rates and fees.

use super::number::{NumberError, parse_fixed, write_fixed};

/// Decimals of every rate column.
const SCALE: u8 = 8;

/// An exact rate with up to eight decimals (`DECIMAL(18,8)`), which remembers how many of them were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    unscaled: i64,
    sent_decimals: u8,
}

impl Rate {
    /// Reads a decimal text exactly.
    ///
    /// # Errors
    /// When it is no number, has more than eight decimals that are not zero, or more than 18 digits.
    pub fn parse(text: &str) -> Result<Rate, NumberError> {
        parse_fixed(text, SCALE).map(|fixed| Rate { unscaled: fixed.unscaled, sent_decimals: fixed.sent_decimals })
    }

    /// From hundred-millionths, as the lake holds it.
    pub fn from_unscaled(unscaled: i64) -> Rate {
        Rate { unscaled, sent_decimals: 0 }
    }

    /// In hundred-millionths.
    pub const fn unscaled(self) -> i64 {
        self.unscaled
    }

    /// Whether it is exactly one.
    pub fn is_one(self) -> bool {
        self.unscaled == 10_i64.pow(u32::from(SCALE))
    }

    /// Appends the decimal text with the decimals that were sent.
    pub fn write(self, out: &mut Vec<u8>) {
        write_fixed(out, i128::from(self.unscaled), SCALE, self.sent_decimals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sent: &str) -> String {
        let mut out = Vec::new();
        Rate::parse(sent).expect("fits").write(&mut out);
        String::from_utf8(out).expect("digits")
    }

    #[test]
    fn rates_print_as_sent() {
        for sent in ["1.000000", "1.1", "0", "0.00735294", "162.5", "-0.5"] {
            assert_eq!(text(sent), sent);
        }
        assert_eq!(text("1.2500000000"), "1.25000000");
        assert_eq!(text("12e-1"), "1.2");
    }

    #[test]
    fn nine_decimals_are_refused() {
        assert_eq!(Rate::parse("0.123456789"), Err(NumberError::TooManyDecimals { held: 8 }));
    }
}
