//! A lake of 100,000 rows in several currencies, with hostile texts and faults planted in it, read by the engines of data
//! engineers; `schemas/sql/checks` must find there what the runs found.

use std::sync::OnceLock;

use tieout::record::{Day, Window};
use tieout::sandbox::archive::ArchiveWriter;
use tieout::sandbox::generator::{FaultKind, Recipe, plant};
use tieout::sandbox::ledger::Ledger;

use crate::bench::Bench;
use crate::readers::{ROOT, python};

/// The month in whose last week clocks are set back; it is run in two halves.
const HALVES: [[&str; 2]; 2] = [["2026-10-01", "2026-10-15"], ["2026-10-16", "2026-10-31"]];
/// Midnight in Paris at which the second half begins.
const SECOND_HALF_S: i64 = 1_792_101_600;

/// The lake, made once.
fn lake() -> &'static Bench {
    static LAKE: OnceLock<Bench> = OnceLock::new();
    LAKE.get_or_init(|| {
        let bench = Bench::new();
        let mut writer = ArchiveWriter::new(bench.path("pages"), 500, "sandbox-user").echoing_limits();
        books().books().accounts.iter().for_each(|account| writer.account(account).expect("an account"));
        writer.finish().expect("an archive");
        let job = "[job]\nname = \"month\"\nwindow = { from = \"2026-10-01\", to = \"2026-10-31\" }\n\
                   [source]\nprovider = \"anytime\"\narchive = \"pages\"\n";
        std::fs::write(bench.path("job.toml"), job).expect("a file");
        for [from, to] in HALVES {
            let ended = bench.tieout(&["run", "job.toml", "--from", from, "--to", to]);
            assert_eq!(ended.code, 3, "{}", ended.stderr);
        }
        bench
    })
}

/// Books with several faults of each kind, and two owners who do not go on in the second half where they ended in the first.
fn books() -> Ledger {
    let day = |text| Day::parse(text).expect("a day");
    let window = Window::new(day(HALVES[0][0]), day(HALVES[1][1])).expect("runs upwards");
    let mut recipe = Recipe { accounts: 12, cards_per_account: 4, ..Recipe::small(2610, window) };
    (recipe.rows_per_card, recipe.rows_per_account) = (1_600, 900);
    recipe.currencies = vec!["EUR", "JPY", "BHD", "USD"];
    let mut ledger = recipe.ledger();
    for seed in 0..3 {
        assert!(plant(&mut ledger, &FaultKind::ALL, seed).len() > 12);
    }
    // A debit whose transfer nobody lists.
    let transfers = &mut ledger.accounts[7].transfers;
    let listed = transfers.iter().rposition(|transfer| transfer.reference.is_some() && !transfer.direct_debit);
    transfers.remove(listed.expect("an executed transfer"));
    let later = |booked_s: i64| booked_s >= SECOND_HALF_S;
    ledger.accounts[1]
        .lines
        .iter_mut()
        .filter(|line| later(line.booked_s))
        .for_each(|line| line.balance_after += 1_234);
    ledger.accounts[2].cards[0]
        .rows
        .iter_mut()
        .filter(|row| later(row.booked_s))
        .for_each(|row| row.balance_after -= 55);
    ledger
}

/// Everything is asked of both engines: they find the same, and what the runs found.
#[test]
fn engines_read_the_lake_and_their_sql_finds_what_the_runs_found() {
    let out = lake().path("out");
    let arguments = [ROOT, out.to_str().expect("UTF-8")];
    let (duckdb, spark) = std::thread::scope(|scope| {
        let duckdb = scope.spawn(|| python("lake_duckdb.py", &out, &arguments));
        let spark = scope.spawn(|| python("lake_spark.py", &out, &arguments));
        (duckdb.join().expect("read by DuckDB and pyarrow"), spark.join().expect("read by Spark"))
    });
    assert_eq!(duckdb, spark);
    for (check, findings) in [("chain", 38), ("seam", 2), ("iban_twin", 3), ("transfer", 4)] {
        assert_eq!(duckdb.lines().filter(|line| line.starts_with(&format!("{check} "))).count(), findings, "{duckdb}");
    }
}
