//! The books as they stand on the server's shelves, and the body of each answer.

use std::collections::HashMap;

use super::books::{self, Books, ListedRow, member};
use super::codes::{self, Refusal};
use super::config::{Behaviour, Echo};
use super::edit;
use super::fault::BadRow;
use super::generator::Random;
use super::listing::{Ask, Listing, Page};
use super::route::Route;
use crate::record::{Day, Zone};

/// `limit_number` where none is given.
const PAGE_ROWS_DEFAULT: usize = 50;

/// Everything that is served.
#[derive(Debug)]
pub(super) struct Store {
    behaviour: Behaviour,
    zone: Zone,
    accounts: Listing,
    account_index: HashMap<String, usize>,
    account_shelves: Vec<AccountShelf>,
    card_index: HashMap<String, usize>,
    card_shelves: Vec<CardShelf>,
    random: Random,
    /// Ids of rows that arrive while the server runs.
    next_id: u64,
}

#[derive(Debug)]
struct AccountShelf {
    /// JSON of `acc_id` and `acc_type`, spelled as in the list of accounts.
    acc_id: String,
    acc_type: String,
    details: String,
    balance: String,
    cards: Listing,
    statements: Listing,
    iban_statements: Listing,
    credit_transfers: Listing,
}

#[derive(Debug)]
struct CardShelf {
    account: usize,
    card_ref: String,
    details: String,
    transactions: Listing,
}

/// What a fault does to the listing of one answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tricks {
    pub bad_row: Option<BadRow>,
    /// Rows to leave out at the end of the page; `Some(None)` is half of them.
    #[allow(clippy::option_option, reason = "no trick, half a page, or a number of rows")]
    pub short: Option<Option<usize>>,
    pub reorder: Option<u64>,
}

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Served {
    pub body: String,
    pub rows: usize,
}

impl Store {
    pub(super) fn new(books: Books, behaviour: &Behaviour) -> Self {
        let list = books.accounts.iter().map(|account| ListedRow::read(account.list_row.clone())).collect();
        let mut store = Self {
            behaviour: behaviour.clone(),
            zone: Zone::parse("Europe/Paris").expect("a zone of the IANA database"),
            accounts: Listing::new(list, behaviour, 0),
            account_index: HashMap::new(),
            account_shelves: Vec::new(),
            card_index: HashMap::new(),
            card_shelves: Vec::new(),
            random: Random::for_part(behaviour.seed, 77),
            next_id: 9_000_000_000,
        };
        for account in books.accounts {
            store.shelve(account);
        }
        store
    }

    fn shelve(&mut self, account: books::Account) {
        let behaviour = &self.behaviour;
        let index = self.account_shelves.len();
        let mut part = (index as u64 + 1) << 20;
        let mut listing = |rows| {
            part += 1;
            Listing::new(rows, behaviour, part)
        };
        let card_rows = account.cards.iter().map(|card| ListedRow::read(card.list_row.clone())).collect();
        let field = |name| member(&account.list_row, name).unwrap_or("null").to_owned();
        let shelf = AccountShelf {
            acc_id: field("acc_id"),
            acc_type: field("acc_type"),
            details: account.details,
            balance: account.balance,
            cards: listing(card_rows),
            statements: listing(account.statements),
            iban_statements: listing(account.iban_statements),
            credit_transfers: listing(account.credit_transfers),
        };
        for card in account.cards {
            self.card_index.insert(card.card_ref.clone(), self.card_shelves.len());
            let transactions = listing(card.transactions);
            self.card_shelves.push(CardShelf {
                account: index,
                card_ref: card.card_ref,
                details: card.details,
                transactions,
            });
        }
        self.account_index.insert(account.acc_id, index);
        self.account_shelves.push(shelf);
    }

