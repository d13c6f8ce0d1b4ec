//! Reading responses back: an archive that somebody made, or the landing of an earlier run.
//!
//! A folder `<feed>/` per feed holds `*.json` (one response a file), `*.ndjson` or `*.ndjson.zst` (one response a line);
//! `*.json.zst` is understood too. Responses are found once and then read by their place, so that an owner's pages can be
//! scattered over any number of files without all of them being held.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zstd::bulk::Decompressor;

use super::{ResponseId, Shelf};
use crate::{Error, Result};

/// Bytes of one response at most; a longer line is no response.
const RESPONSE_BYTES_MAX: u64 = 1 << 30;

/// Responses that can be read again by their id.
#[derive(Debug, Default)]
pub struct Archive {
    files: Vec<Source>,
    by_name: HashMap<String, u32>,
    places: Vec<Place>,
}

#[derive(Debug)]
struct Source {
    /// Held open while many responses stand in it; a file of one response is opened when it is read, as there can be more
    /// of them than a process may hold open.
    held: Option<File>,
    path: PathBuf,
    name: String,
}

/// Where a response stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: u32,
    /// Bytes to read: the response itself, or its zstd frame.
    stored_bytes: u32,
    offset: u64,
    form: Form,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Plain,
    /// A whole file of zstd.
    Packed,
    /// A zstd frame of that many bytes (a newline at the end may be one of them), and what they hash to.
    Frame {
        bytes: u32,
        sha256: [u8; 32],
    },
}

impl Archive {
    /// How many responses it holds.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where a response came from, for a message.
    pub fn name_of(&self, response: ResponseId) -> &str {
        &self.files[self.places[response.0 as usize].file as usize].name
    }

    /// How many bytes a response has.
    pub fn bytes_of(&self, response: ResponseId) -> u64 {
        let place = self.places[response.0 as usize];
        match place.form {
            Form::Frame { bytes, .. } => bytes.into(),
            Form::Plain | Form::Packed => place.stored_bytes.into(),
        }
    }

    /// What a response was landed with, SHA-256 in hex; `None` for one that somebody else archived.
    pub fn sha256_of(&self, response: ResponseId) -> Option<String> {
        match self.places[response.0 as usize].form {
            Form::Frame { sha256, .. } => {
                let digits = |half: u8| char::from_digit(half.into(), 16).expect("half a byte");
                Some(sha256.iter().flat_map(|byte| [digits(byte >> 4), digits(byte & 15)]).collect())
            }
            Form::Plain | Form::Packed => None,
        }
    }

    /// Reads a response into `buffer`, which is emptied first.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was landed.
    pub fn read(&self, response: ResponseId, buffer: &mut Vec<u8>) -> Result<()> {
        let place = self.places[response.0 as usize];
        let source = &self.files[place.file as usize];
        let unreadable = |error: std::io::Error| {
            Error::environment("a landed response could not be read").at(&source.name).because(error)
        };
        if let Form::Packed = place.form {
            buffer.clear();
            let packed = File::open(&source.path).map_err(unreadable)?;
            let reader = zstd::Decoder::new(packed).map_err(unreadable)?;
            reader.take(RESPONSE_BYTES_MAX).read_to_end(buffer).map_err(unreadable)?;
            return Ok(());
        }
        buffer.resize(place.stored_bytes as usize, 0);
        match &source.held {
            Some(file) => file.read_exact_at(buffer, place.offset).map_err(unreadable)?,
            None => File::open(&source.path)
                .and_then(|file| file.read_exact_at(buffer, place.offset))
                .map_err(unreadable)?,
        }
        if let Form::Frame { bytes, sha256 } = place.form {
            unpack(buffer, bytes as usize).map_err(unreadable)?;
            if Sha256::digest(&buffer)[..] != sha256 {
                return Err(Error::environment("a landed response is not what was received: its SHA-256 differs")
                    .at(format!("{}, response {}", source.name, response.0))
                    .hint("the landing was changed after the run; fetch the window again"));
            }
        }
        Ok(())
    }

    /// Opens the responses of an earlier run by its index. Responses keep their ids.
    pub(super) fn of_landed(root: &Path, landed: &[super::Landed]) -> Result<Archive> {
        let mut archive = Archive::default();
        for (expected, response) in landed.iter().enumerate() {
            if response.response.0 as usize != expected {
                let found = response.response.0;
                return Err(Error::environment(format!("expected response {expected} in the index, found {found}")));
            }
            let file = match archive.by_name.get(&response.file) {
                Some(file) => *file,
                None => archive.open(&root.join(&response.file), &response.file, holds_many(&response.file))?,
            };
            let form = Form::Frame { bytes: response.bytes, sha256: from_hex(&response.sha256)? };
            archive.places.push(Place { file, stored_bytes: response.stored_bytes, offset: response.offset, form });
        }
        Ok(archive)
    }

