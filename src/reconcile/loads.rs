//! The check `card_load`: a card's load or unload has its line in the account, and the reverse.
//!
//! Nothing in the provider's documents marks a load. What is taken as evidence, in this order: an account line that names
//! the card's reference and has the card row's amount with the other sign, within a day; then, for card rows whose own
//! text speaks of a load, an account line without IBAN or card that has the amount within minutes.
//! A row without counterpart is reported only if it says what it is: by its words, or by a text that at least two rows
//! with counterpart have in common. Rows at merchants, refunds among them, are never loads.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::cross::{Terms, Watched};
use super::facts::{AccountFacts, CardFact, LineFact, Side};
use super::pairing::{pair, rivals};
use super::words::{self, CardWord};
use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::{Money, Owner, OwnerKind, Stamp};

/// Seconds between the two rows of a load whose line names the card, at most.
const NAMED_APART_S_MAX: i64 = 86_400;
/// Seconds between the two rows of a load where time and amount are all the evidence, at most.
const UNNAMED_APART_S_MAX: i64 = 600;
/// Seconds from either end of the window within which a counterpart may lie beyond it.
const EDGE_S: i64 = 120;
/// Rows with counterpart that must share a text before it tells what a row is.
const ALIKE_MIN: usize = 2;

/// Compares the account's lines with its cards' rows; nothing where either is not there.
pub fn check_loads(facts: &AccountFacts, terms: Terms) -> Vec<Break> {
    judge_loads(facts, terms, &[], &mut Vec::new())
}

/// As [`check_loads`]; notes the watched breaks of which nothing can be said.
pub(super) fn judge_loads(
    facts: &AccountFacts,
    terms: Terms,
    watched: &[(OwnerKind, &str, &Watched)],
    unjudged: &mut Vec<String>,
) -> Vec<Break> {
    let Some(statement) = facts.statements.as_ref().filter(|_| !facts.cards.is_empty()) else {
        return Vec::new();
    };
    let mut loads = Loads::new(facts, statement, terms);
    loads.pair_named();
    loads.learn();
    loads.pair_unnamed();
    let mut breaks = loads.differing();
    breaks.extend(loads.lines_left());
    breaks.extend(loads.rows_left());
    let of_check: Vec<_> = watched.iter().filter(|(_, _, known)| known.check == Check::CardLoad).collect();
    if !of_check.is_empty() {
        let undecided = loads.undecided();
        let left =
            of_check.into_iter().filter(|(kind, id, known)| undecided.contains(&(*kind, *id, known.row.as_str())));
        unjudged.extend(left.map(|(_, _, known)| known.break_id.clone()));
    }
    breaks
}

/// A card's row and where it is.
struct Row<'a> {
    fact: &'a CardFact,
    card: usize,
    taken: bool,
    /// With equal right as another, it is the one without counterpart.
    rival: Option<usize>,
}

/// An account's line and the card it names.
struct Line<'a> {
    fact: &'a LineFact,
    card: Option<usize>,
    taken: bool,
    rival: Option<usize>,
}

struct Loads<'a> {
    facts: &'a AccountFacts,
    statement: &'a Side<LineFact>,
    terms: Terms,
    rows: Vec<Row<'a>>,
    lines: Vec<Line<'a>>,
    /// Texts, with their direction, of rows and lines that have a counterpart.
    row_patterns: HashSet<(&'a str, bool)>,
    line_patterns: HashSet<(String, bool)>,
}

impl<'a> Loads<'a> {
    fn new(facts: &'a AccountFacts, statement: &'a Side<LineFact>, terms: Terms) -> Self {
        let refs: HashMap<String, usize> =
            facts.cards.iter().enumerate().map(|(index, card)| (words::id(&card.owner.card_ref), index)).collect();
        let mut rows: Vec<Row<'a>> = Vec::new();
        for (card, side) in facts.cards.iter().enumerate() {
            let mut ids = HashSet::with_capacity(side.side.rows.len());
            let mut facts: Vec<&CardFact> = side.side.rows.iter().collect();
            facts.sort_by_key(|row| (row.at.utc_micros(), &row.txid, row.amount));
            facts.retain(|row| ids.insert((&row.txid, row.amount)));
            rows.extend(facts.into_iter().map(|fact| Row { fact, card, taken: false, rival: None }));
        }
        let mut lines: Vec<Line<'a>> = Vec::new();
        let mut ids = HashSet::with_capacity(statement.rows.len());
        let mut sorted: Vec<&LineFact> = statement.rows.iter().filter(|line| line.settled).collect();
        sorted.sort_by_key(|line| (line.at.utc_micros(), &line.txid, line.amount));
        for fact in sorted.into_iter().filter(|line| ids.insert((&line.txid, line.amount))) {
            lines.push(Line { fact, card: named_card(&fact.text, &refs), taken: false, rival: None });
        }
        let (row_patterns, line_patterns) = (HashSet::new(), HashSet::new());
        Self { facts, statement, terms, rows, lines, row_patterns, line_patterns }
    }

