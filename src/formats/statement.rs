//! A statement as accountants know it: an opening balance, the entries in the order of the chain, a closing balance.

use crate::breaks::{Break, Check, Subject};
use crate::reconcile::meaning::Fee;
use crate::reconcile::{Entry, Link, Meaning, Prior};
use crate::record::{BalanceRow, CardTransaction, Day, Money, Owner, OwnerKind, Row, Stamp, StatementLine, Window};
use crate::record::{minor_digits, money::Total};

/// The code of ISO 4217 that says: no currency is told.
pub const NO_CURRENCY: &str = "XXX";

/// What a file says of an owner for a span of days.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Whose.
    pub owner: Owner,
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
    pub entries: Vec<StatementEntry>,
    /// Breaks that no entry of it carries.
    pub breaks: Vec<String>,
}

/// An entry of a statement.
#[derive(Debug, Clone)]
pub struct StatementEntry {
    /// The provider's txid.
    pub id: String,
    /// The booking date.
    pub day: Day,
    /// When it was booked.
    pub booked_at: Stamp,
    /// When it was executed, where the provider says so; the booking date otherwise.
    pub value_day: Day,
    /// What moves the balance: credit positive, debit negative.
    pub amount: Money,
    /// Announced and not booked: it moves no balance.
    pub pending: bool,
    /// The balance after it, as the provider states it.
    pub balance_after: Option<Money>,
    /// All texts.
    pub text: String,
    /// IBAN of the other side.
    pub counterparty_iban: Option<String>,
    /// BIC of the other side.
    pub counterparty_bic: Option<String>,
    /// What the merchant was paid, where its currency is told.
    pub instructed: Option<(Money, String)>,
    /// The breaks found at it, a sentence each.
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

    /// The statements.
    ///
    /// # Errors
    /// Where the books have no one currency.
    pub fn statements(&self, per: Per) -> Result<Vec<Statement>, String> {
        let currency = self.currency()?;
        let digits = minor_digits(Some(&currency));
        let mut entries: Vec<StatementEntry> = self.listed().map(|row| self.entry(row)).collect();
        let mut unplaced = Vec::new();
        for found in self.breaks {
            match place_of(found, &entries) {
                Some(index) => entries[index].breaks.push(sentence(found)),
                None => unplaced.push((found.booking_date, sentence(found))),
            }
        }
        if self.rejected > 0 {
            unplaced.push((None, format!("rows that could not be taken, see rejects.csv: {}", self.rejected)));
        }
        let periods = self.periods(per);
        let last = periods.len() - 1;
        let statement = |(index, period): (usize, Period)| {
            let inside = |day: Option<Day>| day.map_or(index == last, |day| period.window.contains(day));
            Statement {
                owner: self.owner.clone(),
                currency: currency.clone(),
                digits,
                window: period.window,
                opening: period.opening,
                closing: period.closing,
                entries: entries.extract_if(.., |entry| period.window.contains(entry.day)).collect(),
                breaks: unplaced.extract_if(.., |(day, _)| inside(*day) || index == last).map(|each| each.1).collect(),
            }
        };
        Ok(periods.into_iter().enumerate().map(statement).collect())
    }

    fn entry(&self, row: &R) -> StatementEntry {
        let Entry { at, balance, moves, .. } = row.entry();
        let (iban, bic) = row.counterparty();
        StatementEntry {
            id: row.txid().to_owned(),
            day: at.day(),
            booked_at: at,
            value_day: row.executed_at().map_or(at.day(), Stamp::day),
            amount: self.amount(row),
            pending: !moves,
            balance_after: balance,
            text: self.text(row),
            counterparty_iban: iban.map(str::to_owned),
            counterparty_bic: bic.map(str::to_owned),
            instructed: row.instructed().map(|(amount, currency)| (amount, currency.to_owned())),
            breaks: Vec::new(),
        }
    }
}

impl Statement {
    /// Count and sums of the settled entries: credits, debits.
    pub fn sums(&self) -> (usize, usize, Total, Total) {
        let (mut credits, mut debits) = (Total::default(), Total::default());
        let mut counts = (0, 0);
        for entry in self.entries.iter().filter(|entry| !entry.pending) {
            if entry.amount.is_negative() {
                debits.add(entry.amount);
                counts.1 += 1;
            } else {
                credits.add(entry.amount);
                counts.0 += 1;
            }
        }
        (counts.0, counts.1, credits, debits)
    }

    /// An amount with the currency's decimals, or more where they are needed.
    pub fn money(&self, amount: Money) -> String {
        amount.text(self.digits)
    }

    /// Every break stated in it, those of its entries included.
    pub fn all_breaks(&self) -> Vec<&str> {
        let at_entries = self.entries.iter().flat_map(|entry| &entry.breaks);
        at_entries.chain(&self.breaks).map(String::as_str).collect()
    }
}

/// Whether the owner is a card.
pub fn is_card(owner: &Owner) -> bool {
    owner.kind == OwnerKind::Card
}

/// The entry that a break speaks of: where an id stands twice and that is the break, the second.
fn place_of(found: &Break, entries: &[StatementEntry]) -> Option<usize> {
    let (Subject::Row(txid) | Subject::RowOf(_, txid)) = &found.subject else { return None };
    let is_it = |entry: &StatementEntry| entry.id == *txid;
    if found.check == Check::ClosingBalance {
        return None;
    }
    if found.check == Check::Duplicate { entries.iter().rposition(is_it) } else { entries.iter().position(is_it) }
}

fn sentence(found: &Break) -> String {
    let digits = minor_digits(found.currency.as_deref());
    let amounts = found.amounts.map_or(String::new(), |(expected, actual)| {
        format!("expected {}, found {}; ", expected.text(digits), actual.text(digits))
    });
    let (id, check) = (found.id(), found.check.name());
    format!("break {id} ({check}): {amounts}{}", found.explanation)
}
