//! The job: as it is written in TOML, and as it is resolved into a plan.

mod directory;
mod file;
mod hidden;
mod operations;
pub mod plan;
mod problems;
mod schema;
mod section;
mod shard;

pub use directory::{Places, output_directory, places};
pub use file::{Overrides, load};
pub use operations::{Operations, Scheduled, operations, scheduled};
pub use plan::{Connection, KeySource, Limits, Output, Plan, Source};
pub use schema::JobSchema;
pub use shard::Shard;
