//! What the page says.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use super::books::{CARD, HOSTILE};
use super::chromium::ask;
use super::support::Place;
use super::{books, demo, everything};

#[derive(Debug, Deserialize)]
struct Told {
    verdict: String,
    owners: Vec<Vec<String>>,
    breaks: Vec<Break>,
    sections: BTreeMap<String, String>,
    charts: u32,
    marks: Vec<String>,
    right: bool,
    dialogs: Vec<String>,
    asked: Vec<String>,
    ran: bool,
    scripts: u32,
    images: u32,
    complaints: Vec<String>,
    policy_holds: bool,
}

#[derive(Debug, Deserialize)]
struct Break {
    id: String,
    title: String,
    figures: Vec<String>,
    rows: Vec<String>,
    sources: Vec<String>,
    advice: String,
    commands: Vec<String>,
}

#[test]
fn the_demos_page_tells_its_three_breaks_with_all_there_is_to_judge_them() {
    let told: Told = ask(&["told", demo()]);
    assert_eq!(told.verdict, "3 of 6 owners tie out; 3 breaks of 137.31 EUR in all");
    let owner = ["card ANY2107926427", "broken", "", "EUR", "816.94", "12,824.02", "-12,352.36", "1,222.23", "148"];
    assert!(told.owners.iter().any(|cells| *cells == owner), "{:?}", told.owners);
    // A chart for each owner; those without a break have nothing marked in theirs.
    assert_eq!((told.breaks.len(), told.charts, told.marks.len()), (3, 6, 6));
    let (marked, plain): (Vec<&String>, Vec<&String>) = told.marks.iter().partition(|mark| !mark.is_empty());
    assert_eq!((marked.len(), plain.len()), (3, 3));
    assert!(marked.iter().all(|mark| mark.starts_with('M') && mark.ends_with("h0")), "{:?}", told.marks);
    let quiet: Vec<&str> = told.sections["balances"].lines().skip(4).collect();
    assert_eq!(quiet, ["account 1 EUR", "card ANY1192963106 EUR", "card ANY1819528813 EUR"]);
    let missing = told.breaks.iter().find(|found| found.title.contains("66.37")).expect("the missing debit");
    let what = "balance jumps by 66.37 between 2026-08-30 08:25 and 2026-08-31 09:35: a debit of 66.37 is missing";
    assert_eq!(missing.title, what);
    assert_eq!(missing.figures[..3], ["Expected 102.15 EUR", "Actual 35.78 EUR", "Difference -66.37 EUR"]);
    assert!(missing.figures[3].starts_with("Age new today, first seen 2"), "{:?}", missing.figures);
    let rows = "card_transactions: 100000270 100000290 100000293 *100000310 100000318 100000330 100000340";
    assert_eq!(missing.rows, [rows], "three before, three after, in the order of the books");
    assert!(missing.sources[0].starts_with("Received with request_id 90"), "{:?}", missing.sources);
    assert!(missing.sources[1].starts_with("card_transactions: proved, 154 rows, 2 pages"), "{:?}", missing.sources);
    let id = &missing.id;
    let accept = format!("tieout breaks accept {id} --by NAME --note \"WHY\" ");
    let explain = "tieout explain missing_entry".to_owned();
    assert_eq!(missing.commands, [format!("tieout breaks show {id}"), accept.trim_end().to_owned(), explain]);
    let cause = tieout::catalogue::of_cause("missing_entry").expect("a cause");
    assert_eq!(missing.advice, format!("Missing entry: {}. What to do: {}.", cause.means, cause.advice));
    assert!(told.right, "amounts stand right, in figures of one width");
    assert!(told.sections["totals"].contains("account_statements\t"), "{}", told.sections["totals"]);
    assert!(told.complaints.is_empty(), "{:?}", told.complaints);
}

