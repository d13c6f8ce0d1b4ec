//! The README's commands for accountants, operators and data engineers, run as they are written.

use std::path::Path;
use std::process::{Command, Stdio};

use tieout::record::{Day, Window};
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::books::Account;
use tieout::sandbox::generator::Recipe;
use tieout::sandbox::sample;

use crate::bench::Bench;
use crate::readers::{ROOT, python, readers};
use crate::server::PASSWORD;

/// What README calls the database: the one thing that is another here.
const ITS_DATABASE: &str = "postgresql://loader@db.example.com/books";

/// The blocks of commands below a heading, up to the next one.
fn blocks(heading: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("{ROOT}/README.md")).expect("reads");
    let (_, rest) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("README has no {heading}"));
    let chapter = rest.split("\n#").next().expect("a first part");
    let blocks = chapter.split("```sh\n").skip(1).map(|block| block.split("```").next().expect("a first part"));
    blocks.map(str::to_owned).collect()
}

/// A place with the repository's jobs, in which commands find the programs that README names.
struct Desk {
    bench: Bench,
}

impl Desk {
    fn new() -> Desk {
        let bench = Bench::with_database();
        std::fs::create_dir(bench.path("jobs")).expect("a folder");
        for job in ["accounting.toml", "nightly.toml"] {
            std::fs::copy(format!("{ROOT}/jobs/{job}"), bench.path("jobs").join(job)).expect("copies");
        }
        Desk { bench }
    }

    /// With a job of the user's own over these accounts, as an archive.
    fn job(&self, name: &str, accounts: impl IntoIterator<Item = Account>) {
        let pages = format!("{name}-pages");
        let mut writer = ArchiveWriter::new(self.bench.path(&pages), 100, "sandbox-user").echoing_limits();
        accounts.into_iter().for_each(|account| writer.account(&account).expect("an account"));
        writer.finish().expect("an archive");
        let job = format!(
            "[job]\nname = \"{name}\"\nwindow = {{ from = \"2026-08-01\", to = \"2026-10-31\" }}\n\
             [source]\nprovider = \"anytime\"\narchive = \"../{pages}\"\n"
        );
        std::fs::write(self.bench.path(&format!("jobs/{name}.toml")), job).expect("a file");
    }

    /// Runs a block, command by command; the exit code of each, and all that was printed.
    fn run(&self, block: &str) -> (Vec<i32>, String) {
        // From a clone `cargo run --release --` stands for the program.
        let program = format!("tieout() {{ {} \"$@\"; }}\n", env!("CARGO_BIN_EXE_tieout"));
        let cargo = "cargo() { while [ \"$1\" != -- ]; do shift; done; shift; tieout \"$@\"; }\n";
        let block = block.replace(ITS_DATABASE, &self.bench.url());
        let commands = block.lines().flat_map(|line| line.split(" ; ")).map(|line| format!("{line}\necho \"=> $?\"\n"));
        let script = format!("{program}{cargo}{}", commands.collect::<String>());
        let path = format!("{}:{}", readers().join("bin").display(), std::env::var("PATH").expect("a path"));
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).current_dir(self.bench.path(".")).stdin(Stdio::null());
        bash.env("PATH", path).env("PGPASSWORD", PASSWORD).env("CHECKS", format!("{ROOT}/schemas/sql/checks"));
        for name in ["USERNAME", "CLIENT_ID", "CLIENT_SECRET", "PASSWORD"] {
            bash.env(format!("ANYTIME_{name}"), "sandbox");
        }
        let output = bash.output().expect("bash runs");
        let shown = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let codes = shown.lines().filter_map(|line| line.strip_prefix("=> ")?.parse().ok()).collect();
        (codes, shown)
    }

    fn ends(&self, block: &str, codes: &[i32]) -> String {
        let (found, shown) = self.run(block);
        assert_eq!(found, codes, "{block}\n{shown}");
        shown
    }
}

