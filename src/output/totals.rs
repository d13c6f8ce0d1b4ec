//! Control totals: what a file's rows sum up to, so that whoever loads it can tell that all of it arrived.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal64Type};
use arrow_array::{Array, Decimal64Array, RecordBatch};
use serde::{Deserialize, Serialize};

use crate::record::{CellSink, Dataset, Day, Money, Rate, Row, Stamp, Total, minor_digits};

/// What the rows of a file sum up to. Every row counts, whatever its status: these are totals of a file, not balances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows.
    pub rows: u64,
    /// The first booking date, if any row has one.
    pub first_day: Option<Day>,
    /// The last booking date, if any row has one.
    pub last_day: Option<Day>,
    /// Sums of each currency, for datasets that have amounts.
    sums: Vec<Sums>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Sums {
    currency: Option<String>,
    credits: Total,
    debits: Total,
    /// Of datasets whose rows are balances.
    balances: Option<Balances>,
}

/// Sums of opening and closing balances; none once a row does not state its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Balances {
    opening: Option<Total>,
    closing: Option<Total>,
}

impl Balances {
    /// Of no rows.
    const NONE_YET: Balances = Balances { opening: Some(Total::ZERO), closing: Some(Total::ZERO) };

    fn add(&mut self, other: Balances) {
        let sum = |a: Option<Total>, b: Option<Total>| {
            a.zip(b).map(|(mut a, b)| {
                a.add_total(b);
                a
            })
        };
        self.opening = sum(self.opening, other.opening);
        self.closing = sum(self.closing, other.closing);
    }
}

/// The sums of one currency, as decimal texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyTotals {
    /// ISO 4217 code, null where the rows carry none.
    pub currency: Option<String>,
    /// Sum of the positive amounts.
    pub credits: String,
    /// Sum of the negative amounts; not positive.
    pub debits: String,
    /// Their sum.
    pub net: String,
    /// Of the balances of one day: what its owners' opening balances sum up to, if all are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<String>,
    /// As `opening`, of the closing balances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<String>,
}

impl Totals {
    /// Adds the rows of another file or part.
    pub fn add(&mut self, other: &Totals) {
        self.rows += other.rows;
        self.first_day = self.first_day.into_iter().chain(other.first_day).min();
        self.last_day = self.last_day.into_iter().chain(other.last_day).max();
        for sums in &other.sums {
            let slot = self.slot(sums.currency.as_deref());
            self.sums[slot].credits.add_total(sums.credits);
            self.sums[slot].debits.add_total(sums.debits);
            if let Some(balances) = sums.balances {
                self.sums[slot].balances.get_or_insert(Balances::NONE_YET).add(balances);
            }
        }
    }

    /// So many rows without amounts.
    pub(crate) fn of_rows(rows: u64) -> Totals {
        Totals { rows, ..Totals::default() }
    }

    /// Adds a row of which the amount, its currency and its day are known.
    pub(crate) fn count(&mut self, currency: &str, amount: Money, day: Day) {
        self.rows += 1;
        self.count_day(day);
        let slot = self.slot(Some(currency));
        let sums = &mut self.sums[slot];
        if amount.is_negative() { sums.debits.add(amount) } else { sums.credits.add(amount) }
    }

    fn count_day(&mut self, day: Day) {
        self.first_day = Some(self.first_day.map_or(day, |first| first.min(day)));
        self.last_day = Some(self.last_day.map_or(day, |last| last.max(day)));
    }

    /// The sums, ordered by currency.
    pub fn by_currency(&self) -> Vec<CurrencyTotals> {
        let mut ordered: Vec<&Sums> = self.sums.iter().collect();
        ordered.sort_by(|a, b| a.currency.cmp(&b.currency));
        // Balances of several days sum up to nothing.
        let is_one_day = self.first_day.is_some() && self.first_day == self.last_day;
        ordered.into_iter().map(|sums| sums.texts(is_one_day)).collect()
    }

