//! One commit: readers see the whole run or the one before, whatever fails at whichever step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tieout::ErrorKind;
use tieout::output::OutputDir;

use super::faulty::{Fault, FaultyDisk, Loss};
use super::support::{Run, key, visible};

/// A run that comes to a directory in which others may have been.
struct Story {
    name: &'static str,
    base: tempfile::TempDir,
    run: Run<'static>,
    /// What readers see before it and after it, if nothing goes wrong.
    old: Files,
    new: Files,
}

/// The run that is there.
fn before() -> Run<'static> {
    Run::new("run-1", "2026-11-01", "2026-11-02").card("900", "-12.50").card("1000", "3")
}

/// The run that comes in its place: other amounts, a day without rows, a day that is new.
fn after() -> Run<'static> {
    let mut run = Run::new("run-2", "2026-11-02", "2026-11-03").card("900", "-1");
    run.window.from = super::support::day("2026-11-01");
    run
}

/// A folder in which `before` has been committed.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    before().publish(&OutputDir::open(folder.path()).expect("opens")).expect("commits");
    folder
}

fn stories() -> [Story; 2] {
    let fresh = tempfile::tempdir().expect("a folder");
    [Story::new("first run", fresh, before()), Story::new("second run", prepared(), after())]
}

impl Story {
    fn new(name: &'static str, base: tempfile::TempDir, run: Run<'static>) -> Story {
        let undisturbed = Scene::new(base.path());
        run.publish(&OutputDir::open(&undisturbed.out).expect("opens")).expect("commits");
        let (old, new) = (visible(base.path()), visible(&undisturbed.out));
        Story { name, base, run, old, new }
    }

    fn scene(&self) -> Scene {
        Scene::new(self.base.path())
    }
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Copies a folder, file by file.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in from.read_dir().expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// A copy of a folder, and a vault beside it for what a disk has not forgotten yet.
struct Scene {
    _folder: tempfile::TempDir,
    out: PathBuf,
    vault: PathBuf,
}

impl Scene {
    fn new(from: &Path) -> Scene {
        let folder = tempfile::tempdir().expect("a folder");
        let (out, vault) = (folder.path().join("out"), folder.path().join("vault"));
        copy(from, &out);
        Scene { _folder: folder, out, vault }
    }

    fn disk(&self, name: &str, fault: Option<(usize, Fault)>) -> FaultyDisk {
        FaultyDisk::new(&self.vault.join(name), fault)
    }

    /// Runs a job on the disk; `Err` with the message when it does not get to its end.
    fn run(&self, run: &Run<'_>, disk: &FaultyDisk) -> Result<(), String> {
        let out = OutputDir::open_with(&self.out, Arc::new(disk.clone())).map_err(|error| error.to_string())?;
        run.publish(&out).map(|_| ()).map_err(|error| error.to_string())
    }

    /// Opens the folder on a disk that works, and tells whether the new run is there, whole.
    fn is_new(&self, story: &Story, context: &str) -> bool {
        let out = OutputDir::open(&self.out).unwrap_or_else(|error| panic!("{context}: {error}"));
        let seen = visible(&self.out);
        let is_new = seen == story.new;
        assert!(is_new || seen == story.old, "{context}: neither old nor new but {:#?}", seen.keys());
        assert_eq!(
            out.state().has_run(story.run.id).expect("reads"),
            is_new,
            "{context}: the state goes with the files"
        );
        let last_day = story.run.window.to;
        let closings = out.state().closings_before(last_day.next()).expect("reads");
        let has_closing = closings.get(&key("900")).is_some_and(|(day, _)| *day == last_day);
        assert_eq!(has_closing, is_new, "{context}");
        self.assert_tidy(context);
        is_new
    }

