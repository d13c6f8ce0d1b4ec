//! The output directory: one run at a time, and nothing half done left from the one before.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::commit::Committer;
use super::disk::{Access, Disk, Refused};
use super::machine::Machine;
use crate::planted::{Bug, is_planted};
use crate::state::State;
use crate::{Error, ErrorKind, Result};

/// The folder of what is nobody else's business.
const PRIVATE_FOLDER: &str = ".tieout";
const LOCK: &str = "lock";

/// An output directory, locked for as long as this (or a [`super::Publication`] begun in it) lives.
#[derive(Debug, Clone)]
pub struct OutputDir {
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) root: PathBuf,
    pub(super) private: PathBuf,
    pub(super) machine: Machine,
    pub(super) state: State,
    /// One commit at a time.
    pub(super) committing: Mutex<()>,
    /// The system lets go of the lock when the process ends, however it ends: a dead run never blocks.
    _lock: File,
}

impl OutputDir {
    /// Opens the directory, making it if it is missing, takes its lock, and finishes or clears away what an earlier run
    /// left half done.
    ///
    /// # Errors
    /// [`ErrorKind::Locked`] when another run holds it; [`ErrorKind::Environment`] when the disk refuses.
    pub fn open(path: &Path) -> Result<OutputDir> {
        OutputDir::open_on(path, Machine::default())
    }

    /// Opens the directory on a disk of one's own, such as one that fails on demand.
    ///
    /// # Errors
    /// As [`OutputDir::open`].
    pub fn open_with(path: &Path, disk: Arc<dyn Disk>) -> Result<OutputDir> {
        OutputDir::open_on(path, Machine { disk, ..Machine::default() })
    }

    /// Opens the directory on a machine of one's own.
    ///
    /// # Errors
    /// As [`OutputDir::open`].
    pub fn open_on(path: &Path, machine: Machine) -> Result<OutputDir> {
        let private = path.join(PRIVATE_FOLDER);
        make_root(&*machine.disk, path)?;
        machine.disk.create_folder(&private, Access::Private).or_refused("make a folder", &private)?;
        // Not by way of `disk`: the lock is no part of what a commit does, and must never be in doubt.
        let lock = take_lock(&private.join(LOCK), path)?;
        let state = State::open(path)?;
        let committing = Mutex::new(());
        let shared = Shared { root: path.to_owned(), private, machine, state, committing, _lock: lock };
        shared.committer().recover()?;
        Ok(OutputDir { shared: Arc::new(shared) })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.shared.root
    }

    /// What is remembered of earlier runs.
    pub fn state(&self) -> &State {
        &self.shared.state
    }

    /// What runs in it are done on.
    pub fn machine(&self) -> &Machine {
        &self.shared.machine
    }
}

impl Shared {
    pub(super) fn committer(&self) -> Committer<'_> {
        Committer {
            disk: &*self.machine.disk,
            threads: self.machine.threads,
            state: &self.state,
            out: &self.root,
            private: &self.private,
        }
    }
}

/// Makes the output directory if it is missing. A commit syncs it, but not what is above it: that is done here, and each
/// time, as whoever made the directory may not have come so far.
fn make_root(disk: &dyn Disk, path: &Path) -> Result<()> {
    let is_there = path.is_dir();
    if !is_there {
        disk.create_folder(path, Access::Shared).or_refused("make the output directory", path)?;
    }
    let root = path.canonicalize().or_refused("find the output directory", path)?;
    let Some(above) = root.parent() else { return Ok(()) };
    match disk.sync_folder(above) {
        // A directory that was made for us may stand in one that we may not read.
        Err(error) if is_there && error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        synced => synced.or_refused("sync a folder", above),
    }
}

fn take_lock(path: &Path, out: &Path) -> Result<File> {
    let mut lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .or_refused("make the lock", path)?;
    let taken = if is_planted(Bug::LockNotTaken) { Ok(()) } else { lock.try_lock() };
    match taken {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(held(&mut lock, out)),
        Err(TryLockError::Error(error)) => return Err(error).or_refused("take the lock", path),
    }
    // For whoever finds it taken.
    lock.set_len(0)
        .and_then(|()| lock.write_all(format!("{}\n", std::process::id()).as_bytes()))
        .or_refused("write the lock", path)?;
    Ok(lock)
}

fn held(lock: &mut File, out: &Path) -> Error {
    let mut text = String::new();
    // Its holder may be about to write its number.
    let _ = lock.take(32).read_to_string(&mut text);
    let holder = match text.trim() {
        "" => "another run".to_owned(),
        pid => format!("process {pid}"),
    };
    Error::new(ErrorKind::Locked, format!("{holder} is at work in this output directory"))
        .at(out.display())
        .hint("wait for it to end, or choose another directory with --out")
}
