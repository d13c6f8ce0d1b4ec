//! What the IBAN statement says of a place where the account's chain fails. One fault is one break: the row that differs
//! or is missing there is told where the chain fails, and not once more as a line without its twin.

use crate::breaks::{Break, Cause, Check, Subject};
use crate::reconcile::facts::{AccountFacts, LineFact};
use crate::record::{Money, OwnerKind};

const HOUR_US: i64 = 3_600_000_000;

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
        let same = between.iter().position(|found| says_what_moved(found, &txid, off));
        let gone = || the_one_left_out(facts, between, &txid, off);
        if let Some(same) = same {
            amount_is_wrong(facts, chain, &between.remove(same), &txid, off);
        } else if let Some((index, line)) = gone()
            && row_is_missing(facts, chain, line)
        {
            between.remove(index);
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

/// The break of a line of the IBAN statement that the account statement lacks, and the line: of that amount, the only
/// one, and not after the row at which the chain fails.
fn the_one_left_out<'f>(
    facts: &'f AccountFacts,
    between: &[Break],
    txid: &str,
    off: Money,
) -> Option<(usize, &'f LineFact)> {
    let (here, there) = (facts.statements.as_ref()?, facts.iban_statements.as_ref()?);
    let failing = here.rows.iter().find(|line| &*line.txid == txid);
    let lacks = |found: &Break| {
        let Subject::Row(row) = &found.subject else {
            return None;
        };
        let is_one = found.check == Check::IbanTwin && found.cause == Cause::NoCounterpart;
        let line = there.rows.iter().find(|line| is_one && *line.txid == **row && line.amount == off)?;
        // Within an hour that is lived twice, either may be shown first.
        let is_before = failing.is_none_or(|failing| line.at.utc_micros() <= failing.at.utc_micros() + HOUR_US);
        (is_before && !here.rows.iter().any(|other| other.txid == line.txid)).then_some(line)
    };
    let mut found = between.iter().enumerate().filter_map(|(index, found)| Some((index, lacks(found)?)));
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

/// Whether the chain break is that row's: what the chain alone knows better stays as it is.
fn row_is_missing(facts: &AccountFacts, chain: &mut Break, line: &LineFact) -> bool {
    match chain.cause {
        Cause::MissingEntry => {}
        Cause::AmountAltered | Cause::DigitsTransposed | Cause::SignFlipped | Cause::BalanceAltered
            if chain.booking_date.is_some_and(|day| day >= line.at.day()) =>
        {
            let kind = if line.amount.is_negative() { "debit" } else { "credit" };
            chain.cause = Cause::MissingEntry;
            chain.explanation = format!("a {kind} of {} is missing", facts.money(line.amount.abs()));
        }
        _ => return false,
    }
    chain.explanation.extend(["; txid ", &line.txid, " of that amount stands in the IBAN statement"]);
    true
}
