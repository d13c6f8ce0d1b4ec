//! Each cause of a broken chain: a fixture and its exact sentence.

use insta::assert_snapshot;
use tieout::reconcile::Prior;
use tieout::record::{CardTransaction, Day, StatementLine};

use super::{abroad, line, money, of_account, of_account_after, of_card, payment, told};

/// Ten lines whose ids follow each other, 10.00 less each.
fn quiet_account() -> Vec<StatementLine<'static>> {
    let row = |n: i64| {
        let balance = format!("{}.00", 1000 - 10 * n);
        line(&(880 + n).to_string(), &format!("02 {:02}:10", 8 + n), "-10.00", &balance, "Frais")
    };
    (1..=10).map(row).collect()
}

#[test]
fn a_row_left_out_is_missing() {
    let mut rows = quiet_account();
    rows.remove(4);
    assert_snapshot!(told(&of_account(rows).breaks), @"chain missing_entry at 886: balance jumps by 10.00 between 2026-03-02 12:10 and 14:10: a debit of 10.00 is missing; no row has the txid between 884 and 886");
}

#[test]
fn a_row_left_out_among_random_ids_is_missing() {
    let rows = vec![
        line("7731", "02 09:00", "500.00", "1500.00", "Virement"),
        line("1204", "02 14:10", "-20.00", "1480.00", "Frais"),
        line("9968", "02 15:02", "75.00", "1305.00", "Virement"),
    ];
    assert_snapshot!(told(&of_account(rows).breaks), @"chain missing_entry at 9968: balance jumps by 250.00 between 2026-03-02 14:10 and 15:02: a debit of 250.00 is missing");
}

#[test]
fn an_altered_balance_is_told_by_the_rows_around_it() {
    let mut rows = quiet_account();
    rows[4].balance_after = Some(money("905.00"));
    assert_snapshot!(told(&of_account(rows).breaks), @"chain balance_altered at 885: balance 905.00 of txid 885 is altered: 950.00 fits the rows before and after it");
}

#[test]
fn an_altered_last_balance_is_told_by_ids_without_a_gap() {
    let mut rows = quiet_account();
    rows[9].balance_after = Some(money("908.30"));
    assert_snapshot!(told(&of_account(rows).breaks), @"chain balance_altered at 890: balance 908.30 of txid 890 is altered: 900.00 fits the row before it, and no row follows");
}

