//! What every format must do: write any books, read them back as the rows say, and refuse a file that says otherwise.

use proptest::prelude::*;
use tieout::formats::camt053::{Camt053, Version};
use tieout::formats::entries::{Entries, StatementEntry};
use tieout::formats::hledger::Hledger;
use tieout::formats::mt940::Mt940;
use tieout::formats::ofx::Ofx;
use tieout::formats::pen::Pen;
use tieout::formats::statement::{OwnerBooks, Per, Statement};
use tieout::formats::{StatementFormat, prove};
use tieout::reconcile::{Books, FeeRule, Prior, close_chain};
use tieout::record::{Clock, Day, Feed, Money, Owner, StatementLine, Status, Window, Zone};

type Line = StatementLine<'static>;

fn formats() -> Vec<Box<dyn StatementFormat>> {
    let mut formats: Vec<Box<dyn StatementFormat>> = vec![Box::new(Ofx), Box::new(Hledger)];
    for per in [Per::Window, Per::Day] {
        formats.push(Box::new(Mt940 { per }));
        for version in [Version::V02, Version::V08] {
            formats.push(Box::new(Camt053 { version, per }));
        }
    }
    formats
}

fn money(text: &str) -> Money {
    Money::parse(text).expect("an amount")
}

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn march() -> Window {
    Window::new(day("2026-03-01"), day("2026-03-31")).expect("a window")
}

/// A line of an account: id, time such as `02 14:10`, amount, balance, text.
fn line(txid: &str, at: &str, amount: &str, balance: &str, text: &str) -> Line {
    let mut clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    StatementLine {
        feed: Feed::AccountStatements,
        acc_id: "1".into(),
        txid: txid.to_owned().into(),
        booked_at: clock.parse(&format!("2026-03-{at}:00")).expect("a time"),
        amount: money(amount),
        currency: Some("EUR".into()),
        balance_after: Some(money(balance)),
        status: Some(Status::Settled),
        provider_status: None,
        description: Some(text.to_owned().into()),
        executed_at: None,
        counterparty_iban: Some("FR7630006000011234567890189".into()),
        counterparty_bic: Some("AGRIFRPP".into()),
        comment: None,
        virtual_iban: None,
    }
}

fn plain_lines() -> Vec<Line> {
    vec![
        line("1", "02 09:00", "100", "1100.00", "rent"),
        line("2", "02 10:00", "-40.25", "1059.75", "paper"),
        line("3", "05 10:00", "-1059.75", "0", "all of it"),
        line("4", "09 10:00", "-0.01", "-0.01", "one more"),
    ]
}

/// Texts that mean something in one format or another.
const HOSTILE: [&str; 12] = [
    "<Ntry>&amp; ]]> \"quoted\" 'apostrophe'",
    "; comment\n    assets:bank:account:1  1000000 EUR\n\n2026-03-02 * (9) forged",
    "\r\n:62F:C260331EUR999999,00\r\n-\r\n:20:forged",
    "-}{1:F01}\r\n/BREAK/ ?20?30 :86:",
    "=1+1 @SUM(A1) \t+cmd|' /C calc'!A0",
    "\u{0}\u{1}\u{8}\u{b}\u{1f}\u{7f}\u{fffe}\u{ffff}\u{2028}",
    "Café Zoë Łódź 東京 🚀 Ω ß €",
    "date:2020-01-01, [2020-01-01] (code) * ! | payee",
    "</MEMO><TRNAMT>1000000</TRNAMT>",
    "   spaces   ",
    "",
    "%2F..%2F.. ../../etc/passwd",
];

fn lines_of(texts: &[&str], currency: Option<&str>, step: &str) -> Vec<Line> {
    let mut balance = money("500");
    let row = |(number, text): (usize, &&str)| {
        let amount = if number % 2 == 0 { money(step) } else { -money(step) };
        balance = balance.checked_add(amount).expect("small");
        let at = format!("{:02} {:02}:00", 2 + number / 3, 9 + number % 3);
        let id = if number % 4 == 0 { format!("{number}#{text}") } else { number.to_string() };
        let mut row = line(&id, &at, "0", "0", text);
        (row.amount, row.balance_after) = (amount, Some(balance));
        row.currency = currency.map(|code| code.to_owned().into());
        (row.comment, row.counterparty_iban) = (Some((*text).to_owned().into()), Some((*text).to_owned().into()));
        row
    };
    texts.iter().enumerate().map(row).collect()
}

