//! Books in which every row is at odds with the other feeds: what a check costs grows as the rows do, not as their square.
//! An accountant whose provider changed a format, or takes a fee of every transfer, still has a report in the morning.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tieout::breaks::{Break, Cause, Check, Subject};
use tieout::reconcile::facts::{AccountFacts, CardFact, CardSide, LineFact, Side, TransferFact};
use tieout::reconcile::{CardWord, Terms, Watched, WatchedBreaks, check_books, check_books_again};
use tieout::record::{Money, Owner, Stamp, TransferStatus, Window};

use super::{account, line, march, money};

const ROWS: usize = 1_000;
/// Eight times the rows: in proportion that is 8 times the work, squared it is 64.
const TIMES: usize = 8;
const TIMES_MAX: u32 = 24;

/// Books, and what their own listings told.
type Books = (AccountFacts, Vec<Break>);

/// The moment of a row among `rows`, which are spread over March.
fn at(row: usize, rows: usize) -> Stamp {
    const MARCH_2_S: usize = 1_772_406_000;
    const DAYS_S: usize = 25 * 86_400;
    let second = MARCH_2_S + DAYS_S * row / rows;
    Stamp::new(i64::try_from(second).expect("small") * 1_000_000, 3_600)
}

/// An amount of its own for each row.
fn amount(row: usize, cents: i64) -> Money {
    Money::from_unscaled(-(i64::try_from(row).expect("small") * 700 + 100_000 + cents) * 100).expect("small")
}

fn debit(row: usize, rows: usize, cents: i64) -> LineFact {
    let txid = format!("{}", 500_000_000 + row);
    LineFact { at: at(row, rows), amount: amount(row, cents), ..line(&txid, "02 10:00", "-1", "Virement") }
}

fn debit_to(iban: &str, row: usize, rows: usize, cents: i64) -> LineFact {
    let bare = debit(row, rows, cents);
    LineFact { iban: Some(iban.into()), has_iban: true, ..bare }
}

fn transfer(iban: &str, row: usize, rows: usize) -> TransferFact {
    TransferFact {
        internal_id: format!("{row}").into(),
        day: at(row, rows).day(),
        amount: amount(row, 0),
        status: TransferStatus::Executed,
        direct_debit: false,
        inside: true,
        reference: Some(format!("CT{:09}", row * 7919).into()),
        iban: Some(iban.into()),
    }
}

fn with_transfers(rows: usize, transfer: impl Fn(usize) -> TransferFact, line: impl Fn(usize) -> LineFact) -> Books {
    let transfers = (0..rows).map(transfer).collect();
    let facts = account((0..rows).map(line).collect());
    (AccountFacts { transfers: Some(Side::of(transfers)), ..facts }, Vec::new())
}

fn with_twins(lines: Vec<LineFact>, twins: Vec<LineFact>, own: Vec<Break>) -> Books {
    (AccountFacts { iban_statements: Some(Side::of(twins)), ..account(lines) }, own)
}

fn own(check: Check, cause: Cause, subject: Subject, amounts: (Money, Money)) -> Break {
    Break {
        check,
        cause,
        owner: Owner::account("1"),
        subject,
        booking_date: None,
        currency: None,
        amounts: Some(amounts),
        explanation: "as the chain tells it".to_owned(),
    }
}

fn row_of(line: &LineFact) -> Subject {
    Subject::Row(line.txid.to_string())
}

const DUPONT: &str = "FR7611111";

/// Transfers to one IBAN, each debited with a fee on top.
fn a_fee_on_each_transfer(rows: usize) -> Books {
    with_transfers(rows, |row| transfer(DUPONT, row, rows), |row| debit_to(DUPONT, row, rows, 50))
}

/// Transfers and debits that have nothing to do with each other.
fn debits_to_others(rows: usize) -> Books {
    let other = |row| debit_to(&format!("BE{row:010}"), row, rows, 50);
    with_transfers(rows, |row| transfer(&format!("FR{row:010}"), row, rows), other)
}

/// Debits that say neither to whom nor why.
fn debits_that_say_nothing(rows: usize) -> Books {
    with_transfers(rows, |row| transfer(&format!("FR{row:010}"), row, rows), |row| debit(row, rows, 250_000))
}

