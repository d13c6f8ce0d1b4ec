//! Statements as camt.053.

use std::fmt::Write;

use super::{Camt053, Version};
use crate::formats::control::Spelling;
use crate::formats::entries::StatementEntry;
use crate::formats::pen::Pen;
use crate::formats::statement::{Statement, is_card};
use crate::formats::text::{allowed_in_xml, cut, pieces, push_xml, sha256, short_id};
use crate::record::{Money, Total, Window};

const NOTE_CHARS_MAX: usize = 500;
const TEXT_CHARS_MAX: usize = 140;
/// `Othr/Id` of an account.
const ACCOUNT_CHARS_MAX: usize = 34;

pub(super) fn write(format: Camt053, statements: &[Statement<'_>], pen: &mut Pen<'_>) -> Result<(), String> {
    let mut xml = Xml { pen, depth: 0 };
    xml.line("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    let first = statements.first().ok_or("a message has a statement")?;
    let window = Window { from: first.window.from, to: statements[statements.len() - 1].window.to };
    xml.line(&format!("<Document xmlns=\"{}\">", format.version.namespace()));
    xml.open("BkToCstmrStmt");
    xml.open("GrpHdr");
    xml.leaf("MsgId", &identity(first, window, "M"));
    xml.leaf("CreDtTm", &created(window));
    xml.close("GrpHdr");
    for statement in statements {
        write_statement(&mut xml, format, statement)?;
    }
    xml.close("BkToCstmrStmt");
    xml.line("</Document>");
    Ok(())
}

/// Unique to owner and days, and the same whenever they are written.
fn identity(statement: &Statement<'_>, window: Window, kind: &str) -> String {
    let owner = statement.owner;
    let hash = sha256(&format!("{} {} {window}", owner.kind.name(), owner.id()));
    format!("TIEOUT-{kind}-{}-{}", window.to.to_string().replace('-', ""), &hash[..16])
}

fn created(window: Window) -> String {
    format!("{}T23:59:59", window.to)
}

fn write_statement(xml: &mut Xml<'_, '_>, format: Camt053, statement: &Statement<'_>) -> Result<(), String> {
    let window = statement.window;
    xml.open("Stmt");
    xml.leaf("Id", &identity(statement, window, "S"));
    xml.leaf("ElctrncSeqNb", &window.to.to_string().replace('-', ""));
    xml.leaf("CreDtTm", &created(window));
    xml.open("FrToDt");
    xml.leaf("FrDtTm", &format!("{}T00:00:00", window.from));
    xml.leaf("ToDtTm", &created(window));
    xml.close("FrToDt");
    write_account(xml, statement);
    for (code, balance, day) in [("OPBD", statement.opening, window.from), ("CLBD", statement.closing, window.to)] {
        let balance = balance.ok_or("a balance is not known")?;
        xml.open("Bal");
        xml.line(&format!("<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"));
        write_amount(xml, statement, balance);
        xml.line(&format!("<Dt><Dt>{day}</Dt></Dt>"));
        xml.close("Bal");
    }
    write_summary(xml, format.version, statement)?;
    let mut place = 0;
    statement.entries.each(&mut |entry| {
        place += 1;
        write_entry(xml, format, statement, entry, place);
        xml.pen.pass_on()
    })?;
    if let Some(note) = statement_note(statement) {
        xml.leaf("AddtlStmtInf", &note);
    }
    xml.close("Stmt");
    Ok(())
}

fn write_account(xml: &mut Xml<'_, '_>, statement: &Statement<'_>) {
    xml.open("Acct");
    xml.open("Id");
    xml.open("Othr");
    xml.leaf("Id", &short_id(&allowed_in_xml(statement.owner.id()), ACCOUNT_CHARS_MAX));
    xml.leaf("Issr", "provider");
    xml.close("Othr");
    xml.close("Id");
    xml.leaf("Ccy", &statement.currency);
    if is_card(statement.owner) {
        xml.leaf("Nm", "payment card");
    }
    xml.close("Acct");
}

/// `Amt` and `CdtDbtInd`: an amount has no sign of its own.
fn write_amount(xml: &mut Xml<'_, '_>, statement: &Statement<'_>, amount: Money) {
    let text = statement.money(amount.abs());
    xml.line(&format!("<Amt Ccy=\"{}\">{text}</Amt>", statement.currency));
    xml.leaf("CdtDbtInd", direction(amount.is_negative()));
}

fn direction(is_debit: bool) -> &'static str {
    if is_debit { "DBIT" } else { "CRDT" }
}

fn write_summary(xml: &mut Xml<'_, '_>, version: Version, statement: &Statement<'_>) -> Result<(), String> {
    let held = |total: Total| total.to_money().ok_or("a sum has more than the 18 digits that camt.053 allows");
    let (credit_count, debit_count, credits, debits) = statement.sums();
    let mut net = credits;
    net.add_total(debits);
    let (credits, debits, net) = (held(credits)?, held(debits)?.abs(), held(net)?);
    let gross = credits.checked_add(debits).ok_or("a sum has more than the 18 digits that camt.053 allows")?;
    let count = credit_count + debit_count;
    xml.open("TxsSummry");
    xml.open("TtlNtries");
    xml.leaf("NbOfNtries", &count.to_string());
    xml.leaf("Sum", &statement.money(gross));
    let (amount, sign) = (statement.money(net.abs()), direction(net.is_negative()));
    match version {
        Version::V08 => {
            xml.open("TtlNetNtry");
            xml.leaf("Amt", &amount);
            xml.leaf("CdtDbtInd", sign);
            xml.close("TtlNetNtry");
        }
        Version::V02 => {
            xml.leaf("TtlNetNtryAmt", &amount);
            xml.leaf("CdtDbtInd", sign);
        }
    }
    xml.close("TtlNtries");
    for (name, count, sum) in [("TtlCdtNtries", credit_count, credits), ("TtlDbtNtries", debit_count, debits)] {
        xml.open(name);
        xml.leaf("NbOfNtries", &count.to_string());
        xml.leaf("Sum", &statement.money(sum));
        xml.close(name);
    }
    xml.close("TxsSummry");
    Ok(())
}

fn write_entry(
    xml: &mut Xml<'_, '_>,
    format: Camt053,
    statement: &Statement<'_>,
    entry: &StatementEntry,
    place: usize,
) {
    let reference = format.id(&entry.id);
    xml.open("Ntry");
    xml.leaf("NtryRef", &place.to_string());
    write_amount(xml, statement, entry.amount);
    let status = if entry.pending { "PDNG" } else { "BOOK" };
    match format.version {
        Version::V08 => xml.line(&format!("<Sts><Cd>{status}</Cd></Sts>")),
        Version::V02 => xml.leaf("Sts", status),
    }
    xml.line(&format!("<BookgDt><Dt>{}</Dt></BookgDt>", entry.day));
    xml.line(&format!("<ValDt><Dt>{}</Dt></ValDt>", entry.value_day));
    xml.leaf("AcctSvcrRef", &reference);
    let code = match (is_card(statement.owner), &entry.counterparty_iban) {
        (true, _) => "CARD_TRANSACTION",
        (false, Some(_)) => "TRANSFER",
        (false, None) => "ACCOUNT_STATEMENT",
    };
    xml.line(&format!("<BkTxCd><Prtry><Cd>{code}</Cd><Issr>tieout</Issr></Prtry></BkTxCd>"));
    xml.open("NtryDtls");
    xml.open("TxDtls");
    write_details(xml, format, entry, &reference);
    xml.close("TxDtls");
    xml.close("NtryDtls");
    if !entry.breaks.is_empty() {
        xml.leaf("AddtlNtryInf", &cut(&allowed_in_xml(&entry.breaks.join(" | ")), NOTE_CHARS_MAX));
    }
    xml.close("Ntry");
}

fn write_details(xml: &mut Xml<'_, '_>, format: Camt053, entry: &StatementEntry, reference: &str) {
    xml.open("Refs");
    xml.leaf("AcctSvcrRef", reference);
    xml.close("Refs");
    if let Some((amount, currency)) = entry.instructed.as_ref().filter(|(_, currency)| is_currency(currency)) {
        xml.open("AmtDtls");
        xml.open("InstdAmt");
        let text = amount.abs().text(crate::record::minor_digits(Some(currency)));
        xml.line(&format!("<Amt Ccy=\"{currency}\">{text}</Amt>"));
        xml.close("InstdAmt");
        xml.close("AmtDtls");
    }
    // The other side of a credit pays, that of a debit is paid.
    let (account, agent) = if entry.amount.is_negative() { ("CdtrAcct", "CdtrAgt") } else { ("DbtrAcct", "DbtrAgt") };
    if let Some(iban) = entry.counterparty_iban.as_deref().filter(|iban| is_iban(iban)) {
        xml.open("RltdPties");
        xml.line(&format!("<{account}><Id><IBAN>{iban}</IBAN></Id></{account}>"));
        xml.close("RltdPties");
    }
    if let Some(bic) = entry.counterparty_bic.as_deref().filter(|bic| is_bic(bic)) {
        let name = if format.version == Version::V08 { "BICFI" } else { "BIC" };
        xml.open("RltdAgts");
        xml.line(&format!("<{agent}><FinInstnId><{name}>{bic}</{name}></FinInstnId></{agent}>"));
        xml.close("RltdAgts");
    }
    let text = format.text(&entry.id, &entry.text);
    if !text.is_empty() {
        xml.open("RmtInf");
        for piece in pieces(&text, TEXT_CHARS_MAX) {
            xml.leaf("Ustrd", piece);
        }
        xml.close("RmtInf");
    }
    xml.open("RltdDts");
    xml.leaf("TxDtTm", &entry.booked_at.text());
    xml.close("RltdDts");
    if entry.id != reference {
        xml.leaf("AddtlTxInf", &cut(&allowed_in_xml(&format!("txid {}", entry.id)), NOTE_CHARS_MAX));
    }
}

/// What the statement says of breaks: those that no entry carries in full, then the ids of the others.
fn statement_note(statement: &Statement<'_>) -> Option<String> {
    let all = statement.all_breaks();
    if all.is_empty() {
        return None;
    }
    let own = statement.breaks.join(" | ");
    let ids: Vec<&str> = all.iter().filter_map(|text| text.strip_prefix("break ")?.split(' ').next()).collect();
    let note = format!("not tied: {}. {own}", ids.join(", "));
    Some(cut(allowed_in_xml(note.trim_end()).as_ref(), NOTE_CHARS_MAX).into_owned())
}

fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_iban(text: &str) -> bool {
    let bytes = text.as_bytes();
    (5..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(u8::is_ascii_alphanumeric)
}

/// By the narrower rule of the older version.
fn is_bic(text: &str) -> bool {
    let bytes = text.as_bytes();
    matches!(bytes.len(), 8 | 11)
        && bytes[..6].iter().all(u8::is_ascii_uppercase)
        && bytes.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && !matches!(bytes[6], b'0' | b'1')
        && bytes[7] != b'O'
}

/// Lines of XML, indented.
struct Xml<'p, 'w> {
    pen: &'p mut Pen<'w>,
    depth: usize,
}

impl Xml<'_, '_> {
    fn line(&mut self, text: &str) {
        self.pen.text.extend(std::iter::repeat_n(' ', self.depth));
        self.pen.text.push_str(text);
        self.pen.text.push('\n');
    }

    fn open(&mut self, name: &str) {
        self.line(&format!("<{name}>"));
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.line(&format!("</{name}>"));
    }

    fn leaf(&mut self, name: &str, text: &str) {
        let out = &mut self.pen.text;
        out.extend(std::iter::repeat_n(' ', self.depth));
        write!(out, "<{name}>").expect("a text takes any text");
        push_xml(out, text);
        writeln!(out, "</{name}>").expect("a text takes any text");
    }
}
