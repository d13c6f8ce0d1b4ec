//! Bugs built in on purpose, one at a time, to see whether the harness finds them. They are there with the feature
//! `planted-bugs` only, which no other build has; without it [`is_planted`] is a constant.

/// A bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Bug {
    /// A staged file is not synced.
    FileNotSynced = 1,
    /// The folders of what is staged are not synced.
    FolderNotSynced,
    /// The journal appears before its bytes are on the disk.
    JournalNotSynced,
    /// The journal's own name is not waited for.
    DecisionNotSynced,
    /// The manifest is written before the partitions it should tell of.
    ManifestFirst,
    /// The state moves before the commit is decided.
    EarlyCheckpoint,
    /// A commit ends before the new names are on the disk.
    TargetsNotSynced,
    /// The state's own commit does not outlive a power cut.
    StateNotLasting,
    /// Recovery does not put files in their places.
    RecoverySkipsMoves,
    /// Recovery clears staged files away before it looks for a journal.
    RecoveryClearsFirst,
    /// A full disk is not noticed while writing.
    FullDiskIgnored,
    /// Old reports go before the new ones come.
    ReportsNotSwapped,
    /// A listing's last page is left out.
    LastPageLost,
    /// The row by which pages overlap counts twice.
    OverlapDoubled,
    /// Validation data are used twice.
    NonceReused,
    /// Amounts go through a float.
    AmountThroughFloat,
    /// The lock is not taken.
    LockNotTaken,
    /// Days are counted with the offset of half a day before.
    DayOffAtClockChange,
    /// A partition keeps the rows that a run replaces.
    PartitionAppended,
    /// Partitions come in no fixed order.
    OrderUnstable,
    /// A row that cannot be read is dropped in silence.
    RejectDropped,
}

/// Every bug.
pub const BUGS: [Bug; 21] = [
    Bug::FileNotSynced,
    Bug::FolderNotSynced,
    Bug::JournalNotSynced,
    Bug::DecisionNotSynced,
    Bug::ManifestFirst,
    Bug::EarlyCheckpoint,
    Bug::TargetsNotSynced,
    Bug::StateNotLasting,
    Bug::RecoverySkipsMoves,
    Bug::RecoveryClearsFirst,
    Bug::FullDiskIgnored,
    Bug::ReportsNotSwapped,
    Bug::LastPageLost,
    Bug::OverlapDoubled,
    Bug::NonceReused,
    Bug::AmountThroughFloat,
    Bug::LockNotTaken,
    Bug::DayOffAtClockChange,
    Bug::PartitionAppended,
    Bug::OrderUnstable,
    Bug::RejectDropped,
];

/// Whether this build has that bug now: never, without the feature.
#[cfg(not(feature = "planted-bugs"))]
#[inline]
pub(crate) const fn is_planted(_bug: Bug) -> bool {
    false
}

#[cfg(feature = "planted-bugs")]
pub(crate) use planting::is_planted;
#[cfg(feature = "planted-bugs")]
pub use planting::{ENVIRONMENT, plant};

#[cfg(feature = "planted-bugs")]
mod planting {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::{BUGS, Bug};

    /// Names the bug of a process that is started.
    pub const ENVIRONMENT: &str = "TIEOUT_PLANTED_BUG";

    static PLANTED: LazyLock<AtomicU8> = LazyLock::new(|| {
        let named = std::env::var(ENVIRONMENT).ok();
        let bug = named.and_then(|name| BUGS.into_iter().find(|bug| format!("{bug:?}") == name));
        AtomicU8::new(bug.map_or(0, |bug| bug as u8))
    });

    /// Whether this process has that bug now.
    pub(crate) fn is_planted(bug: Bug) -> bool {
        PLANTED.load(Ordering::SeqCst) == bug as u8
    }

    /// Gives this process a bug, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.store(bug.map_or(0, |bug| bug as u8), Ordering::SeqCst);
    }
}

/// What a careless reader of amounts makes of a text, in ten-thousandths.
#[allow(clippy::float_arithmetic, clippy::cast_possible_truncation, reason = "it is the bug")]
pub(crate) fn through_a_float(text: &str) -> Option<i64> {
    text.parse::<f64>().ok().map(|value| (value * 10_000.0).round() as i64)
}
