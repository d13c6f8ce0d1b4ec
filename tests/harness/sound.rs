//! The build that is used: nothing may be found.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::simulation::{Trace, a_recovery_of_the_undecided_dies, at_every_step, disturbances, simulate};
use super::{amounts, full_disk, is_long, landing, malformed, network, order, processes, stories, tiling};

/// Does `work` for each number below `count`, on all cores; the first that finds something is told.
fn on_all_cores(count: u64, work: impl Fn(u64) -> Result<(), String> + Sync) {
    let next = AtomicU64::new(0);
    let found = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || found.lock().expect("no panic").is_some() {
                        return;
                    }
                    if let Err(what) = work(number) {
                        *found.lock().expect("no panic") = Some(what);
                    }
                }
            });
        }
    });
    if let Some(what) = found.into_inner().expect("no panic") {
        panic!("{what}");
    }
}

#[test]
fn whatever_fails_the_books_are_those_of_an_undisturbed_run() {
    let stories = stories::all(if is_long() { 8 } else { 2 });
    let seeds = if is_long() { 10_000 } else { 600 };
    let sum = Mutex::new((0, 0, 0, 0));
    let note = |trace: &Trace| {
        let mut sum = sum.lock().expect("no panic");
        sum.0 += trace.cuts;
        sum.1 += trace.cuts_in_recovery;
        sum.2 += trace.failures;
        sum.3 += usize::from(trace.rolled_forward);
    };
    on_all_cores(seeds, |seed| simulate(&stories, seed).map(|trace| note(&trace)));
    let (cuts, in_recovery, failures, rolled_forward) = sum.into_inner().expect("no panic");
    println!(
        "{seeds} seeds: {cuts} power cuts ({in_recovery} in a recovery), {failures} failures, {rolled_forward} rolled forward"
    );
    let seeds = usize::try_from(seeds).expect("few");
    assert!(cuts > seeds / 3 && in_recovery > seeds / 100 && failures > seeds / 4 && rolled_forward > seeds / 50);
}

#[test]
fn a_commit_takes_its_steps_in_order() {
    order::check().unwrap_or_else(|found| panic!("{found}"));
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let (first, second) = (stories::all(1), stories::all(1));
    for seed in 0..25 {
        let (a, b) = (simulate(&first, seed), simulate(&second, seed));
        assert_eq!(a.expect("nothing is found"), b.expect("nothing is found"), "seed {seed}");
    }
}

#[test]
fn at_every_single_step_of_a_small_run() {
    let names: &[&str] = if is_long() {
        &[
            "first run",
            "the past has changed",
            "a window that overlaps",
            "names that cannot be swapped",
            "Parquet alone",
        ]
    } else {
        &["the past has changed"]
    };
    on_all_cores(names.len() as u64, |number| {
        let story = stories::one(names[usize::try_from(number).expect("few")])?;
        let runs = at_every_step(&story, &disturbances(is_long()))?;
        println!("{}: {runs} runs over {} steps", story.name, story.steps);
        Ok(())
    });
}

#[test]
fn a_decision_that_was_not_waited_for_is_waited_for_by_the_recovery() {
    let runs = a_recovery_of_the_undecided_dies(&stories::one("first run").unwrap_or_else(|found| panic!("{found}")))
        .unwrap_or_else(|found| panic!("{found}"));
    println!("{runs} recoveries cut off");
}

#[test]
fn a_fetch_that_is_cut_off_loses_and_doubles_nothing() {
    let seeds = if is_long() { 10_000 } else { 1_000 };
    let sum = Mutex::new((0, 0, 0, 0));
    on_all_cores(seeds, |seed| {
        let trace = landing::simulate(seed)?;
        if seed < 25 && landing::simulate(seed)? != trace {
            return Err(format!("landing, seed {seed}: another trace the second time"));
        }
        let mut sum = sum.lock().expect("no panic");
        *sum = (sum.0 + trace.cuts, sum.1 + trace.failures, sum.2 + trace.again, sum.3 + trace.spared);
        Ok(())
    });
    let (cuts, failures, again, spared) = sum.into_inner().expect("no panic");
    println!(
        "{seeds} seeds: {cuts} power cuts, {failures} failures, {again} pages asked again, {spared} listings spared"
    );
    let seeds = usize::try_from(seeds).expect("few");
    assert!(cuts > seeds / 2 && failures > seeds / 10 && again > seeds / 10 && spared > seeds / 10);
    let runs = landing::at_every_step(&disturbances(true)).unwrap_or_else(|found| panic!("{found}"));
    println!("every step: {runs} runs");
}

#[test]
fn amounts_are_those_of_pythons_decimal() {
    amounts::check(100_000, 1).unwrap_or_else(|found| panic!("{found}"));
}

#[test]
fn days_tile_over_every_change_of_every_clock() {
    let looked = tiling::check().unwrap_or_else(|found| panic!("{found}"));
    println!("{looked:?}");
    assert!(looked.zones > 150 && looked.transitions > 5_000, "{looked:?}");
}

#[test]
fn malformed_pages_do_no_harm() {
    let pages = malformed::Pages::new();
    let runs = (if is_long() { 5_000 } else { 800 } / malformed::BROKEN_A_RUN) as u64;
    on_all_cores(runs, |seed| malformed::check(&pages, seed));
}

#[test]
fn a_bad_network_and_a_bad_disk_at_once() {
    let seeds = if is_long() { 300 } else { 16 };
    let sum = Mutex::new(network::Trace::default());
    on_all_cores(seeds, |seed| {
        let trace = network::check(seed, true)?;
        let mut sum = sum.lock().expect("no panic");
        sum.cuts += trace.cuts;
        sum.failures += trace.failures;
        sum.resumed += trace.resumed;
        sum.partial += trace.partial;
        Ok(())
    });
    let sum = sum.into_inner().expect("no panic");
    println!("{seeds} seeds: {sum:?}");
    assert!(sum.cuts > 0 && sum.failures > 0 && sum.resumed > 0, "{sum:?}");
}

#[test]
fn killed_at_any_time_a_run_is_finished_by_the_next() {
    let killed = processes::kill(if is_long() { 500 } else { 20 }, 1).unwrap_or_else(|found| panic!("{found}"));
    println!("{killed} runs killed at work");
}

#[test]
fn of_eight_starts_at_once_one_commits() {
    for _ in 0..if is_long() { 20 } else { 1 } {
        processes::eight_at_once(None).unwrap_or_else(|found| panic!("{found}"));
    }
}

#[test]
fn a_full_disk_leaves_the_old_reports() {
    let failed = full_disk::check(full_disk::Narrow::Files).unwrap_or_else(|found| panic!("{found}"));
    println!("limited files: {failed} runs failed for want of room");
    if full_disk::can_mount() {
        let failed = full_disk::check(full_disk::Narrow::Mount).unwrap_or_else(|found| panic!("{found}"));
        println!("a small file system: {failed} runs failed for want of room");
    } else {
        println!("a small file system: this machine does not let us mount one; the limit on files stands for it");
    }
}

#[test]
fn what_is_fuzzed_holds_over_the_corpus() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in super::targets::TARGETS {
        let mut inputs = 0;
        for input in corpus.join(name).read_dir().expect("a corpus") {
            let bytes = std::fs::read(input.expect("an entry").path()).expect("a file");
            super::stories::at_work(|| target(&bytes));
            inputs += 1;
        }
        assert!(inputs >= 5, "{name}: {inputs} inputs");
    }
}
