//! The check `restatement`: a row reported earlier is unchanged and still there.
//!
//! | row | is a restatement when |
//! | --- | --- |
//! | booked (settled, executed, or of a statement without status) | its amount, currency, booking date, status or balance changes, or it vanishes |
//! | cancelled or declined | its status changes: what was over is not |
//! | pending, under way, or of unknown status | never: it settles, is called off or expires, with the amount, date and balance that brings |
//!
//! Texts may change (they are counted as amended), and so may a value that was not told before. A balance that moves by
//! exactly what came before it in the books (late, changed and vanished rows) is their consequence and not told again;
//! balances that move together by anything else are one break, at the first of them. An IBAN statement repeats balances
//! of the account statement, where their changes are told.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::{Changed, Dataset, Day, Money, Owner, Reported, minor_digits};

/// What is known beside an owner's changed rows.
pub struct Restating<'a> {
    /// The rows' dataset.
    pub dataset: &'static Dataset,
    /// Whether the rows form a balance chain.
    pub is_chain: bool,
    /// Whether the listing is whole: only then a row that is not there has vanished.
    pub is_whole: bool,
    /// Whether the row is there, but was rejected.
    pub is_rejected: &'a dyn Fn(&str) -> bool,
    /// What the row said first, when a break of that id is not resolved yet.
    pub first_reported: &'a dyn Fn(&str) -> Option<Reported>,
    /// Closing balances as they were committed, by day.
    pub closings_before: &'a BTreeMap<Day, Money>,
    /// Closing balances as they are now.
    pub closings_now: &'a BTreeMap<Day, Money>,
}

/// What became of an owner's changed rows.
#[derive(Debug, Default)]
pub struct Restated {
    /// The restatements, each with what the row said first.
    pub breaks: Vec<(Break, Reported)>,
    /// Ids of breaks whose rows say again what they said first.
    pub taken_back: Vec<String>,
    /// Rows that are new on days that were committed before.
    pub late_rows: u64,
    /// Rows that changed in what may change, consequences of other changes included.
    pub amended_rows: u64,
    /// Rows that never were booked and are gone.
    pub expired_rows: u64,
}

/// Tells restatements from the normal life of rows. `rows` are one owner's, in the order of time.
pub fn restatements(owner: &Owner, rows: &[Changed], known: &Restating<'_>) -> Restated {
    let mut telling =
        Telling { owner, known, shifts: shifts(rows), by_shift: HashMap::new(), told: Restated::default() };
    for row in rows {
        match (&row.before, &row.after) {
            (Some(before), Some(after)) => telling.changed(before, after),
            (Some(before), None) => telling.missing(before),
            (None, Some(after)) => telling.appeared(after),
            (None, None) => {}
        }
    }
    telling.finish()
}

/// The committed days that do not close as they did. One that has no rows any more closes as the day before it.
pub fn moved_closings(before: &BTreeMap<Day, Money>, now: &BTreeMap<Day, Money>) -> Vec<Day> {
    let is_moved = |(day, closing): &(&Day, &Money)| {
        let last = now.range(..=**day).next_back();
        last.is_some_and(|(_, now)| now != *closing)
    };
    before.iter().filter(is_moved).map(|(day, _)| *day).collect()
}

fn is_booked(row: &Reported) -> bool {
    matches!(row.status.as_deref(), None | Some("settled" | "executed"))
}

/// By how much balances move after each of the rows, as far as the rows themselves tell: what is gone is gone from where
/// it stood, what is there now is there from where it stands.
fn shifts(rows: &[Changed]) -> HashSet<Money> {
    let booked = |row: &Option<Reported>| {
        let row = row.as_ref().filter(|row| is_booked(row))?;
        Some(((row.day, row.at), row.amount))
    };
    let mut moves: BTreeMap<(Day, i64), Option<Money>> = BTreeMap::new();
    let mut add = |place, amount: Option<Money>| {
        let total = moves.entry(place).or_insert(Some(Money::ZERO));
        *total = total.zip(amount).and_then(|(total, amount)| total.checked_add(amount));
    };
    for row in rows {
        if let Some((place, amount)) = booked(&row.after) {
            add(place, Some(amount));
        }
        if let Some((place, amount)) = booked(&row.before) {
            add(place, Money::ZERO.checked_sub(amount));
        }
    }
    let mut total = Some(Money::ZERO);
    let mut shifts = HashSet::from([Money::ZERO]);
    for moved in moves.into_values() {
        total = total.zip(moved).and_then(|(total, moved)| total.checked_add(moved));
        shifts.extend(total);
    }
    shifts
}

/// How a row differs.
struct Difference {
    words: Vec<String>,
    amounts: Option<(Money, Money)>,
    /// Nothing but the balance, by that much.
    shift_only: Option<Money>,
}

struct Telling<'a> {
    owner: &'a Owner,
    known: &'a Restating<'a>,
    shifts: HashSet<Money>,
    /// The break that tells of each shift, and how many further rows it moves.
    by_shift: HashMap<Money, (usize, u64)>,
    told: Restated,
}

