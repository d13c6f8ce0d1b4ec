//! Decimal texts to scaled integers, exactly or not at all. The only place where a number's text is read.

use std::fmt;

use super::swar;

/// Longest text looked at: what fits the 18 digits of a column, with generous room for zeros and an exponent.
const TEXT_BYTES_MAX: usize = 64;

/// Why a text is not a number that can be held exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberError {
    /// Not a decimal number at all.
    NotANumber,
    /// More decimals (other than zeros) than the column holds.
    TooManyDecimals {
        /// Decimals the column holds.
        held: u8,
    },
    /// More digits than the column holds.
    TooLarge {
        /// Digits before the point that the column holds.
        whole: u8,
        /// Digits behind it.
        decimals: u8,
    },
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NumberError::NotANumber => f.write_str("expected a decimal number"),
            NumberError::TooManyDecimals { held } => {
                write!(f, "expected at most {held} decimals, as the column holds them: it is not rounded")
            }
            NumberError::TooLarge { whole, decimals } => write!(
                f,
                "expected at most {whole} digits before the point and {decimals} behind it, as the column holds them"
            ),
        }
    }
}

impl std::error::Error for NumberError {}

impl NumberError {
    /// More digits than a column with so many decimals holds.
    fn too_large(scale: u8) -> NumberError {
        NumberError::TooLarge { whole: PRECISION - scale, decimals: scale }
    }
}

/// A number as `unscaled × 10^-scale` of its column, and the decimals that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fixed {
    pub unscaled: i64,
    pub sent_decimals: u8,
}

/// Greatest absolute value of an 18-digit column.
pub(super) const UNSCALED_MAX: i64 = 999_999_999_999_999_999;
/// Digits of every decimal column.
pub(super) const PRECISION: u8 = 18;

/// Reads `text` as a decimal with `scale` decimals. Signs, leading zeros, a bare point at either end and an exponent
/// are understood; nothing is rounded, and separators, blanks and words are refused.
pub(super) fn parse_fixed(text: &str, scale: u8) -> Result<Fixed, NumberError> {
    match parse_plain(text.as_bytes(), scale) {
        Some(fixed) => Ok(fixed),
        None => parse_any(text, scale),
    }
}

