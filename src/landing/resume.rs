//! Going on where a run was killed.
//!
//! The index is written line by line, each response before its line: a prefix of it is what the landing was at an earlier
//! moment. So the longest prefix that is whole, down to the hash of each response, is what an interrupted run has; the rest
//! is cut off. A listing that was noted there as proved is not asked for again. One in the middle is read once more by the
//! pager out of what landed, all but its last response: that one is asked for anew, and with it everything that proves the
//! listing complete is compared with what the provider says now. Whoever holds the output directory knows that no other
//! process is at work in it: a run that has not ended is dead.
//!
//! Not gone on with: another job, window, provider, host, user or day (what "today" is decides what is asked), a run that was
//! committed, and one that began too long ago.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};

use super::index::{Line, Lines, Noted, damaged, indexes};
use super::writer::{RUNS_FOLDER, settle};
use super::{Archive, BalanceReading, Landed, LandedRun, Listing, Proof, ResponseId, RunLine, Shelf, Subject};
use crate::Result;
use crate::output::Machine;
use crate::record::Owner;

/// A landing whose first response is older is not gone on with: too much may have moved at the provider.
const RESUME_HOURS_MAX: i64 = 6;
/// The first line of an index is shorter.
const RUN_LINE_BYTES_MAX: u64 = 64 << 10;

/// What an earlier run of the same kind left behind.
#[derive(Debug)]
pub enum Found {
    /// It had fetched everything, but committed nothing: there is nothing left to ask.
    Fetched(Box<LandedRun>),
    /// It was interrupted while it fetched.
    Interrupted(Box<Interrupted>),
}

/// A landing that [`Landing::reopen`](super::Landing::reopen) goes on with.
#[derive(Debug)]
pub struct Interrupted {
    /// The run's id.
    pub(super) run: String,
    /// Bytes of the index that are whole.
    pub(super) index_bytes: u64,
    /// The responses that are whole.
    pub(super) landed: Vec<Landed>,
    pub(super) resumed: Resumed,
}

/// What an interrupted run has landed, to be used in place of requests.
#[derive(Debug)]
pub struct Resumed {
    archive: Archive,
    /// Proved listings, by what was asked.
    proved: HashMap<String, Listing>,
    balances: HashMap<Owner, BalanceReading>,
    /// Answers of all shelves but the last, by what was asked, in the order in which they came.
    answers: BTreeMap<String, Vec<ResponseId>>,
    /// Answers that count no more.
    set_aside: HashSet<ResponseId>,
}

/// Answers that a listing can be read from before anything is asked, in their order.
#[derive(Debug, Default)]
pub struct Replay {
    answers: VecDeque<(String, ResponseId)>,
}

/// Finds the newest run below `root` (`out/raw`) of the same kind as `wanted`, if it can be gone on with. One that has
/// fetched everything is on the disk for good when this returns.
///
/// # Errors
/// When the landing cannot be read, the disk refuses, or `is_committed` fails.
pub fn find(
    root: &Path,
    wanted: &RunLine,
    machine: &Machine,
    is_committed: impl Fn(&str) -> Result<bool>,
) -> Result<Option<Found>> {
    let folder = root.join(RUNS_FOLDER);
    if !folder.is_dir() {
        return Ok(None);
    }
    for path in indexes(&folder)? {
        let Some(run) = first_line(&path)? else { continue };
        if (RunLine { run: String::new(), ..run.clone() }) != (RunLine { run: String::new(), ..wanted.clone() }) {
            continue;
        }
        // What is older than a run that was committed is superseded by it.
        if is_committed(&run.run)? {
            return Ok(None);
        }
        return whole_prefix(root, &path, run, machine);
    }
    Ok(None)
}

/// The line that names the run; none when the run was killed before it was written.
pub(super) fn first_line(path: &Path) -> Result<Option<RunLine>> {
    let unreadable = |error: std::io::Error| damaged(path, "could not be read").because(error);
    let mut line = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    BufReader::new(file.take(RUN_LINE_BYTES_MAX)).read_until(b'\n', &mut line).map_err(unreadable)?;
    Ok(line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok()))
}

