//! What stands beside the chain as evidence: the IBAN statement and the balance that the provider reports.

use insta::assert_snapshot;
use tieout::breaks::Break;
use tieout::reconcile::facts::{AccountFacts, Needs, Side, of_lines};
use tieout::reconcile::{Beside, FeeRule, RejectedRows, Terms, check_books, close_chain_beside};
use tieout::record::{Day, Feed, Owner, StatementLine, Window};

use super::{line, money, of_account, told};

/// Ten lines by bank transfer, ids of no order, 10.00 more each.
fn received() -> Vec<StatementLine<'static>> {
    let row = |n: i64| {
        let txid = (7_000 + n * 7919 % 997).to_string();
        let row = line(&txid, &format!("02 {:02}:10", 8 + n), "10.00", &format!("{}.00", 1000 + 10 * n), "Virement");
        StatementLine { counterparty_iban: Some("FR7630001007941234567890185".into()), ..row }
    };
    (1..=10).map(row).collect()
}

/// The breaks of an account, its IBAN statement heard.
fn heard(rows: Vec<StatementLine<'static>>, twins: Vec<StatementLine<'static>>) -> Vec<Break> {
    heard_within(rows, twins, ["2026-03-01", "2026-03-31"])
}

fn heard_within(
    rows: Vec<StatementLine<'static>>,
    twins: Vec<StatementLine<'static>>,
    window: [&str; 2],
) -> Vec<Break> {
    let [from, to] = window.map(|text| Day::parse(text).expect("a day"));
    let window = Window::new(from, to).expect("runs upwards");
    let twins: Vec<_> = twins.into_iter().map(|row| StatementLine { feed: Feed::IbanStatements, ..row }).collect();
    let side = |rows: &[StatementLine<'_>]| Some(Side::of(of_lines(rows, window, Needs::of(&Feed::ALL))));
    let mut facts = AccountFacts { currency: Some("EUR".to_owned()), ..AccountFacts::new(Owner::account("1")) };
    (facts.statements, facts.iban_statements) = (side(&rows), side(&twins));
    let terms = Terms { window, transfer_days: 3, seen_on: to.plus(60) };
    check_books(facts, of_account(rows).breaks, terms)
}

#[test]
fn an_amount_that_its_twin_contradicts_is_one_break() {
    let mut rows = received();
    rows[4].amount = money("25.00");
    assert_snapshot!(told(&heard(rows, received())), @"chain amount_altered at 7712: amount 25.00 of txid 7712 is altered: the balance moves by 10.00, 15.00 off; the IBAN statement says 10.00 as well");
}

#[test]
fn a_flipped_sign_that_its_twin_contradicts_is_one_break() {
    let mut rows = received();
    rows[4].amount = money("-10.00");
    assert_snapshot!(told(&heard(rows, received())), @"chain sign_flipped at 7712: the sign is flipped: -10.00 posted, but the balance moves by 10.00, 20.00 apart; the IBAN statement says 10.00 as well");
}

#[test]
fn a_row_that_only_the_iban_statement_has_is_one_break() {
    let mut rows = received();
    rows.remove(4);
    assert_snapshot!(told(&heard(rows, received())), @"chain missing_entry at 7655: balance jumps by 10.00 between 2026-03-02 12:10 and 14:10: a credit of 10.00 is missing; IBAN statement txid 7712 of 10.00, booked on 2026-03-02, has no account line");
}

#[test]
fn a_twin_that_contradicts_a_row_whose_chain_holds_stays_a_break_of_its_own() {
    let mut twins = received();
    twins[7].amount = money("11.00");
    let mut rows = received();
    rows[4].amount = money("25.00");
    let breaks = heard(rows, twins);
    let checks: Vec<_> = breaks.iter().map(|found| (found.check.name(), found.cause.name())).collect();
    assert_eq!(checks, [("chain", "amount_altered"), ("iban_twin", "amount_differs")]);
}

#[test]
fn one_of_two_rows_left_out_hides_not_the_other() {
    let mut rows = received();
    rows.remove(7);
    rows.remove(2);
    let breaks = heard(rows, received());
    let missing = breaks.iter().filter(|found| found.cause.name() == "missing_entry").count();
    assert_eq!(missing, 2, "{breaks:?}");
}

/// Where the clock shows an hour twice, it does not tell which line came first: the missing one is found all the same.
#[test]
fn a_row_that_only_the_iban_statement_has_is_one_break_in_the_hour_lived_twice() {
    let clock = |text: &str| {
        let mut clock = tieout::record::Clock::new(tieout::record::Zone::parse("Europe/Paris").expect("a zone"));
        clock.parse(&format!("2026-10-25 {text}:00")).expect("a time")
    };
    let times = ["00:10", "01:20", "02:40", "02:50", "02:10", "02:30", "02:55", "03:10", "04:10", "05:10"];
    let rows = received().into_iter().zip(times);
    let rows: Vec<_> = rows.map(|(row, at)| StatementLine { booked_at: clock(at), ..row }).collect();
    for gone in 2..7 {
        let mut left = rows.clone();
        left.remove(gone);
        let breaks = heard_within(left, rows.clone(), ["2026-10-01", "2026-10-31"]);
        let told: Vec<_> = breaks.iter().map(|found| (found.check.name(), found.cause.name())).collect();
        assert_eq!(told, [("chain", "missing_entry")], "{breaks:?}");
    }
}

/// No row follows that could tell a wrong balance from a missing row: the IBAN statement does.
#[test]
fn a_row_missing_before_the_last_is_no_wrong_balance_where_the_iban_statement_has_it() {
    let mut rows = received();
    rows[8].amount = money("0.30");
    rows[8].balance_after = Some(money("1080.30"));
    rows[9].balance_after = Some(money("1090.30"));
    let twins = rows.clone();
    rows.remove(8);
    assert_eq!(of_account(rows.clone()).breaks[0].cause.name(), "balance_altered", "one digit is wrong");
    let breaks = heard(rows, twins);
    let told: Vec<_> = breaks.iter().map(|found| (found.check.name(), found.cause.name())).collect();
    assert_eq!(told, [("chain", "missing_entry")], "{breaks:?}");
}

/// A balance that the rows around it contradict is wrong, whatever else the IBAN statement has.
#[test]
fn a_wrong_balance_in_the_middle_stays_one_beside_a_line_of_that_amount() {
    let rows = received();
    let mut wrong = rows.clone();
    wrong[4].balance_after = Some(money("1060.00"));
    let at = wrong[3].booked_at;
    let stray = StatementLine { txid: "9999".into(), booked_at: at, ..rows[4].clone() };
    let mut twins = rows;
    twins.insert(4, stray);
    let breaks = heard(wrong, twins);
    let told: Vec<_> = breaks.iter().map(|found| (found.check.name(), found.cause.name())).collect();
    assert_eq!(told, [("chain", "balance_altered"), ("iban_twin", "no_counterpart")], "{breaks:?}");
}

fn ending_on(rows: Vec<StatementLine<'static>>, reported: &str) -> Vec<Break> {
    let rejected = &RejectedRows::default();
    let beside = Beside { prior: None, rule: FeeRule::Auto, reported: Some(money(reported)), rejected };
    close_chain_beside(&Owner::account("1"), rows, beside).breaks
}

#[test]
fn a_last_balance_that_the_provider_contradicts_is_altered() {
    let mut rows = received();
    rows[9].balance_after = Some(money("1110.00"));
    assert_snapshot!(told(&of_account(rows.clone()).breaks), @"chain missing_entry at 7427: balance jumps by 10.00 between 2026-03-02 17:10 and 18:10: a credit of 10.00 is missing");
    assert_snapshot!(told(&ending_on(rows, "1100.00")), @"chain balance_altered at 7427: balance 1110.00 of txid 7427 is altered: 1100.00 fits the row before it, and the provider reports it");
}

#[test]
fn a_last_balance_that_the_provider_confirms_is_right() {
    let mut rows = received();
    rows[9].balance_after = Some(money("1100.30"));
    let cause = |breaks: &[Break]| breaks[0].cause.name();
    assert_eq!(cause(&of_account(rows.clone()).breaks), "balance_altered", "without it, one digit is wrong");
    assert_ne!(cause(&ending_on(rows, "1100.30")), "balance_altered");
}

#[test]
fn a_reported_balance_says_nothing_of_rows_before_the_last() {
    let mut rows = received();
    rows.remove(4);
    assert_eq!(told(&ending_on(rows.clone(), "1050.00")), told(&of_account(rows).breaks));
}
