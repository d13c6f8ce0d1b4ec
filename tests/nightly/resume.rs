//! A run that is killed goes on where it was, and ends with the bytes of a run that nobody disturbed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use chrono::Utc;
use tieout::record::{Window, Zone};
use tieout::sandbox::generator::Recipe;
use tieout::sandbox::{Books, RequestRecord};

use super::support::{Bench, Ended, csv_files, tree};

const WAIT_MAX: Duration = Duration::from_secs(30);

/// Whether there is time for the slow modes.
fn is_long() -> bool {
    std::env::var_os("TIEOUT_LONG").is_some()
}

/// Books of the last days: the window ends yesterday, so that balances are compared too.
fn recent_books() -> (Books, Window) {
    let today = Zone::parse("Europe/Paris").expect("a zone").day_at(Utc::now());
    let window = Window::new(today.plus(-20), today.previous()).expect("a window");
    let mut recipe = Recipe::small(11, Window { to: today, ..window });
    (recipe.accounts, recipe.cards_per_account) = (2, 2);
    (recipe.rows_per_card, recipe.rows_per_account) = (60, 40);
    (recipe.ledger().books(), window)
}

/// A sandbox of those books that answers slowly enough to be interrupted, with short pages.
fn bench() -> (Bench, Window) {
    let (books, window) = recent_books();
    let bench = Bench::with(|config| {
        config.books = books;
        config.behaviour.page_rows_max = 12;
        config.behaviour.latency = Duration::from_millis(1);
    });
    let window_line = format!("window = {{ from = \"{}\", to = \"{}\" }}", window.from, window.to);
    bench.write_job(&window_line, "concurrency = 4");
    (bench, window)
}

/// Starts a run and kills it when the sandbox has seen that many requests.
fn kill_after(bench: &Bench, requests: u64) {
    bench.control().clear_log();
    let mut run = start(bench, &["run", "job.toml", "--out", "out"]);
    wait_until(&mut run, || bench.control().counters().requests >= requests);
    kill(run);
}

fn start(bench: &Bench, arguments: &[&str]) -> Child {
    bench.place.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs")
}

fn wait_until(run: &mut Child, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() && run.try_wait().expect("a child").is_none() {
        assert!(begun.elapsed() < WAIT_MAX, "nothing happens");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// With SIGKILL: nothing is cleaned up.
fn kill(mut run: Child) {
    run.kill().expect("it can be killed");
    run.wait().expect("it ends");
}

/// What must be the same to the byte.
fn books_of(bench: &Bench, out: &str, window: Window) -> (BTreeMap<String, String>, BTreeMap<PathBuf, Vec<u8>>) {
    let reports = bench.place.path(out).join(format!("reports/demo/{window}"));
    (csv_files(&reports), tree(&bench.place.path(out).join("lake")))
}

/// The lines of the only index.
fn index_lines(bench: &Bench) -> Vec<serde_json::Value> {
    let indexes = index_files(&bench.place.path("out/raw/_runs"));
    assert_eq!(indexes.len(), 1, "an interrupted run is gone on with, not begun again: {indexes:?}");
    let text = fs::read_to_string(&indexes[0]).expect("an index");
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn index_files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
}

/// What a request asks of: its path and dates, without its limits.
fn asked(request: &str) -> String {
    let request = request.strip_prefix("GET ").unwrap_or(request);
    request.split("limit_start").next().unwrap_or_default().to_owned()
}

fn url(record: &RequestRecord) -> String {
    if record.query.is_empty() { record.path.clone() } else { format!("{}?{}", record.path, record.query) }
}

fn count<'t>(targets: impl Iterator<Item = &'t str>) -> BTreeMap<&'t str, i64> {
    let mut counts = BTreeMap::new();
    targets.for_each(|target| *counts.entry(target).or_default() += 1);
    counts
}