    fn open(&mut self, path: &Path, name: &str, hold: bool) -> Result<u32> {
        let held = if hold { Some(File::open(path).map_err(|error| cannot_open(path, error))?) } else { None };
        Ok(self.add(Source { held, path: path.to_owned(), name: name.to_owned() }))
    }

    fn add(&mut self, source: Source) -> u32 {
        let file = narrow(self.files.len());
        self.by_name.insert(source.name.clone(), file);
        self.files.push(source);
        file
    }

    /// Finds the responses of a shelf below `root` and shows each to `visit` while its bytes are at hand.
    ///
    /// # Errors
    /// When a file cannot be read, or `visit` fails.
    pub fn scan(
        &mut self,
        root: &Path,
        shelf: Shelf,
        mut visit: impl FnMut(ResponseId, &[u8]) -> Result<()>,
    ) -> Result<()> {
        self.scan_blocks(root, shelf, Vec::new, |block| block.responses().try_for_each(|(id, bytes)| visit(id, bytes)))
    }

    /// As [`Archive::scan`], many responses at a time, as they were read. `spare` gives room that is used again.
    ///
    /// # Errors
    /// When a file cannot be read, or `give` fails.
    pub fn scan_blocks(
        &mut self,
        root: &Path,
        shelf: Shelf,
        mut spare: impl FnMut() -> Vec<u8>,
        mut give: impl FnMut(Block) -> Result<()>,
    ) -> Result<()> {
        let mut blocks = Blocks { open: Block::default(), spare: &mut spare, give: &mut give };
        for path in files_of(&root.join(shelf.folder()))? {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let Some(format) = Format::of(&path) else { continue };
            let failed = |error| cannot_open(&path, error);
            let file = File::open(&path).map_err(failed)?;
            match format {
                Format::Lines => {
                    self.open(&path, &name, true)?;
                    self.scan_lines(file, None, &path, &mut blocks)?;
                }
                Format::PackedLines => {
                    let spool = tempfile::tempfile().map_err(failed)?;
                    let held = spool.try_clone().map_err(failed)?;
                    self.add(Source { held: Some(held), path: path.clone(), name });
                    self.scan_lines(zstd::Decoder::new(file).map_err(failed)?, Some(spool), &path, &mut blocks)?;
                }
                Format::Whole => {
                    self.open(&path, &name, false)?;
                    self.scan_whole(file, Form::Plain, &path, &mut blocks)?;
                }
                Format::PackedWhole => {
                    self.open(&path, &name, false)?;
                    self.scan_whole(zstd::Decoder::new(file).map_err(failed)?, Form::Packed, &path, &mut blocks)?;
                }
            }
        }
        let Blocks { open: last, give, .. } = blocks;
        if last.responses.is_empty() { Ok(()) } else { give(last) }
    }

    /// One response a line. What comes packed is spooled, as only then it can be read by its place.
    fn scan_lines(
        &mut self,
        reader: impl Read,
        spool: Option<File>,
        path: &Path,
        blocks: &mut Blocks<'_>,
    ) -> Result<()> {
        let failed = |error| cannot_open(path, error);
        let mut reader = reader.take(u64::MAX);
        let mut spool = spool.map(|file| BufWriter::with_capacity(BLOCK_BYTES, file));
        // Where the line that is being read begins, in the block and in the file.
        let (mut begin, mut offset) = (blocks.open.bytes.len(), 0_u64);
        loop {
            let bytes = &mut blocks.open.bytes;
            let known = bytes.len();
            reader.set_limit(BLOCK_BYTES as u64);
            let read = reader.read_to_end(bytes).map_err(failed)?;
            if let Some(spool) = &mut spool {
                spool.write_all(&bytes[known..]).map_err(failed)?;
            }
            let is_last = read < BLOCK_BYTES;
            let mut ends: Vec<usize> = memchr::memchr_iter(b'\n', &bytes[known..]).map(|at| known + at + 1).collect();
            // What is longer is no response: what it is instead is told by whoever reads it.
            let is_cut = is_last || (ends.is_empty() && (bytes.len() - begin) as u64 > RESPONSE_BYTES_MAX);
            if is_cut && ends.last().unwrap_or(&begin) < &bytes.len() {
                ends.push(bytes.len());
            }
            for end in ends {
                let line = blocks.open.bytes[begin..end].trim_ascii_end().len();
                if line > 0 {
                    self.found(begin..begin + line, offset, Form::Plain, blocks);
                }
                (offset, begin) = (offset + (end - begin) as u64, end);
            }
            if is_last {
                break;
            }
            begin -= blocks.hand_over_if_full(begin)?;
        }
        spool.map_or(Ok(()), |mut spool| spool.flush()).map_err(failed)
    }

