//! What the IBAN statement says of the amount of a row at which the account's chain fails. One fault is one break: a row
//! that differs is told where the chain fails, and not once more as a line unlike its twin.

use std::collections::{HashMap, HashSet};

use crate::breaks::{Break, Cause, Check, Subject};
use crate::reconcile::facts::AccountFacts;
use crate::record::{Money, OwnerKind};

/// Hears the IBAN statement on the account's chain breaks among `told`: where one of the `between` breaks is the same
/// fault, its evidence goes to the chain break and it is taken out.
pub fn hear_twins(facts: &AccountFacts, told: &mut [Break], between: &mut Vec<Break>) {
    if !between.iter().any(|found| found.check == Check::IbanTwin) {
        return;
    }
    let mut moved = by_row(between);
    let mut same = HashSet::new();
    for chain in told {
        let is_ours = chain.owner.kind == OwnerKind::Account && chain.owner.acc_id == facts.owner.acc_id;
        let Some((expected, actual)) = chain.amounts.filter(|_| is_ours && chain.check == Check::Chain) else {
            continue;
        };
        let (Some(off), Subject::Row(txid)) = (actual.checked_sub(expected), chain.subject.clone()) else {
            continue;
        };
        let Some(places) = moved.get_mut(&txid) else { continue };
        if let Some(place) = places.iter().position(|place| says_what_moved(&between[*place], off)) {
            let place = places.remove(place);
            amount_is_wrong(facts, chain, &between[place], &txid, off);
            same.insert(place);
        }
    }
    let mut place = 0..;
    between.retain(|_| place.next().is_none_or(|place| !same.contains(&place)));
}

/// The places of breaks that say that a row's twin has another amount, by its txid.
fn by_row(between: &[Break]) -> HashMap<String, Vec<usize>> {
    let mut by_row: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, found) in between.iter().enumerate() {
        if let (Check::IbanTwin, Cause::AmountDiffers, Subject::Row(txid)) = (found.check, found.cause, &found.subject)
        {
            by_row.entry(txid.clone()).or_default().push(place);
        }
    }
    by_row
}

/// Whether a row's twin has the amount by which the balance does move.
fn says_what_moved(found: &Break, off: Money) -> bool {
    found.amounts.is_some_and(|(here, there)| here.checked_add(off) == Some(there))
}

fn amount_is_wrong(facts: &AccountFacts, chain: &mut Break, twin: &Break, txid: &str, off: Money) {
    let Some((posted, right)) = twin.amounts else {
        return;
    };
    let (posted, right) = (facts.money(posted), facts.money(right));
    if !matches!(chain.cause, Cause::SignFlipped | Cause::DigitsTransposed) {
        chain.cause = Cause::AmountAltered;
        let off = facts.money(off.abs());
        chain.explanation =
            format!("amount {posted} of txid {txid} is altered: the balance moves by {right}, {off} off");
    }
    chain.explanation.extend(["; the IBAN statement says ", &right, " as well"]);
}
