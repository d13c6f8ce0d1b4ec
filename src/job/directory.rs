//! Where a job's results lie, for commands that read them: they need none of the job's credentials.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// `[output] directory` of the job file at `path`, or its default. Nothing else of the file is looked at.
///
/// # Errors
/// When the file cannot be read or is not TOML.
pub fn output_directory(path: &Path) -> Result<PathBuf> {
    let source = std::fs::read_to_string(path).map_err(|error| {
        Error::job("the job file cannot be read")
            .at(path.display())
            .because(error)
            .hint("give the path of a TOML file such as jobs/nightly.toml, or a directory with --out")
    })?;
    let root: toml::Table = source.parse().map_err(|error: toml::de::Error| {
        Error::job("the job file is not TOML").at(path.display()).because(error.message().to_owned())
    })?;
    match root.get("output").and_then(|output| output.get("directory")) {
        None => Ok(PathBuf::from("out")),
        Some(toml::Value::String(directory)) => Ok(PathBuf::from(directory)),
        Some(_) => Err(Error::job("'directory' in [output] must be a text").at(path.display())),
    }
}
