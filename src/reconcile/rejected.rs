//! What rows that could not be taken name: none of that is missing.

use std::collections::HashSet;

use super::words;

/// Rows of a listing that could not be taken. All that their texts name is looked up, not read again for each question.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejected {
    is_any: bool,
    ids: HashSet<Box<str>>,
}

impl Rejected {
    /// Adds a row, as received.
    pub fn add(&mut self, raw: &str) {
        self.is_any = true;
        words::for_each_id(raw, |id| {
            if !self.ids.contains(id) {
                self.ids.insert(id.into());
            }
        });
    }

    /// Adds what another part of the listing has.
    pub fn extend(&mut self, more: Rejected) {
        self.is_any |= more.is_any;
        self.ids.extend(more.ids);
    }

    /// Whether every row could be taken.
    pub fn is_empty(&self) -> bool {
        !self.is_any
    }

    /// Whether one of the rows names `id`.
    pub(super) fn names(&self, id: &str) -> bool {
        self.ids.contains(words::id(id).as_str())
    }
}

impl<'a> FromIterator<&'a str> for Rejected {
    fn from_iter<I: IntoIterator<Item = &'a str>>(raws: I) -> Self {
        let mut rejected = Rejected::default();
        raws.into_iter().for_each(|raw| rejected.add(raw));
        rejected
    }
}
