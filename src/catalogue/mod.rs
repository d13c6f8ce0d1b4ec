//! Every word that a report or an exit code uses, explained: checks, causes, exit codes, the provider's error codes.
//!
//! One declaration, from which `tieout explain`, `docs/breaks.md` and `docs/provider-anytime.md` are made.

mod documents;
mod entries;

use crate::breaks::{Cause, SEE_REJECTS};
use crate::provider::anytime::codes::{CODES, Code};

pub use documents::{breaks_document, provider_document};

/// What an entry explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A check of the books.
    Check,
    /// The cause of a break.
    Cause,
    /// An exit code.
    Exit,
    /// A code with which the provider refuses.
    Provider,
}

impl Kind {
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Kind; 4] = [Kind::Check, Kind::Cause, Kind::Exit, Kind::Provider];

    /// What stands before an entry's name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Check => "check",
            Kind::Cause => "cause",
            Kind::Exit => "exit code",
            Kind::Provider => "provider code",
        }
    }

    /// The title of its list.
    pub fn title(self) -> &'static str {
        match self {
            Kind::Check => "Checks (breaks.check): what must hold",
            Kind::Cause => "Causes (breaks.cause): the smallest explanation of a break",
            Kind::Exit => "Exit codes",
            Kind::Provider => "Error codes of anytime",
        }
    }
}

/// Something explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The word, or the code as it is printed.
    pub name: &'static str,
    /// Another name of it, such as the provider's exception; empty where there is none.
    pub alias: &'static str,
    /// What it means: for a check, what holds when it holds.
    pub means: &'static str,
    /// An example in a sentence; empty where none is needed.
    pub example: &'static str,
    /// What to do.
    pub advice: &'static str,
}

/// Everything that can be explained, by kind.
pub fn all() -> Vec<Entry> {
    entries::ENTRIES.into_iter().chain(CODES.iter().map(of_provider)).collect()
}

/// The entry of that name, in any case.
pub fn find(name: &str) -> Option<Entry> {
    all().into_iter().find(|entry| {
        entry.name.eq_ignore_ascii_case(name) || (!entry.alias.is_empty() && entry.alias.eq_ignore_ascii_case(name))
    })
}

/// What a break's cause means and what to do about it, for a place that shows the break.
pub fn of_cause(name: &str) -> Option<Entry> {
    find(name).filter(|entry| entry.kind == Kind::Cause)
}

/// What to do about a break of that cause, which its explanation may say better than the cause does.
pub fn advice_on(cause: &str, explanation: &str) -> Option<&'static str> {
    let is_rejected = cause == Cause::MissingEntry.name() && explanation.contains(SEE_REJECTS);
    of_cause(cause).map(|entry| if is_rejected { entries::REJECTED_ADVICE } else { entry.advice })
}

/// What to do about all breaks of a cause, of which these are the explanations.
pub fn advice_on_all<'e>(cause: &str, mut explanations: impl Iterator<Item = &'e str>) -> Option<&'static str> {
    let first = advice_on(cause, explanations.next()?)?;
    let differs = explanations.any(|explanation| advice_on(cause, explanation) != Some(first));
    Some(if differs { entries::SOME_REJECTED_ADVICE } else { first })
}

/// The command that prints the entry of that name.
pub fn command(name: &str) -> String {
    format!("tieout explain {name}")
}

/// The names that come nearest to one that is unknown, the nearest first.
pub fn nearest(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&known.to_lowercase(), &name);
    let names = all().into_iter().flat_map(|entry| [entry.name, entry.alias]).filter(|known| !known.is_empty());
    let mut found: Vec<(usize, &str)> = names
        .map(|known| (distance(known), known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()) / 2)
        .collect();
    found.sort_unstable();
    found.into_iter().take(3).map(|(_, known)| known).collect()
}

fn of_provider(code: &'static Code) -> Entry {
    Entry {
        kind: Kind::Provider,
        name: code.text,
        alias: code.exception,
        means: code.meaning,
        example: if code.retry { "It may pass: the request is tried again by itself." } else { "" },
        advice: code.advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaks::Check;
    use crate::cli::exit::Exit;

    fn names(kind: Kind) -> Vec<&'static str> {
        all().into_iter().filter(|entry| entry.kind == kind).map(|entry| entry.name).collect()
    }

    #[test]
    fn every_check_cause_and_exit_code_is_explained() {
        assert_eq!(names(Kind::Check), Check::ALL.map(Check::name));
        assert_eq!(names(Kind::Cause), Cause::ALL.map(Cause::name));
        assert_eq!(names(Kind::Exit), Exit::ALL.map(|exit| exit.code().to_string()));
        for code in &CODES {
            assert_eq!(code.text.parse(), Ok(code.code));
        }
        assert_eq!(names(Kind::Provider).len(), CODES.len());
    }

    #[test]
    fn no_name_stands_twice_and_none_is_without_words() {
        let entries = all();
        for (index, entry) in entries.iter().enumerate() {
            assert!(entries[..index].iter().all(|before| before.name != entry.name), "{}", entry.name);
            assert!(!entry.means.is_empty() && !entry.advice.is_empty(), "{}", entry.name);
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_slips_lead_to_the_nearest() {
        assert_eq!(find("BADRSASIGNATUREEXCEPTION").map(|entry| entry.name), Some("4010070"));
        assert_eq!(find("Missing_Entry").map(|entry| entry.kind), Some(Kind::Cause));
        assert_eq!(find(""), None);
        assert_eq!(nearest("mising_entry").first(), Some(&"missing_entry"));
        assert_eq!(nearest("4010071").first(), Some(&"4010070"));
        assert!(nearest("something else entirely, at length").is_empty());
    }
}
