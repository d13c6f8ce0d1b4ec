//! What the IBAN statement says of the amount of a row at which the account's chain fails. One fault is one break: a row
//! that differs is told where the chain fails, and not once more as a line unlike its twin.

use crate::breaks::{Break, Cause, Check, Subject};
use crate::reconcile::facts::AccountFacts;
use crate::record::{Money, OwnerKind};

/// Hears the IBAN statement on the account's chain breaks among `told`: where one of the `between` breaks is the same
/// fault, its evidence goes to the chain break and it is taken out.
pub fn hear_twins(facts: &AccountFacts, told: &mut [Break], between: &mut Vec<Break>) {
    if !between.iter().any(|found| found.check == Check::IbanTwin) {
        return;
    }
    for chain in told {
        let is_ours = chain.owner.kind == OwnerKind::Account && chain.owner.acc_id == facts.owner.acc_id;
        let Some((expected, actual)) = chain.amounts.filter(|_| is_ours && chain.check == Check::Chain) else {
            continue;
        };
        let (Some(off), Subject::Row(txid)) = (actual.checked_sub(expected), chain.subject.clone()) else {
            continue;
        };
        if let Some(same) = between.iter().position(|found| says_what_moved(found, &txid, off)) {
            amount_is_wrong(facts, chain, &between.remove(same), &txid, off);
        }
    }
}

/// Whether a break is the twin of that row, with the amount by which the balance does move.
fn says_what_moved(found: &Break, txid: &str, off: Money) -> bool {
    let is_twin = found.check == Check::IbanTwin && found.cause == Cause::AmountDiffers;
    is_twin
        && matches!(&found.subject, Subject::Row(row) if row == txid)
        && found.amounts.is_some_and(|(here, there)| here.checked_add(off) == Some(there))
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
