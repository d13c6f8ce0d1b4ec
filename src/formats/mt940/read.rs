//! MT940 read back.

use crate::formats::control::{Told, ToldEntry};
use crate::record::Money;

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Told>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut statements: Vec<Told> = Vec::new();
    for (tag, value) in fields(text)? {
        if tag == "20" {
            statements.push(Told::default());
            continue;
        }
        let statement = statements.last_mut().ok_or("a message begins with :20:")?;
        match tag {
            "60F" => (statement.opening, statement.currency) = balance(&value)?,
            "62F" => {
                let (closing, currency) = balance(&value)?;
                if currency != statement.currency {
                    return Err(format!("expected a closing balance in {}, found {currency}", statement.currency));
                }
                statement.closing = closing;
            }
            "61" => statement.entries.push(entry(value[0])?),
            // That behind the closing balance is the message's own.
            "86" if statement.closing.is_none() => {
                let entry = statement.entries.last_mut().ok_or("a text without an entry")?;
                entry.text = value.iter().take_while(|line| !line.starts_with("/BREAK/")).copied().collect();
            }
            "25" | "28C" | "86" => {}
            other => return Err(format!("expected a field of MT940, found :{other}:")),
        }
    }
    Ok(statements)
}

/// Tags with the lines of their values.
fn fields(text: &str) -> Result<Vec<(&str, Vec<&str>)>, String> {
    let mut fields: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.split_terminator("\r\n") {
        if line.len() > 70 {
            return Err(format!("a line has {} characters", line.len()));
        }
        if line == "-" {
            continue;
        }
        match line.strip_prefix(':') {
            Some(rest) => {
                let (tag, value) = rest.split_once(':').ok_or_else(|| format!("expected a field, found {line}"))?;
                fields.push((tag, vec![value]));
            }
            None => fields.last_mut().ok_or("a line before the first field")?.1.push(line),
        }
    }
    Ok(fields)
}

fn balance(value: &[&str]) -> Result<(Option<Money>, String), String> {
    let text = value[0];
    let parts = text.get(..1).zip(text.get(7..10)).zip(text.get(10..));
    let ((mark, currency), digits) = parts.ok_or_else(|| format!("expected a balance, found {text}"))?;
    Ok((Some(signed(mark, digits)?), currency.to_owned()))
}

fn entry(text: &str) -> Result<ToldEntry, String> {
    let wrong = || format!("expected an entry, found {text}");
    let (date, entry_date) = text.get(..6).zip(text.get(6..10)).ok_or_else(wrong)?;
    if &date[2..] != entry_date {
        return Err(wrong());
    }
    let (mark, rest) = text.get(10..11).zip(text.get(11..)).ok_or_else(wrong)?;
    let end = rest.find('N').ok_or_else(wrong)?;
    let (_, id) = rest.split_once("//").ok_or_else(wrong)?;
    let century = if &date[..2] >= "70" { "19" } else { "20" };
    Ok(ToldEntry {
        id: id.to_owned(),
        day: format!("{century}{}-{}-{}", &date[..2], &date[2..4], &date[4..6]),
        amount: signed(mark, &rest[..end])?,
        pending: false,
        balance_after: None,
        text: String::new(),
    })
}

fn signed(mark: &str, digits: &str) -> Result<Money, String> {
    let amount = Money::parse(&digits.replace(',', ".")).map_err(|error| format!("{digits}: {error}"))?;
    match mark {
        "C" => Ok(amount),
        "D" => Ok(-amount),
        other => Err(format!("expected C or D, found {other}")),
    }
}