/// Transfers of one amount to one IBAN, of which each second has its debit.
fn half_the_debits(rows: usize) -> Books {
    let salary = |row| TransferFact { amount: money("-100.00"), ..transfer(DUPONT, row, rows) };
    let other = |row| debit_to("BE2222", row, rows, 50);
    let paid = |row| LineFact { amount: money("-100.00"), ..debit_to(DUPONT, row, rows, 0) };
    with_transfers(rows, salary, |row| if row % 2 == 0 { paid(row) } else { other(row) })
}

/// Transfers that are listed under another id once more.
fn transfers_under_two_ids(rows: usize) -> Books {
    let twice = |row: usize| TransferFact { internal_id: format!("{row}").into(), ..transfer(DUPONT, row / 2, rows) };
    with_transfers(rows, twice, |row| debit_to(DUPONT, row, rows, 0))
}

/// One reference for all transfers, as banks fill in where nobody gave one; each debit names it.
fn one_reference_for_all(rows: usize) -> Books {
    let same = |row| TransferFact { reference: Some("NOTPROVIDED".into()), ..transfer(DUPONT, row, rows) };
    with_transfers(rows, same, |row| LineFact { text: "Virement NOTPROVIDED".into(), ..debit_to(DUPONT, row, rows, 0) })
}

/// Loads of one card, each with a fee that the card's own row leaves out.
fn a_fee_on_each_load(rows: usize) -> Books {
    let card = |row| CardFact {
        txid: format!("{}", 800_000_000 + row).into(),
        at: at(row, rows),
        amount: money("0").checked_sub(amount(row, -50)).expect("small"),
        inside: true,
        word: Some(CardWord::Load),
        pattern: " card load ".into(),
    };
    let lines = (0..rows).map(|row| LineFact { text: "Card load ANY1".into(), ..debit(row, rows, 0) });
    let side = Side::of((0..rows).map(card).collect());
    let cards = vec![CardSide { owner: Owner::card("1", "ANY1"), side }];
    (AccountFacts { cards, ..account(lines.collect()) }, Vec::new())
}

/// Two statements that have no line in common.
fn no_twins(rows: usize) -> Books {
    let twin = |row| LineFact { txid: format!("{row}").into(), ..debit_to(DUPONT, row, rows, 0) };
    let lines = (0..rows).map(|row| debit_to(DUPONT, row, rows, 0)).collect();
    with_twins(lines, (0..rows).map(twin).collect(), Vec::new())
}

/// Amounts that the chain refutes, and the IBAN statement as well.
fn amounts_refuted_twice(rows: usize) -> Books {
    let lines: Vec<LineFact> = (0..rows).map(|row| debit_to(DUPONT, row, rows, 0)).collect();
    let twins = (0..rows).map(|row| debit_to(DUPONT, row, rows, 50)).collect();
    let refuted =
        |line: &LineFact| own(Check::Chain, Cause::AmountAltered, row_of(line), (money("0.50"), money("0.00")));
    let told = lines.iter().map(refuted).collect();
    with_twins(lines, twins, told)
}

/// Each second line is missing in the account statement alone, which its chain tells as well.
fn lines_that_only_the_twin_has(rows: usize) -> Books {
    let twins: Vec<LineFact> = (0..rows).map(|row| debit_to(DUPONT, row, rows, 0)).collect();
    let lines: Vec<LineFact> = twins.iter().skip(1).step_by(2).cloned().collect();
    let lacking = twins.iter().step_by(2).zip(&lines);
    let gap = |(twin, next): (&LineFact, &LineFact)| {
        own(Check::Chain, Cause::MissingEntry, row_of(next), (money("0"), twin.amount))
    };
    let told = lacking.map(gap).collect();
    with_twins(lines, twins, told)
}

/// Lines that both statements list twice.
fn everything_twice(rows: usize) -> Books {
    let twice = |row: usize| debit_to(DUPONT, row / 2, rows, 0);
    let lines: Vec<LineFact> = (0..rows).map(twice).collect();
    let listed = |subject: fn(&LineFact) -> Subject| {
        let told = move |line| own(Check::Duplicate, Cause::DuplicateEntry, subject(line), (money("0"), money("0")));
        lines.iter().step_by(2).map(told).collect::<Vec<_>>()
    };
    let mut told = listed(row_of);
    told.extend(listed(|line| Subject::RowOf("iban_statements", line.txid.to_string())));
    with_twins(lines.clone(), lines, told)
}

