//! A run on a disk that fails and dies, from a seed, until it is done; then every byte is compared with the undisturbed
//! run.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tieout::output::OutputDir;
use tieout::sandbox::generator::Random;

use super::disk::{Fault, SimDisk, Watch};
use super::model::Loss;
use super::state::dump;
use super::stories::{Story, at_work, machine, random, run_id, scratch_folder, visible, whole};

/// Lives that a fault may end, one after the other.
const DISTURBED_MAX: usize = 4;

/// What happened in a simulation, the same each time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trace {
    pub steps: Vec<String>,
    /// How often the power was cut, and how often that was in the middle of a recovery.
    pub cuts: usize,
    pub cuts_in_recovery: usize,
    /// How often a step failed.
    pub failures: usize,
    /// Whether a commit was rolled forward.
    pub rolled_forward: bool,
}

/// How an attempt ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// Told as done.
    Done,
    /// Found done: an earlier attempt had committed.
    FoundDone,
    Failed(String),
}

/// What disturbs one life.
pub struct Disturbance {
    pub fault: Option<(usize, Fault)>,
    /// What a power cut takes, if the fault is one.
    pub loss: Loss,
}

/// Does what a seed says.
pub fn simulate(stories: &[Story], seed: u64) -> Result<Trace, String> {
    let mut chance = random(seed);
    let story = &stories[chance.index(stories.len())];
    let lives = 1 + chance.index(DISTURBED_MAX);
    let disturbances: Vec<Disturbance> = (0..lives)
        .map(|life| {
            // A recovery is short: later lives are hit early.
            let reach = if life == 0 { story.steps + 2 } else { 40.min(story.steps) };
            let fault = Some((chance.index(reach), any_fault(&mut chance)));
            Disturbance { fault, loss: *chance.pick(&Loss::ALL) }
        })
        .collect();
    live(story, &disturbances, &mut chance).map_err(|found| format!("seed {seed}: {}: {found}", story.name))
}

fn any_fault(chance: &mut Random) -> Fault {
    let kind = *chance.pick(&[ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::QuotaExceeded]);
    match chance.index(10) {
        0 | 1 => Fault::Once(kind),
        2 | 3 => Fault::Onward(kind),
        4 => Fault::Short,
        _ => Fault::Death,
    }
}

/// Lives through disturbances, then undisturbed to the end, then through one more power cut: what was told as done must
/// survive it.
pub fn live(story: &Story, disturbances: &[Disturbance], chance: &mut Random) -> Result<Trace, String> {
    let ground = scratch_folder();
    let mut trace = Trace::default();
    let mut place = ground.path().join("0");
    let mut disk = story.disk(&place);
    let mut is_told = false;
    let last = Disturbance { fault: None, loss: *chance.pick(&Loss::ALL) };
    for (life, disturbance) in disturbances.iter().chain([&last]).enumerate() {
        disk.arm(disturbance.fault);
        disk.watch(reader(story, &place));
        let had_journal = place.join("out/.tieout/journal.json").exists();
        let ended = at_work(|| attempt(story, &place, disk.clone()));
        trace.note(&disk, &ended);
        judge(story, &place, &disk, &ended, &mut is_told).map_err(|found| format!("life {life}: {found}"))?;
        if life == disturbances.len() && !matches!(ended, Ended::Done | Ended::FoundDone) {
            return Err(format!("nothing disturbs it, but it ends with: {ended:?}"));
        }
        let is_over = !matches!(ended, Ended::Failed(_));
        if disk.is_dead() || is_over {
            trace.cuts += usize::from(!is_over);
            trace.cuts_in_recovery += usize::from(!is_over && had_journal);
            place = ground.path().join((life + 1).to_string());
            disk = disk.reboot(disturbance.loss, chance, &place);
        }
        trace.rolled_forward |= ended == Ended::FoundDone;
        if is_over {
            let ended = at_work(|| attempt(story, &place, disk.clone()));
            if ended != Ended::FoundDone {
                return Err(format!("told as done, but after a power cut: {ended:?}"));
            }
            return compare(story, &place).map(|()| trace);
        }
    }
    unreachable!("an undisturbed run ends")
}

impl Trace {
    fn note(&mut self, disk: &SimDisk, ended: &Ended) {
        self.failures += usize::from(matches!(ended, Ended::Failed(_)) && !disk.is_dead());
        self.steps.extend(disk.steps());
        self.steps.push(match ended {
            // Messages name a folder that is another each time.
            Ended::Failed(message) => message.lines().next().unwrap_or_default().to_owned(),
            ended => format!("{ended:?}"),
        });
    }
}

/// Opens the directory, as every command does, and runs unless the run is committed.
fn attempt(story: &Story, place: &Path, disk: SimDisk) -> Ended {
    let disk: Arc<dyn tieout::output::Disk> = Arc::new(disk);
    let found = OutputDir::open_on(&place.join("out"), machine(Arc::clone(&disk)))
        .and_then(|out| out.state().has_run(&run_id()));
    match found {
        Err(error) => Ended::Failed(error.to_string()),
        Ok(true) => Ended::FoundDone,
        Ok(false) => match story.run(place, disk) {
            Ok(()) => Ended::Done,
            Err(error) => Ended::Failed(error.to_string()),
        },
    }
}

