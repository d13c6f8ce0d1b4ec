//! The last balance against the one that the provider reports.

use tieout::breaks::{Break, Cause, Check, Subject};
use tieout::reconcile::closing::{Closing, Ending, Reported, check_closing, reaching};
use tieout::record::{Owner, Total, Window};

use super::{day, money, told};

fn ending(balance: &str) -> Ending {
    Ending {
        balance: money(balance),
        txid: Some("9".to_owned()),
        day: day("2026-03-31"),
        currency: Some("EUR".to_owned()),
        pending: Total::default(),
        pending_debits: Total::default(),
    }
}

fn reported(before: &str, after: &str) -> Reported {
    Reported { before: money(before), after: money(after) }
}

#[test]
fn a_chain_that_ends_elsewhere_is_a_break() {
    let Closing::Fails(found) = check_closing(&Owner::account("1"), &ending("100.00"), reported("90.00", "90.00"), &[])
    else {
        panic!("it fails")
    };
    assert_eq!(found.amounts, Some((money("90.00"), money("100.00"))));
    assert_eq!(
        told(&[*found]),
        [
            "1 9 amount_differs: the last balance is 100.00, but the provider reports 90.00: off by 10.00, as if a debit of 10.00 \
         after txid 9 were missing"
        ]
    );
}

#[test]
fn a_row_that_arrives_meanwhile_is_no_break() {
    let owner = Owner::card("1", "A");
    for (before, after) in [("100.00", "100.00"), ("100.00", "80.00"), ("120.00", "100.00")] {
        assert_eq!(check_closing(&owner, &ending("100.00"), reported(before, after), &[]), Closing::Ties);
    }
    let Closing::Open(note) = check_closing(&owner, &ending("100.00"), reported("90.00", "80.00"), &[]) else {
        panic!("it proves nothing")
    };
    assert_eq!(
        note,
        "the balance of card A moved from 90.00 to 80.00 while its rows were read, which end on 100.00: not compared"
    );
}

#[test]
fn pending_rows_may_be_in_the_balance_that_is_reported() {
    let mut pending = Total::default();
    pending.add(money("-12.50"));
    let ending = Ending { pending, pending_debits: pending, ..ending("100.00") };
    let closing = check_closing(&Owner::account("1"), &ending, reported("87.50", "87.50"), &[]);
    let Closing::Open(note) = closing else { panic!("it proves nothing") };
    assert_eq!(
        note,
        "the balance that the provider reports for account 1, 87.50, is the last balance 100.00 and the pending rows"
    );
}

#[test]
fn a_last_balance_that_the_chain_told_is_told_once() {
    let chain = Break {
        check: Check::Chain,
        cause: Cause::BalanceAltered,
        owner: Owner::account("1"),
        subject: Subject::Row("9".to_owned()),
        booking_date: None,
        currency: None,
        amounts: Some((money("90.00"), money("100.00"))),
        explanation: String::new(),
    };
    let closing =
        check_closing(&chain.owner, &ending("100.00"), reported("90.00", "90.00"), std::slice::from_ref(&chain));
    assert_eq!(closing, Closing::Ties);
}

#[test]
fn a_window_reaches_now_if_it_ends_yesterday_or_later() {
    let today = day("2026-03-31");
    let until = |to| Window::new(day("2026-03-01"), day(to)).expect("a window");
    assert_eq!(reaching(until("2026-03-29"), today), None);
    assert_eq!(reaching(until("2026-03-30"), today), Some(today));
    assert_eq!(reaching(until("2026-04-02"), today), Some(today));
}
