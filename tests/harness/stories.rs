//! Small books, and runs over them that come to a directory in which others have been.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tieout::formats::Accounting;
use tieout::job::{Output, Plan, Source};
use tieout::output::{Disk, LocalDisk, Machine, Manifest, WallClock};
use tieout::pipeline::{self, Watch};
use tieout::reconcile::FeeRule;
use tieout::record::{Day, Feed, Window, Zone};
use tieout::report::Locale;
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::generator::{Random, Recipe};
use tieout::sandbox::ledger::Ledger;

use super::truth;

/// Bytes by path.
pub type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// A run, where it comes to, and what it leaves when nothing disturbs it.
pub struct Story {
    pub name: String,
    pub folder: TempDir,
    pub plan: Plan,
    /// What readers see before and after.
    pub old: Tree,
    pub new: Tree,
    /// What the state says after.
    pub state: String,
    /// Steps that change the disk.
    pub steps: usize,
    /// Whether the disk swaps names in one step.
    pub can_exchange: bool,
}

/// A child holds all our open files, locks among them, from its birth until it begins its own program. So nobody is born
/// while a run of our own is at work.
static BIRTHS: RwLock<()> = RwLock::new(());

/// Does a run in this process.
pub fn at_work<T>(run: impl FnOnce() -> T) -> T {
    let _no_births = BIRTHS.read().unwrap_or_else(PoisonError::into_inner);
    run()
}

/// Starts a process.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    let _no_runs = BIRTHS.write().unwrap_or_else(PoisonError::into_inner);
    command.spawn()
}

/// Starts a process and waits for its end.
pub fn output(command: &mut Command) -> std::io::Result<std::process::Output> {
    start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?.wait_with_output()
}

/// Nobody watches.
pub struct Unwatched;
impl tieout::provider::Progress for Unwatched {}
impl Watch for Unwatched {}

/// It is always the same moment, so many seconds after a beginning.
#[derive(Debug)]
struct Stopped(u32);

impl WallClock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_572_000 + i64::from(self.0), 0).expect("a moment")
    }
}

/// One thread, one moment, one number: the same steps each time.
pub fn machine(disk: Arc<dyn Disk>) -> Machine {
    machine_at(0, disk)
}

/// As [`machine`], so many seconds later: the ids of its runs come behind those of before.
pub fn machine_at(seconds: u32, disk: Arc<dyn Disk>) -> Machine {
    Machine {
        disk,
        clock: Arc::new(Stopped(seconds)),
        dice: || 7,
        threads: 1,
        held_bytes_max: 600,
        owner_rows_max: 1 << 15,
    }
}

/// The id of every run on such a machine.
pub fn run_id() -> String {
    format!("{}-{:08x}", Stopped(0).now().format("%Y%m%dT%H%M%S%3f"), 7)
}

fn day(offset: i32) -> Day {
    Day::parse("2026-10-23").expect("a day").plus(offset)
}

/// Windows around the clock change of 25 October.
pub fn window(from: i32, to: i32) -> Window {
    Window::new(day(from), day(to)).expect("a window")
}

/// What a story tells, beside its books.
#[allow(clippy::struct_excessive_bools, reason = "each is a sort of run")]
struct Outline {
    name: &'static str,
    /// The run before, if any.
    before: Option<Window>,
    run: Window,
    changes_past: bool,
    csv: bool,
    parquet: bool,
    can_exchange: bool,
}

fn outlines() -> Vec<Outline> {
    let usual = |name, before, run| Outline {
        name,
        before,
        run,
        changes_past: false,
        csv: true,
        parquet: true,
        can_exchange: true,
    };
    vec![
        usual("first run", None, window(0, 2)),
        Outline { changes_past: true, ..usual("the past has changed", Some(window(0, 2)), window(0, 2)) },
        usual("a window that overlaps", Some(window(0, 2)), window(1, 4)),
        usual("days before", Some(window(3, 5)), window(0, 2)),
        Outline { parquet: false, ..usual("CSV alone", Some(window(0, 2)), window(0, 2)) },
        Outline { csv: false, changes_past: true, ..usual("Parquet alone", Some(window(0, 2)), window(0, 3)) },
        Outline {
            can_exchange: false,
            changes_past: true,
            ..usual("names that cannot be swapped", Some(window(0, 2)), window(0, 2))
        },
        usual("the same again", Some(window(0, 2)), window(0, 2)),
    ]
}