/// The common case: four to eight bytes of digits with a point, behind a sign or none, and no more decimals than the column
/// holds. `None` leaves it to [`parse_any`], which reads the same in it.
fn parse_plain(bytes: &[u8], scale: u8) -> Option<Fixed> {
    const FACTORS: [i64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let (negative, text) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (first, last) = (text.first_chunk::<4>()?, text.last_chunk::<4>()?);
    // Behind as many zeros as make it eight. In the middle both have the same bytes.
    let before = 8 * u32::try_from(8_usize.checked_sub(text.len())?).ok()?;
    let zeros = swar::eight(b'0') & ((1 << before) - 1);
    let word = zeros | u64::from(u32::from_le_bytes(*first)) << before | u64::from(u32::from_le_bytes(*last)) << 32;
    let points = swar::zeros(word ^ swar::eight(b'.')) & swar::HIGHS;
    let (digits, decimals) = match points.trailing_zeros() {
        64 => (word, 0),
        // A point at an end is for the other to judge.
        high if high - 7 == before || high == 63 => return None,
        high => {
            let below = (1 << (high - 7)) - 1;
            ((word & below) << 8 | word & !(below << 8 | 0xff) | u64::from(b'0'), (63 - high) / 8)
        }
    };
    if swar::digits(digits) < 8 {
        return None;
    }
    let missing = u32::from(scale).checked_sub(decimals)?;
    let magnitude = swar::value(digits).cast_signed() * FACTORS.get(missing as usize)?;
    Some(Fixed { unscaled: if negative { -magnitude } else { magnitude }, sent_decimals: u8::try_from(decimals).ok()? })
}

fn parse_any(text: &str, scale: u8) -> Result<Fixed, NumberError> {
    let bytes = text.as_bytes();
    if bytes.len() > TEXT_BYTES_MAX {
        return Err(classify_long(bytes, scale));
    }
    let (negative, rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let mut mantissa = Mantissa::default();
    let mut position = 0;
    let mut seen_point = false;
    while let Some(&byte) = rest.get(position) {
        match byte {
            b'0'..=b'9' => mantissa.push(byte - b'0', seen_point).ok_or(NumberError::too_large(scale))?,
            b'.' if !seen_point => seen_point = true,
            b'e' | b'E' => break,
            _ => return Err(NumberError::NotANumber),
        }
        position += 1;
    }
    if !mantissa.any_digit {
        return Err(NumberError::NotANumber);
    }
    let exponent = match rest.get(position) {
        Some(_) => parse_exponent(&rest[position + 1..])?,
        None => 0,
    };
    let magnitude = mantissa.scaled_to(scale, exponent)?;
    let sent = i32::from(mantissa.decimals) - exponent;
    Ok(Fixed {
        unscaled: if negative { -magnitude } else { magnitude },
        sent_decimals: u8::try_from(sent.clamp(0, i32::from(scale))).unwrap_or(scale),
    })
}

/// Digits read so far. Trailing zeros are held back, so that `1.50000000000000000000` costs no digit.
#[derive(Default)]
struct Mantissa {
    value: i64,
    /// Decimals sent, zeros included.
    decimals: u8,
    /// Decimals of `value`.
    value_decimals: i32,
    /// Zeros seen since the last other digit, not yet in `value`.
    pending_zeros: u32,
    any_digit: bool,
}

impl Mantissa {
    /// `None` where the digits are more than any column holds.
    fn push(&mut self, digit: u8, after_point: bool) -> Option<()> {
        self.any_digit = true;
        if after_point {
            self.decimals += 1;
            self.value_decimals += 1;
        }
        if digit == 0 {
            self.pending_zeros += u32::from(self.value != 0);
            return Some(());
        }
        let shift = 10_i64.checked_pow(self.pending_zeros + 1);
        self.pending_zeros = 0;
        let shifted = shift.and_then(|shift| self.value.checked_mul(shift));
        self.value = shifted.and_then(|value| value.checked_add(i64::from(digit)))?;
        Some(())
    }

    /// The magnitude with exactly `scale` decimals.
    fn scaled_to(&self, scale: u8, exponent: i32) -> Result<i64, NumberError> {
        if self.value == 0 {
            return Ok(0);
        }
        let pending = i32::try_from(self.pending_zeros).expect("bounded by TEXT_BYTES_MAX");
        let shift = i32::from(scale) - (self.value_decimals - pending) + exponent;
        let Ok(shift) = u32::try_from(shift) else {
            return Err(NumberError::TooManyDecimals { held: scale });
        };
        10_i64
            .checked_pow(shift)
            .and_then(|factor| self.value.checked_mul(factor))
            .filter(|value| *value <= UNSCALED_MAX)
            .ok_or(NumberError::too_large(scale))
    }
}

fn parse_exponent(bytes: &[u8]) -> Result<i32, NumberError> {
    let (negative, digits) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 4 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NumberError::NotANumber);
    }
    let value = digits.iter().fold(0_i32, |value, digit| value * 10 + i32::from(digit - b'0'));
    Ok(if negative { -value } else { value })
}

/// A text too long to be looked at closely is either no number or one with too many digits.
fn classify_long(bytes: &[u8], scale: u8) -> NumberError {
    let numeric = bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    match (numeric, bytes.contains(&b'.')) {
        (false, _) => NumberError::NotANumber,
        (true, true) => NumberError::TooManyDecimals { held: scale },
        (true, false) => NumberError::too_large(scale),
    }
}

/// Appends `unscaled × 10^-scale` with at least `decimals_min` decimals, more only where they are not zero.
pub(super) fn write_fixed(out: &mut Vec<u8>, unscaled: i128, scale: u8, decimals_min: u8) {
    // Amounts fit 64 bits, whose arithmetic takes a fraction of the time; only sums of very many do not.
    if let Ok(narrow) = i64::try_from(unscaled) {
        return write_narrow(out, narrow, scale, decimals_min);
    }
    write_wide(out, unscaled, scale, decimals_min);
}