    fn assert_tidy(&self, context: &str) {
        let mut left: Vec<String> = self
            .out
            .join(".tieout")
            .read_dir()
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(left, ["lock"], "{context}: nothing half done is left");
    }
}

#[test]
fn whatever_step_fails_readers_see_all_of_a_run_or_nothing() {
    for story in stories() {
        for fault in [Fault::Once, Fault::Onward] {
            let mut step = 0;
            while fail_at(&story, step, fault) {
                step += 1;
            }
        }
    }
}

/// Whether the run came to that step.
fn fail_at(story: &Story, step: usize, fault: Fault) -> bool {
    let (scene, context) = (story.scene(), format!("{}: {fault:?} at step {step}", story.name));
    let disk = scene.disk("first", Some((step, fault)));
    let ended = scene.run(&story.run, &disk);
    if let Err(message) = &ended
        && !message.contains("is committed")
    {
        assert!(visible(&scene.out) == story.old, "{context}: {message}, but old files are touched");
    }
    let is_new = scene.is_new(story, &context);
    assert!(is_new || ended.is_err(), "{context}: told as done, but is not");
    let came_to_it = disk.steps().len() > step;
    assert!(came_to_it || is_new, "{context}");
    came_to_it
}

#[test]
fn whenever_the_machine_dies_readers_see_all_of_a_run_or_nothing() {
    for story in stories() {
        let mut rolled_forward = 0;
        for loss in [Loss::All, Loss::Half, Loss::Nothing] {
            for step in 0.. {
                let (scene, context) = (story.scene(), format!("{}: death at step {step}, {loss:?} lost", story.name));
                let disk = scene.disk("first", Some((step, Fault::Death(loss))));
                let ended = scene.run(&story.run, &disk);
                disk.reboot();
                let is_new = scene.is_new(&story, &context);
                assert!(is_new || ended.is_err(), "{context}: told as done, but is not");
                rolled_forward += usize::from(is_new && ended.is_err());
                if disk.steps().len() <= step {
                    break;
                }
            }
        }
        assert!(rolled_forward > 10, "deaths behind the commit point were tried");
    }
}

#[test]
fn a_recovery_may_die_too() {
    for story in stories() {
        let (mut step, mut deaths) = (0, 0);
        loop {
            let probe = story.scene();
            let disk = probe.disk("first", Some((step, Fault::Death(Loss::Nothing))));
            let _ = probe.run(&story.run, &disk);
            disk.reboot();
            if disk.steps().len() <= step {
                break;
            }
            if probe.out.join(".tieout/journal.json").exists() {
                deaths += die_again(&story, &probe, &format!("{}: death at step {step}", story.name));
            }
            // Two steps at a time: which of two neighbours comes first is often a matter of chance between threads.
            step += 2;
        }
        assert!(deaths > 30, "recoveries were cut off: {deaths}");
    }
}

/// Dies at every step of the recovery; how often that was.
fn die_again(story: &Story, probe: &Scene, context: &str) -> usize {
    for second in 0.. {
        let (scene, context) = (Scene::new(&probe.out), format!("{context}, then at {second}"));
        let disk = scene.disk("second", Some((second, Fault::Death(Loss::All))));
        let is_open = OutputDir::open_with(&scene.out, Arc::new(disk.clone())).is_ok();
        disk.reboot();
        assert!(scene.is_new(story, &context), "{context}: a committed run stays committed");
        if is_open {
            return second;
        }
    }
    unreachable!("a recovery has an end")
}

#[test]
fn a_disk_that_cannot_swap_names_still_commits() {
    #[derive(Debug)]
    struct Plain(FaultyDisk);

    impl tieout::output::Disk for Plain {
        fn create(
            &self,
            path: &Path,
            access: tieout::output::Access,
        ) -> std::io::Result<Box<dyn tieout::output::DiskFile>> {
            self.0.create(path, access)
        }
        fn create_folder(&self, path: &Path, access: tieout::output::Access) -> std::io::Result<()> {
            self.0.create_folder(path, access)
        }
        fn rename(&self, from: &Path, to: &Path) -> std::io::Result<()> {
            self.0.rename(from, to)
        }
        fn exchange(&self, _a: &Path, _b: &Path) -> std::io::Result<()> {
            Err(std::io::ErrorKind::Unsupported.into())
        }
        fn remove_file(&self, path: &Path) -> std::io::Result<()> {
            self.0.remove_file(path)
        }
        fn remove_folder(&self, path: &Path) -> std::io::Result<()> {
            self.0.remove_folder(path)
        }
        fn sync_folder(&self, path: &Path) -> std::io::Result<()> {
            self.0.sync_folder(path)
        }
    }

    let [_, story] = stories();
    // Two runs of the same window: the second replaces the reports of the first.
    for step in 0.. {
        let (scene, context) = (story.scene(), format!("death at step {step}"));
        scene.run(&story.run, &scene.disk("first", None)).expect("commits");
        let disk = scene.disk("second", Some((step, Fault::Death(Loss::All))));
        let again = Run { id: "run-3", ..after() };
        let ended = OutputDir::open_with(&scene.out, Arc::new(Plain(disk.clone())))
            .and_then(|out| again.publish(&out).map(|_| ()));
        disk.reboot();
        let out = OutputDir::open(&scene.out).expect("opens");
        let seen = visible(&scene.out);
        let is_third = out.state().has_run("run-3").expect("reads");
        assert_eq!(seen == story.new, !is_third, "{context}");
        assert!(is_third || ended.is_err(), "{context}");
        assert_eq!(seen.len(), story.new.len(), "{context}");
        assert!(seen != story.old, "{context}");
        if disk.steps().len() <= step {
            break;
        }
    }
}

#[test]
fn a_run_that_is_given_up_leaves_nothing() {
    let base = prepared();
    let old = visible(base.path());
    let out = OutputDir::open(base.path()).expect("opens");
    let datasets = super::support::DATASETS;
    let publication =
        tieout::output::Publication::begin(&out, "nightly", after().window, "run-2", super::support::BOTH, &datasets);
    assert!(base.path().join(".tieout/txn-run-2").exists());
    drop(publication.expect("begins"));
    assert!(!base.path().join(".tieout/txn-run-2").exists());
    assert_eq!(visible(base.path()), old);
}

#[test]
fn one_run_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    let error = OutputDir::open(folder.path()).expect_err("is held");
    assert_eq!(error.kind(), ErrorKind::Locked);
    assert_eq!(error.message(), format!("process {} is at work in this output directory", std::process::id()));
    drop(out);
    OutputDir::open(folder.path()).expect("is free again");
}

