//! Which of a few amounts make up a sum.

use crate::record::{Money, Total};

/// Candidates of which subsets are summed up.
pub(super) const SUMMANDS_MAX: usize = 14;

/// Which summands make up a sum.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subset {
    /// None do.
    None,
    /// These do, and no others that differ from them in amount or day.
    One(Vec<usize>),
    /// Different ones do; all that stand in any of them.
    Several(Vec<usize>),
}

/// Looks at every subset of at least two summands, each an amount and its day.
pub(super) fn subset(target: Money, summands: &[(Money, i64)]) -> Subset {
    assert!(summands.len() <= SUMMANDS_MAX, "the candidates were cut off");
    let found = subsets(target, summands);
    let Some(first) = found.first() else { return Subset::None };
    let signature = |mask: u32| {
        let mut parts: Vec<(Money, i64)> = chosen(mask).map(|index| summands[index]).collect();
        parts.sort_unstable();
        parts
    };
    if found.iter().all(|mask| signature(*mask) == signature(*first)) {
        return Subset::One(chosen(*first).collect());
    }
    let all = found.iter().fold(0, |all, mask| all | mask);
    Subset::Several(chosen(all).collect())
}

/// The subsets that make up the target. Each sum of the one half is looked up among those of the other: that takes the root
/// of the time that trying each with each would take.
fn subsets(target: Money, summands: &[(Money, i64)]) -> Vec<u32> {
    let half = summands.len() / 2;
    let mut low = sums(&summands[..half]);
    low.sort_unstable();
    let mut found = Vec::new();
    for (sum, high_mask) in sums(&summands[half..]) {
        let mut rest = Total::from(target);
        rest.subtract(sum);
        let from = low.partition_point(|(sum, _)| *sum < rest);
        let fits = low[from..].iter().take_while(|(sum, _)| *sum == rest);
        found.extend(fits.map(|(_, low_mask)| high_mask << half | low_mask).filter(|mask| mask.count_ones() > 1));
    }
    found.sort_unstable();
    found
}

/// The sum of every subset, that of none first.
fn sums(summands: &[(Money, i64)]) -> Vec<(Total, u32)> {
    let mut sums = vec![(Total::ZERO, 0)];
    for (index, (amount, _)) in summands.iter().enumerate() {
        for known in 0..sums.len() {
            let (mut sum, mask) = sums[known];
            sum.add(*amount);
            sums.push((sum, mask | 1 << index));
        }
    }
    sums
}

fn chosen(mask: u32) -> impl Iterator<Item = usize> {
    (0..32_usize).filter(move |index| mask >> index & 1 == 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn amount(unscaled: i64) -> Money {
        Money::from_unscaled(unscaled).expect("small")
    }

    /// Every subset, tried one after the other.
    fn tried(target: Money, summands: &[(Money, i64)]) -> Vec<u32> {
        let sum = |mask: u32| {
            let mut sum = Total::ZERO;
            chosen(mask).for_each(|index| sum.add(summands[index].0));
            sum
        };
        (0..1_u32 << summands.len()).filter(|mask| mask.count_ones() > 1 && sum(*mask) == Total::from(target)).collect()
    }

    proptest! {
        #[test]
        fn all_that_make_up_the_sum_are_found(
            summands in prop::collection::vec((-9_i64..0, 0_i64..3), 0..10), target in -40_i64..0
        ) {
            let summands: Vec<(Money, i64)> = summands.into_iter().map(|(sum, day)| (amount(sum), day)).collect();
            prop_assert_eq!(subsets(amount(target), &summands), tried(amount(target), &summands));
        }
    }

    #[test]
    fn subsets_that_differ_in_nothing_are_one() {
        let summands = [(amount(-1), 0), (amount(-2), 0), (amount(-1), 0), (amount(-7), 0)];
        assert_eq!(subset(amount(-3), &summands), Subset::One(vec![0, 1]));
        assert_eq!(subset(amount(-8), &summands), Subset::One(vec![0, 3]));
        let on_other_days = [(amount(-1), 0), (amount(-2), 0), (amount(-1), 1), (amount(-7), 0)];
        assert_eq!(subset(amount(-3), &on_other_days), Subset::Several(vec![0, 1, 2]));
        assert_eq!((subset(amount(-7), &summands), subset(amount(-5), &[])), (Subset::None, Subset::None));
    }
}
