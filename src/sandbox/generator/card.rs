//! One card's transactions.

use super::calendar::Calendar;
use super::names::{HOLDERS, HOSTILE, MERCHANTS, MERCHANTS_ABROAD, RATES, REFUSALS};
use super::{Random, Recipe};
use crate::record::minor_digits;
use crate::sandbox::ledger::{Card, CardKind, CardRow, Exchange, State};

const DAY_S: i64 = 86_400;

/// Makes a card with all its transactions; their ids are given later.
pub(super) fn make(recipe: &Recipe, calendar: &Calendar, currency: &'static str, mut random: Random) -> Card {
    let opening = random.between(0, 200_000);
    let card = Card {
        card_ref: format!("ANY{:010}", random.between(1_000_000_000, 9_999_999_999)),
        holder: *random.pick(&HOLDERS),
        opening,
        rows: Vec::new(),
        names_local_currency: !random.chance(recipe.mix.own_currency_cards),
        fee_on_top: random.chance(recipe.mix.fee_on_top_cards),
    };
    let slots = slots(recipe, calendar, &mut random);
    let mut life = Life { recipe, currency, random, balance: opening, card };
    for (at_s, wish) in slots {
        life.happen(at_s, wish);
    }
    life.card
}

/// What is to happen at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wish {
    Load,
    Anything,
    Purchase,
}

fn slots(recipe: &Recipe, calendar: &Calendar, random: &mut Random) -> Vec<(i64, Wish)> {
    let mut slots: Vec<(i64, Wish)> = calendar.month_mornings().iter().map(|at_s| (*at_s, Wish::Load)).collect();
    slots.extend(calendar.around_changes(random).into_iter().map(|at_s| (at_s, Wish::Purchase)));
    let wanted = usize::try_from(recipe.rows_per_card).unwrap_or(usize::MAX);
    let left = wanted.saturating_sub(slots.len());
    slots.extend(calendar.instants(random, left, recipe.mix.tied).into_iter().map(|at_s| (at_s, Wish::Anything)));
    slots.sort_by_key(|(at_s, _)| *at_s);
    slots
}

/// A card as its balance moves along.
struct Life<'a> {
    recipe: &'a Recipe,
    currency: &'static str,
    random: Random,
    balance: i64,
    card: Card,
}

