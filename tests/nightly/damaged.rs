//! What an earlier run committed stays where a later run could not read: owners that fail, and pages of an archive that are
//! damaged. The lake keeps what is known, the run says so, and the next whole one makes up for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use parquet::file::reader::{FileReader, SerializedFileReader};

use super::books::{page, settled};
use super::nights::lake_of;
use super::support::{Bench, Place, rows, tree};

/// The files of the lake, by dataset and day.
fn lake(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    tree(&place.path("out/lake"))
}

/// The rows of each file of the lake, in whatever order: kept ones stand beside new ones.
fn rows_of_lake(place: &Place) -> BTreeMap<PathBuf, Vec<String>> {
    let rows = |bytes: Vec<u8>| {
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("Parquet");
        let rows = reader.get_row_iter(None).expect("rows").map(|row| row.expect("a row").to_string());
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    };
    lake(place).into_iter().map(|(path, bytes)| (path, rows(bytes))).collect()
}

/// Statements of an account, and a card of another: both leave balances, in one dataset.
#[test]
fn what_fails_of_accounts_and_of_cards_keeps_rows_and_balances() {
    for faults in [
        &["403@/accounts/2/statements#*"][..],
        &["403@/cards/ANY2107926427/transactions#*"],
        &["403@/accounts/2/statements#*", "403@/cards/ANY2107926427/transactions#*"],
        &["403@/accounts/1/cards#*"],
        &["403@/accounts/2/statements#*", "403@/accounts/1/cards#*"],
    ] {
        let bench = Bench::new();
        bench.write_job("window = { from = \"2026-08-01\", to = \"2026-08-10\" }", "");
        assert!(matches!(bench.run().code, 0 | 3));
        let before = rows_of_lake(&bench.place);
        for fault in faults {
            bench.control().add_fault(fault.parse().expect("a fault"));
        }
        let ended = bench.run();
        assert_eq!(ended.code, 4, "{faults:?}: {}", ended.stderr);
        let after = rows_of_lake(&bench.place);
        let differ: Vec<_> =
            before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path)).collect();
        assert!(differ.is_empty(), "{faults:?}: nothing is gone, nothing stands twice: {differ:?}");
        assert_eq!(bench.place.tieout(&["verify", "--out", "out"]).code, 0, "{faults:?}");
    }
}

/// The pages of two cards; the first has rows on three days.
fn pages() -> [String; 3] {
    [
        page(&[
            settled(1, "2026-03-02 10:00:00", "100", "C", "100"),
            settled(2, "2026-03-03 10:00:00", "30", "D", "70"),
        ]),
        page(&[settled(3, "2026-03-03 11:00:00", "10", "D", "60"), settled(4, "2026-03-04 10:00:00", "5", "D", "55")]),
        page(&[settled(5, "2026-03-03 10:00:00", "8", "C", "8")]).replace("ANY1", "ANY2"),
    ]
}

struct Archive(Place);

impl Archive {
    fn run(&self, pages: &[String]) -> (i32, String) {
        self.0.write("archive/card_transactions/pages.ndjson", &pages.join("\n"));
        self.0.write(
            "job.toml",
            "[job]\nname = \"demo\"\nfeeds = [\"card_transactions\"]\nwindow = { from = \"2026-03-01\", to = \"2026-03-05\" }\n\
             [source]\nprovider = \"anytime\"\narchive = \"archive\"\n",
        );
        let ended = self.0.tieout(&["run", "job.toml"]);
        assert!(ended.stderr.is_empty() || ended.code != 1, "{}", ended.stderr);
        (ended.code, ended.stdout)
    }

    fn breaks(&self) -> Vec<BTreeMap<String, String>> {
        let reports = super::support::csv_files(&self.0.path("out/reports/demo/2026-03-01_2026-03-05"));
        rows(&reports["breaks.csv"])
    }

    fn verifies(&self) {
        let verified = self.0.tieout(&["verify", "--out", "out"]);
        assert_eq!(verified.code, 0, "{}", verified.stdout);
    }
}

fn days(told: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    told.iter().map(|(day, ids)| ((*day).to_owned(), ids.iter().map(|id| (*id).to_owned()).collect())).collect()
}

const WHOLE: [(&str, &[&str]); 3] = [("2026-03-02", &["1"]), ("2026-03-03", &["2", "3", "5"]), ("2026-03-04", &["4"])];

