//! What was planted against what was told.

use super::{KindResults, books, name, paging, visible};
use crate::breaks::Break;
use crate::record::OwnerKind;
use crate::sandbox::generator::{FaultKind, Planted, Random, plant};
use crate::sandbox::ledger::Ledger;

/// What one seed's books showed.
#[derive(Debug, Default)]
pub(super) struct Trial {
    pub clean_owners: u64,
    pub false_alarms: Vec<String>,
    pub kinds: Vec<KindResults>,
}

/// Clean books, then the same books with one fault of each kind.
pub(super) fn try_seed(seed: u64) -> Trial {
    let ledger = books::recipe(seed).ledger();
    let told = |found: Break| format!("seed {seed}: {} {}: {}", found.check.name(), found.owner, found.explanation);
    Trial {
        clean_owners: ledger.accounts.iter().map(|account| 1 + account.cards.len() as u64).sum(),
        false_alarms: books::breaks(&ledger).into_iter().map(told).collect(),
        kinds: FaultKind::ALL
            .map(|kind| try_kind(&ledger, kind, seed))
            .into_iter()
            .chain([paging::try_seed(seed)])
            .collect(),
    }
}

fn try_kind(clean: &Ledger, kind: FaultKind, seed: u64) -> KindResults {
    let mut ledger = clean.clone();
    let planted = plant(&mut ledger, &[kind], seed);
    match planted.as_slice() {
        [planted] => judge(clean, planted, &books::breaks(&ledger), seed),
        // No row of these books is fit for it.
        _ => KindResults::of(kind),
    }
}

fn judge(clean: &Ledger, planted: &Planted, breaks: &[Break], seed: u64) -> KindResults {
    let kind = planted.kind;
    let of_owner = |found: &&Break| found.owner.kind == planted.owner_kind && found.owner.id() == planted.owner_id;
    let at_row = |found: &&Break| found.subject.row() == Some(planted.break_txid.as_str());
    let at_moment = |found: &&Break| at_row(found) || shares_the_moment(clean, planted, found);
    let of_cause = |found: &&Break| found.check.name() == kind.check() && found.cause.name() == kind.cause();
    let found: Vec<&Break> = breaks.iter().filter(of_owner).collect();
    let best = found.iter().copied().max_by_key(|found| (of_cause(found), at_row(found)));
    let is_visible = visible::is_cause_visible(clean, planted);
    let is_explained = best.as_ref().is_some_and(of_cause);
    let mut results = KindResults {
        planted: 1,
        found: u64::from(best.is_some()),
        right_row: u64::from(best.as_ref().is_some_and(at_row)),
        right_moment: u64::from(best.as_ref().is_some_and(at_moment)),
        right_cause: u64::from(is_explained),
        visible: u64::from(is_visible),
        right_cause_visible: u64::from(is_visible && is_explained),
        extra_breaks: (breaks.len() as u64).saturating_sub(best.iter().len() as u64),
        ..KindResults::of(kind)
    };
    let misses = [results.right_row == 0, is_visible && !is_explained, results.extra_breaks > 0];
    if misses.contains(&true) {
        results.misses_shown.push(miss(planted, breaks, seed));
    }
    results
}

/// Two faults of different kinds in the same books, which ones by the seed: those that no break tells at their row, and
/// any break beyond one for each.
pub(super) fn try_two(seed: u64) -> Vec<String> {
    let mut random = Random::for_part(seed, 78);
    let mut kinds = FaultKind::ALL;
    random.shuffle(&mut kinds);
    let clean = books::recipe(seed).ledger();
    let mut ledger = clean.clone();
    let planted = plant(&mut ledger, &kinds[..2], seed);
    let breaks = books::breaks(&ledger);
    let is_told = |planted: &&Planted| {
        let of_owner = |found: &&Break| found.owner.kind == planted.owner_kind && found.owner.id() == planted.owner_id;
        breaks.iter().filter(of_owner).any(|found| {
            let right_check = found.check.name() == planted.kind.check();
            let right_row = found.subject.row() == Some(planted.break_txid.as_str());
            right_check && (right_row || shares_the_moment(&clean, planted, found))
        })
    };
    let lost = planted.iter().filter(|planted| !is_told(planted)).map(|planted| miss(planted, &breaks, seed));
    let mut lost: Vec<String> = lost.collect();
    if breaks.len() != planted.len() {
        lost.push(format!(
            "seed {seed}: {} faults, {} breaks: {planted:?}, told {breaks:?}",
            planted.len(),
            breaks.len()
        ));
    }
    lost
}

fn miss(planted: &Planted, breaks: &[Break], seed: u64) -> String {
    let told: Vec<String> = breaks
        .iter()
        .map(|found| {
            format!("{} {} {:?}: {}", found.check.name(), found.cause.name(), found.subject, found.explanation)
        })
        .collect();
    let Planted { kind, owner_id, txid, break_txid, .. } = planted;
    format!("seed {seed}: {} at {owner_id} txid {txid}, breaks at {break_txid}; told {told:?}", name(*kind))
}

/// Whether a break is at another row of the planted row's moment, where rows of one moment come in no known order.
fn shares_the_moment(clean: &Ledger, planted: &Planted, found: &Break) -> bool {
    let Some(txid) = found.subject.row() else {
        return false;
    };
    let (named, meant) = (booked_s(clean, planted, txid), booked_s(clean, planted, &planted.break_txid));
    let meant = meant.or_else(|| booked_s(clean, planted, &planted.txid));
    planted.tied && named.zip(meant).is_some_and(|(a, b)| matches!(a.abs_diff(b), 0 | 3600))
}

fn booked_s(ledger: &Ledger, planted: &Planted, txid: &str) -> Option<i64> {
    let txid: u64 = txid.parse().ok()?;
    let account = |account: &&crate::sandbox::ledger::Account| account.acc_id == planted.owner_id;
    if planted.owner_kind == OwnerKind::Account {
        let lines = &ledger.accounts.iter().find(account)?.lines;
        return lines.iter().find(|line| line.txid == txid).map(|line| line.booked_s);
    }
    let mut cards = ledger.accounts.iter().flat_map(|account| &account.cards);
    let rows = &cards.find(|card| card.card_ref == planted.owner_id)?.rows;
    rows.iter().find(|row| row.txid == txid).map(|row| row.booked_s)
}
