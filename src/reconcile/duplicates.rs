//! The check `duplicate`: no txid stands twice for one owner.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// A txid that stands more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The row that stands first in the order given.
    pub first: u32,
    /// A further row with the same txid.
    pub again: u32,
}

/// Finds rows whose txid already stood. `txid` gives a row's id.
///
/// Ids that only grow (or only shrink) as numbers are seen to be unique without remembering any.
pub fn find_duplicates<'a>(rows: u32, txid: impl Fn(u32) -> &'a str) -> Vec<Duplicate> {
    if is_strictly_monotonic(rows, &txid) {
        return Vec::new();
    }
    let mut seen: HashMap<&str, u32, RandomState> =
        HashMap::with_capacity_and_hasher(rows as usize, RandomState::default());
    let mut found = Vec::new();
    for row in 0..rows {
        match seen.entry(txid(row)) {
            std::collections::hash_map::Entry::Occupied(first) => {
                found.push(Duplicate { first: *first.get(), again: row });
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(row);
            }
        }
    }
    found
}

fn is_strictly_monotonic<'a>(rows: u32, txid: &impl Fn(u32) -> &'a str) -> bool {
    let number = |row| canonical_number(txid(row));
    let Some(mut last) = (rows > 0).then(|| number(0)).flatten() else {
        return rows == 0;
    };
    let mut grows = None;
    for row in 1..rows {
        let Some(next) = number(row) else {
            return false;
        };
        let step = next > last;
        if next == last || *grows.get_or_insert(step) != step {
            return false;
        }
        last = next;
    }
    true
}

/// The number, if the text is the only way to write it: two different texts never give one number.
fn canonical_number(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    (plain && (text == "0" || !text.starts_with('0')))
        .then(|| text.bytes().fold(0, |value, byte| value * 10 + u64::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ids: &[&str]) -> Vec<(u32, u32)> {
        find_duplicates(u32::try_from(ids.len()).expect("few"), |row| ids[row as usize])
            .into_iter()
            .map(|duplicate| (duplicate.first, duplicate.again))
            .collect()
    }

    #[test]
    fn an_id_that_stands_twice_is_found_in_any_order() {
        assert_eq!(found(&["1", "2", "3"]), []);
        assert_eq!(found(&["9", "8", "7"]), []);
        assert_eq!(found(&["1", "2", "1"]), [(0, 2)]);
        assert_eq!(found(&["1", "2", "2", "2"]), [(1, 2), (1, 3)]);
        assert_eq!(found(&["a", "b", "a"]), [(0, 2)]);
        assert_eq!(found(&["1", "01"]), [], "two texts are two ids");
        assert_eq!(found(&["18446744073709551616", "0"]), []);
        assert_eq!(found(&[]), []);
    }
}