impl Telling<'_> {
    fn changed(&mut self, before: &Reported, after: &Reported) {
        let id = self.id(&before.key);
        let first = (self.known.first_reported)(&id);
        let known = first.is_some();
        let first = first.unwrap_or_else(|| before.clone());
        let Some(difference) = self.difference(&first, after) else {
            if known {
                self.told.taken_back.push(id);
            } else {
                self.told.amended_rows += 1;
            }
            return;
        };
        if let Some(shift) = difference.shift_only
            && let Some((_, further)) = self.by_shift.get_mut(&shift)
        {
            *further += 1;
            self.told.amended_rows += 1;
            return;
        }
        if let Some(shift) = difference.shift_only {
            self.by_shift.insert(shift, (self.told.breaks.len(), 0));
        }
        let from = first.day.min(after.day);
        let explanation = format!("{}{}", difference.words.join(", "), self.moved_closings(from));
        self.tell(first, Cause::Changed, difference.amounts, explanation);
    }

    fn missing(&mut self, before: &Reported) {
        let id = self.id(&before.key);
        let first = (self.known.first_reported)(&id).unwrap_or_else(|| before.clone());
        if !self.known.is_whole || (self.known.is_rejected)(&before.key) {
            return;
        }
        if !is_booked(&first) {
            self.told.expired_rows += 1;
            return;
        }
        let amount = first.amount.text(minor_digits(first.currency.as_deref()));
        let explanation = format!(
            "{} {} of {amount}, booked on {}, is no longer listed in the window{}",
            self.noun(),
            first.key,
            first.day,
            self.moved_closings(first.day)
        );
        let amounts = Some((first.amount, Money::ZERO));
        self.tell(first, Cause::Vanished, amounts, explanation);
    }

    /// A row that is new on a day committed before: late, or one that had vanished and is back.
    fn appeared(&mut self, after: &Reported) {
        match (self.known.first_reported)(&self.id(&after.key)) {
            Some(first) => self.changed(&first, after),
            None => self.told.late_rows += 1,
        }
    }

    fn difference(&self, before: &Reported, after: &Reported) -> Option<Difference> {
        let digits = minor_digits(before.currency.as_deref().or(after.currency.as_deref()));
        let money = |amount: Money| amount.text(digits);
        let was = |what: &str, was: &str, now: &str| format!("{what} was {was}, now {now}");
        let status = |row: &Reported| row.status.clone().unwrap_or_else(|| "none".to_owned());
        let (mut words, mut amounts, mut shift_only) = (Vec::new(), None, None);
        let is_over = matches!(before.status.as_deref(), Some("cancelled" | "declined"));
        if (is_booked(before) || is_over) && before.status != after.status {
            words.push(was("status", &status(before), &status(after)));
        }
        if is_booked(before) {
            if before.amount != after.amount {
                words.push(was("amount", &money(before.amount), &money(after.amount)));
                amounts = Some((before.amount, after.amount));
            }
            if let (Some(before), Some(after)) = (&before.currency, &after.currency)
                && before != after
            {
                words.push(was("currency", before, after));
            }
            if before.day != after.day {
                words.push(was("booking date", &before.day.to_string(), &after.day.to_string()));
            }
            if let Some((old, new)) = self.balances(before, after) {
                let shift = new.and_then(|new| new.checked_sub(old));
                shift_only = shift.filter(|_| words.is_empty());
                words.push(was("balance", &money(old), &new.map_or_else(|| "none".to_owned(), money)));
                amounts = amounts.or_else(|| new.map(|new| (old, new)));
            }
        }
        (!words.is_empty()).then_some(Difference { words, amounts, shift_only })
    }

    /// The balance as it was and is, when nothing else explains how it moves.
    fn balances(&self, before: &Reported, after: &Reported) -> Option<(Money, Option<Money>)> {
        let old = before.balance.filter(|_| self.known.is_chain)?;
        let Some(new) = after.balance else {
            return Some((old, None));
        };
        let is_explained = new.checked_sub(old).is_some_and(|shift| self.shifts.contains(&shift));
        (!is_explained).then_some((old, Some(new)))
    }

    /// Which closed days it moves.
    fn moved_closings(&self, from: Day) -> String {
        let mut moved = moved_closings(self.known.closings_before, self.known.closings_now);
        moved.retain(|day| *day >= from);
        match moved.as_slice() {
            [] => String::new(),
            [day] => format!("; the closing balance of {day} moves"),
            [first, .., last] => {
                format!("; the closing balances of {} days from {first} to {last} move", moved.len())
            }
        }
    }

    fn noun(&self) -> &'static str {
        if self.known.dataset.key.contains(&"internal_id") { "credit transfer" } else { "txid" }
    }

    fn subject(&self, key: &str) -> Subject {
        Subject::RowOf(self.known.dataset.name, key.to_owned())
    }

    fn id(&self, key: &str) -> String {
        self.blank(self.subject(key)).id()
    }

    fn blank(&self, subject: Subject) -> Break {
        Break {
            check: Check::Restatement,
            cause: Cause::Changed,
            owner: self.owner.clone(),
            subject,
            booking_date: None,
            currency: None,
            amounts: None,
            explanation: String::new(),
        }
    }

    fn tell(&mut self, first: Reported, cause: Cause, amounts: Option<(Money, Money)>, explanation: String) {
        let told = Break {
            cause,
            booking_date: Some(first.day),
            currency: first.currency.clone(),
            amounts,
            explanation,
            ..self.blank(self.subject(&first.key))
        };
        self.told.breaks.push((told, first));
    }

    fn finish(mut self) -> Restated {
        for (index, further) in self.by_shift.into_values().filter(|(_, further)| *further > 0) {
            let explanation = &mut self.told.breaks[index].0.explanation;
            *explanation = format!("{explanation}; the balances of {further} further rows move by the same");
        }
        self.told
    }
}