/// As much of a run's landing as is whole; none when nothing landed, or too long ago.
fn whole_prefix(root: &Path, path: &Path, run: RunLine, machine: &Machine) -> Result<Option<Found>> {
    let now = machine.clock.now();
    let index = std::fs::read(path).map_err(|error| damaged(path, "could not be read").because(error))?;
    let mut prefix = Prefix::read(&index);
    let first = prefix.lines.landed.first().and_then(|first| DateTime::parse_from_rfc3339(&first.received_at).ok());
    let is_recent = |first: DateTime<_>| {
        (TimeDelta::zero()..TimeDelta::hours(RESUME_HOURS_MAX)).contains(&now.signed_duration_since(first))
    };
    if !first.is_some_and(is_recent) {
        return Ok(None);
    }
    let whole = whole_responses(root, &prefix.lines.landed)?;
    if whole < prefix.lines.landed.len() {
        tracing::warn!(run = run.run, whole, "what landed behind was torn, and is asked for again");
        prefix = Prefix::read(&index[..prefix.response_starts[whole]]);
    }
    let archive = Archive::of_landed(root, &prefix.lines.landed)?;
    if prefix.lines.end.is_some() {
        settle(&*machine.disk, root, &run.run, prefix.bytes as u64, &prefix.lines.landed)?;
        return Ok(Some(Found::Fetched(Box::new(LandedRun::new(run, archive, prefix.lines)))));
    }
    let interrupted = Interrupted {
        run: run.run,
        index_bytes: prefix.bytes as u64,
        resumed: Resumed::new(archive, &prefix.lines),
        landed: prefix.lines.landed,
    };
    Ok(Some(Found::Interrupted(Box::new(interrupted))))
}

/// The lines of an index up to the first that is none.
struct Prefix {
    lines: Lines,
    bytes: usize,
    /// Where the line of each response begins.
    response_starts: Vec<usize>,
}

impl Prefix {
    fn read(index: &[u8]) -> Prefix {
        let mut prefix = Prefix { lines: Lines::default(), bytes: 0, response_starts: Vec::new() };
        for (number, line) in index.split_inclusive(|byte| *byte == b'\n').enumerate() {
            let Some(text) = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok()) else {
                break;
            };
            if number > 0 {
                match Line::read(text) {
                    Ok(Line::Response(landed)) if landed.response.0 as usize != prefix.lines.landed.len() => break,
                    Ok(line) => {
                        if matches!(line, Line::Response(_)) {
                            prefix.response_starts.push(prefix.bytes);
                        }
                        prefix.lines.take(line);
                    }
                    Err(_) => break,
                }
            }
            prefix.bytes += line.len();
        }
        prefix
    }
}

/// How many of the responses, from the first on, are what they were when they landed.
fn whole_responses(root: &Path, landed: &[Landed]) -> Result<usize> {
    let mut lengths: HashMap<&str, u64> = HashMap::new();
    let mut there = 0;
    for response in landed {
        let length = || std::fs::metadata(root.join(&response.file)).map_or(0, |about| about.len());
        let held = *lengths.entry(&response.file).or_insert_with(length);
        if response.offset + u64::from(response.stored_bytes) > held {
            break;
        }
        there += 1;
    }
    let archive = Archive::of_landed(root, &landed[..there])?;
    let mut buffer = Vec::new();
    let torn = landed[..there].iter().position(|response| archive.read(response.response, &mut buffer).is_err());
    Ok(torn.unwrap_or(there))
}

impl Resumed {
    fn new(archive: Archive, lines: &Lines) -> Resumed {
        let is_proved = |noted: &&Noted| matches!(noted.listing.proof, Proof::Proved(_)) && !noted.asked.is_empty();
        let proved = lines.listings.iter().filter(is_proved);
        let mut answers: BTreeMap<String, Vec<ResponseId>> = BTreeMap::new();
        for landed in &lines.landed {
            if landed.shelf != Shelf::Other.folder() {
                let asked = landed.request.strip_prefix("GET ").unwrap_or(&landed.request);
                answers.entry(asked.to_owned()).or_default().push(landed.response);
            }
        }
        Resumed {
            archive,
            proved: proved.map(|noted| (noted.asked.clone(), noted.listing.clone())).collect(),
            balances: lines.balances.iter().map(|reading| (reading.owner.clone(), reading.clone())).collect(),
            answers,
            set_aside: lines.set_aside.clone(),
        }
    }

    /// How many listings were proved.
    pub fn proved(&self) -> usize {
        self.proved.len()
    }

    /// A listing that was proved, by what its requests asked for.
    pub fn listing(&self, subject: Subject, asked: &str) -> Option<&Listing> {
        self.proved.get(asked).filter(|listing| listing.subject == subject)
    }

    /// A reading of an owner's balance that was noted.
    pub fn balance(&self, owner: &Owner) -> Option<&BalanceReading> {
        self.balances.get(owner)
    }

    /// The last answer to exactly that request.
    pub fn answer(&self, target: &str) -> Option<ResponseId> {
        self.answers.get(target)?.iter().rfind(|answer| !self.set_aside.contains(answer)).copied()
    }