    /// Lines that name a card, with the rows of that card.
    fn pair_named(&mut self) {
        let mut groups: BTreeMap<(usize, Money), Group> = BTreeMap::new();
        for (index, row) in self.rows.iter().enumerate() {
            groups.entry((row.card, row.fact.amount)).or_default().rows.push(index);
        }
        for (index, line) in self.lines.iter().enumerate() {
            if let Some(group) = line.card.and_then(|card| groups.get_mut(&(card, -line.fact.amount))) {
                group.lines.push(index);
            }
        }
        for group in groups.values_mut() {
            self.pair(group, NAMED_APART_S_MAX);
        }
    }

    /// Rows that say that they are loads, with lines that name nothing.
    fn pair_unnamed(&mut self) {
        let mut groups: BTreeMap<Money, Group> = BTreeMap::new();
        for index in 0..self.rows.len() {
            if !self.rows[index].taken && self.row_says(index) {
                groups.entry(self.rows[index].fact.amount).or_default().rows.push(index);
            }
        }
        for (index, line) in self.lines.iter().enumerate() {
            if line.card.is_none()
                && !line.fact.has_iban
                && !words::is_fee(&line.fact.text)
                && let Some(group) = groups.get_mut(&-line.fact.amount)
            {
                group.lines.push(index);
            }
        }
        for group in groups.values_mut() {
            self.pair(group, UNNAMED_APART_S_MAX);
        }
    }

    fn pair(&mut self, group: &mut Group, apart_s_max: i64) {
        group.rows.sort_by_key(|row| seconds(self.rows[*row].fact.at));
        group.lines.sort_by_key(|line| seconds(self.lines[*line].fact.at));
        let rows: Vec<i64> = group.rows.iter().map(|row| seconds(self.rows[*row].fact.at)).collect();
        let lines: Vec<i64> = group.lines.iter().map(|line| seconds(self.lines[*line].fact.at)).collect();
        let pairs = pair(&rows, &lines, apart_s_max);
        for (row, line) in &pairs {
            self.rows[group.rows[*row]].taken = true;
            self.lines[group.lines[*line]].taken = true;
        }
        for (over, chosen) in rivals(&rows, &lines, &pairs, apart_s_max) {
            self.rows[group.rows[over]].rival = Some(group.rows[chosen]);
        }
        let turned: Vec<(usize, usize)> = pairs.iter().map(|(row, line)| (*line, *row)).collect();
        for (over, chosen) in rivals(&lines, &rows, &turned, apart_s_max) {
            self.lines[group.lines[over]].rival = Some(group.lines[chosen]);
        }
    }

