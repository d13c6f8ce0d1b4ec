//! Windows that move on by a day each night: a fault stays one break, and nothing goes away because a window no longer
//! shows it whole.

use crate::bench::{Bench, Ran, Tx, text, tx};

const FEEDS: &str = r#"["account_statements", "iban_statements", "credit_transfers"]"#;

fn date(day: u32) -> String {
    format!("2026-03-{day:02}")
}

/// The nights' seven days that begin on `first`, of a statement with a line a day, and of a transfer of 55.00 executed on
/// the 4th. `paid_on` is the day of its debit.
fn night(bench: &Bench, first: u32, paid_on: Option<u32>) -> Ran {
    let (mut balance, mut lines) = (100_000, Vec::new());
    let mut line = |txid: u32, day: u32, cents: i64| {
        balance -= cents;
        let (balance, amount) = (format!("{}.{:02}", balance / 100, balance % 100), format!("{}.00", cents / 100));
        let line = format!(
            r#"{{"txid":"{txid}","date":"{} 09:00:00","amount":{amount},"currency":"EUR","type":"D","balance":"{balance}","description":"x"}}"#,
            date(day)
        );
        // As a provider answers that is asked for a window.
        lines.extend((first..first + 7).contains(&day).then_some(line));
    };
    for day in 1..20 {
        line(100 + day, day, 1_000);
        if paid_on == Some(day) {
            line(200 + day, day, 5_500);
        }
    }
    bench.write_statements(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    bench.write_transfers(&[
        r#"{"internal_id":"77","amount":55,"currency":"EUR","status":"executed","creation_date":"2026-03-04 08:00:00","execution_date":"2026-03-04"}"#,
    ]);
    bench.run_archive(FEEDS, [&date(first), &date(first + 6)])
}

#[test]
fn a_transfer_without_debit_stays_open_where_a_window_cannot_judge_it() {
    let bench = Bench::new();
    let told = night(&bench, 1, None);
    let id = text(told.only(), "break_id").to_owned();
    assert_eq!((told.code, text(told.only(), "check"), text(told.only(), "txid")), (3, "transfer", "77"));
    for first in 2..=4 {
        let ran = night(&bench, first, None);
        assert_eq!((ran.code, text(ran.only(), "break_id"), text(ran.only(), "status")), (3, id.as_str(), "open"));
    }
    bench.accept(&id);
    let accepted = night(&bench, 4, None);
    assert_eq!((accepted.code, text(accepted.only(), "status")), (0, "accepted"));
    assert_eq!(night(&bench, 5, None).code, 0, "its day is behind the window");
    assert_eq!(bench.shown(&id)["status"], "accepted");
    assert_eq!(bench.acts(&id), ["opened", "accepted"]);
    bench.assert_intact();
}

#[test]
fn a_transfer_whose_debit_comes_late_is_over_wherever_the_debit_is_seen() {
    for (first, paid_on) in [(1, 5), (3, 6), (4, 4)] {
        let bench = Bench::new();
        let id = text(night(&bench, 1, None).only(), "break_id").to_owned();
        let paid = night(&bench, first, Some(paid_on));
        assert!(paid.breaks().iter().all(|found| found["check"] != "transfer"), "{:#}", paid.summary);
        let shown = bench.shown(&id);
        assert_eq!((text(&shown, "status"), text(&shown, "resolution")), ("resolved", "late_row"), "{first} {paid_on}");
    }
}

/// The nights' seven days of a card with a row a day, of which one that left `missing` cents is not listed before that of
/// the 6th, and closings that stay that much lower.
fn card(first: u32, missing: i64) -> Vec<Tx> {
    let dates: Vec<&'static str> = DATES.to_vec();
    let rows = (1..20).map(|day: u32| {
        let off = 1_000_000 - i64::from(day) * 100 - if day >= 6 { missing } else { 0 };
        (day, Tx { off, ..tx(day, dates[day as usize - 1], -100) })
    });
    let shown: Vec<(u32, Tx)> = rows.filter(|(day, _)| (first..first + 7).contains(day)).collect();
    // The bench adds up what it is given: what came before is no row of it.
    shown
        .iter()
        .zip(0..)
        .map(|((_, row), place): (_, i64)| Tx { off: row.off + 100 * (place + 1), ..row.clone() })
        .collect()
}

const DATES: [&str; 19] = [
    "2026-03-01 09:00:00",
    "2026-03-02 09:00:00",
    "2026-03-03 09:00:00",
    "2026-03-04 09:00:00",
    "2026-03-05 09:00:00",
    "2026-03-06 09:00:00",
    "2026-03-07 09:00:00",
    "2026-03-08 09:00:00",
    "2026-03-09 09:00:00",
    "2026-03-10 09:00:00",
    "2026-03-11 09:00:00",
    "2026-03-12 09:00:00",
    "2026-03-13 09:00:00",
    "2026-03-14 09:00:00",
    "2026-03-15 09:00:00",
    "2026-03-16 09:00:00",
    "2026-03-17 09:00:00",
    "2026-03-18 09:00:00",
    "2026-03-19 09:00:00",
];

fn card_night(bench: &Bench, first: u32, missing: i64) -> Ran {
    bench.run_cards(&[("ANY1", &card(first, missing))], [&date(first), &date(first + 6)])
}

#[test]
fn a_chain_break_at_which_the_window_begins_is_the_break_that_was_accepted() {
    let bench = Bench::new();
    let told = card_night(&bench, 1, 6_637);
    let first = told.only().clone();
    let id = text(&first, "break_id");
    assert_eq!((text(&first, "check"), text(&first, "txid"), text(&first, "difference")), ("chain", "6", "-66.37"));
    bench.accept(id);
    for night in 2..=6 {
        let ran = card_night(&bench, night, 6_637);
        assert_eq!(ran.code, 0, "{:#}", ran.summary);
        let found = ran.only();
        for name in ["break_id", "check", "cause", "txid", "expected", "actual", "explanation", "first_seen"] {
            assert_eq!(found[name], first[name], "{night}: {name}");
        }
        assert_eq!(text(found, "status"), "accepted");
    }
    let behind = card_night(&bench, 7, 6_637);
    assert_eq!((behind.code, behind.breaks()), (0, &[][..]));
    assert_eq!(bench.acts(id), ["opened", "accepted"]);
    // Another difference is another fault.
    let other = card_night(&bench, 6, 7_000);
    let checks: Vec<&str> = other.breaks().iter().map(|found| text(found, "check")).collect();
    assert!(checks.contains(&"seam"), "{:#}", other.summary);
    bench.assert_intact();
}

/// A listing that was never whole is told of, but nothing goes on from its closings.
#[test]
fn a_window_that_begins_at_a_broken_row_and_knows_nothing_before_it_leaves_the_break_as_it_is() {
    let bench = Bench::new();
    let id = text(card_night(&bench, 1, 6_637).only(), "break_id").to_owned();
    bench.database().execute("DELETE FROM covered", []).expect("a table of its own");
    let ran = card_night(&bench, 6, 6_637);
    assert_eq!((ran.code, text(ran.only(), "break_id"), text(ran.only(), "check")), (3, id.as_str(), "chain"));
    // The row is judged again as soon as there is one before it.
    bench.database().execute("DELETE FROM covered", []).expect("a table of its own");
    let healed = card_night(&bench, 5, 0);
    assert!(healed.breaks().iter().all(|found| text(found, "break_id") != id), "{:#}", healed.summary);
    assert_eq!(bench.shown(&id)["status"], "resolved");
}

#[test]
fn a_seam_that_lies_within_a_later_window_is_the_break_that_was_told() {
    let bench = Bench::new();
    bench.run_cards(&[("ANY1", &card(1, 0)[..5])], ["2026-03-01", "2026-03-05"]);
    let told = bench.run_cards(&[("ANY1", &card(6, 6_637))], ["2026-03-06", "2026-03-12"]);
    let id = text(told.only(), "break_id").to_owned();
    assert_eq!((text(told.only(), "check"), text(told.only(), "difference")), ("seam", "-66.37"));
    bench.accept(&id);
    let wider = card_night(&bench, 3, 6_637);
    let found = wider.only();
    assert_eq!((wider.code, text(found, "break_id"), text(found, "check")), (0, id.as_str(), "seam"));
    // Balances that are corrected close the gap, and the break.
    let corrected = card_night(&bench, 3, 0);
    assert!(corrected.breaks().iter().all(|found| text(found, "txid") != "6" || found["check"] == "restatement"));
    assert_eq!(bench.shown(&id)["status"], "resolved");
    bench.assert_intact();
}
