//! A ledger spelled as the provider would: the same amount as `9194.5`, `9194.50` or `"9194.50"`, an object as itself,
//! in a list of one or as `[]`, ids as text or as numbers.
//!
//! A row's spelling depends on its own seed alone, so that changing one row leaves the text of all others as it was.

use super::books::{Account, Books, Card, ListedRow};
use super::generator::Random;
use super::json::Object;
use super::ledger::{self, CardRow, Ledger, Line, Quirks, State, Transfer, TransferState};
use crate::record::{Money, Zone, minor_digits};

/// Spells the whole ledger.
pub(super) fn books(ledger: &Ledger) -> Books {
    Books { accounts: ledger.accounts.iter().map(|account| spell_account(ledger, account)).collect() }
}

/// Spells one account with its cards.
pub fn spell_account(ledger: &Ledger, account: &ledger::Account) -> Account {
    let pen = Pen {
        zone: ledger.zone,
        quirks: ledger.quirks,
        escapes: account.escapes,
        currency: account.currency,
        digits: minor_digits(Some(account.currency)),
    };
    let lines = pen.in_listing_order(&account.lines, |line| (line.booked_s, line.spelling));
    let listed = |iban: bool| {
        lines
            .iter()
            .filter(|line| if iban { line.in_iban_statement } else { line.in_statement })
            .map(|line| ListedRow::read(pen.line(line, iban)))
            .collect()
    };
    Account {
        acc_id: account.acc_id.clone(),
        list_row: Object::new(false).text("acc_id", &account.acc_id).text("acc_type", "business").end(),
        details: pen.account_details(account),
        balance: Object::new(false).raw("acc_id", &account.acc_id).raw("balance", &pen.amount(account.closing())).end(),
        cards: account.cards.iter().map(|card| spell_card(&pen, account, card)).collect(),
        statements: listed(false),
        iban_statements: listed(true),
        credit_transfers: account
            .transfers
            .iter()
            .map(|transfer| ListedRow::read(pen.transfer(&account.acc_id, transfer)))
            .collect(),
    }
}

fn spell_card(pen: &Pen, account: &ledger::Account, card: &ledger::Card) -> Card {
    let rows = pen.in_listing_order(&card.rows, |row| (row.booked_s, row.spelling));
    Card {
        card_ref: card.card_ref.clone(),
        list_row: pen.card_list_row(card),
        details: pen.card_details(&account.acc_id, card),
        transactions: rows.iter().map(|row| ListedRow::read(pen.card_row(card, row))).collect(),
    }
}

/// What all rows of one account have in common.
struct Pen {
    zone: Zone,
    quirks: Quirks,
    escapes: bool,
    currency: &'static str,
    digits: u8,
}

