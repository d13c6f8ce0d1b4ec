//! An owner with more rows than are held at once is processed in parts: what comes out is what comes out of the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tieout::formats::Accounting;
use tieout::job::{Output, Plan, Source};
use tieout::output::{LocalDisk, Machine, WallClock};
use tieout::pipeline::{self, Watch};
use tieout::reconcile::FeeRule;
use tieout::record::{Day, Feed, Window, Zone};
use tieout::report::Locale;
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::generator::{FaultKind, Ids, Random, Recipe, plant};

use super::misbehaving::watched;
use super::support::{Bench, Tree, rows, tree};

struct Unwatched;
impl tieout::provider::Progress for Unwatched {}
impl Watch for Unwatched {}

/// It is always the same moment.
#[derive(Debug)]
struct Stopped;

impl WallClock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_572_000, 0).expect("a moment")
    }
}

fn window(from: &str, to: &str) -> Window {
    Window::new(Day::parse(from).expect("a day"), Day::parse(to).expect("a day")).expect("runs upwards")
}

fn plan(archive: &Path, out: &Path, window: Window, feeds: &[Feed]) -> Plan {
    let accounting = Accounting::default();
    Plan {
        job_name: "nightly".to_owned(),
        zone: Zone::parse("Europe/Paris").expect("a zone"),
        window,
        feeds: feeds.to_vec(),
        shard: None,
        transfer_days: 3,
        provider: "anytime",
        fx_fee: FeeRule::Auto,
        source: Source::Archive { directory: archive.to_owned(), username: None },
        output: Output {
            directory: out.to_owned(),
            shown_as: "out".to_owned(),
            lake: None,
            csv: true,
            parquet: true,
            accounting,
        },
        fresh: false,
        locale: Locale::default(),
    }
}

/// All that runs over the windows leave for readers, with at most so many rows of an owner held at once.
fn left_by(archive: &Path, windows: &[Window], feeds: &[Feed], owner_rows_max: usize, threads: usize) -> Tree {
    let folder = scratch_folder();
    let out = folder.path().join("out");
    for window in windows {
        let machine = Machine {
            disk: Arc::new(LocalDisk),
            clock: Arc::new(Stopped),
            dice: || 7,
            threads,
            owner_rows_max,
            held_bytes_max: 1 << 20,
        };
        pipeline::run_on(&plan(archive, &out, *window, feeds), &Unwatched, &machine).expect("a run");
    }
    let mut left = tree(&out.join("reports"));
    left.extend(tree(&out.join("lake")).into_iter().map(|(path, bytes)| (Path::new("lake").join(path), bytes)));
    left
}