/// Lines of an IBAN statement that stands alone, each listed again under another txid.
fn copies_without_an_account_statement(rows: usize) -> Books {
    let copy = |row: usize| {
        let line = debit_to(DUPONT, row / 2, rows, 0);
        LineFact { txid: format!("{row}").into(), balance: Some(line.amount), ..line }
    };
    let (mut facts, own) = with_twins(Vec::new(), (0..rows).map(copy).collect(), Vec::new());
    facts.statements = None;
    (facts, own)
}

/// An account statement of which no line could be taken, beside an IBAN statement that is whole.
fn lines_that_were_all_rejected(rows: usize) -> Books {
    let twins = (0..rows).map(|row| debit_to(DUPONT, row, rows, 0)).collect();
    let (mut facts, own) = with_twins(Vec::new(), twins, Vec::new());
    let raw = |row: usize| format!(r#"{{"txid":{},"description":"Virement","amount":"1.2.3"}}"#, 500_000_000 + row);
    let statement = facts.statements.as_mut().expect("there");
    (0..rows).for_each(|row| statement.rejected.add(&raw(row)));
    (facts, own)
}

/// What the checks took, which other work on the machine does not change, and how many breaks they told.
fn checked((facts, own): Books) -> (Duration, usize) {
    let clock = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("time that was spent");
    let began = clock();
    let breaks = check_books(facts, own, march());
    (clock().saturating_sub(began), breaks.len())
}

/// What is at odds, how it is made of so many rows, and how many breaks are told of eight times [`ROWS`].
type Case = (&'static str, fn(usize) -> Books, usize);

#[test]
fn what_a_check_costs_grows_as_the_rows_do() {
    // What is told of so many rows, that a check which looks at nothing would not pass.
    let cases: [Case; 13] = [
        ("a fee on each transfer", a_fee_on_each_transfer, 7_360),
        ("debits to others", debits_to_others, 7_360),
        ("debits that say nothing", debits_that_say_nothing, 7_360),
        ("half the debits", half_the_debits, 20),
        ("transfers under two ids", transfers_under_two_ids, 0),
        ("one reference for all", one_reference_for_all, 0),
        ("a fee on each load", a_fee_on_each_load, 16_000),
        ("no twins", no_twins, 16_000),
        ("amounts refuted twice", amounts_refuted_twice, 8_000),
        ("lines that only the twin has", lines_that_only_the_twin_has, 4_000),
        ("everything twice", everything_twice, 4_000),
        ("copies without an account statement", copies_without_an_account_statement, 4_000),
        ("lines that were all rejected", lines_that_were_all_rejected, 0),
    ];
    for (name, books, told) in cases {
        let (few, _) = (0..3).map(|_| checked(books(ROWS))).min().expect("three");
        let (many, breaks) = checked(books(ROWS * TIMES));
        assert_eq!(breaks, told, "{name}");
        assert!(many < few * TIMES_MAX, "{name}: {TIMES} times the rows took {many:?}, after {few:?}");
    }
}

/// The night after: all that was told is looked at again.
fn checked_again((facts, own): Books) -> Duration {
    let clock = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).expect("time that was spent");
    let mut watched = WatchedBreaks::new();
    for found in check_books(facts.clone(), own.clone(), march()) {
        let row = found.subject.row().expect("a row").to_owned();
        let known = Watched { break_id: found.id(), check: found.check, cause: found.cause, row };
        watched.entry((found.owner.kind, found.owner.id().to_owned())).or_default().push(known);
    }
    assert!(!watched.is_empty());
    let narrow = Terms { window: Window { from: march().window.to, ..march().window }, ..march() };
    let began = clock();
    let again = check_books_again(facts, own, narrow, &watched);
    let took = clock().saturating_sub(began);
    assert!(again.breaks.len() + again.unjudged.len() > 0);
    took
}

#[test]
fn what_it_costs_to_look_again_grows_as_the_rows_do() {
    for (name, books) in [("debits to others", debits_to_others as fn(usize) -> Books), ("loads", a_fee_on_each_load)] {
        let few = (0..3).map(|_| checked_again(books(ROWS))).min().expect("three");
        let many = checked_again(books(ROWS * TIMES));
        assert!(many < few * TIMES_MAX, "{name}: {TIMES} times the rows took {many:?}, after {few:?}");
    }
}
