//! A file on its way: counted and hashed while it is written, so that nothing has to be read back.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::disk::{Access, Disk, DiskFile, Refused};
use super::syncer::{Sync, Unsynced};
use crate::Result;
use crate::planted::{Bug, is_planted};

/// Bytes gathered before they are hashed and handed to the disk.
const BUFFER_BYTES: usize = 128 << 10;

/// How long a file is and what its content hashes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digested {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hex; of a private file, which nobody else reads, none.
    pub sha256: String,
}

/// A file below the transaction's folder that is being written.
pub(super) struct StagedFile {
    path: PathBuf,
    inner: BufWriter<Hashing>,
}

struct Hashing {
    file: Box<dyn DiskFile>,
    sha256: Option<Sha256>,
    bytes: u64,
}

impl StagedFile {
    /// Makes the file.
    pub(super) fn create(disk: &dyn Disk, path: PathBuf, access: Access) -> Result<StagedFile> {
        let file = disk.create(&path, access).or_refused("make a file", &path)?;
        let sha256 = (access == Access::Shared).then(Sha256::new);
        let hashing = Hashing { file, sha256, bytes: 0 };
        Ok(StagedFile { path, inner: BufWriter::with_capacity(BUFFER_BYTES, hashing) })
    }

    /// Makes a file that holds `bytes`, on the disk when this returns.
    pub(super) fn write_whole(disk: &dyn Disk, path: PathBuf, access: Access, bytes: &[u8]) -> Result<Digested> {
        let mut file = StagedFile::create(disk, path, access)?;
        file.append(bytes)?;
        file.finish()
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.inner.write_all(bytes).or_refused("write a file", &self.path)
    }

    /// Waits until it is on the disk.
    pub(super) fn finish(self) -> Result<Digested> {
        let (digested, unsynced) = self.close()?;
        unsynced.sync()?;
        Ok(digested)
    }

    /// Leaves it to `sync` to wait.
    pub(super) fn finish_behind(self, sync: &Sync) -> Result<Digested> {
        let (digested, unsynced) = self.close()?;
        sync.take(unsynced)?;
        Ok(digested)
    }

    fn close(self) -> Result<(Digested, Unsynced)> {
        let StagedFile { path, inner } = self;
        let hashing = inner.into_inner().map_err(io::IntoInnerError::into_error).or_refused("write a file", &path)?;
        let sha256 = hashing.sha256.map_or_else(String::new, |hash| format!("{:x}", hash.finalize()));
        Ok((Digested { bytes: hashing.bytes, sha256 }, Unsynced { file: hashing.file, path }))
    }
}

impl fmt::Debug for StagedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedFile").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Write for StagedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.file.write(bytes) {
            Err(_) if is_planted(Bug::FullDiskIgnored) => bytes.len(),
            written => written?,
        };
        if let Some(hash) = &mut self.sha256 {
            hash.update(&bytes[..written]);
        }
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
