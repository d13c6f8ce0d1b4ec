//! OFX read back.

use std::cell::RefCell;
use std::io::BufRead;

use crate::formats::control::{Frame, Listener, ToldEntry};
use crate::formats::xml::{self, Node};
use crate::record::Money;

struct Reader<'l> {
    listener: &'l mut dyn Listener,
    frame: Frame,
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

pub(super) fn read(file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String> {
    let reader = RefCell::new(Reader { listener, frame: Frame::default(), balance: None, entry: Parts::default() });
    let begins = |node: &Node<'_>| match node.name() {
        "STMTRS" => reader.borrow_mut().listener.begins(),
        _ => Ok(()),
    };
    xml::read(file, begins, |node| reader.borrow_mut().ends(node))
}

impl Reader<'_> {
    fn ends(&mut self, node: &Node<'_>) -> Result<(), String> {
        let text = node.text;
        match node.name() {
            "CURDEF" => text.clone_into(&mut self.frame.currency),
            "BALAMT" => self.frame.closing = Some(money(text)?),
            "VALUE" => self.balance = Some(money(text)?),
            "BALLIST" => self.frame.opening = self.balance.take(),
            "DTPOSTED" => self.entry.day = day(text)?,
            "TRNAMT" => self.entry.amount = Some(money(text)?),
            "FITID" => text.split('#').next().unwrap_or_default().clone_into(&mut self.entry.id),
            "MEMO" => text.clone_into(&mut self.entry.text),
            "STMTTRN" => {
                let entry = std::mem::take(&mut self.entry);
                self.listener.entry(ToldEntry {
                    id: entry.id,
                    day: entry.day,
                    amount: entry.amount.ok_or("an entry has no amount")?,
                    pending: false,
                    balance_after: None,
                    text: entry.text,
                })?;
            }
            "STMTRS" => self.listener.ends(std::mem::take(&mut self.frame))?,
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
