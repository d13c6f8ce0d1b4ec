//! Their rows to our records. Pure: a row's text in, a record or the reason for its rejection out.
//!
//! Source: `anytime-reference` (account statements, IBAN statements, credit transfers, card transactions) and what was
//! found beside it: amounts come unsigned with the direction in `type`; the direction `C` is Credit while the status `C`
//! is Cancelled; `executionDate` stands beside `execution_date` and `beneficiary_swift` beside `beneficiary_swift_code`;
//! `iban` and `failed_reason` are documented as arrays and come as objects; `comment` and `virtual_iban` stand beside
//! `iban` or inside it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::page::RawRow;
use super::scalar::{
    self, Field, FieldError, Raw, day, excerpt, money, quoted, rate, required_money, required_stamp, required_text,
    stamp, text,
};
use super::scan::{Fields, Json, fields, objects};
use crate::record::rows::Text;
use crate::record::{
    CardTransaction, Clock, CreditTransfer, Feed, Money, StatementLine, Status, TransferStatus, Window,
};

/// Why a row was rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The row's id, if it could be read.
    pub txid: Option<String>,
    /// The field that is wrong, empty for the row as a whole.
    pub field: &'static str,
    /// What was expected and what was found.
    pub reason: String,
}

/// What a row turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded<R> {
    /// A row of the window.
    Row(R),
    /// A row booked on a day outside the window.
    Outside,
    /// A row that cannot be taken.
    Rejected(Rejection),
}

/// The amount of a row that was rejected for something else, without its direction; `None` where it cannot be read.
pub fn amount_of_rejected(raw: &str) -> Option<Money> {
    #[derive(Deserialize)]
    struct Amount<'a> {
        #[serde(borrow, default)]
        amount: Raw<'a>,
    }
    let Amount { amount } = serde_json::from_str(raw).ok()?;
    money("amount", amount).ok().flatten().map(Money::abs)
}

/// What is known about the rows of one owner beside what they say themselves.
#[derive(Debug)]
pub struct Context<'a> {
    /// The account.
    pub acc_id: &'a str,
    /// The card, empty for an account.
    pub card_ref: &'a str,
    /// The days taken.
    pub window: Window,
    /// Reads the provider's local times.
    pub clock: Clock,
}

fields! {
    /// A line of a statement, as JSON names it. Both spellings of a field are fields of their own.
    pub struct WireStatement {
        "txid" => txid,
        "description" => description,
        "date" => date,
        "amount" => amount,
        "type" => kind,
        "balance" => balance,
        "balance_after" => balance_after,
        "currency" => currency,
        "iban" => iban,
        "swift" => swift,
        "comment" => comment,
        "status" => status,
        "executionDate" => execution_date_camel,
        "execution_date" => execution_date,
        "virtual_iban" => virtual_iban,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "an object")]
struct WireIban<'a> {
    #[serde(borrow)]
    iban: Raw<'a>,
    #[serde(borrow)]
    swift: Raw<'a>,
    #[serde(borrow)]
    comment: Raw<'a>,
    #[serde(borrow)]
    virtual_iban: Raw<'a>,
}

fields! {
    /// A card transaction, as JSON names it, in the order in which it comes.
    pub struct WireCard {
        "txid" => txid,
        "mcc" => mcc,
        "amount" => amount,
        "amount_fx" => amount_fx,
        "currency" => currency,
        "fx" => fx,
        "fx_fee" => fx_fee,
        "vat_details" => vat_details,
        "failed_reason" => failed_reason,
        "status" => status,
        "type" => kind,
        "balance_after" => balance_after,
        "date" => date,
        "date_transaction" => date_transaction,
        "description" => description,
    }
}

fields! {
    /// A rate of VAT and what it comes to.
    struct WireVat {
        "rate" => rate,
        "amount" => amount,
    }
}

fields! {
    /// A credit transfer, as JSON names it.
    pub struct WireTransfer {
        "internal_id" => internal_id,
        "sender_account_id" => sender_account_id,
        "execution_reference" => execution_reference,
        "transaction_type" => transaction_type,
        "beneficiary_name" => beneficiary_name,
        "beneficiary_iban" => beneficiary_iban,
        "beneficiary_swift" => beneficiary_swift,
        "beneficiary_swift_code" => beneficiary_swift_code,
        "reason" => reason,
        "source_reason" => source_reason,
        "status" => status,
        "amount" => amount,
        "currency" => currency,
        "creation_date" => creation_date,
        "request_date" => request_date,
        "execution_date" => execution_date,
        "executionDate" => execution_date_camel,
    }
}

