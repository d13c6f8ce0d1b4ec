//! camt.053 read back, either version.

use std::cell::RefCell;
use std::io::BufRead;

use crate::formats::control::{Frame, Listener, ToldEntry};
use crate::formats::xml::{self, Node};
use crate::record::Money;

/// What was read of the statement and entry at hand.
struct Reader<'l> {
    listener: &'l mut dyn Listener,
    frame: Frame,
    balance: (String, Option<Money>),
    amount: Option<Money>,
    is_debit: bool,
    entry: ToldEntryParts,
    credits: Option<Money>,
    net: Option<Money>,
}

#[derive(Default)]
struct ToldEntryParts {
    id: String,
    day: String,
    amount: Option<Money>,
    pending: bool,
    texts: Vec<String>,
}

pub(super) fn read(file: &mut dyn BufRead, listener: &mut dyn Listener) -> Result<(), String> {
    let reader = RefCell::new(Reader {
        listener,
        frame: Frame::default(),
        balance: (String::new(), None),
        amount: None,
        is_debit: false,
        entry: ToldEntryParts::default(),
        credits: None,
        net: None,
    });
    xml::read(file, |node| reader.borrow_mut().begins(node), |node| reader.borrow_mut().ends(node))
}

impl Reader<'_> {
    fn begins(&mut self, node: &Node<'_>) -> Result<(), String> {
        match node.name() {
            "Stmt" => {
                self.frame = Frame::default();
                self.listener.begins()?;
            }
            "Ntry" => self.entry = ToldEntryParts::default(),
            _ => {}
        }
        Ok(())
    }

    fn ends(&mut self, node: &Node<'_>) -> Result<(), String> {
        if node.is("Bal/Amt") || node.is("Ntry/Amt") || node.is("TtlNetNtry/Amt") || node.is("TtlNtries/TtlNetNtryAmt")
        {
            self.amount = Some(money(node.text)?);
            if let Some(currency) = node.attribute("Ccy")
                && self.frame.currency != currency
            {
                return Err(format!("expected amounts in {}, found {currency}", self.frame.currency));
            }
        } else if node.is("Bal/CdtDbtInd") {
            self.balance.1 = self.signed(node.text)?;
        } else if node.is("TtlNetNtry/CdtDbtInd") || node.is("TtlNtries/CdtDbtInd") {
            self.net = self.signed(node.text)?;
        } else if node.is("Ntry/CdtDbtInd") {
            self.entry.amount = self.signed(node.text)?;
        } else if node.is("Ntry/Sts/Cd") || node.is("Ntry/Sts") && !node.text.trim().is_empty() {
            self.entry.pending = node.text == "PDNG";
        } else if node.is("Ntry/BookgDt/Dt") {
            node.text.clone_into(&mut self.entry.day);
        } else if node.is("Ntry/AcctSvcrRef") {
            node.text.clone_into(&mut self.entry.id);
        } else if node.is("RmtInf/Ustrd") {
            self.entry.texts.push(node.text.to_owned());
        } else if node.is("CdOrPrtry/Cd") {
            node.text.clone_into(&mut self.balance.0);
        } else if node.is("TtlCdtNtries/Sum") {
            self.credits = Some(money(node.text)?);
        } else if node.is("TtlDbtNtries/Sum") {
            let debits = money(node.text)?;
            self.sums(debits)?;
        } else {
            self.ends_group(node)?;
        }
        Ok(())
    }

    fn ends_group(&mut self, node: &Node<'_>) -> Result<(), String> {
        if node.is("Acct/Ccy") {
            node.text.clone_into(&mut self.frame.currency);
        } else if node.is("Stmt/Bal") {
            match self.balance.0.as_str() {
                "OPBD" => self.frame.opening = self.balance.1.take(),
                "CLBD" => self.frame.closing = self.balance.1.take(),
                other => return Err(format!("expected OPBD or CLBD, found {other}")),
            }
        } else if node.is("Stmt/Ntry") {
            let entry = std::mem::take(&mut self.entry);
            self.listener.entry(ToldEntry {
                text: entry.texts.concat(),
                id: entry.id,
                day: entry.day,
                amount: entry.amount.ok_or("an entry has no amount")?,
                pending: entry.pending,
                balance_after: None,
            })?;
        } else if node.name() == "Stmt" {
            self.listener.ends(std::mem::take(&mut self.frame))?;
        }
        Ok(())
    }

    fn signed(&mut self, direction: &str) -> Result<Option<Money>, String> {
        self.is_debit = match direction {
            "CRDT" => false,
            "DBIT" => true,
            other => return Err(format!("expected CRDT or DBIT, found {other}")),
        };
        Ok(self.amount.take().map(|amount| if self.is_debit { -amount } else { amount }))
    }

    /// The sums of the summary, which must agree among themselves.
    fn sums(&mut self, debits: Money) -> Result<(), String> {
        let credits = self.credits.take().ok_or("a summary has no credits")?;
        if credits.checked_sub(debits) != self.net.take() {
            return Err("the net sum of a summary is not that of its credits and debits".to_owned());
        }
        self.frame.stated = Some((credits, -debits));
        Ok(())
    }
}

fn money(text: &str) -> Result<Money, String> {
    Money::parse(text).map_err(|error| format!("expected an amount, found {text}: {error}"))
}
