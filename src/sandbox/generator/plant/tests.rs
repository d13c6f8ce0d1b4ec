//! Faults are where they are told to be.

use super::super::super::generator::Recipe;
use super::*;
use crate::record::{Day, Window};

fn ledger(seed: u64) -> Ledger {
    let window = Window::new(Day::parse("2026-09-01").expect("a day"), Day::parse("2026-09-30").expect("a day"));
    Recipe::small(seed, window.expect("runs upwards")).ledger()
}

/// The first row at which a chain fails: id, expected, actual. Balances are taken as they stand, row by row.
fn first_tear(ledger: &Ledger, told: &Planted) -> Option<(String, i64, i64)> {
    for account in &ledger.accounts {
        let settled: Vec<(u64, i64, i64)> = if told.owner_kind == OwnerKind::Account {
            let lines = account
                .lines
                .iter()
                .filter(|line| line.in_statement && line.settled() && account.acc_id == told.owner_id);
            lines.map(|line| (line.txid, line.amount, line.balance_after)).collect()
        } else {
            let card = account.cards.iter().find(|card| card.card_ref == told.owner_id);
            let rows = card.map(|card| &card.rows).into_iter().flatten().filter(|row| row.settled());
            rows.map(|row| (row.txid, row.amount, row.balance_after)).collect()
        };
        for pair in settled.windows(2) {
            let expected = pair[0].2 + pair[1].1;
            if expected != pair[1].2 {
                return Some((pair[1].0.to_string(), expected, pair[1].2));
            }
        }
    }
    None
}

#[test]
fn a_fault_is_where_it_is_told_to_be_and_looks_as_told() {
    for kind in FaultKind::ALL.into_iter().filter(|kind| matches!(kind.check(), "chain" | "duplicate")) {
        for seed in 0..40 {
            let mut ledger = ledger(seed);
            let told = plant(&mut ledger, &[kind], seed);
            let [told] = told.as_slice() else { panic!("{kind:?} found no place, seed {seed}") };
            let seen =
                first_tear(&ledger, told).unwrap_or_else(|| panic!("{kind:?}, seed {seed}: no tear at {told:?}"));
            let expected = (told.break_txid.clone(), told.expected, told.actual);
            assert_eq!((seen.0, Some(seen.1), Some(seen.2)), expected, "{kind:?}, seed {seed}");
        }
    }
}

#[test]
fn other_faults_leave_the_chains_tied() {
    for kind in [FaultKind::MissingTwin, FaultKind::OrphanTransfer, FaultKind::OrphanLoad] {
        for seed in 0..40 {
            let mut ledger = ledger(seed);
            let [told] = &plant(&mut ledger, &[kind], seed)[..] else { panic!("{kind:?} found no place") };
            let account = Planted { owner_kind: OwnerKind::Account, ..told.clone() };
            assert_eq!(first_tear(&ledger, told), None, "{kind:?}, seed {seed}");
            for id in ["1", "2"] {
                assert_eq!(first_tear(&ledger, &Planted { owner_id: id.to_owned(), ..account.clone() }), None);
            }
        }
    }
}

#[test]
fn several_faults_stay_apart() {
    let mut ledger = ledger(9);
    let told = plant(&mut ledger, &FaultKind::ALL, 9);
    assert_eq!(told.len(), FaultKind::ALL.len());
}

#[test]
fn swapped_digits_differ_by_a_multiple_of_nine() {
    let mut random = Random::new(3);
    for amount in [15_400, -1_545, 21, -90_017] {
        let swapped = transposed(amount, &mut random).expect("has digits to swap");
        assert!(swapped != amount && (swapped - amount) % 9 == 0 && swapped.signum() == amount.signum());
    }
    assert_eq!(transposed(77, &mut random), None);
    assert_eq!(transposed(10, &mut random), None, "01 would not be written so");
}
