//! A statement as accountants know it: an opening balance, the entries in the order of the chain, a closing balance.

use std::collections::HashMap;

use super::entries::{Entries, RowEntries};
use crate::breaks::{Break, Check, Subject};
use crate::reconcile::meaning::Fee;
use crate::reconcile::{Link, Meaning, Prior};
use crate::record::{BalanceRow, CardTransaction, Day, Money, Owner, OwnerKind, Row, Stamp, StatementLine, Window};
use crate::record::{minor_digits, money::Total};

/// The code of ISO 4217 that says: no currency is told.
pub const NO_CURRENCY: &str = "XXX";

/// What a file says of an owner for a span of days.
#[derive(Debug)]
pub struct Statement<'a> {
    /// Whose.
    pub owner: &'a Owner,
    /// ISO 4217 code; [`NO_CURRENCY`] where the provider tells none.
    pub currency: String,
    /// Decimals of the currency.
    pub digits: u8,
    /// Its days.
    pub window: Window,
    /// The balance before the first settled entry, where known.
    pub opening: Option<Money>,
    /// The balance after the last one, where known.
    pub closing: Option<Money>,
    /// In the order of the chain.
    pub entries: Box<dyn Entries + 'a>,
    /// Breaks that no entry of it carries.
    pub breaks: Vec<String>,
}

/// A row that can be an entry.
pub trait Movement: Row + Link {
    /// All that it says in words, on one line.
    fn words(&self) -> Vec<String>;
    /// When it was executed.
    fn executed_at(&self) -> Option<Stamp> {
        None
    }
    /// IBAN and BIC of the other side.
    fn counterparty(&self) -> (Option<&str>, Option<&str>) {
        (None, None)
    }
    /// What the merchant was paid.
    fn instructed(&self) -> Option<(Money, &str)> {
        None
    }
}

impl Movement for StatementLine<'_> {
    fn words(&self) -> Vec<String> {
        let named = |name: &str, text: &Option<_>| text.as_ref().map(|text| format!("{name} {text}"));
        let plain = [&self.description, &self.comment].into_iter().filter_map(|text| text.as_deref());
        plain
            .map(str::to_owned)
            .chain(named("IBAN", &self.counterparty_iban))
            .chain(named("BIC", &self.counterparty_bic))
            .chain(named("virtual IBAN", &self.virtual_iban))
            .collect()
    }

    fn executed_at(&self) -> Option<Stamp> {
        self.executed_at
    }

    fn counterparty(&self) -> (Option<&str>, Option<&str>) {
        (self.counterparty_iban.as_deref(), self.counterparty_bic.as_deref())
    }
}

impl Movement for CardTransaction<'_> {
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.description.iter().map(ToString::to_string).collect();
        words.extend(self.mcc.as_ref().map(|mcc| format!("MCC {mcc}")));
        let own = self.currency.as_deref();
        if let Some((amount, currency)) = self.instructed().filter(|(_, currency)| Some(*currency) != own) {
            words.push(format!("{currency} {}", amount.text(minor_digits(Some(currency)))));
        }
        words
    }

    fn instructed(&self) -> Option<(Money, &str)> {
        self.amount_fx.zip(self.currency_fx.as_deref())
    }
}

/// An owner's books, from which statements are made and against which they are read back.
#[derive(Debug)]
pub struct OwnerBooks<'a, R> {
    /// Whose.
    pub owner: &'a Owner,
    /// The days asked for.
    pub window: Window,
    /// All rows, in chain order.
    pub rows: &'a [R],
    /// A row a day that has settled rows.
    pub balances: &'a [BalanceRow],
    /// Breaks of its own chain.
    pub breaks: &'a [Break],
    /// Rows that could not be taken: they are missing here.
    pub rejected: usize,
    /// What the provider means by a fee.
    pub meaning: Meaning,
    /// Its closing before the window.
    pub prior: Option<Prior>,
}

/// A break that speaks of no row: its day, where it has one, and its sentence.
type Unplaced = (Option<Day>, String);

/// What a statement covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// The whole window.
    #[default]
    Window,
    /// A day that has entries.
    Day,
}