/// Decodes a line of an account statement or IBAN statement.
pub fn statement_line<'a>(
    feed: Feed,
    row: &RawRow<'a, WireStatement<'a>>,
    context: &mut Context<'a>,
) -> Decoded<StatementLine<'a>> {
    let mut read = None;
    let wire = match fields_of(row, &mut read) {
        Ok(wire) => wire,
        Err(rejection) => return Decoded::Rejected(rejection),
    };
    let booked_at = match required_stamp("date", wire.date, &mut context.clock) {
        Ok(at) if context.window.contains(at.day()) => at,
        Ok(_) => return Decoded::Outside,
        Err(error) => return Decoded::Rejected(rejection(wire.txid, error)),
    };
    let line = || -> Field<StatementLine<'a>> {
        let iban = nested_iban(wire.iban)?;
        let provider_status = text("status", wire.status)?;
        let status = provider_status.as_deref().filter(|word| !word.is_empty()).map(statement_status);
        Ok(StatementLine {
            feed,
            acc_id: Cow::Borrowed(context.acc_id),
            txid: required_text("txid", wire.txid)?,
            booked_at,
            amount: signed("amount", required_money("amount", wire.amount)?, direction(wire.kind)?)?,
            currency: text("currency", wire.currency)?,
            balance_after: money("balance", wire.balance.or(wire.balance_after))?,
            status,
            provider_status,
            description: text("description", wire.description)?,
            executed_at: stamp("executionDate", wire.execution_date_camel.or(wire.execution_date), &mut context.clock)?,
            counterparty_iban: text("iban", iban.iban)?,
            counterparty_bic: text("swift", iban.swift.or(wire.swift))?,
            comment: text("comment", wire.comment.or(iban.comment))?,
            virtual_iban: text("virtual_iban", wire.virtual_iban.or(iban.virtual_iban))?,
        })
    };
    finish(line, wire.txid)
}

/// Decodes a card transaction. `currency` is as sent; [`settle_currencies`] tells the card's own from the merchant's.
pub fn card_transaction<'a>(row: &RawRow<'a, WireCard<'a>>, context: &mut Context<'a>) -> Decoded<CardTransaction<'a>> {
    let mut read = None;
    let wire = match fields_of(row, &mut read) {
        Ok(wire) => wire,
        Err(rejection) => return Decoded::Rejected(rejection),
    };
    let booked_at = match required_stamp("date", wire.date, &mut context.clock) {
        Ok(at) if context.window.contains(at.day()) => at,
        Ok(_) => return Decoded::Outside,
        Err(error) => return Decoded::Rejected(rejection(wire.txid, error)),
    };
    let transaction = || -> Field<CardTransaction<'a>> {
        let direction = direction(wire.kind)?;
        let provider_status = text("status", wire.status)?;
        let (failed_code, failed_message) = failure(wire.failed_reason)?;
        Ok(CardTransaction {
            acc_id: Cow::Borrowed(context.acc_id),
            card_ref: Cow::Borrowed(context.card_ref),
            txid: required_text("txid", wire.txid)?,
            booked_at,
            amount: signed("amount", required_money("amount", wire.amount)?, direction)?,
            currency: text("currency", wire.currency)?,
            balance_after: money("balance_after", wire.balance_after)?,
            status: card_status(provider_status.as_deref().unwrap_or_default()),
            provider_status,
            description: text("description", wire.description)?,
            // Mostly the same text as the booking date.
            transacted_at: match wire.date_transaction {
                same if same == wire.date => Some(booked_at),
                other => stamp("date_transaction", other, &mut context.clock)?,
            },
            amount_fx: money("amount_fx", wire.amount_fx)?.map(|fx| signed("amount_fx", fx, direction)).transpose()?,
            currency_fx: None,
            fx_rate: rate("fx", wire.fx)?,
            fx_fee: rate("fx_fee", wire.fx_fee)?,
            mcc: text("mcc", wire.mcc)?,
            vat_details: vat_details(wire.vat_details)?,
            failed_code,
            failed_message,
        })
    };
    finish(transaction, wire.txid)
}

