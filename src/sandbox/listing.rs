//! A listing: rows in the order in which they are shown, cut into pages.

use std::cell::RefCell;

use super::books::ListedRow;
use super::config::{Behaviour, DateField, Order};
use super::generator::Random;
use crate::record::Day;

/// Rows in the order in which they are listed.
#[derive(Debug)]
pub(super) struct Listing {
    rows: Vec<ListedRow>,
    order: Order,
    /// Where the rows stand that the last date filter admitted: the pages of a listing are asked for one after the other.
    admitted: RefCell<Option<(Dates, Vec<usize>)>>,
}

/// A date filter.
type Dates = (Option<Day>, Option<Day>, DateField, bool);

/// Which rows are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub date_start: Option<Day>,
    pub date_end: Option<Day>,
    pub date_field: DateField,
    pub date_end_excluded: bool,
    pub limit_start: usize,
    pub limit_number: usize,
    /// Set when the page is to be cut from another order than usual.
    pub reorder: Option<u64>,
}

/// A page, and how many rows there are beside it.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub rows: Vec<&'a ListedRow>,
    /// Rows that pass the date filter.
    pub filtered: usize,
    /// All rows.
    pub all: usize,
}

impl Ask {
    /// All rows.
    pub(super) const ALL: Ask = Ask {
        date_start: None,
        date_end: None,
        date_field: DateField::Date,
        date_end_excluded: false,
        limit_start: 0,
        limit_number: usize::MAX,
        reorder: None,
    };

    fn has_dates(&self) -> bool {
        self.date_start.is_some() || self.date_end.is_some()
    }

    fn dates(&self) -> Dates {
        (self.date_start, self.date_end, self.date_field, self.date_end_excluded)
    }

    /// A row without a day passes every filter.
    fn admits(&self, row: &ListedRow) -> bool {
        let day = if self.date_field == DateField::Date { row.booked } else { row.transacted };
        let Some(day) = day else { return true };
        let before_end = |end: Day| if self.date_end_excluded { day < end } else { day <= end };
        self.date_start.is_none_or(|start| start <= day) && self.date_end.is_none_or(before_end)
    }
}

impl Listing {
    /// Puts rows that come oldest first into the order of the behaviour. `part` tells shuffled listings apart.
    pub(super) fn new(mut rows: Vec<ListedRow>, behaviour: &Behaviour, part: u64) -> Self {
        match behaviour.order {
            Order::Oldest => {}
            Order::Newest => rows.reverse(),
            Order::Shuffled => Random::for_part(behaviour.seed, part).shuffle(&mut rows),
        }
        Self { rows, order: behaviour.order, admitted: RefCell::default() }
    }

