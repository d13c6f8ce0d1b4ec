//! What happened according to the books from which the pages were made, against what the reports say. A fault that is in
//! every run alike shows here, and nowhere else.

use std::collections::BTreeMap;
use std::path::Path;

use tieout::output::Manifest;
use tieout::record::{Feed, Window};
use tieout::sandbox::ledger::Ledger;

use super::stories::Tree;

/// Owner, id and amount in hundredths, with how often they stand there.
pub type Rows = BTreeMap<(String, String, i64), usize>;

/// What a run has told.
pub struct Told<'a> {
    pub ledger: &'a Ledger,
    pub window: Window,
    /// Reports and lake.
    pub tree: &'a Tree,
    /// Of the reports.
    pub folder: &'a Path,
    pub csv: bool,
    pub parquet: bool,
}

/// Compares reports and lake with the ledger.
pub fn check(story: &Told<'_>) -> Result<(), String> {
    let ledger = story.ledger;
    for feed in [Feed::AccountStatements, Feed::IbanStatements, Feed::CardTransactions] {
        let expected = expected(ledger, story.window, feed);
        if story.csv {
            let path = story.folder.join(format!("{feed}.csv"));
            let found = found(story.tree.get(&path).ok_or_else(|| format!("no {}", path.display()))?, feed);
            compare(feed, &expected, &found)?;
        }
        if story.parquet {
            let told = told_in_lake(story, feed)?;
            let rows = expected.values().sum::<usize>() as u64;
            if told != rows {
                return Err(format!("{feed}: {rows} rows happened, {told} are in the lake"));
            }
        }
    }
    Ok(())
}

/// The rows of a feed that happened within a window.
pub fn expected(ledger: &Ledger, window: Window, feed: Feed) -> Rows {
    let in_window =
        |seconds: i64| ledger.zone.stamp_at(seconds * 1_000_000).is_some_and(|stamp| window.contains(stamp.day()));
    let mut rows = Rows::new();
    for account in &ledger.accounts {
        if feed == Feed::CardTransactions {
            for card in &account.cards {
                for row in card.rows.iter().filter(|row| in_window(row.booked_s)) {
                    *rows.entry((card.card_ref.clone(), row.txid.to_string(), row.amount)).or_default() += 1;
                }
            }
            continue;
        }
        for line in account.lines.iter().filter(|line| in_window(line.booked_s)) {
            if if feed == Feed::AccountStatements { line.in_statement } else { line.in_iban_statement } {
                *rows.entry((account.acc_id.clone(), line.txid.to_string(), line.amount)).or_default() += 1;
            }
        }
    }
    rows
}

/// The rows of a report.
pub fn found(csv: &[u8], feed: Feed) -> Rows {
    let owner = if feed == Feed::CardTransactions { "card_ref" } else { "acc_id" };
    let mut rows = Rows::new();
    for row in csv::Reader::from_reader(csv).deserialize::<BTreeMap<String, String>>() {
        let row = row.expect("CSV");
        *rows.entry((row[owner].clone(), row["txid"].clone(), hundredths(&row["amount"]))).or_default() += 1;
    }
    rows
}

/// The books are in euro: two decimals.
fn hundredths(text: &str) -> i64 {
    let (whole, decimals) = text.split_once('.').expect("two decimals");
    assert_eq!(decimals.len(), 2, "{text}");
    format!("{whole}{decimals}").parse().expect("an amount")
}

fn compare(feed: Feed, expected: &Rows, found: &Rows) -> Result<(), String> {
    for (row, times) in expected {
        match found.get(row) {
            Some(seen) if seen == times => {}
            Some(seen) => return Err(format!("{feed}: {row:?} happened {times} times, is reported {seen} times")),
            None => return Err(format!("{feed}: {row:?} happened, but is not reported")),
        }
    }
    match found.keys().find(|row| !expected.contains_key(row)) {
        Some(row) => Err(format!("{feed}: {row:?} is reported, but never happened")),
        None => Ok(()),
    }
}

/// Rows in the partitions of the window, as the files themselves say.
fn told_in_lake(story: &Told<'_>, feed: Feed) -> Result<u64, String> {
    let manifest = &story.tree[&story.folder.join("manifest.json")];
    let manifest: Manifest = serde_json::from_slice(manifest).map_err(|error| error.to_string())?;
    let mut rows = 0;
    for file in manifest.files.iter().filter(|file| file.path.starts_with(&format!("lake/{feed}/"))) {
        let bytes = story.tree.get(Path::new(&file.path)).ok_or_else(|| format!("no {}", file.path))?;
        rows += rows_in(bytes)?;
    }
    Ok(rows)
}

fn rows_in(parquet: &[u8]) -> Result<u64, String> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader =
        SerializedFileReader::new(bytes::Bytes::copy_from_slice(parquet)).map_err(|error| error.to_string())?;
    Ok(reader.metadata().file_metadata().num_rows().unsigned_abs())
}

/// The rows of a report that may hold anything.
pub fn found_loosely(csv: &[u8], feed: Feed) -> Vec<(String, String, Option<i64>)> {
    let owner = if feed == Feed::CardTransactions { "card_ref" } else { "acc_id" };
    let rows = csv::Reader::from_reader(csv).into_deserialize::<BTreeMap<String, String>>();
    rows.map(|row| {
        let row = row.expect("CSV");
        let amount = row["amount"].split_once('.').filter(|(_, decimals)| decimals.len() == 2);
        let amount = amount.and_then(|(whole, decimals)| format!("{whole}{decimals}").parse().ok());
        (row[owner].clone(), row["txid"].clone(), amount)
    })
    .collect()
}
