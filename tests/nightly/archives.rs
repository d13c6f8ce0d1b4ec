//! Runs without a network: the landing of an earlier run, and folders of pages fetched by other means.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sha2::Digest;
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::{Books, sample};

use super::support::{Bench, Place, tree};

const COOKBOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-data/cookbook");

#[test]
fn a_landing_read_back_gives_the_same_reports_without_a_network() {
    let bench = Bench::with(|config| {
        config.behaviour.page_rows_max = 20;
        config.faults = vec!["insert@/accounts/1/statements#2".parse().expect("a fault")];
    });
    assert_eq!(bench.run().code, 3);
    let Bench { place, sandbox } = bench;
    sandbox.shutdown();
    let ended = place.tieout(&["run", "job.toml", "--archive", "out/raw", "--out", "again"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(place.reports("again") == place.reports("out"));
    assert!(tree(&place.path("again/lake")) == tree(&place.path("out/lake")));
}

#[test]
fn the_landing_is_what_was_received_and_told_where_it_came_from() {
    let bench = Bench::new();
    assert_eq!(bench.run().code, 3);
    let raw = bench.place.path("out/raw");
    let index = tree(&raw.join("_runs")).into_values().next().expect("an index");
    let mut responses = 0;
    for line in std::str::from_utf8(&index).expect("UTF-8").lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let Some(file) = line["file"].as_str() else { continue };
        responses += 1;
        let frames = fs::read(raw.join(file)).expect("a file");
        let offset = usize::try_from(line["offset"].as_u64().expect("an offset")).expect("small");
        let length = usize::try_from(line["stored_bytes"].as_u64().expect("a length")).expect("small");
        let body = zstd::decode_all(&frames[offset..offset + length]).expect("a frame");
        let body = body.strip_suffix(b"\n").unwrap_or(&body);
        assert_eq!(line["sha256"], format!("{:x}", sha2::Sha256::digest(body)));
        assert!(line["request"].as_str().expect("a request").starts_with("GET /v1.0/"));
        assert_eq!(line["status"], 200);
        assert!(chrono::DateTime::parse_from_rfc3339(line["received_at"].as_str().expect("a time")).is_ok());
    }
    assert!(responses > 30);
    // Every zstd tool reads the file as one stream of one response a line.
    let text =
        zstd::decode_all(&fs::read(first_file(&raw.join("card_transactions"))).expect("a file")[..]).expect("zstd");
    assert!(text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).all(|line| line.starts_with(b"{")));
}