    /// Cuts a page.
    pub(super) fn page(&self, ask: &Ask) -> Page<'_> {
        let all = self.rows.len();
        if !ask.has_dates() && ask.reorder.is_none() {
            let from = ask.limit_start.min(all);
            let to = ask.limit_start.saturating_add(ask.limit_number).min(all);
            return Page { rows: self.rows[from..to].iter().collect(), filtered: all, all };
        }
        let mut kept = self.admitted.borrow_mut();
        if kept.as_ref().is_none_or(|(dates, _)| *dates != ask.dates()) {
            let admitted = self.rows.iter().enumerate().filter(|(_, row)| ask.admits(row)).map(|(at, _)| at);
            *kept = Some((ask.dates(), admitted.collect()));
        }
        let (_, admitted) = kept.as_ref().expect("just kept");
        let filtered = admitted.len();
        let cut = |order: &[usize]| {
            order.iter().skip(ask.limit_start).take(ask.limit_number).map(|at| &self.rows[*at]).collect()
        };
        let rows = match ask.reorder {
            None => cut(admitted),
            Some(seed) => {
                let mut shuffled = admitted.clone();
                Random::new(seed).shuffle(&mut shuffled);
                cut(&shuffled)
            }
        };
        Page { rows, filtered, all }
    }

    /// The row of that id.
    pub(super) fn find(&self, id: &str) -> Option<&ListedRow> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// The rows as they are listed.
    pub(super) fn rows(&self) -> &[ListedRow] {
        &self.rows
    }

    /// Changes the JSON of some rows.
    pub(super) fn change(&mut self, which: impl Fn(&ListedRow) -> bool, change: impl Fn(&str) -> String) {
        for row in self.rows.iter_mut().filter(|row| which(row)) {
            row.json = change(&row.json);
        }
    }

    /// Takes out the first row that the filter admits, so that all later pages move by one.
    pub(super) fn remove_first(&mut self, ask: &Ask) -> Option<ListedRow> {
        let at = self.rows.iter().position(|row| ask.admits(row))?;
        self.admitted.take();
        Some(self.rows.remove(at))
    }

    /// Where the newest row that the filter admits stands, and whether there is none newer in the whole listing.
    pub(super) fn newest(&self, ask: &Ask, fit: impl Fn(&ListedRow) -> bool) -> Option<(usize, bool)> {
        let fits = |(_, row): &(usize, &ListedRow)| ask.admits(row) && fit(row);
        let mut numbered = self.rows.iter().enumerate();
        let at = match self.order {
            Order::Newest => numbered.find(fits),
            Order::Oldest => numbered.rfind(fits),
            Order::Shuffled => numbered.filter(fits).max_by_key(|(_, row)| row.booked),
        };
        let (at, _) = at?;
        let newer = match self.order {
            Order::Newest => at,
            Order::Oldest => self.rows.len() - 1 - at,
            Order::Shuffled => 1,
        };
        Some((at, newer == 0))
    }

    /// Puts a row in as the next one posted after the row at `after`.
    pub(super) fn insert_after(&mut self, after: usize, row: ListedRow, random: &mut Random) {
        let at = match self.order {
            Order::Newest => after,
            Order::Oldest => after + 1,
            Order::Shuffled => random.index(self.rows.len() + 1),
        };
        self.admitted.take();
        self.rows.insert(at, row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<ListedRow> {
        let day = |number: i64| format!("2026-03-{number:02} 10:00:00");
        let json = |number: i64| {
            let (date, used) = (day(number), day((number - 1).max(1)));
            format!(r#"{{"txid":{number},"date":"{date}","date_transaction":"{used}"}}"#)
        };
        (1..=9).map(|number| ListedRow::read(json(number))).collect()
    }

    fn ids(order: Order, ask: &Ask) -> (String, usize) {
        let listing = Listing::new(rows(), &Behaviour { order, ..Behaviour::default() }, 0);
        let page = listing.page(ask);
        (page.rows.iter().map(|row| row.id.as_str()).collect(), page.filtered)
    }

    fn dates(from: &str, to: &str) -> Ask {
        Ask { date_start: Day::parse(from), date_end: Day::parse(to), ..Ask::ALL }
    }

    #[test]
    fn pages_follow_the_order() {
        let ask = Ask { limit_start: 7, limit_number: 5, ..Ask::ALL };
        assert_eq!(ids(Order::Oldest, &ask), ("89".to_owned(), 9));
        assert_eq!(ids(Order::Newest, &ask), ("21".to_owned(), 9));
        assert_eq!(ids(Order::Oldest, &Ask { limit_start: 99, ..ask }).0, "");
        let (shuffled, _) = ids(Order::Shuffled, &Ask::ALL);
        assert!(shuffled != "123456789" && shuffled.len() == 9);
        assert_eq!(ids(Order::Shuffled, &Ask::ALL).0, shuffled);
    }

    #[test]
    fn dates_filter_as_told() {
        let ask = dates("2026-03-03", "2026-03-05");
        assert_eq!(ids(Order::Oldest, &ask), ("345".to_owned(), 3));
        assert_eq!(ids(Order::Oldest, &Ask { date_end_excluded: true, ..ask }).0, "34");
        assert_eq!(ids(Order::Oldest, &Ask { date_field: DateField::DateTransaction, ..ask }).0, "456");
    }

    #[test]
    fn a_row_that_arrives_moves_the_pages_of_a_newest_first_listing_only() {
        for (order, expected) in [(Order::Oldest, "1234567890"), (Order::Newest, "0987654321")] {
            let mut listing = Listing::new(rows(), &Behaviour { order, ..Behaviour::default() }, 0);
            let (at, last) = listing.newest(&Ask::ALL, |_| true).expect("there are rows");
            assert!(last);
            listing.insert_after(at, ListedRow::read(r#"{"txid":0}"#), &mut Random::new(1));
            let listed: String = listing.rows().iter().map(|row| row.id.as_str()).collect();
            assert_eq!(listed, expected);
        }
    }
}
