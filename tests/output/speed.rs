//! A guard against a path that quietly becomes slower: processor time against a loop of `serde_json` over the same bytes,
//! in the same process. What else the machine does falls on both; the best of several tries counts, as others can only
//! make it worse.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};
use tieout::output::{OutputDir, Publication};
use tieout::provider::anytime::decode::{self, Context, Decoded, WireCard};
use tieout::provider::anytime::page::{Page, RawRow, RowText};
use tieout::reconcile::{FeeRule, close_chain};
use tieout::record::dataset::CARD_TRANSACTIONS;
use tieout::record::{CardTransaction, Clock, Feed, Owner, Zone};
use tieout::sandbox::books::ListedRow;
use tieout::sandbox::generator::Recipe;
use tieout::sandbox::sample;

use crate::support::BOTH;

const TRIES: u32 = 8;
const ROUNDS: u32 = 3;

/// Hundredths of the reference, about two fifths above what was measured: what is done twice, or by a general parser, is beyond,
/// which is a test of its own. After a stage became faster, that test fails until its maximum is lowered.
/// Measured without optimisation, as tests are built; optimised, every one of them is less.
const SURVEY_MAX: u64 = 28;
const DECODE_MAX: u64 = 88;
const CHAIN_MAX: u64 = 31;
const ENCODE_MAX: u64 = 72;

/// Nanoseconds that this thread has had a processor, to the nanosecond: what `/proc` tells moves by whole ticks.
fn cpu_ns() -> u64 {
    let at = clock_gettime(ClockId::ThreadCPUTime);
    u64::try_from(at.tv_sec * 1_000_000_000 + at.tv_nsec).expect("time that was spent")
}

fn took(work: impl FnOnce()) -> u64 {
    let began = cpu_ns();
    work();
    (cpu_ns() - began).max(1)
}

/// How many times as long as the reference the work takes, in hundredths, of one try.
fn try_once(reference: &dyn Fn(), work: impl Fn()) -> u64 {
    // In turn, so that what disturbs one disturbs the other.
    let rounds = (0..ROUNDS).map(|_| (took(&work), took(reference)));
    let (work, reference) = rounds.fold((0, 1), |sum, round| (sum.0 + round.0, sum.1 + round.1));
    work * 100 / reference
}

/// At best, and no longer tried once it is `max`.
fn ratio(max: u64, reference: &dyn Fn(), work: impl Fn()) -> u64 {
    let mut best = u64::MAX;
    for _ in 0..TRIES {
        best = best.min(try_once(reference, &work));
        if best <= max {
            break;
        }
    }
    best
}

fn pages() -> Vec<String> {
    let recipe =
        Recipe { rows_per_card: 1_500, accounts: 1, cards_per_account: 1, ..Recipe::small(7, sample::window()) };
    let account = recipe.spelled_accounts().next().expect("an account");
    let page = |rows: &[ListedRow]| {
        let rows: Vec<&str> = rows.iter().map(|row| row.json.as_str()).collect();
        format!(r#"{{"timestamp":1,"hash":"","body":{{"card_ref":"C","transactions":[{}]}}}}"#, rows.join(","))
    };
    account.cards[0].transactions.chunks(500).map(page).collect()
}

fn as_values(pages: &[String]) {
    for page in pages {
        black_box(serde_json::from_str::<serde_json::Value>(page).expect("JSON"));
    }
}

fn surveyed(pages: &[String]) {
    for page in pages {
        black_box(Page::<RowText<'_, WireCard<'_>>>::parse(Feed::CardTransactions, page.as_bytes()).expect("a page"));
    }
}

fn decoded<'a>(pages: &'a [String]) -> Vec<CardTransaction<'a>> {
    let clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    let mut context = Context { acc_id: "", card_ref: "C", window: sample::window(), clock };
    let mut rows = Vec::new();
    for page in pages {
        let page: Page<'a, RawRow<'a, WireCard<'a>>> =
            Page::parse(Feed::CardTransactions, page.as_bytes()).expect("a page");
        rows.extend(page.rows.iter().filter_map(|row| match decode::card_transaction(row, &mut context) {
            Decoded::Row(row) => Some(row),
            Decoded::Outside => None,
            Decoded::Rejected(why) => panic!("the generator makes rows that can be taken: {why:?}"),
        }));
    }
    rows
}

/// A stage of the path, and what it may take.
struct Stage<'w> {
    name: &'static str,
    max: u64,
    work: &'w dyn Fn(),
}

/// Shows all stages to `look`, with the reference.
fn with_stages(look: impl Fn(&dyn Fn(), &[Stage<'_>])) {
    let pages = pages();
    let folder = tempfile::tempdir().expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    let begun =
        Publication::begin(&out, "job", sample::window(), "run-1", BOTH, &[&CARD_TRANSACTIONS]).expect("begins");
    let encoder = begun.encoder(&CARD_TRANSACTIONS);
    let owner = Owner::card("", "C");
    let rows = decoded(&pages);
    let decode = || drop(black_box(decoded(&pages)));
    let close = || drop(black_box(close_chain(&owner, rows.clone(), None, FeeRule::default())));
    let encode = || drop(black_box(encoder.encode(&rows)));
    let stages = [
        Stage { name: "survey", max: SURVEY_MAX, work: &|| surveyed(&pages) },
        Stage { name: "parse and decode", max: DECODE_MAX, work: &decode },
        Stage { name: "order and chain", max: CHAIN_MAX, work: &close },
        Stage { name: "CSV, pack and seal", max: ENCODE_MAX, work: &encode },
    ];
    look(&|| as_values(&pages), &stages);
}

#[test]
fn from_pages_to_encoded_rows_costs_no_more_than_it_did() {
    with_stages(|reference, stages| {
        for Stage { name, max, work } in stages {
            let ratio = ratio(*max, reference, work);
            assert!(ratio <= *max, "{name}: {ratio} hundredths of the reference, expected {max} at most");
        }
    });
}

/// The guard would see it: a stage done twice is mostly beyond its maximum. The median, as a single try may be off.
#[test]
fn a_stage_that_is_done_twice_is_too_slow() {
    with_stages(|reference, stages| {
        let twice = |stage: &Stage<'_>| {
            let mut tries = [0; 5].map(|_: u64| try_once(reference, || (0..2).for_each(|_| (stage.work)())));
            tries.sort_unstable();
            tries[2]
        };
        let measured: Vec<_> = stages.iter().map(|stage| (stage.name, twice(stage), stage.max)).collect();
        let hint = "where a stage became faster, lower its maximum to seven fifths of what it takes now";
        assert!(measured.iter().all(|(_, twice, max)| twice > max), "(stage, twice, maximum): {measured:?}; {hint}");
    });
}