#[test]
fn two_altered_balances_in_a_row_are_two_breaks() {
    let mut rows = quiet_account();
    rows[4].balance_after = Some(money("955.00"));
    rows[5].balance_after = Some(money("947.77"));
    assert_snapshot!(told(&of_account(rows).breaks), @r#"
    chain balance_altered at 885: balance 955.00 of txid 885 is altered: 950.00 fits the rows before and after it
    chain balance_altered at 886: balance 947.77 of txid 886 is altered: 940.00 fits the rows before and after it
    "#);
}

#[test]
fn a_row_missing_before_an_altered_balance_is_two_breaks() {
    let mut rows = quiet_account();
    rows[5].balance_after = Some(money("941.50"));
    rows.remove(3);
    assert_snapshot!(told(&of_account(rows).breaks), @r#"
    chain missing_entry at 885: balance jumps by 10.00 between 2026-03-02 11:10 and 13:10: a debit of 10.00 is missing; no row has the txid between 883 and 885
    chain balance_altered at 886: balance 941.50 of txid 886 is altered: 940.00 fits the rows before and after it
    "#);
}

#[test]
fn the_same_row_under_another_id_is_a_duplicate() {
    let mut rows = quiet_account();
    let copy = StatementLine { txid: "999".into(), ..rows[3].clone() };
    rows.push(copy);
    assert_snapshot!(told(&of_account(rows).breaks), @"duplicate duplicate_entry at 999: listed twice: txid 884 and 999");
}

#[test]
fn a_copy_listed_hours_later_is_one_break() {
    let mut rows = quiet_account();
    let copy = StatementLine { txid: "999".into(), booked_at: rows[6].booked_at.later(), ..rows[3].clone() };
    rows.insert(7, copy);
    assert_snapshot!(told(&of_account(rows).breaks), @"duplicate duplicate_entry at 999: listed twice: txid 884 and 999");
}

#[test]
fn a_copy_among_rows_of_one_second_is_one_break() {
    let mut rows = vec![line("1", "02 08:00", "100.00", "1100.00", "Virement")];
    let mut balance = 1100;
    for n in 2..30_i64 {
        balance -= n;
        rows.push(line(&n.to_string(), "02 09:00", &format!("-{n}.00"), &format!("{balance}.00"), "Frais"));
    }
    rows.push(line("99", "02 10:00", "1.00", &format!("{}.00", balance + 1), "Virement"));
    let copy = StatementLine { txid: "77".into(), ..rows[12].clone() };
    rows.push(copy);
    rows.reverse();
    let books = of_account(rows);
    assert_snapshot!(told(&books.breaks), @"duplicate duplicate_entry at 77: listed twice: txid 13 and 77");
    assert_eq!(books.rows.len(), 31, "nothing is dropped");
}

#[test]
fn the_same_id_twice_is_one_break() {
    let mut rows = quiet_account();
    rows.push(rows[3].clone());
    let books = of_account(rows);
    assert_snapshot!(told(&books.breaks), @"duplicate duplicate_entry at 884: txid 884 of -10.00 is listed twice");
    let amounts = books.breaks[0].amounts.expect("a duplicate of a chain has amounts");
    assert_eq!((amounts.0.to_string(), amounts.1.to_string()), ("950.00".to_owned(), "960.00".to_owned()));
}

#[test]
fn a_flipped_sign_does_not_cascade() {
    let mut rows = quiet_account();
    rows[4].amount = money("10.00");
    assert_snapshot!(told(&of_account(rows).breaks), @"chain sign_flipped at 885: the sign is flipped: 10.00 posted, but the balance moves by -10.00, 20.00 apart");
}

#[test]
fn swapped_digits_are_shown() {
    let rows = vec![
        line("1", "02 09:00", "500.00", "1500.00", "Virement"),
        line("2", "02 14:10", "-145.00", "1346.00", "Frais"),
        line("3", "02 15:02", "75.00", "1421.00", "Virement"),
    ];
    assert_snapshot!(told(&of_account(rows).breaks), @"chain digits_transposed at 2: 9.00 off, the digits 5 and 4 are swapped: 154.00 posted as 145.00");
}

#[test]
fn an_altered_amount_is_told_by_ids_without_a_gap() {
    let mut rows = quiet_account();
    rows[4].amount = money("-17.30");
    assert_snapshot!(told(&of_account(rows).breaks), @"chain amount_altered at 885: amount -17.30 of txid 885 is altered: the balance moves by -10.00, 7.30 off");
}

fn card_rows() -> Vec<CardTransaction<'static>> {
    vec![
        payment("31", "02 09:00", "-20.00", "480.00"),
        payment("58", "02 14:10", "-62.50", "417.50"),
        payment("77", "02 15:02", "-15.00", "402.50"),
    ]
}

#[test]
fn an_altered_amount_is_told_by_its_amount_fx() {
    let mut rows = card_rows();
    rows[1].amount = money("-26.10");
    assert_snapshot!(told(&of_card(rows).breaks), @"chain amount_altered at 58: amount -26.10 of txid 58 is altered: the balance moves by -62.50, 36.40 off; its amount_fx says -62.50 as well");
}

#[test]
fn an_altered_amount_is_told_by_its_exchange_rate() {
    let mut rows = card_rows();
    rows[1] = abroad(rows[1].clone(), "-68.00", "0.919118", "0");
    rows[1].amount = money("-66.10");
    assert_snapshot!(told(&of_card(rows).breaks), @"chain amount_altered at 58: amount -66.10 of txid 58 is altered: the balance moves by -62.50, 3.60 off; its amount_fx says -62.50 as well");
}

/// Thirty payments abroad and two small refunds, ids of no order.
fn card_that_pays() -> Vec<CardTransaction<'static>> {
    let mut balance = 500_000;
    let row = |n: i64| {
        let (paid, at) = (2_000 + n * 677 % 3_000, format!("{:02} 09:10", 1 + n % 31));
        let cents = if n % 16 == 7 { 150 } else { -paid };
        balance += cents;
        let text =
            |cents: i64| format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100);
        let row = payment(&(7_000 + n * 7919 % 997).to_string(), &at, &text(cents), &text(balance));
        abroad(CardTransaction { description: None, ..row }, &text(cents * 2), "0.500000", "0")
    };
    (0..31).map(row).collect()
}