/// Demo and reports, journals and breaks; then what needs no provider of an operator's day, over the same directory.
#[test]
fn an_accountants_and_an_operators_commands_do_what_is_written() {
    let desk = Desk::new();
    let [journals, breaks] = blocks("## For the accountant").try_into().expect("two blocks");
    // Three breaks in the books; the first journal ties, the other tells its break.
    let shown = desk.ends(&journals, &[3, 3, 0, 1]);
    assert!(shown.contains("brk-ec10e5c0bdb4") && shown.contains("asserted:"), "{shown}");
    let shown = desk.ends(&breaks, &[0, 0, 0, 0]);
    assert!(shown.contains("claimed from the provider") || shown.contains("accepted"), "{shown}");
    // The first sets up a machine, which is tried where a newcomer's day is.
    let [_, block] = blocks("## For the operator").try_into().expect("two blocks");
    let shown = desk.ends(&block, &[0, 0, 0, 0]);
    assert!(shown.contains("RSA, 2048 bits"), "{shown}");
    assert!(desk.bench.path("jobs/tieout-nightly.timer").exists());
}

#[test]
fn a_data_engineers_commands_do_what_is_written() {
    let desk = Desk::new();
    desk.job("backfill", sample::books().accounts);
    let out = desk.bench.path("out");
    let [block] = blocks("## For the data engineer").try_into().expect("one block");
    // The second reads what a run has landed: that of the demo, here.
    assert_eq!(desk.bench.tieout(&["demo", "--out", "demo"]).code, 3);
    std::fs::create_dir(&out).expect("a folder");
    std::fs::rename(desk.bench.path("demo/raw"), out.join("raw")).expect("moved");
    let shown = desk.ends(&block, &[3, 3, 0, 0]);
    let rows = rows_of(&out.join("reports/backfill"), "card_transactions");
    assert!(shown.lines().any(|line| line == rows.to_string()), "{rows} in {shown}");

    let [load] = blocks("### Into a database").try_into().expect("one block");
    let shown = desk.ends(&load, &[0, 0, 0]);
    assert_eq!(desk.bench.psql("SELECT count(*) FROM bank.card_transactions"), rows.to_string());
    // What README shows of the last is what it prints.
    let readme = std::fs::read_to_string(format!("{ROOT}/README.md")).expect("reads");
    let told = readme.split("the last prints:\n\n```text\n").nth(1).and_then(|rest| rest.split("  …\n").next());
    let told = told.expect("README shows it");
    assert!(shown.contains(told), "expected {told} in {shown}");

    let [fetch, read, spark] = blocks("### Where one machine ends").try_into().expect("three blocks");
    let [from, to] = ["2026-08-01", "2026-10-31"].map(|day| Day::parse(day).expect("a day"));
    let recipe = Recipe { accounts: 6, ..Recipe::small(31, Window::new(from, to).expect("runs upwards")) };
    desk.job("nightly", recipe.ledger().books().accounts);
    desk.ends(&fetch, &[0, 0, 0]);
    assert_eq!(desk.bench.tieout(&["run", "jobs/nightly.toml", "--out", "whole"]).code, 0);
    let rows = rows_of(&desk.bench.path("whole/reports/nightly"), "card_transactions");
    let shown = desk.ends(&read, &[0, 0, 0]);
    assert!(shown.lines().any(|line| line == rows.to_string()), "{rows} in {shown}");
    assert_eq!(python("shards.py", &desk.bench.path("."), &["whole", "shard-*"]).trim(), "same");
    // Its SQL is run in Spark by `engines` at all times; Spark's own shell takes half a minute to do it.
    if std::env::var_os("TIEOUT_LONG").is_some() {
        let shown = desk.ends(&spark, &[0, 0, 0]);
        assert!(shown.lines().any(|line| line.starts_with("chain\t")), "{shown}");
    }
}

/// Rows of a dataset in all reports of a job.
fn rows_of(reports: &Path, dataset: &str) -> usize {
    let reports = std::fs::read_dir(reports).expect("a folder");
    let count = |folder: std::io::Result<std::fs::DirEntry>| {
        let csv = folder.expect("an entry").path().join(format!("{dataset}.csv"));
        csv::Reader::from_path(csv).expect("opens").records().count()
    };
    reports.map(count).sum()
}

#[test]
fn the_block_of_schemas_is_run_too() {
    let desk = Desk::new();
    let [block] = blocks("### Schemas").try_into().expect("one block");
    let shown = desk.ends(&block, &[0]);
    assert!(shown.contains("CREATE TABLE IF NOT EXISTS card_transactions"), "{shown}");
}
