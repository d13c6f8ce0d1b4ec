//! Pairs things that differ in nothing but their moment: as many as possible, and then as close as possible.

/// Cells of the table for one cluster; a larger one is paired from its beginning to its end instead.
const CELLS_MAX: usize = 1 << 22;

/// Pairs the positions of two sides, each in ascending order, one to one and at most `apart_max` apart. As many pairs as
/// possible are made, and of all ways to make them one with the least sum of distances: two positions that cross can
/// always be uncrossed at no cost, so that only pairings in order need be looked at.
pub fn pair(left: &[i64], right: &[i64], apart_max: i64) -> Vec<(usize, usize)> {
    debug_assert!(left.is_sorted() && right.is_sorted(), "positions come in order");
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let (end_i, end_j) = cluster(left, right, i, j, apart_max);
        let found = best(&left[i..end_i], &right[j..end_j], apart_max);
        pairs.extend(found.into_iter().map(|(a, b)| (a + i, b + j)));
        (i, j) = (end_i, end_j);
    }
    pairs
}

/// The positions of `left` that were left over although, with equal right, one of those paired could have been; each
/// with the one that took its place. Pairs come in order on both sides, as [`pair`] gives them.
pub fn rivals(left: &[i64], right: &[i64], pairs: &[(usize, usize)], apart_max: i64) -> Vec<(usize, usize)> {
    let mut taken = vec![false; left.len()];
    for (i, _) in pairs {
        taken[*i] = true;
    }
    let mut found = Vec::new();
    for over in (0..left.len()).filter(|i| !taken[*i]) {
        let (from, to) = (left[over].saturating_sub(apart_max), left[over].saturating_add(apart_max));
        let near = &pairs[pairs.partition_point(|(_, j)| right[*j] < from)..];
        let mut near = near.iter().take_while(|(_, j)| right[*j] <= to);
        let equal = |(i, j): &&(usize, usize)| left[over].abs_diff(right[*j]) == left[*i].abs_diff(right[*j]);
        found.extend(near.find(equal).map(|(i, _)| (over, *i)));
    }
    found
}

/// Where the run of positions that begins at `i` and `j` ends: the next on either side is too far away to be paired.
fn cluster(left: &[i64], right: &[i64], i: usize, j: usize, apart_max: i64) -> (usize, usize) {
    let (mut end_i, mut end_j) = (i, j);
    let mut last = left[i].min(right[j]);
    loop {
        let next_left = left.get(end_i).copied().filter(|at| at.saturating_sub(last) <= apart_max);
        let next_right = right.get(end_j).copied().filter(|at| at.saturating_sub(last) <= apart_max);
        match (next_left, next_right) {
            (Some(at), Some(other)) if at <= other => (last, end_i) = (at, end_i + 1),
            (_, Some(at)) => (last, end_j) = (at, end_j + 1),
            (Some(at), None) => (last, end_i) = (at, end_i + 1),
            (None, None) => return (end_i, end_j),
        }
    }
}

fn best(left: &[i64], right: &[i64], apart_max: i64) -> Vec<(usize, usize)> {
    let width = right.len() + 1;
    if left.is_empty() || right.is_empty() {
        return Vec::new();
    }
    if (left.len() + 1).saturating_mul(width) > CELLS_MAX {
        return first_come(left, right, apart_max);
    }
    // Pairs made among the first i and j positions, and the sum of their distances with its sign turned.
    let mut table = vec![(0_u32, 0_i64); (left.len() + 1) * width];
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            table[i * width + j] = table[(i - 1) * width + j].max(table[i * width + j - 1]).max(paired(
                table[(i - 1) * width + j - 1],
                left[i - 1],
                right[j - 1],
                apart_max,
            ));
        }
    }
    let mut pairs = Vec::new();
    let (mut i, mut j) = (left.len(), right.len());
    while i > 0 && j > 0 {
        let here = table[i * width + j];
        if here == table[(i - 1) * width + j] {
            i -= 1;
        } else if here == table[i * width + j - 1] {
            j -= 1;
        } else {
            (i, j) = (i - 1, j - 1);
            pairs.push((i, j));
        }
    }
    pairs.reverse();
    pairs
}

fn paired((count, nearness): (u32, i64), left: i64, right: i64, apart_max: i64) -> (u32, i64) {
    match i64::try_from(left.abs_diff(right)) {
        Ok(apart) if apart <= apart_max => (count + 1, nearness.saturating_sub(apart)),
        _ => (0, i64::MIN),
    }
}

/// As many pairs as possible, though not always the closest.
fn first_come(left: &[i64], right: &[i64], apart_max: i64) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        let apart = left[i].saturating_sub(right[j]);
        if apart.abs() <= apart_max {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if apart < 0 {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_closest_are_paired_and_none_is_left_over_needlessly() {
        assert_eq!(pair(&[1, 3], &[3], 3), [(1, 0)]);
        assert_eq!(pair(&[1, 3], &[3, 4], 3), [(0, 0), (1, 1)]);
        assert_eq!(pair(&[1, 100], &[5, 101], 3), [(1, 1)]);
        assert_eq!(pair(&[], &[5], 3), []);
        assert_eq!(rivals(&[1, 3], &[2], &[(1, 0)], 3), [(0, 1)]);
        assert_eq!(rivals(&[1, 3], &[3], &[(1, 0)], 3), []);
    }

    /// Every pairing in order, tried one after the other.
    fn tried(left: &[i64], right: &[i64], apart_max: i64) -> (u32, i64) {
        let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_first(), right.split_first()) else {
            return (0, 0);
        };
        let skip = tried(left_rest, right, apart_max).max(tried(left, right_rest, apart_max));
        let apart = (a - b).abs();
        if apart > apart_max {
            return skip;
        }
        let (count, nearness) = tried(left_rest, right_rest, apart_max);
        skip.max((count + 1, nearness - apart))
    }

    proptest! {
        #[test]
        fn no_other_pairing_is_better(
            mut left in prop::collection::vec(0_i64..30, 0..7), mut right in prop::collection::vec(0_i64..30, 0..7),
            apart_max in 0_i64..9
        ) {
            left.sort_unstable();
            right.sort_unstable();
            let pairs = pair(&left, &right, apart_max);
            let apart = |(i, j): &(usize, usize)| (left[*i] - right[*j]).abs();
            prop_assert!(pairs.iter().all(|pair| apart(pair) <= apart_max));
            prop_assert!(pairs.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1));
            let count = u32::try_from(pairs.len()).expect("few");
            let sum: i64 = pairs.iter().map(apart).sum();
            prop_assert_eq!((count, -sum), tried(&left, &right, apart_max));
        }
    }
}
