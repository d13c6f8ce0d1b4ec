//! `tieout sandbox`.

use clap::Args;

use super::exit::Exit;
use crate::{Error, Result};

/// sandbox
#[derive(Debug, Args)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// Always, until it is built.
pub fn execute(_arguments: &Arguments) -> Result<Exit> {
    Err(Error::usage("not built yet"))
}
