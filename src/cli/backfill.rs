//! `tieout backfill`: a range in chunks, each committed by itself.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::Datelike;
use clap::{Args, ValueEnum};

use super::exit::Exit;
use super::interrupt;
use super::printer;
use super::progress::Progress;
use super::publish::AfterCommit;
use super::told::{Tally, told};
use crate::job::{Overrides, Shard, load};
use crate::output::OutputDir;
use crate::record::{Day, Window};
use crate::{Error, Result, pipeline};

/// Run a range of days in chunks, each committed by itself; what is committed already is not run again
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tieout backfill jobs/backfill.toml --from 2025-01-01 --to 2025-12-31 --chunk month\n  \
                  tieout backfill jobs/backfill.toml --from 2025-01-01 --to 2025-12-31 --archive out/raw --out again"
)]
pub struct Arguments {
    /// The job file
    job: PathBuf,
    /// First day of the range
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Day,
    /// Last day of the range
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Day,
    /// How the range is cut
    #[arg(long, value_enum, default_value_t)]
    chunk: Chunk,
    /// Output directory, instead of the job's
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Read pages fetched earlier instead of asking the provider
    #[arg(long, value_name = "DIR")]
    archive: Option<PathBuf>,
    /// Only the accounts of shard k of n, by a hash of their ids; each shard has an output directory of its own
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Run chunks that are committed already, too
    #[arg(long)]
    again: bool,
}

/// How a range is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Chunk {
    /// Calendar months
    #[default]
    Month,
    /// Weeks from Monday
    Week,
    /// Single days
    Day,
}

/// Runs the command.
///
/// # Errors
/// When the job file is wrong, or a chunk cannot finish; the chunks before it stay committed.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    told(&arguments.job, arguments.out.as_deref(), |tally| run_all(arguments, tally))
}

fn run_all(arguments: &Arguments, tally: &mut Tally) -> Result<Exit> {
    let range = Window::new(arguments.from, arguments.to).ok_or_else(|| {
        Error::usage(format!("the range ends on {}, before it begins on {}", arguments.to, arguments.from))
    })?;
    let chunks = cut(range, arguments.chunk);
    let plan = load(&arguments.job, &overrides(arguments, range))?;
    let publishing = (plan.output.directory.clone(), AfterCommit::of(&plan)?);
    let mut worst = Exit::Ties;
    let mut pace = Pace::default();
    for (done, chunk) in chunks.iter().enumerate() {
        let left = chunks.len() - done - 1;
        let begun = Instant::now();
        let exit = match run_chunk(arguments, *chunk, tally)? {
            Ran::Before(exit) => {
                printer::note(&format!("{} to {}: committed before, {left} chunks left", chunk.from, chunk.to));
                exit
            }
            Ran::Now(exit, verdict) => {
                printer::result(&format!("{} to {}: {verdict}, {left} chunks left", chunk.from, chunk.to));
                pace.note(begun.elapsed());
                printer::note(&format!("{} of {} chunks done, {}", done + 1, chunks.len(), pace.left(left)));
                exit
            }
        };
        worst = if exit.code() > worst.code() { exit } else { worst };
    }
    // Once for all chunks, also for those that were committed before: one of them may not have been published.
    let (directory, after) = publishing;
    if let Err(why) = after.publish(&directory) {
        printer::note(&format!("warning: {why}"));
        worst = Exit::Partial;
    }
    Ok(worst)
}

/// How long chunks take.
#[derive(Debug, Default)]
struct Pace {
    chunks: u32,
    taken: Duration,
}

impl Pace {
    fn note(&mut self, chunk: Duration) {
        self.chunks += 1;
        self.taken += chunk;
    }

    /// What is left, in words. Chunks that turn out to be committed already take no time: it is an upper bound.
    fn left(&self, chunks: usize) -> String {
        if chunks == 0 {
            return "none left".to_owned();
        }
        let each = self.taken / self.chunks.max(1);
        let seconds = (each * u32::try_from(chunks).unwrap_or(u32::MAX)).as_secs();
        let time = match seconds {
            0..120 => format!("{} s", seconds.max(1)),
            120..7_200 => format!("{} min", seconds.div_ceil(60)),
            _ => format!("{} h", seconds.div_ceil(3_600)),
        };
        format!("{chunks} left, at most about {time}")
    }
}

enum Ran {
    Before(Exit),
    Now(Exit, String),
}

fn run_chunk(arguments: &Arguments, chunk: Window, tally: &mut Tally) -> Result<Ran> {
    let plan = load(&arguments.job, &overrides(arguments, chunk))?;
    if !arguments.again {
        let out = OutputDir::open(&plan.output.directory)?;
        pipeline::refuse_another_share(&plan.output.directory, plan.shard, out.state())?;
        if let Some(code) = out.state().last_exit_of(&plan.job_name, chunk)?
            && let Some(exit) = Exit::finished_with(code)
        {
            return Ok(Ran::Before(exit));
        }
    }
    interrupt::listen();
    let progress = Progress::start();
    let report = pipeline::run(&plan, &progress);
    progress.finish();
    tally.count(&progress);
    let report = report?;
    tally.committed(&report);
    Ok(Ran::Now(Exit::from(report.exit), report.verdict()))
}

fn overrides(arguments: &Arguments, window: Window) -> Overrides {
    Overrides {
        from: Some(window.from),
        to: Some(window.to),
        out: arguments.out.clone(),
        archive: arguments.archive.clone(),
        fresh: false,
        shard: arguments.shard,
    }
}