    /// Where the sums of a currency stand. Files hold few currencies, and rows of one follow each other.
    fn slot(&mut self, currency: Option<&str>) -> usize {
        if let Some(slot) = self.sums.iter().position(|sums| sums.currency.as_deref() == currency) {
            return slot;
        }
        self.sums.push(Sums { currency: currency.map(str::to_owned), ..Sums::default() });
        self.sums.len() - 1
    }
}

impl Sums {
    fn texts(&self, is_one_day: bool) -> CurrencyTotals {
        let digits = minor_digits(self.currency.as_deref());
        let mut net = self.credits;
        net.add_total(self.debits);
        let balances = self.balances.filter(|_| is_one_day);
        CurrencyTotals {
            currency: self.currency.clone(),
            credits: self.credits.text(digits),
            debits: self.debits.text(digits),
            net: net.text(digits),
            opening: balances.and_then(|balances| balances.opening).map(|sum| sum.text(digits)),
            closing: balances.and_then(|balances| balances.closing).map(|sum| sum.text(digits)),
        }
    }
}

/// Sums up rows cell by cell.
#[derive(Debug)]
pub(super) struct Summing {
    roles: Roles,
    totals: Totals,
    /// The cell that comes next.
    at: usize,
    row: PendingRow,
}

/// What is known of the row whose cells are coming in.
#[derive(Debug, Clone, Copy, Default)]
struct PendingRow {
    credits: Money,
    debits: Money,
    opening: Option<Money>,
    closing: Option<Money>,
    slot: Option<usize>,
}

/// Which columns count.
#[derive(Debug, Clone, Copy)]
struct Roles {
    width: usize,
    /// Signed amounts.
    amount: Option<usize>,
    /// Sums of credits and debits, in datasets that have them in place of amounts.
    credits: Option<usize>,
    debits: Option<usize>,
    /// Balances of a day.
    opening: Option<usize>,
    closing: Option<usize>,
    currency: Option<usize>,
    day: Option<usize>,
}

impl Roles {
    fn of(dataset: &Dataset) -> Roles {
        let named = |name| dataset.columns.iter().position(|column| column.name == name);
        let (amount, credits, debits) = (named("amount"), named("credits"), named("debits"));
        let has_sums = amount.is_some() || credits.is_some();
        Roles {
            width: dataset.columns.len(),
            amount,
            credits,
            debits,
            opening: named("opening"),
            closing: named("closing"),
            currency: named("currency").filter(|_| has_sums),
            day: named("booking_date"),
        }
    }
}

impl Summing {
    pub(super) fn new(dataset: &Dataset) -> Summing {
        Summing { roles: Roles::of(dataset), totals: Totals::default(), at: 0, row: PendingRow::default() }
    }

    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Adds a whole row, by what it says of itself.
    pub(super) fn add_row(&mut self, row: &impl Row) {
        self.totals.rows += 1;
        if let Some(day) = row.day() {
            self.totals.count_day(day);
        }
        if let Some(sums) = row.sums() {
            self.row.slot = Some(self.totals.slot(sums.currency));
            (self.row.credits, self.row.debits) = (sums.credits, sums.debits);
            (self.row.opening, self.row.closing) = (sums.opening, sums.closing);
            self.take_row();
        }
    }

