//! A file of the landing that is written on at its end, and whole up to there whatever happens.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::output::{Access, Disk, DiskFile};
use crate::{Error, Result};

/// The file. What a refused write left of itself is cut off before the next.
pub(super) struct Tail {
    path: PathBuf,
    /// Open unless something was refused, or an earlier process wrote it.
    file: Option<Box<dyn DiskFile>>,
    bytes: u64,
}

impl Tail {
    /// Makes the file. One of that name that an earlier process left behind, of which nothing counts, is emptied.
    pub(super) fn create(disk: &dyn Disk, path: PathBuf) -> Result<Tail> {
        match disk.create(&path, Access::Private) {
            Ok(file) => Ok(Tail { path, file: Some(file), bytes: 0 }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Tail::of(path, 0)),
            Err(error) => Err(refused("a file for landed responses could not be made", &path, error)),
        }
    }

    /// A file that is there; only its first `bytes` count.
    pub(super) fn of(path: PathBuf, bytes: u64) -> Tail {
        Tail { path, file: None, bytes }
    }

    /// Writes behind what is there, and tells where that was.
    pub(super) fn append(&mut self, disk: &dyn Disk, bytes: &[u8]) -> Result<u64> {
        let mut file = self.open(disk)?;
        file.write_all(bytes)
            .map_err(|error| refused("a response could not be landed", &self.path, error).hint("is the disk full?"))?;
        let at = self.bytes;
        self.file = Some(file);
        self.bytes += bytes.len() as u64;
        Ok(at)
    }

    /// Takes back all behind `bytes`, before anything else is written.
    pub(super) fn cut(&mut self, bytes: u64) {
        self.file = None;
        self.bytes = bytes;
    }

    /// Waits until it is on the disk.
    pub(super) fn sync(&mut self, disk: &dyn Disk) -> Result<()> {
        let mut file = self.open(disk)?;
        file.sync().map_err(|error| refused("landed responses could not be synced", &self.path, error))?;
        self.file = Some(file);
        Ok(())
    }

    fn open(&mut self, disk: &dyn Disk) -> Result<Box<dyn DiskFile>> {
        match self.file.take() {
            Some(file) => Ok(file),
            None => disk
                .reopen(&self.path, self.bytes)
                .map_err(|error| refused("a file of landed responses could not be opened", &self.path, error)),
        }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

pub(super) fn refused(what: &str, path: &Path, error: io::Error) -> Error {
    Error::environment(what).at(path.display()).because(error)
}