impl Per {
    /// As a job file names them.
    pub const NAMES: [(&'static str, Per); 2] = [("window", Per::Window), ("day", Per::Day)];
}

/// A statement's days with its balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub(super) window: Window,
    pub(super) opening: Option<Money>,
    pub(super) closing: Option<Money>,
}

impl<R: Movement> OwnerBooks<'_, R> {
    /// The currency of the books.
    ///
    /// # Errors
    /// Where they have several, or one that ISO 4217 could not know.
    pub fn currency(&self) -> Result<String, String> {
        let mut codes = self.listed().filter_map(|row| row.currency());
        let Some(first) = codes.next() else {
            return Ok(self.balances.iter().find_map(|day| day.currency.clone()).unwrap_or(NO_CURRENCY.to_owned()));
        };
        if let Some(other) = codes.find(|code| *code != first) {
            return Err(format!("{} has rows in {first} and in {other}: a statement has one currency", self.owner));
        }
        if first.len() != 3 || !first.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(format!("{} is in \"{first}\": a currency is three large letters", self.owner));
        }
        Ok(first.to_owned())
    }

    /// The rows that statements list: settled ones, and those that are announced.
    pub fn listed(&self) -> impl Iterator<Item = &R> {
        self.rows.iter().filter(|row| row.entry().moves || row.is_pending())
    }

    /// What moves the balance when the row settles.
    pub fn amount(&self, row: &R) -> Money {
        let amounts = row.amounts();
        match self.meaning.fee() {
            Fee::Included => amounts.amount,
            fee @ Fee::Extra(_) => {
                let digits = minor_digits(self.balances.first().and_then(|day| day.currency.as_deref()));
                amounts.effect(fee, digits).unwrap_or(amounts.amount)
            }
        }
    }

    /// All that a row says, in a line; where a fee comes on top of its amount, that too.
    pub fn text(&self, row: &R) -> String {
        let mut words = row.words();
        let (sent, moved) = (row.entry().amount, self.amount(row));
        if let Some(fee) = sent.checked_sub(moved).filter(|fee| *fee != Money::ZERO) {
            words.push(format!("{sent} and a fee of {fee}"));
        }
        words.retain(|word| !word.is_empty());
        words.join(" / ")
    }

    /// The statements' days and balances, in order.
    pub fn periods(&self, per: Per) -> Vec<Period> {
        let prior = self.prior.map(|prior| prior.closing);
        let opening = self.balances.first().map_or(prior, |day| day.opening);
        let days: Vec<Day> = match per {
            Per::Window => Vec::new(),
            Per::Day => {
                let mut days: Vec<Day> = self.listed().filter_map(Row::day).collect();
                days.sort_unstable();
                days.dedup();
                days
            }
        };
        if days.is_empty() {
            let closing = self.balances.last().map_or(prior, |day| day.closing);
            return vec![Period { window: self.window, opening, closing }];
        }
        let mut standing = opening;
        days.into_iter()
            .map(|day| {
                let window = Window { from: day, to: day };
                let booked = self.balances.iter().find(|balance| balance.booking_date == day);
                let (opening, closing) = booked.map_or((standing, standing), |day| (day.opening, day.closing));
                standing = closing;
                Period { window, opening, closing }
            })
            .collect()
    }

    /// The rows that each statement lists, by their place among all of them, in the order of the chain.
    pub(super) fn listed_by_period(&self, per: Per) -> Vec<(Period, Vec<usize>)> {
        let is_listed = |row: &R| row.entry().moves || row.is_pending();
        let mut places: Vec<usize> = (0..self.rows.len()).filter(|place| is_listed(&self.rows[*place])).collect();
        let day = |place: &usize| self.rows[*place].day();
        if per == Per::Day {
            // Stable: those of one day stay in order.
            places.sort_by_key(day);
        }
        let within = |period: &Period| match per {
            Per::Window => places.clone(),
            Per::Day => {
                let first = places.partition_point(|place| day(place) < Some(period.window.from));
                let end = places.partition_point(|place| day(place) <= Some(period.window.to));
                places[first..end].to_vec()
            }
        };
        self.periods(per).into_iter().map(|period| (period, within(&period))).collect()
    }

    /// The statements. Their entries are made of the rows one by one, whenever they are asked for.
    ///
    /// # Errors
    /// Where the books have no one currency.
    pub fn statements(&self, per: Per) -> Result<Vec<Statement<'_>>, String> {
        let currency = self.currency()?;
        let digits = minor_digits(Some(&currency));
        let (mut placed, mut unplaced) = self.placed_breaks();
        let periods = self.listed_by_period(per);
        let last = periods.len() - 1;
        let statement = |(index, (period, places)): (usize, (Period, Vec<usize>))| {
            let inside = |day: Option<Day>| day.map_or(index == last, |day| period.window.contains(day));
            let breaks: HashMap<usize, Vec<String>> = if placed.is_empty() {
                HashMap::new()
            } else {
                places.iter().filter_map(|place| Some((*place, placed.remove(place)?))).collect()
            };
            Statement {
                owner: self.owner,
                currency: currency.clone(),
                digits,
                window: period.window,
                opening: period.opening,
                closing: period.closing,
                entries: Box::new(RowEntries::new(self, places, breaks)),
                breaks: unplaced.extract_if(.., |(day, _)| inside(*day) || index == last).map(|each| each.1).collect(),
            }
        };
        Ok(periods.into_iter().enumerate().map(statement).collect())
    }

    /// The breaks' sentences by the row that they speak of, and those that speak of no row.
    fn placed_breaks(&self) -> (HashMap<usize, Vec<String>>, Vec<Unplaced>) {
        // The first and the last row of each id that a break names.
        let mut named: HashMap<&str, Option<(usize, usize)>> =
            self.breaks.iter().filter_map(|found| Some((txid_of(found)?, None))).collect();
        if !named.is_empty() {
            for (place, row) in self.rows.iter().enumerate().filter(|(_, row)| row.entry().moves || row.is_pending()) {
                if let Some(known) = named.get_mut(row.txid()) {
                    *known = Some((known.map_or(place, |(first, _)| first), place));
                }
            }
        }
        let (mut placed, mut unplaced) = (HashMap::<usize, Vec<String>>::new(), Vec::new());
        for found in self.breaks {
            match txid_of(found).and_then(|txid| named[txid]) {
                // Where an id stands twice and that is the break, it speaks of the last.
                Some((first, last)) => {
                    let place = if found.check == Check::Duplicate { last } else { first };
                    placed.entry(place).or_default().push(sentence(found));
                }
                None => unplaced.push((found.booking_date, sentence(found))),
            }
        }
        if self.rejected > 0 {
            unplaced.push((None, format!("rows that could not be taken, see rejects.csv: {}", self.rejected)));
        }
        (placed, unplaced)
    }
}

