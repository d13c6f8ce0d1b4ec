//! Eight bytes at once, as a number of 64 bits whose lowest byte is the first: most texts here are so short that this is
//! what takes least.

/// A byte eight times.
pub(crate) const fn eight(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// The high bit of each byte.
pub(crate) const HIGHS: u64 = eight(0x80);

/// The high bit of each byte that is zero; above the lowest one there may be false ones, and other bits anywhere.
#[inline]
pub(crate) const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(eight(1)) & !word
}

/// How many digits the eight bytes begin with.
#[inline]
pub(crate) const fn digits(word: u64) -> usize {
    let values = word ^ eight(b'0');
    // What is above 9 reaches the high bit, without a carry into the next byte.
    let others = (((values & !HIGHS) + eight(0x80 - 10)) | values) & HIGHS;
    others.trailing_zeros() as usize / 8
}

/// The number that eight digits spell. Other bytes give some number.
#[inline]
pub(crate) const fn value(digits: u64) -> u64 {
    // Pairs, then fours, then all: each time the higher half stands first.
    let pairs = (digits & eight(0x0f)).wrapping_mul(10 << 8 | 1) >> 8 & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100 << 16 | 1) >> 16 & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 << 32 | 1) >> 32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_the_number_that_they_spell(number in 0..100_000_000_u32) {
            let text = format!("{number:08}");
            let digits = text.as_bytes().first_chunk().expect("eight digits");
            prop_assert_eq!(value(u64::from_le_bytes(*digits)), u64::from(number));
        }

        #[test]
        fn digits_are_told_from_other_bytes(bytes: [u8; 8], digits_first in 0..=8_usize) {
            let mut bytes = bytes;
            bytes[..digits_first].iter_mut().for_each(|byte| *byte = b'0' + *byte % 10);
            let expected = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            prop_assert_eq!(digits(u64::from_le_bytes(bytes)), expected);
        }

        #[test]
        fn the_first_zero_is_found(bytes: [u8; 8]) {
            let found = zeros(u64::from_le_bytes(bytes)) & HIGHS;
            let expected = bytes.iter().position(|byte| *byte == 0).unwrap_or(8);
            prop_assert_eq!(found.trailing_zeros() as usize / 8, expected);
        }
    }
}
