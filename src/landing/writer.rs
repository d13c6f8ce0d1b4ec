//! Writing the landing while pages come in.

use std::cell::RefCell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;

use super::index::{EndLine, SetAsideLine};
use super::resume::{Interrupted, Resumed};
use super::tail::{Tail, refused};
use super::{Archive, BalanceReading, Listing, Masked, ResponseId, RunLine, Shelf, Told};
use crate::output::{Access, Disk, Machine, WallClock};
use crate::{Error, Result};

/// Level at which pages shrink to about a tenth at the speed of a network.
const ZSTD_LEVEL: i32 = 3;
/// Folder of the indexes.
pub(super) const RUNS_FOLDER: &str = "_runs";

/// Where one run's responses land. Shared by all requests in flight.
#[derive(Debug)]
pub struct Landing {
    root: PathBuf,
    run_id: String,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn WallClock>,
    inner: Mutex<Inner>,
    resumed: Option<Resumed>,
}

#[derive(Debug)]
struct Inner {
    /// Files of responses, by their name.
    files: HashMap<String, Tail>,
    index: Tail,
    responses: Vec<Landed>,
}

/// Where a response stands, and what it answers.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub struct Landed {
    /// Its id.
    pub response: ResponseId,
    /// Its shelf's folder.
    pub shelf: String,
    /// File below the landing's root.
    pub file: String,
    /// Offset of its zstd frame.
    pub offset: u64,
    /// Bytes of the frame.
    pub stored_bytes: u32,
    /// Bytes as received.
    pub bytes: u32,
    /// SHA-256 (hex) of the bytes as received.
    pub sha256: String,
    /// HTTP status.
    pub status: u16,
    /// Method, path and query.
    pub request: String,
    /// When its last byte arrived.
    pub received_at: String,
    /// Card numbers and verification codes in it that were masked; `bytes` and `sha256` are those of the masked body.
    #[serde(default, skip_serializing_if = "is_none")]
    pub masked: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_none(values: &u32) -> bool {
    *values == 0
}

impl Landing {
    /// Opens the landing of a run below `root` (`out/raw`), on a machine.
    ///
    /// # Errors
    /// When a folder or file cannot be made.
    pub fn create(root: &Path, run: &RunLine, machine: &Machine) -> Result<Landing> {
        let disk = &*machine.disk;
        make_folder(disk, &root.join(RUNS_FOLDER))?;
        let mut index = Tail::create(disk, index_path(root, &run.run))?;
        index.append(disk, &line_of(run))?;
        let inner = Inner { files: HashMap::new(), index, responses: Vec::new() };
        Ok(Landing::new(root, run.run.clone(), machine, inner, None))
    }

    /// Goes on with the landing of a run that was interrupted. What its last moment left torn is cut off.
    pub fn reopen(root: &Path, interrupted: Interrupted, machine: &Machine) -> Landing {
        let Interrupted { run, index_bytes, landed, resumed } = interrupted;
        let files = ends(&landed).into_iter();
        let files = files.map(|(name, end)| (name.to_owned(), Tail::of(root.join(name), end))).collect();
        let index = Tail::of(index_path(root, &run), index_bytes);
        Landing::new(root, run, machine, Inner { files, index, responses: landed }, Some(resumed))
    }

    fn new(root: &Path, run_id: String, machine: &Machine, inner: Inner, resumed: Option<Resumed>) -> Landing {
        let Machine { disk, clock, .. } = machine.clone();
        Landing { root: root.to_owned(), run_id, disk, clock, inner: Mutex::new(inner), resumed }
    }

    /// What an interrupted run has landed already, if this goes on with one.
    pub fn resumed(&self) -> Option<&Resumed> {
        self.resumed.as_ref()
    }

