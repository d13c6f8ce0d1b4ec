//! One fault, one break: what a chain and a comparison between feeds tell of the same row.
//!
//! - A row listed twice has no counterpart of its own: only that it is listed twice is told.
//! - A line that both statements list twice is one fault of the account.
//! - A line that the account statement alone lacks tears the chain, and leaves its IBAN twin alone. Where the chain lacks
//!   exactly the amount of exactly one such twin, at its place, the chain's break stays and names the twin: that is
//!   better evidence than any other cause has.
//! - A line whose amount the balances contradict differs from its IBAN twin too: the chain's break stays, with the twin as
//!   its witness.
//!
//! Loads and transfers without their line are not folded: the line that a card or an order lacks is a fact of its own,
//! in another owner's or another list's words.

use std::collections::HashSet;
use std::fmt::Write;

use super::chain::{Moment, moment_at};
use super::diagnose::hear_twins;
use super::facts::{AccountFacts, LineFact};
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::{Feed, Money};

/// The breaks of an account's own listings, and those between its feeds, each fault once.
pub(super) fn told_once(facts: &AccountFacts, mut own: Vec<Break>, mut between: Vec<Break>) -> Vec<Break> {
    fold_doubles(facts, &mut own);
    let doubled: HashSet<(&crate::record::Owner, &Subject)> = own
        .iter()
        .filter(|found| found.cause == Cause::DuplicateEntry)
        .map(|found| (&found.owner, &found.subject))
        .collect();
    // A transfer's id may be that of a line: copies of either were taken out before they were compared.
    between.retain(|found| found.check == Check::Transfer || !doubled.contains(&(&found.owner, &found.subject)));
    hear_twins(facts, &mut own, &mut between);
    fold_twins(facts, &mut own, &mut between);
    own.append(&mut between);
    own
}

/// The row of a break, if it is of the account's statement.
fn line_of<'a>(facts: &AccountFacts, found: &'a Break) -> Option<&'a str> {
    match &found.subject {
        Subject::Row(txid) if found.owner == facts.owner => Some(txid),
        _ => None,
    }
}

/// Lines that stand as often in the IBAN statement as in the account statement.
fn fold_doubles(facts: &AccountFacts, own: &mut Vec<Break>) {
    let (Some(lines), Some(twins)) = (&facts.statements, &facts.iban_statements) else {
        return;
    };
    let doubled: HashSet<String> = own
        .iter()
        .filter(|found| found.check == Check::Duplicate)
        .filter_map(|found| line_of(facts, found).map(str::to_owned))
        .collect();
    if doubled.is_empty() {
        return;
    }
    let times = |rows: &[LineFact], txid: &str| rows.iter().filter(|line| &*line.txid == txid).count();
    own.retain(|found| match &found.subject {
        Subject::RowOf(listing, txid) if *listing == Feed::IbanStatements.name() => {
            !doubled.contains(txid) || times(&lines.rows, txid) != times(&twins.rows, txid)
        }
        _ => true,
    });
}

/// A break of the balances that a missing line of that amount would explain.
struct Gap {
    index: usize,
    amount: Money,
    /// When the line was booked at which the balances fail; `None` behind the last.
    before: Option<Moment>,
}

fn fold_twins(facts: &AccountFacts, own: &mut [Break], between: &mut Vec<Break>) {
    let gaps: Vec<Gap> = own.iter().enumerate().filter_map(|(index, found)| gap(facts, index, found)).collect();
    let alone: Vec<(usize, &LineFact)> =
        between.iter().enumerate().filter_map(|(index, found)| Some((index, alone(facts, found)?))).collect();
    if gaps.is_empty() || alone.is_empty() {
        return;
    }
    let fits: Vec<(usize, usize)> = gaps
        .iter()
        .enumerate()
        .flat_map(|(gap, at)| {
            let twins = alone.iter().enumerate().filter(move |(_, (_, twin))| fits(facts, at, twin));
            twins.map(move |(twin, _)| (gap, twin))
        })
        .collect();
    let is_only = |(gap, twin): &(usize, usize)| {
        fits.iter().filter(|(other, _)| other == gap).count() == 1
            && fits.iter().filter(|(_, other)| other == twin).count() == 1
    };
    let mut folded = HashSet::new();
    for (gap, twin) in fits.iter().filter(|pair| is_only(pair)) {
        let (index, twin) = alone[*twin];
        explain(facts, &mut own[gaps[*gap].index], twin);
        folded.insert(index);
    }
    let mut index = 0..;
    between.retain(|_| index.next().is_none_or(|index| !folded.contains(&index)));
}