    /// What rows and lines with counterpart have in common.
    fn learn(&mut self) {
        let mut rows: HashMap<(&'a str, bool), usize> = HashMap::new();
        for row in self.rows.iter().filter(|row| row.taken && !row.fact.pattern.trim().is_empty()) {
            *rows.entry((&row.fact.pattern, row.fact.amount.is_negative())).or_default() += 1;
        }
        let mut lines: HashMap<(String, bool), usize> = HashMap::new();
        for line in self.lines.iter().filter(|line| line.taken) {
            *lines.entry((words::pattern(&line.fact.text), line.fact.amount.is_negative())).or_default() += 1;
        }
        self.row_patterns = rows.into_iter().filter(|(_, count)| *count >= ALIKE_MIN).map(|(key, _)| key).collect();
        self.line_patterns = lines.into_iter().filter(|(_, count)| *count >= ALIKE_MIN).map(|(key, _)| key).collect();
    }

    fn row_says(&self, row: usize) -> bool {
        let fact = self.rows[row].fact;
        fact.word.is_some() || self.row_patterns.contains(&(&*fact.pattern, fact.amount.is_negative()))
    }

    fn line_says(&self, line: usize) -> bool {
        let fact = self.lines[line].fact;
        let is_debit = fact.amount.is_negative();
        let by_word = words::card_word(&fact.text).is_some_and(|word| is_debit == (word == CardWord::Load));
        by_word || (!words::is_fee(&fact.text) && self.line_patterns.contains(&(words::pattern(&fact.text), is_debit)))
    }

    /// Whether a counterpart would have been seen.
    fn is_due(&self, at: Stamp, inside: bool) -> bool {
        let day_s = 86_400;
        let local_s = at.local_micros().div_euclid(1_000_000);
        let from_s = i64::from(self.terms.window.from.epoch_days()) * day_s;
        let to_s = (i64::from(self.terms.window.to.epoch_days()) + 1) * day_s;
        inside && at.day() < self.terms.seen_on && local_s - from_s >= EDGE_S && to_s - local_s > EDGE_S
    }

    /// The rows and lines of the window whose break, had an earlier run told one, is not over: none of them has a
    /// counterpart, and it may lie out of sight, or nothing in sight tells any more what the row is.
    fn undecided(&self) -> HashSet<(OwnerKind, &str, &str)> {
        let rows = self.rows.iter().filter(|row| row.fact.inside && !row.taken).map(|row| {
            let card_ref = self.facts.cards[row.card].owner.card_ref.as_str();
            (OwnerKind::Card, card_ref, &*row.fact.txid)
        });
        let lines = self.lines.iter().filter(|line| line.fact.inside && !line.taken && line.card.is_some());
        let acc_id = self.facts.owner.acc_id.as_str();
        rows.chain(lines.map(|line| (OwnerKind::Account, acc_id, &*line.fact.txid))).collect()
    }

    fn open_rows(&self) -> Vec<usize> {
        let open = |row: &usize| {
            let Row { fact, card, taken, .. } = &self.rows[*row];
            let card_ref = &self.facts.cards[*card].owner.card_ref;
            !taken
                && self.is_due(fact.at, fact.inside)
                && self.row_says(*row)
                && !self.statement.rejected.names(card_ref)
        };
        (0..self.rows.len()).filter(open).collect()
    }

    fn open_lines(&self) -> Vec<usize> {
        let open = |line: &usize| {
            let Line { fact, card, taken, .. } = &self.lines[*line];
            let side = card.map(|card| &self.facts.cards[card].side);
            !taken
                && side.is_some_and(|side| side.rejected.is_empty())
                && self.is_due(fact.at, fact.inside)
                && self.line_says(*line)
        };
        (0..self.lines.len()).filter(open).collect()
    }

    /// A row and a line of one card at one time, neither of which has another, with different amounts.
    fn differing(&mut self) -> Vec<Break> {
        let place_of_row = |row: usize| {
            let Row { fact, card, .. } = &self.rows[row];
            Place { card: *card, is_debit: fact.amount.is_negative(), second: seconds(fact.at), index: row }
        };
        // A line is where the row that it is the other side of would be.
        let place_of_line = |line: usize| {
            let Line { fact, card, .. } = &self.lines[line];
            let card = card.expect("an open line names a card");
            Place { card, is_debit: !fact.amount.is_negative(), second: seconds(fact.at), index: line }
        };
        let rows = sorted(self.open_rows().into_iter().map(place_of_row));
        let lines = sorted(self.open_lines().into_iter().map(place_of_line));
        let mut found = Vec::new();
        for row in &rows {
            let [line] = near(&lines, row) else { continue };
            if near(&rows, line).len() == 1 {
                found.push((row.index, line.index));
            }
        }
        found.sort_unstable();
        found.into_iter().map(|(row, line)| self.differ(row, line)).collect()
    }

    fn differ(&mut self, row: usize, line: usize) -> Break {
        (self.rows[row].taken, self.lines[line].taken) = (true, true);
        let (card_row, account_line) = (self.rows[row].fact, self.lines[line].fact);
        let owner = &self.facts.cards[self.rows[row].card].owner;
        let amounts = (-account_line.amount, card_row.amount);
        let explanation = format!(
            "card {} books {} under txid {}, but account {} books {} for it under txid {}",
            owner.card_ref,
            self.facts.money(card_row.amount),
            card_row.txid,
            self.facts.owner.acc_id,
            self.facts.money(account_line.amount),
            account_line.txid,
        );
        self.told(owner, &card_row.txid, card_row.at, Cause::AmountDiffers, Some(amounts), explanation)
    }

    fn lines_left(&self) -> Vec<Break> {
        let tell = |line: usize| {
            let Line { fact, card, rival, .. } = &self.lines[line];
            let card_ref = &self.facts.cards[card.expect("an open line names a card")].owner.card_ref;
            let amount = self.facts.money(fact.amount);
            let (cause, explanation) = match rival {
                None => (
                    Cause::NoCounterpart,
                    format!("account line {} of {amount} names card {card_ref}, which has no such row", fact.txid),
                ),
                Some(rival) => (
                    Cause::Ambiguous,
                    format!(
                        "account lines {} and {} of {amount} name card {card_ref}, which has one such row only",
                        self.lines[*rival].fact.txid, fact.txid
                    ),
                ),
            };
            self.told(&self.facts.owner, &fact.txid, fact.at, cause, None, explanation)
        };
        self.open_lines().into_iter().map(tell).collect()
    }

    fn rows_left(&self) -> Vec<Break> {
        let tell = |row: usize| {
            let Row { fact, card, rival, .. } = &self.rows[row];
            let owner = &self.facts.cards[*card].owner;
            let (word, acc_id) = (if fact.amount.is_negative() { "unload" } else { "load" }, &self.facts.owner.acc_id);
            let amount = self.facts.money(fact.amount);
            let (cause, explanation) = match rival {
                None => (
                    Cause::NoCounterpart,
                    format!("card {word} {} of {amount} has no line in account {acc_id}", fact.txid),
                ),
                Some(rival) => (
                    Cause::Ambiguous,
                    format!(
                        "card {word}s {} and {} of {amount} have one line only in account {acc_id}",
                        self.rows[*rival].fact.txid, fact.txid
                    ),
                ),
            };
            self.told(owner, &fact.txid, fact.at, cause, None, explanation)
        };
        self.open_rows().into_iter().map(tell).collect()
    }

    fn told(
        &self,
        owner: &Owner,
        txid: &str,
        at: Stamp,
        cause: Cause,
        amounts: Option<(Money, Money)>,
        explanation: String,
    ) -> Break {
        Break {
            check: Check::CardLoad,
            cause,
            owner: owner.clone(),
            subject: Subject::Row(txid.to_owned()),
            booking_date: Some(at.day()),
            currency: self.facts.currency.clone(),
            amounts,
            explanation,
        }
    }
}

/// The card that a text names, if it is one alone.
fn named_card(text: &str, refs: &HashMap<String, usize>) -> Option<usize> {
    let (mut named, mut is_one) = (None, true);
    words::for_each_id(text, |id| {
        if let Some(card) = refs.get(id) {
            is_one &= named.is_none_or(|named| named == *card);
            named = Some(*card);
        }
    });
    named.filter(|_| is_one)
}

/// Where and when a row of a card lies, or would.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    card: usize,
    is_debit: bool,
    second: i64,
    index: usize,
}

fn sorted(places: impl Iterator<Item = Place>) -> Vec<Place> {
    let mut places: Vec<Place> = places.collect();
    places.sort_unstable();
    places
}

/// Those of sorted places that lie about where another one does.
fn near<'p>(places: &'p [Place], other: &Place) -> &'p [Place] {
    let kind = (other.card, other.is_debit);
    let is_before = |place: &Place, second: i64| ((place.card, place.is_debit), place.second) < (kind, second);
    let from = places.partition_point(|place| is_before(place, other.second - UNNAMED_APART_S_MAX));
    let to = places.partition_point(|place| is_before(place, other.second + UNNAMED_APART_S_MAX + 1));
    &places[from..to]
}

/// Rows and lines that differ in nothing but their time, by time.
#[derive(Default)]
struct Group {
    rows: Vec<usize>,
    lines: Vec<usize>,
}

/// What the clock showed, in seconds: of the hour that is lived twice, a card's chain may tell which one it was, while the
/// account's line does not.
fn seconds(at: Stamp) -> i64 {
    at.local_micros().div_euclid(1_000_000)
}
