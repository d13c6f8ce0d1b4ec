//! A folder with an archive that changes from run to run, the program run over it, and a database to load it into.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::server::{PASSWORD, server};

/// A line of an account statement; balances come out of the lines before it.
#[derive(Clone)]
pub struct Line {
    pub acc: &'static str,
    pub currency: &'static str,
    pub txid: &'static str,
    pub date: &'static str,
    pub cents: i64,
    pub description: String,
}

pub fn line(acc: &'static str, txid: &'static str, date: &'static str, cents: i64) -> Line {
    let currency = if acc == "9" { "USD" } else { "EUR" };
    Line { acc, currency, txid, date, cents, description: "Coffee".to_owned() }
}

/// Texts that some reader or writer would trip over.
pub const HOSTILE: [&str; 9] = [
    "'; DROP TABLE account_statements; --",
    "a \"quoted\", comma",
    "two\nlines\r\nand a\ttab",
    "\\N",
    "\\",
    "=HYPERLINK(\"http://x\")",
    "NULL",
    "",
    "東京 \u{1F4B6} e\u{301}",
];

/// Two accounts in two currencies over four days, with the hostile texts.
pub fn lines() -> Vec<Line> {
    let mut lines = vec![
        line("7", "1", "2026-03-01 09:00:00", 1_000_000),
        line("7", "2", "2026-03-02 10:00:00", -1_250),
        line("7", "3", "2026-03-02 11:00:00", -2_000),
        line("7", "4", "2026-03-03 12:00:00", -501),
        line("9", "5", "2026-03-02 08:00:00", 77_777),
        line("9", "6", "2026-03-05 08:00:00", -300),
    ];
    for (text, txid) in HOSTILE.into_iter().zip(["11", "12", "13", "14", "15", "16", "17", "18", "19"]) {
        lines.push(Line { description: text.to_owned(), ..line("7", txid, "2026-03-04 12:00:00", -1) });
    }
    lines
}

pub struct Bench {
    folder: tempfile::TempDir,
    /// The name of its database.
    pub database: String,
}

/// What the program ended with.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {} {}", self.stdout, self.stderr))
    }
}

impl Bench {
    pub fn new() -> Bench {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let database = format!("bench_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Bench { folder: tempfile::tempdir().expect("a folder"), database }
    }

    /// With a database of its own.
    pub fn with_database() -> Bench {
        let bench = Bench::new();
        server().psql("postgres", &format!("CREATE DATABASE {}", bench.database));
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn url(&self) -> String {
        server().url(&self.database)
    }

    pub fn psql(&self, sql: &str) -> String {
        server().psql(&self.database, sql)
    }

    /// Runs the job over these lines; its exit code.
    pub fn run(&self, lines: &[Line]) -> i32 {
        let feed = self.path("archive/account_statements");
        std::fs::create_dir_all(&feed).expect("a folder");
        let pages: Vec<String> = ["7", "9"].map(|acc| page(acc, lines)).into_iter().collect();
        std::fs::write(feed.join("pages.ndjson"), pages.concat()).expect("a file");
        let text = "[job]\nname = \"nightly\"\ntimezone = \"Europe/Paris\"\nfeeds = [\"account_statements\"]\n\
                    window = { from = \"2026-03-01\", to = \"2026-03-07\" }\n\
                    [source]\nprovider = \"anytime\"\narchive = \"archive\"\n\
                    [output]\ndirectory = \"out\"\n";
        std::fs::write(self.path("job.toml"), text).expect("a file");
        let ended = self.tieout(&["run", "job.toml"]);
        assert!([0, 3].contains(&ended.code), "{}", ended.stderr);
        ended.code
    }

    pub fn tieout(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().expect("runs");
        Ended {
            code: output.status.code().expect("ends by itself"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        command.args(arguments).current_dir(self.folder.path()).env("PGPASSWORD", PASSWORD).stdin(Stdio::null());
        command.env_remove("TIEOUT_WAREHOUSE");
        command
    }

    /// Loads into the bench's database.
    pub fn load(&self, more: &[&str]) -> Ended {
        let url = self.url();
        self.tieout(&[&["load", "job.toml", "--to", &url, "--format", "json"], more].concat())
    }

    /// Loads, which must end well.
    pub fn loaded(&self, more: &[&str]) -> Value {
        let ended = self.load(more);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        ended.json()
    }

    pub fn partition(&self, dataset: &str, day: &str) -> PathBuf {
        self.path(&format!("out/lake/{dataset}/booking_date={day}/{dataset}.parquet"))
    }
}

fn page(acc: &str, lines: &[Line]) -> String {
    let mut balance = 0;
    let money =
        |cents: i64| format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
    let rows: Vec<Value> = lines
        .iter()
        .filter(|line| line.acc == acc)
        .map(|line| {
            balance += line.cents;
            json!({
                "txid": line.txid, "date": line.date, "amount": money(line.cents.abs()), "currency": line.currency,
                "type": if line.cents < 0 { "D" } else { "C" }, "balance": money(balance),
                "status": "Executed", "description": line.description,
            })
        })
        .collect();
    format!("{}\n", json!({ "body": { "acc_id": acc, "transactions": rows } }))
}
