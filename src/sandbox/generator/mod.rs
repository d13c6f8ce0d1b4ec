//! Books out of a seed: realistic, of any size, and tied by construction.
//!
//! Each account is made from the seed and its own index alone, so that a benchmark can make a thousand of them one
//! after the other and never hold more than one. Every balance is carried along as rows are made; what does not move a
//! balance (pending, declined, cancelled) repeats it. Faults are planted afterwards, by [`plant`], and are told.

mod account;
mod calendar;
mod card;
mod iban;
mod names;
mod plant;
mod random;

pub use iban::{check_digits, is_valid};
pub use plant::{FaultKind, Place, Planted, plant, plant_at};
pub use random::Random;

use super::ledger::{Account, Ledger, Quirks};
use crate::record::{Window, Zone};
use calendar::Calendar;

/// What books to make.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// How many accounts.
    pub accounts: u32,
    /// How many cards each account has.
    pub cards_per_account: u32,
    /// Transactions of each card, about.
    pub rows_per_card: u32,
    /// Lines of each account beside those of its cards' loads, about.
    pub rows_per_account: u32,
    /// The days in which rows are booked.
    pub window: Window,
    /// The zone in which the provider prints times.
    pub zone: Zone,
    /// The accounts' currencies, in turn.
    pub currencies: Vec<&'static str>,
    /// What happens how often.
    pub mix: Mix,
    /// How rows are spelled.
    pub quirks: Quirks,
    /// How ids are given.
    pub ids: Ids,
}

/// How a provider counts its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ids {
    /// Over all owners, in the order in which things were done: gaps everywhere.
    #[default]
    Shared,
    /// One by one for each owner, as booked.
    Dense,
    /// Without any order.
    Random,
}

/// How many of a thousand rows (or cards) are of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mix {
    /// Card payments in another currency.
    pub foreign: u32,
    /// Pending rows.
    pub pending: u32,
    /// Declined card rows.
    pub declined: u32,
    /// Cancelled rows.
    pub cancelled: u32,
    /// Rows booked in the same second as the one before.
    pub tied: u32,
    /// Card payments booked hours or days after the card was used.
    pub delayed: u32,
    /// Texts that a careless reader stumbles over: quotes, commas, newlines, emoji, formulas.
    pub hostile_texts: u32,
    /// Cards (not rows) whose exchange fee is charged on top of `amount`.
    pub fee_on_top_cards: u32,
    /// Cards (not rows) whose `currency` names their own currency, even for a payment in another.
    pub own_currency_cards: u32,
}

impl Mix {
    /// What the sample data has.
    pub const USUAL: Mix = Mix {
        foreign: 140,
        pending: 25,
        declined: 35,
        cancelled: 15,
        tied: 70,
        delayed: 350,
        hostile_texts: 40,
        fee_on_top_cards: 0,
        own_currency_cards: 200,
    };
}

impl Recipe {
    /// A small set of books: two accounts with two cards each, 60 rows a card.
    pub fn small(seed: u64, window: Window) -> Recipe {
        Recipe {
            seed,
            accounts: 2,
            cards_per_account: 2,
            rows_per_card: 60,
            rows_per_account: 40,
            window,
            zone: Zone::parse("Europe/Paris").expect("a zone of the IANA database"),
            currencies: vec!["EUR"],
            mix: Mix::USUAL,
            quirks: Quirks::USUAL,
            ids: Ids::Shared,
        }
    }

    /// Makes the whole ledger.
    pub fn ledger(&self) -> Ledger {
        Ledger { accounts: self.accounts().collect(), ..self.empty_ledger() }
    }

    /// A ledger without accounts, for spelling accounts one by one.
    pub fn empty_ledger(&self) -> Ledger {
        Ledger { zone: self.zone, quirks: self.quirks, accounts: Vec::new() }
    }

    /// Makes the accounts one after the other, as the provider spells them.
    pub fn spelled_accounts(&self) -> impl Iterator<Item = super::books::Account> {
        let ledger = self.empty_ledger();
        self.accounts().map(move |account| super::spelling::spell_account(&ledger, &account))
    }