/// Decodes a credit transfer.
pub fn credit_transfer<'a>(
    row: &RawRow<'a, WireTransfer<'a>>,
    context: &mut Context<'a>,
) -> Decoded<CreditTransfer<'a>> {
    let mut read = None;
    let wire = match fields_of(row, &mut read) {
        Ok(wire) => wire,
        Err(rejection) => return Decoded::Rejected(rejection),
    };
    let clock = &mut context.clock;
    let dates = (|| {
        let executed = day("execution_date", wire.execution_date.or(wire.execution_date_camel), clock)?;
        let requested = day("request_date", wire.request_date, clock)?;
        let created = stamp("creation_date", wire.creation_date, clock)?;
        let booking = executed.or(requested).or(created.map(crate::record::Stamp::day)).ok_or_else(|| {
            FieldError::new("execution_date", "expected an execution, request or creation date, found none")
        })?;
        Ok((executed, requested, created, booking))
    })();
    let (executed_date, requested_date, created_at, booking_date) = match dates {
        Ok(dates) if context.window.contains(dates.3) => dates,
        Ok(_) => return Decoded::Outside,
        Err(error) => return Decoded::Rejected(rejection(wire.internal_id, error)),
    };
    let transfer = || -> Field<CreditTransfer<'a>> {
        let amount = required_money("amount", wire.amount)?;
        let provider_status = text("status", wire.status)?;
        let sender = text("sender_account_id", wire.sender_account_id)?.filter(|id| !id.is_empty());
        Ok(CreditTransfer {
            acc_id: sender.unwrap_or(Cow::Borrowed(context.acc_id)),
            internal_id: required_text("internal_id", wire.internal_id)?,
            booking_date,
            created_at,
            requested_date,
            executed_date,
            amount: if amount.is_negative() { amount } else { -amount },
            currency: text("currency", wire.currency)?,
            status: transfer_status(provider_status.as_deref().unwrap_or_default()),
            provider_status,
            transaction_type: text("transaction_type", wire.transaction_type)?,
            execution_reference: text("execution_reference", wire.execution_reference)?,
            beneficiary_name: text("beneficiary_name", wire.beneficiary_name)?,
            beneficiary_iban: text("beneficiary_iban", wire.beneficiary_iban)?,
            beneficiary_bic: text("beneficiary_swift", wire.beneficiary_swift.or(wire.beneficiary_swift_code))?,
            reason: text("reason", wire.reason)?,
            source_reason: text("source_reason", wire.source_reason)?,
        })
    };
    finish(transfer, wire.internal_id)
}

/// Tells which of a card's amounts is in which currency.
///
/// `amount` moves the card's balance and is therefore in the card's own currency. Where the row's `currency` is another,
/// it can only speak of `amount_fx`. Where it is the own one, that of `amount_fx` is known only if both amounts are the
/// same money. `own` is the account's currency as its details state it; without it the currency of the rows that were
/// not exchanged is taken, else the most frequent one.
pub fn settle_currencies<'a>(rows: &mut [CardTransaction<'a>], own: Option<&'a str>) {
    let own = own.map(Cow::Borrowed).or_else(|| own_currency(rows));
    for row in rows {
        let sent = row.currency.take();
        match (&own, sent) {
            (Some(own), Some(sent)) if sent != *own => {
                row.currency_fx = row.amount_fx.and(Some(sent));
                row.currency = Some(own.clone());
            }
            (_, sent) => {
                row.currency_fx = row.amount_fx.filter(|_| !was_exchanged(row)).and_then(|_| sent.clone());
                row.currency = sent.or_else(|| own.clone());
            }
        }
    }
}

fn was_exchanged(row: &CardTransaction<'_>) -> bool {
    row.fx_rate.is_some_and(|rate| !rate.is_one()) || row.amount_fx.is_some_and(|fx| fx != row.amount)
}

fn own_currency<'a>(rows: &[CardTransaction<'a>]) -> Option<Text<'a>> {
    let mut counts = BTreeMap::<Text<'a>, Count>::new();
    for row in rows {
        let Some(currency) = &row.currency else { continue };
        match counts.get_mut(currency) {
            Some(count) => count.add(row),
            None => counts.entry(currency.clone()).or_default().add(row),
        }
    }
    most_frequent(counts)
}

/// How many rows name a currency: of those that were not exchanged, and of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Count {
    unexchanged: u64,
    all: u64,
}

impl Count {
    fn add(&mut self, row: &CardTransaction<'_>) {
        self.unexchanged += u64::from(!was_exchanged(row));
        self.all += 1;
    }
}

/// Of the rows that were not exchanged the most frequent one, else of all: the first of them in the alphabet, so that the
/// order of rows does not matter.
fn most_frequent<T: Ord>(counts: BTreeMap<T, Count>) -> Option<T> {
    let tells = counts.values().any(|count| count.unexchanged > 0);
    let weight = |count: &Count| if tells { count.unexchanged } else { count.all };
    counts.into_iter().rev().max_by_key(|(_, count)| weight(count)).map(|(currency, _)| currency)
}

