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

use std::collections::{HashMap, HashSet};
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
    let (lines, twins) = (times(&lines.rows), times(&twins.rows));
    own.retain(|found| match &found.subject {
        Subject::RowOf(listing, txid) if *listing == Feed::IbanStatements.name() => {
            !doubled.contains(txid) || lines.get(txid.as_str()) != twins.get(txid.as_str())
        }
        _ => true,
    });
}

/// How often each txid stands.
fn times(rows: &[LineFact]) -> HashMap<&str, usize> {
    let mut times = HashMap::with_capacity(rows.len());
    for line in rows {
        *times.entry(&*line.txid).or_default() += 1;
    }
    times
}

/// A break of the balances that a missing line of that amount would explain.
struct Gap {
    index: usize,
    amount: Money,
    /// When the line was booked at which the balances fail; `None` behind the last.
    before: Option<Moment>,
}

fn fold_twins(facts: &AccountFacts, own: &mut [Break], between: &mut Vec<Break>) {
    let is_alone = |found: &Break| found.check == Check::IbanTwin && found.cause == Cause::NoCounterpart;
    let (Some(lines), Some(twins)) = (&facts.statements, &facts.iban_statements) else { return };
    if !between.iter().any(is_alone) || !own.iter().any(|found| found.owner == facts.owner && found.amounts.is_some()) {
        return;
    }
    let lines = Lines::of(&lines.rows);
    let gaps: Vec<Gap> = own.iter().enumerate().filter_map(|(index, found)| gap(facts, &lines, index, found)).collect();
    let twins: HashMap<&str, &LineFact> = twins.rows.iter().rev().map(|line| (&*line.txid, line)).collect();
    let alone = between.iter().enumerate().filter(|(_, found)| is_alone(found)).filter_map(|(index, found)| {
        let txid = line_of(facts, found).filter(|txid| !lines.first.contains_key(txid))?;
        Some((index, *twins.get(txid)?))
    });
    let alone = Alone::of(alone.collect());
    let fits: Vec<(usize, usize)> =
        (0..gaps.len()).flat_map(|gap| alone.at(&gaps[gap], &lines).map(move |twin| (gap, twin))).collect();
    let (mut of_gap, mut of_twin) = (HashMap::new(), HashMap::new());
    for (gap, twin) in &fits {
        *of_gap.entry(*gap).or_insert(0) += 1;
        *of_twin.entry(*twin).or_insert(0) += 1;
    }
    let mut folded = HashSet::new();
    for (gap, twin) in fits.iter().filter(|(gap, twin)| of_gap[gap] == 1 && of_twin[twin] == 1) {
        let (index, twin) = alone.twins[*twin];
        explain(facts, &mut own[gaps[*gap].index], twin);
        folded.insert(index);
    }
    let mut index = 0..;
    between.retain(|_| index.next().is_none_or(|index| !folded.contains(&index)));
}

/// The lines of the account's statement, as gaps are looked for among them.
struct Lines<'a> {
    /// The first moment at which a txid stands.
    first: HashMap<&'a str, Moment>,
    /// The moments of the settled ones, in order, and whose they are.
    settled: Vec<(Moment, &'a str)>,
}

impl<'a> Lines<'a> {
    fn of(rows: &'a [LineFact]) -> Lines<'a> {
        let mut first: HashMap<&str, Moment> = HashMap::with_capacity(rows.len());
        for line in rows {
            let at = moment_at(line.at);
            first.entry(&line.txid).and_modify(|first| *first = at.min(*first)).or_insert(at);
        }
        let settled = rows.iter().filter(|line| line.settled);
        let mut settled: Vec<(Moment, &str)> = settled.map(|line| (moment_at(line.at), &*line.txid)).collect();
        settled.sort_unstable();
        Lines { first, settled }
    }

    /// The last settled line before a moment, or of all.
    fn last_before(&self, before: Option<Moment>) -> Option<Moment> {
        let end = before.map_or(self.settled.len(), |before| self.settled.partition_point(|(at, _)| *at < before));
        self.settled[..end].last().map(|(at, _)| *at)
    }

    /// Whether no other line stands behind the settled one, or at its moment.
    fn is_last(&self, txid: &str) -> bool {
        let other = self.settled.iter().rev().find(|(_, other)| *other != txid);
        let last = self.settled.last().filter(|(_, last)| *last == txid);
        last.is_some_and(|(at, _)| other.is_none_or(|(other, _)| other < at))
    }
}

/// Lines of the IBAN statement that the account statement does not have at all, each with its break's place.
struct Alone<'a> {
    twins: Vec<(usize, &'a LineFact)>,
    /// Their moments, in order, and places in `twins`.
    by_amount: HashMap<Money, Vec<(Moment, usize)>>,
}

impl<'a> Alone<'a> {
    fn of(twins: Vec<(usize, &'a LineFact)>) -> Alone<'a> {
        let mut by_amount: HashMap<Money, Vec<(Moment, usize)>> = HashMap::new();
        for (place, (_, twin)) in twins.iter().enumerate() {
            by_amount.entry(twin.amount).or_default().push((moment_at(twin.at), place));
        }
        for places in by_amount.values_mut() {
            places.sort_unstable();
        }
        Alone { twins, by_amount }
    }

    /// Those that fill a gap: the amount is missing, and no other line stands between the twin and where the balances fail.
    fn at(&self, gap: &Gap, lines: &Lines<'_>) -> impl Iterator<Item = usize> {
        let places = self.by_amount.get(&gap.amount).map(Vec::as_slice).unwrap_or_default();
        let last = lines.last_before(gap.before);
        let from = places.partition_point(|(at, _)| last.is_some_and(|last| *at < last));
        let (before, behind) = (gap.before, &places[from..]);
        behind.iter().take_while(move |(at, _)| before.is_none_or(|before| *at <= before)).map(|(_, place)| *place)
    }
}

fn gap(facts: &AccountFacts, lines: &Lines<'_>, index: usize, found: &Break) -> Option<Gap> {
    let (expected, actual) = found.amounts.filter(|_| found.owner == facts.owner)?;
    let is_last = || line_of(facts, found).is_some_and(|txid| lines.is_last(txid));
    let amount = match found.check {
        // These say which row is wrong, and that none is missing; but of a last balance no row behind it says so.
        Check::Chain if found.cause == Cause::DuplicateEntry => return None,
        Check::Chain if found.cause == Cause::BalanceAltered && !is_last() => return None,
        Check::Chain | Check::Seam => actual.checked_sub(expected)?,
        Check::ClosingBalance => return Some(Gap { index, amount: expected.checked_sub(actual)?, before: None }),
        _ => return None,
    };
    let first = lines.first.get(line_of(facts, found)?)?;
    Some(Gap { index, amount, before: Some(*first) })
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
