//! What a disk surely holds, and what it only may: names and bytes that nobody waited for.
//!
//! POSIX promises little: bytes are safe when their file was synced, a name when its folder was. Until then each change
//! may have reached the disk or not, in any order, and a file may be shorter than it was or have holes. Two names that
//! change in one rename or exchange do so together: every file system that keeps a journal does that much.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tieout::sandbox::generator::Random;

/// How much of what nobody waited for a power cut takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it.
    All,
    /// Nothing: a killed process on a machine that lives on.
    Nothing,
    /// The later part of it: a file system that keeps order.
    Tail,
    /// Whatever a coin says, each change by itself.
    Coins,
}

impl Loss {
    /// Every kind.
    pub const ALL: [Loss; 4] = [Loss::All, Loss::Nothing, Loss::Tail, Loss::Coins];
}

/// A file system below one folder.
#[derive(Debug)]
pub struct Model {
    root: PathBuf,
    nodes: Vec<Node>,
    pending: Vec<Change>,
    stamp: u64,
}

#[derive(Debug)]
enum Node {
    Folder { live: BTreeMap<String, usize>, safe: Safe },
    File(FileNode),
}

/// A file: what it holds, how much of that is safe, and what it held before it was cut, if that may come back.
#[derive(Debug, Default)]
struct FileNode {
    bytes: Vec<u8>,
    safe: usize,
    is_lost: bool,
    before: Option<(Vec<u8>, usize)>,
}

/// What a name surely stands for, and since which change.
type Safe = BTreeMap<String, (Option<usize>, u64)>;

/// Names that change together: folder, name, and what the name stands for then.
#[derive(Debug)]
struct Change {
    stamp: u64,
    sets: Vec<(usize, String, Option<usize>)>,
}

const ROOT: usize = 0;

impl Model {
    /// What lies below `root` now, all of it safe.
    pub fn of(root: &Path) -> Model {
        let mut model = Model { root: root.to_owned(), ..Model::nothing() };
        model.scan(root, ROOT);
        model
    }

    /// An empty one, in the place of one that is gone.
    pub fn nothing() -> Model {
        Model { root: PathBuf::new(), nodes: vec![folder()], pending: Vec::new(), stamp: 0 }
    }

