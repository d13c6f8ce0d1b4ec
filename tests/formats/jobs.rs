//! What a job file says of formats, and what a run leaves behind.

use tieout::sandbox::sample;

use super::place::{Place, tree};

const ALL: &str = "formats = [\"csv\", \"camt053\", \"ofx\", \"mt940\", \"hledger\", \"xlsx\"]";

fn refused(output: &str) -> String {
    let place = Place::with(&sample::books());
    let ended = place.run("", output, "out");
    assert_eq!(ended.status.code(), Some(2));
    String::from_utf8(ended.stderr).expect("UTF-8")
}

#[test]
fn a_misspelled_format_is_refused_with_the_nearest_name() {
    let told = refused(
        "formats = [\"csv\", \"camt.053\", \"hledgr\"]\ncamt053_version = \"001.09\"\nstatement_per = \"days\"",
    );
    assert!(told.contains("unknown name \"camt.053\" in 'formats'"), "{told}");
    assert!(told.contains("did you mean 'camt053'?"), "{told}");
    assert!(told.contains("did you mean 'hledger'?"), "{told}");
    assert!(told.contains("unknown 'camt053_version' \"001.09\""), "{told}");
    assert!(told.contains("did you mean 'day'?"), "{told}");
}

#[test]
fn every_file_is_in_the_manifest_and_the_same_rows_give_the_same_bytes() {
    let place = Place::with(&sample::books());
    for out in ["out", "again"] {
        let ended = place.run("", ALL, out);
        assert_eq!(ended.status.code(), Some(3), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let (files, again) = (tree(&place.reports("out")), tree(&place.reports("again")));
    let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    for (name, bytes) in files.iter().filter(|(name, _)| name.contains('/') || name.ends_with("xlsx")) {
        assert!(again[name] == *bytes, "{name} has other bytes");
        let listed = manifest["files"].as_array().expect("files").iter().find(|file| file["path"] == **name);
        let listed = listed.unwrap_or_else(|| panic!("{name} is not in the manifest"));
        assert_eq!(listed["bytes"], bytes.len());
    }
    assert_eq!(files.keys().filter(|name| name.contains('/')).count(), 4 * 6 + 1);
    let file = |path: &str| manifest["files"].as_array().expect("files").iter().find(|f| f["path"] == path).cloned();
    let mut account = file("camt053/account-1.xml").expect("the file of account 1");
    for changing in ["bytes", "sha256"] {
        account.as_object_mut().expect("an object").remove(changing);
    }
    let expected = serde_json::json!({
        "path": "camt053/account-1.xml", "rows": 147, "dataset": null,
        "min_booking_date": "2026-08-01", "max_booking_date": "2026-10-29",
        "totals": [{ "currency": "EUR", "credits": "263231.99", "debits": "-100277.92", "net": "162954.07" }],
        "opening": "64745.63", "closing": "227699.70",
    });
    assert_eq!(account, expected);
    let verified = place.tieout(&["verify", "--out", "out"]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    std::fs::write(place.reports("out").join("ofx/account-1.ofx"), "other").expect("a file");
    std::fs::write(place.reports("out").join("ofx/account-9.ofx"), "more").expect("a file");
    let told = place.tieout(&["verify", "--out", "out"]);
    let told = String::from_utf8(told.stdout).expect("UTF-8");
    assert!(told.contains("ofx/account-1.ofx") && told.contains("ofx/account-9.ofx"), "{told}");
}

#[test]
fn formats_alone_do_without_csv_and_lake() {
    let place = Place::with(&sample::books());
    let ended = place.run("", "formats = [\"mt940\"]\nstatement_per = \"day\"", "out");
    assert_eq!(ended.status.code(), Some(3), "{}", String::from_utf8_lossy(&ended.stderr));
    let files = tree(&place.reports("out"));
    let folders: std::collections::BTreeSet<&str> =
        files.keys().filter_map(|name| Some(name.split_once('/')?.0)).collect();
    assert!(folders.iter().eq(&["mt940"]) && !files.contains_key("balances.csv"), "{:?}", files.keys());
    let messages = String::from_utf8(files["mt940/account-1.sta"].clone()).expect("ASCII");
    assert!(messages.matches(":20:").count() > 50, "a message a day");
}

#[test]
fn a_statement_says_that_a_row_could_not_be_taken() {
    let mut books = sample::books();
    let rows = &mut books.accounts[0].statements;
    let row = rows[10].json.replace("\"amount\":", "\"amount\":1.23456,\"was\":");
    rows[10] = tieout::sandbox::books::ListedRow::read(row);
    let place = Place::with(&books);
    let ended = place.run("", ALL, "out");
    assert_eq!(ended.status.code(), Some(4), "{}", String::from_utf8_lossy(&ended.stderr));
    let files = tree(&place.reports("out"));
    for name in ["camt053/account-1.xml", "ofx/account-1.ofx", "mt940/account-1.sta", "hledger/account-1.journal"] {
        let file = String::from_utf8(files[name].clone()).expect("text");
        assert!(file.contains("rejects.csv"), "{name} says nothing");
    }
}

#[test]
fn what_a_format_cannot_hold_ends_the_run_and_leaves_the_earlier_report() {
    let place = Place::with(&sample::books());
    assert_eq!(place.run("", ALL, "out").status.code(), Some(3));
    let before = tree(&place.reports("out"));
    let mut books = sample::books();
    let row = books.accounts[1].statements.last_mut().expect("a row");
    row.json = row.json.replace("\"EUR\"", "\"USD\"");
    let other = Place::with(&books);
    std::fs::remove_dir_all(place.path("pages")).expect("the old pages");
    std::fs::rename(other.path("pages"), place.path("pages")).expect("the new ones");
    let ended = place.run("", ALL, "out");
    let told = String::from_utf8(ended.stderr).expect("UTF-8");
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("camt053 cannot hold account 2: account 2 has rows in EUR and in USD"), "{told}");
    assert!(tree(&place.reports("out")) == before);
}
