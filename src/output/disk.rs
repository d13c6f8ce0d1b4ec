//! The few things that a landing and a commit ask of a file system, behind a trait: a test can then fail or cut off any one
//! of them.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::{Error, Result};

/// Who may read what is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The user alone: files 0600, folders 0700.
    Private,
    /// Whom the user's umask lets: what reports and the lake are for.
    Shared,
}

/// Every step that changes the disk. What only reads goes past it: it cannot leave anything half done.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a file that is not there yet, for writing.
    ///
    /// # Errors
    /// When it is there already, or the disk refuses.
    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that is there, cut to its first `bytes`, to be written on behind them. The cut is no safer than a write:
    /// it is on the disk once the file was synced.
    ///
    /// # Errors
    /// When it is not there, or the disk refuses.
    fn reopen(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.set_len(bytes)?;
        file.seek(SeekFrom::Start(bytes))?;
        Ok(Box::new(file))
    }

    /// Makes a folder and those above it, as far as they are missing.
    ///
    /// # Errors
    /// When the disk refuses.
    fn create_folder(&self, path: &Path, access: Access) -> io::Result<()>;

    /// Gives a file or folder another name, in one step; a file of that name is replaced.
    ///
    /// # Errors
    /// When the disk refuses.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Swaps two names in one step.
    ///
    /// # Errors
    /// `Unsupported` where the file system cannot; otherwise when it refuses.
    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When the disk refuses, or it is not there.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder with all that is in it.
    ///
    /// # Errors
    /// When the disk refuses, or it is not there.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    ///
    /// # Errors
    /// When the disk refuses; what is on it is then unknown.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file without a name in a folder: it is gone when the process is, whatever happens.
    ///
    /// # Errors
    /// When the disk refuses.
    fn scratch(&self, folder: &Path) -> io::Result<Box<dyn Scratch>> {
        Ok(Box::new(tempfile::tempfile_in(folder)?))
    }

    /// The state file is about to change, in one transaction of its own. What refuses here keeps it as it is.
    ///
    /// # Errors
    /// When the disk refuses.
    fn before_transaction(&self, _database: &Path) -> io::Result<()> {
        Ok(())
    }

    /// The state file has changed. `is_lasting` tells whether the database waited until a power cut cannot undo it.
    ///
    /// # Errors
    /// When the disk refuses; the change is made all the same.
    fn after_transaction(&self, _database: &Path, _is_lasting: bool) -> io::Result<()> {
        Ok(())
    }
}

/// A file for what does not fit into memory.
pub trait Scratch: fmt::Debug + Send + Sync {
    /// Writes all of `bytes` from `offset` on.
    ///
    /// # Errors
    /// When the disk refuses.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Fills `bytes` with what stands from `offset` on.
    ///
    /// # Errors
    /// When the disk refuses, or fewer bytes are there.
    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Scratch for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, bytes, offset)
    }
}

/// A file that is being written.
pub trait DiskFile: Write + Send {
    /// Waits until all that was written is on the disk.
    ///
    /// # Errors
    /// When the disk refuses; what is on it is then unknown.
    fn sync(&mut self) -> io::Result<()>;
}

/// The machine's own file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

impl Disk for LocalDisk {
    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mode = if access == Access::Private { 0o600 } else { 0o666 };
        let file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path)?;
        Ok(Box::new(file))
    }

    fn create_folder(&self, path: &Path, access: Access) -> io::Result<()> {
        let mode = if access == Access::Private { 0o700 } else { 0o777 };
        DirBuilder::new().recursive(true).mode(mode).create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        use rustix::io::Errno;
        renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).map_err(|errno| match errno {
            // What kernels and file systems answer that do not know the flag.
            Errno::INVAL | Errno::NOSYS | Errno::NOTSUP => io::ErrorKind::Unsupported.into(),
            other => other.into(),
        })
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
}

impl DiskFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// Turns a refusal of the disk into an error that says what was tried and where.
pub(crate) trait Refused<T> {
    /// `doing` completes "could not …".
    fn or_refused(self, doing: &str, path: &Path) -> Result<T>;
}

impl<T> Refused<T> for io::Result<T> {
    fn or_refused(self, doing: &str, path: &Path) -> Result<T> {
        self.map_err(|error| refusal(error, doing, path))
    }
}

fn refusal(error: io::Error, doing: &str, path: &Path) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("free some space, then run the same command again")
        }
        io::ErrorKind::PermissionDenied => Some("check who owns the output directory and its mode"),
        io::ErrorKind::ReadOnlyFilesystem => Some("choose an output directory on a disk that can be written"),
        _ => None,
    };
    let refused = Error::environment(format!("could not {doing}")).at(path.display()).because(error);
    match hint {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}