    /// Adds the rows of a batch.
    pub(super) fn add_batch(&mut self, batch: &RecordBatch) {
        self.totals.rows += batch.num_rows() as u64;
        let column = |place: Option<usize>| place.map(|place| batch.column(place));
        if let Some(days) = column(self.roles.day).map(AsArray::as_primitive::<Date32Type>) {
            let ends = [days.iter().flatten().min(), days.iter().flatten().max()];
            ends.into_iter().flatten().filter_map(Day::from_epoch_days).for_each(|day| self.totals.count_day(day));
        }
        let Some(currencies) = column(self.roles.currency).map(AsArray::as_string::<i32>) else {
            return;
        };
        let amounts = |place| column(place).map(AsArray::as_primitive::<Decimal64Type>);
        let [amount, credits, debits] = [self.roles.amount, self.roles.credits, self.roles.debits].map(amounts);
        let [opening, closing] = [self.roles.opening, self.roles.closing].map(amounts);
        let money = |amounts: Option<&Decimal64Array>, row: usize| {
            Money::from_unscaled(amounts.filter(|amounts| amounts.is_valid(row))?.value(row))
        };
        for row in 0..batch.num_rows() {
            let currency = currencies.is_valid(row).then(|| currencies.value(row));
            self.row.slot = Some(self.totals.slot(currency));
            let amount = money(amount, row).unwrap_or_default();
            let signed = if amount.is_negative() { (Money::ZERO, amount) } else { (amount, Money::ZERO) };
            self.row.credits = money(credits, row).unwrap_or(signed.0);
            self.row.debits = money(debits, row).unwrap_or(signed.1);
            (self.row.opening, self.row.closing) = (money(opening, row), money(closing, row));
            self.take_row();
        }
    }

    fn pass(&mut self) {
        self.at += 1;
        if self.at < self.roles.width {
            return;
        }
        self.at = 0;
        self.totals.rows += 1;
        self.take_row();
    }

    /// Adds the amounts of the row at hand.
    fn take_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        if let Some(slot) = row.slot {
            self.totals.sums[slot].credits.add(row.credits);
            self.totals.sums[slot].debits.add(row.debits);
            if self.roles.opening.is_some() {
                let total = |money: Option<Money>| money.map(Total::from);
                let balances = Balances { opening: total(row.opening), closing: total(row.closing) };
                self.totals.sums[slot].balances.get_or_insert(Balances::NONE_YET).add(balances);
            }
        }
    }
}

impl CellSink for Summing {
    fn text(&mut self, value: Option<&str>) {
        if self.roles.currency == Some(self.at) {
            self.row.slot = Some(self.totals.slot(value));
        }
        self.pass();
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        let at = Some(self.at);
        if self.roles.opening == at {
            self.row.opening = value;
        } else if self.roles.closing == at {
            self.row.closing = value;
        }
        let value = value.unwrap_or_default();
        if self.roles.credits == at || self.roles.amount == at && !value.is_negative() {
            self.row.credits = value;
        } else if self.roles.debits == at || self.roles.amount == at {
            self.row.debits = value;
        }
        self.pass();
    }

    fn rate(&mut self, _value: Option<Rate>) {
        self.pass();
    }

    fn date(&mut self, value: Option<Day>) {
        if self.roles.day == Some(self.at)
            && let Some(day) = value
        {
            self.totals.count_day(day);
        }
        self.pass();
    }

    fn time(&mut self, _value: Option<Stamp>) {
        self.pass();
    }