    fn scan(&mut self, path: &Path, at: usize) {
        for entry in path.read_dir().expect("a folder").map(|entry| entry.expect("an entry")) {
            let name = entry.file_name().into_string().expect("names are ASCII");
            if is_foreign(&name) {
                continue;
            }
            let is_folder = entry.file_type().expect("a type").is_dir();
            let node = if is_folder {
                folder()
            } else {
                let bytes = std::fs::read(entry.path()).expect("a file");
                Node::File(FileNode { safe: bytes.len(), bytes, ..FileNode::default() })
            };
            let number = self.add(node);
            let (live, safe) = self.names(at);
            live.insert(name.clone(), number);
            safe.insert(name, (Some(number), 0));
            if is_folder {
                self.scan(&entry.path(), number);
            }
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn names(&mut self, folder: usize) -> (&mut BTreeMap<String, usize>, &mut Safe) {
        match &mut self.nodes[folder] {
            Node::Folder { live, safe } => (live, safe),
            Node::File(_) => panic!("expected a folder, found a file"),
        }
    }

    fn find(&self, path: &Path) -> Option<usize> {
        let below = path.strip_prefix(&self.root).expect("all paths lie below the root");
        below.components().try_fold(ROOT, |at, part| match &self.nodes[at] {
            Node::Folder { live, .. } => live.get(part.as_os_str().to_str()?).copied(),
            Node::File(_) => None,
        })
    }

    fn place(&self, path: &Path) -> (usize, String) {
        let folder = self.find(path.parent().expect("not the root")).expect("a folder that is there");
        (folder, path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned())
    }

    fn change(&mut self, sets: Vec<(usize, String, Option<usize>)>) {
        for (folder, name, node) in &sets {
            let live = self.names(*folder).0;
            match node {
                Some(node) => live.insert(name.clone(), *node),
                None => live.remove(name),
            };
        }
        self.stamp += 1;
        self.pending.push(Change { stamp: self.stamp, sets });
    }

    /// A file was made; its number.
    pub fn create(&mut self, path: &Path) -> usize {
        let file = self.add(Node::File(FileNode::default()));
        let (folder, name) = self.place(path);
        self.change(vec![(folder, name, Some(file))]);
        file
    }

    /// A folder was made, and those above it.
    pub fn create_folder(&mut self, path: &Path) {
        if self.find(path).is_some() {
            return;
        }
        self.create_folder(path.parent().expect("the root is there"));
        let number = self.add(folder());
        let (above, name) = self.place(path);
        self.change(vec![(above, name, Some(number))]);
    }

    /// A name was changed.
    pub fn rename(&mut self, from: &Path, to: &Path) {
        let ((a, old), (b, new)) = (self.place(from), self.place(to));
        let node = self.find(from);
        self.change(vec![(a, old, None), (b, new, node)]);
    }

    /// Two names were swapped.
    pub fn exchange(&mut self, a: &Path, b: &Path) {
        let (first, second) = (self.find(a), self.find(b));
        let ((a, old), (b, new)) = (self.place(a), self.place(b));
        self.change(vec![(a, old, second), (b, new, first)]);
    }

    /// A file was removed, or a folder with all that is in it, name by name.
    pub fn remove(&mut self, path: &Path) {
        let Some(node) = self.find(path) else { return };
        if let Node::Folder { live, .. } = &self.nodes[node] {
            let names: Vec<String> = live.keys().cloned().collect();
            for name in names {
                self.remove(&path.join(name));
            }
        }
        let (folder, name) = self.place(path);
        self.change(vec![(folder, name, None)]);
    }

    /// A file was cut to its first `length` bytes, to be written on; its number. Until it is synced, what was cut off may
    /// come back, and then what was written since is gone.
    pub fn reopen(&mut self, path: &Path, length: usize) -> usize {
        let number = self.find(path).expect("a file that is there");
        if let Node::File(file) = &mut self.nodes[number]
            && length < file.bytes.len()
        {
            file.before.get_or_insert_with(|| (file.bytes.clone(), file.safe));
            file.bytes.truncate(length);
            file.safe = file.safe.min(length);
        }
        number
    }

    /// Bytes were appended.
    pub fn append(&mut self, file: usize, more: &[u8]) {
        if let Node::File(file) = &mut self.nodes[file] {
            file.bytes.extend_from_slice(more);
        }
    }

    /// A file was synced, or could not be. After a failure the system has dropped the bytes, and later says they are safe.
    pub fn sync_file(&mut self, file: usize, is_refused: bool) {
        if let Node::File(file) = &mut self.nodes[file] {
            file.is_lost |= is_refused;
            if !file.is_lost {
                (file.safe, file.before) = (file.bytes.len(), None);
            }
        }
    }

    /// A folder was synced: the changes of its names are safe, with both sides of each.
    pub fn sync_folder(&mut self, path: &Path) {
        let folder = self.find(path).expect("a folder that is there");
        let touches = |change: &Change| change.sets.iter().any(|(touched, _, _)| *touched == folder);
        let synced: Vec<Change> = self.pending.extract_if(.., |change| touches(change)).collect();
        for change in synced {
            self.make_safe(change);
        }
    }

    fn make_safe(&mut self, change: Change) {
        for (folder, name, node) in change.sets {
            let slot = self.names(folder).1.entry(name).or_insert((None, 0));
            // An older change of the same name is past.
            if slot.1 < change.stamp {
                *slot = (node, change.stamp);
            }
        }
    }

    /// Cuts the power: writes what the disk then holds to a new folder.
    pub fn cut_power(mut self, loss: Loss, random: &mut Random, to: &Path) {
        let pending = std::mem::take(&mut self.pending);
        let kept = random.index(pending.len() + 1);
        for (number, change) in pending.into_iter().enumerate() {
            let survives = match loss {
                Loss::All => false,
                Loss::Nothing => true,
                Loss::Tail => number < kept,
                Loss::Coins => random.chance(500),
            };
            if survives {
                self.make_safe(change);
            }
        }
        self.write(ROOT, to, loss, random, 0);
    }

    fn write(&self, node: usize, to: &Path, loss: Loss, random: &mut Random, depth: usize) {
        assert!(depth < 20, "a folder lies within itself");
        match &self.nodes[node] {
            Node::Folder { safe, .. } => {
                std::fs::create_dir_all(to).expect("a folder");
                for (name, (node, _)) in safe {
                    if let Some(node) = node {
                        self.write(*node, &to.join(name), loss, random, depth + 1);
                    }
                }
            }
            Node::File(file) => std::fs::write(to, survivors(file, loss, random)).expect("a file"),
        }
    }
}

/// What is left of a file.
fn survivors(FileNode { bytes, safe, before, .. }: &FileNode, loss: Loss, random: &mut Random) -> Vec<u8> {
    let safe = *safe;
    match before {
        _ if loss == Loss::Nothing => return bytes.clone(),
        Some((before, safe)) if loss == Loss::All => return before[..*safe].to_vec(),
        Some((before, _)) if random.chance(300) => return before.clone(),
        _ => {}
    }
    let kept = if loss == Loss::All { 0 } else { random.index(bytes.len() - safe + 1) };
    let mut left = bytes[..safe + kept].to_vec();
    if kept > 0 && random.chance(300) {
        // The length reached the disk, a block did not.
        let hole = safe + random.index(kept);
        let end = left.len().min(hole + 512);
        left[hole..end].fill(0);
    }
    left
}

fn folder() -> Node {
    Node::Folder { live: BTreeMap::new(), safe: BTreeMap::new() }
}

/// What is written past the disk: the lock, and the state file, which the database keeps whole by itself.
fn is_foreign(name: &str) -> bool {
    name == "lock" || name.starts_with("tieout.db")
}
