//! The books of `sample-data/books`: made here, so that the program carries them wherever it runs, and checked in, so
//! that they can be read. A test holds the two together.

use super::books::Books;
use super::files;
use super::generator::{FaultKind, Place, Planted, Recipe, plant_at};
use super::ledger::Ledger;
use crate::Result;
use crate::record::{Day, Window};

/// Decides everything about the sample that is left to chance.
const SEED: u64 = 20_261_031;

/// The days of the sample: three months that hold the clock change of 2026-10-25.
///
/// # Panics
/// Never: the days exist.
pub fn window() -> Window {
    let day = |text| Day::parse(text).expect("a day of the calendar");
    Window::new(day("2026-08-01"), day("2026-10-31")).expect("runs upwards")
}

/// The sample as the provider spells it.
pub fn books() -> Books {
    ledger().0.books()
}

/// The three faults that stand in the sample; README.md of `sample-data` describes them.
pub fn planted() -> Vec<Planted> {
    ledger().1
}

/// Writes the sample as files under `folder/books`.
///
/// # Errors
/// When the file system refuses.
pub fn write(folder: &std::path::Path) -> Result<()> {
    files::write(&books(), &folder.join("books"))
}

/// The sample's ledger with its faults, and what they are.
///
/// # Panics
/// Never: the seed is fixed, and a test makes the sample.
pub fn ledger() -> (Ledger, Vec<Planted>) {
    let recipe = Recipe { rows_per_card: 150, rows_per_account: 120, ..Recipe::small(SEED, window()) };
    let mut ledger = recipe.ledger();
    let faults = [
        (FaultKind::Drop, 0, Some(1), 40),
        (FaultKind::BalanceAltered, 1, Some(0), 90),
        (FaultKind::Double, 1, None, 60),
    ];
    let planted = faults.map(|(kind, account, card, from)| plant_plainly(&mut ledger, kind, account, card, from));
    (ledger, planted.into())
}

/// Plants a fault at the first fit row from an index on that shares its second with no other and is off by ten or more:
/// a sample is to be read, and one reading is easier than two.
fn plant_plainly(ledger: &mut Ledger, kind: FaultKind, account: usize, card: Option<usize>, from: usize) -> Planted {
    for row in from.. {
        let mut trial = ledger.clone();
        let told = plant_at(&mut trial, kind, Place { account, card, row }, SEED);
        let is_plain = |told: &Planted| {
            let off = told.expected.zip(told.actual).map_or(0, |(expected, actual)| expected.abs_diff(actual));
            !told.tied && off >= 1_000
        };
        if let Some(told) = told.filter(is_plain) {
            *ledger = trial;
            return told;
        }
        assert!(row < from + 10_000, "a chain of the sample has a row fit for {kind:?}");
    }
    unreachable!("the loop returns or panics")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::record::Money;

    fn sample_data() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data")
    }

    fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("sample-data is checked in") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { files_below(&path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn the_files_checked_in_are_what_the_seed_makes() {
        let made = files::to_files(&books());
        let mut checked_in = Vec::new();
        files_below(&sample_data().join("books"), &mut checked_in);
        assert_eq!(checked_in.len(), made.len(), "files were added or left out");
        for (path, text) in made {
            let found = fs::read_to_string(sample_data().join("books").join(&path)).unwrap_or_default();
            assert!(found == text, "{path} differs; `tieout sandbox --write-sample-data sample-data` makes it again");
        }
    }

    #[test]
    fn the_files_read_back_as_the_same_books() {
        assert_eq!(files::read(&sample_data().join("books")).expect("readable"), books());
    }

    #[test]
    fn the_readme_names_the_three_faults() {
        let readme = fs::read_to_string(sample_data().join("README.md")).expect("checked in");
        let planted = planted();
        assert_eq!(planted.len(), 3);
        for told in planted {
            let money = |minor: Option<i64>| {
                Money::from_unscaled(minor.expect("a chain fault has balances") * 100).expect("fits").text(2)
            };
            let difference = told.actual.zip(told.expected).map(|(actual, expected)| actual - expected);
            for text in
                [told.owner_id, told.txid, told.break_txid, money(told.expected), money(told.actual), money(difference)]
            {
                assert!(readme.contains(&text), "{:?}: {text}", told.kind);
            }
        }
    }

    #[test]
    fn the_sample_is_small() {
        let bytes: usize = files::to_files(&books()).values().map(String::len).sum();
        assert!(bytes < 600_000, "{bytes} bytes");
    }
}
