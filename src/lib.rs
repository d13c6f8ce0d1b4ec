//! tieout: see the README.

pub mod breaks;
pub mod cli;
pub mod error;
pub mod job;
pub mod landing;
pub mod output;
pub mod pipeline;
pub mod provider;
pub mod reconcile;
pub mod record;
pub mod state;

pub use error::{Error, ErrorKind, Result};
