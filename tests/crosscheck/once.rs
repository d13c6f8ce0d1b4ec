//! One fault, one break: what listings tell by themselves and what they tell against each other.

use tieout::breaks::{Break, Cause, Check, Subject};
use tieout::reconcile::facts::{AccountFacts, LineFact, Side};
use tieout::reconcile::{Terms, check_books};
use tieout::record::Owner;

use super::{account, day, iban_line, line, march, money, told};

/// A line that states its balance.
fn twin(txid: &str, when: &str, amount: &str, balance: &str) -> LineFact {
    LineFact { balance: Some(money(balance)), ..iban_line(txid, when, amount, "FR7630001", "Loyer") }
}

fn facts(statement: Vec<LineFact>, iban_statement: Vec<LineFact>) -> AccountFacts {
    AccountFacts { iban_statements: Some(Side::of(iban_statement)), ..account(statement) }
}

fn own(check: Check, cause: Cause, subject: Subject, expected: &str, actual: &str) -> Break {
    Break {
        check,
        cause,
        owner: Owner::account("1"),
        subject,
        booking_date: Some(day("2026-03-03")),
        currency: Some("EUR".to_owned()),
        amounts: Some((money(expected), money(actual))),
        explanation: "as the chain tells it".to_owned(),
    }
}

fn row(txid: &str) -> Subject {
    Subject::Row(txid.to_owned())
}

/// Check and what [`told`] tells.
fn all(facts: &AccountFacts, own: Vec<Break>) -> Vec<String> {
    let breaks = check_books(facts.clone(), own, march());
    breaks.iter().zip(told(&breaks)).map(|(found, told)| format!("{} {told}", found.check.name())).collect()
}

const NOTHING: [String; 0] = [];

#[test]
fn the_same_line_under_another_id_is_a_duplicate_and_misses_no_twin() {
    let lines = || vec![twin("881", "02 10:00", "-250.00", "750.00")];
    let copied = |id| vec![twin("881", "02 10:00", "-250.00", "750.00"), twin(id, "02 10:00", "-250.00", "750.00")];
    assert_eq!(
        all(&facts(lines(), copied("990")), vec![]),
        ["duplicate 1 990 duplicate_entry: listed twice in the IBAN statement: txid 881 and 990"]
    );
    assert_eq!(
        all(&facts(lines(), copied("17")), vec![]),
        ["duplicate 1 17 duplicate_entry: listed twice in the IBAN statement: txid 881 and 17"],
        "the account statement tells which one is the copy"
    );
    let mut alone = facts(vec![], copied("990"));
    alone.statements = None;
    assert_eq!(
        all(&alone, vec![]),
        ["duplicate 1 990 duplicate_entry: listed twice in the IBAN statement: txid 881 and 990"]
    );
    let lacking = all(&facts(vec![], copied("990")), vec![]);
    assert_eq!(
        lacking,
        [
            "iban_twin 1 881 no_counterpart: txid 881 of -250.00 stands in the IBAN statement but not in the account \
             statement",
            "duplicate 1 990 duplicate_entry: listed twice in the IBAN statement: txid 881 and 990",
        ],
        "a second fault is told beside it"
    );
}

#[test]
fn equal_transfers_of_one_second_are_no_copies() {
    let both = || vec![twin("1", "02 10:00", "-10.00", "90.00"), twin("2", "02 10:00", "-10.00", "80.00")];
    assert_eq!(all(&facts(both(), both()), vec![]), NOTHING);
    let mut alone = facts(vec![], both());
    alone.statements = None;
    assert_eq!(all(&alone, vec![]), NOTHING);
    // The balance was there twice: out, back, and out again.
    let again = vec![
        twin("1", "02 10:00", "-10.00", "90.00"),
        twin("2", "02 10:00", "10.00", "100.00"),
        twin("3", "02 10:00", "-10.00", "90.00"),
    ];
    let mut alone = facts(vec![], again.clone());
    alone.statements = None;
    assert_eq!(all(&alone, vec![]), NOTHING);
    assert_eq!(all(&facts(again.clone(), again), vec![]), NOTHING);
    let unstated = |txid| iban_line(txid, "02 10:00", "-10.00", "FR7630001", "Loyer");
    let mut alone = facts(vec![], vec![unstated("1"), unstated("2")]);
    alone.statements = None;
    assert_eq!(all(&alone, vec![]), NOTHING, "nothing proves that they are one");
}

