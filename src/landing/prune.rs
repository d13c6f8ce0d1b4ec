//! Removing what landed long ago, where the job says how long it is kept.
//!
//! A run's index goes first, and is gone for good before anything else goes: from then on nobody looks for its responses. A
//! crash in between leaves files that no index names; the next time those are removed too.

use std::fs::DirEntry;
use std::path::Path;

use super::index::indexes;
use super::resume::{first_line, known_runs};
use super::tail::refused;
use super::writer::RUNS_FOLDER;
use super::{RunLine, Shelf};
use crate::Result;
use crate::output::Disk;
use crate::record::Day;

/// Removes the landed runs below `root` (`out/raw`) that are older than `keep_days` days on `today`, and returns how many.
///
/// A run goes only when a later run of its job was committed: the newest of each job stays however old it is, and so does
/// what was never committed and nothing has superseded.
///
/// # Errors
/// When the landing cannot be read, a file cannot be removed, or `is_committed` fails.
pub fn prune(
    root: &Path,
    keep_days: u32,
    today: Day,
    disk: &dyn Disk,
    is_committed: impl Fn(&str) -> Result<bool>,
) -> Result<usize> {
    let folder = root.join(RUNS_FOLDER);
    if !folder.is_dir() {
        return Ok(0);
    }
    let first_kept = today.plus(-i32::try_from(keep_days).unwrap_or(i32::MAX));
    let is_old = |run: &RunLine| Day::parse(&run.day).is_some_and(|day| day < first_kept);
    let mut superseded_jobs: Vec<String> = Vec::new();
    let mut removed = 0;
    // Newest first: whether a run is superseded is known when it is met.
    for path in indexes(&folder)? {
        let Some(run) = first_line(&path)? else { continue };
        if superseded_jobs.contains(&run.job) {
            if is_old(&run) {
                remove(disk, &path)?;
                removed += 1;
            }
        } else if is_committed(&run.run)? {
            superseded_jobs.push(run.job);
        }
    }
    disk.sync_folder(&folder).map_err(|error| refused("the folder of indexes could not be synced", &folder, error))?;
    remove_unnamed(root, disk)?;
    Ok(removed)
}

/// Removes files of runs that have no index.
fn remove_unnamed(root: &Path, disk: &dyn Disk) -> Result<()> {
    let known = known_runs(&root.join(RUNS_FOLDER))?;
    for shelf in Shelf::ALL {
        let folder = root.join(shelf.folder());
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.filter_map(|entry| entry.ok().as_ref().map(DirEntry::path)) {
            if run_of(&path).is_some_and(|run| !known.contains(run)) {
                remove(disk, &path)?;
            }
        }
    }
    Ok(())
}

/// The run that a landed file belongs to, by its name; none of a file that is not ours.
fn run_of(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let stem = match (name.strip_suffix(".ndjson.zst"), name.strip_suffix(".json.zst")) {
        (Some(stem), _) => stem,
        (None, Some(single)) => single.rsplit_once('-')?.0,
        (None, None) => return None,
    };
    let (time, random) = stem.split_once('-')?;
    let is_ours = time.len() == 18 && time.as_bytes()[8] == b'T' && random.len() == 8;
    is_ours.then_some(stem)
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(refused("a landed run that is kept no longer could not be removed", path, error))
        }
        _ => Ok(()),
    }
}
