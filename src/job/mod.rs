//! The job: as it is written in TOML, and as it is resolved into a plan.

mod file;
pub mod plan;
mod problems;
mod section;

pub use file::{Overrides, load};
pub use plan::{Connection, KeySource, Limits, Output, Plan, Source};