#[test]
fn a_run_that_is_killed_while_it_fetches_goes_on_where_it_was() {
    let (bench, window) = bench();
    bench.control().clear_log();
    let calm = bench.run_into("calm");
    assert!(matches!(calm.code, 0 | 3), "{}", calm.stderr);
    let calm_urls: Vec<String> = bench.control().log().iter().map(url).collect();
    let expected = books_of(&bench, "calm", window);
    let all = calm_urls.len() as u64;
    let parts: &[u64] =
        if is_long() { &[2, 11, 18, 25, 31, 37, 48, 54, 60, 66, 71, 83, 92, 97] } else { &[2, 37, 60, 92] };
    for part in parts {
        kill_after(&bench, (all * part / 100).max(1));
        let landed = index_lines(&bench);
        let finished: Vec<&str> = landed.iter().filter_map(|line| line["asked"].as_str()).collect();
        let landed_urls: Vec<&str> = landed
            .iter()
            .filter(|line| line["shelf"].is_string())
            .map(|line| line["request"].as_str().expect("a request").trim_start_matches("GET "))
            .collect();
        bench.control().clear_log();
        let ended = bench.run();
        assert_eq!(ended.code, calm.code, "{part} %: {}", ended.stderr);
        assert!(books_of(&bench, "out", window) == expected, "{part} %");
        let again_urls: Vec<String> = bench.control().log().iter().map(url).collect();
        let asked_again: Vec<&String> =
            again_urls.iter().filter(|url| finished.contains(&asked(url).as_str()) && !is_card_list(url)).collect();
        assert_eq!(asked_again, Vec::<&String>::new(), "{part} %: what was finished is not asked again");
        // A page landed before and asked for again, beyond what a run that nobody disturbs asks for.
        let (calm, before, again) = (
            count(calm_urls.iter().map(String::as_str)),
            count(landed_urls.iter().copied()),
            count(again_urls.iter().map(String::as_str)),
        );
        let mut refetched: BTreeMap<String, i64> = BTreeMap::new();
        for (url, times) in before.iter().filter(|(url, _)| !is_card_list(url)) {
            let more = times + again.get(url).unwrap_or(&0) - calm.get(url).unwrap_or(&0);
            *refetched.entry(asked(url)).or_default() += more.max(0);
        }
        refetched.retain(|_, pages| *pages > 1);
        assert_eq!(refetched, BTreeMap::new(), "{part} %: at most one page a listing");
        if !landed_urls.is_empty() {
            assert!(ended.stdout.contains("continued the fetch of run"), "{part} %: {}", ended.stdout);
        }
        assert!(again_urls.len() as u64 + before.values().sum::<i64>().unsigned_abs() <= all + all / 4, "{part} %");
        fs::remove_dir_all(bench.place.path("out")).expect("removed");
    }
}

