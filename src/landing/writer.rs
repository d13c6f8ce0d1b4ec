//! Writing the landing while pages come in.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;

use super::index::{EndLine, SetAsideLine};
use super::resume::{Interrupted, Resumed};
use super::{Archive, BalanceReading, Listing, Masked, ResponseId, RunLine, Shelf, Told};
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
    inner: Mutex<Inner>,
    resumed: Option<Resumed>,
}

#[derive(Debug)]
struct Inner {
    files: HashMap<Shelf, (File, u64)>,
    index: File,
    responses: Vec<Landed>,
    /// Where an earlier process of this run ended, by file.
    ends: HashMap<String, u64>,
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
    /// Opens the landing of a run below `root` (`out/raw`).
    ///
    /// # Errors
    /// When a folder or file cannot be made.
    pub fn create(root: &Path, run: &RunLine) -> Result<Landing> {
        make_folder(&root.join(RUNS_FOLDER))?;
        let index_path = root.join(RUNS_FOLDER).join(format!("{}.ndjson", run.run));
        let mut index = create_file(&index_path)?;
        write_line(&mut index, run)?;
        Ok(Landing {
            root: root.to_owned(),
            run_id: run.run.clone(),
            inner: Mutex::new(Inner { files: HashMap::new(), index, responses: Vec::new(), ends: HashMap::new() }),
            resumed: None,
        })
    }

    /// Goes on with the landing of a run that was interrupted. What its last moment left torn is cut off.
    ///
    /// # Errors
    /// When a file cannot be opened or cut.
    pub fn reopen(root: &Path, interrupted: Interrupted) -> Result<Landing> {
        let Interrupted { run, index_bytes, landed, resumed } = interrupted;
        let mut ends: HashMap<String, u64> = HashMap::new();
        for response in &landed {
            let end = response.offset + u64::from(response.stored_bytes);
            let known = ends.entry(response.file.clone()).or_default();
            *known = end.max(*known);
        }
        let index = open_at(&root.join(RUNS_FOLDER).join(format!("{run}.ndjson")), index_bytes)?;
        Ok(Landing {
            root: root.to_owned(),
            run_id: run,
            inner: Mutex::new(Inner { files: HashMap::new(), index, responses: landed, ends }),
            resumed: Some(resumed),
        })
    }

    /// What an interrupted run has landed already, if this goes on with one.
    pub fn resumed(&self) -> Option<&Resumed> {
        self.resumed.as_ref()
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
    pub fn append(
        &self,
        shelf: Shelf,
        request: &str,
        status: u16,
        at: DateTime<Utc>,
        masked: &Masked,
    ) -> Result<ResponseId> {
        let body = masked.bytes();
        let sha256 = format!("{:x}", Sha256::digest(body));
        let spans_lines = body.contains(&b'\n');
        let mut stored = body.to_vec();
        if !spans_lines {
            stored.push(b'\n');
        }
        let frame = compressed(&stored)?;
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        let response = ResponseId(u32::try_from(inner.responses.len()).expect("a run has fewer than 2^32 responses"));
        let (file, offset) = if spans_lines {
            let file = format!("{}/{}-{}.json.zst", shelf.folder(), self.run_id, response.0);
            make_folder(&self.root.join(shelf.folder()))?;
            write_all(&mut open_at(&self.root.join(&file), 0)?, &frame, &file)?;
            (file, 0)
        } else {
            self.append_frame(&mut inner, shelf, &frame)?
        };
        let landed = Landed {
            response,
            shelf: shelf.folder().to_owned(),
            file,
            offset,
            stored_bytes: u32::try_from(frame.len()).map_err(|_| Error::provider("a response is larger than 4 GiB"))?,
            bytes: u32::try_from(body.len()).map_err(|_| Error::provider("a response is larger than 4 GiB"))?,
            sha256,
            status,
            request: request.to_owned(),
            received_at: at.to_rfc3339_opts(SecondsFormat::Micros, true),
            masked: masked.values(),
        };
        write_line(&mut inner.index, &landed)?;
        inner.responses.push(landed);
        Ok(response)
    }

    fn append_frame(&self, inner: &mut Inner, shelf: Shelf, frame: &[u8]) -> Result<(String, u64)> {
        let name = format!("{}/{}.ndjson.zst", shelf.folder(), self.run_id);
        let (file, end) = match inner.files.entry(shelf) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(vacant) => {
                make_folder(&self.root.join(shelf.folder()))?;
                let end = inner.ends.get(&name).copied().unwrap_or(0);
                vacant.insert((open_at(&self.root.join(&name), end)?, end))
            }
        };
        write_all(file, frame, &name)?;
        let offset = *end;
        *end += frame.len() as u64;
        Ok((name, offset))
    }

    /// Notes a finished listing in the index. `asked` is the part of its requests that all its pages share.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_listing(&self, listing: &Listing, asked: &str) -> Result<()> {
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        write_line(&mut inner.index, &super::index::ListingLine::of(listing, asked))
    }

    /// Notes that a response which an interrupted run landed is asked for again, so that it counts no more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_set_aside(&self, response: ResponseId) -> Result<()> {
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        write_line(&mut inner.index, &SetAsideLine { set_aside: response })
    }

    /// Notes the responses that state an owner's balance.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_balance(&self, reading: &BalanceReading) -> Result<()> {
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        write_line(&mut inner.index, &super::index::BalanceLine::from(reading))
    }

    /// Ends the landing: everything that was asked for has been answered or given up. Forces it to the disk, the lines of
    /// which the end speaks before the end.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(&self, told: Told) -> Result<()> {
        let unsynced =
            |error: std::io::Error| Error::environment("landed responses could not be synced").because(error);
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        for (file, _) in inner.files.values() {
            file.sync_all().map_err(unsynced)?;
        }
        // Whoever was interrupted has synced nothing.
        for name in inner.ends.keys() {
            File::open(self.root.join(name)).and_then(|file| file.sync_all()).map_err(unsynced)?;
        }
        inner.index.sync_all().map_err(unsynced)?;
        write_line(&mut inner.index, &EndLine { end: self.run_id.clone(), told })?;
        inner.index.sync_all().map_err(unsynced)
    }

    /// All that has landed so far, in order.
    pub fn responses(&self) -> Vec<Landed> {
        self.inner.lock().expect("no thread panics while it holds the landing").responses.clone()
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

fn make_folder(path: &Path) -> Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Error::environment("a folder for landed responses could not be made").at(path.display()).because(error)
    })
}

fn create_file(path: &Path) -> Result<File> {
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(|error| {
        Error::environment("a file for landed responses could not be made").at(path.display()).because(error)
    })
}

/// Opens a file to be written from `end` on; what stands there goes.
fn open_at(path: &Path, end: u64) -> Result<File> {
    let mut file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(|error| {
            Error::environment("a file for landed responses could not be opened").at(path.display()).because(error)
        })?;
    file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end))).map_err(|error| {
        Error::environment("a file of landed responses could not be cut").at(path.display()).because(error)
    })?;
    Ok(file)
}

fn write_all(file: &mut File, bytes: &[u8], name: &str) -> Result<()> {
    file.write_all(bytes).map_err(|error| {
        Error::environment("a response could not be landed").at(name).because(error).hint("is the disk full?")
    })
}

fn write_line(file: &mut File, value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value).expect("the index holds only plain values");
    line.push(b'\n');
    write_all(file, &line, RUNS_FOLDER)
}
