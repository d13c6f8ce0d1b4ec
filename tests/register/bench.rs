//! A folder with an archive that changes from run to run, and the program run over it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// A card transaction: its balance comes out of the rows before it.
#[derive(Clone)]
pub struct Tx {
    pub txid: u32,
    pub date: &'static str,
    pub cents: i64,
    pub status: &'static str,
    pub description: &'static str,
    /// What is added to the balance that would be right.
    pub off: i64,
}

pub fn tx(txid: u32, date: &'static str, cents: i64) -> Tx {
    Tx { txid, date, cents, status: "S", description: "Coffee", off: 0 }
}

/// Five settled rows on four days.
pub fn rows() -> Vec<Tx> {
    vec![
        tx(1, "2026-03-01 09:00:00", 10_000),
        tx(2, "2026-03-02 10:00:00", -1_250),
        tx(3, "2026-03-02 11:00:00", -2_000),
        tx(4, "2026-03-03 12:00:00", -500),
        tx(5, "2026-03-05 08:00:00", 300),
    ]
}

pub struct Bench {
    folder: tempfile::TempDir,
    pub formats: &'static str,
}

/// What a run left.
pub struct Ran {
    pub code: i32,
    pub summary: Value,
}

impl Ran {
    pub fn breaks(&self) -> &[Value] {
        self.summary["breaks"].as_array().expect("a list")
    }

    /// The only break.
    pub fn only(&self) -> &Value {
        assert_eq!(self.breaks().len(), 1, "{:#}", self.summary["breaks"]);
        &self.breaks()[0]
    }

    pub fn count(&self, name: &str) -> u64 {
        self.summary[name].as_u64().expect("a number")
    }
}

