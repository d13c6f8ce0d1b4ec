//! Waiting for the disk: many files at once, while other work goes on. One after the other, each would wait for a
//! journal of its own.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use super::disk::{DiskFile, Refused};
use crate::Result;
use crate::planted::{Bug, is_planted};

/// Files, or folders, that are waited for at once.
pub(super) const AT_ONCE: usize = 8;

/// A file that is written, but perhaps not on the disk yet.
pub(super) struct Unsynced {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) path: PathBuf,
}

impl Unsynced {
    /// Waits until it is on the disk.
    pub(super) fn sync(mut self) -> Result<()> {
        if is_planted(Bug::FileNotSynced) {
            return Ok(());
        }
        self.file.sync().or_refused("sync a file", &self.path)
    }
}

/// Takes files that are to be brought to the disk. On a machine of one thread it does so at once, so that every run takes
/// the same steps.
#[derive(Debug, Clone)]
pub(super) enum Sync {
    AtOnce,
    Behind(mpsc::Sender<Unsynced>),
}

/// Threads that wait for files.
#[derive(Debug)]
pub(super) struct Syncer {
    sync: Sync,
    waiting: Vec<JoinHandle<Result<()>>>,
}

impl Sync {
    /// Has a file brought to the disk: when [`Syncer::finish`] returns at the latest.
    pub(super) fn take(&self, file: Unsynced) -> Result<()> {
        match self {
            Sync::AtOnce => file.sync(),
            Sync::Behind(give) => {
                // Refused only when every thread has met an error, which `finish` tells.
                let _ = give.send(file);
                Ok(())
            }
        }
    }
}

impl Syncer {
    /// For a machine of that many threads.
    pub(super) fn new(threads: usize) -> Syncer {
        if threads <= 1 {
            return Syncer { sync: Sync::AtOnce, waiting: Vec::new() };
        }
        let (give, given) = mpsc::channel::<Unsynced>();
        let given = Arc::new(Mutex::new(given));
        let wait = || {
            let given = Arc::clone(&given);
            thread::spawn(move || {
                let next = || given.lock().unwrap_or_else(PoisonError::into_inner).recv();
                while let Ok(file) = next() {
                    file.sync()?;
                }
                Ok(())
            })
        };
        Syncer { sync: Sync::Behind(give), waiting: (0..AT_ONCE).map(|_| wait()).collect() }
    }

    /// Where files are handed over, on any thread.
    pub(super) fn sync(&self) -> &Sync {
        &self.sync
    }

    /// Waits for all of them. Nobody else may hold what [`Syncer::sync`] gave.
    ///
    /// # Errors
    /// The first one that the disk refused.
    pub(super) fn finish(&mut self) -> Result<()> {
        drop(std::mem::replace(&mut self.sync, Sync::AtOnce));
        let waited: Vec<Result<()>> = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect();
        waited.into_iter().collect()
    }
}