/// The list of an account's cards is read again at the end of each run, for the balances in it.
fn is_card_list(url: &str) -> bool {
    asked(url).ends_with("/cards?")
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_bytes() {
    let (bench, window) = bench();
    bench.control().clear_log();
    assert!(matches!(bench.run_into("calm").code, 0 | 3));
    let all = bench.control().counters().requests;
    let mut asked_in_all = 0;
    for _ in 0..4 {
        kill_after(&bench, all / 6);
        asked_in_all += bench.control().counters().requests;
    }
    bench.control().clear_log();
    let ended = bench.run();
    asked_in_all += bench.control().counters().requests;
    assert!(books_of(&bench, "out", window) == books_of(&bench, "calm", window), "{}", ended.stderr);
    // Each time: a token, and of the eight listings that are open at once a page in flight and a page set aside.
    assert!(asked_in_all <= all + 4 * (1 + 8 + 8), "{asked_in_all} requests where {all} do");
}

/// Everything was fetched, nothing committed: nothing is asked again, not even for a token.
#[test]
fn a_run_that_is_killed_before_its_commit_asks_nobody() {
    let (bench, window) = bench();
    let calm = bench.run_into("calm");
    kill_before_commit(&bench, window);
    bench.control().clear_log();
    let ended = bench.run();
    assert_eq!((ended.code, bench.control().counters().requests), (calm.code, 0), "{}", ended.stderr);
    assert!(ended.stdout.contains("nothing was asked again"), "{}", ended.stdout);
    assert!(books_of(&bench, "out", window) == books_of(&bench, "calm", window));
    let summary = |out: &str| -> serde_json::Value {
        let path = bench.place.path(out).join(format!("reports/demo/{window}/summary.json"));
        serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON")
    };
    assert_eq!(summary("out")["date_filter"], summary("calm")["date_filter"]);
    // It is committed now: the next run asks for everything.
    assert_eq!(bench.run().code, calm.code);
    assert!(bench.control().counters().requests > 50);
}

/// Kills runs as soon as their landing has ended, until one is killed before its commit.
fn kill_before_commit(bench: &Bench, window: Window) {
    let out = bench.place.path("out");
    for _ in 0..20 {
        let mut run = start(bench, &["run", "job.toml", "--out", "out"]);
        let has_ended = || {
            let indexes = fs::read_dir(out.join("raw/_runs")).into_iter().flatten().filter_map(Result::ok);
            indexes.map(|index| index.path()).any(|path| {
                fs::read_to_string(path)
                    .is_ok_and(|text| text.lines().next_back().is_some_and(|l| l.starts_with("{\"end")))
            })
        };
        wait_until(&mut run, has_ended);
        kill(run);
        if !out.join(format!("reports/demo/{window}/manifest.json")).exists() {
            return;
        }
        fs::remove_dir_all(&out).expect("removed");
    }
    panic!("each of 20 runs was faster");
}

/// What happens to a landing.
type Damage = fn(&Path);

#[test]
fn what_the_last_moment_left_torn_is_cut_off() {
    let (bench, window) = bench();
    bench.control().clear_log();
    let calm = bench.run_into("calm");
    let half = bench.control().counters().requests / 2;
    let damages: [(&str, Damage); 5] = [
        ("half a line", |raw| append(&index_files(&raw.join("_runs"))[0], b"{\"response\":99999,\"shelf\":\"acc")),
        ("half a frame", |raw| {
            for file in index_files(&raw.join("card_transactions")) {
                append(&file, b"\x28\xb5\x2f\xfd\x00half");
            }
        }),
        ("a frame that never reached the disk", |raw| {
            let file = &index_files(&raw.join("account_statements"))[0];
            let length = fs::metadata(file).expect("a file").len();
            fs::File::options().write(true).open(file).expect("a file").set_len(length - 7).expect("cut");
        }),
        ("blocks of zeros", |raw| {
            let file = &index_files(&raw.join("account_statements"))[0];
            let mut bytes = fs::read(file).expect("a file");
            let half = bytes.len() / 2;
            bytes[half..].fill(0);
            fs::write(file, bytes).expect("written");
        }),
        ("zeros in the index", |raw| append(&index_files(&raw.join("_runs"))[0], &[0; 4096])),
    ];
    for (name, damage) in damages {
        kill_after(&bench, half);
        damage(&bench.place.path("out/raw"));
        let ended = bench.run();
        assert_eq!(ended.code, calm.code, "{name}: {}", ended.stderr);
        assert!(books_of(&bench, "out", window) == books_of(&bench, "calm", window), "{name}");
        // The landing is whole again: it can be read back without a network.
        if name == "half a frame" || is_long() {
            let again = bench.place.tieout(&["run", "job.toml", "--archive", "out/raw", "--out", "again"]);
            assert_eq!(again.code, calm.code, "{name}: {}", again.stderr);
            assert!(books_of(&bench, "again", window).0 == books_of(&bench, "calm", window).0, "{name}");
            fs::remove_dir_all(bench.place.path("again")).expect("removed");
        }
        fs::remove_dir_all(bench.place.path("out")).expect("removed");
    }
}

fn append(file: &Path, bytes: &[u8]) {
    use std::io::Write;
    fs::File::options().append(true).open(file).expect("a file").write_all(bytes).expect("written");
}

/// Rows that came meanwhile move the pages: the listing starts over, and is whole.
#[test]
fn rows_that_arrive_between_the_two_are_neither_lost_nor_doubled() {
    let (books, window) = recent_books();
    for order in [tieout::sandbox::Order::Newest, tieout::sandbox::Order::Oldest] {
        let bench = Bench::with(|config| {
            config.books = books.clone();
            config.behaviour.order = order;
            config.behaviour.page_rows_max = 12;
            config.behaviour.latency = Duration::from_millis(1);
        });
        let window_line = format!("window = {{ from = \"{}\", to = \"{}\" }}", window.from, window.to);
        bench.write_job(&window_line, "concurrency = 4");
        {
            let kill_at = if order == tieout::sandbox::Order::Newest { 20 } else { 45 };
            kill_after(&bench, kill_at);
            for account in bench.control().log().iter().filter(|record| record.path.ends_with("/statements")) {
                bench.control().insert_rows(&account.path, 1);
                bench.control().delete_rows(&account.path, 1);
            }
            let ended = bench.run();
            assert!(matches!(ended.code, 0 | 3), "{}", ended.stderr);
            let calm = bench.run_into("calm");
            assert!(matches!(calm.code, 0 | 3), "{}", calm.stderr);
            let proved_before = index_lines(&bench);
            let finished = |acc_id: &str| {
                proved_before.iter().any(|line| line["listing"] == "account_statements" && line["acc_id"] == acc_id)
            };
            assert!(finished("1"));
            let rows = |out: &str| books_of(&bench, out, window).0["account_statements.csv"].clone();
            // A listing that was proved before the rows moved stands as it was proved; all others are as they are now.
            let now: std::collections::HashSet<String> = rows("calm").lines().map(str::to_owned).collect();
            let ours = rows("out");
            let unlike = ours.lines().filter(|line| !now.contains(*line)).count();
            let different: std::collections::HashSet<&str> = ours.lines().collect();
            assert_eq!(different.len(), ours.lines().count(), "nothing is doubled");
            assert!(unlike <= 40, "{unlike} rows differ: those of listings proved before");
            fs::remove_dir_all(bench.place.path("out")).expect("removed");
            fs::remove_dir_all(bench.place.path("calm")).expect("removed");
        }
    }
}

#[test]
fn fresh_and_another_job_begin_anew() {
    let (bench, window) = bench();
    bench.control().clear_log();
    let calm = bench.run_into("calm");
    let all = bench.control().counters().requests;
    let begun_anew = |arguments: &[&str]| {
        kill_after(&bench, all / 2);
        bench.control().clear_log();
        let ended: Ended = bench.place.tieout(arguments);
        let asked = bench.control().counters().requests;
        assert_eq!(index_files(&bench.place.path("out/raw/_runs")).len(), 2, "{arguments:?}");
        fs::remove_dir_all(bench.place.path("out")).expect("removed");
        (ended.code, asked)
    };
    // Which pages are guessed before their turn differs from run to run: they are bounded by a share of all requests.
    let guesses = 1 + all / 50;
    let is_all = |(code, asked): (i32, u64)| code == calm.code && (all - guesses..=all + guesses).contains(&asked);
    assert!(is_all(begun_anew(&["run", "job.toml", "--out", "out", "--fresh"])), "not about {all} requests");
    let other_window = ["run", "job.toml", "--out", "out", "--from", &window.from.next().to_string()];
    let (code, asked) = begun_anew(&other_window);
    assert!(matches!(code, 0 | 3) && asked > all / 2, "{code} {asked}");
    let other = fs::read_to_string(bench.place.path("job.toml")).expect("the job").replace("\"demo\"", "\"other\"");
    bench.place.write("other.toml", &other);
    assert!(is_all(begun_anew(&["run", "other.toml", "--out", "out"])), "not about {all} requests");
    let fewer = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
    let fewer = fewer.replace("[source]", "feeds = [\"account_statements\"]\n[source]");
    bench.place.write("fewer.toml", &fewer);
    assert!(matches!(begun_anew(&["run", "fewer.toml", "--out", "out"]).0, 0 | 3));
}

/// An index that is a day or a good while old is left alone.
#[test]
fn what_landed_too_long_ago_is_not_gone_on_with() {
    let (bench, _) = bench();
    for (what, replaced) in
        [("\"day\":\"", "\"day\":\"2001-01-01"), ("\"received_at\":\"", "\"received_at\":\"2001-01-01")]
    {
        kill_after(&bench, 40);
        let index = index_files(&bench.place.path("out/raw/_runs")).pop().expect("an index");
        let text = fs::read_to_string(&index).expect("an index");
        let dated = text.split(what).enumerate().map(|(part, rest)| match part {
            0 => rest.to_owned(),
            _ => format!("{replaced}{}", &rest[10..]),
        });
        fs::write(&index, dated.collect::<String>()).expect("written");
        let ended = bench.run();
        assert!(!ended.stdout.contains("continued"), "{what}: {}", ended.stdout);
        assert_eq!(index_files(&bench.place.path("out/raw/_runs")).len(), 2, "{what}");
        fs::remove_dir_all(bench.place.path("out")).expect("removed");
    }
}

/// The lock of a dead process holds nobody up, and it does not matter what its file says.
#[test]
fn the_lock_of_a_dead_process_does_not_block() {
    let (bench, _) = bench();
    kill_after(&bench, 10);
    let lock = bench.place.path("out/.tieout/lock");
    assert!(lock.is_file());
    // The number now belongs to somebody who lives.
    fs::write(&lock, format!("{}\n", std::process::id())).expect("written");
    assert!(matches!(bench.run().code, 0 | 3));
}