#[test]
fn a_journal_that_leads_elsewhere_is_not_followed() {
    let base = prepared();
    let old = visible(base.path());
    let journal = r#"{"version":1,"run_id":"run-2","moves":[{"staged":"lake/x","target":"../../etc/passwd"}],
        "removals":[],"report":{"staged":"report","target":"reports/x"},"manifest_sha256":""}"#;
    std::fs::write(base.path().join(".tieout/journal.json"), journal).expect("writes");
    let error = OutputDir::open(base.path()).expect_err("is refused");
    assert_eq!(error.kind(), ErrorKind::Environment);
    assert_eq!(visible(base.path()), old);
}

#[test]
fn what_is_private_stays_private() {
    use std::os::unix::fs::PermissionsExt;
    let base = prepared();
    let mode = |name: &str| std::fs::metadata(base.path().join(name)).expect("is there").permissions().mode() & 0o777;
    assert_eq!([mode(".tieout"), mode(".tieout/lock"), mode("tieout.db")], [0o700, 0o600, 0o600]);
    let umask_allows = mode("reports");
    assert_eq!(mode("reports/nightly/2026-11-01_2026-11-02"), umask_allows);
    assert_eq!(mode("reports/nightly/2026-11-01_2026-11-02/manifest.json"), umask_allows & 0o666);
    assert_eq!(mode("lake/balances/booking_date=2026-11-01/balances.parquet"), umask_allows & 0o666);
}