/// Looks as a reader does at every step that changes what one can see: reports are those of the old run or of the new
/// one, whole; so is every file of the lake.
fn reader(story: &Story, place: &Path) -> Watch {
    let (old, new) = (story.old.clone(), story.new.clone());
    let (out, folder) = (place.join("out"), PathBuf::from(story.report_folder()));
    let is_swapped_in_one = story.can_exchange;
    Watch(Box::new(move |touched: &Path| {
        let Ok(touched) = touched.strip_prefix("out") else { return Ok(()) };
        if touched.starts_with("lake") && touched.extension().is_some() {
            let Ok(bytes) = std::fs::read(out.join(touched)) else { return Ok(()) };
            let is_known = [&old, &new].iter().any(|tree| tree.get(touched) == Some(&bytes));
            return if is_known { Ok(()) } else { Err(format!("{} is neither old nor new", touched.display())) };
        }
        if !touched.starts_with("reports") {
            return Ok(());
        }
        let of = |tree: &super::stories::Tree| -> super::stories::Tree {
            let below = tree.iter().filter(|(path, _)| path.starts_with(&folder));
            below.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
        };
        let seen = of(&visible(&out));
        if seen == of(&new) || seen == of(&old) || (seen.is_empty() && !is_swapped_in_one) {
            return Ok(());
        }
        Err(format!("reports are neither old nor new: {:?}", seen.keys().collect::<BTreeSet<_>>()))
    }))
}

/// What must hold after every attempt, however it ended.
fn judge(story: &Story, place: &Path, disk: &SimDisk, ended: &Ended, is_told: &mut bool) -> Result<(), String> {
    if let Some(sight) = disk.sights().first() {
        return Err(sight.clone());
    }
    match ended {
        Ended::Done => *is_told = true,
        Ended::FoundDone => {}
        Ended::Failed(_) if *is_told => return Err(format!("was told as done, then ends with {ended:?}")),
        Ended::Failed(message) if disk.is_dead() || message.contains("is committed") => {}
        Ended::Failed(message) => {
            let is_pending = place.join("out/.tieout/journal.json").exists();
            let seen = visible(&place.join("out"));
            if seen != story.old && seen != story.new && !is_pending {
                return Err(format!("it ends with '{message}', and what readers see is neither old nor new"));
            }
        }
    }
    Ok(())
}

/// Compares every byte with the undisturbed run.
pub fn compare(story: &Story, place: &Path) -> Result<(), String> {
    let out = place.join("out");
    let seen = visible(&out);
    if seen != story.new {
        let paths: BTreeSet<_> = seen.keys().chain(story.new.keys()).collect();
        let differs = |path: &&PathBuf| seen.get(*path) != story.new.get(*path);
        let told = |path: &PathBuf| match (seen.get(path), story.new.get(path)) {
            (None, _) => format!("{} is missing", path.display()),
            (_, None) => format!("{} is too much", path.display()),
            _ => format!("{} is another", path.display()),
        };
        let differ: Vec<_> = paths.into_iter().filter(differs).map(told).collect();
        return Err(format!("differs from the undisturbed run in {differ:?}"));
    }
    whole(&seen, Path::new(&story.report_folder()))?;
    if dump(&out) != story.state {
        return Err("the state differs from that of the undisturbed run".to_owned());
    }
    let left: Vec<String> = out
        .join(".tieout")
        .read_dir()
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| name != "lock")
        .collect();
    if left.is_empty() { Ok(()) } else { Err(format!("something half done is left: {left:?}")) }
}

/// What a step can be met by: all of it, or what differs most.
pub fn disturbances(all: bool) -> Vec<(Fault, Loss)> {
    let full = ErrorKind::StorageFull;
    let mut disturbances =
        vec![(Fault::Death, Loss::All), (Fault::Death, Loss::Coins), (Fault::Onward(full), Loss::All)];
    if all {
        let deaths = [Loss::Nothing, Loss::Tail].map(|loss| (Fault::Death, loss));
        let others = [Fault::Once(full), Fault::Once(ErrorKind::Other), Fault::Short].map(|fault| (fault, Loss::All));
        disturbances.extend(deaths.into_iter().chain(others));
    }
    disturbances
}

/// Disturbs a run at every one of its steps in each of these ways; how many runs that were.
pub fn at_every_step(story: &Story, disturbances: &[(Fault, Loss)]) -> Result<usize, String> {
    let mut runs = 0;
    for step in 0..story.steps {
        for (fault, loss) in disturbances {
            let disturbance = Disturbance { fault: Some((step, *fault)), loss: *loss };
            let mut chance = random(step as u64);
            live(story, &[disturbance], &mut chance)
                .map_err(|found| format!("{}: {fault:?} at step {step}, {loss:?} lost: {found}", story.name))?;
            runs += 1;
        }
    }
    Ok(runs)
}

/// A commit whose journal has its name, but nobody waited for that, and nobody could take it back; then the power is cut at
/// every step of the recovery. How many runs that were.
pub fn a_recovery_of_the_undecided_dies(story: &Story) -> Result<usize, String> {
    let calm = live(story, &[], &mut random(0))?;
    let decided = calm.steps.iter().position(|step| step.starts_with("rename to") && step.ends_with("journal.json"));
    let waited = decided.expect("a commit has its moment") + 1;
    let mut runs = 0;
    for step in 0..40.min(story.steps) {
        for loss in [Loss::All, Loss::Coins] {
            let refused = Disturbance { fault: Some((waited, Fault::Onward(ErrorKind::StorageFull))), loss };
            let cut = Disturbance { fault: Some((step, Fault::Death)), loss };
            live(story, &[refused, cut], &mut random(step as u64))
                .map_err(|found| format!("{}: cut at step {step}, {loss:?} lost: {found}", story.name))?;
            runs += 1;
        }
    }
    Ok(runs)
}
