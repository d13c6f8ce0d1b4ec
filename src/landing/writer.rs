//! Writing the landing while pages come in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::index::EndLine;
use super::{Archive, BalanceReading, Listing, ResponseId, RunLine, Shelf};
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
}

#[derive(Debug)]
struct Inner {
    files: HashMap<Shelf, (File, u64)>,
    index: File,
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
            inner: Mutex::new(Inner { files: HashMap::new(), index, responses: Vec::new() }),
        })
    }

    /// The run that lands here.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The folder below which responses land.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Lands one response body as received, before anything reads it. `request` is method, path and query, free of
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
        body: &[u8],
    ) -> Result<ResponseId> {
        let sha256 = format!("{:x}", Sha256::digest(body));
        let spans_lines = body.contains(&b'\n');
        let mut stored = body.to_vec();
        if !spans_lines {
            stored.push(b'\n');
        }
        let frame = zstd::bulk::compress(&stored, ZSTD_LEVEL)
            .map_err(|error| Error::environment("a response could not be compressed").because(error))?;
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        let response = ResponseId(u32::try_from(inner.responses.len()).expect("a run has fewer than 2^32 responses"));
        let (file, offset) = if spans_lines {
            let file = format!("{}/{}-{}.json.zst", shelf.folder(), self.run_id, response.0);
            make_folder(&self.root.join(shelf.folder()))?;
            write_all(&mut create_file(&self.root.join(&file))?, &frame, &file)?;
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
                vacant.insert((create_file(&self.root.join(&name))?, 0))
            }
        };
        write_all(file, frame, &name)?;
        let offset = *end;
        *end += frame.len() as u64;
        Ok((name, offset))
    }

    /// Notes a finished listing in the index.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_listing(&self, listing: &Listing) -> Result<()> {
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        write_line(&mut inner.index, &super::index::ListingLine::from(listing))
    }

    /// Notes the responses that state an owner's balance.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn note_balance(&self, reading: &BalanceReading) -> Result<()> {
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        write_line(&mut inner.index, &super::index::BalanceLine::from(reading))
    }

    /// Ends the landing: everything that was asked for has been answered or given up. Forces it to the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(&self) -> Result<()> {
        let mut inner = self.inner.lock().expect("no thread panics while it holds the landing");
        write_line(&mut inner.index, &EndLine { end: self.run_id.clone() })?;
        for file in inner.files.values().map(|(file, _)| file).chain([&inner.index]) {
            file.sync_all()
                .map_err(|error| Error::environment("landed responses could not be synced").because(error))?;
        }
        Ok(())
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
