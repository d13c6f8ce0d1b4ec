//! What happens to numbers that people type: neighbours swapped, one digit wrong, the point moved.

use crate::record::Money;

/// The two digits that changed places, in their right order, where `posted` is `right` with two neighbours swapped.
pub(super) fn swapped(right: Money, posted: Money, digits: u8) -> Option<(char, char)> {
    let (right, posted) = texts(right, posted, digits)?;
    let differing: Vec<usize> = (0..right.len()).filter(|place| right[*place] != posted[*place]).collect();
    let [left, after] = differing[..] else {
        return None;
    };
    let swapped = after == left + 1 && right[left] == posted[after] && right[after] == posted[left];
    swapped.then(|| (char::from(right[left]), char::from(right[after])))
}

/// Whether exactly one digit differs.
pub(super) fn one_differs(right: Money, posted: Money, digits: u8) -> bool {
    texts(right, posted, digits)
        .is_some_and(|(right, posted)| right.iter().zip(&posted).filter(|(a, b)| a != b).count() == 1)
}

/// Whether the decimal point moved by one or two places.
pub(super) fn point_moved(right: Money, posted: Money) -> bool {
    let (right, posted) = (i128::from(right.unscaled()), i128::from(posted.unscaled()));
    right != 0 && [10, 100].iter().any(|by| right * by == posted || posted * by == right)
}

/// The digits of both in minor units, filled up to the same length; `None` where the signs differ.
fn texts(a: Money, b: Money, digits: u8) -> Option<(Vec<u8>, Vec<u8>)> {
    let (a, b) = (a.unscaled(), b.unscaled());
    if a.signum() != b.signum() || a == 0 {
        return None;
    }
    let step = 10_i64.pow(4 - u32::from(digits.min(4)));
    let step = if a % step == 0 && b % step == 0 { step } else { 1 };
    let (a, b) = ((a / step).unsigned_abs().to_string(), (b / step).unsigned_abs().to_string());
    let width = a.len().max(b.len());
    Some((format!("{a:0>width$}").into_bytes(), format!("{b:0>width$}").into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).expect("fits")
    }

    #[test]
    fn swapped_neighbours_are_found_and_nothing_else() {
        let swapped = |right, posted| swapped(money(right), money(posted), 2);
        assert_eq!(swapped("154.00", "145.00"), Some(('5', '4')));
        assert_eq!(swapped("-15.45", "-14.55"), Some(('5', '4')));
        assert_eq!(swapped("10.00", "1.00"), Some(('1', '0')));
        assert_eq!(swapped("154.00", "-145.00"), None);
        assert_eq!(swapped("154.00", "451.00"), None, "no neighbours");
        assert_eq!(swapped("154.00", "163.00"), None, "nine off is not enough");
    }

    #[test]
    fn slips_of_one_digit_or_of_the_point() {
        assert!(one_differs(money("12.34"), money("12.84"), 2));
        assert!(!one_differs(money("12.34"), money("13.84"), 2));
        assert!(point_moved(money("12.30"), money("123")));
        assert!(point_moved(money("1230"), money("12.3")));
        assert!(!point_moved(money("12.30"), money("-123")));
    }
}