impl Pen {
    /// The rows as the provider lists them: as posted, but for some seconds whose rows stand in an order of chance.
    fn in_listing_order<'a, T>(&self, rows: &'a [T], key: impl Fn(&T) -> (i64, u64)) -> Vec<&'a T> {
        let mut listed: Vec<&T> = rows.iter().collect();
        for tied in listed.chunk_by_mut(|a, b| key(a).0 == key(b).0) {
            if tied.len() > 1 && Random::for_part(key(tied[0]).1, 2).chance(self.quirks.ties_out_of_order) {
                tied.sort_by_key(|row| key(row).1);
            }
        }
        listed
    }

    fn object(&self) -> Object {
        Object::new(self.escapes)
    }

    fn amount(&self, minor: i64) -> String {
        amount_text(minor, self.digits)
    }

    fn card_row(&self, card: &ledger::Card, row: &CardRow) -> String {
        let mut hand = Hand::new(row.spelling, self.quirks);
        let sign = hand.sign(row.amount);
        let own = (row.amount, self.digits, self.currency);
        let (fx_amount, fx_digits, fx_currency) =
            row.exchange.map_or(own, |fx| (fx.amount, minor_digits(Some(fx.currency)), fx.currency));
        let named = if card.names_local_currency { fx_currency } else { self.currency };
        let fx = rate_text(row.exchange.map_or(1_000_000, |fx| fx.rate_micros));
        let fee = row.exchange.map_or(0, |fx| fx.fee);
        let mut object = self.object();
        object
            .raw("txid", &hand.id(row.txid))
            .raw("mcc", &hand.id(row.mcc.into()))
            .raw("amount", &hand.number(sign * row.amount.abs(), self.digits))
            .raw("amount_fx", &hand.number(sign * fx_amount.abs(), fx_digits))
            .text("currency", named)
            .raw("fx", &hand.maybe_bare(&fx))
            .raw("fx_fee", &if fee == 0 { "0".to_owned() } else { hand.number(fee, self.digits) });
        self.vat(&mut object, &mut hand, row);
        if let Some((code, message)) = row.failed {
            let reason = self.object().text("code", code).text("message", message).end();
            object.raw("failed_reason", &hand.maybe_listed(reason));
        } else if hand.random.chance(self.quirks.empty_lists) {
            object.raw("failed_reason", "[]");
        }
        object
            .text("status", card_state(row.state))
            .text("type", if row.amount < 0 { "D" } else { "C" })
            .raw("balance_after", &hand.maybe_bare(&self.amount(row.balance_after)))
            .text("date", &self.local(row.booked_s))
            .text("date_transaction", &self.local(row.transacted_s))
            .text("description", &row.description)
            .end()
    }

    fn vat(&self, object: &mut Object, hand: &mut Hand, row: &CardRow) {
        if let Some((rate, amount)) = row.vat {
            let detail = Object::new(false)
                .raw("rate", &rate.to_string())
                .raw("amount", &hand.number(amount, self.digits))
                .end();
            object.raw("vat_details", &format!("[{detail}]"));
        } else if hand.random.chance(self.quirks.empty_lists) {
            object.raw("vat_details", "[]");
        }
    }

    fn line(&self, line: &Line, iban_statement: bool) -> String {
        let mut hand = Hand::new(line.spelling ^ u64::from(iban_statement), self.quirks);
        let amount = line.twin_amount.filter(|_| iban_statement).unwrap_or(line.amount);
        let sign = hand.sign(amount);
        let letter = if amount < 0 { "Debit" } else { "Credit" };
        let word = if hand.random.chance(self.quirks.long_type_words) { letter } else { &letter[..1] };
        let inside = hand.random.chance(self.quirks.comments_inside);
        let mut object = self.object();
        object
            .raw("txid", &hand.id(line.txid))
            .text("description", &line.description)
            .text("date", &self.local(line.booked_s))
            .raw("amount", &hand.number(sign * amount.abs(), self.digits))
            .text("type", word)
            .raw("balance", &hand.maybe_bare(&self.amount(line.balance_after)))
            .text("currency", self.currency);
        if let Some((iban, bic)) = &line.counterparty {
            let mut other = self.object();
            other.text("iban", iban).text("swift", bic);
            if let Some(comment) = line.comment.as_deref().filter(|_| inside) {
                other.text("comment", comment);
            }
            object.raw("iban", &hand.maybe_listed(other.end()));
        } else if hand.random.chance(self.quirks.empty_lists) {
            object.raw("iban", "[]");
        }
        if let Some(comment) = line.comment.as_deref().filter(|_| !inside || line.counterparty.is_none()) {
            object.text("comment", comment);
        }
        if line.state != State::Settled || !hand.random.chance(self.quirks.statuses_left_out) {
            object.text("status", line_state(line.state));
        }
        if line.state == State::Settled {
            object.text("executionDate", &self.local(line.booked_s));
        }
        if let Some(virtual_iban) = &line.virtual_iban {
            object.text("virtual_iban", virtual_iban);
        }
        object.end()
    }

    fn transfer(&self, acc_id: &str, transfer: &Transfer) -> String {
        let mut hand = Hand::new(transfer.spelling, self.quirks);
        let (name, iban, bic) = &transfer.beneficiary;
        let other_keys = hand.random.chance(self.quirks.other_keys);
        let key = |usual, other| if other_keys { other } else { usual };
        let created = self.stamp(transfer.created_s);
        let mut object = self.object();
        object.raw("internal_id", &hand.id(transfer.internal_id)).raw("sender_account_id", acc_id);
        object.text("sender_account_type", "business");
        match &transfer.reference {
            Some(reference) => object.text("execution_reference", reference),
            None => object.raw("execution_reference", "null"),
        };
        object
            .text("transaction_type", if transfer.direct_debit { "sdd" } else { "ct" })
            .text("beneficiary_name", name)
            .text("beneficiary_iban", iban)
            .text(key("beneficiary_swift", "beneficiary_swift_code"), bic)
            .text("reason", &transfer.reason)
            .text("source_reason", &transfer.source_reason)
            .text("status", transfer_state(transfer.state))
            .raw("amount", &hand.number(transfer.amount, self.digits))
            .text("currency", self.currency)
            .text("creation_date", &if other_keys { created } else { self.local(transfer.created_s) })
            .text("request_date", &self.local(transfer.requested_s)[..10]);
        let executed_key = key("execution_date", "executionDate");
        match transfer.executed_s {
            Some(executed_s) => object.text(executed_key, &self.local(executed_s)[..10]),
            None => object.raw(executed_key, "null"),
        };
        object.end()
    }

    fn account_details(&self, account: &ledger::Account) -> String {
        let (town, postal_code) = account.town;
        self.object()
            .text("acc_id", &account.acc_id)
            .text("acc_type", "business")
            .text("acc_currency", account.currency)
            .text("corp_name", account.corp_name)
            .text("corp_regnum", "00000000")
            .text("corp_type", "SARL")
            .text("corp_activity", "Consulting")
            .text("corp_tva", "FR00000000000")
            .text("corp_addr_1", "1 rue de l'Exemple")
            .text("corp_addr_2", "")
            .text("corp_zip", postal_code)
            .text("corp_city", town)
            .text("corp_cc", &account.iban[..2])
            .end()
    }

    fn card_list_row(&self, card: &ledger::Card) -> String {
        self.object()
            .text("card_ref", &card.card_ref)
            .text("status", "1")
            .text("activation_date", "2025-02-03")
            .text("balance", &self.amount(card.closing()))
            .text("expiry_date", "2028-02-29")
            .text("atm", "1")
            .text("pos", "1")
            .raw("card_holder", &self.holder(card))
            .end()
    }

    fn card_details(&self, acc_id: &str, card: &ledger::Card) -> String {
        let (first_name, last_name, _) = card.holder;
        let embossed = format!("{first_name} {last_name}").to_uppercase();
        let name =
            self.object().text("first_name", first_name).text("last_name", last_name).text("embossed", &embossed).end();
        self.object()
            .raw("acc_id", acc_id)
            .text("card_ref", &card.card_ref)
            .text("activation_date", "2025-02-03")
            .raw("balance", &self.amount(card.closing()))
            .raw("validity_month", "36")
            .text("expiry_date", "2028-02-29")
            .text("status", "ACT")
            .raw("pos", "true")
            .raw("atm", "true")
            .raw("card_holder", &self.holder(card))
            .raw("card_name", &name)
            .end()
    }

    fn holder(&self, card: &ledger::Card) -> String {
        let (first_name, last_name, gender) = card.holder;
        let gender = gender.to_string();
        self.object().text("gender", &gender).text("first_name", first_name).text("last_name", last_name).end()
    }

    /// `YYYY-MM-DD HH:MM:SS` of the local clock.
    fn local(&self, instant_s: i64) -> String {
        let mut text = self.stamp(instant_s);
        text.truncate(19);
        text.replace('T', " ")
    }

    /// RFC 3339 with the local offset.
    fn stamp(&self, instant_s: i64) -> String {
        let stamp = self.zone.stamp_at(instant_s * 1_000_000);
        stamp.expect("a ledger's instants lie within the years that are held").text()
    }
}

