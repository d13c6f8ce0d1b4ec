//! A disk on which every step can fail, and whose power can be cut at any of them.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use tieout::output::{Access, Disk, DiskFile, LocalDisk, Scratch};
use tieout::sandbox::generator::Random;

use super::model::{Loss, Model};

/// What happens at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails; those behind it work.
    Once(ErrorKind),
    /// It and all behind it fail.
    Onward(ErrorKind),
    /// A write takes half of what it is given, as the system may at any time. Other steps are as ever.
    Short,
    /// The power is cut before the step, a write being half done.
    Death,
}

/// The disk. Copies are the same disk.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    model: Model,
    fault: Option<(usize, Fault)>,
    steps: Vec<String>,
    is_dead: bool,
    can_exchange: bool,
    /// The state file as a power cut may leave it, beside as it is.
    old_state: Option<(PathBuf, Vec<u8>)>,
    watch: Option<Watch>,
    /// What a reader saw that nobody should.
    sights: Vec<String>,
}

/// Looks at what readers see, after a step that touched this path.
pub struct Watch(pub Box<Look>);

type Look = dyn Fn(&Path) -> Result<(), String> + Send + Sync;

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Watch")
    }
}

impl SimDisk {
    /// A disk below a folder, with all that lies there safe on it.
    pub fn new(root: &Path) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(Inner {
            root: root.to_owned(),
            model: Model::of(root),
            fault: None,
            steps: Vec::new(),
            is_dead: false,
            can_exchange: true,
            old_state: None,
            watch: None,
            sights: Vec::new(),
        })))
    }

    /// Names cannot be swapped on it.
    pub fn without_exchange(&self) {
        self.lock().can_exchange = false;
    }

    /// Has somebody look after every step that changes names.
    pub fn watch(&self, watch: Watch) {
        self.lock().watch = Some(watch);
    }

    /// Counts steps from here on, and does `fault` at the step of that number.
    pub fn arm(&self, fault: Option<(usize, Fault)>) {
        let mut inner = self.lock();
        inner.fault = fault;
        inner.steps.clear();
    }

    /// The steps since it was armed.
    pub fn steps(&self) -> Vec<String> {
        self.lock().steps.clone()
    }

    /// Whether the power is off.
    pub fn is_dead(&self) -> bool {
        self.lock().is_dead
    }

    /// What a reader saw that nobody should.
    pub fn sights(&self) -> Vec<String> {
        self.lock().sights.clone()
    }

    /// Cuts the power and brings the machine up again, with what the disk then holds in another folder.
    pub fn reboot(&self, loss: Loss, random: &mut Random, to: &Path) -> SimDisk {
        let mut inner = self.lock();
        inner.is_dead = true;
        let model = std::mem::replace(&mut inner.model, Model::nothing());
        let lost_state = inner.old_state.take().filter(|_| match loss {
            Loss::All => true,
            Loss::Nothing => false,
            Loss::Tail | Loss::Coins => random.chance(500),
        });
        model.cut_power(loss, random, to);
        let place = Path::new("out/tieout.db");
        let state = match lost_state {
            Some((_, before)) => Some(before),
            None => std::fs::read(inner.root.join(place)).ok(),
        };
        if let Some(bytes) = state {
            std::fs::create_dir_all(to.join("out")).expect("a folder");
            std::fs::write(to.join(place), bytes).expect("a file");
        }
        let can_exchange = inner.can_exchange;
        drop(inner);
        let disk = SimDisk::new(to);
        disk.lock().can_exchange = can_exchange;
        disk
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no test panics here")
    }
}

impl Inner {
    fn step(&mut self, what: &str, path: &Path) -> io::Result<bool> {
        let number = self.steps.len();
        let below = path.strip_prefix(&self.root).unwrap_or(path);
        self.steps.push(format!("{what} {}", below.display()));
        match self.fault {
            _ if self.is_dead => Err(ErrorKind::Other.into()),
            Some((at, Fault::Once(kind))) if at == number => Err(kind.into()),
            Some((at, Fault::Onward(kind))) if at <= number => Err(kind.into()),
            Some((at, Fault::Short)) => Ok(at == number),
            Some((at, Fault::Death)) if at == number => {
                self.is_dead = true;
                Err(ErrorKind::Other.into())
            }
            _ => Ok(false),
        }
    }

