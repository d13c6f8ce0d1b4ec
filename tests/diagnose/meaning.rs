//! What the provider means by its fees and amounts is learnt from the chain.

use tieout::reconcile::{FeeRule, close_chain};
use tieout::record::{CardTransaction, Owner};

use super::{abroad, money, of_card, payment, told};

/// Payments abroad of 10.00 each whose balance moves by as many cents as given.
fn payments(moves: &[i64], fee: &str) -> Vec<CardTransaction<'static>> {
    let mut cents = 50_000;
    let rows = moves.iter().enumerate().map(|(n, moved)| {
        cents -= moved;
        let balance = format!("{}.{:02}", cents / 100, cents % 100);
        let at = format!("02 {:02}:00", n + 1);
        abroad(payment(&(n + 1).to_string(), &at, "-10.00", &balance), "-11.00", "0.909091", fee)
    });
    rows.collect()
}

#[test]
fn fees_charged_on_top_throughout_tie() {
    let books = of_card(payments(&[1025; 6], "0.25"));
    assert_eq!(told(&books.breaks), "");
    assert_eq!((books.meaning.fee_name(), books.meaning.rows_for, books.meaning.rows_against), ("extra", 5, 0));
    let day = &books.balances[0];
    let sum = day.opening.zip(day.debits).and_then(|(opening, debits)| opening.checked_add(debits));
    assert_eq!(sum, day.closing, "debits are what moved the balance");
    assert!(books.rows.iter().all(|row| row.amount == money("-10.00")), "amounts stay what the provider sent");
}

#[test]
fn a_single_row_that_deviates_is_a_break() {
    let included = of_card(payments(&[1000, 1000, 1025, 1000, 1000], "0.25"));
    assert_eq!(
        told(&included.breaks),
        "chain fee_not_included at 3: moves by amount + fee: fx_fee 0.25 is charged on top"
    );
    assert_eq!((included.meaning.fee_name(), included.meaning.rows_for), ("included", 4));
    let extra = of_card(payments(&[1025, 1025, 1025, 1000, 1025], "0.25"));
    assert_eq!(
        told(&extra.breaks),
        "chain fee_not_included at 4: moves by amount alone: fx_fee 0.25 is not charged on top, as on the owner's other \
         rows"
    );
}

#[test]
fn a_fee_on_a_single_row_is_no_habit() {
    let mut rows = payments(&[1000, 1025, 1000], "0");
    rows[1].fx_fee = tieout::record::Rate::parse("0.25").ok();
    assert_eq!(
        told(&of_card(rows).breaks),
        "chain fee_not_included at 2: moves by amount + fee: fx_fee 0.25 is charged on top"
    );
}

#[test]
fn fees_given_as_a_rate_or_in_percent_are_learnt() {
    for fee in ["0.025", "2.5"] {
        let books = of_card(payments(&[1025; 5], fee));
        assert_eq!((told(&books.breaks).as_str(), books.meaning.fee_name()), ("", "extra"), "{fee}");
    }
}

#[test]
fn a_job_can_say_where_fees_are() {
    let close =
        |moves: &[i64], rule| close_chain(&Owner::card("1", "ANY1"), payments(moves, "0.25"), None, rule).breaks.len();
    assert_eq!(close(&[1025; 5], FeeRule::Extra), 0);
    assert_eq!(close(&[1025; 5], FeeRule::Included), 4);
    assert_eq!(close(&[1000; 5], FeeRule::Extra), 4);
}

#[test]
fn where_amount_fx_moves_the_balance_the_amounts_change_places() {
    let rows = payments(&[1100; 5], "0");
    let books = of_card(rows);
    assert_eq!((told(&books.breaks).as_str(), books.meaning.moves_by_name()), ("", "amount_fx"));
    assert!(books.rows.iter().all(|row| (row.amount, row.amount_fx) == (money("-11.00"), Some(money("-10.00")))));
}

#[test]
fn rows_at_home_tell_nothing() {
    let rows = vec![payment("1", "02 01:00", "-1.00", "99.00"), payment("2", "02 02:00", "-1.00", "98.00")];
    assert!(!of_card(rows).meaning.has_evidence());
}