    /// The body of the answer to a route, which is not that of the token.
    pub(super) fn serve(
        &self,
        route: Route<'_>,
        query: &[(String, String)],
        tricks: Tricks,
    ) -> Result<Served, Refusal> {
        let single = |body: String| Ok(Served { body, rows: 1 });
        match route {
            Route::Token | Route::ApiCheck => {
                Ok(Served { body: format!(r#"{{"date_time":"{}"}}"#, self.local_now()), rows: 0 })
            }
            Route::Account { acc_id } => single(self.account(acc_id)?.details.clone()),
            Route::Balance { acc_id } => single(self.account(acc_id)?.balance.clone()),
            Route::Card { card_ref } => single(self.card(card_ref)?.details.clone()),
            Route::Statement { acc_id, txid } => {
                single(self.account(acc_id)?.statements.find(txid).ok_or(codes::STATEMENT_NOT_FOUND)?.json.clone())
            }
            Route::Transaction { card_ref, txid } => {
                single(self.card(card_ref)?.transactions.find(txid).ok_or(codes::TRANSACTION_NOT_FOUND)?.json.clone())
            }
            Route::Accounts
            | Route::Cards { .. }
            | Route::Statements { .. }
            | Route::IbanStatements { .. }
            | Route::CreditTransfers { .. }
            | Route::Transactions { .. } => self.list(route, query, tricks),
        }
    }

    fn list(&self, route: Route<'_>, query: &[(String, String)], tricks: Tricks) -> Result<Served, Refusal> {
        let listing = self.listing(route)?;
        let ask = Ask { reorder: tricks.reorder, ..self.ask(route, query)? };
        let page = listing.page(&ask);
        let (rows, count) = join_rows(&page, tricks);
        let body = self.list_body(route, &ask, &page, &rows);
        Ok(Served { body, rows: count })
    }

    fn list_body(&self, route: Route<'_>, ask: &Ask, page: &Page<'_>, rows: &str) -> String {
        let mut body = Body(String::with_capacity(rows.len() + 256));
        let filters = self.filters(ask);
        match route {
            Route::Accounts => {
                body.some("filters", filters.as_deref()).some("total_results", self.total(page.all).as_deref());
                body.rows("accounts", rows);
            }
            Route::Cards { acc_id } => {
                body.some("filters", filters.as_deref())
                    .some("acc_id", self.account(acc_id).ok().map(|a| a.acc_id.as_str()));
                body.some("total_results", self.total(page.all).as_deref()).rows("cards", rows);
            }
            Route::CreditTransfers { .. } => {
                let ignored = self.behaviour.transfers_ignore_limits && filters.is_some();
                body.some("filters", if ignored { Some("[]") } else { filters.as_deref() });
                body.rows("credit-transfers", rows);
            }
            Route::Transactions { card_ref } => {
                let card = self.card(card_ref).ok();
                body.some("date_time", Some(&format!("\"{}\"", self.local_now()))).some("filters", filters.as_deref());
                body.some("card_ref", card.map(|card| format!("\"{}\"", card.card_ref)).as_deref());
                body.some("acc_id", card.map(|card| self.account_shelves[card.account].acc_id.as_str()));
                // As documented: with neither the date nor the limit filter.
                body.some("total_results", self.total(page.all).as_deref()).rows("transactions", rows);
            }
            _ => {
                let account = route.acc_id().and_then(|acc_id| self.account(acc_id).ok());
                body.some("acc_id", account.map(|account| account.acc_id.as_str()));
                body.some("acc_type", account.map(|account| account.acc_type.as_str()));
                body.some("total_results", self.total(page.filtered).as_deref()).rows("transactions", rows);
                body.some("filters", filters.as_deref());
            }
        }
        body.end()
    }

    fn total(&self, rows: usize) -> Option<String> {
        self.behaviour.totals.then(|| rows.to_string())
    }

    /// What is told of the filters that were applied.
    fn filters(&self, ask: &Ask) -> Option<String> {
        match self.behaviour.echo {
            Echo::Absent => None,
            Echo::Empty => Some("[]".to_owned()),
            Echo::Applied => {
                let mut filters = Body(String::new());
                for (name, day) in [("date_start", ask.date_start), ("date_end", ask.date_end)] {
                    filters.some(name, day.map(|day| format!("\"{day}\"")).as_deref());
                }
                filters.some("limit_start", Some(&ask.limit_start.to_string()));
                filters.some("limit_number", Some(&ask.limit_number.to_string()));
                Some(filters.end())
            }
        }
    }

    /// Reads the parameters of a listing.
    fn ask(&self, route: Route<'_>, query: &[(String, String)]) -> Result<Ask, Refusal> {
        let wrong = || route.parameter_refusal();
        let text = |name: &str| query.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let number = |name: &str, default| text(name).map_or(Ok(default), |text| text.parse().map_err(|_| wrong()));
        let day = |name: &str| text(name).map(|text| Day::parse(text).ok_or_else(wrong)).transpose();
        let dated =
            matches!(route, Route::Statements { .. } | Route::IbanStatements { .. } | Route::Transactions { .. });
        let (date_start, date_end) = if dated { (day("date_start")?, day("date_end")?) } else { (None, None) };
        if date_start.zip(date_end).is_some_and(|(start, end)| start > end) {
            return Err(codes::DATES_REVERSED);
        }
        if self.behaviour.transfers_ignore_limits && matches!(route, Route::CreditTransfers { .. }) {
            return Ok(Ask::ALL);
        }
        let page_rows_max = usize::try_from(self.behaviour.page_rows_max).unwrap_or(usize::MAX).max(1);
        let limit_number = number("limit_number", PAGE_ROWS_DEFAULT)?;
        if limit_number == 0 {
            return Err(wrong());
        }
        let on_transactions = matches!(route, Route::Transactions { .. });
        Ok(Ask {
            date_start,
            date_end,
            date_field: if on_transactions { self.behaviour.date_field } else { super::config::DateField::Date },
            date_end_excluded: self.behaviour.date_end_excluded,
            limit_start: number("limit_start", 0)?,
            limit_number: limit_number.min(page_rows_max),
            reorder: None,
        })
    }

    /// Rows arrive in the listing of a route, as the newest of those that the query admits. How many did.
    pub(super) fn arrive(&mut self, route: Route<'_>, query: &[(String, String)], rows: usize) -> usize {
        let Ok(ask) = self.ask(route, query) else { return 0 };
        (0..rows).map_while(|_| self.arrive_one(route, &ask)).count()
    }

    fn arrive_one(&mut self, route: Route<'_>, ask: &Ask) -> Option<()> {
        let (id, mut random) = (self.next_id, Random::new(self.random.next_u64()));
        let listing = self.listing_mut(route).ok()?;
        let (at, last) = listing.newest(ask, edit::is_settled)?;
        let newest = &listing.rows()[at];
        let date = member(&newest.json, "date").map(str::to_owned);
        let alone =
            listing.rows().iter().filter(|row| member(&row.json, "date") == date.as_deref()).take(2).count() == 1;
        let moves = last && alone;
        let row = edit::follower(newest, id, moves)?;
        let balance = edit::balance_name(&row.json).and_then(|name| member(&row.json, name)).map(str::to_owned);
        listing.insert_after(at, row, &mut random);
        self.next_id += 1;
        if let Some(balance) = balance.filter(|_| moves) {
            self.set_balance(route, &balance);
        }
        Some(())
    }

    /// The balance that the provider tells moves with a row that moves money.
    fn set_balance(&mut self, route: Route<'_>, balance: &str) {
        match route {
            Route::Transactions { card_ref } => {
                let Some(index) = self.card_index.get(card_ref) else { return };
                let card = &mut self.card_shelves[*index];
                card.details = edit::with_member(&card.details, "balance", balance);
                let is_it = |row: &ListedRow| member(&row.json, "card_ref") == Some(&format!("\"{card_ref}\""));
                let list = &mut self.account_shelves[card.account].cards;
                list.change(is_it, |json| edit::with_member(json, "balance", balance));
            }
            Route::Statements { acc_id } => {
                let Some(index) = self.account_index.get(acc_id) else { return };
                let shelf = &mut self.account_shelves[*index];
                shelf.balance = edit::with_member(&shelf.balance, "balance", balance);
            }
            _ => {}
        }
    }

    /// Rows vanish from the listing of a route, the first of those that the query admits. How many did.
    pub(super) fn vanish(&mut self, route: Route<'_>, query: &[(String, String)], rows: usize) -> usize {
        let Ok(ask) = self.ask(route, query) else { return 0 };
        let Ok(listing) = self.listing_mut(route) else { return 0 };
        (0..rows).map_while(|_| listing.remove_first(&ask)).count()
    }

    /// The rows of a listing as they stand now.
    pub(super) fn rows(&self, route: Route<'_>) -> Result<Vec<String>, Refusal> {
        Ok(self.listing(route)?.rows().iter().map(|row| row.json.clone()).collect())
    }

    fn listing(&self, route: Route<'_>) -> Result<&Listing, Refusal> {
        Ok(match route {
            Route::Accounts => &self.accounts,
            Route::Cards { acc_id } => &self.account(acc_id)?.cards,
            Route::Statements { acc_id } => &self.account(acc_id)?.statements,
            Route::IbanStatements { acc_id } => &self.account(acc_id)?.iban_statements,
            Route::CreditTransfers { acc_id } => &self.account(acc_id)?.credit_transfers,
            Route::Transactions { card_ref } => &self.card(card_ref)?.transactions,
            _ => return Err(codes::INVALID_ROUTE),
        })
    }

    fn listing_mut(&mut self, route: Route<'_>) -> Result<&mut Listing, Refusal> {
        if let Route::Transactions { card_ref } = route {
            let index = *self.card_index.get(card_ref).ok_or(codes::CARD_NO_RIGHTS)?;
            return Ok(&mut self.card_shelves[index].transactions);
        }
        let acc_id = route.acc_id().ok_or(codes::INVALID_ROUTE)?;
        let index = *self.account_index.get(acc_id).ok_or(codes::ACCOUNT_NO_RIGHTS)?;
        let shelf = &mut self.account_shelves[index];
        Ok(match route {
            Route::Statements { .. } => &mut shelf.statements,
            Route::IbanStatements { .. } => &mut shelf.iban_statements,
            Route::CreditTransfers { .. } => &mut shelf.credit_transfers,
            _ => return Err(codes::INVALID_ROUTE),
        })
    }

    fn account(&self, acc_id: &str) -> Result<&AccountShelf, Refusal> {
        self.account_index.get(acc_id).map(|index| &self.account_shelves[*index]).ok_or(codes::ACCOUNT_NO_RIGHTS)
    }

    fn card(&self, card_ref: &str) -> Result<&CardShelf, Refusal> {
        self.card_index.get(card_ref).map(|index| &self.card_shelves[*index]).ok_or(codes::CARD_NO_RIGHTS)
    }

    /// The local time, as the provider prints it.
    fn local_now(&self) -> String {
        let now = chrono::Utc::now().timestamp_micros() / 1_000_000 * 1_000_000;
        let mut text = self.zone.stamp_at(now).expect("the clock shows a time that is held").text();
        text.truncate(19);
        text.replace('T', " ")
    }
}

/// The rows of a page joined, and how many they are.
fn join_rows(page: &Page<'_>, tricks: Tricks) -> (String, usize) {
    let left_out = tricks.short.map_or(0, |rows| rows.unwrap_or(page.rows.len() / 2));
    let rows = &page.rows[..page.rows.len().saturating_sub(left_out)];
    let bytes: usize = rows.iter().map(|row| row.json.len() + 1).sum();
    let mut text = String::with_capacity(bytes);
    for (index, row) in rows.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match tricks.bad_row.filter(|_| index == rows.len() / 2) {
            Some(how) => text.push_str(&edit::spoilt(&row.json, how)),
            None => text.push_str(&row.json),
        }
    }
    (text, rows.len())
}

/// An object of members that are JSON already.
struct Body(String);

impl Body {
    fn some(&mut self, name: &str, json: Option<&str>) -> &mut Self {
        if let Some(json) = json {
            self.0.push(if self.0.is_empty() { '{' } else { ',' });
            self.0.push('"');
            self.0.push_str(name);
            self.0.push_str("\":");
            self.0.push_str(json);
        }
        self
    }

    fn rows(&mut self, name: &str, rows: &str) -> &mut Self {
        self.some(name, Some("[")).0.push_str(rows);
        self.0.push(']');
        self
    }

    fn end(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Order;
    use super::super::generator::Recipe;
    use super::super::ledger::Quirks;
    use super::super::sample;
    use super::*;
    use crate::record::Money;

    fn number(row: &str, name: &str) -> Money {
        Money::parse(member(row, name).expect("there").trim_matches('"')).expect("a number")
    }

    /// The balance after the last settled row, when every one before ties.
    fn walk(rows: &[String], balance_name: &str) -> Money {
        let settled = |row: &&String| edit::is_settled(&ListedRow::read((*row).clone()));
        let mut balance = None;
        for row in rows.iter().filter(settled) {
            let amount = number(row, "amount");
            let signed = if member(row, "type").expect("there").contains('D') { -amount } else { amount };
            let after = number(row, balance_name);
            if let Some(before) = balance {
                assert_eq!(Money::checked_add(before, signed), Some(after), "{row}");
            }
            balance = Some(after);
        }
        balance.expect("there are rows")
    }

    #[test]
    fn rows_that_arrive_leave_the_chains_tied_and_move_the_balances_told() {
        let recipe = Recipe { quirks: Quirks::default(), ..Recipe::small(6, sample::window()) };
        let books = recipe.ledger().books();
        let card_ref = books.accounts[0].cards[0].card_ref.clone();
        let early = [("date_end".to_owned(), "2026-09-15".to_owned())];
        for order in [Order::Oldest, Order::Newest] {
            let mut store = Store::new(books.clone(), &Behaviour { order, ..Behaviour::default() });
            for (route, name) in [
                (Route::Transactions { card_ref: &card_ref }, "balance_after"),
                (Route::Statements { acc_id: "1" }, "balance"),
            ] {
                let before = store.rows(route).expect("a listing").len();
                assert_eq!(store.arrive(route, &[], 3) + store.arrive(route, &early, 2), 5);
                let mut rows = store.rows(route).expect("a listing");
                assert_eq!(rows.len(), before + 5);
                if order == Order::Newest {
                    rows.reverse();
                }
                let told = match route {
                    Route::Statements { .. } => &store.account_shelves[0].balance,
                    _ => &store.card_shelves[0].details,
                };
                assert_eq!(walk(&rows, name), number(told, "balance"), "{order:?} {route:?}");
            }
            let listed = &store.rows(Route::Cards { acc_id: "1" }).expect("a listing");
            let row = listed.iter().find(|row| row.contains(&card_ref)).expect("the card is listed");
            assert_eq!(number(row, "balance"), number(&store.card_shelves[0].details, "balance"));
        }
    }
}
