//! Makes what tieout and its peers are measured on: `cargo run --release --example pages -- DIR --rows 1000000`; `benches/run` calls
//! it.
#![allow(missing_docs, reason = "a program, not a library")]

use std::path::PathBuf;

use clap::Parser;

mod books;

#[derive(Parser)]
struct Arguments {
    /// The folder that is filled
    folder: PathBuf,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// All rows
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// The cards among which the rows are shared out
    #[arg(long, default_value_t = 1_000)]
    cards: u64,
    /// Days with rows
    #[arg(long, default_value_t = 31)]
    days: u64,
    /// Faults in a million rows
    #[arg(long, default_value_t = 200)]
    faults_per_million: u64,
    /// Rows of the first card that share one second
    #[arg(long, default_value_t = 0)]
    tied: u64,
}

fn main() -> std::io::Result<()> {
    let Arguments { folder, seed, rows, cards, days, faults_per_million, tied } = Arguments::parse();
    books::Books { seed, rows, cards, days, faults_per_million, tied }.write(&folder)
}
