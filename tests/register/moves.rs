//! Rows that move to other days, owners that go and come back, and what late rows do to days that were closed.

use serde_json::json;

use crate::bench::{Bench, Ran, Tx, rows, text, tx};

const WEEK: [&str; 2] = ["2026-03-01", "2026-03-07"];
const NEXT: [&str; 2] = ["2026-03-08", "2026-03-10"];

fn run(bench: &Bench, rows: &[Tx], window: [&str; 2]) -> Ran {
    bench.run_cards(&[("ANY1", rows)], window)
}

/// The rows of both windows.
fn all() -> Vec<Tx> {
    [rows(), vec![tx(6, "2026-03-08 09:00:00", -100), tx(7, "2026-03-09 09:00:00", -100)]].concat()
}

/// With the row of that id booked at another time.
fn moved(txid: u32, date: &'static str) -> Vec<Tx> {
    let mut rows = all();
    rows.iter_mut().filter(|row| row.txid == txid).for_each(|row| row.date = date);
    rows.sort_by_key(|row| row.date);
    rows
}

fn assert_told(ran: &Ran, txid: &str, from: &str, to: &str) -> String {
    let restated = ran.breaks().iter().filter(|found| found["check"] == "restatement").collect::<Vec<_>>();
    assert_eq!(restated.len(), 1, "{:#}", ran.summary["breaks"]);
    assert_eq!((text(restated[0], "cause"), text(restated[0], "txid")), ("changed", txid));
    let expected = format!("booking date was {from}, now {to}");
    assert!(text(restated[0], "explanation").starts_with(&expected), "{:#}", restated[0]);
    assert_eq!(text(restated[0], "booking_date"), from);
    text(restated[0], "break_id").to_owned()
}

#[test]
fn a_row_that_leaves_the_window_has_changed_and_not_vanished() {
    let bench = Bench::new();
    run(&bench, &all(), WEEK);
    let after = moved(5, "2026-03-08 08:00:00");
    let id = assert_told(&run(&bench, &after, WEEK), "5", "2026-03-05", "2026-03-08");
    let next = run(&bench, &after, NEXT);
    assert_eq!((next.code, next.breaks()), (0, &[][..]), "the window it came to says no more: {:#}", next.summary);
    assert_eq!(assert_told(&run(&bench, &after, WEEK), "5", "2026-03-05", "2026-03-08"), id, "and it stays open");
    assert_eq!(run(&bench, &all(), WEEK).code, 3, "later days open where it was");
    assert_eq!(bench.shown(&id)["status"], "resolved", "until it stands where it stood");
    bench.assert_intact();
}

#[test]
fn a_row_that_comes_into_the_window_has_changed_and_is_not_late() {
    for (first, second) in [(WEEK, NEXT), (NEXT, WEEK)] {
        let bench = Bench::new();
        run(&bench, &all(), first);
        run(&bench, &all(), second);
        let (txid, day, date) = if first == WEEK {
            (5, "2026-03-08", "2026-03-08 08:00:00")
        } else {
            (6, "2026-03-07", "2026-03-07 08:00:00")
        };
        let from = if first == WEEK { "2026-03-05" } else { "2026-03-08" };
        let after = moved(txid, date);
        let ran = run(&bench, &after, second);
        assert_told(&ran, &txid.to_string(), from, day);
        assert_eq!(ran.count("late_rows"), 0);
    }
}

#[test]
fn a_row_that_comes_to_a_new_day_has_changed() {
    let bench = Bench::new();
    let mut before = all();
    before.insert(5, tx(8, "2026-03-07 20:00:00", -40));
    run(&bench, &before, WEEK);
    let mut after = moved(0, "");
    after.insert(5, tx(8, "2026-03-08 08:00:00", -40));
    let ran = run(&bench, &after, NEXT);
    assert_told(&ran, "8", "2026-03-07", "2026-03-08");
    let again = run(&bench, &after, NEXT);
    assert_eq!(again.count("late_rows"), 0);
}