    fn look(&mut self, path: &Path) {
        if let Some(watch) = &self.watch
            && let Err(sight) = (watch.0)(path.strip_prefix(&self.root).unwrap_or(path))
        {
            let last = self.steps.last().cloned().unwrap_or_default();
            self.sights.push(format!("after '{last}': {sight}"));
        }
    }
}

impl Disk for SimDisk {
    fn create(&self, path: &Path, access: Access) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.lock();
        inner.step("create", path)?;
        drop(LocalDisk.create(path, access)?);
        let number = inner.model.create(path);
        let file = File::options().append(true).open(path)?;
        Ok(Box::new(SimFile { disk: self.clone(), path: path.to_owned(), file, number }))
    }

    fn reopen(&self, path: &Path, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.lock();
        inner.step("reopen", path)?;
        drop(LocalDisk.reopen(path, bytes)?);
        let number = inner.model.reopen(path, usize::try_from(bytes).expect("small"));
        let file = File::options().append(true).open(path)?;
        Ok(Box::new(SimFile { disk: self.clone(), path: path.to_owned(), file, number }))
    }

    fn create_folder(&self, path: &Path, access: Access) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("create folder", path)?;
        LocalDisk.create_folder(path, access)?;
        inner.model.create_folder(path);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("rename to", to)?;
        LocalDisk.rename(from, to)?;
        inner.model.rename(from, to);
        inner.look(to);
        Ok(())
    }

    fn exchange(&self, a: &Path, b: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("exchange", b)?;
        if !inner.can_exchange {
            return Err(ErrorKind::Unsupported.into());
        }
        LocalDisk.exchange(a, b)?;
        inner.model.exchange(a, b);
        inner.look(b);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("remove file", path)?;
        LocalDisk.remove_file(path)?;
        inner.model.remove(path);
        inner.look(path);
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("remove folder", path)?;
        LocalDisk.remove_folder(path)?;
        inner.model.remove(path);
        inner.look(path);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("sync folder", path)?;
        if path.starts_with(&inner.root) && path.is_dir() {
            inner.model.sync_folder(path);
            let is_state = inner.old_state.as_ref().is_some_and(|(place, _)| place.parent() == Some(path));
            if is_state {
                inner.old_state = None;
            }
            return Ok(());
        }
        LocalDisk.sync_folder(path)
    }

    fn scratch(&self, folder: &Path) -> io::Result<Box<dyn Scratch>> {
        self.lock().step("scratch in", folder)?;
        let file = tempfile::tempfile_in(folder)?;
        Ok(Box::new(SimScratch { disk: self.clone(), folder: folder.to_owned(), file }))
    }

    fn before_transaction(&self, database: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.step("begin transaction", database)?;
        inner.old_state = Some((database.to_owned(), std::fs::read(database)?));
        Ok(())
    }

    fn after_transaction(&self, database: &Path, is_lasting: bool) -> io::Result<()> {
        let mut inner = self.lock();
        if is_lasting {
            inner.old_state = None;
            // The database syncs the folder that it lies in.
            inner.model.sync_folder(database.parent().expect("a folder"));
        }
        inner.step("end transaction", database).map(|_| ())
    }
}

struct SimFile {
    disk: SimDisk,
    path: PathBuf,
    file: File,
    number: usize,
}

impl Write for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut inner = self.disk.lock();
        let was_dead = inner.is_dead;
        let (taken, refusal) = match inner.step("write", &self.path) {
            Ok(is_short) => (if is_short { bytes.len().div_ceil(2) } else { bytes.len() }, None),
            // What fails or dies in a write may have written some of it.
            Err(error) => (if was_dead { 0 } else { bytes.len() / 2 }, Some(error)),
        };
        self.file.write_all(&bytes[..taken])?;
        inner.model.append(self.number, &bytes[..taken]);
        refusal.map_or(Ok(taken), Err)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for SimFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.disk.lock();
        let was_dead = inner.is_dead;
        let stepped = inner.step("sync", &self.path);
        if !was_dead && !inner.is_dead {
            inner.model.sync_file(self.number, stepped.is_err());
        }
        stepped.map(|_| ())
    }
}

#[derive(Debug)]
struct SimScratch {
    disk: SimDisk,
    folder: PathBuf,
    file: File,
}

impl Scratch for SimScratch {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.lock().step("write scratch in", &self.folder)?;
        Scratch::write_all_at(&self.file, bytes, offset)
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.lock().step("read scratch in", &self.folder)?;
        Scratch::read_exact_at(&self.file, bytes, offset)
    }
}