/// The books of some lines, and what is done with them.
fn with_books<T>(lines: Vec<Line>, prior: Option<&str>, act: impl FnOnce(&OwnerBooks<'_, Line>) -> T) -> T {
    let owner = Owner::account("7410/é");
    let prior = prior.map(|closing| Prior { day: day("2026-02-28"), closing: money(closing) });
    let Books { rows, breaks, balances, meaning } = close_chain(&owner, lines, prior, FeeRule::Auto);
    act(&OwnerBooks {
        owner: &owner,
        window: march(),
        rows: &rows,
        balances: &balances,
        breaks: &breaks,
        rejected: 0,
        meaning,
        prior,
    })
}

/// A statement, and its entries where they can be changed.
struct Sheet<'a> {
    statement: Statement<'a>,
    entries: Vec<StatementEntry>,
}

impl<'a> Sheet<'a> {
    fn changed(self) -> Statement<'a> {
        Statement { entries: Box::new(self.entries) as Box<dyn Entries>, ..self.statement }
    }
}

/// Writes the statements as they are after `edit`, and reads the file back against the books.
fn written(
    format: &dyn StatementFormat,
    books: &OwnerBooks<'_, Line>,
    edit: impl FnOnce(&mut Vec<Sheet<'_>>),
) -> Result<String, String> {
    let mut sheets: Vec<Sheet<'_>> = books
        .statements(format.spelling().per())?
        .into_iter()
        .map(|s| Sheet { entries: all_of(&s), statement: s })
        .collect();
    edit(&mut sheets);
    let bytes = bytes_of(format, &sheets.into_iter().map(Sheet::changed).collect::<Vec<_>>())?;
    prove(format, books, &mut &bytes[..]).map_err(|error| error.one_line())?;
    Ok(String::from_utf8(bytes).expect("text"))
}

fn all_of(statement: &Statement<'_>) -> Vec<StatementEntry> {
    let mut entries = Vec::new();
    let taken = statement.entries.each(&mut |entry| {
        entries.push(entry.clone());
        Ok(())
    });
    taken.expect("memory takes them");
    entries
}

fn bytes_of(format: &dyn StatementFormat, statements: &[Statement<'_>]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut pen = Pen::new(&mut bytes);
    format.write(statements, &mut pen)?;
    pen.finish().expect("memory takes it");
    Ok(bytes)
}

fn reads_back(lines: &[Line], prior: Option<&str>) {
    for format in formats() {
        with_books(lines.to_vec(), prior, |books| {
            written(&*format, books, |_| ()).unwrap_or_else(|error| panic!("{format:?}: {error}"));
        });
    }
}

#[test]
fn any_books_read_back_as_their_rows() {
    reads_back(&plain_lines(), None);
    reads_back(&plain_lines(), Some("1000"));
    reads_back(&lines_of(&HOSTILE, Some("EUR"), "12.34"), None);
    reads_back(&lines_of(&HOSTILE, None, "12.34"), None);
    reads_back(&lines_of(&HOSTILE, Some("JPY"), "1234"), None);
    reads_back(&lines_of(&HOSTILE, Some("TND"), "1.234"), None);
    let long = ["x ".repeat(700), "é".repeat(141), ":-".repeat(300), "/BREAK/".repeat(60)];
    reads_back(&lines_of(&long.each_ref().map(String::as_str), Some("EUR"), "1"), None);
}

#[test]
fn an_owner_without_rows_goes_on_from_its_last_balance() {
    reads_back(&[], Some("1000"));
    with_books(Vec::new(), Some("1000"), |books| {
        let file = written(&Hledger, books, |_| ()).expect("a journal");
        assert!(file.contains("= 1000.00 XXX"), "{file}");
    });
    // Without one there is nothing that a statement could begin with.
    with_books(Vec::new(), None, |books| {
        assert!(written(&Hledger, books, |_| ()).is_ok());
        assert!(written(&Ofx, books, |_| ()).is_err());
    });
}

#[test]
fn what_is_not_booked_moves_no_balance_and_stands_where_a_format_has_a_word_for_it() {
    let mut lines = plain_lines();
    let mut pending = line("p", "05 11:00", "-7", "0", "announced");
    (pending.status, pending.balance_after) = (Some(Status::Pending), None);
    let mut alone = line("q", "20 11:00", "-8", "0", "announced alone");
    (alone.status, alone.balance_after) = (Some(Status::Pending), None);
    let mut cancelled = line("c", "05 12:00", "-9", "0", "called off");
    (cancelled.status, cancelled.balance_after) = (Some(Status::Cancelled), None);
    lines.extend([pending, alone, cancelled]);
    reads_back(&lines, None);
    with_books(lines, None, |books| {
        for version in [Version::V02, Version::V08] {
            let file = written(&Camt053 { version, per: Per::Window }, books, |_| ()).expect("a message");
            assert_eq!(file.matches("PDNG").count(), 2);
            assert!(file.contains("<NbOfNtries>4</NbOfNtries>") && !file.contains("called off"));
        }
        for format in [&Ofx as &dyn StatementFormat, &Hledger, &Mt940 { per: Per::Window }] {
            assert!(!written(format, books, |_| ()).expect("a file").contains("announced"), "{format:?}");
        }
    });
}

#[test]
fn a_broken_chain_states_its_break_and_keeps_the_providers_balances() {
    let mut lines = plain_lines();
    lines.remove(1);
    with_books(lines, None, |books| {
        assert_eq!(books.breaks.len(), 1);
        let id = books.breaks[0].id();
        for format in formats() {
            let file = written(&*format, books, |_| ()).expect("a file");
            assert!(file.contains(&id), "{format:?} says nothing of {id}:\n{file}");
        }
        let journal = written(&Hledger, books, |_| ()).expect("a journal");
        assert!(journal.contains("-1059.75 EUR = 0.00 EUR"), "{journal}");
    });
}

#[test]
fn rows_that_could_not_be_taken_are_told() {
    with_books(plain_lines(), None, |books| {
        let books = OwnerBooks { rejected: 2, owner: books.owner, rows: books.rows, ..*books };
        for format in formats() {
            let file = written(&*format, &books, |_| ()).expect("a file");
            assert!(file.contains("rejects.csv"), "{format:?} says nothing:\n{file}");
        }
    });
}

#[test]
fn a_doubled_row_is_seen_by_importers_that_drop_a_known_id() {
    let mut lines = plain_lines();
    lines.insert(2, lines[1].clone());
    with_books(lines.clone(), None, |books| {
        let file = written(&Ofx, books, |_| ()).expect("a file");
        assert!(file.contains("<FITID>2</FITID>") && file.contains("<FITID>2#2</FITID>"), "{file}");
    });
    reads_back(&lines, None);
}

#[test]
fn a_format_refuses_what_it_cannot_hold() {
    let refused = |format: &dyn StatementFormat, lines: Vec<Line>| {
        with_books(lines, None, |books| written(format, books, |_| ()).expect_err("it cannot hold that"))
    };
    let large = vec![line("1", "02 09:00", "10000000000000", "99999999999999.99", "much")];
    let mt940 = Mt940 { per: Per::Window };
    assert_eq!(
        refused(&mt940, large.clone()),
        "the amount 89999999999999.99 needs more than the 15 characters that MT940 has"
    );
    reads_back(&[line("1", "02 09:00", "-99999999999.99", "1", "as much as fits")], None);
    let mut mixed = plain_lines();
    mixed[2].currency = Some("USD".into());
    let mut unknown = plain_lines();
    for line in &mut unknown {
        line.currency = Some("E<R".into());
    }
    for format in formats() {
        assert!(refused(&*format, mixed.clone()).contains("a statement has one currency"));
        assert!(refused(&*format, unknown.clone()).contains("a currency is three large letters"));
    }
}

/// Something that a writer does wrong.
type Fault = fn(&mut Sheet<'_>);

/// What a writer could do wrong.
const FAULTS: &[(&str, Fault)] = &[
    ("an entry is lost", |sheet| drop(sheet.entries.remove(1))),
    ("an entry is doubled", |sheet| sheet.entries.insert(1, sheet.entries[1].clone())),
    ("entries change places", |sheet| sheet.entries.swap(0, 1)),
    ("an amount is off by a cent", |sheet| {
        sheet.entries[1].amount = sheet.entries[1].amount.checked_add(money("0.01")).expect("small");
    }),
    ("a sign is flipped", |sheet| sheet.entries[0].amount = -sheet.entries[0].amount),
    ("a day is another", |sheet| sheet.entries[0].day = sheet.entries[0].day.next()),
    ("an id is another", |sheet| sheet.entries[0].id.push('x')),
    ("a text is another", |sheet| sheet.entries[0].text.push('x')),
    ("the opening is another", |sheet| sheet.statement.opening = Some(money("1"))),
    ("the closing is smoothed", |sheet| sheet.statement.closing = Some(money("77"))),
    ("the currency is another", |sheet| "USD".clone_into(&mut sheet.statement.currency)),
    ("a booked entry is announced", |sheet| sheet.entries[0].pending = true),
];

#[test]
fn a_file_that_does_not_say_what_the_rows_say_is_refused() {
    for format in formats() {
        with_books(plain_lines(), None, |books| {
            for (name, fault) in FAULTS {
                let found = written(&*format, books, |sheets| fault(&mut sheets[0]));
                let error = found.expect_err(&format!("{format:?}: {name} was not noticed"));
                assert!(error.contains("does not read back as its rows: "), "{format:?}, {name}: {error}");
            }
            let found = written(&*format, books, |sheets| sheets.truncate(sheets.len() - 1));
            assert!(found.is_err());
        });
    }
    with_books(plain_lines(), None, |books| {
        let found = written(&Hledger, books, |all| all[0].entries[1].balance_after = Some(money("1")));
        assert!(found.expect_err("an asserted balance").contains("expected entry 2"));
    });
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    for format in formats() {
        with_books(plain_lines(), None, |books| {
            let statements = books.statements(format.spelling().per()).expect("statements");
            let bytes = bytes_of(&*format, &statements).expect("a file");
            // The last line of a file may say nothing that must be read back.
            for end in (0..bytes.len().saturating_sub(60)).step_by(31) {
                assert!(
                    prove(&*format, books, &mut &bytes[..end]).is_err(),
                    "{format:?} cut at {end} of {}",
                    bytes.len()
                );
            }
        });
    }
}

#[test]
fn a_disk_that_fails_in_the_middle_is_told_as_such() {
    struct Full(usize);
    impl std::io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(std::io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let text = "x".repeat(2_000);
    with_books(lines_of(&[text.as_str(); 60], Some("EUR"), "1"), None, |books| {
        for format in formats() {
            let statements = books.statements(format.spelling().per()).expect("statements");
            let whole = bytes_of(&*format, &statements).expect("a file").len();
            for room in [0, whole / 2, whole - 1] {
                let mut full = Full(room);
                let mut pen = Pen::new(&mut full);
                let _ = format.write(&statements, &mut pen);
                let error = pen.finish().expect_err("the disk is full");
                assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{format:?}");
            }
        }
    });
}

proptest! {
    #[test]
    fn any_texts_read_back(
        texts in proptest::collection::vec("(?s).{0,300}|[:;/\r\n -]{0,200}|[<&#%(){}]{0,60}", 1..12),
        step in 1_i64..1_000_000_000,
        currency in prop_oneof![Just("EUR"), Just("JPY"), Just("TND"), Just("CLF")],
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let step = Money::from_unscaled(step).expect("small").text(4);
        reads_back(&lines_of(&texts, Some(currency), &step), None);
    }
}
