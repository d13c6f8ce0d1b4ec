//! A share of the accounts, for fetches that one machine cannot finish in a night.
//!
//! An account is in one shard with all of its feeds and cards: every check compares rows of one account, so that shards
//! find together what a whole run finds. Which shard is told by a hash of `acc_id` alone: it does not move when other
//! accounts come or go, and is the same on every machine.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// Shards that accounts can be dealt to.
const SHARDS_MAX: u32 = 10_000;

/// The `number`th of `of` shards, counted from 1; written `2/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// Whether the account and its cards are in this shard.
    pub fn holds(self, acc_id: &str) -> bool {
        let digest = Sha256::digest(acc_id.as_bytes());
        let drawn = u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
        drawn % u64::from(self.of) == u64::from(self.number - 1)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        text.split_once('/')
            .and_then(|(k, n)| Some(Shard { number: number(k)?, of: number(n)? }))
            .filter(|shard| (1..=SHARDS_MAX).contains(&shard.of) && (1..=shard.of).contains(&shard.number))
            .ok_or_else(|| {
                format!("expected k/n with k from 1 to n and n up to {SHARDS_MAX}, such as 2/3, found \"{text}\"")
            })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Serialize for Shard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_shards_that_there_are_can_be_named() {
        for text in ["", "1", "/", "1/", "/3", "0/3", "4/3", "1/0", "+1/3", "1/3/3", " 1/3", "1/10001", "-1/3", "a/b"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert_eq!("2/3".parse::<Shard>().map(|shard| shard.to_string()), Ok("2/3".to_owned()));
    }

    /// What runs of other machines, and of last year, dealt out is not dealt otherwise.
    #[test]
    fn the_deal_never_changes() {
        let dealt = |acc_id: &str| {
            (1..=5).filter(|number| Shard { number: *number, of: 5 }.holds(acc_id)).collect::<Vec<u32>>()
        };
        assert_eq!(["1", "2", "3", "1000000", "", "Zürich"].map(dealt), DEALT_BY_FIVE);
    }

    const DEALT_BY_FIVE: [[u32; 1]; 6] = [[4], [2], [4], [4], [3], [4]];

    proptest! {
        #[test]
        fn every_account_is_in_exactly_one_shard(acc_id in ".*", of in 1_u32..50) {
            let holders = (1..=of).filter(|number| Shard { number: *number, of }.holds(&acc_id)).count();
            prop_assert_eq!(holders, 1);
        }
    }

    #[test]
    fn the_deal_is_even() {
        let mut counts = [0; 7];
        for account in 0..7_000 {
            for (count, number) in counts.iter_mut().zip(1..) {
                *count += i32::from(Shard { number, of: 7 }.holds(&account.to_string()));
            }
        }
        assert!(counts.iter().all(|count| (850..=1_150).contains(count)), "{counts:?}");
    }
}