fn gap(facts: &AccountFacts, index: usize, found: &Break) -> Option<Gap> {
    let (expected, actual) = found.amounts.filter(|_| found.owner == facts.owner)?;
    let amount = match found.check {
        // These say which row is wrong, and that none is missing; but of a last balance no row behind it says so.
        Check::Chain if found.cause == Cause::DuplicateEntry => return None,
        Check::Chain if found.cause == Cause::BalanceAltered && !is_last(facts, found) => return None,
        Check::Chain | Check::Seam => actual.checked_sub(expected)?,
        Check::ClosingBalance => return Some(Gap { index, amount: expected.checked_sub(actual)?, before: None }),
        _ => return None,
    };
    let txid = line_of(facts, found)?;
    let at = facts.statements.as_ref()?.rows.iter().filter(|line| &*line.txid == txid).map(|line| moment_at(line.at));
    Some(Gap { index, amount, before: Some(at.min()?) })
}

/// Whether a break is at a line behind which no other moves the balance.
fn is_last(facts: &AccountFacts, found: &Break) -> bool {
    let lines = facts.statements.as_ref().map(|side| side.rows.as_slice()).unwrap_or_default();
    let settled = || lines.iter().filter(|line| line.settled);
    let at = line_of(facts, found).and_then(|txid| settled().find(|line| &*line.txid == txid));
    at.is_some_and(|at| settled().all(|line| line.txid == at.txid || moment_at(line.at) < moment_at(at.at)))
}

/// The line of the IBAN statement that the account statement does not have at all.
fn alone<'a>(facts: &'a AccountFacts, found: &Break) -> Option<&'a LineFact> {
    if found.check != Check::IbanTwin || found.cause != Cause::NoCounterpart {
        return None;
    }
    let txid = line_of(facts, found)?;
    let has = |line: &&LineFact| &*line.txid == txid;
    let (lines, twins) = (facts.statements.as_ref()?, facts.iban_statements.as_ref()?);
    if lines.rows.iter().any(|line| has(&line)) { None } else { twins.rows.iter().find(has) }
}

/// Whether the missing line's place is that of the twin: no other line stands between it and where the balances fail.
fn fits(facts: &AccountFacts, gap: &Gap, twin: &LineFact) -> bool {
    let at = moment_at(twin.at);
    let lines = facts.statements.as_ref().map(|side| side.rows.as_slice()).unwrap_or_default();
    let is_between = |line: &LineFact| {
        let line_at = moment_at(line.at);
        line.settled && line_at > at && gap.before.is_none_or(|before| line_at < before)
    };
    gap.amount == twin.amount && gap.before.is_none_or(|before| at <= before) && !lines.iter().any(is_between)
}

fn explain(facts: &AccountFacts, found: &mut Break, twin: &LineFact) {
    let amount = facts.money(twin.amount.abs());
    if matches!(found.check, Check::Chain) && found.cause != Cause::MissingEntry {
        let kind = if twin.amount.is_negative() { "debit" } else { "credit" };
        found.explanation = format!("balance jumps by {amount}: a {kind} of {amount} is missing");
    }
    if matches!(found.check, Check::Chain | Check::Seam) {
        found.cause = Cause::MissingEntry;
    }
    let named = write!(
        found.explanation,
        "; IBAN statement txid {} of {}, booked on {}, has no account line",
        twin.txid,
        facts.money(twin.amount),
        twin.at.day(),
    );
    named.expect("a text can grow");
}