    /// What the clock of the machine shows.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The run that lands here.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The folder below which responses land.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Lands one response body as received, but for what was masked, before anything reads it. `request` is method, path and query, free of
    /// secrets.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&self, shelf: Shelf, request: &str, status: u16, masked: &Masked) -> Result<ResponseId> {
        let body = masked.bytes();
        let sha256 = format!("{:x}", Sha256::digest(body));
        let spans_lines = body.contains(&b'\n');
        let mut stored = body.to_vec();
        if !spans_lines {
            stored.push(b'\n');
        }
        let frame = compressed(&stored)?;
        let too_large = |_| Error::provider("a response is larger than 4 GiB");
        let (stored_bytes, bytes) =
            (u32::try_from(frame.len()).map_err(too_large)?, u32::try_from(body.len()).map_err(too_large)?);
        let mut inner = self.lock();
        let response = ResponseId(u32::try_from(inner.responses.len()).expect("a run has fewer than 2^32 responses"));
        let file = if spans_lines {
            format!("{}/{}-{}.json.zst", shelf.folder(), self.run_id, response.0)
        } else {
            format!("{}/{}.ndjson.zst", shelf.folder(), self.run_id)
        };
        let offset = self.file(&mut inner, shelf, &file)?.append(&*self.disk, &frame)?;
        let landed = Landed {
            response,
            shelf: shelf.folder().to_owned(),
            file,
            offset,
            stored_bytes,
            bytes,
            sha256,
            status,
            request: request.to_owned(),
            received_at: self.clock.now().to_rfc3339_opts(SecondsFormat::Micros, true),
            masked: masked.values(),
        };
        let noted = inner.index.append(&*self.disk, &line_of(&landed));
        match inner.files.entry(landed.file.clone()) {
            // A response that the index does not name is none.
            Entry::Occupied(mut unnamed) if noted.is_err() => unnamed.get_mut().cut(offset),
            // Nothing comes behind a single response: its file need not be held open.
            Entry::Occupied(single) if spans_lines => drop(single.remove()),
            _ => {}
        }
        noted?;
        inner.responses.push(landed);
        Ok(response)
    }

    fn file<'i>(&self, inner: &'i mut Inner, shelf: Shelf, name: &str) -> Result<&'i mut Tail> {
        Ok(match inner.files.entry(name.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) => {
                make_folder(&*self.disk, &self.root.join(shelf.folder()))?;
                vacant.insert(Tail::create(&*self.disk, self.root.join(name))?)
            }
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no thread panics while it holds the landing")
    }

    fn note(&self, line: &impl Serialize) -> Result<()> {
        self.lock().index.append(&*self.disk, &line_of(line)).map(|_| ())
    }

    /// Notes a finished listing in the index. `asked` is the part of its requests that all its pages share.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_listing(&self, listing: &Listing, asked: &str) -> Result<()> {
        self.note(&super::index::ListingLine::of(listing, asked))
    }

    /// Notes that a response which an interrupted run landed is asked for again, so that it counts no more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_set_aside(&self, response: ResponseId) -> Result<()> {
        self.note(&SetAsideLine { set_aside: response })
    }

    /// Notes the responses that state an owner's balance.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_balance(&self, reading: &BalanceReading) -> Result<()> {
        self.note(&super::index::BalanceLine::from(reading))
    }

    /// Ends the landing: everything that was asked for has been answered or given up. Forces it to the disk, all of which
    /// the end speaks before the end.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(&self, told: Told) -> Result<()> {
        let (mut inner, disk) = (self.lock(), &*self.disk);
        let Inner { files, index, responses } = &mut *inner;
        make_lasting(disk, &self.root, responses, files)?;
        index.sync(disk)?;
        index.append(disk, &line_of(&EndLine { end: self.run_id.clone(), told }))?;
        index.sync(disk)
    }

    /// All that has landed so far, in order.
    pub fn responses(&self) -> Vec<Landed> {
        self.lock().responses.clone()
    }

    /// What has landed so far, to be read again.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn read_back(&self) -> Result<Archive> {
        Archive::of_landed(&self.root, &self.responses())
    }
}

/// As one zstd frame. A thread keeps its compressor: to set one up takes longer than a page takes to pack.
fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    thread_local! {
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    let unpacked = |error| Error::environment("a response could not be compressed").because(error);
    COMPRESSOR.with_borrow_mut(|kept| {
        let compressor = match kept {
            Some(compressor) => compressor,
            None => kept.insert(Compressor::new(ZSTD_LEVEL).map_err(unpacked)?),
        };
        compressor.compress(bytes).map_err(unpacked)
    })
}

/// Forces an ended landing of an earlier process to the disk: that one may have been killed before it did.
pub(super) fn settle(disk: &dyn Disk, root: &Path, run: &str, index_bytes: u64, responses: &[Landed]) -> Result<()> {
    make_lasting(disk, root, responses, &mut HashMap::new())?;
    Tail::of(index_path(root, run), index_bytes).sync(disk)
}

/// Waits until the responses and all names down to them and to the indexes are on the disk.
fn make_lasting(disk: &dyn Disk, root: &Path, responses: &[Landed], open: &mut HashMap<String, Tail>) -> Result<()> {
    for (name, end) in ends(responses) {
        match open.get_mut(name) {
            Some(file) => file.sync(disk)?,
            None => Tail::of(root.join(name), end).sync(disk)?,
        }
    }
    let shelves: BTreeSet<&str> = responses.iter().map(|response| response.shelf.as_str()).collect();
    let folders = shelves.into_iter().chain([RUNS_FOLDER]).map(|folder| root.join(folder));
    for folder in folders.chain([root.to_owned()]).chain(root.parent().map(Path::to_owned)) {
        disk.sync_folder(&folder)
            .map_err(|error| refused("a folder of the landing could not be synced", &folder, error))?;
    }
    Ok(())
}

/// Where the last response of each file ends.
fn ends(responses: &[Landed]) -> BTreeMap<&str, u64> {
    let mut ends = BTreeMap::new();
    for response in responses {
        let end = ends.entry(response.file.as_str()).or_default();
        *end = (response.offset + u64::from(response.stored_bytes)).max(*end);
    }
    ends
}

fn index_path(root: &Path, run: &str) -> PathBuf {
    root.join(RUNS_FOLDER).join(format!("{run}.ndjson"))
}

fn make_folder(disk: &dyn Disk, path: &Path) -> Result<()> {
    disk.create_folder(path, Access::Private)
        .map_err(|error| refused("a folder for landed responses could not be made", path, error))
}

fn line_of(value: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(value).expect("the index holds only plain values");
    line.push(b'\n');
    line
}
