//! The order of a commit's steps, as they came: each promise of it is one of these laws.

use std::sync::Arc;

use super::stories::{self, at_work, run_id, scratch_folder};

/// Looks at the steps of a run that takes the place of another.
pub fn check() -> Result<(), String> {
    let story = stories::one("the same again")?;
    let ground = scratch_folder();
    let disk = story.disk(ground.path());
    at_work(|| story.run(ground.path(), Arc::new(disk.clone()))).map_err(|error| error.to_string())?;
    let steps = Steps(disk.steps());
    let private = "out/.tieout";
    let transaction = format!("{private}/txn-{}", run_id());
    let decided = steps.only(&format!("rename to {private}/journal.json"))?;

    let made =
        |step: &String| step.strip_prefix("create ").filter(|path| path.starts_with(&transaction)).map(str::to_owned);
    let staged: Vec<String> = steps.0.iter().filter_map(made).collect();
    if staged.len() < 10 {
        return Err(format!("expected reports, partitions and the state's changes staged, found {staged:?}"));
    }
    let mut last_sync = 0;
    for path in &staged {
        last_sync = last_sync.max(steps.before(&format!("sync {path}"), decided)?);
    }
    for folder in [&format!("{transaction}/report"), &format!("{transaction}/lake"), &transaction, private] {
        if steps.before(&format!("sync folder {folder}"), decided)? < last_sync {
            return Err(format!("{folder} is synced before what lies in it"));
        }
    }
    let manifest = steps.only(&format!("create {transaction}/report/manifest.json"))?;
    let is_told = |path: &&String| path.contains("/report/") || path.contains("/lake/");
    if staged.iter().filter(is_told).any(|path| steps.only(&format!("create {path}")).is_ok_and(|at| at > manifest)) {
        return Err("a file that the manifest tells of comes after it".to_owned());
    }
    steps.before(&format!("sync {private}/journal.json.new"), decided)?;

    let reports = format!("out/{}", story.report_folder());
    let touching: Vec<&String> = steps.0.iter().filter(|step| step.contains(&reports)).collect();
    if touching != [&format!("exchange {reports}")] {
        return Err(format!("expected one step that swaps the reports, found {touching:?}"));
    }
    let swapped = steps.only(&format!("exchange {reports}"))?;
    let state = steps.only("end transaction out/tieout.db")?;
    let ended = steps.only(&format!("remove file {private}/journal.json"))?;
    let synced = steps.before("sync folder out/reports/nightly", ended)?;
    if decided < state && state < swapped && swapped < synced && synced < ended {
        return Ok(());
    }
    Err(format!("decided {decided}, state {state}, swapped {swapped}, synced {synced}, ended {ended}"))
}

struct Steps(Vec<String>);

impl Steps {
    /// Where a step is that comes once.
    fn only(&self, step: &str) -> Result<usize, String> {
        let places: Vec<usize> = (0..self.0.len()).filter(|at| self.0[*at] == step).collect();
        if let [place] = places[..] {
            Ok(place)
        } else {
            Err(format!("expected '{step}' once, found it at {places:?}"))
        }
    }

    /// Where a step comes for the last time before another.
    fn before(&self, step: &str, end: usize) -> Result<usize, String> {
        let place = (0..end).rev().find(|at| self.0[*at] == step);
        place.ok_or_else(|| format!("expected '{step}' before '{}', found none", self.0[end]))
    }
}