#[test]
fn a_copy_in_both_statements_is_one_fault_of_the_account() {
    let both = |id| vec![twin("881", "02 10:00", "-250.00", "750.00"), twin(id, "02 10:00", "-250.00", "750.00")];
    let account = || own(Check::Duplicate, Cause::DuplicateEntry, row("990"), "500.00", "750.00");
    let expected = ["duplicate 1 990 duplicate_entry: as the chain tells it"];
    assert_eq!(all(&facts(both("990"), both("990")), vec![account()]), expected);
    assert_eq!(all(&facts(both("990"), both("990")[..1].to_vec()), vec![account()]), expected);
    let same_id = own(Check::Duplicate, Cause::DuplicateEntry, row("881"), "500.00", "750.00");
    let in_iban = Break { subject: Subject::RowOf("iban_statements", "881".to_owned()), ..same_id.clone() };
    let expected = ["duplicate 1 881 duplicate_entry: as the chain tells it"];
    assert_eq!(all(&facts(both("881"), both("881")), vec![same_id.clone(), in_iban.clone()]), expected);
    let more = [both("881"), both("881")].concat();
    assert_eq!(all(&facts(both("881"), more), vec![same_id, in_iban.clone()]).len(), 2, "it stands there more often");
    assert_eq!(all(&facts(both("881")[..1].to_vec(), both("881")), vec![in_iban]).len(), 1);
}

#[test]
fn a_line_that_the_account_statement_alone_lacks_tears_the_chain_and_names_its_twin() {
    let statement = || vec![line("1", "02 09:00", "-5.00", "Frais"), line("3", "03 10:00", "-7.00", "Frais")];
    let missing = || vec![twin("2", "02 10:00", "-250.00", "745.00")];
    let torn = |cause| own(Check::Chain, cause, row("3"), "988.00", "738.00");
    assert_eq!(
        all(&facts(statement(), missing()), vec![torn(Cause::MissingEntry)]),
        [
            "chain 1 3 missing_entry: as the chain tells it; IBAN statement txid 2 of -250.00, booked on 2026-03-02, has no \
          account line"
        ]
    );
    assert_eq!(
        all(&facts(statement(), missing()), vec![torn(Cause::AmountAltered)]),
        ["chain 1 3 missing_entry: balance jumps by 250.00: a debit of 250.00 is missing; IBAN statement txid 2 of \
          -250.00, booked on 2026-03-02, has no account line"]
    );
    let reported = own(Check::ClosingBalance, Cause::AmountDiffers, row("3"), "738.00", "988.00");
    let last = vec![twin("4", "03 11:00", "-250.00", "738.00")];
    let found = all(&facts(statement(), last), vec![reported]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("closing_balance 1 3 amount_differs") && found[0].contains("txid 4"), "{found:?}");
}

#[test]
fn what_does_not_fit_exactly_stays_a_fault_of_its_own() {
    let statement = || vec![line("1", "02 09:00", "-5.00", "Frais"), line("3", "03 10:00", "-7.00", "Frais")];
    let torn = || own(Check::Chain, Cause::MissingEntry, row("3"), "988.00", "738.00");
    let at = |when, amount| vec![twin("2", when, amount, "0")];
    for other in [
        at("02 10:00", "-250.01"),
        at("02 08:00", "-250.00"),
        at("03 11:00", "-250.00"),
        [at("02 10:00", "-250.00"), vec![twin("9", "02 11:00", "-250.00", "1")]].concat(),
    ] {
        let twins = other.len();
        assert_eq!(all(&facts(statement(), other), vec![torn()]).len(), 1 + twins);
    }
    // A row behind it says that the balance is wrong, and that no row is missing.
    let followed = [statement(), vec![line("5", "04 10:00", "-1.00", "Frais")]].concat();
    let altered = own(Check::Chain, Cause::BalanceAltered, row("3"), "988.00", "738.00");
    assert_eq!(all(&facts(followed, at("02 10:00", "-250.00")), vec![altered]).len(), 2);
    // The IBAN statement lacks a line, and the chain lacks another of that amount.
    let lines = vec![line("1", "02 09:00", "-5.00", ""), twin("2", "02 10:00", "-250.00", "1"), statement().remove(1)];
    assert_eq!(all(&facts(lines, vec![]), vec![torn()]).len(), 2);
}

#[test]
fn a_twin_is_known_by_its_id_alone() {
    use tieout::reconcile::facts::{Needs, of_lines};
    use tieout::record::{Feed, StatementLine};
    let plain = StatementLine {
        feed: Feed::AccountStatements,
        acc_id: "1".into(),
        txid: "5".into(),
        booked_at: super::at("02 10:00"),
        amount: money("12.00"),
        currency: None,
        balance_after: None,
        status: None,
        provider_status: None,
        description: None,
        executed_at: None,
        counterparty_iban: None,
        counterparty_bic: None,
        comment: None,
        virtual_iban: None,
    };
    let needs = Needs::of(&[Feed::AccountStatements, Feed::IbanStatements]);
    let twin = StatementLine { feed: Feed::IbanStatements, counterparty_iban: Some("FR76".into()), ..plain.clone() };
    let lines = of_lines(&[plain], march().window, needs);
    let twins = of_lines(&[twin], march().window, needs);
    assert_eq!(all(&facts(lines, twins), vec![]), NOTHING);
}

#[test]
fn copies_of_today_wait_until_tomorrow() {
    let copied = vec![twin("881", "02 10:00", "-250.00", "750.00"), twin("990", "02 10:00", "-250.00", "750.00")];
    let today = Terms { seen_on: day("2026-03-02"), ..march() };
    assert_eq!(check_books(facts(copied[..1].to_vec(), copied), vec![], today), []);
}
