//! What a card transaction costs on its way out: `cargo bench --bench output [-- rows cards days]`.
//!
//! Prints nanoseconds a row: encoding on one thread, appending, and the commit with all its partitions, syncs and
//! state; then the process's peak memory.
#![allow(clippy::print_stdout, missing_docs, reason = "a program whose result is what it prints")]

use std::borrow::Cow;
use std::time::{Duration, Instant};

use tieout::output::{Formats, OutputDir, Publication};
use tieout::record::dataset::CARD_TRANSACTIONS;
use tieout::record::{BalanceRow, CardTransaction, Day, Money, OwnerKind, Rate, Stamp, Status, Window};
use tieout::state::{Covered, RunRecord, StateDelta};

const MERCHANTS: [&str; 6] = [
    "BOULANGERIE DU COIN",
    "SNCF INTERNET, PARIS",
    "Café \"Zoë\"",
    "AMAZON EU S.A.R.L.",
    "TOTAL ACCESS 4411",
    "=PROMO",
];

fn main() {
    let numbers: Vec<u64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let number = |index: usize, default| numbers.get(index).copied().unwrap_or(default);
    let (rows, cards, days) = (number(0, 1_000_000), number(1, 1_000), number(2, 31));
    let folder = tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).expect("a folder");
    let out = OutputDir::open(folder.path()).expect("opens");
    let first = Day::parse("2025-01-01").expect("a day");
    let window = Window::new(first, first.plus(i32::try_from(days).expect("few") - 1)).expect("a window");
    let formats = Formats { csv: true, parquet: true };
    let mut publication =
        Publication::begin(&out, "bench", window, "run-1", formats, &[&CARD_TRANSACTIONS]).expect("begins");
    let (encoder, per_card) = (publication.encoder(&CARD_TRANSACTIONS), rows / cards);
    let (mut encoding, mut appending) = (Duration::ZERO, Duration::ZERO);
    for card in 0..cards {
        let rows: Vec<CardTransaction<'static>> =
            (0..per_card).map(|row| transaction(card, row, per_card, days)).collect();
        let began = Instant::now();
        let mut encoded = encoder.encode(&rows);
        encoding += began.elapsed();
        let began = Instant::now();
        publication.append(&mut encoded).expect("appends");
        publication.add_closings(&balances(card, window)).expect("appends");
        appending += began.elapsed();
    }
    let began = Instant::now();
    publication.commit(&delta(window, cards)).expect("commits");
    for (name, took) in [("encode", encoding), ("append", appending), ("commit", began.elapsed())] {
        println!("{name:>8} {:>6} ns a row", took.as_nanos() / u128::from(per_card * cards));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default());
}

fn transaction(card: u64, row: u64, per_card: u64, days: u64) -> CardTransaction<'static> {
    let mixed = (card * per_card + row).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
    let signed = |value: u64| i64::try_from(value).expect("small");
    let seconds = 1_735_686_000 + signed(row * days * 86_400 / per_card);
    let is_foreign = mixed.is_multiple_of(10);
    CardTransaction {
        acc_id: Cow::Owned((7_000 + card / 8).to_string()),
        card_ref: Cow::Owned(format!("{:010}", 4_000_000 + card)),
        txid: Cow::Owned((90_000_000 + card * per_card + row).to_string()),
        booked_at: Stamp::new(seconds * 1_000_000, 3600),
        amount: Money::from_unscaled(-signed(mixed % 50_000 * 100)).expect("fits"),
        currency: Some(Cow::Borrowed("EUR")),
        balance_after: Money::from_unscaled(signed(mixed % 9_000_000 * 100)),
        status: Status::Settled,
        provider_status: Some(Cow::Borrowed("Processed")),
        description: Some(Cow::Owned(format!("{} {}", MERCHANTS[(mixed % 6) as usize], mixed % 1_000))),
        transacted_at: Some(Stamp::new((seconds - 7_200) * 1_000_000, 3600)),
        amount_fx: Money::from_unscaled(-signed(mixed % 50_000 * 100)).filter(|_| is_foreign),
        currency_fx: is_foreign.then_some(Cow::Borrowed("USD")),
        fx_rate: Rate::parse("1.084200").ok().filter(|_| is_foreign),
        fx_fee: None,
        mcc: Some(Cow::Owned((5_000 + mixed % 200).to_string())),
        vat_details: None,
        failed_code: None,
        failed_message: None,
    }
}

fn balances(card: u64, window: Window) -> Vec<BalanceRow> {
    let balance = |day| BalanceRow {
        owner_kind: "card",
        owner_id: format!("{:010}", 4_000_000 + card),
        currency: Some("EUR".to_owned()),
        booking_date: day,
        opening: Some(Money::ZERO),
        credits: Some(Money::ZERO),
        debits: Some(Money::ZERO),
        closing: Some(Money::ZERO),
        entries: 1,
        verdict: "tied",
    };
    window.iter().map(balance).collect()
}

fn delta(window: Window, cards: u64) -> StateDelta {
    StateDelta {
        run: RunRecord {
            run_id: "run-1".to_owned(),
            job: "bench".to_owned(),
            window_from: window.from,
            window_to: window.to,
            started_at: "2026-11-21T02:00:00Z".to_owned(),
            committed_at: "2026-11-21T02:00:09Z".to_owned(),
            exit_code: 0,
            rows: 0,
            breaks: 0,
            shard: None,
        },
        today: window.to,
        covered: (0..cards)
            .map(|card| Covered::new(&(OwnerKind::Card, format!("{:010}", 4_000_000 + card)), ["card_transactions"]))
            .collect(),
        rules: String::new(),
        breaks: Vec::new(),
        taken_back: Vec::new(),
    }
}