    fn count(&mut self, _value: i64) {
        self.pass();
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{replay, rows};
    use super::*;
    use crate::record::dataset::{BALANCES, CARD_TRANSACTIONS};

    fn statement(currency: Option<&str>, amounts: &[&str]) -> Totals {
        let mut summing = Summing::new(&crate::record::dataset::ACCOUNT_STATEMENTS);
        for amount in amounts {
            let mut line = super::super::samples::statement_line(crate::record::Feed::AccountStatements, true);
            line.amount = Money::parse(amount).expect("an amount");
            line.currency = currency.map(|code| code.to_owned().into());
            crate::record::Row::write_cells(&line, &mut summing);
        }
        summing.totals().clone()
    }

    #[test]
    fn rows_their_cells_and_their_columns_sum_up_to_the_same() {
        for dataset in crate::record::dataset::ALL {
            let (mut by_cells, mut by_columns) = (Summing::new(dataset), Summing::new(dataset));
            let mut columns = super::super::columns::Columns::new(dataset);
            for (_, cells) in rows().iter().filter(|(each, _)| std::ptr::eq(*each, dataset)) {
                replay(cells, &mut by_cells);
                replay(cells, &mut columns);
            }
            by_columns.add_batch(&columns.take().expect("texts"));
            assert_eq!(by_columns.totals(), by_cells.totals(), "{}", dataset.name);
        }
        for full in [true, false] {
            let card = super::super::samples::card_transaction(full);
            let line = super::super::samples::statement_line(crate::record::Feed::AccountStatements, full);
            assert_eq!(by_row(&card), by_its_cells(&card));
            assert_eq!(by_row(&line), by_its_cells(&line));
        }
    }

    fn by_row(row: &impl Row) -> Totals {
        let mut summing = Summing::new(row.dataset());
        summing.add_row(row);
        summing.totals().clone()
    }

    fn by_its_cells(row: &impl Row) -> Totals {
        let mut summing = Summing::new(row.dataset());
        row.write_cells(&mut summing);
        summing.totals().clone()
    }

    #[test]
    fn sums_are_by_currency_and_exact() {
        let mut totals = statement(Some("USD"), &["99999999999999.9999", "99999999999999.9999", "-0.01"]);
        totals.add(&statement(Some("EUR"), &["-1", "2.5"]));
        totals.add(&statement(None, &["3"]));
        totals.add(&statement(Some("EUR"), &["-1"]));
        assert_eq!(totals.rows, 7);
        let sums: Vec<_> = totals.by_currency().into_iter().map(|s| (s.currency, s.credits, s.debits, s.net)).collect();
        let sum = |code: Option<&str>, texts: [&str; 3]| {
            let [credits, debits, net] = texts.map(str::to_owned);
            (code.map(str::to_owned), credits, debits, net)
        };
        assert_eq!(
            sums,
            [
                sum(None, ["3.00", "0.00", "3.00"]),
                sum(Some("EUR"), ["2.50", "-2.00", "0.50"]),
                sum(Some("USD"), ["199999999999999.9998", "-0.01", "199999999999999.9898"]),
            ]
        );
    }

    #[test]
    fn balances_bring_their_own_sums() {
        let mut summing = Summing::new(&BALANCES);
        for (_, cells) in rows().iter().filter(|(dataset, _)| std::ptr::eq(*dataset, &raw const BALANCES)) {
            replay(cells, &mut summing);
        }
        let euro = &summing.totals().by_currency()[1];
        assert_eq!((euro.credits.as_str(), euro.debits.as_str(), euro.net.as_str()), ("5.00", "-3.00", "2.00"));
    }

    #[test]
    fn openings_and_closings_of_a_day_are_summed_where_all_are_known() {
        let of = |currency: &str, places: &[bool]| {
            let mut summing = Summing::new(&BALANCES);
            for (dataset, cells) in rows().iter().filter(|(dataset, _)| std::ptr::eq(*dataset, &raw const BALANCES)) {
                let is_full = cells.contains(&super::super::samples::Cell::Text(Some("EUR".to_owned())));
                assert_eq!(dataset.columns[4].name, "opening");
                for _ in places.iter().filter(|full| **full == is_full) {
                    replay(cells, &mut summing);
                }
            }
            let totals = summing.totals().by_currency();
            let found = totals.into_iter().find(|sums| sums.currency.as_deref().unwrap_or_default() == currency);
            found.map(|sums| (sums.opening, sums.closing)).expect("a currency")
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(of("EUR", &[true, true]), (text("20.00"), text("24.00")));
        assert_eq!(of("", &[false]), (None, None));
    }

    #[test]
    fn days_span_the_rows() {
        let mut summing = Summing::new(&CARD_TRANSACTIONS);
        assert_eq!(summing.totals().first_day, None);
        for days in [3, -2, 7] {
            let mut row = super::super::samples::card_transaction(false);
            row.booked_at = Stamp::new(days * 86_400_000_000, 0);
            crate::record::Row::write_cells(&row, &mut summing);
        }
        let span = [summing.totals().first_day, summing.totals().last_day].map(|day| day.map(Day::epoch_days));
        assert_eq!(span, [Some(-2), Some(7)]);
    }
}
