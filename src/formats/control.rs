//! What a file must say when it is read back: taken from the rows and from the balances of the books, not from what the
//! writer was given. It is compared entry by entry, as a reader comes by them.

use super::statement::{Movement, OwnerBooks, Per, Period};
use crate::record::{BalanceRow, Money, Total};

/// What a reader found around the entries of a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// ISO 4217 code.
    pub currency: String,
    /// The opening balance.
    pub opening: Option<Money>,
    /// The closing balance.
    pub closing: Option<Money>,
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

/// Hears what a reader finds, in the order in which it stands in the file.
pub trait Listener {
    /// A statement begins.
    ///
    /// # Errors
    /// When there must be none.
    fn begins(&mut self) -> Result<(), String>;
    /// An entry of the statement that began last.
    ///
    /// # Errors
    /// When it is not the one that must come.
    fn entry(&mut self, entry: ToldEntry) -> Result<(), String>;
    /// The statement that began last is over.
    ///
    /// # Errors
    /// When entries are missing, or it does not say what it must.
    fn ends(&mut self, frame: Frame) -> Result<(), String>;
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

/// Compares what is read with the books; the first difference ends it.
pub struct Control<'a, R> {
    books: &'a OwnerBooks<'a, R>,
    spelling: &'a dyn Spelling,
    currency: String,
    /// How many statements there must be.
    count: usize,
    /// Those that must still come, with the places of their rows.
    periods: std::vec::IntoIter<(Period, Vec<usize>)>,
    open: Option<Open>,
}

/// The statement that is being read.
struct Open {
    period: Period,
    /// The rows that must still come.
    places: std::vec::IntoIter<usize>,
    seen: usize,
    credits: Total,
    debits: Total,
}

impl<'a, R: Movement> Control<'a, R> {
    /// Nothing has been read yet.
    ///
    /// # Errors
    /// When the books have no one currency, or a row that no statement would list.
    pub fn new(books: &'a OwnerBooks<'a, R>, spelling: &'a dyn Spelling) -> Result<Control<'a, R>, String> {
        let mut periods = books.listed_by_period(spelling.per());
        let listed = periods.iter().map(|(_, places)| places.len()).sum::<usize>();
        differs("rows in statements", &books.listed().count(), &listed)?;
        if !spelling.lists_pending() {
            for (_, places) in &mut periods {
                places.retain(|place| books.rows[*place].entry().moves);
            }
        }
        let count = periods.len();
        Ok(Control { books, spelling, currency: books.currency()?, count, periods: periods.into_iter(), open: None })
    }

    /// The file is over.
    ///
    /// # Errors
    /// When statements are missing.
    pub fn finish(self) -> Result<(), String> {
        if self.open.is_some() {
            return Err("expected the end of a statement, found the end of the file".to_owned());
        }
        differs("statements", &self.count, &(self.count - self.periods.len()))
    }

    /// What must come for a row.
    fn expected(&self, row: &R, period: &Period) -> ToldEntry {
        let entry = row.entry();
        let asserted = self.spelling.asserts_balances() && period.opening.is_some();
        ToldEntry {
            id: self.spelling.id(row.txid()),
            day: row.day().expect("a movement has a day").to_string(),
            amount: self.books.amount(row),
            pending: !entry.moves,
            balance_after: entry.balance.filter(|_| asserted && entry.moves),
            text: self.spelling.text(row.txid(), &self.books.text(row)),
        }
    }

    fn take(&self, open: &mut Open, found: &ToldEntry) -> Result<(), String> {
        let total = open.seen + open.places.len();
        let place = open.places.next().ok_or_else(|| format!("expected {total} entries, found more"))?;
        open.seen += 1;
        differs(&format!("entry {}", open.seen), &self.expected(&self.books.rows[place], &open.period), found)?;
        if !found.pending {
            let sum = if found.amount.is_negative() { &mut open.debits } else { &mut open.credits };
            sum.add(found.amount);
        }
        Ok(())
    }

    fn close(&self, open: &Open, found: &Frame) -> Result<(), String> {
        let Period { window, opening, closing } = open.period;
        differs("the number of entries", &(open.seen + open.places.len()), &open.seen)?;
        differs("the currency", &self.currency, &found.currency)?;
        differs("the opening balance", &opening, &found.opening)?;
        // Without the one the other says nothing.
        differs("the closing balance", &closing.filter(|_| opening.is_some()), &found.closing)?;
        let sums = (open.credits.to_money(), open.debits.to_money());
        // From the books' own days; none where a sum has more digits than an amount.
        let days = || self.books.balances.iter().filter(|day| window.contains(day.booking_date));
        let sum = |of: fn(&BalanceRow) -> Option<Money>| {
            let sum = days().map(of).try_fold(Total::default(), |mut sum, amount| {
                sum.add(amount?);
                Some(sum)
            });
            sum.and_then(Total::to_money)
        };
        let expected = (sum(|day| day.credits), sum(|day| day.debits));
        if expected.0.is_some() && expected.1.is_some() {
            differs("the sums of credits and debits", &expected, &sums)?;
        }
        match found.stated {
            Some((credits, debits)) => differs("the sums that the file states", &sums, &(Some(credits), Some(debits))),
            None => Ok(()),
        }
    }
}

impl<R: Movement> Listener for Control<'_, R> {
    fn begins(&mut self) -> Result<(), String> {
        if self.open.is_some() {
            return Err("expected the end of a statement, found the beginning of another".to_owned());
        }
        let next = self.periods.next();
        let (period, places) = next.ok_or_else(|| format!("expected {} statements, found more", self.count))?;
        let sums = (Total::default(), Total::default());
        self.open = Some(Open { period, places: places.into_iter(), seen: 0, credits: sums.0, debits: sums.1 });
        Ok(())
    }

    fn entry(&mut self, entry: ToldEntry) -> Result<(), String> {
        let mut open = self.open.take().ok_or("an entry outside a statement")?;
        self.take(&mut open, &entry).map_err(|error| at(&open.period, &error))?;
        self.open = Some(open);
        Ok(())
    }

    fn ends(&mut self, frame: Frame) -> Result<(), String> {
        let open = self.open.take().ok_or("the end of a statement that did not begin")?;
        self.close(&open, &frame).map_err(|error| at(&open.period, &error))
    }
}

fn at(period: &Period, error: &str) -> String {
    format!("{} to {}: {error}", period.window.from, period.window.to)
}

fn differs<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, found: &T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("expected {what} {expected:?}, found {found:?}")) }
}