/// Chunks that tile the range: each begins on the day after the one before it.
fn cut(range: Window, chunk: Chunk) -> Vec<Window> {
    let mut chunks = Vec::new();
    let mut from = range.from;
    loop {
        let to = end_of_chunk(from, chunk).min(range.to);
        chunks.push(Window { from, to });
        if to == range.to {
            return chunks;
        }
        from = to.next();
    }
}

fn end_of_chunk(day: Day, chunk: Chunk) -> Day {
    match chunk {
        Chunk::Day => day,
        Chunk::Week => {
            let to_sunday = 6 - day.date().weekday().num_days_from_monday();
            day.plus(i32::try_from(to_sunday).expect("at most 6"))
        }
        Chunk::Month => {
            let days = day.date().num_days_in_month() - u8::try_from(day.date().day()).expect("at most 31");
            day.plus(i32::from(days))
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::record::Zone;

    /// First and last day of the years whose clock changes are looked at.
    fn years() -> Window {
        Window { from: "2000-01-01".parse().expect("a day"), to: "2037-12-31".parse().expect("a day") }
    }

    fn chunks_that_hold(chunks: &[Window], zone: Zone, at: DateTime<Utc>) -> usize {
        let day = zone.day_at(at);
        chunks.iter().filter(|chunk| chunk.contains(day)).count()
    }

    #[test]
    fn every_moment_around_every_clock_change_is_in_exactly_one_chunk() {
        // Clocks change in the night in Paris and at midnight in Sao Paulo.
        for name in ["Europe/Paris", "America/Sao_Paulo"] {
            let zone = Zone::parse(name).expect("a zone");
            let cuts = [Chunk::Month, Chunk::Week, Chunk::Day].map(|chunk| cut(years(), chunk));
            let mut next = [0; 3];
            let mut at = "2000-01-02T00:00:00Z".parse::<DateTime<Utc>>().expect("a moment");
            let end = "2037-12-30T00:00:00Z".parse::<DateTime<Utc>>().expect("a moment");
            while at < end {
                let day = zone.day_at(at);
                for (chunks, next) in cuts.iter().zip(&mut next) {
                    *next += usize::from(chunks[*next].to < day);
                    assert!(chunks[*next].contains(day), "{name} {at}");
                }
                at += TimeDelta::minutes(60);
            }
        }
    }

    proptest! {
        #[test]
        fn any_range_is_tiled(from in 0..13_000_i32, days in 0..900_i32, second in 0..86_400_i64, back in 0..900_i32) {
            let from = years().from.plus(from);
            let range = Window { from, to: from.plus(days) };
            let zone = Zone::parse("Europe/Paris").expect("a zone");
            for chunk in [Chunk::Month, Chunk::Week, Chunk::Day] {
                let chunks = cut(range, chunk);
                prop_assert_eq!((chunks[0].from, chunks[chunks.len() - 1].to), (range.from, range.to));
                prop_assert!(chunks.windows(2).all(|pair| pair[0].to.next() == pair[1].from));
                prop_assert_eq!(chunks.iter().map(|chunk| chunk.days()).sum::<u32>(), range.days());
                let midday = from.plus(back.min(days)).date().and_hms_opt(12, 0, 0).expect("a time").and_utc();
                let at = midday + TimeDelta::seconds(second - 43_200);
                let inside = usize::from(range.contains(zone.day_at(at)));
                prop_assert_eq!(chunks_that_hold(&chunks, zone, at), inside);
            }
        }
    }

    #[test]
    fn what_is_left_is_told_in_words() {
        let mut pace = Pace::default();
        pace.note(Duration::from_secs(10));
        pace.note(Duration::from_secs(20));
        assert_eq!(pace.left(0), "none left");
        assert_eq!(pace.left(2), "2 left, at most about 30 s");
        assert_eq!(pace.left(100), "100 left, at most about 25 min");
        assert_eq!(pace.left(1_000), "1000 left, at most about 5 h");
    }

    #[test]
    fn chunks_tile_the_range() {
        let range = Window { from: "2026-01-30".parse().expect("a day"), to: "2028-03-02".parse().expect("a day") };
        for chunk in [Chunk::Month, Chunk::Week, Chunk::Day] {
            let chunks = cut(range, chunk);
            assert_eq!((chunks[0].from, chunks[chunks.len() - 1].to), (range.from, range.to));
            assert!(chunks.windows(2).all(|pair| pair[0].to.next() == pair[1].from));
            assert_eq!(chunks.iter().map(|chunk| chunk.days()).sum::<u32>(), range.days());
        }
        let months: Vec<String> = cut(range, Chunk::Month).iter().take(3).map(ToString::to_string).collect();
        assert_eq!(months, ["2026-01-30_2026-01-31", "2026-02-01_2026-02-28", "2026-03-01_2026-03-31"]);
    }

    #[test]
    fn chunks_tile_the_years_of_every_clock_change() {
        let range = Window { from: "2000-01-01".parse().expect("a day"), to: "2037-12-31".parse().expect("a day") };
        for chunk in [Chunk::Month, Chunk::Week, Chunk::Day] {
            let days: Vec<Day> = cut(range, chunk).into_iter().flat_map(Window::iter).collect();
            assert!(days.iter().copied().eq(range.iter()), "{chunk:?}");
        }
    }
}
