//! The check `duplicate` for lines that form no chain: a line of the IBAN statement listed again under another txid.
//!
//! Such a copy says what its original says: the moment, the amount, the IBAN, the texts, and the balance. Two transfers
//! that are alike in all else differ in their balance. Where the account statement is there it decides: a line whose txid
//! it has is no copy (whether that one is, its chain tells); one that it does not have is the copy of one that it has.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::cross::Terms;
use super::facts::{AccountFacts, LineFact, Side};
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::feed::natural_cmp;
use crate::record::{Feed, Money};

/// A line of the IBAN statement that another one is, under another txid.
#[derive(Debug)]
pub(super) struct Copy {
    pub txid: String,
    /// `None` where the copy lies outside the window.
    pub told: Option<Break>,
}

/// What equal lines share: the moment, the amount, the balance, the IBAN and the text.
type Likeness<'a> = (i64, Money, Option<Money>, Option<&'a str>, &'a str);

/// Finds the copies in the account's IBAN statement.
pub(super) fn iban_copies(facts: &AccountFacts, terms: Terms) -> Vec<Copy> {
    let Some(side) = &facts.iban_statements else {
        return Vec::new();
    };
    let mut alike: BTreeMap<Likeness<'_>, Vec<&LineFact>> = BTreeMap::new();
    for line in side.rows.iter().filter(|line| line.settled && line.amount != Money::ZERO) {
        let key = (line.at.utc_micros(), line.amount, line.balance, line.iban.as_deref(), &*line.text);
        alike.entry(key).or_default().push(line);
    }
    alike.retain(|_, lines| {
        let mut ids = HashSet::new();
        lines.retain(|line| ids.insert(&*line.txid));
        lines.len() > 1
    });
    if alike.is_empty() {
        return Vec::new();
    }
    let known: Option<HashSet<&str>> =
        facts.statements.as_ref().map(|side| side.rows.iter().map(|line| &*line.txid).collect());
    let directions = LazyCell::new(|| directions_by_moment(side));
    let mut copies = Vec::new();
    for mut lines in alike.into_values() {
        lines.sort_by(|a, b| natural_cmp(&a.txid, &b.txid));
        let (originals, further) = match &known {
            Some(known) => split(facts, lines, known),
            None if comes_back(&directions, lines[0]) => continue,
            None => (lines[..1].to_vec(), lines[1..].to_vec()),
        };
        let is_proved = known.is_some() || lines_state_balances(&originals);
        if let Some(original) = originals.first().filter(|_| is_proved) {
            copies.extend(further.iter().map(|copy| copy_of(facts, terms, original, copy)));
        }
    }
    copies
}

/// Lines that the account statement has, and those that it lacks. Where it has none of them, the first is the original
/// and misses its line by itself, if balances prove that they are one.
fn split<'a>(
    facts: &AccountFacts,
    lines: Vec<&'a LineFact>,
    known: &HashSet<&str>,
) -> (Vec<&'a LineFact>, Vec<&'a LineFact>) {
    let rejected = |line: &LineFact| facts.statements.as_ref().is_some_and(|side| side.rejected.names(&line.txid));
    let (here, lacking): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| known.contains(&*line.txid) || rejected(line));
    match lacking.as_slice() {
        [first, rest @ ..] if here.is_empty() && first.balance.is_some() => (vec![*first], rest.to_vec()),
        _ => (here, lacking),
    }
}

fn lines_state_balances(lines: &[&LineFact]) -> bool {
    lines.iter().all(|line| line.balance.is_some())
}

/// Moments at which a settled line takes or gives, by whether it takes.
fn directions_by_moment(side: &Side<LineFact>) -> HashSet<(i64, bool)> {
    let settled = side.rows.iter().filter(|line| line.settled);
    settled.map(|line| (line.at.utc_micros(), line.amount.is_negative())).collect()
}

/// Whether the same moment takes the balance back, so that the same line may rightly come again.
fn comes_back(directions: &HashSet<(i64, bool)>, line: &LineFact) -> bool {
    directions.contains(&(line.at.utc_micros(), !line.amount.is_negative()))
}

fn copy_of(facts: &AccountFacts, terms: Terms, original: &LineFact, copy: &LineFact) -> Copy {
    let is_told = copy.inside && copy.at.day() < terms.seen_on;
    let told = is_told.then(|| Break {
        check: Check::Duplicate,
        cause: Cause::DuplicateEntry,
        owner: facts.owner.clone(),
        subject: Subject::RowOf(Feed::IbanStatements.name(), copy.txid.to_string()),
        booking_date: Some(copy.at.day()),
        currency: facts.currency.clone(),
        amounts: None,
        explanation: format!("listed twice in the IBAN statement: txid {} and {}", original.txid, copy.txid),
    });
    Copy { txid: copy.txid.to_string(), told }
}

impl AccountFacts {
    /// Takes copies out: what they lack on the other side is no second fault. `doubled` are lines of the account statement
    /// that were told to stand twice; one whose txid stands once is the copy of another.
    pub(super) fn take_out(&mut self, iban_copies: &[Copy], doubled: &HashSet<&str>) {
        let copies: HashSet<&str> = iban_copies.iter().map(|copy| copy.txid.as_str()).collect();
        if let Some(side) = self.iban_statements.as_mut().filter(|_| !copies.is_empty()) {
            side.rows.retain(|line| !copies.contains(&*line.txid));
        }
        let Some(lines) = self.statements.as_ref().filter(|_| !doubled.is_empty()) else {
            return;
        };
        let mut times: HashMap<&str, u32> = HashMap::new();
        for line in &lines.rows {
            if let Some(txid) = doubled.get(&*line.txid) {
                *times.entry(*txid).or_default() += 1;
            }
        }
        // The IBAN statement may list such a copy as well.
        for side in [&mut self.statements, &mut self.iban_statements].into_iter().flatten() {
            side.rows.retain(|line| times.get(&*line.txid) != Some(&1));
        }
    }
}