impl Statement<'_> {
    /// Count and sums of the settled entries: credits, debits.
    pub fn sums(&self) -> (usize, usize, Total, Total) {
        let (mut credits, mut debits) = (Total::default(), Total::default());
        let mut counts = (0, 0);
        self.entries.each_amount(&mut |moved| {
            if moved.pending {
            } else if moved.amount.is_negative() {
                debits.add(moved.amount);
                counts.1 += 1;
            } else {
                credits.add(moved.amount);
                counts.0 += 1;
            }
        });
        (counts.0, counts.1, credits, debits)
    }

    /// An amount with the currency's decimals, or more where they are needed.
    pub fn money(&self, amount: Money) -> String {
        amount.text(self.digits)
    }

    /// Every break stated in it, those of its entries included.
    pub fn all_breaks(&self) -> Vec<&str> {
        // What is not at a row comes first: a field that is cut off holds it, and the others stand at their rows as well.
        let mut all: Vec<&str> = self.breaks.iter().map(String::as_str).collect();
        all.extend(self.entries.breaks());
        all
    }
}

/// Whether the owner is a card.
pub fn is_card(owner: &Owner) -> bool {
    owner.kind == OwnerKind::Card
}

/// The id of the row that a break of a chain speaks of.
fn txid_of(found: &Break) -> Option<&str> {
    match &found.subject {
        Subject::Row(txid) | Subject::RowOf(_, txid) if found.check != Check::ClosingBalance => Some(txid),
        _ => None,
    }
}

fn sentence(found: &Break) -> String {
    let digits = minor_digits(found.currency.as_deref());
    let amounts = found.amounts.map_or(String::new(), |(expected, actual)| {
        format!("expected {}, found {}; ", expected.text(digits), actual.text(digits))
    });
    let (id, check) = (found.id(), found.check.name());
    format!("break {id} ({check}): {amounts}{}", found.explanation)
}
