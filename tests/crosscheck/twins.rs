use tieout::reconcile::check_twins;
use tieout::reconcile::facts::{LineFact, Side};

use super::{account, day, iban_line, line, march, money, told};

fn compared(statement: Vec<LineFact>, iban_statement: Vec<LineFact>) -> Vec<String> {
    let mut facts = account(statement);
    facts.iban_statements = Some(Side::of(iban_statement));
    told(&check_twins(&facts, march()))
}

fn twin(txid: &str, when: &str, amount: &str) -> LineFact {
    iban_line(txid, when, amount, "FR7630001", "")
}

#[test]
fn twins_tie_and_lines_without_iban_need_none() {
    let lines = || vec![twin("1", "02 10:00", "250.00"), twin("2", "02 11:00", "-9.00")];
    let mut statement = lines();
    statement.push(line("3", "03 10:00", "-5.00", "Frais"));
    assert_eq!(compared(statement, lines()), Vec::<String>::new());
}

#[test]
fn a_virtual_iban_needs_a_twin_too() {
    let found = compared(vec![iban_line("7", "02 10:00", "250.00", "", "")], vec![]);
    assert_eq!(
        found,
        ["1 7 no_counterpart: txid 7 of 250.00 stands in the account statement but not in the IBAN statement"]
    );
}

#[test]
fn either_side_may_lack_its_twin() {
    assert_eq!(
        compared(vec![twin("881", "02 10:00", "250.00")], vec![]),
        ["1 881 no_counterpart: txid 881 of 250.00 stands in the account statement but not in the IBAN statement"]
    );
    assert_eq!(
        compared(vec![], vec![twin("881", "02 10:00", "250.00")]),
        ["1 881 no_counterpart: txid 881 of 250.00 stands in the IBAN statement but not in the account statement"]
    );
}

#[test]
fn another_amount_or_day_is_told_once() {
    let statement = vec![twin("881", "02 10:00", "250.00")];
    let mut facts = account(statement.clone());
    facts.iban_statements = Some(Side::of(vec![twin("881", "02 10:00", "260.00")]));
    let breaks = check_twins(&facts, march());
    assert_eq!(breaks[0].amounts, Some((money("250.00"), money("260.00"))));
    assert_eq!(
        told(&breaks),
        ["1 881 amount_differs: txid 881 is 250.00 in the account statement, but 260.00 in the IBAN statement"]
    );
    assert_eq!(
        compared(statement, vec![twin("881", "03 00:10", "250.00")]),
        ["1 881 no_counterpart: txid 881 of 250.00 stands in the account statement on 2026-03-02, but in the IBAN \
          statement on 2026-03-03"]
    );
}

#[test]
fn several_that_do_not_fit_are_ambiguous() {
    let found = compared(
        vec![twin("881", "02 10:00", "250.00")],
        vec![twin("881", "02 10:00", "251.00"), twin("881", "02 10:00", "252.00")],
    );
    assert_eq!(
        found,
        ["1 881 ambiguous: txid 881 of 250.00 on 2026-03-02 stands in the IBAN statement several times: 251.00 on \
          2026-03-02, 252.00 on 2026-03-02"]
    );
}

#[test]
fn what_was_rejected_or_may_still_come_is_not_missing() {
    let mut facts = account(vec![twin("881", "02 10:00", "250.00")]);
    let mut side = Side::of(vec![]);
    side.rejected.add(r#"{"txid":881,"amount":"1e99"}"#);
    facts.iban_statements = Some(side);
    assert_eq!(check_twins(&facts, march()), []);
    facts.iban_statements = Some(Side::of(vec![]));
    let on_that_day = tieout::reconcile::Terms { seen_on: day("2026-03-02"), ..march() };
    assert_eq!(check_twins(&facts, on_that_day), []);
    facts.iban_statements = None;
    assert_eq!(check_twins(&facts, march()), [], "a statement that was not read says nothing");
}

#[test]
fn pending_lines_need_no_twin() {
    let pending = LineFact { settled: false, ..twin("881", "02 10:00", "250.00") };
    assert_eq!(compared(vec![pending.clone()], vec![]), Vec::<String>::new());
    assert_eq!(compared(vec![twin("881", "02 10:00", "250.00")], vec![pending]), Vec::<String>::new());
}
