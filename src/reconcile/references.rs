//! What lines say of transfers: the references of executions that stand in their texts.

use std::collections::{HashMap, HashSet};

use super::facts::{LineFact, TransferFact};
use super::words;

/// A shorter reference is found in too many texts: it counts only together with the amount.
const REFERENCE_CHARS_MIN: usize = 6;
/// Pairs of transfers and lines that one reference may make: it is no name any more when it makes more.
const REFERENCE_SHARED_MAX: usize = 100_000;
/// An unknown id must be as long as this, and of the shape of the account's references, to name a transfer.
const UNKNOWN_CHARS_MIN: usize = 10;

/// The transfers that each line names. A short reference is believed only if the amount is the transfer's too; one that too
/// many transfers and lines share, such as the word that banks fill in where none was given, tells nothing.
pub(super) fn names(transfers: &[&TransferFact], lines: &[&LineFact]) -> Vec<Vec<usize>> {
    let mut by_reference: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, transfer) in transfers.iter().enumerate() {
        if let Some(reference) = transfer.reference.as_deref() {
            by_reference.entry(reference).or_default().push(index);
        }
    }
    let references: Vec<Vec<&str>> = lines.iter().map(|line| references_in(line, &by_reference)).collect();
    let mut lines_naming: HashMap<&str, usize> = HashMap::new();
    for reference in references.iter().flatten() {
        *lines_naming.entry(reference).or_default() += 1;
    }
    let named = |(line, references): (&&LineFact, &Vec<&str>)| {
        let mut all: Vec<usize> = Vec::new();
        for reference in references {
            let sharing = &by_reference[reference];
            let is_long = reference.chars().count() >= REFERENCE_CHARS_MIN;
            let fits = |transfer: &&usize| is_long || transfers[**transfer].amount == line.amount;
            if sharing.len() * lines_naming[reference] <= REFERENCE_SHARED_MAX {
                all.extend(sharing.iter().filter(fits));
            }
        }
        all.sort_unstable();
        all
    };
    lines.iter().zip(&references).map(named).collect()
}

/// The references of transfers that a line names, each once.
fn references_in<'a>(line: &LineFact, by_reference: &HashMap<&'a str, Vec<usize>>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    let mut look_up = |id: &str| all.extend(by_reference.get_key_value(id).map(|(reference, _)| *reference));
    words::for_each_id(&line.text, &mut look_up);
    look_up(&words::id(&line.txid));
    all.sort_unstable();
    all.dedup();
    all
}

/// The references of an account's transfers.
pub(super) struct References<'a> {
    known: HashSet<&'a str>,
    /// What those that are long enough look like.
    shapes: HashSet<String>,
}

impl<'a> References<'a> {
    pub fn of(transfers: &[&'a TransferFact]) -> References<'a> {
        let known: HashSet<&str> = transfers.iter().filter_map(|transfer| transfer.reference.as_deref()).collect();
        let fits = |id: &&str| id.chars().count() >= UNKNOWN_CHARS_MIN && id.bytes().any(|byte| byte.is_ascii_digit());
        let shapes = known.iter().copied().filter(fits).map(words::shape).collect();
        References { known, shapes }
    }

    /// An id in a line's text that looks like a reference of this account, and is none that is listed.
    pub fn lacking(&self, line: &LineFact) -> Option<String> {
        let mut first: Option<String> = None;
        words::for_each_id(&line.text, |id| {
            let looks_so = self.shapes.contains(&words::shape(id)) && !self.known.contains(id);
            if looks_so && first.as_deref().is_none_or(|first| id < first) {
                first = Some(id.to_owned());
            }
        });
        first
    }
}

/// Transfers that are named together.
pub(super) struct Groups(Vec<usize>);

impl Groups {
    pub fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    pub fn root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    pub fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