/// In memory, where the machine has such a place: many runs wait for the disk otherwise.
fn scratch_folder() -> tempfile::TempDir {
    let memory = tempfile::tempdir_in("/dev/shm");
    memory.or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// What differs, file by file, in few words.
fn differences(whole: &Tree, parts: &Tree) -> Vec<String> {
    let names: BTreeSet<&PathBuf> = whole.keys().chain(parts.keys()).collect();
    let text = |tree: &Tree, name: &PathBuf| {
        tree.get(name).map_or_else(|| "nothing".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    let differing = names.into_iter().filter(|name| whole.get(*name) != parts.get(*name));
    let told = differing.map(|name| {
        let (a, b) = (text(whole, name), text(parts, name));
        let line = a.lines().zip(b.lines()).find(|(a, b)| a != b);
        format!("{}: {line:.400?}", name.display())
    });
    told.collect()
}

/// Books with all that makes an order hard: ties, an hour that is lived twice, rows that move nothing, exchanges.
fn recipe(seed: u64) -> Recipe {
    let mut recipe = Recipe::small(seed, window("2026-10-19", "2026-10-31"));
    (recipe.accounts, recipe.cards_per_account) = (1, 2);
    (recipe.rows_per_card, recipe.rows_per_account) = (150, 120);
    recipe.mix.tied = 300;
    recipe.mix.fee_on_top_cards = 400;
    recipe.ids = [Ids::Shared, Ids::Dense, Ids::Random][usize::try_from(seed % 3).expect("small")];
    recipe
}

/// Faults that leave a mark of their own, whatever is usual for the owner.
const UNMISTAKABLE: [FaultKind; 6] = [
    FaultKind::Double,
    FaultKind::DoubleNewId,
    FaultKind::BalanceAltered,
    FaultKind::SignFlipped,
    FaultKind::MissingTwin,
    FaultKind::OrphanLoad,
];

fn write_archive(recipe: &Recipe, faults: &[FaultKind], page_rows: usize, folder: &Path) {
    let mut ledger = recipe.ledger();
    plant(&mut ledger, faults, recipe.seed);
    let mut writer = ArchiveWriter::new(folder, page_rows, "sandbox-user").echoing_limits();
    for account in &ledger.books().accounts {
        writer.account(account).expect("an archive");
    }
    writer.finish().expect("an archive");
}

/// Books that are compared.
fn seeds() -> std::ops::Range<u64> {
    let is_long = std::env::var_os("TIEOUT_LONG").is_some();
    0..if is_long { 60 } else { 3 }
}

const WHOLE: usize = usize::MAX;

#[test]
fn books_in_parts_are_the_books_as_a_whole() {
    for seed in seeds() {
        let archive = tempfile::tempdir().expect("a folder");
        write_archive(&recipe(seed), &UNMISTAKABLE, 7, archive.path());
        let windows = [window("2026-10-19", "2026-10-22"), window("2026-10-23", "2026-10-30")];
        let whole = left_by(archive.path(), &windows, &Feed::ALL, WHOLE, 1);
        for (rows_max, threads) in [(4, 1), (40, 3), (160, 2)] {
            let parts = left_by(archive.path(), &windows, &Feed::ALL, rows_max, threads);
            assert_eq!(differences(&whole, &parts), [""; 0], "seed {seed}, at most {rows_max} rows");
        }
    }
}

/// Without files of these names, and those that tell of all files or show rows.
fn without(tree: &Tree, names: &[&str]) -> Tree {
    let is_left_out = |path: &Path| {
        let tell_of_all = ["manifest.json", "datapackage.json", "reconciliation.html"];
        names.iter().chain(&tell_of_all).any(|name| path.ends_with(name))
    };
    tree.iter().filter(|(path, _)| !is_left_out(path)).map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

fn file<'t>(tree: &'t Tree, name: &str) -> &'t str {
    let of_name = tree.iter().find(|(path, _)| path.ends_with(name));
    std::str::from_utf8(of_name.unwrap_or_else(|| panic!("no {name}")).1).expect("UTF-8")
}

/// Breaks without their causes: what needs the habits of an owner may be explained in another way, what is found may not
/// differ.
fn found(tree: &Tree) -> Vec<BTreeMap<String, String>> {
    let mut breaks = rows(file(tree, "breaks.csv"));
    for found in &mut breaks {
        found.retain(|name, _| name != "cause" && name != "explanation");
    }
    breaks
}

/// What holds in any case, whatever is wrong with the books.
fn assert_found_alike(whole: &Tree, parts: &Tree, named: &str) {
    assert_eq!(found(whole), found(parts), "{named}");
    let others = |tree: &Tree| without(tree, &["breaks.csv", "summary.json"]);
    assert_eq!(differences(&others(whole), &others(parts)), [""; 0], "{named}");
}

#[test]
fn every_fault_is_found_at_its_row_with_its_amounts() {
    for seed in seeds() {
        let archive = tempfile::tempdir().expect("a folder");
        write_archive(&recipe(seed), &FaultKind::ALL, 7, archive.path());
        let windows = [window("2026-10-20", "2026-10-30")];
        let whole = left_by(archive.path(), &windows, &Feed::ALL, WHOLE, 1);
        let parts = left_by(archive.path(), &windows, &Feed::ALL, 36, 2);
        assert_found_alike(&whole, &parts, &format!("seed {seed}"));
    }
}

/// Pages in any order, without a word of their position, some of them twice and some of them cut; rows that cannot be
/// taken, and ids that stand twice days apart.
#[test]
fn pages_of_unknown_history_come_to_the_same() {
    let mut odd = 0;
    for seed in seeds() {
        let archive = tempfile::tempdir().expect("a folder");
        write_archive(&recipe(seed), &[FaultKind::Double], 6, archive.path());
        let mut random = Random::new(seed);
        for feed in ["card_transactions", "account_statements"] {
            let path = archive.path().join(feed).join("pages.ndjson");
            let text = fs::read_to_string(&path).expect("pages");
            let mut pages: Vec<String> = text.lines().map(str::to_owned).collect();
            if seed % 2 == 0 {
                pages = pages.iter().map(|page| without_position(page)).collect();
                pages.extend(
                    pages
                        .clone()
                        .into_iter()
                        .step_by(5)
                        .map(|page| page.replacen("request_id\":", "request_id\":9", 1)),
                );
            }
            odd += spoil(&mut pages, &mut random);
            if seed % 3 == 0 {
                random.shuffle(&mut pages);
            }
            if seed % 4 == 1 {
                pages.push("{\"body\":{\"card_ref\":".to_owned());
            }
            fs::write(&path, pages.join("\n")).expect("pages");
        }
        let windows = [window("2026-10-21", "2026-10-29")];
        let whole = left_by(archive.path(), &windows, &Feed::ALL, WHOLE, 1);
        for (rows_max, threads) in [(24, 1), (120, 2)] {
            let parts = left_by(archive.path(), &windows, &Feed::ALL, rows_max, threads);
            assert_found_alike(&whole, &parts, &format!("seed {seed}, at most {rows_max} rows"));
        }
    }
    assert!(odd > 10, "{odd} rows were spoilt");
}

/// A missing row is the rejected one, whichever part it is missing from.
#[test]
fn rejected_rows_are_told_as_missing_ones_in_parts_as_well() {
    let archive = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(archive.path().join("card_transactions")).expect("a folder");
    let mut balance = 0;
    let row = |number: u32| {
        balance += 10 + number;
        let date = format!("2026-10-{:02} {:02}:00:00", 20 + number / 20, number % 20);
        let row = super::books::settled(number, &date, &(10 + number).to_string(), "C", &balance.to_string());
        if [31, 77, 110].contains(&number) { row.replacen("\"amount\":", "\"amount\":\"x\",\"was\":", 1) } else { row }
    };
    let all: Vec<String> = (1..160).map(row).collect();
    let pages: Vec<String> = all.chunks(10).map(super::books::page).collect();
    fs::write(archive.path().join("card_transactions/pages.ndjson"), pages.join("\n")).expect("pages");
    let windows = [window("2026-10-20", "2026-10-30")];
    let whole = left_by(archive.path(), &windows, &[Feed::CardTransactions], WHOLE, 1);
    let told = rows(file(&whole, "breaks.csv"));
    assert_eq!(told.len(), 3, "{told:?}");
    for (found, txid) in told.iter().zip([31, 77, 110]) {
        let words = format!("; txid {txid}, between {} and {}, was rejected: see rejects.csv", txid - 1, txid + 1);
        assert!(found["explanation"].ends_with(&words), "{found:?}");
    }
    for (rows_max, threads) in [(24, 1), (120, 2)] {
        let parts = left_by(archive.path(), &windows, &[Feed::CardTransactions], rows_max, threads);
        assert_eq!(differences(&whole, &parts), [""; 0], "at most {rows_max} rows");
    }
}

fn without_position(page: &str) -> String {
    let from = page.find("\"filters\":").expect("filters");
    let to = from + page[from..].find('}').expect("an object") + 1;
    format!("{}\"filters\":[]{}", &page[..from], &page[to..])
}

/// Rows whose amounts or dates cannot be read, and a row that takes the id of one far away.
fn spoil(pages: &mut [String], random: &mut Random) -> usize {
    let mut spoilt = 0;
    for page in pages.iter_mut() {
        match random.next_u64() % 9 {
            0 => *page = page.replacen("\"amount\":", "\"amount\":\"x\",\"was\":", 1),
            1 => *page = page.replacen("\"date\":\"", "\"date\":\"no ", 1),
            _ => continue,
        }
        spoilt += 1;
    }
    let id = |page: &str| {
        let at = page.find("\"txid\":")? + 7;
        Some(page[at..].split(',').next().unwrap_or_default().to_owned())
    };
    let (first, last) = (pages.first().and_then(|page| id(page)), pages.last().and_then(|page| id(page)));
    if let (Some(first), Some(last)) = (first, last) {
        let page = pages.last_mut().expect("there are pages");
        *page = page.replacen(&format!("\"txid\":{last}"), &format!("\"txid\":{first}"), 1);
        spoilt += 1;
    }
    spoilt
}

/// Where the window reaches the day of the run, the last balance is compared with the one that the provider reports: here
/// rows after the window, pending ones, and a card of which the provider reports another.
#[test]
fn the_end_is_compared_with_what_the_provider_reports() {
    let today = Zone::parse("Europe/Paris").expect("a zone").day_at(chrono::Utc::now());
    let day = |back: i32| today.plus(-back);
    let window = Window::new(day(12), day(1)).expect("runs upwards");
    let mut recipe = recipe(4);
    recipe.window = Window::new(day(12), day(0)).expect("runs upwards");
    let mut ledger = recipe.ledger();
    // The last row is none of those that are asked for, so that the balance reported is off.
    ledger.accounts[0].cards[0].rows.pop();
    let mut books = recipe.ledger().books();
    books.accounts[0].cards[0].transactions = ledger.books().accounts[0].cards[0].transactions.clone();
    let bench = Bench::with(|config| config.books = books);
    bench.write_job(&format!("window = {{ from = \"{}\", to = \"{}\" }}", window.from, window.to), "");
    let ended = bench.run();
    assert!(matches!(ended.code, 0 | 3), "{}", ended.stderr);
    let raw = bench.place.path("out/raw");
    let whole = left_by(&raw, &[window], &Feed::ALL, WHOLE, 1);
    assert!(file(&whole, "breaks.csv").contains("closing_balance"), "{}", file(&whole, "breaks.csv"));
    for rows_max in [20, 240] {
        let parts = left_by(&raw, &[window], &Feed::ALL, rows_max, 2);
        assert_eq!(differences(&whole, &parts), [""; 0], "at most {rows_max} rows");
    }
}

/// Says to the test itself that it is the process that is measured.
const MEASURED: &str = "TIEOUT_TEST_MEASURED";

/// The peak of a run's memory does not grow with the rows of an owner. Each run is a process of its own.
#[test]
fn memory_does_not_grow_with_an_owners_rows() {
    if let Some(archive) = std::env::var_os(MEASURED) {
        let winter = window("2026-01-01", "2026-03-20");
        left_by(Path::new(&archive), &[winter], &[Feed::CardTransactions], 8_000, 2);
        return;
    }
    let peak_kib = |rows: u64| {
        let archive = tempfile::tempdir().expect("a folder");
        write_card(rows, archive.path());
        let name = "in_parts::memory_does_not_grow_with_an_owners_rows";
        let mut run = Command::new(std::env::current_exe().expect("this program"))
            .args([name, "--exact"])
            .env(MEASURED, archive.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        let (status, peak_kib) = watched(&mut run);
        assert!(status.success());
        peak_kib
    };
    let (few, many) = (peak_kib(12_000), peak_kib(48_000));
    // Held as a whole, 36,000 rows more would take some 40 MB.
    assert!(few > 0 && many < few + 12_000, "{few} KiB for 12,000 rows, {many} KiB for 48,000");
}

/// Pages of a card's rows, newest first, spread evenly over a winter.
fn write_card(rows: u64, folder: &Path) {
    const WINTER_S: u64 = 66 * 86_400;
    let mut pages = Vec::new();
    let all: Vec<u64> = (0..rows).rev().collect();
    for (number, page) in all.chunks(500).enumerate() {
        let row = |index: &u64| {
            let seconds = i64::try_from(index * (WINTER_S / rows)).expect("a winter");
            let at = DateTime::from_timestamp(1_767_250_800 + seconds, 0).expect("a moment");
            let at = at.format("%Y-%m-%d %H:%M:%S");
            let balance = 10_000_000 - index;
            format!(
                r#"{{"txid":{index},"mcc":5411,"amount":"1.00","amount_fx":"1.00","currency":"EUR","fx":"1.000000","fx_fee":0,"vat_details":[],"failed_reason":[],"status":"S","type":"D","balance_after":"{balance}.00","date":"{at}","date_transaction":"{at}","description":"A MERCHANT SOMEWHERE"}}"#
            )
        };
        let listed: Vec<String> = page.iter().map(row).collect();
        pages.push(format!(
            r#"{{"request_id":{number},"timestamp":1793408400.644,"hash":"00","body":{{"card_ref":"ANY1","acc_id":"1","filters":{{"limit_start":{},"limit_number":500}},"transactions":[{}]}}}}"#,
            number * 500,
            listed.join(",")
        ));
    }
    let shelf = folder.join("card_transactions");
    fs::create_dir_all(&shelf).expect("a folder");
    fs::write(shelf.join("pages.ndjson"), pages.join("\n")).expect("pages");
}