#[test]
fn every_check_is_told_and_hostile_texts_stay_texts() {
    let told: Told = ask(&["told", everything()]);
    assert!(told.verdict.starts_with("0 of 2 owners tie out; 5 breaks of "), "{}", told.verdict);
    assert!(told.verdict.ends_with("EUR in all; 1 row rejected"), "{}", told.verdict);
    let account = &told.owners[0];
    assert_eq!(account[4], "1\u{2019}234\u{2019}567.00", "the job's locale");

    let altered = told.breaks.iter().find(|found| found.title.contains("altered")).expect("the altered balance");
    assert_eq!(altered.rows, ["account_statements: 3 4 5 *6 7 8 9"]);
    assert!(altered.figures.contains(&"Difference 12.50 EUR".to_owned()), "{:?}", altered.figures);
    assert!(altered.commands[0].ends_with(" --out 'my out'"), "{:?}", altered.commands);
    assert!(altered.sources[0].starts_with("Received with request_id 501: response 0 in account_statements/1.json"));

    // Found between feeds, or against the earlier run: the pages were read again.
    let twin = told.breaks.iter().find(|found| found.title.contains("IBAN statement")).expect("the missing twin");
    assert_eq!(twin.rows, ["account_statements: 5 6 7 *8 9"]);
    let transfer = told.breaks.iter().find(|found| found.title.contains("t1")).expect("the transfer without debit");
    assert_eq!(transfer.rows, ["account_statements: 1 2 3 4 5 6", "credit_transfers: *t1"]);
    let restated = told.breaks.iter().find(|found| found.title.contains("amount was")).expect("the restatement");
    assert_eq!(restated.rows, ["account_statements: 1 *2 3 4 5"]);
    let advice = &restated.advice;
    assert!(advice.contains("What to do: tieout breaks show ID tells both"), "commands are no texts: {advice}");

    assert!(told.sections["counterparts"].contains(&transfer.id) && told.sections["counterparts"].contains(&twin.id));
    assert!(told.sections["restatements"].contains(&restated.id), "{}", told.sections["restatements"]);
    assert!(told.sections["restatements"].contains("Booked rows restated\n1"), "{}", told.sections["restatements"]);
    assert!(told.sections["rejects"].contains("1.23456789"), "{}", told.sections["rejects"]);
    assert!(told.sections["evidence"].contains("501"), "{}", told.sections["evidence"]);

    let all: String = told.sections.values().map(String::as_str).collect();
    for text in HOSTILE.into_iter().chain([CARD]) {
        let raw = serde_json::to_string(text).expect("a text");
        assert!(all.contains(text) || all.contains(raw.trim_matches('"')), "{text} in {all}");
    }
    assert!(!told.ran && told.dialogs.is_empty(), "{:?}", told.dialogs);
    assert_eq!((told.scripts, told.images, told.asked.len()), (1, 0, 0), "{:?}", told.asked);
    assert!(told.policy_holds, "the page's policy lets no other script run");
    assert!(told.complaints.is_empty(), "{:?}", told.complaints);
}

/// The same input gives the same page, but for what is about the time of the run.
#[test]
fn the_same_input_gives_the_same_bytes() {
    let place = Place::new();
    let archive = place.path("pages");
    books::write(&archive, -2_000);
    place.write("job.toml", &books::job(&archive, "fr-FR"));
    let page = |out: &str| {
        assert_eq!(place.tieout(&["run", "job.toml", "--out", out]).code, 4);
        let folder = place.path(out).join("reports/page/2026-03-01_2026-03-31");
        let summary = fs::read(folder.join("summary.json")).expect("a file");
        let summary: serde_json::Value = serde_json::from_slice(&summary).expect("JSON");
        let page = fs::read_to_string(folder.join("reconciliation.html")).expect("UTF-8");
        page.replace(summary["run_id"].as_str().expect("an id"), "RUN").replace(&format!("--out {out}"), "--out OUT")
    };
    assert!(page("a") == page("b"));
}

#[test]
fn amounts_are_spelled_as_the_browser_spells_them() {
    let amounts = ["-1234.50", "12345.00", "-12345678.90", "0.05"];
    let tags = tieout::report::Locale::tags();
    let question: Vec<&str> = ["numbers"].into_iter().chain(tags).collect();
    let theirs: BTreeMap<String, Vec<String>> = ask(&question);
    for tag in tags {
        let locale = tieout::report::Locale::of(tag).expect("a tag of the list");
        let ours: Vec<String> = amounts.iter().map(|amount| locale.amount(amount)).collect();
        // Releases of the CLDR differ in which apostrophe Switzerland uses.
        let theirs: Vec<String> = theirs[tag].iter().map(|amount| amount.replace('\'', "\u{2019}")).collect();
        assert_eq!(ours, theirs, "{tag}");
    }
}

#[test]
fn an_unknown_locale_is_told_with_its_place_and_the_nearest_one() {
    let place = Place::new();
    place.write("job.toml", &books::job(&place.path("pages"), "fr-FX"));
    let ended = place.tieout(&["run", "job.toml"]);
    assert_eq!(ended.code, 2);
    insta::assert_snapshot!(ended.stderr.replace(&place.path("").display().to_string(), ""));
}
