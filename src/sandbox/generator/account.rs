//! One account: its cards, the lines of its statement, its credit transfers.

use super::calendar::Calendar;
use super::names::{COMPANIES, FEES, HOSTILE, PARTNERS, REASONS};
use super::{Ids, Random, Recipe, card, iban};
use crate::sandbox::ledger::{Account, CardKind, Line, LineKind, State, Transfer, TransferState};

const DAY_S: i64 = 86_400;
/// Ids of one account lie apart from those of the next.
const IDS_PER_ACCOUNT: u64 = 100_000_000;
/// The same for the cards of an account, where each is counted by itself.
const IDS_PER_CARD: u64 = 1_000_000;
/// An account below this many minor units is paid before anything else happens to it.
const BALANCE_LOW: i64 = 500_000;

/// Makes the account of that index.
pub(super) fn make(recipe: &Recipe, calendar: &Calendar, index: u32) -> Account {
    let seed = Random::for_part(recipe.seed, index.into()).next_u64();
    let mut random = Random::for_part(seed, 0);
    let position = usize::try_from(index).unwrap_or(0);
    let (corp_name, town, postal_code, country) = COMPANIES[position % COMPANIES.len()];
    let currency = recipe.currencies[position % recipe.currencies.len()];
    let cards = (0..recipe.cards_per_account)
        .map(|card| card::make(recipe, calendar, currency, Random::for_part(seed, u64::from(card) + 1)));
    let account = Account {
        acc_id: (index + 1).to_string(),
        currency,
        corp_name,
        town: (town, postal_code),
        iban: iban::make(&mut random, country),
        opening: random.between(2_000_000, 9_000_000),
        lines: Vec::new(),
        transfers: Vec::new(),
        cards: cards.collect(),
        escapes: index.is_multiple_of(2),
    };
    let partners = partners(&mut random);
    let first_id = (u64::from(index) + 1) * IDS_PER_ACCOUNT;
    let mut life = Life { recipe, calendar, random, partners, account, next_internal_id: first_id / 1000 };
    life.live();
    life.number_rows(first_id);
    life.account
}

/// Name, IBAN and BIC of those an account deals with.
fn partners(random: &mut Random) -> Vec<(String, String, &'static str)> {
    let mut known: Vec<_> = PARTNERS.to_vec();
    random.shuffle(&mut known);
    known.into_iter().map(|(name, country, bic)| (name.to_owned(), iban::make(random, country), bic)).collect()
}

/// An account as its lines are made.
struct Life<'a> {
    recipe: &'a Recipe,
    calendar: &'a Calendar,
    random: Random,
    partners: Vec<(String, String, &'static str)>,
    account: Account,
    next_internal_id: u64,
}

