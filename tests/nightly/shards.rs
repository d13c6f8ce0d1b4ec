//! `--shard`: what the shards' directories hold together is what one run of all accounts holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::books::Books;
use tieout::sandbox::generator::{FaultKind, Recipe, plant};
use tieout::sandbox::sample;

use super::support::{Bench, Place, rows, tree};

const SHARDS: [&str; 3] = ["1/3", "2/3", "3/3"];

/// Seven accounts with their cards, and a fault of each kind.
fn books() -> Books {
    let mut recipe = Recipe::small(21, sample::window());
    (recipe.accounts, recipe.rows_per_card, recipe.rows_per_account) = (7, 40, 40);
    recipe.currencies = vec!["EUR", "JPY", "BHD"];
    let mut ledger = recipe.ledger();
    let planted = plant(&mut ledger, &FaultKind::ALL, 4);
    assert!(planted.len() > 12, "{}", planted.len());
    ledger.books()
}

/// The rows of each CSV file, sorted, of several runs together.
fn together(reports: &[BTreeMap<String, String>]) -> BTreeMap<&str, Vec<BTreeMap<String, String>>> {
    let mut together: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (name, text) in reports.iter().flatten() {
        together.entry(name).or_default().extend(rows(text));
    }
    for rows in together.values_mut() {
        rows.sort();
    }
    together
}

/// Shards' reports against those of a whole run; every account is in one shard alone, and every shard has some.
fn assert_together(shards: &[BTreeMap<String, String>], whole: &BTreeMap<String, String>) {
    assert_eq!(together(shards), together(std::slice::from_ref(whole)));
    assert!(rows(&whole["breaks.csv"]).len() > 12, "{}", whole["breaks.csv"]);
    let mut seen = BTreeSet::new();
    for reports in shards {
        let feeds = ["account_statements.csv", "iban_statements.csv", "card_transactions.csv", "credit_transfers.csv"];
        let accounts: BTreeSet<String> =
            feeds.iter().flat_map(|feed| rows(&reports[*feed])).map(|row| row["acc_id"].clone()).collect();
        assert!(!accounts.is_empty(), "a shard without accounts proves nothing");
        assert!(seen.is_disjoint(&accounts), "{seen:?} {accounts:?}");
        seen.extend(accounts);
    }
}

#[test]
fn shards_of_an_archive_are_together_what_the_whole_is() {
    let place = Place::new();
    let mut writer = ArchiveWriter::new(place.path("pages"), 50, "sandbox-user").echoing_limits();
    books().accounts.iter().for_each(|account| writer.account(account).expect("an account"));
    writer.finish().expect("an archive");
    let whole = place.run_archive(&place.path("pages"), "whole", "");
    assert_eq!(whole.code, 3, "{}", whole.stderr);
    let shards = SHARDS.map(|shard| {
        let out = format!("shard-{}", &shard[..1]);
        // Said in the job file, or on the command line.
        let ended = if shard == "2/3" {
            place.run_archive(&place.path("pages"), &out, "shard = \"2/3\"")
        } else {
            place.tieout(&["run", "archive.toml", "--out", &out, "--shard", shard])
        };
        assert!([0, 3].contains(&ended.code), "{}", ended.stderr);
        for file in ["summary.json", "manifest.json"] {
            let path = place.path(&format!("{out}/reports/demo/2026-08-01_2026-10-31/{file}"));
            let told: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
            assert_eq!(told["shard"], shard, "{file}");
        }
        assert_eq!(place.tieout(&["verify", "--out", &out]).code, 0);
        place.reports(&out)
    });
    assert_together(&shards, &place.reports("whole"));
    let summary = fs::read_to_string(place.path("whole/reports/demo/2026-08-01_2026-10-31/summary.json"));
    assert!(!summary.expect("a file").contains("\"shard\""), "a run of all accounts is no shard");
}