fn write_wide(out: &mut Vec<u8>, unscaled: i128, scale: u8, decimals_min: u8) {
    if unscaled < 0 {
        out.push(b'-');
    }
    let magnitude = unscaled.unsigned_abs();
    let mut buffer = itoa::Buffer::new();
    let factor = 10_u128.pow(u32::from(scale));
    out.extend_from_slice(buffer.format(magnitude / factor).as_bytes());
    let mut fraction = u64::try_from(magnitude % factor).expect("below the factor");
    let mut decimals = scale;
    while decimals > decimals_min && fraction % 10 == 0 {
        fraction /= 10;
        decimals -= 1;
    }
    if decimals == 0 {
        return;
    }
    out.push(b'.');
    let text = buffer.format(fraction).as_bytes();
    out.extend(std::iter::repeat_n(b'0', usize::from(decimals) - text.len()));
    out.extend_from_slice(text);
}

/// As [`write_fixed`]: from the last digit to the first, two at a time, into one small buffer.
fn write_narrow(out: &mut Vec<u8>, unscaled: i64, scale: u8, decimals_min: u8) {
    // A sign, a point, 19 digits and the zeros before them; behind them what need not be copied, but is copied faster than
    // so many bytes as there happen to be.
    const END: usize = 32;
    const COPIED: usize = 24;
    let mut text = [b'0'; END + COPIED];
    let (mut rest, mut decimals) = (unscaled.unsigned_abs(), scale);
    for (zeros, factor) in [(4, 10_000), (2, 100), (1, 10)] {
        while decimals >= decimals_min + zeros && rest % factor == 0 {
            rest /= factor;
            decimals -= zeros;
        }
    }
    let mut at = END;
    if decimals > 0 {
        let mut behind = decimals;
        while behind >= 2 {
            at -= 2;
            text[at..at + 2].copy_from_slice(&pair(rest % 100));
            rest /= 100;
            behind -= 2;
        }
        if behind == 1 {
            at -= 1;
            text[at] = pair(rest % 10)[1];
            rest /= 10;
        }
        at -= 1;
        text[at] = b'.';
    }
    while rest >= 10 {
        at -= 2;
        text[at..at + 2].copy_from_slice(&pair(rest % 100));
        rest /= 100;
    }
    // One digit at least stands before the point.
    if rest > 0 || at == END || text[at] == b'.' {
        at -= 1;
        text[at] = pair(rest)[1];
    }
    if unscaled < 0 {
        at -= 1;
        text[at] = b'-';
    }
    match text[at..].first_chunk::<COPIED>() {
        Some(padded) if END - at <= COPIED => {
            out.extend_from_slice(padded);
            out.truncate(out.len() - COPIED + END - at);
        }
        _ => out.extend_from_slice(&text[at..END]),
    }
}

/// The digits of a number below 100.
fn pair(number: u64) -> [u8; 2] {
    const PAIRS: &[u8; 200] = b"00010203040506070809101112131415161718192021222324252627282930313233343536373839\
        40414243444546474849505152535455565758596061626364656667686970717273747576777879\
        8081828384858687888990919293949596979899";
    let place = usize::try_from(number % 100).expect("below 100") * 2;
    [PAIRS[place], PAIRS[place + 1]]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn narrow_numbers_are_written_as_wide_ones(unscaled in -200_000_000..200_000_000_i64, scale in 0..=8_u8, min in 0..=8_u8) {
            for unscaled in [unscaled, unscaled / 10_000, unscaled / 100 * 100, unscaled / 1_000_000 * 1_000_000] {
                let (mut narrow, mut wide) = (Vec::new(), Vec::new());
                write_narrow(&mut narrow, unscaled, scale, min.min(scale));
                write_wide(&mut wide, unscaled.into(), scale, min.min(scale));
                prop_assert_eq!(String::from_utf8(narrow), String::from_utf8(wide));
            }
        }

        #[test]
        fn what_is_short_is_plain(whole in 0..100_000_u32, decimals in 1..=4_usize) {
            let text = format!("{whole}.{:0decimals$}", 7);
            let plain = parse_plain(text.as_bytes(), 4);
            prop_assert_eq!(plain.is_some(), (4..=8).contains(&text.len()), "{}", text);
        }

        #[test]
        fn what_is_plain_is_read_as_anything_is(text in "[-+]{0,2}[0-9]{0,9}[.eE]{0,2}[0-9]{0,9}", scale in 0..=8_u8) {
            if let Some(fixed) = parse_plain(text.as_bytes(), scale) {
                prop_assert_eq!(parse_any(&text, scale), Ok(fixed), "{}", text);
            }
        }
    }
}
