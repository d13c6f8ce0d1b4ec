//! The check `duplicate` for credit transfers: no `internal_id` stands twice, and no execution stands under two of them.
//!
//! The reference of an execution is its own, as the provider documents it: two executed transfers that share it, the IBAN,
//! the amount and the day are one. A reference that a batch of different transfers shares proves nothing, and neither do
//! equal orders that have none yet.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::facts::{LineFact, TransferFact};
use super::{find_duplicates, words};
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::feed::natural_cmp;
use crate::record::{CreditTransfer, Day, Feed, Money, Owner, TransferStatus, minor_digits};

/// What one execution under two ids shares: reference, IBAN, amount, day.
type Likeness<'a> = (&'a str, &'a str, Money, Day);

/// The copies among executed transfers: the place of each, and that of its original. `likeness` is `None` where a
/// transfer proves nothing; of equal ones the lowest id is the original.
pub(super) fn copies<'a>(
    count: usize,
    likeness: impl Fn(usize) -> Option<Likeness<'a>>,
    id: impl Fn(usize) -> &'a str,
) -> Vec<(usize, usize)> {
    let mut alike: HashMap<Likeness<'a>, Vec<usize>> = HashMap::new();
    for place in 0..count {
        if let Some(key) = likeness(place) {
            alike.entry(key).or_default().push(place);
        }
    }
    let mut copies = Vec::new();
    for mut places in alike.into_values().filter(|places| places.len() > 1) {
        places.sort_by(|a, b| natural_cmp(id(*a), id(*b)));
        // The same id again is told as such.
        places.dedup_by_key(|place| id(*place));
        copies.extend(places[1..].iter().map(|copy| (*copy, places[0])));
    }
    copies.sort_unstable();
    copies
}

/// A transfer under another id needs no debit of its own, unless there is one: as many lines as transfers name it.
pub(super) fn take_out(transfers: &mut Vec<&TransferFact>, lines: &[&LineFact]) {
    let likeness = |place: usize| {
        let found: &TransferFact = transfers[place];
        let iban = found.iban.as_deref().unwrap_or_default();
        let reference = found.reference.as_deref().filter(|_| found.status == TransferStatus::Executed)?;
        Some((reference, iban, found.amount, found.day))
    };
    let copies = copies(transfers.len(), likeness, |place| &transfers[place].internal_id);
    let mut by_original: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (copy, original) in copies {
        by_original.entry(original).or_default().push(copy);
    }
    if by_original.is_empty() {
        return;
    }
    let mut by_amount: HashMap<Money, Vec<&LineFact>> = HashMap::new();
    for line in lines {
        by_amount.entry(line.amount).or_default().push(line);
    }
    let paid = |original: usize| {
        let TransferFact { reference, amount, .. } = transfers[original];
        let pays =
            |line: &&&LineFact| reference.as_deref().is_some_and(|reference| words::names(&line.text, reference));
        by_amount.get(amount).into_iter().flatten().filter(pays).count()
    };
    let out: HashSet<usize> = by_original
        .into_iter()
        .filter(|(original, copies)| paid(*original) <= copies.len())
        .flat_map(|(_, copies)| copies)
        .collect();
    let mut place = 0..;
    transfers.retain(|_| place.next().is_none_or(|place| !out.contains(&place)));
}

/// Tells transfers that stand more than once, under one id or under several.
pub fn duplicate_transfers(owner: &Owner, rows: &[CreditTransfer<'_>]) -> Vec<Break> {
    let count = u32::try_from(rows.len()).expect("an owner has fewer than 2^32 transfers");
    let mut firsts: Vec<u32> = find_duplicates(count, |row| &rows[row as usize].internal_id)
        .into_iter()
        .map(|duplicate| duplicate.first)
        .collect();
    firsts.sort_unstable();
    firsts.dedup();
    let again = firsts.into_iter().map(|first| {
        let row = &rows[first as usize];
        let amount = row.amount.text(minor_digits(row.currency.as_deref()));
        tell(owner, row, format!("credit transfer {} of {amount} is listed more than once", row.internal_id))
    });
    let other = copies(rows.len(), |place| executed(&rows[place]), |place| &rows[place].internal_id);
    let other = other.into_iter().map(|(copy, original)| {
        let (copy, original) = (&rows[copy], &rows[original]);
        let (first, again) = (&original.internal_id, &copy.internal_id);
        tell(owner, copy, format!("listed twice: credit transfer {first} and {again}, under one execution reference"))
    });
    again.chain(other).collect()
}

fn executed<'a>(row: &'a CreditTransfer<'_>) -> Option<Likeness<'a>> {
    let reference = row.execution_reference.as_deref().filter(|text| !text.trim().is_empty())?;
    let iban = row.beneficiary_iban.as_deref().unwrap_or_default();
    (row.status == TransferStatus::Executed).then_some((reference, iban, row.amount, row.booking_date))
}

fn tell(owner: &Owner, row: &CreditTransfer<'_>, explanation: String) -> Break {
    Break {
        check: Check::Duplicate,
        cause: Cause::DuplicateEntry,
        owner: owner.clone(),
        subject: Subject::RowOf(Feed::CreditTransfers.name(), row.internal_id.clone().into_owned()),
        booking_date: Some(row.booking_date),
        currency: row.currency.as_deref().map(str::to_owned),
        amounts: None,
        explanation,
    }
}
