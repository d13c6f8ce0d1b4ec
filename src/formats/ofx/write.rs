//! A statement as OFX.

use std::collections::HashMap;
use std::fmt::Write;

use super::Ofx;
use crate::formats::control::Spelling;
use crate::formats::entries::StatementEntry;
use crate::formats::pen::Pen;
use crate::formats::statement::Statement;
use crate::formats::text::{allowed_in_xml, cut, head as cut_head, on_one_line, push_xml, sha256, short_id};
use crate::record::{Day, Money};

const HEADER: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n\
    <?OFX OFXHEADER=\"200\" VERSION=\"220\" SECURITY=\"NONE\" OLDFILEUID=\"NONE\" NEWFILEUID=\"NONE\"?>\n";
const ACCOUNT_CHARS_MAX: usize = 22;

pub(super) fn write(statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String> {
    let [statement] = statements else { return Err("an OFX file holds one statement".to_owned()) };
    let (opening, closing) = statement.opening.zip(statement.closing).ok_or("a balance is not known")?;
    head(&mut pen.text, statement);
    let mut seen = HashMap::new();
    statement.entries.each(&mut |entry| {
        if !entry.pending {
            let times: &mut u32 = seen.entry(Ofx.id(&entry.id)).or_default();
            *times += 1;
            transaction(&mut pen.text, statement, entry, *times);
        }
        pen.pass_on()
    })?;
    foot(&mut pen.text, statement, opening, closing);
    Ok(())
}

fn head(out: &mut String, statement: &Statement<'_>) {
    out.push_str(HEADER);
    open(out, "OFX");
    open(out, "SIGNONMSGSRSV1");
    open(out, "SONRS");
    status(out, "INFO", None);
    leaf(out, "DTSERVER", &noon(statement.window.to));
    leaf(out, "LANGUAGE", "ENG");
    close(out, &["SONRS", "SIGNONMSGSRSV1"]);
    open(out, "BANKMSGSRSV1");
    open(out, "STMTTRNRS");
    let hash = sha256(&format!("{} {} {}", statement.owner.kind.name(), statement.owner.id(), statement.window));
    leaf(out, "TRNUID", &hash[..32]);
    match statement.all_breaks().as_slice() {
        [] => status(out, "INFO", None),
        breaks => status(out, "WARN", Some(&format!("not tied: {}", breaks.join(" | ")))),
    }
    open(out, "STMTRS");
    leaf(out, "CURDEF", &statement.currency);
    open(out, "BANKACCTFROM");
    leaf(out, "BANKID", "TIEOUT");
    leaf(out, "ACCTID", &short_id(&on_one_line(&allowed_in_xml(statement.owner.id())), ACCOUNT_CHARS_MAX));
    leaf(out, "ACCTTYPE", "CHECKING");
    close(out, &["BANKACCTFROM"]);
    open(out, "BANKTRANLIST");
    leaf(out, "DTSTART", &noon(statement.window.from));
    leaf(out, "DTEND", &noon(statement.window.to));
}

fn foot(out: &mut String, statement: &Statement<'_>, opening: Money, closing: Money) {
    let (from, to) = (statement.window.from, statement.window.to);
    close(out, &["BANKTRANLIST"]);
    open(out, "LEDGERBAL");
    leaf(out, "BALAMT", &statement.money(closing));
    leaf(out, "DTASOF", &noon(to));
    close(out, &["LEDGERBAL"]);
    open(out, "BALLIST");
    open(out, "BAL");
    leaf(out, "NAME", "OPENING");
    leaf(out, "DESC", "Balance before the first entry");
    leaf(out, "BALTYPE", "DOLLAR");
    leaf(out, "VALUE", &statement.money(opening));
    leaf(out, "DTASOF", &noon(from));
    close(out, &["BAL", "BALLIST", "STMTRS", "STMTTRNRS", "BANKMSGSRSV1", "OFX"]);
}

fn transaction(out: &mut String, statement: &Statement<'_>, entry: &StatementEntry, times: u32) {
    let id = Ofx.id(&entry.id);
    open(out, "STMTTRN");
    leaf(out, "TRNTYPE", if entry.amount.is_negative() { "DEBIT" } else { "CREDIT" });
    leaf(out, "DTPOSTED", &noon(entry.day));
    leaf(out, "DTUSER", &noon(entry.value_day));
    leaf(out, "TRNAMT", &statement.money(entry.amount));
    leaf(out, "FITID", &if times > 1 { format!("{id}#{times}") } else { id });
    let text = Ofx.text(&entry.id, &entry.text);
    if !text.is_empty() {
        leaf(out, "NAME", cut_head(&text, 32).trim_end());
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