    fn scan_whole(&mut self, reader: impl Read, form: Form, path: &Path, blocks: &mut Blocks<'_>) -> Result<()> {
        let bytes = &mut blocks.open.bytes;
        let begin = bytes.len();
        reader.take(RESPONSE_BYTES_MAX).read_to_end(bytes).map_err(|error| cannot_open(path, error))?;
        let end = bytes.len();
        if bytes[begin..].trim_ascii().is_empty() {
            bytes.truncate(begin);
            return Ok(());
        }
        self.found(begin..end, 0, form, blocks);
        blocks.hand_over_if_full(end).map(drop)
    }

    fn found(&mut self, place: Range<usize>, offset: u64, form: Form, blocks: &mut Blocks<'_>) {
        let id = ResponseId(narrow(self.places.len()));
        let file = narrow(self.files.len() - 1);
        self.places.push(Place { file, stored_bytes: narrow(place.len()), offset, form });
        blocks.open.responses.push((id, place));
    }
}

/// Bytes that are read at once; with so many a block is full.
const BLOCK_BYTES: usize = 512 << 10;

/// Responses that were read together.
#[derive(Debug, Default)]
pub struct Block {
    bytes: Vec<u8>,
    responses: Vec<(ResponseId, Range<usize>)>,
}

impl Block {
    /// Each response and its bytes.
    pub fn responses(&self) -> impl Iterator<Item = (ResponseId, &[u8])> {
        self.responses.iter().map(|(id, place)| (*id, &self.bytes[place.clone()]))
    }

    /// The room that it took.
    pub fn into_room(mut self) -> Vec<u8> {
        self.bytes.clear();
        self.bytes
    }
}

/// Where blocks come from and go.
struct Blocks<'g> {
    open: Block,
    spare: &'g mut dyn FnMut() -> Vec<u8>,
    give: &'g mut dyn FnMut(Block) -> Result<()>,
}

impl Blocks<'_> {
    /// Hands the open block over, if it is full; what stands from `begun` on, the beginning of a response, goes to the next
    /// one. Gives how far that moved.
    fn hand_over_if_full(&mut self, begun: usize) -> Result<usize> {
        if self.open.responses.is_empty() || self.open.bytes.len() < BLOCK_BYTES {
            return Ok(0);
        }
        let mut next = Block { bytes: (self.spare)(), responses: Vec::new() };
        next.bytes.extend_from_slice(&self.open.bytes[begun..]);
        (self.give)(std::mem::replace(&mut self.open, next))?;
        Ok(begun)
    }
}

/// Puts the first `bytes` of what a zstd frame holds in the frame's place. What unpacks is made once a thread: that takes as
/// long as a page.
fn unpack(frame: &mut Vec<u8>, bytes: usize) -> std::io::Result<()> {
    thread_local! {
        static UNPACKER: RefCell<Option<(Decompressor<'static>, Vec<u8>)>> = const { RefCell::new(None) };
    }
    UNPACKER.with_borrow_mut(|made| {
        let (unpacker, packed) = match made {
            Some(made) => made,
            none => none.insert((Decompressor::new()?, Vec::new())),
        };
        std::mem::swap(packed, frame);
        frame.clear();
        // A newline may follow.
        frame.reserve(bytes + 1);
        unpacker.decompress_to_buffer(packed, frame)?;
        frame.truncate(bytes);
        Ok(())
    })
}

/// The files of a folder by name; none when there is no such folder.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot_open(folder, error)),
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(|error| cannot_open(folder, error))?;
    paths.sort();
    Ok(paths)
}

#[derive(Clone, Copy)]
enum Format {
    Lines,
    PackedLines,
    Whole,
    PackedWhole,
}

const FORMATS: [(&str, Format); 4] = [
    (".ndjson", Format::Lines),
    (".ndjson.zst", Format::PackedLines),
    (".json", Format::Whole),
    (".json.zst", Format::PackedWhole),
];

impl Format {
    fn of(path: &Path) -> Option<Format> {
        let name = path.file_name()?.to_str()?;
        let fits = |(ending, _): &&(&str, Format)| name.ends_with(ending) && !name.starts_with('.');
        FORMATS.iter().find(fits).map(|(_, format)| *format)
    }
}

/// Whether a landed file holds a response a line.
fn holds_many(name: &str) -> bool {
    name.ends_with(".ndjson.zst")
}

fn cannot_open(path: &Path, error: std::io::Error) -> Error {
    Error::environment("an archived response could not be read").at(path.display()).because(error)
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("an archive has fewer than 2^32 responses of less than 4 GiB")
}

fn from_hex(text: &str) -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    let pairs = text.as_bytes().chunks_exact(2);
    let fits = pairs.len() == 32 && text.is_ascii();
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (digit(pair[0]), digit(pair[1])) {
            (Some(high), Some(low)) if fits => *byte = high << 4 | low,
            _ => return Err(Error::environment(format!("expected a SHA-256 in the landing's index, found '{text}'"))),
        }
    }
    if fits { Ok(bytes) } else { Err(Error::environment("expected a SHA-256 in the landing's index")) }
}

#[cfg(test)]
mod tests;
