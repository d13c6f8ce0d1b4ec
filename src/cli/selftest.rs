//! `tieout selftest`.

use clap::Args;
use comfy_table::{Cell, CellAlignment, Table, presets};

use super::exit::Exit;
use super::printer::{self, Format};
use crate::Result;
use crate::selftest::{self, KindResults, Results};

/// Plant faults of every kind in generated books and tell how many are found, at the right row, with the right cause
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tieout selftest --seeds 1000\n\nExit code 3 when a fault was missed or clean books raised an alarm."
)]
pub struct Arguments {
    /// Books made; one fault of each kind is planted in each
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// The first seed: books of other seeds are other books
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    first_seed: u64,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// Never: nothing is read or written.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    const SEEDS_PER_NOTE: u64 = 250;
    let seeds = arguments.seeds;
    let results = selftest::run(arguments.first_seed, seeds, |done| {
        if done % SEEDS_PER_NOTE == 0 {
            printer::note(&format!("selftest: {done} of {seeds} seeds"));
        }
    });
    match arguments.format {
        Format::Json => printer::result(&serde_json::to_string_pretty(&results).expect("results are plain data")),
        Format::Text => printer::result(&text(&results)),
    }
    let missed = results.kinds.iter().any(|kind| kind.found < kind.planted);
    Ok(if missed || results.false_alarms > 0 { Exit::Breaks } else { Exit::Ties })
}

fn text(results: &Results) -> String {
    let mut parts = vec![
        format!(
            "{} seeds from {} on; {} false alarms over {} clean owners",
            results.seeds, results.first_seed, results.false_alarms, results.clean_owners
        ),
        table(&results.kinds),
    ];
    let invisible: Vec<String> =
        results.kinds.iter().map(|kind| format!(" {}: {}", kind.kind, kind.invisible)).collect();
    parts.push(format!("Invisible in principle\n{}", invisible.join("\n")));
    let shown = results.false_alarms_shown.iter().chain(results.kinds.iter().flat_map(|kind| &kind.misses_shown));
    let shown: Vec<String> = shown.map(|line| format!(" {line}")).collect();
    if !shown.is_empty() {
        parts.push(format!("Missed or told otherwise, the first of each kind\n{}", shown.join("\n")));
    }
    parts.join("\n\n")
}

fn table(kinds: &[KindResults]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let counts = ["Planted", "Found", "Right row", "Visible cause", "Right of visible", "Right of all", "Extra breaks"];
    table.set_header(["Fault", "Check", "Cause"].into_iter().chain(counts));
    for kind in kinds {
        let number = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let share = |part: u64| number(percent(part, kind.planted));
        table.add_row([
            Cell::new(kind.kind),
            Cell::new(kind.check),
            Cell::new(kind.cause),
            number(kind.planted.to_string()),
            share(kind.found),
            share(kind.right_row),
            share(kind.visible),
            number(percent(kind.right_cause_visible, kind.visible)),
            share(kind.right_cause),
            number(kind.extra_breaks.to_string()),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// With one decimal, cut: 100 % means all.
fn percent(part: u64, of: u64) -> String {
    let tenths = (part * 1000).checked_div(of).unwrap_or(0);
    format!("{}.{} %", tenths / 10, tenths % 10)
}