/// All stories, over so many books each.
pub fn all(books: u64) -> Vec<Story> {
    try_all(books).unwrap_or_else(|found| panic!("{found}"))
}

/// All stories, or what was found while they were told.
pub fn try_all(books: u64) -> Result<Vec<Story>, String> {
    let told = (0..books).flat_map(|seed| outlines().into_iter().map(move |outline| (seed, outline)));
    told.map(|(seed, outline)| Story::tell(seed, &outline)).collect()
}

/// One story by its name.
pub fn one(name: &str) -> Result<Story, String> {
    let outline = outlines().into_iter().find(|outline| outline.name == name).expect("a story of that name");
    Story::tell(0, &outline)
}

impl Story {
    fn tell(seed: u64, outline: &Outline) -> Result<Story, String> {
        let folder = scratch_folder();
        let name = format!("{} (books {seed})", outline.name);
        let mut ledger = books(seed, 1 + u32::try_from(seed % 2).expect("small"));
        let base = folder.path().join("base");
        let out = base.join("out");
        std::fs::create_dir_all(&base).expect("a folder");
        if let Some(before) = outline.before {
            let archive = folder.path().join("archive-before");
            write_archive(&ledger, &archive);
            let plan = plan(outline, before, archive, &out);
            let machine = Machine { dice: || 1, ..machine(Arc::new(LocalDisk)) };
            at_work(|| pipeline::run_on(&plan, &Unwatched, &machine)).map_err(|error| format!("{name}: {error}"))?;
        }
        if outline.changes_past {
            change_past(&mut ledger);
        }
        let archive = folder.path().join("archive");
        write_archive(&ledger, &archive);
        let plan = plan(outline, outline.run, archive, &out);
        let mut story = Story {
            old: visible(&out),
            name,
            folder,
            plan,
            new: Tree::new(),
            state: String::new(),
            steps: 0,
            can_exchange: outline.can_exchange,
        };
        story.run_undisturbed()?;
        let reports = story.report_folder();
        let told = truth::Told {
            ledger: &ledger,
            window: story.plan.window,
            tree: &story.new,
            folder: Path::new(&reports),
            csv: outline.csv,
            parquet: outline.parquet,
        };
        truth::check(&told).map_err(|found| format!("{}: {found}", story.name))?;
        Ok(story)
    }

    fn run_undisturbed(&mut self) -> Result<(), String> {
        let ground = scratch_folder();
        let disk = self.disk(ground.path());
        at_work(|| self.run(ground.path(), Arc::new(disk.clone())))
            .map_err(|error| format!("{}: {error}", self.name))?;
        self.new = visible(&ground.path().join("out"));
        self.state = super::state::dump(&ground.path().join("out"));
        self.steps = disk.steps().len();
        whole(&self.new, Path::new(&self.report_folder()))
    }

    /// A disk that holds what was there before the run.
    pub fn disk(&self, ground: &Path) -> super::disk::SimDisk {
        copy(&self.folder.path().join("base"), ground);
        let disk = super::disk::SimDisk::new(ground);
        if !self.can_exchange {
            disk.without_exchange();
        }
        disk
    }

    /// Does the run.
    pub fn run(&self, ground: &Path, disk: Arc<dyn Disk>) -> tieout::Result<()> {
        let mut plan = self.plan.clone();
        plan.output.directory = ground.join("out");
        pipeline::run_on(&plan, &Unwatched, &machine(disk)).map(|_| ())
    }

    /// Where its reports stand in the output directory.
    pub fn report_folder(&self) -> String {
        format!("reports/{}/{}", self.plan.job_name, self.plan.window)
    }
}

/// A week of a few rows.
pub fn books(seed: u64, accounts: u32) -> Ledger {
    let small = Recipe::small(seed + 1, window(0, 6));
    Recipe { accounts, cards_per_account: 1, rows_per_card: 7, rows_per_account: 5, ..small }.ledger()
}

