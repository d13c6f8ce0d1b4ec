//! Windows that move on by a day each night: a fault stays one break, and nothing goes away because a window no longer
//! shows it whole.

use crate::bench::{Bench, Ran, text};

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
