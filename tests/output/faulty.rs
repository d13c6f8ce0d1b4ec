//! A disk that fails or dies at a chosen step, and after its death has forgotten what was never synced.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tieout::output::{Access, Disk, DiskFile, LocalDisk};

/// What happens at the chosen step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The step fails, as on a full disk; those behind it work.
    Once,
    /// The step and all behind it fail.
    Onward,
    /// The machine dies before the step; `Loss` tells what the disk then still knows.
    Death(Loss),
}

/// What a disk forgets of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it.
    All,
    /// The later half of it.
    Half,
    /// Nothing.
    Nothing,
}

/// The disk.
#[derive(Debug, Clone)]
pub struct FaultyDisk(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    /// Holds what was removed or replaced, until that is on the disk.
    vault: PathBuf,
    fault: Option<(usize, Fault)>,
    steps: Vec<String>,
    is_dead: bool,
    /// What the disk does not know yet, in order.
    unsynced: Vec<Unsynced>,
}

#[derive(Debug)]
enum Unsynced {
    /// A file or folder that was made in `folder`.
    Made { folder: PathBuf, path: PathBuf },
    /// A name that was changed, and the file that had the new one before.
    Renamed { from: PathBuf, to: PathBuf, replaced: Option<PathBuf> },
    /// Names that were swapped.
    Swapped { a: PathBuf, b: PathBuf },
    /// A file or folder that was removed, and where it still is.
    Removed { folder: PathBuf, path: PathBuf, kept: PathBuf },
    /// Bytes that were written to a file.
    Written { file: File, inode: u64 },
}

impl FaultyDisk {
    /// A disk that does `fault` at its step of that number.
    pub fn new(vault: &Path, fault: Option<(usize, Fault)>) -> FaultyDisk {
        std::fs::create_dir_all(vault).expect("a vault");
        let vault = vault.to_owned();
        let inner = Inner { vault, fault, steps: Vec::new(), is_dead: false, unsynced: Vec::new() };
        FaultyDisk(Arc::new(Mutex::new(inner)))
    }

    /// The steps so far.
    pub fn steps(&self) -> Vec<String> {
        self.lock().steps.clone()
    }

    /// Brings the machine up again: the disk is as it was last synced, or partly so.
    pub fn reboot(&self) {
        let mut inner = self.lock();
        let Some((_, Fault::Death(loss))) = inner.fault else { return };
        if !inner.is_dead {
            return;
        }
        let unsynced = std::mem::take(&mut inner.unsynced);
        let kept = match loss {
            Loss::All => 0,
            Loss::Half => unsynced.len() / 2,
            Loss::Nothing => unsynced.len(),
        };
        unsynced.into_iter().skip(kept).rev().for_each(undo);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().expect("no test panics here")
    }
}

fn undo(change: Unsynced) {
    let done = match change {
        Unsynced::Made { path, .. } if path.is_dir() => std::fs::remove_dir_all(path),
        Unsynced::Made { path, .. } => std::fs::remove_file(path),
        Unsynced::Renamed { from, to, replaced } => {
            std::fs::rename(&to, from).and_then(|()| replaced.map_or(Ok(()), |kept| std::fs::rename(kept, to)))
        }
        Unsynced::Swapped { a, b } => LocalDisk.exchange(&a, &b),
        // A folder that is gone for good takes with it what was once in it.
        Unsynced::Removed { folder, .. } if !folder.exists() => Ok(()),
        Unsynced::Removed { path, kept, .. } => std::fs::rename(kept, path),
        // The file may be gone by now; its bytes do not matter then.
        Unsynced::Written { file, .. } => file.set_len(file.metadata().expect("open").len() / 2),
    };
    done.expect("what was done can be undone");
}

impl Inner {
    fn step(&mut self, what: &str, path: &Path) -> io::Result<()> {
        let number = self.steps.len();
        self.steps.push(format!("{what} {}", path.display()));
        match self.fault {
            _ if self.is_dead => Err(ErrorKind::Other.into()),
            Some((at, Fault::Once)) if at == number => Err(ErrorKind::StorageFull.into()),
            Some((at, Fault::Onward)) if at <= number => Err(ErrorKind::StorageFull.into()),
            Some((at, Fault::Death(_))) if at == number => {
                self.is_dead = true;
                Err(ErrorKind::Other.into())
            }
            _ => Ok(()),
        }
    }

    fn shelf(&self) -> PathBuf {
        self.vault.join(self.steps.len().to_string())
    }

    fn note_made(&mut self, path: &Path) {
        self.unsynced.push(Unsynced::Made { folder: parent(path), path: path.to_owned() });
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().expect("not the root").to_owned()
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.lock();
        inner.step("create", path)?;
        drop(LocalDisk.create(path, access)?);
        inner.note_made(path);
        let file = File::options().append(true).open(path)?;
        Ok(Box::new(FaultyFile { disk: self.clone(), path: path.to_owned(), file }))
    }

    fn create_folder(&self, path: &Path, access: Access) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("create folder", path)?;
        let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.exists()).collect();
        LocalDisk.create_folder(path, access)?;
        missing.into_iter().rev().for_each(|folder| inner.note_made(folder));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("rename to", to)?;
        let mut replaced = None;
        if to.is_file() {
            let shelf = inner.shelf();
            std::fs::hard_link(to, &shelf)?;
            replaced = Some(shelf);
        }
        LocalDisk.rename(from, to)?;
        let (from, to) = (from.to_owned(), to.to_owned());
        inner.unsynced.push(Unsynced::Renamed { from, to, replaced });
        Ok(())
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("exchange", b)?;
        LocalDisk.exchange(a, b)?;
        inner.unsynced.push(Unsynced::Swapped { a: a.to_owned(), b: b.to_owned() });
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.remove("remove file", path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.remove("remove folder", path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("sync folder", path)?;
        inner.unsynced.retain(|change| match change {
            Unsynced::Made { folder, .. } | Unsynced::Removed { folder, .. } => folder != path,
            // A file system that keeps a journal knows both sides of a rename or neither.
            Unsynced::Renamed { from: a, to: b, .. } | Unsynced::Swapped { a, b } => {
                a.parent() != Some(path) && b.parent() != Some(path)
            }
            Unsynced::Written { .. } => true,
        });
        Ok(())
    }
}

impl FaultyDisk {
    fn remove(&self, what: &str, path: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step(what, path)?;
        let kept = inner.shelf();
        std::fs::rename(path, &kept)?;
        inner.unsynced.push(Unsynced::Removed { folder: parent(path), path: path.to_owned(), kept });
        Ok(())
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: File,
}

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.disk.lock();
        inner.step("write", &self.path)?;
        let inode = self.file.metadata()?.ino();
        inner.unsynced.push(Unsynced::Written { file: self.file.try_clone()?, inode });
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for FaultyFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.disk.lock();
        inner.step("sync", &self.path)?;
        let synced = self.file.metadata()?.ino();
        inner.unsynced.retain(|change| !matches!(change, Unsynced::Written { inode, .. } if *inode == synced));
        Ok(())
    }
}