/// Chooses among the spellings of one row.
struct Hand {
    random: Random,
    quirks: Quirks,
}

impl Hand {
    fn new(spelling: u64, quirks: Quirks) -> Self {
        Self { random: Random::for_part(spelling, 1), quirks }
    }

    /// The sign with which an amount is printed; the direction stands in `type`.
    fn sign(&mut self, amount: i64) -> i64 {
        if amount < 0 && self.random.chance(self.quirks.signed_debits) { -1 } else { 1 }
    }

    /// A number, as the cookbook's `9194.50` or in one of the other spellings.
    fn number(&mut self, minor: i64, digits: u8) -> String {
        let text = amount_text(minor, digits);
        if self.random.chance(self.quirks.numbers_as_text) {
            return format!("\"{text}\"");
        }
        if self.random.chance(self.quirks.zeros_dropped) && text.contains('.') {
            return text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        text
    }

    /// An id, as text in the cookbook.
    fn id(&mut self, id: u64) -> String {
        if self.random.chance(self.quirks.ids_as_numbers) { id.to_string() } else { format!("\"{id}\"") }
    }

    /// A number that the cookbook has as text.
    fn maybe_bare(&mut self, number: &str) -> String {
        if self.random.chance(self.quirks.ids_as_numbers) { number.to_owned() } else { format!("\"{number}\"") }
    }

    /// An object, alone or in a list of one.
    fn maybe_listed(&mut self, object: String) -> String {
        if self.random.chance(self.quirks.objects_in_lists) { format!("[{object}]") } else { object }
    }
}

/// Minor units as a decimal text with all its digits.
fn amount_text(minor: i64, digits: u8) -> String {
    let scale = 10_i64.pow(4 - u32::from(digits.min(4)));
    let money = minor.checked_mul(scale).and_then(Money::from_unscaled);
    money.expect("a ledger's amounts fit the money column").text(digits)
}

fn rate_text(micros: i64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

fn card_state(state: State) -> &'static str {
    match state {
        State::Settled => "S",
        State::Pending => "P",
        State::Cancelled => "C",
        State::Declined => "D",
    }
}

fn line_state(state: State) -> &'static str {
    match state {
        State::Settled => "Executed",
        State::Pending => "In progress",
        State::Cancelled | State::Declined => "Cancelled",
    }
}

fn transfer_state(state: TransferState) -> &'static str {
    match state {
        TransferState::Executed => "Executed",
        TransferState::InProgress => "In progress",
        TransferState::ToExecute => "To execute",
        TransferState::Cancelled => "Cancelled",
    }
}
