//! OFX read back.

use std::cell::RefCell;

use crate::formats::control::{Told, ToldEntry};
use crate::formats::xml::{self, Node};
use crate::record::Money;

#[derive(Default)]
struct Reader {
    statements: Vec<Told>,
    balance: Option<Money>,
    entry: Parts,
}

#[derive(Default)]
struct Parts {
    id: String,
    day: String,
    amount: Option<Money>,
    text: String,
}

pub(super) fn read(bytes: &[u8]) -> Result<Vec<Told>, String> {
    let reader = RefCell::new(Reader::default());
    let begins = |node: &Node<'_>| {
        if node.name() == "STMTRS" {
            reader.borrow_mut().statements.push(Told::default());
        }
        Ok(())
    };
    xml::read(bytes, begins, |node| reader.borrow_mut().ends(node))?;
    Ok(reader.into_inner().statements)
}

impl Reader {
    fn ends(&mut self, node: &Node<'_>) -> Result<(), String> {
        let Some(statement) = self.statements.last_mut() else { return Ok(()) };
        let text = node.text;
        match node.name() {
            "CURDEF" => text.clone_into(&mut statement.currency),
            "BALAMT" => statement.closing = Some(money(text)?),
            "VALUE" => self.balance = Some(money(text)?),
            "BALLIST" => statement.opening = self.balance.take(),
            "DTPOSTED" => self.entry.day = day(text)?,
            "TRNAMT" => self.entry.amount = Some(money(text)?),
            "FITID" => text.split('#').next().unwrap_or_default().clone_into(&mut self.entry.id),
            "MEMO" => text.clone_into(&mut self.entry.text),
            "STMTTRN" => {
                let entry = std::mem::take(&mut self.entry);
                statement.entries.push(ToldEntry {
                    id: entry.id,
                    day: entry.day,
                    amount: entry.amount.ok_or("an entry has no amount")?,
                    pending: false,
                    balance_after: None,
                    text: entry.text,
                });
            }
            _ => {}
        }
        Ok(())
    }
}

fn day(text: &str) -> Result<String, String> {
    match (text.get(..4), text.get(4..6), text.get(6..8)) {
        (Some(year), Some(month), Some(day)) => Ok(format!("{year}-{month}-{day}")),
        _ => Err(format!("expected a date, found {text}")),
    }
}

fn money(text: &str) -> Result<Money, String> {
    Money::parse(text).map_err(|error| format!("expected an amount, found {text}: {error}"))
}
