//! Days that were committed before the days in front of them.

use crate::bench::{Bench, Ran, Tx, data_files, rows, text, tx};

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

/// What is wrong with the first row of a chunk.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A row before it is missing: all later balances are lower.
    Missing,
    /// Its balance alone is wrong.
    Balance,
    /// Its amount is wrong: its balance and all later ones are others.
    Amount,
    /// It is none of the chain: later rows go on as if it were not there.
    Apart,
}

/// A row a day, of which that of the 6th is wrong.
fn faulty(fault: Fault) -> Vec<Tx> {
    let dates = rows_of_days();
    let row = |(txid, date): (u32, &&'static str)| {
        let mut row = Tx { off: 100_000, ..tx(txid, date, -100) };
        match fault {
            Fault::Missing if txid >= 6 => row.off -= 7_700,
            Fault::Balance if txid == 6 => row.off += 300,
            Fault::Amount if txid == 6 => (row.cents, row.off) = (-150, row.off + 20),
            Fault::Amount if txid > 6 => row.off += 20,
            Fault::Apart if txid > 6 => row.off += 100,
            _ => {}
        }
        row
    };
    (1..).zip(dates.iter()).map(row).collect()
}

fn rows_of_days() -> [&'static str; 10] {
    [
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
    ]
}

#[test]
fn a_day_opens_where_it_opens_in_whichever_window_it_is_read() {
    for fault in [Fault::Missing, Fault::Balance, Fault::Amount, Fault::Apart] {
        let rows = faulty(fault);
        let lake = |windows: &[[&str; 2]]| {
            let bench = Bench::new();
            let codes: Vec<i32> = windows.iter().map(|window| week(&bench, &rows, *window).code).collect();
            assert!(codes.contains(&3), "{fault:?}: {codes:?}");
            bench.assert_intact();
            let files = data_files(&bench.out().join("lake")).into_iter();
            let root = bench.out();
            files.map(|(path, bytes)| (path.strip_prefix(&root).expect("below").to_owned(), bytes)).collect::<Vec<_>>()
        };
        let whole = lake(&[["2026-03-01", "2026-03-10"]]);
        assert_eq!(whole.len(), 20);
        for chunks in [
            &[["2026-03-01", "2026-03-05"], ["2026-03-06", "2026-03-10"]][..],
            &[["2026-03-01", "2026-03-04"], ["2026-03-05", "2026-03-08"], ["2026-03-09", "2026-03-10"]],
        ] {
            let chunked = lake(chunks);
            let other: Vec<_> = whole.iter().zip(&chunked).filter(|(a, b)| a != b).map(|(a, _)| &a.0).collect();
            assert_eq!((other.len(), chunked.len()), (0, 20), "{fault:?} {chunks:?}: {other:?}");
        }
    }
}
