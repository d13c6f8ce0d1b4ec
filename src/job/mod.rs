//! The job: as it is written in TOML, and as it is resolved into a plan.

pub mod plan;

pub use plan::{Connection, Output, Plan, Source};
