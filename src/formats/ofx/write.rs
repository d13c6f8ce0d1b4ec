//! A statement as OFX.

use std::collections::HashMap;
use std::fmt::Write;

use super::Ofx;
use crate::formats::Written;
use crate::formats::control::Spelling;
use crate::formats::statement::{Statement, StatementEntry};
use crate::formats::text::{allowed_in_xml, cut, head, on_one_line, push_xml, sha256, short_id};
use crate::record::Day;

const HEADER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n\
    <?OFX OFXHEADER=\"200\" VERSION=\"220\" SECURITY=\"NONE\" OLDFILEUID=\"NONE\" NEWFILEUID=\"NONE\"?>\n";
const ACCOUNT_CHARS_MAX: usize = 22;

pub(super) fn write(statements: &[Statement]) -> Result<Written, String> {
    let [statement] = statements else { return Err("an OFX file holds one statement".to_owned()) };
    let (opening, closing) = statement.opening.zip(statement.closing).ok_or("a balance is not known")?;
    let (from, to) = (statement.window.from, statement.window.to);
    let mut out = String::from(HEADER);
    open(&mut out, "OFX");
    open(&mut out, "SIGNONMSGSRSV1");
    open(&mut out, "SONRS");
    status(&mut out, "INFO", None);
    leaf(&mut out, "DTSERVER", &noon(to));
    leaf(&mut out, "LANGUAGE", "ENG");
    close(&mut out, &["SONRS", "SIGNONMSGSRSV1"]);
    open(&mut out, "BANKMSGSRSV1");
    open(&mut out, "STMTTRNRS");
    let hash = sha256(&format!("{} {} {}", statement.owner.kind.name(), statement.owner.id(), statement.window));
    leaf(&mut out, "TRNUID", &hash[..32]);
    match statement.all_breaks().as_slice() {
        [] => status(&mut out, "INFO", None),
        breaks => status(&mut out, "WARN", Some(&format!("not tied: {}", breaks.join(" | ")))),
    }
    open(&mut out, "STMTRS");
    leaf(&mut out, "CURDEF", &statement.currency);
    open(&mut out, "BANKACCTFROM");
    leaf(&mut out, "BANKID", "TIEOUT");
    leaf(&mut out, "ACCTID", &short_id(&on_one_line(&allowed_in_xml(statement.owner.id())), ACCOUNT_CHARS_MAX));
    leaf(&mut out, "ACCTTYPE", "CHECKING");
    close(&mut out, &["BANKACCTFROM"]);
    open(&mut out, "BANKTRANLIST");
    leaf(&mut out, "DTSTART", &noon(from));
    leaf(&mut out, "DTEND", &noon(to));
    let mut seen = HashMap::new();
    for entry in statement.entries.iter().filter(|entry| !entry.pending) {
        let times: &mut u32 = seen.entry(Ofx.id(&entry.id)).or_default();
        *times += 1;
        transaction(&mut out, statement, entry, *times);
    }
    close(&mut out, &["BANKTRANLIST"]);
    open(&mut out, "LEDGERBAL");
    leaf(&mut out, "BALAMT", &statement.money(closing));
    leaf(&mut out, "DTASOF", &noon(to));
    close(&mut out, &["LEDGERBAL"]);
    open(&mut out, "BALLIST");
    open(&mut out, "BAL");
    leaf(&mut out, "NAME", "OPENING");
    leaf(&mut out, "DESC", "Balance before the first entry");
    leaf(&mut out, "BALTYPE", "DOLLAR");
    leaf(&mut out, "VALUE", &statement.money(opening));
    leaf(&mut out, "DTASOF", &noon(from));
    close(&mut out, &["BAL", "BALLIST", "STMTRS", "STMTTRNRS", "BANKMSGSRSV1", "OFX"]);
    Ok(Written::of(out.into_bytes(), statements, false))
}

fn transaction(out: &mut String, statement: &Statement, entry: &StatementEntry, times: u32) {
    let id = Ofx.id(&entry.id);
    open(out, "STMTTRN");
    leaf(out, "TRNTYPE", if entry.amount.is_negative() { "DEBIT" } else { "CREDIT" });
    leaf(out, "DTPOSTED", &noon(entry.day));
    leaf(out, "DTUSER", &noon(entry.value_day));
    leaf(out, "TRNAMT", &statement.money(entry.amount));
    leaf(out, "FITID", &if times > 1 { format!("{id}#{times}") } else { id });
    let text = Ofx.text(&entry.id, &entry.text);
    if !text.is_empty() {
        leaf(out, "NAME", head(&text, 32).trim_end());
    }
    if !entry.breaks.is_empty() {
        leaf(out, "EXTDNAME", &cut(&on_one_line(&allowed_in_xml(&entry.breaks.join(" | "))), 100));
    }
    if !text.is_empty() {
        leaf(out, "MEMO", &text);
    }
    close(out, &["STMTTRN"]);
}

fn status(out: &mut String, severity: &str, message: Option<&str>) {
    open(out, "STATUS");
    leaf(out, "CODE", "0");
    leaf(out, "SEVERITY", severity);
    if let Some(message) = message {
        leaf(out, "MESSAGE", &cut(&on_one_line(&allowed_in_xml(message)), 255));
    }
    close(out, &["STATUS"]);
}

fn noon(day: Day) -> String {
    format!("{}120000", day.to_string().replace('-', ""))
}

fn open(out: &mut String, name: &str) {
    writeln!(out, "<{name}>").expect("a text takes any text");
}

fn close(out: &mut String, names: &[&str]) {
    for name in names {
        writeln!(out, "</{name}>").expect("a text takes any text");
    }
}

fn leaf(out: &mut String, name: &str, text: &str) {
    write!(out, "<{name}>").expect("a text takes any text");
    push_xml(out, text);
    writeln!(out, "</{name}>").expect("a text takes any text");
}
