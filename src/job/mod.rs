//! The job: as it is written in TOML, and as it is resolved into a plan.

mod directory;
mod file;
pub mod plan;
mod problems;
mod schema;
mod section;

pub use directory::{Places, output_directory, places};
pub use file::{Overrides, load};
pub use plan::{Connection, KeySource, Limits, Output, Plan, Source};
pub use schema::JobSchema;
