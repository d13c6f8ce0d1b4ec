//! The files of a new job.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::provider::keypair::KeyPair;
use crate::{Error, Result};

/// Makes the job file's folder.
pub(super) fn make_folder_of(file: &Path) -> Result<()> {
    make_folder(file, 0o777)
        .map_err(|error| Error::environment("the job's folder could not be made").at(file.display()).because(error))
}

/// Writes the job file; over one that is there only if told so.
pub(super) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o644);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options
        .open(path)
        .and_then(|file| finish(file, bytes))
        .map_err(|error| Error::environment("the job file could not be written").at(path.display()).because(error))
}

/// Writes both halves, in a folder that is its owner's alone, each with its final mode from its first byte.
pub(super) fn write_key(path: &Path, pair: &KeyPair) -> Result<()> {
    let failed =
        |error: std::io::Error| Error::environment("the key could not be written").at(path.display()).because(error);
    make_folder(path, 0o700).map_err(failed)?;
    write_new(path, pair.private_pem.as_bytes(), 0o600).map_err(failed)?;
    write_new(&public_path(path), pair.public_pem.as_bytes(), 0o644).map_err(failed)
}

/// `id_rsa.pub.pem` beside `id_rsa.pem`.
fn public_path(private: &Path) -> PathBuf {
    private.with_extension("pub.pem")
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    finish(OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?, bytes)
}

fn finish(mut file: File, bytes: &[u8]) -> std::io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}

fn make_folder(file: &Path, mode: u32) -> std::io::Result<()> {
    match file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => DirBuilder::new().recursive(true).mode(mode).create(folder),
        None => Ok(()),
    }
}