    /// Makes the accounts one after the other.
    pub fn accounts(&self) -> impl Iterator<Item = Account> {
        let calendar = Calendar::new(self.zone, self.window);
        (0..self.accounts).map(move |index| account::make(self, &calendar, index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Day, Money};
    use crate::sandbox::books::{Account as SpelledAccount, ListedRow};
    use crate::sandbox::ledger::{Account, State};

    fn window(from: &str, to: &str) -> Window {
        Window::new(Day::parse(from).expect("a day"), Day::parse(to).expect("a day")).expect("runs upwards")
    }

    fn autumn() -> Window {
        window("2026-10-19", "2026-10-31")
    }

    /// The places at which a balance is not the balance before plus the effect.
    fn torn(account: &Account) -> Vec<u64> {
        let mut torn = Vec::new();
        let mut balance = account.opening;
        for line in account.lines.iter().filter(|line| line.in_statement) {
            balance += line.effect();
            if line.balance_after != balance {
                torn.push(line.txid);
            }
        }
        for card in &account.cards {
            let mut balance = card.opening;
            for row in &card.rows {
                balance += card.effect(row);
                if row.balance_after != balance {
                    torn.push(row.txid);
                }
            }
        }
        torn
    }

    #[test]
    fn every_chain_ties_for_two_hundred_seeds() {
        for seed in 0..200 {
            let mut recipe = Recipe::small(seed, autumn());
            recipe.mix.fee_on_top_cards = 300;
            for account in recipe.accounts() {
                assert_eq!(torn(&account), [0_u64; 0], "seed {seed}");
                assert!(account.lines.is_sorted_by_key(|line| line.booked_s), "seed {seed}");
                assert!(account.cards.iter().all(|card| card.rows.is_sorted_by_key(|row| row.booked_s)));
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
        let books = |seed| Recipe::small(seed, autumn()).ledger().books();
        assert_eq!(books(7), books(7));
        assert_ne!(books(7), books(8));
    }

    #[test]
    fn an_account_does_not_depend_on_how_many_follow() {
        let mut recipe = Recipe::small(3, autumn());
        let two = recipe.ledger().books();
        recipe.accounts = 5;
        assert_eq!(recipe.ledger().books().accounts[..2], two.accounts[..]);
    }

    #[test]
    fn ids_are_unique_per_owner_and_rows_lie_in_the_window() {
        let recipe = Recipe::small(11, autumn());
        for account in recipe.ledger().books().accounts {
            for rows in listings(&account) {
                let mut ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
                ids.sort_unstable();
                assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
                assert!(rows.iter().filter_map(|row| row.booked).all(|day| recipe.window.contains(day)));
            }
        }
    }

    #[test]
    fn spelled_amounts_are_the_ledgers_amounts() {
        let recipe = Recipe::small(5, autumn());
        let ledger = recipe.ledger();
        for (account, spelled) in ledger.accounts.iter().zip(ledger.books().accounts) {
            for (card, spelled) in account.cards.iter().zip(&spelled.cards) {
                for row in &card.rows {
                    let listed = spelled.transactions.iter().find(|listed| listed.id == row.txid.to_string());
                    let listed: serde_json::Value =
                        serde_json::from_str(&listed.expect("every row is listed").json).expect("JSON");
                    assert_eq!(money(&listed["balance_after"]), row.balance_after * 100);
                    assert_eq!(money(&listed["amount"]).abs(), row.amount.abs() * 100);
                    assert_eq!(listed["type"] == "D", row.amount < 0);
                }
            }
        }
    }

    #[test]
    fn the_books_hold_every_kind_of_row() {
        let mut recipe = Recipe::small(1, window("2026-08-01", "2026-10-31"));
        recipe.rows_per_card = 400;
        recipe.rows_per_account = 200;
        let ledger = recipe.ledger();
        let rows: Vec<_> =
            ledger.accounts.iter().flat_map(|account| &account.cards).flat_map(|card| &card.rows).collect();
        for state in [State::Settled, State::Pending, State::Cancelled, State::Declined] {
            assert!(rows.iter().any(|row| row.state == state), "{state:?}");
        }
        for currency in ["USD", "GBP", "JPY"] {
            assert!(rows.iter().any(|row| row.exchange.is_some_and(|exchange| exchange.currency == currency)));
        }
        assert!(rows.windows(2).any(|pair| pair[0].booked_s == pair[1].booked_s));
        assert!(rows.iter().any(|row| row.description.starts_with('=')));
        let text: String =
            ledger.books().accounts.iter().flat_map(listings).flatten().map(|row| row.json.as_str()).collect();
        for spelling in ["[]", r#""iban":[{"#, r#""type":"C""#, r#""type":"Debit""#, "executionDate", r"\u00e9", "é"] {
            assert!(text.contains(spelling), "{spelling}");
        }
    }

    #[test]
    fn the_hour_that_is_lived_twice_has_rows_in_both_passes() {
        // 2026-10-25 03:00 summer time becomes 02:00 winter time at 01:00 UTC.
        let change_s = 1_792_890_000;
        for account in Recipe::small(2, autumn()).accounts() {
            for card in &account.cards {
                let near =
                    |from: i64, to: i64| card.rows.iter().any(|row| (from..to).contains(&(row.booked_s - change_s)));
                assert!(near(-3600, 0) && near(0, 3600), "{}", card.card_ref);
            }
        }
    }

    #[test]
    fn loads_and_executed_transfers_have_their_lines() {
        let ledger = Recipe::small(4, autumn()).ledger();
        for account in &ledger.accounts {
            let transfers = account.transfers.iter().filter(|transfer| transfer.reference.is_some()).count();
            let debits = account.lines.iter().filter(|line| line.amount < 0 && line.in_iban_statement);
            assert_eq!(debits.filter(|line| line.state == State::Settled).count(), transfers);
            let moved: i64 =
                account.lines.iter().filter(|line| line.description.starts_with("Card ")).map(|l| l.amount).sum();
            let cards = account.cards.iter().flat_map(|card| &card.rows);
            let received: i64 = cards.filter(|row| row.description.starts_with("Card ")).map(|row| row.amount).sum();
            assert_eq!(moved, -received);
        }
    }

    fn listings(account: &SpelledAccount) -> Vec<&Vec<ListedRow>> {
        let own = [&account.statements, &account.iban_statements, &account.credit_transfers];
        own.into_iter().chain(account.cards.iter().map(|card| &card.transactions)).collect()
    }

    fn money(value: &serde_json::Value) -> i64 {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Money::parse(&text).expect("exact").unscaled()
    }
}
