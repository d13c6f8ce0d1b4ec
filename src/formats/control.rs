//! What a file must say when it is read back: taken from the rows and from the balances of the books, not from what the
//! writer was given.

use super::statement::{Movement, OwnerBooks, Per};
use crate::record::{Money, Total, Window};

/// What a reader found in a file, or what it should find.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// ISO 4217 code.
    pub currency: String,
    /// The opening balance.
    pub opening: Option<Money>,
    /// The closing balance.
    pub closing: Option<Money>,
    /// The entries in order.
    pub entries: Vec<ToldEntry>,
    /// Sums of the settled credits and debits, where the file states them.
    pub stated: Option<(Money, Money)>,
}

/// An entry that a reader found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldEntry {
    /// Its id, as the format spells it.
    pub id: String,
    /// Its booking date, YYYY-MM-DD.
    pub day: String,
    /// Its amount.
    pub amount: Money,
    /// Whether it is announced and not booked.
    pub pending: bool,
    /// The balance asserted after it.
    pub balance_after: Option<Money>,
    /// Its text, as the format spells it.
    pub text: String,
}

/// What a format can say, and how it spells it.
pub trait Spelling {
    /// What a statement covers.
    fn per(&self) -> Per;
    /// Whether entries that are not booked are listed.
    fn lists_pending(&self) -> bool;
    /// Whether each entry carries the balance after it.
    fn asserts_balances(&self) -> bool {
        false
    }
    /// An id, as it stands in the file.
    fn id(&self, id: &str) -> String;
    /// The text of the entry of that id, as it stands in the file.
    fn text(&self, id: &str, text: &str) -> String;
}

/// A statement that must be found, with the sums that the books give.
#[derive(Debug)]
pub struct Expected {
    window: Window,
    told: Told,
    /// From the books' own days; `None` where a sum has more digits than an amount.
    credits: Option<Money>,
    debits: Option<Money>,
}

/// What the file of an owner must say.
///
/// # Errors
/// When the books have no one currency.
pub fn expected<R: Movement>(books: &OwnerBooks<'_, R>, spelling: &dyn Spelling) -> Result<Vec<Expected>, String> {
    let currency = books.currency()?;
    let periods = books.periods(spelling.per());
    Ok(periods
        .into_iter()
        .map(|period| {
            let within = |row: &&R| row.day().is_some_and(|day| period.window.contains(day));
            let listed = books.listed().filter(within).filter(|row| row.entry().moves || spelling.lists_pending());
            let asserted = spelling.asserts_balances() && period.opening.is_some();
            let entries = listed.map(|row| ToldEntry {
                id: spelling.id(row.txid()),
                day: row.day().expect("a movement has a day").to_string(),
                amount: books.amount(row),
                pending: !row.entry().moves,
                balance_after: row.entry().balance.filter(|_| asserted && row.entry().moves),
                text: spelling.text(row.txid(), &books.text(row)),
            });
            let days = || books.balances.iter().filter(|day| period.window.contains(day.booking_date));
            let sum = |of: fn(&crate::record::BalanceRow) -> Option<Money>| {
                days().map(of).try_fold(Total::default(), |mut sum, amount| {
                    sum.add(amount?);
                    Some(sum)
                })
            };
            Expected {
                window: period.window,
                credits: sum(|day| day.credits).and_then(Total::to_money),
                debits: sum(|day| day.debits).and_then(Total::to_money),
                told: Told {
                    currency: currency.clone(),
                    opening: period.opening,
                    // Without the one the other says nothing.
                    closing: period.closing.filter(|_| period.opening.is_some()),
                    entries: entries.collect(),
                    stated: None,
                },
            }
        })
        .collect())
}

/// Compares what was read back with what the books say; the error tells the first difference.
///
/// # Errors
/// When they differ.
pub fn compare(expected: &[Expected], found: &[Told]) -> Result<(), String> {
    differs("statements", &expected.len(), &found.len())?;
    for (expected, found) in expected.iter().zip(found) {
        compare_one(expected, found)
            .map_err(|error| format!("{} to {}: {error}", expected.window.from, expected.window.to))?;
    }
    Ok(())
}

fn compare_one(expected: &Expected, found: &Told) -> Result<(), String> {
    let (told, of) = (&expected.told, found);
    differs("the currency", &told.currency, &of.currency)?;
    differs("the opening balance", &told.opening, &of.opening)?;
    differs("the closing balance", &told.closing, &of.closing)?;
    differs("the number of entries", &told.entries.len(), &of.entries.len())?;
    for (place, (expected, found)) in told.entries.iter().zip(&of.entries).enumerate() {
        differs(&format!("entry {}", place + 1), expected, found)?;
    }
    let (mut credits, mut debits) = (Total::default(), Total::default());
    for entry in of.entries.iter().filter(|entry| !entry.pending) {
        if entry.amount.is_negative() { debits.add(entry.amount) } else { credits.add(entry.amount) }
    }
    let sums = (credits.to_money(), debits.to_money());
    let are_held = expected.credits.is_some() && expected.debits.is_some();
    if are_held {
        differs("the sums of credits and debits", &(expected.credits, expected.debits), &sums)?;
    }
    if let Some((credits, debits)) = of.stated {
        differs("the sums that the file states", &sums, &(Some(credits), Some(debits)))?;
    }
    Ok(())
}

fn differs<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("expected {what} {expected:?}, found {found:?}")) }
}