/// Cut in the middle: it could be anybody's.
fn cut(page: &str) -> String {
    page[..page.len() - 40].to_owned()
}

#[test]
fn rows_of_a_page_that_can_no_longer_be_read_stay() {
    for damaged in 0..3 {
        let archive = Archive(Place::new());
        assert_eq!(archive.run(&pages()).0, 0);
        assert_eq!(lake_of(&archive.0), days(&WHOLE));
        let before = lake(&archive.0);
        let mut pages = pages();
        pages[damaged] = cut(&pages[damaged]);
        let (code, told) = archive.run(&pages);
        assert_eq!(code, 4, "{damaged}: {told}");
        assert!(lake(&archive.0) == before, "{damaged}: {:?}", lake_of(&archive.0));
        assert!(told.contains("stay in the lake"), "{damaged}: {told}");
        assert!(archive.breaks().iter().all(|row| row["check"] != "restatement"), "{damaged}: {:?}", archive.breaks());
        archive.verifies();
    }
}

/// What the other pages bring still comes in: days of which nothing is missing are replaced.
#[test]
fn new_rows_come_in_beside_a_page_that_cannot_be_read() {
    let archive = Archive(Place::new());
    assert_eq!(archive.run(&pages()).0, 0);
    let mut pages = pages();
    pages[1] = cut(&pages[1]);
    pages[2] = page(&[
        settled(5, "2026-03-03 10:00:00", "8", "C", "8"),
        settled(6, "2026-03-03 12:00:00", "1", "D", "7"),
        settled(7, "2026-03-05 10:00:00", "2", "D", "5"),
    ])
    .replace("ANY1", "ANY2");
    assert_eq!(archive.run(&pages).0, 4);
    let seen = [WHOLE[0], ("2026-03-03", &["2", "3", "5", "6"]), WHOLE[2], ("2026-03-05", &["7"])];
    assert_eq!(lake_of(&archive.0), days(&seen));
    archive.verifies();
    // Mended: as if nothing had been.
    pages[1] = self::pages()[1].clone();
    assert_eq!(archive.run(&pages).0, 0);
    let fresh = Archive(Place::new());
    assert_eq!(fresh.run(&pages).0, 0);
    assert!(lake(&archive.0) == lake(&fresh.0));
    archive.verifies();
}

/// A page that is not there at all, and is known to be missing, is no reason to forget its rows either. Nor does a row stand
/// twice that meanwhile moved to another day.
#[test]
fn a_row_that_moved_stands_once_beside_days_that_stay() {
    let archive = Archive(Place::new());
    assert_eq!(archive.run(&pages()).0, 0);
    let mut moved = pages();
    // Row 2 moves from the third to the fourth; rows 3 and 4 are on the page that is gone.
    moved[0] = moved[0].replace("2026-03-03 10:00:00", "2026-03-04 09:00:00");
    moved[1] = cut(&moved[1]);
    assert_eq!(archive.run(&moved).0, 4);
    let mut standing: Vec<String> = lake_of(&archive.0).into_values().flatten().collect();
    standing.sort();
    assert_eq!(standing, ["1", "2", "3", "4", "5"]);
    archive.verifies();
}

#[test]
fn a_page_that_is_missing_between_two_takes_no_committed_rows_away() {
    let place = Place::new();
    let at = |from: u32, page: &str| {
        let echo = format!("\"filters\":{{\"limit_start\":{from},\"limit_number\":2}},\"transactions\"");
        page.replace("\"transactions\"", &echo)
    };
    let archive = Archive(place);
    let last = page(&[settled(8, "2026-03-05 10:00:00", "5", "D", "50")]);
    let whole = [at(0, &pages()[0]), at(2, &pages()[1]), at(4, &last)];
    assert_eq!(archive.run(&whole).0, 0);
    let before = tree(&archive.0.path("out/lake/card_transactions"));
    let (code, told) = archive.run(&[whole[0].clone(), whole[2].clone()]);
    assert_eq!(code, 4, "{told}");
    // What the days close with is another matter: without those rows, nothing ties the last day to the first.
    assert!(tree(&archive.0.path("out/lake/card_transactions")) == before, "{:?}", lake_of(&archive.0));
    archive.verifies();
}