#[test]
fn an_amount_that_was_wrong_before_it_was_converted_is_told_where_no_such_row_can_be_missing() {
    let mut rows = card_that_pays();
    let right = rows[20].amount;
    rows[20].amount = right.checked_add(money("-13.37")).expect("small");
    rows[20].amount_fx = rows[20].amount.checked_add(rows[20].amount);
    assert_snapshot!(told(&of_card(rows).breaks), @"chain amount_altered at 7854: amount -48.77 of txid 7854 is altered: the balance moves by -35.40, 13.37 off");
}

#[test]
fn a_payment_is_missing_before_one_whose_exchange_fits() {
    let mut rows = card_that_pays();
    rows.remove(20);
    assert_snapshot!(told(&of_card(rows).breaks), @"chain missing_entry at 7797: balance jumps by 35.40 between 2026-03-20 09:10 and 2026-03-22 09:10: a debit of 35.40 is missing");
}

#[test]
fn an_altered_amount_is_told_by_its_vat() {
    let mut rows = card_rows();
    rows[1] = CardTransaction {
        amount: money("-66.10"),
        amount_fx: None,
        vat_details: Some(r#"[{"rate":"20","amount":"10.42"}]"#.into()),
        ..rows[1].clone()
    };
    assert_snapshot!(told(&of_card(rows).breaks), @"chain amount_altered at 58: amount -66.10 of txid 58 is altered: the balance moves by -62.50, 3.60 off; its VAT says -62.50 as well");
}

#[test]
fn a_fee_on_top_is_told_with_its_amount() {
    let mut rows = card_rows();
    rows[1] = abroad(payment("58", "02 14:10", "-62.50", "416.25"), "-68.00", "0.919118", "1.25");
    rows[2].balance_after = Some(money("401.25"));
    assert_snapshot!(told(&of_card(rows).breaks), @"chain fee_not_included at 58: moves by amount + fee: fx_fee 1.25 is charged on top");
}

#[test]
fn a_fee_given_as_a_rate_is_told_with_what_it_comes_to() {
    let mut rows = card_rows();
    rows[1] = abroad(payment("58", "02 14:10", "-62.50", "416.25"), "-68.00", "0.919118", "0.02");
    rows[2].balance_after = Some(money("401.25"));
    assert_snapshot!(told(&of_card(rows).breaks), @"chain fee_not_included at 58: moves by amount + fee: fx_fee 0.02 of the amount, 1.25, is charged on top");
}

#[test]
fn a_row_that_the_chain_goes_on_without_is_unexplained() {
    let mut rows = quiet_account();
    rows.insert(5, line("8855", "02 13:30", "-3.00", "12.00", "Inconnu"));
    assert_snapshot!(told(&of_account(rows).breaks), @"chain unexplained at 8855: txid 8855 of -3.00 stands outside the chain: the rows before and after it tie without it");
}

#[test]
fn a_seam_that_does_not_meet_says_what_is_missing() {
    let day = Day::parse("2026-03-01").expect("a day");
    let books = of_account_after(quiet_account(), Prior { day, closing: money("1250.00") });
    assert_snapshot!(told(&books.breaks), @"seam missing_entry at 881: 2026-03-01 closed at 1250.00, but 2026-03-02 opens at 1000.00: a debit of 250.00 is missing in between");
}

#[test]
fn an_altered_first_balance_is_told_by_the_closing_before_it_and_the_row_after() {
    let day = Day::parse("2026-03-01").expect("a day");
    let mut rows = quiet_account();
    rows[0].balance_after = Some(money("909.00"));
    let books = of_account_after(rows, Prior { day, closing: money("1000.00") });
    assert_snapshot!(told(&books.breaks), @"chain balance_altered at 881: balance 909.00 of txid 881 is altered: 990.00 fits the rows before and after it");
}
