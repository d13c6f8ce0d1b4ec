//! Never lose, never double, never half: runs under every fault that a machine can throw at them, and bugs planted to see
//! whether the harness notices.
//!
//! Each check is a function that says what it found. In an ordinary build (`sound`) nothing may be found; with the feature
//! `planted-bugs` (`planted`), something must be, for every bug.

#![allow(missing_docs, clippy::missing_errors_doc, reason = "a test crate has no readers of its docs")]
#![allow(clippy::print_stdout, reason = "the figures of a run are its result")]
#![cfg_attr(feature = "planted-bugs", allow(dead_code, reason = "the planted build runs the smaller half"))]

mod amounts;
mod disk;
mod full_disk;
mod landing;
mod malformed;
mod model;
mod network;
mod order;
mod processes;
mod simulation;
mod state;
mod stories;
#[cfg(not(feature = "planted-bugs"))]
#[path = "../../fuzz/targets.rs"]
mod targets;
mod tiling;
mod truth;

#[cfg(feature = "planted-bugs")]
mod planted;
#[cfg(not(feature = "planted-bugs"))]
mod sound;

/// Whether the slow modes were asked for: `tests/all --long`.
#[cfg(not(feature = "planted-bugs"))]
fn is_long() -> bool {
    std::env::var_os("TIEOUT_LONG").is_some_and(|value| value == "1")
}
