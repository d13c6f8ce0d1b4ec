//! A journal read back.

use std::io::BufRead;

use crate::formats::control::{Frame, Listener, ToldEntry};
use crate::record::Money;

/// A transaction's first line and its postings to the owner's account.
struct Transaction {
    day: String,
    id: Option<String>,
    text: String,
    amount: Option<Money>,
    asserted: Option<Money>,
}

pub(super) fn read(file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String> {
    let mut frame = Frame::default();
    let mut open: Option<Transaction> = None;
    listener.begins()?;
    for line in file.lines() {
        let line = line.map_err(|error| error.to_string())?;
        if let Some(posting) = line.strip_prefix("    ") {
            if let Some(transaction) = open.as_mut().filter(|_| posting.starts_with("assets:")) {
                take_posting(transaction, posting, &frame.currency)?;
            }
        } else {
            close(open.take(), &mut frame, listener)?;
            match line.split(' ').next() {
                Some("commodity") => line.rsplit(' ').next().unwrap_or_default().clone_into(&mut frame.currency),
                Some(day) if line.starts_with(|c: char| c.is_ascii_digit()) => {
                    open = Some(begin(day, &line[day.len()..])?);
                }
                _ => {}
            }
        }
    }
    close(open, &mut frame, listener)?;
    listener.ends(frame)
}

fn begin(day: &str, rest: &str) -> Result<Transaction, String> {
    let rest = rest.strip_prefix(" * ").ok_or_else(|| format!("expected a booked transaction, found {day}{rest}"))?;
    let (id, text) = match rest.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((id, text)) => (Some(id.to_owned()), text.trim().to_owned()),
        None => (None, rest.to_owned()),
    };
    Ok(Transaction { day: day.to_owned(), id, text, amount: None, asserted: None })
}

fn take_posting(transaction: &mut Transaction, posting: &str, currency: &str) -> Result<(), String> {
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

fn close(transaction: Option<Transaction>, frame: &mut Frame, listener: &mut dyn Listener) -> Result<(), String> {
    let Some(Transaction { day, id, text, amount, asserted }) = transaction else { return Ok(()) };
    let amount = amount.ok_or_else(|| format!("the transaction of {day} has no posting"))?;
    match (id, text.as_str()) {
        (Some(id), _) => {
            listener.entry(ToldEntry { id, day, amount, pending: false, balance_after: asserted, text })?;
        }
        (None, "opening balance") => frame.opening = asserted,
        (None, "closing balance") => frame.closing = asserted,
        (None, other) => return Err(format!("expected a transaction with a code, found {other}")),
    }
    Ok(())
}
