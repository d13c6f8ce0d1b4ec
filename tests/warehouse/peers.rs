//! `benches/run` in small: tieout, DuckDB and Polars over the same pages find the same breaks and the same sums, which are
//! those that were planted.

#[path = "../../benches/peers/books.rs"]
mod books;

use std::path::Path;
use std::process::Output;

use books::Books;

use crate::bench::Bench;
use crate::readers::python_output;

fn compared(folder: &Path, peers: &str) -> Output {
    let place = folder.to_str().expect("UTF-8");
    let arguments = ["--check", "--peers", peers, "--work", place, "--tieout", env!("CARGO_BIN_EXE_tieout")];
    python_output("benches/peers/compare.py", folder, &arguments)
}

fn books(folder: &Path, seed: u64, rows: u64) -> usize {
    Books { seed, rows, cards: 16, days: 31, faults_per_million: 2_000, tied: 300 }.write(folder).expect("pages");
    std::fs::read_to_string(folder.join("planted.csv")).expect("reads").lines().count() - 1
}

#[test]
fn tieout_and_its_peers_find_the_same_breaks_and_sums() {
    let bench = Bench::new();
    let folder = bench.path("books");
    let planted = books(&folder, 7, 20_000);
    assert!(planted > 20, "{planted} faults");
    let output = compared(&folder, "duckdb,duckdb-exact,polars");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    for engine in ["tieout", "duckdb", "duckdb-exact", "polars"] {
        assert!(told.contains(&format!("{engine}: {planted} breaks, 20000 rows")), "{engine}: {told}");
    }
}

#[test]
fn a_break_that_nobody_found_and_a_sum_that_is_another_are_told() {
    let bench = Bench::new();
    let folder = bench.path("books");
    assert!(books(&folder, 8, 4_000) > 1);
    let planted = std::fs::read_to_string(folder.join("planted.csv")).expect("reads");
    std::fs::write(folder.join("planted.csv"), format!("{planted}ANY4000000000,1,1.00,2.00\n")).expect("writes");
    let output = compared(&folder, "");
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("missing: [('ANY4000000000', 1")
    );
    std::fs::write(folder.join("planted.csv"), planted).expect("writes");
    let sums = std::fs::read_to_string(folder.join("sums.json")).expect("reads");
    std::fs::write(folder.join("sums.json"), sums.replace("\"rows\":4000", "\"rows\":4001")).expect("writes");
    let output = compared(&folder, "");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("CSV: (4000,"));
}