#[test]
fn an_id_that_stands_on_both_days_has_not_moved() {
    let bench = Bench::new();
    run(&bench, &all(), WEEK);
    run(&bench, &all(), NEXT);
    let mut twice = all();
    twice.push(tx(5, "2026-03-09 10:00:00", 300));
    let ran = run(&bench, &twice, NEXT);
    assert!(ran.breaks().iter().all(|found| found["check"] != "restatement"), "{:#}", ran.summary["breaks"]);
    assert_eq!(ran.count("late_rows"), 1);
}

#[test]
fn balances_between_the_two_days_of_a_moved_row_follow_it() {
    let bench = Bench::new();
    run(&bench, &all(), WEEK);
    let ran = run(&bench, &moved(2, "2026-03-06 10:00:00"), WEEK);
    assert_told(&ran, "2", "2026-03-02", "2026-03-06");
    assert_eq!(ran.breaks().len(), 1);
}

#[test]
fn late_rows_tell_which_closed_days_they_move() {
    let bench = Bench::new();
    run(&bench, &rows(), WEEK);
    let mut late = rows();
    late.insert(3, tx(9, "2026-03-02 20:00:00", -700));
    let ran = run(&bench, &late, WEEK);
    assert_eq!((ran.code, ran.count("late_rows")), (0, 1));
    let moved = json!([{
        "owner_kind": "card", "owner_id": "ANY1", "first_day": "2026-03-02", "last_day": "2026-03-05", "days": 3,
        "late_rows": 1, "restated_rows": 0,
    }]);
    assert_eq!(ran.summary["closings_moved"], moved);
    let note = "closing balances that were committed move: card ANY1 on 3 days from 2026-03-02 to 2026-03-05";
    assert!(ran.summary["notes"].as_array().expect("a list").contains(&json!(note)), "{:#}", ran.summary["notes"]);
    assert_eq!(run(&bench, &late, WEEK).summary["closings_moved"], json!([]));
}

#[test]
fn a_card_that_is_listed_again_resolves_its_break() {
    let bench = Bench::new();
    let both = |second: &[Tx]| bench.run_cards(&[("ANY1", &rows()), ("ANY2", second)], WEEK);
    both(&rows());
    let id = text(run(&bench, &rows(), WEEK).only(), "break_id").to_owned();
    assert_eq!(run(&bench, &rows(), WEEK).only()["break_id"], id.as_str(), "it does not heal itself");
    let empty = both(&[]);
    assert_eq!(text(empty.only(), "cause"), "vanished", "listed, but its rows are still not there");
    let mut other = rows();
    other[1].cents = -1_300;
    let changed = both(&other);
    assert_eq!((text(changed.only(), "break_id"), text(changed.only(), "cause")), (id.as_str(), "changed"));
    assert_eq!(
        text(changed.only(), "explanation"),
        "the provider lists card ANY2 again, but 3 of 4 days in card_transactions that were committed earlier are not as \
         they were"
    );
    let back = both(&rows());
    let shown = bench.shown(&id);
    assert_eq!((text(&shown, "status"), text(&shown, "resolution")), ("resolved", "restated"));
    assert!(back.breaks().iter().all(|found| found["break_id"] != id.as_str()));
    assert_eq!(bench.acts(&id), ["opened", "changed", "resolved"]);
    bench.assert_intact();
}

#[test]
fn a_card_that_comes_back_as_it_was_is_quiet() {
    let bench = Bench::new();
    let both = || bench.run_cards(&[("ANY1", &rows()), ("ANY2", &rows())], WEEK);
    both();
    let id = text(run(&bench, &rows(), WEEK).only(), "break_id").to_owned();
    let back = both();
    assert_eq!((back.code, back.breaks()), (0, &[][..]));
    assert_eq!(bench.acts(&id), ["opened", "resolved"]);
}