#[test]
fn a_shard_asks_the_provider_for_its_own_accounts_alone() {
    let books = books();
    let bench = Bench::with(|config| config.books = books.clone());
    assert_eq!(bench.run_into("whole").code, 3);
    let mut asked_by_all = BTreeSet::new();
    let shards = SHARDS.map(|shard| {
        bench.control().clear_log();
        let out = format!("shard-{}", &shard[..1]);
        let ended = bench.place.tieout(&["run", "job.toml", "--out", &out, "--shard", shard]);
        assert!([0, 3].contains(&ended.code), "{}", ended.stderr);
        let reports = bench.place.reports(&out);
        let own: BTreeSet<String> = rows(&reports["balances.csv"]).iter().map(|row| row["owner_id"].clone()).collect();
        let paths: Vec<String> = bench.control().log().iter().map(|request| request.path.clone()).collect();
        let asked: BTreeSet<String> = books
            .accounts
            .iter()
            .map(|account| account.acc_id.clone())
            .filter(|acc_id| paths.iter().any(|path| path.split(['/', '?']).any(|part| part == acc_id)))
            .collect();
        assert!(!asked.is_empty() && asked.is_subset(&own), "{asked:?} {own:?}");
        assert!(asked_by_all.is_disjoint(&asked), "{asked:?}");
        asked_by_all.extend(asked);
        reports
    });
    assert_eq!(asked_by_all.len(), books.accounts.len());
    assert_together(&shards, &bench.place.reports("whole"));

    // What a shard landed is read back as that shard, and as nothing else.
    let read_back = |more: &[&str]| {
        bench.place.tieout(&[&["run", "job.toml", "--archive", "shard-1/raw", "--out", "again"], more].concat())
    };
    for more in [&[][..], &["--shard", "2/3"]] {
        let refused = read_back(more);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains("--shard 1/3"), "{}", refused.stderr);
    }
    assert!([0, 3].contains(&read_back(&["--shard", "1/3"]).code));
    assert_eq!(bench.place.reports("again"), shards[0]);
}

#[test]
fn a_directory_holds_one_share_of_the_accounts() {
    let place = Place::new();
    let mut writer = ArchiveWriter::new(place.path("pages"), 50, "sandbox-user").echoing_limits();
    for account in &sample::books().accounts {
        writer.account(account).expect("an account");
    }
    writer.finish().expect("an archive");
    assert_eq!(place.run_archive(&place.path("pages"), "whole", "").code, 3);
    assert!([0, 3].contains(&place.run_archive(&place.path("pages"), "one", "shard = \"1/2\"").code));
    place.run_archive(&place.path("pages"), "unused", "");
    // All but the lock, which tells who held it last.
    let kept = || {
        let mut files = ["whole", "one"].map(|out| tree(&place.path(out)));
        for files in &mut files {
            files.retain(|path, _| !path.starts_with(".tieout"));
        }
        files
    };
    let before = kept();
    assert!(before.iter().all(|files| files.len() > 100));
    let range = ["--from", "2026-08-01", "--to", "2026-10-31"];
    for (out, shard, found) in [
        ("whole", Some("1/2"), "expected an output directory of shard 1/2, found one of all accounts"),
        ("one", None, "expected an output directory of all accounts, found one of shard 1/2"),
        ("one", Some("2/2"), "expected an output directory of shard 2/2, found one of shard 1/2"),
        ("one", Some("1/3"), "expected an output directory of shard 1/3, found one of shard 1/2"),
    ] {
        let shard: Vec<&str> = shard.map(|shard| vec!["--shard", shard]).unwrap_or_default();
        for command in [vec!["run", "archive.toml"], [&["backfill", "archive.toml"][..], &range].concat()] {
            let ended = place.tieout(&[command, vec!["--out", out], shard.clone()].concat());
            assert_eq!(ended.code, 2, "{}", ended.stderr);
            assert!(ended.stderr.contains(found) && ended.stderr.contains("hint: give each shard"), "{}", ended.stderr);
        }
    }
    assert!(kept() == before, "a refused run changes nothing");
    for wrong in ["0/3", "4/3", "3", "a/b"] {
        let ended = place.tieout(&["run", "archive.toml", "--out", "other", "--shard", wrong]);
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains("such as 2/3"), "{}", ended.stderr);
        let ended = place.run_archive(&place.path("pages"), "other", &format!("shard = \"{wrong}\""));
        assert_eq!(ended.code, 2);
        assert!(ended.stderr.contains("such as 2/3"), "{}", ended.stderr);
    }
    assert!(!place.path("other").exists(), "nothing was begun");
}
