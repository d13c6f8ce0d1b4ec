//! The provider's client over real sockets, against a server that misbehaves in every way the client must survive.

#![allow(missing_docs, clippy::missing_errors_doc, reason = "a test crate has no readers of its docs")]

mod ahead;
mod calls;
mod dates;
mod keys;
mod runs;
mod server;
mod tls;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tieout::job::plan::Limits;
use tieout::job::{Connection, KeySource, Output, Plan, Source};
use tieout::landing::{Landing, Listing, Proof, RunLine, Subject};
use tieout::provider::{Fetched, Unwatched};
use tieout::reconcile::FeeRule;
use tieout::record::{Day, Feed, Window, Zone};

use server::{KEY_PEM, Lists, USERNAME};

fn run_line(run: &str) -> RunLine {
    let text = str::to_owned;
    RunLine {
        run: text(run),
        job: text("test"),
        provider: text("anytime"),
        from: text("2026-01-10"),
        to: text("2026-01-16"),
        username: text(USERNAME),
        day: text("2026-01-17"),
        base_url: String::new(),
        feeds: Vec::new(),
        shard: String::new(),
    }
}

/// A run's folder, its connection and what it landed.
pub struct Bench {
    pub folder: TempDir,
    pub connection: Connection,
    pub feeds: Vec<Feed>,
}

impl Bench {
    pub fn new(url: &str) -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let private_key = folder.path().join("key.pem");
        write_private(&private_key, KEY_PEM.as_bytes());
        let limits = Limits {
            attempts_max: 4,
            backoff_ms_first: 1,
            backoff_ms_max: 5,
            retry_elapsed_ms_max: 5_000,
            attempt_ms_max: 2_000,
            ..Limits::default()
        };
        let connection = Connection {
            base_url: url.to_owned(),
            username: USERNAME.to_owned(),
            client_id: "c".to_owned(),
            client_secret: "canary-secret".into(),
            password: "canary-password".into(),
            private_key: KeySource::File(private_key),
            private_key_passphrase: None,
            page_size: 10,
            requests_per_second: None,
            concurrency: 4,
            ca_certificate: None,
            limits,
        };
        Bench { folder, connection, feeds: vec![Feed::AccountStatements] }
    }

    pub fn plan(&self) -> Plan {
        let day = |text| Day::parse(text).expect("a day");
        Plan {
            job_name: "test".to_owned(),
            zone: Zone::parse("Europe/Paris").expect("a zone"),
            window: Window::new(day("2026-01-10"), day("2026-01-16")).expect("a window"),
            feeds: self.feeds.clone(),
            shard: None,
            transfer_days: 3,
            provider: "anytime",
            fx_fee: FeeRule::Auto,
            source: Source::Network(Box::new(self.connection.clone())),
            output: Output {
                directory: self.folder.path().join("out"),
                shown_as: "out".to_owned(),
                lake: None,
                csv: true,
                parquet: true,
                accounting: tieout::formats::Accounting::default(),
            },
            fresh: false,
            locale: tieout::report::Locale::default(),
        }
    }

    pub async fn fetch(&self) -> tieout::Result<Fetched> {
        let landing =
            Landing::create(&self.raw(), &run_line("run-1"), &tieout::output::Machine::default()).expect("a landing");
        tieout::provider::fetch(&self.plan(), &self.connection, &landing, &Unwatched).await
    }

    pub fn raw(&self) -> PathBuf {
        self.folder.path().join("raw")
    }

    /// All that landed, unpacked.
    pub fn landed(&self) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        for shelf in std::fs::read_dir(self.raw()).expect("a landing").map(|entry| entry.expect("a shelf").path()) {
            for file in std::fs::read_dir(&shelf).expect("a shelf").map(|entry| entry.expect("a file").path()) {
                let bytes = std::fs::read(&file).expect("a file");
                let is_packed = file.extension().is_some_and(|extension| extension == "zst");
                let plain = if is_packed { zstd::decode_all(&bytes[..]).expect("zstd") } else { bytes };
                found.push((file, String::from_utf8_lossy(&plain).into_owned()));
            }
        }
        found
    }
}

/// Accounts and lists of rows by path.
pub fn lists(accounts: usize, rows: usize) -> Lists {
    let mut lists = Lists::new();
    let ids = 1..=accounts;
    lists.insert(
        "accounts".into(),
        ids.clone().map(|id| format!(r#"{{"acc_id":"{id}","acc_type":"business"}}"#)).collect(),
    );
    for id in ids {
        let row = |number| format!(r#"{{"txid":"{id}-{number}","date":"2026-01-12 10:00:00","amount":1.50}}"#);
        lists.insert(format!("accounts/{id}/statements"), (0..rows).map(row).collect());
    }
    lists
}

pub fn find<'f>(fetched: &'f Fetched, subject: Subject, owner: &str) -> &'f Listing {
    let found = fetched.listings.iter().find(|listing| listing.subject == subject && listing.owner.id() == owner);
    found.unwrap_or_else(|| panic!("no {subject} of {owner}"))
}

/// Rows of a proved listing.
pub fn proved(listing: &Listing) -> u64 {
    match &listing.proof {
        Proof::Proved(certificate) => certificate.rows,
        other => panic!("{} of {}: {other:?}", listing.subject, listing.owner),
    }
}

/// The error of a listing that could not be fetched.
pub fn failed(listing: &Listing) -> &str {
    match &listing.proof {
        Proof::Failed { error } => error,
        other => panic!("{} of {}: {other:?}", listing.subject, listing.owner),
    }
}

pub fn write_private(path: &Path, bytes: &[u8]) {
    let mut file =
        std::fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path).expect("a file");
    file.write_all(bytes).expect("written");
}