    /// The answers to requests that begin with one of `asked`, all but the last, and that one. There is none such when it has
    /// been set aside before: who set it aside was killed before the answer to it landed, and each time one more would go.
    pub fn replay(&self, asked: &[&str]) -> (Replay, Option<ResponseId>) {
        let mut found: Vec<(String, ResponseId)> = Vec::new();
        for beginning in asked {
            let of_it = self.answers.range((*beginning).to_owned()..).take_while(|(t, _)| t.starts_with(beginning));
            found.extend(of_it.flat_map(|(target, ids)| ids.iter().map(|id| (target.clone(), *id))));
        }
        found.sort_unstable_by_key(|(_, response)| *response);
        let last = found.pop_if(|(_, response)| !self.set_aside.contains(response)).map(|(_, response)| response);
        found.retain(|(_, response)| !self.set_aside.contains(response));
        (Replay { answers: found.into() }, last)
    }

    /// The bytes of a response.
    ///
    /// # Errors
    /// When it can no longer be read.
    pub fn read(&self, response: ResponseId) -> Result<Bytes> {
        let mut body = Vec::new();
        self.archive.read(response, &mut body)?;
        Ok(Bytes::from(body))
    }
}

impl Replay {
    /// The answer that landed to the next request.
    ///
    /// The pages of a pass may have landed in any order, as some are asked for ahead of their turn. So where one of them did
    /// not land, those behind it still count: each of its seams is proved, whichever side of it was read first. But what
    /// landed of later passes counts no more: it is to show what the provider says after all of this pass was read. A first
    /// page begins the next pass; what was asked ahead before it and never needed is of no use to that.
    pub fn next(&mut self, target: &str) -> Option<ResponseId> {
        let further = self.further();
        let at = if is_further_page(target) {
            let at = self.answers.iter().take(further).position(|(asked, _)| asked == target);
            if at.is_none() {
                self.answers.truncate(further);
            }
            at
        } else {
            self.answers.drain(..further);
            let is_next = self.answers.front().is_some_and(|(asked, _)| asked == target);
            if !is_next {
                self.answers.clear();
            }
            is_next.then_some(0)
        };
        self.answers.remove(at?).map(|(_, response)| response)
    }

    /// Whether [`Replay::next`] has the answer to a request for a further page of this pass.
    pub fn holds(&self, target: &str) -> bool {
        self.answers.iter().take(self.further()).any(|(asked, _)| asked == target)
    }

    /// How many answers there are before a first page.
    fn further(&self) -> usize {
        self.answers.iter().take_while(|(asked, _)| is_further_page(asked)).count()
    }
}

/// Whether a request is for a page behind the first of its listing.
fn is_further_page(target: &str) -> bool {
    let start = target.split(['?', '&']).find_map(|part| part.strip_prefix("limit_start="));
    start.is_some_and(|start| start != "0")
}

/// Ids of runs that have an index.
pub(super) fn known_runs(folder: &Path) -> Result<HashSet<String>> {
    let name = |path: std::path::PathBuf| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    Ok(indexes(folder)?.into_iter().filter_map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(starts: &[u32]) -> Replay {
        let answer =
            |(number, start): (u32, &u32)| (format!("/list?limit_start={start}&limit_number=3"), ResponseId(number));
        Replay { answers: (0..).zip(starts).map(answer).collect() }
    }

    fn asked(replay: &mut Replay, starts: &[u32]) -> Vec<Option<u32>> {
        let of = |start: &u32| format!("/list?limit_start={start}&limit_number=3");
        starts.iter().map(|start| replay.next(&of(start)).map(|response| response.0)).collect()
    }

    #[test]
    fn pages_that_were_read_ahead_are_found_in_their_pass_alone() {
        let mut ahead = replay(&[0, 4, 2, 6, 0, 2, 6, 4]);
        assert_eq!(asked(&mut ahead, &[0, 2, 4, 0, 2, 4, 6]), [0, 2, 1, 4, 5, 7, 6].map(Some));
        // What the second pass did not land is not taken from the first.
        assert_eq!(asked(&mut replay(&[0, 4, 2, 0, 2]), &[0, 2, 0, 4, 2]), [Some(0), Some(2), Some(3), None, Some(4)]);
        // A page asked for now is followed by no pass from before.
        assert_eq!(asked(&mut replay(&[0, 2, 0]), &[0, 4, 0]), [Some(0), None, None]);
        assert_eq!(asked(&mut replay(&[0, 2, 8, 6, 0]), &[0, 2, 4, 6, 8, 0]), [0, 1, 9, 3, 2, 9].map(not_nine));
    }

    fn not_nine(number: u32) -> Option<u32> {
        (number != 9).then_some(number)
    }
}
