//! What each stage costs between an archive's bytes and the commit: `cargo bench --bench stages [-- rows [seed]]`.
//!
//! Prints nanoseconds a row on one thread, the best of several rounds, over pages of generated card transactions; the
//! first line is what `serde_json` takes to read the same pages into `Value`s, as a measure of the machine.
#![allow(clippy::print_stdout, missing_docs, reason = "a program whose result is what it prints")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tieout::output::{Encoded, Formats, OutputDir, Publication};
use tieout::provider::anytime::decode::{self, Context, Decoded, WireCard};
use tieout::provider::anytime::page::{Page, RawRow, RowText};
use tieout::reconcile::{FeeRule, close_chain};
use tieout::record::dataset::CARD_TRANSACTIONS;
use tieout::record::{CardTransaction, Clock, Feed, Money, Owner, Zone};
use tieout::sandbox::books::ListedRow;
use tieout::sandbox::generator::Recipe;
use tieout::sandbox::sample;
use tieout::state::{RunRecord, StateDelta};

const PAGE_ROWS: usize = 500;
const ROWS_PER_CARD: u64 = 5_000;
const ROUNDS: u32 = 5;

/// A card's pages.
struct Card {
    owner: Owner,
    pages: Vec<String>,
    rows: usize,
}

type CardPage<'a> = Page<'a, RawRow<'a, WireCard<'a>>>;

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let number = |index: usize, default| numbers.get(index).copied().unwrap_or(default);
    let cards = cards(number(0, 100_000).div_ceil(ROWS_PER_CARD), number(1, 7));
    let rows = cards.iter().map(|card| card.rows).sum::<usize>();
    let bytes: usize = cards.iter().flat_map(|card| &card.pages).map(String::len).sum();
    println!("{rows} rows of {} bytes", bytes / rows);
    let tell = |stage: &str, took: Duration| println!("{stage:>14} {:>6} ns a row", took.as_nanos() / rows as u128);
    let pages = || cards.iter().flat_map(|card| &card.pages).map(String::as_bytes);
    let read_all = |page| drop(black_box(serde_json::from_slice::<serde_json::Value>(page).expect("JSON")));
    tell("(serde_json)", best(|| pages().for_each(read_all)));
    let survey =
        |page| drop(black_box(Page::<RowText<'_, WireCard<'_>>>::parse(Feed::CardTransactions, page).expect("a page")));
    tell("survey", best(|| pages().for_each(survey)));
    tell("parse", best(|| pages().for_each(|page| drop(black_box(card_page(page))))));
    tell("parse, decode", best(|| cards.iter().for_each(|card| drop(black_box(decoded(card))))));
    tell("decimal", decimals(&cards));
    let (order, encode, encoded) = books(&cards);
    tell("order, chain", order);
    tell("CSV, pack, seal", encode);
    tell("SHA-256, pages", best(|| pages().for_each(|page| _ = black_box(Sha256::digest(page)))));
    let (append, commit) = publish(encoded);
    tell("append", append);
    tell("Parquet, commit", commit);
}

/// The best of several rounds.
fn best(round: impl Fn()) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        round();
        began.elapsed()
    });
    rounds.min().expect("there are rounds")
}

fn cards(count: u64, seed: u64) -> Vec<Card> {
    let recipe = Recipe {
        accounts: u32::try_from(count).expect("few"),
        cards_per_account: 1,
        rows_per_card: u32::try_from(ROWS_PER_CARD).expect("few"),
        ..Recipe::small(seed, sample::window())
    };
    let mut cards: Vec<Card> =
        recipe.spelled_accounts().flat_map(|account| account.cards.iter().map(card).collect::<Vec<_>>()).collect();
    cards.sort_by(|a, b| a.owner.cmp(&b.owner));
    cards
}

fn card(card: &tieout::sandbox::books::Card) -> Card {
    let page = |rows: &[ListedRow]| {
        let rows: Vec<&str> = rows.iter().map(|row| row.json.as_str()).collect();
        format!(
            r#"{{"timestamp":1,"hash":"","body":{{"card_ref":"{}","transactions":[{}]}}}}"#,
            card.card_ref,
            rows.join(",")
        )
    };
    Card {
        owner: Owner::card("", &card.card_ref),
        pages: card.transactions.chunks(PAGE_ROWS).map(page).collect(),
        rows: card.transactions.len(),
    }
}

fn card_page(page: &[u8]) -> CardPage<'_> {
    Page::parse(Feed::CardTransactions, page).expect("a page")
}

fn decoded<'a>(card: &'a Card) -> Vec<CardTransaction<'a>> {
    let clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    let mut context = Context { acc_id: "", card_ref: &card.owner.card_ref, window: sample::window(), clock };
    let rows = card.pages.iter().flat_map(|page| card_page(page.as_bytes()).rows);
    let row = |row: RawRow<'a, WireCard<'a>>| match decode::card_transaction(&row, &mut context) {
        Decoded::Row(row) => Some(row),
        Decoded::Outside => None,
        Decoded::Rejected(why) => panic!("the generator makes rows that can be taken: {why:?}"),
    };
    let mut rows: Vec<CardTransaction<'_>> = rows.filter_map(row).collect();
    decode::settle_currencies(&mut rows, Some("EUR"));
    rows
}

/// Two amounts a row.
fn decimals(cards: &[Card]) -> Duration {
    let texts: Vec<String> = cards
        .iter()
        .flat_map(decoded)
        .flat_map(|row| [Some(row.amount), row.balance_after])
        .flatten()
        .map(|money| money.text(2))
        .collect();
    best(|| texts.iter().for_each(|text| _ = black_box(Money::parse(text))))
}

fn publication(out: &OutputDir) -> Publication {
    let formats = Formats { csv: true, parquet: true };
    Publication::begin(out, "bench", sample::window(), "run-1", formats, &[&CARD_TRANSACTIONS]).expect("begins")
}

/// What ordering and encoding take, and what comes out.
fn books(cards: &[Card]) -> (Duration, Duration, Vec<Encoded>) {
    let folder = tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    let encoder = publication(&out).encoder(&CARD_TRANSACTIONS);
    let (mut order, mut encode, mut all) = (Duration::ZERO, Duration::ZERO, Vec::new());
    for card in cards {
        let rows = decoded(card);
        let began = Instant::now();
        let books = close_chain(&card.owner, rows, None, FeeRule::default());
        order += began.elapsed();
        let began = Instant::now();
        all.push(encoder.encode(&books.rows));
        encode += began.elapsed();
    }
    (order, encode, all)
}

fn publish(encoded: Vec<Encoded>) -> (Duration, Duration) {
    let folder = tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    let mut publication = publication(&out);
    let began = Instant::now();
    for mut encoded in encoded {
        publication.append(&mut encoded).expect("appends");
    }
    let append = began.elapsed();
    let began = Instant::now();
    publication.commit(&delta()).expect("commits");
    (append, began.elapsed())
}

fn delta() -> StateDelta {
    let run = RunRecord {
        run_id: "run-1".to_owned(),
        job: "bench".to_owned(),
        window_from: sample::window().from,
        window_to: sample::window().to,
        started_at: "2026-11-21T02:00:00Z".to_owned(),
        committed_at: "2026-11-21T02:00:09Z".to_owned(),
        exit_code: 0,
        rows: 0,
        breaks: 0,
        shard: None,
    };
    let today = sample::window().to;
    StateDelta { run, today, covered: Vec::new(), rules: String::new(), breaks: Vec::new(), taken_back: Vec::new() }
}
