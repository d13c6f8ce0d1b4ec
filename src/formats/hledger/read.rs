//! A journal read back.

use crate::formats::control::{Told, ToldEntry};
use crate::record::Money;

/// A transaction's first line and its postings to the owner's account.
struct Transaction<'t> {
    day: &'t str,
    id: Option<&'t str>,
    text: &'t str,
    amount: Option<Money>,
    asserted: Option<Money>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Told>, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut told = Told::default();
    let mut open: Option<Transaction<'_>> = None;
    for line in text.split('\n') {
        if let Some(posting) = line.strip_prefix("    ") {
            if let Some(transaction) = open.as_mut().filter(|_| posting.starts_with("assets:")) {
                take_posting(transaction, posting, &told.currency)?;
            }
        } else {
            close(open.take().as_ref(), &mut told)?;
            match line.split(' ').next() {
                Some("commodity") => line.rsplit(' ').next().unwrap_or_default().clone_into(&mut told.currency),
                Some(day) if line.starts_with(|c: char| c.is_ascii_digit()) => {
                    open = Some(begin(day, &line[day.len()..])?);
                }
                _ => {}
            }
        }
    }
    close(open.as_ref(), &mut told)?;
    Ok(vec![told])
}

fn begin<'t>(day: &'t str, rest: &'t str) -> Result<Transaction<'t>, String> {
    let rest = rest.strip_prefix(" * ").ok_or_else(|| format!("expected a booked transaction, found {day}{rest}"))?;
    let (id, text) = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((id, text)) => (Some(id), text.trim()),
        None => (None, rest),
    };
    Ok(Transaction { day, id, text, amount: None, asserted: None })
}

fn take_posting(transaction: &mut Transaction<'_>, posting: &str, currency: &str) -> Result<(), String> {
    let wrong = || format!("expected a posting in {currency}, found {posting}");
    let (_, amounts) = posting.split_once("  ").ok_or_else(wrong)?;
    let money = |text: &str| {
        let digits = text.trim().strip_suffix(currency).ok_or_else(wrong)?;
        Money::parse(digits.trim_end()).map_err(|_| wrong())
    };
    match amounts.split_once(" = ") {
        Some((amount, asserted)) => {
            (transaction.amount, transaction.asserted) = (Some(money(amount)?), Some(money(asserted)?));
        }
        None => transaction.amount = Some(money(amounts)?),
    }
    Ok(())
}

fn close(transaction: Option<&Transaction<'_>>, told: &mut Told) -> Result<(), String> {
    let Some(&Transaction { day, id, text, amount, asserted }) = transaction else { return Ok(()) };
    let amount = amount.ok_or_else(|| format!("the transaction of {day} has no posting"))?;
    match (id, text) {
        (Some(id), text) => told.entries.push(ToldEntry {
            id: id.to_owned(),
            day: day.to_owned(),
            amount,
            pending: false,
            balance_after: asserted,
            text: text.to_owned(),
        }),
        (None, "opening balance") => told.opening = asserted,
        (None, "closing balance") => told.closing = asserted,
        (None, other) => return Err(format!("expected a transaction with a code, found {other}")),
    }
    Ok(())
}
