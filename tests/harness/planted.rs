//! The build with bugs: each must be found, and by what is told in a table.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tieout::planted::{BUGS, Bug, plant};

use super::simulation::{at_every_step, disturbances, simulate};
use super::{amounts, malformed, network, order, processes, stories, tiling};

/// What looks for a bug.
#[derive(Debug, Clone, Copy)]
enum Check {
    /// Seeds of the simulator.
    Seeds,
    /// Every step of one story.
    EveryStep(&'static str),
    /// The order of a commit's steps.
    Order,
    /// Stories against the books that they tell.
    Truth,
    /// The provider on loopback.
    Network,
    /// Eight starts.
    EightAtOnce,
    /// Python.
    Amounts,
    /// Clock changes.
    Tiling,
    /// Broken pages.
    Malformed,
}

/// The check that is there for a bug.
fn check_for(bug: Bug) -> Check {
    match bug {
        Bug::ManifestFirst => Check::Order,
        Bug::LastPageLost | Bug::PartitionAppended => Check::Truth,
        Bug::OverlapDoubled | Bug::NonceReused => Check::Network,
        Bug::AmountThroughFloat => Check::Amounts,
        Bug::LockNotTaken => Check::EightAtOnce,
        Bug::DayOffAtClockChange => Check::Tiling,
        Bug::RejectDropped => Check::Malformed,
        Bug::ReportsNotSwapped => Check::EveryStep("the past has changed"),
        _ => Check::Seeds,
    }
}

impl Check {
    /// What it finds.
    fn look(self, bug: Bug) -> Result<(), String> {
        match self {
            Check::Seeds => {
                let stories = stories::try_all(1)?;
                (0..3_000).try_for_each(|seed| simulate(&stories, seed).map(|_| ()))
            }
            Check::EveryStep(name) => at_every_step(&stories::one(name)?, &disturbances(false)).map(|_| ()),
            Check::Order => order::check(),
            Check::Truth => stories::try_all(1).map(|_| ()),
            Check::Network => (0..5).try_for_each(|seed| network::check(seed, false).map(|_| ())),
            Check::EightAtOnce => processes::eight_at_once(Some(&format!("{bug:?}"))),
            Check::Amounts => amounts::check(20_000, 1),
            Check::Tiling => tiling::check().map(|_| ()),
            Check::Malformed => {
                let pages = malformed::Pages::new();
                (0..200).try_for_each(|seed| malformed::check(&pages, seed))
            }
        }
    }
}

#[test]
fn every_planted_bug_is_found() {
    let mut table = String::from("| planted bug | found by | how it shows |\n| --- | --- | --- |\n");
    let mut missed = Vec::new();
    for bug in BUGS {
        let check = check_for(bug);
        plant(Some(bug));
        let found = catch_unwind(AssertUnwindSafe(|| check.look(bug)));
        plant(None);
        let how = match found {
            Ok(Ok(())) => {
                missed.push(bug);
                "NOT FOUND".to_owned()
            }
            Ok(Err(how)) => how,
            Err(_) => "a panic".to_owned(),
        };
        let how = how.lines().next().unwrap_or_default().replace('|', "/");
        let how: String = how.chars().take(150).collect();
        writeln!(table, "| {bug:?} | {check:?} | {how} |").expect("a text takes any text");
    }
    println!("{table}");
    assert!(missed.is_empty(), "not found: {missed:?}");
}