impl Life<'_> {
    fn live(&mut self) {
        let mut lines = self.card_lines();
        let mut instants = self.calendar.around_changes(&mut self.random);
        let wanted = usize::try_from(self.recipe.rows_per_account).unwrap_or(usize::MAX);
        let left = wanted.saturating_sub(instants.len());
        instants.extend(self.calendar.instants(&mut self.random, left, self.recipe.mix.tied));
        lines.extend(instants.into_iter().map(|at_s| self.line(at_s)));
        lines.sort_by_key(|line| line.booked_s);
        self.post(lines);
        self.account.transfers.sort_by_key(|transfer| transfer.created_s);
    }

    /// The lines of the cards' loads and unloads, within two seconds of the card's own row.
    fn card_lines(&mut self) -> Vec<Line> {
        let cards = std::mem::take(&mut self.account.cards);
        let mut lines = Vec::new();
        for (index, card) in cards.iter().enumerate() {
            for row in card.rows.iter().filter(|row| row.kind != CardKind::Plain) {
                let word = if row.kind == CardKind::Load { "load" } else { "unload" };
                let drift = if self.random.chance(300) { self.random.between(-2, 2) } else { 0 };
                let at_s = (row.booked_s + drift).clamp(self.calendar.first_s(), self.calendar.last_s());
                let description = format!("Card {word} {}", card.card_ref);
                lines.push(self.bare_line(at_s, -row.amount, LineKind::Card { card: index }, description));
            }
        }
        self.account.cards = cards;
        lines
    }

    fn line(&mut self, at_s: i64) -> Line {
        match self.random.between(0, 99) {
            0..42 => self.received(at_s),
            42..72 => self.paid(at_s, false),
            72..80 => self.paid(at_s, true),
            80..92 => self.fee(at_s),
            92..96 => self.unsettled(at_s),
            _ => {
                self.plan_transfer(at_s);
                self.fee(at_s)
            }
        }
    }

    fn received(&mut self, at_s: i64) -> Line {
        let (name, iban, bic) = self.partner();
        let amount = self.random.between(5_000, 1_200_000);
        let mut line = self.bare_line(at_s, amount, LineKind::TransferIn, format!("Virement reçu de {name}"));
        line.counterparty = Some((iban, bic));
        line.comment = Some(self.reason());
        line.virtual_iban = self.random.chance(100).then(|| self.account.iban.clone());
        line.in_iban_statement = true;
        line
    }

    /// An executed transfer, or direct debit, and its line.
    fn paid(&mut self, at_s: i64, direct_debit: bool) -> Line {
        let amount = self.random.between(500, 300_000);
        let reference = format!("{:012}", self.random.between(100_000_000_000, 999_999_999_999));
        let mut transfer = self.transfer(at_s, amount, TransferState::Executed);
        transfer.direct_debit = direct_debit;
        transfer.executed_s = Some(at_s);
        let (name, iban, bic) = transfer.beneficiary.clone();
        let word = if direct_debit { "Prélèvement" } else { "Virement" };
        // How a bank tells which order a debit belongs to: in its text, in the remittance text, or not at all.
        let (description, comment) = match self.random.between(0, 9) {
            0..6 => (format!("{word} {reference} {name}"), transfer.reason.clone()),
            6..8 => (format!("{word} {name}"), format!("{} {reference}", transfer.reason)),
            _ => (format!("{word} {name}"), transfer.reason.clone()),
        };
        transfer.reference = Some(reference);
        let kind = LineKind::TransferOut { internal_id: transfer.internal_id };
        let mut line = self.bare_line(at_s, -amount, kind, description);
        line.counterparty = Some((iban, bic));
        line.comment = Some(comment);
        line.in_iban_statement = true;
        self.account.transfers.push(transfer);
        line
    }

    /// A transfer that was not executed and so has no line.
    fn plan_transfer(&mut self, at_s: i64) {
        let state = *self.random.pick(&[TransferState::InProgress, TransferState::ToExecute, TransferState::Cancelled]);
        let amount = self.random.between(500, 300_000);
        let transfer = self.transfer(at_s, amount, state);
        self.account.transfers.push(transfer);
    }

    fn transfer(&mut self, at_s: i64, amount: i64, state: TransferState) -> Transfer {
        let earlier = if self.random.chance(600) { self.random.between(60, 3 * DAY_S) } else { 0 };
        self.next_internal_id += self.random.below(4) + 1;
        Transfer {
            internal_id: self.next_internal_id,
            created_s: at_s - earlier,
            requested_s: at_s,
            executed_s: None,
            amount,
            state,
            direct_debit: false,
            reference: None,
            beneficiary: self.partner(),
            reason: self.reason(),
            source_reason: self.reason(),
            spelling: self.random.next_u64(),
        }
    }

    fn fee(&mut self, at_s: i64) -> Line {
        let (text, most) = *self.random.pick(&FEES);
        let amount = self.random.between(most / 2, most);
        self.bare_line(at_s, -amount, LineKind::Plain, text.to_owned())
    }

    fn unsettled(&mut self, at_s: i64) -> Line {
        let mut line = self.received(at_s);
        line.state = if self.random.chance(500) { State::Pending } else { State::Cancelled };
        line
    }

    fn bare_line(&mut self, at_s: i64, amount: i64, kind: LineKind, description: String) -> Line {
        Line {
            txid: 0,
            booked_s: at_s,
            amount,
            balance_after: 0,
            state: State::Settled,
            kind,
            description,
            counterparty: None,
            comment: None,
            virtual_iban: None,
            in_statement: true,
            in_iban_statement: false,
            twin_amount: None,
            spelling: self.random.next_u64(),
        }
    }

    /// Carries the balance along; an account that runs low receives enough in the same second.
    fn post(&mut self, lines: Vec<Line>) {
        let mut balance = self.account.opening;
        for mut line in lines {
            if balance + line.effect() < BALANCE_LOW {
                let mut relief = self.received(line.booked_s);
                relief.amount = BALANCE_LOW + 2 * line.amount.abs();
                balance += relief.effect();
                relief.balance_after = balance;
                self.account.lines.push(relief);
            }
            balance += line.effect();
            line.balance_after = balance;
            self.account.lines.push(line);
        }
    }

    fn number_rows(&mut self, first_id: u64) {
        if self.recipe.ids == Ids::Shared {
            return self.number_shared(first_id);
        }
        let dense = self.recipe.ids == Ids::Dense;
        // An odd factor modulo a power of two gives each number once, and no two neighbours near each other.
        let id = |count: u64| if dense { first_id + count } else { first_id + (count * 40_503_111) % (1 << 26) };
        for (count, line) in (1..).zip(&mut self.account.lines) {
            line.txid = id(count);
        }
        let cards = (1..).zip(&mut self.account.cards);
        for (card, row) in cards.flat_map(|(number, card)| (1..).zip(&mut card.rows).map(move |row| (number, row))) {
            row.1.txid = id(card * IDS_PER_CARD + row.0);
        }
    }

    /// Gives ids in the order in which things were done, which is not always the order in which they were booked.
    fn number_shared(&mut self, first_id: u64) {
        let mut next = first_id + IDS_PER_ACCOUNT / 2;
        for line in &mut self.account.lines {
            next += self.random.below(7) + 1;
            line.txid = next;
        }
        let mut rows: Vec<&mut _> = self.account.cards.iter_mut().flat_map(|card| &mut card.rows).collect();
        rows.sort_by_key(|row| row.transacted_s);
        let mut next = first_id;
        for row in rows {
            next += self.random.below(7) + 1;
            row.txid = next;
        }
    }

    fn partner(&mut self) -> (String, String, &'static str) {
        self.random.pick(&self.partners).clone()
    }

    fn reason(&mut self) -> String {
        if self.random.chance(self.recipe.mix.hostile_texts) {
            return (*self.random.pick(&HOSTILE)).to_owned();
        }
        let number = self.random.between(10_000, 99_999).to_string();
        self.random.pick(&REASONS).replace("{}", &number)
    }
}
