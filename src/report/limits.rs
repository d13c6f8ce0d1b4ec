//! How much of each thing a page holds. What is beyond is counted on the page and stands whole in the files beside it.

use crate::landing::Proof;
use crate::record::BreakRow;

/// Breaks told with the rows around them.
const BREAKS_IN_FULL_MAX: usize = 100;
/// Listings told one by one.
const LISTINGS_TOLD_MAX: usize = 200;

/// The most that a page holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Rows of the table of owners.
    pub owners: usize,
    /// Owners without breaks whose chart is drawn.
    pub charts: usize,
    /// Breaks with the rows around them.
    pub breaks: usize,
    /// Breaks named in a line of a list.
    pub lines: usize,
    /// Rejected rows.
    pub rejects: usize,
    /// Listings told one by one.
    pub listings: usize,
    /// Characters of a provider's text.
    pub text: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            owners: 1_000,
            charts: 50,
            breaks: BREAKS_IN_FULL_MAX,
            lines: 200,
            rejects: 100,
            listings: LISTINGS_TOLD_MAX,
            text: 400,
        }
    }
}

impl Limits {
    /// Half of each.
    pub(super) fn halved(self) -> Limits {
        Limits {
            owners: self.owners / 2,
            charts: self.charts / 2,
            breaks: self.breaks / 2,
            lines: self.lines / 2,
            rejects: self.rejects / 2,
            listings: self.listings / 2,
            text: (self.text / 2).max(40),
        }
    }

    /// Whether halving leaves nothing to halve.
    pub(super) fn is_least(self) -> bool {
        self.owners == 0
    }

    /// A text cut to what a page holds of it.
    pub(super) fn cut(self, text: &str) -> String {
        match text.char_indices().nth(self.text) {
            None => text.to_owned(),
            Some((end, _)) => format!("{}…", &text[..end]),
        }
    }
}

/// The places of the breaks that a page tells with the rows around them: open ones first, each in the order given.
pub fn shown_in_full(breaks: &[BreakRow]) -> Vec<usize> {
    let is_open = |place: &usize| breaks[*place].status == "open";
    let (mut open, rest): (Vec<usize>, Vec<usize>) = (0..breaks.len()).partition(is_open);
    open.extend(rest);
    open.truncate(BREAKS_IN_FULL_MAX);
    open
}

/// The places of the listings that a page tells one by one: those that are not proved first, each in the order given.
pub fn listings_told<'p>(proofs: impl IntoIterator<Item = &'p Proof>) -> Vec<usize> {
    let is_open = |(_, proof): &(usize, &Proof)| matches!(proof, Proof::Unproved { .. } | Proof::Failed { .. });
    let (open, rest): (Vec<_>, Vec<_>) = proofs.into_iter().enumerate().partition(is_open);
    open.into_iter().chain(rest).map(|(place, _)| place).take(LISTINGS_TOLD_MAX).collect()
}