/// Rows vanish, one says something else, and a day is left without any.
fn change_past(ledger: &mut Ledger) {
    for account in &mut ledger.accounts {
        account.lines.truncate(account.lines.len() * 2 / 3);
        account.transfers.clear();
        for card in &mut account.cards {
            card.rows.truncate(card.rows.len() * 2 / 3);
            if let Some(row) = card.rows.first_mut() {
                row.amount -= 100;
                row.balance_after -= 100;
            }
        }
    }
}

/// Writes the books as pages of three rows.
pub fn write_archive(ledger: &Ledger, folder: &Path) {
    let mut writer = ArchiveWriter::new(folder, 3, "sandbox-user").echoing_limits();
    for account in &ledger.books().accounts {
        writer.account(account).expect("an archive");
    }
    writer.finish().expect("an archive");
}

fn plan(outline: &Outline, window: Window, archive: PathBuf, out: &Path) -> Plan {
    let source = Source::Archive { directory: archive, username: None };
    plan_of(window, source, Output { csv: outline.csv, parquet: outline.parquet, ..output_in(out) })
}

/// CSV and Parquet, in that folder.
pub fn output_in(directory: &Path) -> Output {
    // Each life has a folder of its own: what is written must not tell them apart.
    let shown_as = "out".to_owned();
    let accounting = Accounting::default();
    Output { directory: directory.to_owned(), shown_as, lake: None, csv: true, parquet: true, accounting }
}

/// A plan of all feeds.
pub fn plan_of(window: Window, source: Source, output: Output) -> Plan {
    Plan {
        job_name: "nightly".to_owned(),
        zone: Zone::parse("Europe/Paris").expect("a zone"),
        window,
        feeds: Feed::ALL.to_vec(),
        shard: None,
        transfer_days: 3,
        provider: "anytime",
        fx_fee: FeeRule::Auto,
        source,
        output,
        fresh: false,
        locale: Locale::default(),
    }
}

/// A folder in memory where the machine has such a place.
pub fn scratch_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(folder) = tempfile::tempdir_in(memory)
    {
        return folder;
    }
    tempfile::tempdir().expect("a folder")
}

/// Copies a folder, file by file.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in from.read_dir().expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// Every file that readers see: reports and lake.
pub fn visible(out: &Path) -> Tree {
    let mut tree = Tree::new();
    for top in ["reports", "lake"] {
        gather(&out.join(top), out, &mut tree);
    }
    tree
}

fn gather(folder: &Path, out: &Path, tree: &mut Tree) {
    let Ok(entries) = folder.read_dir() else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        if path.is_dir() {
            gather(&path, out, tree);
        } else {
            tree.insert(path.strip_prefix(out).expect("below").to_owned(), std::fs::read(&path).expect("a file"));
        }
    }
}

/// Whether a report folder is what its manifest says, no more and no less.
pub fn whole(tree: &Tree, folder: &Path) -> Result<(), String> {
    use sha2::Digest;
    let manifest = tree.get(&folder.join("manifest.json")).ok_or("expected a manifest, found none")?;
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(|error| format!("manifest: {error}"))?;
    let mut told = 1;
    for file in &manifest.files {
        let is_report = !file.path.starts_with("lake/");
        let path = if is_report { folder.join(&file.path) } else { PathBuf::from(&file.path) };
        told += usize::from(is_report);
        match tree.get(&path) {
            Some(bytes) if format!("{:x}", sha2::Sha256::digest(bytes)) == file.sha256 => {}
            Some(_) => return Err(format!("{} is not what the manifest says", path.display())),
            None => return Err(format!("{} is in the manifest, but not there", path.display())),
        }
    }
    let there = tree.keys().filter(|path| path.starts_with(folder)).count();
    if there == told { Ok(()) } else { Err(format!("{told} files in the manifest, {there} in the folder")) }
}

/// A random number for each seed and purpose.
pub fn random(seed: u64) -> Random {
    Random::for_part(seed, 4)
}