impl Bench {
    pub fn new() -> Bench {
        Bench { folder: tempfile::tempdir().expect("a folder"), formats: r#"["csv", "parquet"]"# }
    }

    pub fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Runs the job over these rows of the card ANY1.
    pub fn run(&self, rows: &[Tx]) -> Ran {
        self.run_cards(&[("ANY1", rows)], ["2026-03-01", "2026-03-07"])
    }

    pub fn run_cards(&self, cards: &[(&str, &[Tx])], window: [&str; 2]) -> Ran {
        self.write_cards(cards);
        self.run_archive(r#"["card_transactions"]"#, window)
    }

    pub fn write_cards(&self, cards: &[(&str, &[Tx])]) {
        let feed = self.folder.path().join("archive/card_transactions");
        std::fs::create_dir_all(&feed).expect("a folder");
        let pages: Vec<String> = cards.iter().map(|(card, rows)| page(card, rows)).collect();
        std::fs::write(feed.join("pages.ndjson"), pages.concat()).expect("a file");
    }

    /// Runs the job over transfers of the account 7.
    pub fn run_transfers(&self, rows: &[&str]) -> Ran {
        self.write_transfers(rows);
        self.run_archive(r#"["credit_transfers"]"#, ["2026-03-01", "2026-03-07"])
    }

    pub fn write_transfers(&self, rows: &[&str]) {
        let feed = self.folder.path().join("archive/credit_transfers");
        std::fs::create_dir_all(&feed).expect("a folder");
        let body = format!(r#"{{"body":{{"acc_id":"7","credit-transfers":[{}]}}}}"#, rows.join(","));
        std::fs::write(feed.join("page.json"), body).expect("a file");
    }

    /// Runs the job over lines of the account 7: those of its statement, and those of its IBAN statement.
    pub fn run_statements(&self, lines: &[&str], iban_lines: &[&str]) -> Ran {
        self.write_statements(lines, iban_lines);
        self.run_archive(r#"["account_statements", "iban_statements"]"#, ["2026-03-01", "2026-03-07"])
    }

    pub fn write_statements(&self, lines: &[&str], iban_lines: &[&str]) {
        for (feed, lines) in [("account_statements", lines), ("iban_statements", iban_lines)] {
            let folder = self.folder.path().join("archive").join(feed);
            std::fs::create_dir_all(&folder).expect("a folder");
            let body = format!(r#"{{"body":{{"acc_id":"7","transactions":[{}]}}}}"#, lines.join(","));
            std::fs::write(folder.join("page.json"), body).expect("a file");
        }
    }

    /// Runs the job with these feeds over what the archive holds.
    pub fn run_archive(&self, feeds: &str, [from, to]: [&str; 2]) -> Ran {
        let job = self.folder.path().join("job.toml");
        let text = format!(
            "[job]\nname = \"nightly\"\ntimezone = \"Europe/Paris\"\nfeeds = {feeds}\n\
             window = {{ from = \"{from}\", to = \"{to}\" }}\n\
             [source]\nprovider = \"anytime\"\narchive = \"archive\"\n\
             [output]\ndirectory = \"{}\"\nformats = {}\n",
            self.out().display(),
            self.formats
        );
        std::fs::write(&job, text).expect("a file");
        let (code, _) = self.tieout(&["run", job.to_str().expect("UTF-8")]);
        let summary = std::fs::read(self.reports(from, to).join("summary.json")).expect("committed");
        Ran { code, summary: serde_json::from_slice(&summary).expect("JSON") }
    }

    pub fn reports(&self, from: &str, to: &str) -> PathBuf {
        self.out().join(format!("reports/nightly/{from}_{to}"))
    }

    pub fn partition(&self, dataset: &str, day: &str) -> PathBuf {
        self.out().join(format!("lake/{dataset}/booking_date={day}/{dataset}.parquet"))
    }

    /// The program's exit code, and what it told: JSON of stdout, else null.
    pub fn tieout(&self, arguments: &[&str]) -> (i32, Value) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tieout"));
        let output = command.args(arguments).current_dir(self.folder.path()).output().expect("runs");
        let code = output.status.code().expect("ends by itself");
        assert!([0, 1, 2, 3, 4].contains(&code), "{}", String::from_utf8_lossy(&output.stderr));
        (code, serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
    }

    /// `tieout breaks …` in the output directory.
    pub fn breaks(&self, arguments: &[&str]) -> (i32, Value) {
        let out = self.out();
        self.tieout(&[&["breaks", "--out", out.to_str().expect("UTF-8")], arguments].concat())
    }

    /// What the register holds of a break.
    pub fn shown(&self, id: &str) -> Value {
        let (code, shown) = self.breaks(&["show", id, "--format", "json"]);
        assert_eq!(code, 0);
        shown
    }

    /// The acts on a break.
    pub fn acts(&self, id: &str) -> Vec<String> {
        let shown = self.shown(id);
        let trail = shown["trail"].as_array().expect("a list");
        trail.iter().map(|entry| entry["act"].as_str().expect("a text").to_owned()).collect()
    }

    pub fn accept(&self, id: &str) {
        assert_eq!(self.breaks(&["accept", id, "--by", "Ada", "--note", "the bank confirmed it"]).0, 0);
    }

    /// Verifies; nothing may be found.
    pub fn assert_intact(&self) {
        let (code, told) = self.verify();
        assert_eq!((code, &told["findings"]), (0, &serde_json::json!([])), "{told:#}");
    }

    pub fn verify(&self) -> (i32, Value) {
        let out = self.out();
        self.tieout(&["verify", "--out", out.to_str().expect("UTF-8"), "--format", "json"])
    }

    pub fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.out().join("tieout.db")).expect("opens")
    }
}

fn page(card: &str, rows: &[Tx]) -> String {
    let mut balance = 0;
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            balance += if row.status == "S" { row.cents } else { 0 };
            let stated = balance + row.off;
            let money = |cents: i64| format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
            format!(
                r#"{{"txid":"{}","amount":{},"currency":"EUR","status":"{}","type":"{}","balance_after":"{}","date":"{}","description":"{}"}}"#,
                row.txid,
                money(row.cents.abs()),
                row.status,
                if row.cents < 0 { "D" } else { "C" },
                money(stated),
                row.date,
                row.description
            )
        })
        .collect();
    format!("{{\"body\":{{\"card_ref\":\"{card}\",\"acc_id\":\"7\",\"transactions\":[{}]}}}}\n", rows.join(","))
}

/// A text member.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("{name} in {value:#}"))
}

/// Every CSV and Parquet file, by path.
pub fn data_files(out: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|end| end == "csv" || end == "parquet") {
                files.insert(entry.clone(), std::fs::read(&entry).expect("reads"));
            }
        }
    }
    files
}