/// Counts the currencies of a card's rows, where not all of them are at hand at once.
#[derive(Debug, Default)]
pub struct CurrencyTally(BTreeMap<String, Count>);

impl CurrencyTally {
    /// Counts a row.
    pub fn add(&mut self, row: &CardTransaction<'_>) {
        let Some(currency) = row.currency.as_deref() else { return };
        match self.0.get_mut(currency) {
            Some(count) => count.add(row),
            None => self.0.entry(currency.to_owned()).or_default().add(row),
        }
    }

    /// Adds what was counted elsewhere.
    pub fn join(&mut self, more: CurrencyTally) {
        for (currency, count) in more.0 {
            let sum = self.0.entry(currency).or_default();
            *sum = Count { unexchanged: sum.unexchanged + count.unexchanged, all: sum.all + count.all };
        }
    }

    /// The card's own, as [`settle_currencies`] would find it in the rows.
    pub fn own(self) -> Option<String> {
        most_frequent(self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Credit,
    Debit,
}

fn direction(raw: Raw<'_>) -> Field<Direction> {
    let word = required_text("type", raw)?;
    match word.as_ref() {
        "C" | "c" => Ok(Direction::Credit),
        "D" | "d" => Ok(Direction::Debit),
        word if word.eq_ignore_ascii_case("credit") => Ok(Direction::Credit),
        word if word.eq_ignore_ascii_case("debit") => Ok(Direction::Debit),
        word => Err(FieldError::new("type", format!("expected C, D, Credit or Debit, found {}", quoted(word)))),
    }
}

/// Gives an amount the sign of its direction. A debit may come signed already; a negative credit contradicts itself.
fn signed(field: &'static str, amount: Money, direction: Direction) -> Field<Money> {
    match direction {
        Direction::Credit if amount.is_negative() => Err(FieldError::new(
            field,
            format!("expected a credit that is not negative, found {amount} with type Credit"),
        )),
        Direction::Credit => Ok(amount),
        Direction::Debit => Ok(-amount.abs()),
    }
}

/// Statements have two words of their own beside those of cards.
fn statement_status(word: &str) -> Status {
    const WORDS: &[(&str, Status)] = &[("executed", Status::Settled), ("in progress", Status::Pending)];
    find_word(WORDS, word).unwrap_or_else(|| card_status(word))
}

fn card_status(word: &str) -> Status {
    const WORDS: &[(&str, Status)] = &[
        ("s", Status::Settled),
        ("p", Status::Pending),
        ("c", Status::Cancelled),
        ("d", Status::Declined),
        ("settled", Status::Settled),
        ("pending", Status::Pending),
        ("cancelled", Status::Cancelled),
        ("declined", Status::Declined),
    ];
    find_word(WORDS, word).unwrap_or(Status::Unknown)
}

fn transfer_status(word: &str) -> TransferStatus {
    const WORDS: &[(&str, TransferStatus)] = &[
        ("in progress", TransferStatus::InProgress),
        ("to execute", TransferStatus::ToExecute),
        ("cancelled", TransferStatus::Cancelled),
        ("executed", TransferStatus::Executed),
    ];
    find_word(WORDS, word).unwrap_or(TransferStatus::Unknown)
}

fn find_word<T: Copy>(words: &[(&str, T)], word: &str) -> Option<T> {
    words.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, meaning)| *meaning)
}

/// `iban` as one object, an array of one, the IBAN itself, or nothing.
fn nested_iban<'a>(raw: Raw<'a>) -> Field<WireIban<'a>> {
    let Some(json) = raw.map(Json::get).filter(|json| !scalar::is_empty_container(json)) else {
        return Ok(WireIban::default());
    };
    match json.as_bytes()[0] {
        b'{' => parse("iban", json, "an object of an IBAN's fields, each once"),
        b'[' => one_of("iban", json).and_then(|only: Json<'a>| nested_iban(Some(only))),
        _ => Ok(WireIban { iban: raw, ..WireIban::default() }),
    }
}

fn one_of<'a>(field: &'static str, json: &'a str) -> Field<Json<'a>> {
    let items: Vec<Json<'a>> = parse(field, json, "a list")?;
    match items.as_slice() {
        [only] => Ok(*only),
        _ => Err(FieldError::new(field, format!("expected one, found {}", items.len()))),
    }
}

/// Reads JSON that is valid; `expected` is what it should be, in the words of the provider's documents.
fn parse<'a, T: Deserialize<'a>>(field: &'static str, json: &'a str, expected: &str) -> Field<T> {
    let unlike = |_| FieldError::new(field, format!("expected {expected}, found {}", excerpt(json)));
    serde_json::from_str(json).map_err(unlike)
}