/// A provider that changed a format has every row rejected. That each is told with the hash of its page does not take the
/// page's length once a row.
#[test]
fn a_long_page_of_which_no_row_can_be_taken_is_told_in_seconds() {
    const ROWS: usize = 20_000;
    let place = Place::new();
    let row = |row: usize| {
        format!(
            r#"{{"txid":{row},"date":"2026-08-03 10:00:00","amount":"1.2.3","type":"Debit","balance":"1","currency":"EUR"}}"#
        )
    };
    let rows = (0..ROWS).map(row).collect::<Vec<_>>().join(",");
    place.write("pages/account_statements/1.json", &format!(r#"{{"body":{{"acc_id":"1","transactions":[{rows}]}}}}"#));
    let began = std::time::Instant::now();
    let ended = place.run_archive(&place.path("pages"), "out", "feeds = [\"account_statements\"]");
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let rejects = place.reports("out").remove("rejects.csv").expect("a report");
    let hashes: std::collections::HashSet<String> = super::support::rows(&rejects)
        .into_iter()
        .map(|mut row| row.remove("page_sha256").expect("a column"))
        .collect();
    assert_eq!((rejects.lines().count(), hashes.len()), (ROWS + 1, 1));
    let took = began.elapsed();
    assert!(took.as_secs() < 12, "took {took:?}");
}

fn first_file(folder: &Path) -> std::path::PathBuf {
    fs::read_dir(folder).expect("a folder").next().expect("a file").expect("an entry").path()
}

/// A feed that was not asked for is not a feed without rows.
#[test]
fn a_landing_of_fewer_feeds_is_not_read_back_as_one_of_all() {
    let bench = Bench::new();
    bench.write_job("feeds = [\"account_statements\"]", "");
    assert!(matches!(bench.run().code, 0 | 3));
    let same = bench.place.tieout(&["run", "job.toml", "--archive", "out/raw", "--out", "same"]);
    assert!(matches!(same.code, 0 | 3), "{}", same.stderr);
    bench.write_job("", "");
    let ended = bench.place.tieout(&["run", "job.toml", "--archive", "out/raw", "--out", "again"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("2026-08-01 to 2026-10-31 (of account_statements only)"), "{}", ended.stderr);
}

#[test]
fn a_landing_that_was_changed_is_refused() {
    let bench = Bench::new();
    assert_eq!(bench.run().code, 3);
    let file = first_file(&bench.place.path("out/raw/credit_transfers"));
    let mut body = zstd::decode_all(&fs::read(&file).expect("a file")[..]).expect("zstd");
    let place = body.iter().position(u8::is_ascii_digit).expect("a digit");
    body[place] = if body[place] == b'9' { b'8' } else { b'9' };
    let frames: Vec<u8> = body
        .split_inclusive(|byte| *byte == b'\n')
        .flat_map(|line| zstd::bulk::compress(line, 3).expect("zstd"))
        .collect();
    fs::write(&file, frames).expect("a file");
    let ended = bench.place.tieout(&["run", "job.toml", "--archive", "out/raw", "--out", "again"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(!bench.place.path("again/reports").exists());
}

#[test]
fn the_cookbook_gives_exactly_one_chain_break() {
    let place = Place::new();
    place.write(
        "job.toml",
        &format!(
            "[job]\nname = \"cookbook\"\nwindow = {{ from = \"2016-07-01\", to = \"2016-08-31\" }}\n\
             [source]\nprovider = \"anytime\"\narchive = '{COOKBOOK}'\n"
        ),
    );
    let ended = place.tieout(&["run", "job.toml", "--out", "out"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let reports = super::support::csv_files(&place.path("out/reports/cookbook/2016-07-01_2016-08-31"));
    let breaks = super::support::rows(&reports["breaks.csv"]);
    assert_eq!(breaks.len(), 1);
    let cell = |name: &str| breaks[0][name].as_str();
    assert_eq!((cell("check"), cell("owner_id"), cell("txid")), ("chain", "ANY7622465500", "9"));
    assert_eq!((cell("expected"), cell("actual"), cell("difference")), ("42361.11", "29798.50", "-12562.61"));
}

/// Pages by feed, each a line of JSON.
type Feeds = Vec<(String, Vec<String>)>;

/// The sample's books as pages that tell their positions.
fn sample_pages(place: &Place, page_rows: usize) -> Feeds {
    let folder = place.path(&format!("pages-{page_rows}"));
    pages_of(ArchiveWriter::new(&folder, page_rows, "sandbox-user").echoing_limits(), &folder, &sample::books())
}

/// The sample's books as pages that do not. Then a row that is listed twice, on two pages, cannot be told from one that
/// was read twice: it is left out.
fn sample_pages_without_positions(place: &Place, page_rows: usize) -> Feeds {
    let folder = place.path(&format!("plain-{page_rows}"));
    let mut books = sample::books();
    for account in &mut books.accounts {
        account.statements.dedup_by(|a, b| a.json == b.json);
    }
    pages_of(ArchiveWriter::new(&folder, page_rows, "sandbox-user"), &folder, &books)
}

fn pages_of(mut writer: ArchiveWriter, folder: &Path, books: &Books) -> Feeds {
    let _ = fs::remove_dir_all(folder);
    for account in &books.accounts {
        writer.account(account).expect("an account");
    }
    writer.finish().expect("an archive");
    let mut feeds: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for (path, bytes) in tree(folder) {
        let feed = path.iter().next().expect("a folder").to_string_lossy().into_owned();
        let lines = String::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned).collect::<Vec<_>>();
        feeds.entry(feed).or_default().extend(lines);
    }
    feeds.into_iter().collect()
}

fn write_archive(folder: &Path, feeds: &[(String, Vec<String>)], form: usize) {
    let _ = fs::remove_dir_all(folder);
    for (feed, pages) in feeds {
        let shelf = folder.join(feed);
        fs::create_dir_all(&shelf).expect("a folder");
        match form {
            0 => pages.iter().enumerate().for_each(|(number, page)| {
                fs::write(shelf.join(format!("{number:05}.json")), page).expect("a file");
            }),
            1 => fs::write(shelf.join("pages.ndjson"), pages.join("\n")).expect("a file"),
            _ => {
                let packed = zstd::encode_all(pages.join("\n").as_bytes(), 3).expect("zstd");
                fs::write(shelf.join("pages.ndjson.zst"), packed).expect("a file");
            }
        }
    }
}

#[test]
fn every_form_of_an_archive_gives_the_same_reports() {
    let place = Place::new();
    let feeds = sample_pages(&place, 40);
    let mut seen = Vec::new();
    for form in 0..3 {
        let archive = place.path("archive");
        write_archive(&archive, &feeds, form);
        let ended = place.run_archive(&archive, &format!("out-{form}"), "");
        assert_eq!(ended.code, 3, "{}", ended.stderr);
        seen.push(place.reports(&format!("out-{form}")));
    }
    assert!(seen[0] == seen[1] && seen[1] == seen[2]);
}

/// Splitting, repeating or reordering pages never changes the reports.
#[test]
fn how_an_archive_is_cut_into_pages_does_not_matter() {
    let place = Place::new();
    let cut = |place: &Place, echo: bool, page_rows: usize| {
        if echo { sample_pages(place, page_rows) } else { sample_pages_without_positions(place, page_rows) }
    };
    let whole = [false, true].map(|echo| {
        write_archive(&place.path("archive"), &cut(&place, echo, 100_000), 1);
        let _ = fs::remove_dir_all(place.path("whole"));
        assert_eq!(place.run_archive(&place.path("archive"), "whole", "").code, 3);
        place.reports("whole")
    });
    let cuts = (1..60_usize, any::<u64>(), 0..3_usize, any::<bool>());
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner
        .run(&cuts, |(page_rows, seed, repeats, echo)| {
            let mut feeds = cut(&place, echo, page_rows);
            for (_, pages) in &mut feeds {
                repeat_and_shuffle(pages, seed, repeats);
            }
            write_archive(&place.path("archive"), &feeds, 1);
            let _ = fs::remove_dir_all(place.path("cut"));
            let ended = place.run_archive(&place.path("archive"), "cut", "");
            prop_assert_eq!(ended.code, 3, "{}", ended.stderr);
            let reports = place.reports("cut");
            for (name, text) in &whole[usize::from(echo)] {
                prop_assert!(reports[name] == *text, "{} differs for pages of {}", name, page_rows);
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn repeat_and_shuffle(pages: &mut Vec<String>, seed: u64, repeats: usize) {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let count = pages.len();
    for n in 0..repeats * count / 3 {
        pages.push(pages[(n * 7 + usize::try_from(seed % 13).expect("small")) % count].clone());
    }
    pages.sort_by_cached_key(|page| {
        let mut hasher = DefaultHasher::new();
        (seed, page).hash(&mut hasher);
        hasher.finish()
    });
}

#[test]
fn a_page_missing_between_two_is_told() {
    let place = Place::new();
    let mut feeds = sample_pages(&place, 10);
    let cards = feeds.iter_mut().find(|(feed, _)| feed == "card_transactions").expect("cards");
    // The second of a card's many.
    cards.1.remove(1);
    write_archive(&place.path("archive"), &feeds, 1);
    let ended = place.run_archive(&place.path("archive"), "out", "");
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(place.reports("out")["breaks.csv"].contains("completeness"), "{}", ended.stdout);
}

#[test]
fn an_archive_that_is_none_is_told_before_anything_is_done() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).expect("a folder");
    for archive in ["empty", "nowhere"] {
        let ended = place.run_archive(&place.path(archive), "out", "");
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains("hint:"), "{}", ended.stderr);
    }
}

#[test]
fn a_page_that_is_no_response_is_rejected_and_the_rest_goes_on() {
    let place = Place::new();
    let mut feeds = sample_pages(&place, 40);
    feeds
        .iter_mut()
        .find(|(feed, _)| feed == "card_transactions")
        .expect("cards")
        .1
        .push("{\"body\":{\"tran".to_owned());
    write_archive(&place.path("archive"), &feeds, 1);
    let ended = place.run_archive(&place.path("archive"), "out", "");
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let rejects = super::support::rows(&place.reports("out")["rejects.csv"]);
    assert_eq!(rejects.len(), 1);
    assert_eq!(rejects[0]["raw"], "{\"body\":{\"tran");
}
