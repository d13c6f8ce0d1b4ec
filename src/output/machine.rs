//! What a run is done on: its disk, its clock, its dice and how much of it a run may take. A simulation brings its own,
//! and the same run does the same steps twice on it.

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::disk::{Disk, LocalDisk};

/// Packed rows that are held in memory before they go to a scratch file.
const HELD_BYTES_MAX: usize = 48 << 20;
/// Rows of one owner that are held as a whole.
const OWNER_ROWS_MAX: usize = 1 << 15;

/// The time of day.
pub trait WallClock: fmt::Debug + Send + Sync {
    /// What it shows.
    fn now(&self) -> DateTime<Utc>;
}

/// The system's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The machine of a run.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Where it commits to.
    pub disk: Arc<dyn Disk>,
    /// By which it starts and ends.
    pub clock: Arc<dyn WallClock>,
    /// Tells runs of one millisecond apart.
    pub dice: fn() -> u32,
    /// Threads at once. With one, the steps come in the same order every time.
    pub threads: usize,
    /// Bytes of packed rows in memory before they go to a scratch file.
    pub held_bytes_max: usize,
    /// About how many rows of one owner are held as a whole: an owner whose balances form a chain and who has more is
    /// processed in parts of a quarter of it.
    pub owner_rows_max: usize,
}

impl Machine {
    /// Bytes in memory of what is to be sealed, before they go to a scratch file.
    pub(super) fn sealed_bytes_max(&self) -> usize {
        self.held_bytes_max / 8
    }
}

impl Default for Machine {
    fn default() -> Self {
        Machine {
            disk: Arc::new(LocalDisk),
            clock: Arc::new(SystemClock),
            dice: rand::random::<u32>,
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
            held_bytes_max: HELD_BYTES_MAX,
            owner_rows_max: OWNER_ROWS_MAX,
        }
    }
}
