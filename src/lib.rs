//! tieout: see the README.

pub mod cli;
pub mod error;
pub mod job;
pub mod landing;
pub mod provider;
pub mod record;

pub use error::{Error, ErrorKind, Result};
