//! `manifest.json`: every file that a run wrote, by which a reader can tell that it has all of it, whole.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::staged::Digested;
use super::totals::{CurrencyTotals, Totals};
use crate::record::{Dataset, Window};

/// The file's name in the report folder.
pub const FILE_NAME: &str = "manifest.json";

/// What a run wrote. The manifest itself is not among the files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    /// The job's name.
    pub job: String,
    /// The days reported.
    pub window: ManifestWindow,
    /// The share of the accounts that the run was for, as in `--shard`; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The run that wrote the files.
    pub run_id: String,
    /// The tieout that wrote them.
    pub tieout_version: String,
    /// The files: those of the report folder first, then those of the lake.
    pub files: Vec<ManifestFile>,
    /// Partitions of the lake that went because their day has no rows any more, relative to the output directory.
    pub removed: Vec<String>,
    /// The days of the window that have rows, each sealed together with all days before it.
    pub seals: Vec<ManifestSeal>,
}

/// A sealed day, by which it can be computed again without the state. `state::seal_day` tells how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSeal {
    /// The day.
    pub day: String,
    /// The seal of the last day before it that has rows.
    pub previous: String,
    /// Its seal.
    pub seal: String,
    /// The digest of each dataset that has rows on the day, those of other jobs included.
    pub partitions: BTreeMap<String, String>,
}

/// Both ends of the window, YYYY-MM-DD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestWindow {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// A file of the report folder by its name; one of the lake by its path from the output directory, which begins
    /// with `lake/`.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// Rows, null in files that hold none.
    pub rows: Option<u64>,
    /// The dataset of the rows.
    pub dataset: Option<String>,
    /// The first booking date among the rows.
    pub min_booking_date: Option<String>,
    /// The last booking date among the rows.
    pub max_booking_date: Option<String>,
    /// Sums of the rows' amounts by currency, rows of every status included; empty where there are no amounts.
    /// Of a statement: its booked entries alone, so that they lead from `opening` to `closing`.
    pub totals: Vec<CurrencyTotals>,
    /// Of a statement: the balance before its first entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<String>,
    /// Of a statement: the balance after its last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<String>,
    /// Of a partition: SHA-256 over the rows themselves, whatever the file's compression; see `state::seal_partition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_sha256: Option<String>,
    /// Of a partition: the seal of its day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// What is known of the rows of a file in another program's format.
#[derive(Debug, Clone, Default)]
pub struct FileFacts {
    /// Rows, days and sums.
    pub totals: Option<Totals>,
    /// The balance before the first row.
    pub opening: Option<String>,
    /// The balance after the last one.
    pub closing: Option<String>,
}

impl Manifest {
    /// A manifest without files.
    pub(super) fn new(job: &str, window: Window, run_id: &str) -> Manifest {
        Manifest {
            job: job.to_owned(),
            window: ManifestWindow { from: window.from.to_string(), to: window.to.to_string() },
            shard: None,
            run_id: run_id.to_owned(),
            tieout_version: env!("CARGO_PKG_VERSION").to_owned(),
            files: Vec::new(),
            removed: Vec::new(),
            seals: Vec::new(),
        }
    }

    /// The file's bytes.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("a manifest is plain data");
        json.push(b'\n');
        json
    }
}

impl ManifestFile {
    /// A file without rows.
    pub(super) fn plain(path: &str, digested: Digested) -> ManifestFile {
        ManifestFile {
            path: path.to_owned(),
            bytes: digested.bytes,
            sha256: digested.sha256,
            rows: None,
            dataset: None,
            min_booking_date: None,
            max_booking_date: None,
            totals: Vec::new(),
            opening: None,
            closing: None,
            rows_sha256: None,
            seal: None,
        }
    }

    /// A file of another program's format, with what is known of its rows.
    pub(super) fn of_facts(path: &str, digested: Digested, facts: FileFacts) -> ManifestFile {
        let FileFacts { totals, opening, closing } = facts;
        let plain = ManifestFile { opening, closing, ..ManifestFile::plain(path, digested) };
        let Some(totals) = totals else { return plain };
        ManifestFile {
            rows: Some(totals.rows),
            min_booking_date: totals.first_day.map(|day| day.to_string()),
            max_booking_date: totals.last_day.map(|day| day.to_string()),
            totals: totals.by_currency(),
            ..plain
        }
    }

    /// A file of rows.
    pub(super) fn of_rows(path: &str, digested: Digested, dataset: &Dataset, totals: &Totals) -> ManifestFile {
        ManifestFile {
            rows: Some(totals.rows),
            dataset: Some(dataset.name.to_owned()),
            min_booking_date: totals.first_day.map(|day| day.to_string()),
            max_booking_date: totals.last_day.map(|day| day.to_string()),
            totals: totals.by_currency(),
            ..ManifestFile::plain(path, digested)
        }
    }
}

/// A path of our own making as text, with `/` between its parts.
pub(super) fn path_text(path: &Path) -> String {
    path.to_str().expect("paths below the output directory are made of ASCII names").to_owned()
}
