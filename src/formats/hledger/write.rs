//! A statement as a journal.

use std::fmt::Write;

use super::Hledger;
use crate::formats::control::Spelling;
use crate::formats::entries::StatementEntry;
use crate::formats::pen::Pen;
use crate::formats::statement::{Statement, is_card};
use crate::formats::text::{on_one_line, percent_encoded};
use crate::record::Money;

/// The accounts against which money comes and goes.
const INCOME: &str = "income:unknown";
const EXPENSES: &str = "expenses:unknown";
const OPENING: &str = "equity:opening balances";

pub(super) fn write(statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String> {
    let [statement] = statements else { return Err("a journal holds one statement".to_owned()) };
    let account = account_of(statement);
    head(&mut pen.text, statement, &account);
    statement.entries.each(&mut |entry| {
        if !entry.pending {
            transaction(&mut pen.text, statement, &account, entry);
        }
        pen.pass_on()
    })?;
    if let (Some(_), Some(closing)) = (statement.opening, statement.closing) {
        line(&mut pen.text, &format!("\n{} * closing balance", statement.window.to));
        posting(&mut pen.text, statement, &account, Money::ZERO, Some(closing));
    }
    Ok(())
}

fn head(out: &mut String, statement: &Statement<'_>, account: &str) {
    let window = statement.window;
    line(out, &format!("; {}, {} to {}", comment(&statement.owner.to_string()), window.from, window.to));
    line(out, "decimal-mark .");
    let sample = match statement.digits {
        0 => "1000.".to_owned(),
        digits => format!("1000.{}", "0".repeat(usize::from(digits))),
    };
    line(out, &format!("commodity {sample} {}", statement.currency));
    for name in [account, INCOME, EXPENSES, OPENING] {
        line(out, &format!("account {name}"));
    }
    for note in &statement.breaks {
        line(out, &format!("; {}", comment(note)));
    }
    if let Some(opening) = statement.opening {
        line(out, &format!("\n{} * opening balance", window.from));
        posting(out, statement, account, opening, Some(opening));
        line(out, &format!("    {OPENING}"));
    }
}

/// The journal that includes those of the owners.
pub fn index(job: &str, names: &[String]) -> Vec<u8> {
    let mut out = format!("; {job}: a journal for each account and card\n");
    for name in names {
        line(&mut out, &format!("include {name}"));
    }
    out.into_bytes()
}

fn transaction(out: &mut String, statement: &Statement<'_>, account: &str, entry: &StatementEntry) {
    let (id, text) = (Hledger.id(&entry.id), Hledger.text(&entry.id, &entry.text));
    line(out, format!("\n{} * ({id}) {text}", entry.day).trim_end());
    for note in &entry.breaks {
        line(out, &format!("    ; {}", comment(note)));
    }
    let asserted = entry.balance_after.filter(|_| statement.opening.is_some());
    posting(out, statement, account, entry.amount, asserted);
    if let (None, Some(balance)) = (asserted, entry.balance_after) {
        line(out, &format!("    ; the provider states a balance of {}", statement.money(balance)));
    }
    line(out, &format!("    {}", if entry.amount.is_negative() { EXPENSES } else { INCOME }));
}

fn posting(out: &mut String, statement: &Statement<'_>, account: &str, amount: Money, asserted: Option<Money>) {
    let currency = &statement.currency;
    let assertion = asserted.map_or(String::new(), |balance| format!(" = {} {currency}", statement.money(balance)));
    line(out, &format!("    {account}  {} {currency}{assertion}", statement.money(amount)));
}

fn account_of(statement: &Statement<'_>) -> String {
    let kind = if is_card(statement.owner) { "card" } else { "account" };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    format!("assets:bank:{kind}:{}", percent_encoded(statement.owner.id(), plain))
}

/// A text that hledger reads nothing out of: neither a tag (`name:`) nor a date in brackets.
fn comment(text: &str) -> String {
    on_one_line(text).replace(':', "\u{2236}").replace('[', "(").replace(']', ")")
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a text takes any text");
}
