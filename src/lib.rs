//! tieout: see the README.

pub mod cli;
pub mod error;
pub mod job;
pub mod landing;
pub mod record;
pub mod sandbox;

pub use error::{Error, ErrorKind, Result};
