//! Days that were committed before the days in front of them.

use crate::bench::{Bench, Ran, Tx, rows, text, tx};

const FIRST: [&str; 2] = ["2026-03-01", "2026-03-07"];
const SECOND: [&str; 2] = ["2026-03-08", "2026-03-14"];

/// The week after [`rows`], which closes at 65.50; `opening` in cents.
fn later(opening: i64) -> Vec<Tx> {
    let rows = [
        Tx { status: "P", ..tx(20, "2026-03-09 07:00:00", -100) },
        tx(21, "2026-03-09 09:00:00", -1_000),
        tx(22, "2026-03-10 09:00:00", 500),
    ];
    rows.map(|row| Tx { off: opening, ..row }).to_vec()
}

fn week(bench: &Bench, rows: &[Tx], window: [&str; 2]) -> Ran {
    bench.run_cards(&[("ANY1", rows)], window)
}

#[test]
fn a_past_that_is_filled_in_later_must_close_where_the_later_days_open() {
    let bench = Bench::new();
    assert_eq!(week(&bench, &later(6_850), SECOND).code, 0);
    let filled = week(&bench, &rows(), FIRST);
    let found = filled.only().clone();
    assert_eq!((filled.code, text(&found, "check"), text(&found, "txid")), (3, "seam", "21"));
    assert_eq!((text(&found, "expected"), text(&found, "actual")), ("65.50", "68.50"));
    assert_eq!(text(&found, "booking_date"), "2026-03-09");
    assert_eq!(
        text(&found, "explanation"),
        "2026-03-05 closes at 65.50, but 2026-03-09, committed earlier, opens at 68.50: off by 3.00; \
         run the days from 2026-03-09 on again"
    );
    let id = text(&found, "break_id").to_owned();
    let still = week(&bench, &later(6_850), SECOND);
    assert_eq!((still.code, text(still.only(), "break_id")), (3, id.as_str()), "the later days say the same");
    let right = week(&bench, &later(6_550), SECOND);
    assert_eq!(bench.shown(&id)["status"], "resolved");
    assert!(right.breaks().iter().all(|found| found["check"] != "seam"), "{:#}", right.summary);
    bench.assert_intact();
}

#[test]
fn a_past_that_comes_right_takes_its_break_back() {
    let bench = Bench::new();
    week(&bench, &later(6_550), SECOND);
    let mut short = rows();
    short.pop();
    let id = text(week(&bench, &short, FIRST).only(), "break_id").to_owned();
    let whole = week(&bench, &rows(), FIRST);
    assert_eq!((whole.code, whole.breaks()), (0, &[][..]));
    assert_eq!(bench.shown(&id)["status"], "resolved");
    assert_eq!(bench.acts(&id), ["opened", "resolved"]);
}

#[test]
fn days_that_nobody_read_in_between_prove_nothing() {
    let bench = Bench::new();
    week(&bench, &later(6_850), ["2026-03-09", "2026-03-14"]);
    assert_eq!(week(&bench, &rows(), FIRST).code, 0);
    let unread = bench.run_cards(&[("ANY1", &[])], ["2026-03-08", "2026-03-08"]);
    assert_eq!((unread.code, text(unread.only(), "check")), (3, "seam"), "a day without rows closes as the one before");
}

#[test]
fn a_backfill_that_ties_is_quiet_and_a_late_row_tells_the_days_behind_it() {
    let bench = Bench::new();
    week(&bench, &later(6_550), SECOND);
    assert_eq!(week(&bench, &rows(), FIRST).code, 0);
    let mut more = rows();
    more.push(tx(6, "2026-03-06 08:00:00", -50));
    let ran = week(&bench, &more, FIRST);
    assert_eq!((ran.code, text(ran.only(), "check"), text(ran.only(), "actual")), (3, "seam", "65.50"));
}
