//! Statements as MT940.

use std::fmt::Write;

use chrono::Datelike;

use super::Mt940;
use super::charset::{TEXT_LINES_MAX, lines, spelled};
use crate::formats::control::Spelling;
use crate::formats::entries::StatementEntry;
use crate::formats::pen::Pen;
use crate::formats::statement::{Statement, is_card};
use crate::formats::text::{sha256, short_id};
use crate::record::{Day, Money};

const AMOUNT_CHARS_MAX: usize = 15;

pub(super) fn write(format: Mt940, statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String> {
    statements.iter().try_for_each(|statement| message(pen, format, statement))
}

fn message(pen: &mut Pen<'_>, format: Mt940, statement: &Statement<'_>) -> Result<(), String> {
    let (window, out) = (statement.window, &mut pen.text);
    let hash = sha256(&format!("{} {} {window}", statement.owner.kind.name(), statement.owner.id()));
    line(out, &format!(":20:{}", hash[..16].to_uppercase()));
    line(out, &format!(":25:{}", short_id(&spelled(statement.owner.id()), 35)));
    line(out, &format!(":28C:{:02}{:03}/1", window.to.date().year() % 100, window.to.date().ordinal()));
    balance(out, statement, "60F", statement.opening, window.from)?;
    statement.entries.each(&mut |entry| {
        if !entry.pending {
            transaction(&mut pen.text, format, statement, entry)?;
        }
        pen.pass_on()
    })?;
    let out = &mut pen.text;
    balance(out, statement, "62F", statement.closing, window.to)?;
    let breaks = statement.all_breaks();
    if !breaks.is_empty() {
        let told = lines(&format!("not tied: {}", breaks.join(" / ")), TEXT_LINES_MAX);
        line(out, &format!(":86:{}", told.join("\r\n")));
    }
    line(out, "-");
    Ok(())
}

fn balance(
    out: &mut String,
    statement: &Statement<'_>,
    tag: &str,
    balance: Option<Money>,
    day: Day,
) -> Result<(), String> {
    let balance = balance.ok_or("a balance is not known")?;
    let (mark, day, currency) = (mark(balance), yymmdd(day), &statement.currency);
    line(out, &format!(":{tag}:{mark}{day}{currency}{}", amount(statement, balance)?));
    Ok(())
}

fn transaction(
    out: &mut String,
    format: Mt940,
    statement: &Statement<'_>,
    entry: &StatementEntry,
) -> Result<(), String> {
    let (day, id) = (yymmdd(entry.day), format.id(&entry.id));
    let kind = if entry.counterparty_iban.is_some() && !is_card(statement.owner) { "NTRF" } else { "NMSC" };
    let (mark, amount) = (mark(entry.amount), amount(statement, entry.amount)?);
    line(out, &format!(":61:{day}{}{mark}{amount}{kind}NONREF//{id}", &day[2..]));
    let mut told = format.lines(&entry.id, &entry.text);
    if !entry.breaks.is_empty() {
        let note = format!("/BREAK/{}", spelled(&entry.breaks.join(" / ")));
        told.extend([&note[..note.len().min(65)], &note[note.len().min(65)..note.len().min(130)]].map(str::to_owned));
        told.retain(|line| !line.is_empty());
    }
    if !told.is_empty() {
        line(out, &format!(":86:{}", told.join("\r\n")));
    }
    Ok(())
}

fn mark(amount: Money) -> char {
    if amount.is_negative() { 'D' } else { 'C' }
}

/// With a comma, which stands even where no decimals follow.
fn amount(statement: &Statement<'_>, amount: Money) -> Result<String, String> {
    let text = statement.money(amount.abs());
    let mut spelled = text.replace('.', ",");
    if !spelled.contains(',') {
        spelled.push(',');
    }
    if spelled.len() > AMOUNT_CHARS_MAX {
        return Err(format!("the amount {text} needs more than the {AMOUNT_CHARS_MAX} characters that MT940 has"));
    }
    Ok(spelled)
}

fn yymmdd(day: Day) -> String {
    day.to_string()[2..].replace('-', "")
}

fn line(out: &mut String, text: &str) {
    write!(out, "{text}\r\n").expect("a text takes any text");
}
