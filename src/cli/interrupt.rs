//! Ctrl-C: says what is kept, then ends.
//!
//! A run may die at any moment and its directory stays whole, so that ending here is as good as anywhere. Only a commit
//! that is under way is waited for: whether it counts would otherwise be known to the next run alone.

use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use super::exit::Exit;
use super::printer;

static STAGE: AtomicU8 = AtomicU8::new(FETCHING);
static LISTENING: Once = Once::new();

const FETCHING: u8 = 0;
const RECONCILING: u8 = 1;
const COMMITTING: u8 = 2;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Pages are asked for and land.
    Fetching = FETCHING as isize,
    /// All has landed; rows are looked at.
    Reconciling = RECONCILING as isize,
    /// The results become visible.
    Committing = COMMITTING as isize,
}

/// Says where the run is.
pub fn at(stage: Stage) {
    STAGE.store(stage as u8, Ordering::Relaxed);
}

/// From now on Ctrl-C says what is kept, and ends the process with its code.
pub fn listen() {
    LISTENING.call_once(|| {
        // Without the thread, Ctrl-C ends the process as it does by default.
        let _ = std::thread::Builder::new().name("interrupt".to_owned()).spawn(wait);
    });
}

fn wait() {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let mut waited = false;
        while tokio::signal::ctrl_c().await.is_ok() {
            let told = match STAGE.load(Ordering::Relaxed) {
                COMMITTING if !waited => {
                    printer::note("the commit is under way: it is finished first; Ctrl-C again ends it at once");
                    waited = true;
                    continue;
                }
                COMMITTING => "interrupted in the commit: the next run of this directory finishes it or takes it back",
                RECONCILING => {
                    "interrupted: nothing committed; all that was fetched is kept: run the same command again, nobody is asked"
                }
                _ => "interrupted: nothing committed; landed pages are kept: run the same command again to go on",
            };
            printer::note(told);
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
}