impl Life<'_> {
    fn happen(&mut self, at_s: i64, wish: Wish) {
        match wish {
            Wish::Load => self.load(at_s),
            Wish::Purchase => self.purchase(at_s),
            Wish::Anything => self.anything(at_s),
        }
    }

    fn anything(&mut self, at_s: i64) {
        let mix = self.recipe.mix;
        match self.random.between(0, 999) {
            roll if roll < mix.pending.into() => self.unsettled(at_s, State::Pending),
            roll if roll < (mix.pending + mix.declined).into() => self.unsettled(at_s, State::Declined),
            roll if roll < (mix.pending + mix.declined + mix.cancelled).into() => {
                self.unsettled(at_s, State::Cancelled);
            }
            roll if roll >= 985 => self.unload(at_s),
            roll if roll >= 945 => self.refund(at_s),
            roll if roll >= 900 => self.withdrawal(at_s),
            _ => self.purchase(at_s),
        }
    }

    /// A payment of chance, not yet booked: the amount is negative.
    fn payment(&mut self, at_s: i64) -> CardRow {
        let abroad = self.random.chance(self.recipe.mix.foreign);
        let minor = self.amount();
        let mut row = if abroad { self.payment_abroad(at_s, minor) } else { self.payment_at_home(at_s, minor) };
        if self.random.chance(self.recipe.mix.hostile_texts) {
            (*self.random.pick(&HOSTILE)).clone_into(&mut row.description);
        }
        row
    }

    fn amount(&mut self) -> i64 {
        match self.random.between(0, 99) {
            0..50 => self.random.between(100, 3_000),
            50..85 => self.random.between(3_000, 15_000),
            85..95 => self.random.between(15_000, 90_000),
            _ => self.random.between(1, 200) * 100,
        }
    }

    fn payment_at_home(&mut self, at_s: i64, minor: i64) -> CardRow {
        let (merchant, mcc) = *self.random.pick(&MERCHANTS);
        let vat = self.random.chance(150).then(|| (20, (minor * 20 + 60) / 120));
        CardRow { vat, ..self.row(at_s, -minor, CardKind::Plain, mcc, merchant) }
    }

    fn payment_abroad(&mut self, at_s: i64, minor: i64) -> CardRow {
        let (merchant, mcc, currency) = *self.random.pick(&MERCHANTS_ABROAD);
        if currency == self.currency {
            return self.payment_at_home(at_s, minor);
        }
        let rate_micros = rate(currency) * 1_000_000 / rate(self.currency) * self.random.between(980, 1020) / 1000;
        let (own_unit, foreign_unit) = (unit(self.currency), unit(currency));
        let foreign = (minor * foreign_unit * 1_000_000 / (rate_micros * own_unit)).max(1);
        let scale = foreign_unit * 1_000_000;
        let converted = ((foreign * rate_micros * own_unit + scale / 2) / scale).max(1);
        let fee = if self.random.chance(700) { (converted * 2 + 50) / 100 } else { 0 };
        let amount = if self.card.fee_on_top { -converted } else { -(converted + fee) };
        let exchange = Some(Exchange { currency, amount: -foreign, rate_micros, fee });
        CardRow { exchange, ..self.row(at_s, amount, CardKind::Plain, mcc, merchant) }
    }

    fn purchase(&mut self, at_s: i64) {
        let mut row = self.payment(at_s);
        if self.balance + self.card.effect(&row) < 0 {
            return self.load(at_s);
        }
        if self.random.chance(self.recipe.mix.delayed) {
            row.transacted_s -= self.random.between(3_600, 3 * DAY_S);
        }
        self.book(row);
    }

    fn withdrawal(&mut self, at_s: i64) {
        let minor = self.random.between(1, 15) * 2_000;
        if self.balance < minor + 200 {
            return self.load(at_s);
        }
        let row = self.row(at_s, -minor, CardKind::Plain, 6011, "Retrait DAB");
        self.book(row);
        let fee = self.row(at_s, -200, CardKind::Plain, 6011, "Frais de retrait");
        self.book(fee);
    }

    fn refund(&mut self, at_s: i64) {
        let minor = self.amount();
        let (merchant, mcc) = *self.random.pick(&MERCHANTS);
        let row = self.row(at_s, minor, CardKind::Plain, mcc, &format!("Remboursement {merchant}"));
        self.book(row);
    }

    fn load(&mut self, at_s: i64) {
        let cents = if self.random.chance(300) { self.random.between(1, 99) } else { 0 };
        let minor = self.random.between(4, 15) * 10_000 + cents;
        let row = self.row(at_s, minor, CardKind::Load, 6540, "Card load");
        self.book(row);
    }

    fn unload(&mut self, at_s: i64) {
        let minor = self.balance / 2;
        if minor == 0 {
            return self.load(at_s);
        }
        let row = self.row(at_s, -minor, CardKind::Unload, 6540, "Card unload");
        self.book(row);
    }

    fn unsettled(&mut self, at_s: i64, state: State) {
        let mut row = self.payment(at_s);
        row.state = state;
        row.failed = (state == State::Declined).then(|| *self.random.pick(&REFUSALS));
        self.book(row);
    }

    fn row(&mut self, at_s: i64, amount: i64, kind: CardKind, mcc: u16, description: &str) -> CardRow {
        CardRow {
            txid: 0,
            booked_s: at_s,
            transacted_s: at_s,
            amount,
            balance_after: 0,
            state: State::Settled,
            kind,
            exchange: None,
            mcc,
            description: description.to_owned(),
            failed: None,
            vat: None,
            spelling: self.random.next_u64(),
        }
    }

    fn book(&mut self, mut row: CardRow) {
        self.balance += self.card.effect(&row);
        row.balance_after = self.balance;
        self.card.rows.push(row);
    }
}

/// Minor units of one major unit.
fn unit(currency: &str) -> i64 {
    10_i64.pow(minor_digits(Some(currency)).into())
}

fn rate(currency: &str) -> i64 {
    RATES.iter().find(|(code, _)| *code == currency).map_or(1_000_000, |(_, rate)| *rate)
}