/// `failed_reason` as one object, an array of them, a text, or nothing. Several are joined by `; `.
fn failure<'a>(raw: Raw<'a>) -> Field<(Option<Text<'a>>, Option<Text<'a>>)> {
    const FIELD: &str = "failed_reason";
    #[derive(Deserialize)]
    struct WireFailure<'a> {
        #[serde(borrow)]
        code: Raw<'a>,
        #[serde(borrow)]
        message: Raw<'a>,
    }
    let one = |json: &'a str| -> Field<_> {
        let wire: WireFailure<'a> = parse(FIELD, json, "an object of a code and a message, each once")?;
        Ok((text(FIELD, wire.code)?, text(FIELD, wire.message)?))
    };
    let Some(json) = raw.map(Json::get).filter(|json| !scalar::is_empty_container(json)) else {
        return Ok((None, None));
    };
    match json.as_bytes()[0] {
        b'{' => one(json),
        b'[' => {
            let items: Vec<Json<'a>> = parse(FIELD, json, "a list")?;
            let parts = items.iter().map(|item| one(item.get())).collect::<Field<Vec<_>>>()?;
            let (codes, messages): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
            Ok((joined(codes), joined(messages)))
        }
        _ => Ok((None, text(FIELD, raw)?)),
    }
}

fn joined<'a>(texts: Vec<Option<Text<'a>>>) -> Option<Text<'a>> {
    let mut texts: Vec<Text<'a>> = texts.into_iter().flatten().collect();
    match texts.len() {
        0 => None,
        1 => texts.pop(),
        _ => Some(Cow::Owned(texts.join("; "))),
    }
}

/// `vat_details` as compact JSON with both values as texts, as sent; `None` when there are none.
fn vat_details<'a>(raw: Raw<'a>) -> Field<Option<Text<'a>>> {
    const FIELD: &str = "vat_details";
    const EXPECTED: &str = "a list of objects of a rate and an amount, each once";
    let Some(json) = raw.map(Json::get).filter(|json| !scalar::is_empty_container(json)) else {
        return Ok(None);
    };
    let items: Vec<WireVat<'a>> = match objects(json) {
        Some(items) => items,
        None if json.starts_with('{') => vec![parse(FIELD, json, EXPECTED)?],
        None => parse(FIELD, json, EXPECTED)?,
    };
    let mut out = String::with_capacity(json.len() + 8 * items.len());
    for item in items {
        out.push_str(if out.is_empty() { "[{\"rate\":" } else { ",{\"rate\":" });
        push_json(&mut out, text(FIELD, item.rate)?.as_deref());
        out.push_str(",\"amount\":");
        push_json(&mut out, text(FIELD, item.amount)?.as_deref());
        out.push('}');
    }
    out.push_str(if out.is_empty() { "[]" } else { "]" });
    Ok(Some(Cow::Owned(out)))
}

/// A text as JSON spells it, or `null`.
fn push_json(out: &mut String, text: Option<&str>) {
    let Some(text) = text else {
        return out.push_str("null");
    };
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::to_string(text).expect("a text is JSON"));
    }
}

fn finish<R>(decode: impl FnOnce() -> Field<R>, id: Raw<'_>) -> Decoded<R> {
    match decode() {
        Ok(row) => Decoded::Row(row),
        Err(error) => Decoded::Rejected(rejection(id, error)),
    }
}

fn rejection(id: Raw<'_>, error: FieldError) -> Rejection {
    let txid = text("txid", id).ok().flatten().map(Cow::into_owned).filter(|id| !id.is_empty());
    Rejection { txid, field: error.field, reason: error.reason }
}

/// The fields of a row. What the scanner would not take is `serde_json`'s matter, and so is what is said of it.
fn fields_of<'r, 'a, F>(row: &'r RawRow<'a, F>, read: &'r mut Option<F>) -> Result<&'r F, Rejection>
where
    F: Fields<'a> + Deserialize<'a>,
{
    match &row.fields {
        Some(fields) => Ok(fields),
        None => match serde_json::from_str(row.text) {
            Ok(fields) => Ok(read.insert(fields)),
            Err(error) => Err(not_a_row(row.text, &error)),
        },
    }
}

fn not_a_row(row: &str, error: &serde_json::Error) -> Rejection {
    let reason = if row.starts_with('{') {
        format!("expected an object that names each field once: {error}")
    } else {
        format!("expected an object with the feed's fields, found {}", quoted(row))
    };
    Rejection { txid: None, field: "", reason }
}
