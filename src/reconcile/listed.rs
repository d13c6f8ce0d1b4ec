//! Names in a sentence: as many as a person reads.

/// Names told in full; of more, how many they are is told.
const NAMED_MAX: usize = 8;

/// The names one after the other, or the first of them and how many are left.
pub(super) fn listed(names: impl ExactSizeIterator<Item = String>) -> String {
    let left = names.len().saturating_sub(NAMED_MAX);
    let text = names.take(NAMED_MAX).collect::<Vec<_>>().join(", ");
    if left > 0 { format!("{text} and {left} more") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_would_read_is_counted() {
        let some = |count: usize| listed((0..count).map(|number| number.to_string()));
        assert_eq!((some(0), some(3)), (String::new(), "0, 1, 2".to_owned()));
        assert_eq!(some(8), "0, 1, 2, 3, 4, 5, 6, 7");
        assert_eq!(some(3_000), "0, 1, 2, 3, 4, 5, 6, 7 and 2992 more");
    }
}
