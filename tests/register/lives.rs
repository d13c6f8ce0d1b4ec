//! How breaks come, stay and go, and what a changed past is told as.

use serde_json::json;

use crate::bench::{Bench, Tx, data_files, rows, text, tx};

/// `rows` with one of them changed.
fn with(change: impl FnOnce(&mut Vec<Tx>)) -> Vec<Tx> {
    let mut rows = rows();
    change(&mut rows);
    rows
}

#[test]
fn the_same_rows_again_are_the_same_bytes_and_no_restatement() {
    let bench = Bench::new();
    assert_eq!(bench.run(&rows()).code, 0);
    let first = data_files(&bench.out());
    let again = bench.run(&rows());
    assert_eq!((again.code, again.breaks()), (0, &[][..]));
    assert!(first == data_files(&bench.out()));
    bench.assert_intact();
}

#[test]
fn the_demo_twice_has_its_three_breaks_and_no_restatement() {
    let bench = Bench::new();
    let out = bench.out();
    let demo = || bench.tieout(&["demo", "--out", out.to_str().expect("UTF-8"), "--format", "json"]);
    let (code, _) = demo();
    let first = data_files(&out);
    let (again, told) = demo();
    assert_eq!((code, again), (3, 3));
    let mut checks: Vec<&str> =
        told["breaks"].as_array().expect("a list").iter().map(|found| text(found, "check")).collect();
    checks.sort_unstable();
    assert_eq!(checks.len(), 3, "{checks:?}");
    assert!(!checks.contains(&"restatement"));
    assert!(first == data_files(&out));
    bench.assert_intact();
}

#[test]
fn a_changed_amount_stays_open_until_it_is_accepted() {
    let bench = Bench::new();
    bench.run(&rows());
    let changed = with(|rows| rows[1].cents = -1_350);
    let ran = bench.run(&changed);
    assert_eq!(ran.code, 3);
    let found = ran.only().clone();
    assert_eq!((text(&found, "check"), text(&found, "cause"), text(&found, "txid")), ("restatement", "changed", "2"));
    assert_eq!((text(&found, "expected"), text(&found, "actual")), ("-12.50", "-13.50"));
    assert_eq!(
        text(&found, "explanation"),
        "amount was -12.50, now -13.50; the closing balances of 3 days from 2026-03-02 to 2026-03-05 move"
    );
    assert_eq!(ran.count("restated_rows"), 1, "the balances behind it follow, and are no breaks");
    let again = bench.run(&changed);
    assert_eq!((again.code, text(again.only(), "break_id")), (3, text(&found, "break_id")), "it does not heal itself");
    bench.accept(text(&found, "break_id"));
    let accepted = bench.run(&changed);
    assert_eq!((accepted.code, text(accepted.only(), "status")), (0, "accepted"));
    let moved_again = bench.run(&with(|rows| rows[1].cents = -1_400));
    assert_eq!((moved_again.code, text(moved_again.only(), "status")), (3, "open"));
    assert!(text(moved_again.only(), "explanation").starts_with("amount was -12.50, now -14.00"));
    let back = bench.run(&rows());
    assert_eq!((back.code, back.breaks()), (0, &[][..]));
    let shown = bench.shown(text(&found, "break_id"));
    assert_eq!((text(&shown, "status"), text(&shown, "resolution")), ("resolved", "restated"));
    let acts = bench.acts(text(&found, "break_id"));
    assert_eq!(acts, ["opened", "accepted", "reopened", "resolved"]);
    assert_eq!(shown["trail"][2]["note"], "actual was -13.50, now -14.00; difference was -1.00, now -1.50");
    bench.assert_intact();
}

#[test]
fn a_late_row_is_told_and_no_break() {
    let bench = Bench::new();
    bench.run(&rows());
    let ran = bench.run(&with(|rows| rows.insert(1, tx(9, "2026-03-01 20:00:00", -700))));
    assert_eq!((ran.code, ran.count("late_rows"), ran.count("amended_rows")), (0, 1, 4), "{:#}", ran.summary);
    let ran = bench.run(&with(|rows| {
        rows.insert(1, tx(9, "2026-03-01 20:00:00", -700));
        rows.insert(5, tx(10, "2026-03-04 20:00:00", -1));
    }));
    assert_eq!((ran.code, ran.count("late_rows")), (0, 1), "a day that had no rows was committed too");
}

#[test]
fn balances_that_move_by_themselves_are_one_break() {
    let bench = Bench::new();
    bench.run(&rows());
    let ran = bench.run(&with(|rows| rows.iter_mut().for_each(|row| row.off = 100)));
    assert_eq!((ran.code, text(ran.only(), "txid")), (3, "1"));
    assert_eq!(
        text(ran.only(), "explanation"),
        "balance was 100.00, now 101.00; the closing balances of 4 days from 2026-03-01 to 2026-03-05 move; \
         the balances of 4 further rows move by the same"
    );
}

#[test]
fn a_vanished_row_is_a_break_and_a_vanished_authorisation_is_not() {
    let bench = Bench::new();
    let pending = |rows: &mut Vec<Tx>| {
        rows.insert(3, Tx { status: "P", ..tx(8, "2026-03-02 23:00:00", -900) });
    };
    bench.run(&with(pending));
    let expired = bench.run(&rows());
    assert_eq!((expired.code, expired.count("expired_rows")), (0, 1));
    let gone = bench.run(&with(|rows| rows.retain(|row| row.txid != 3)));
    assert_eq!(gone.code, 3);
    assert_eq!((text(gone.only(), "cause"), text(gone.only(), "txid")), ("vanished", "3"));
    assert_eq!(
        text(gone.only(), "explanation"),
        "txid 3 of -20.00, booked on 2026-03-02, is no longer listed in the window; \
         the closing balances of 3 days from 2026-03-02 to 2026-03-05 move"
    );
    let back = bench.run(&rows());
    assert_eq!((back.code, back.count("late_rows")), (0, 0));
    assert_eq!(bench.shown(text(gone.only(), "break_id"))["resolution"], "restated");
}

#[test]
fn pending_rows_settle_on_other_days_with_other_amounts() {
    let bench = Bench::new();
    bench.run(&with(|rows| rows.insert(3, Tx { status: "P", ..tx(8, "2026-03-02 23:00:00", -900) })));
    let settled = bench.run(&with(|rows| rows.insert(4, tx(8, "2026-03-04 09:00:00", -950))));
    assert_eq!((settled.code, settled.breaks()), (0, &[][..]));
    let unsettled = bench.run(&with(|rows| rows.insert(4, Tx { status: "D", ..tx(8, "2026-03-04 09:00:00", -950) })));
    assert_eq!(unsettled.code, 3);
    assert!(text(unsettled.only(), "explanation").starts_with("status was settled, now declined"));
}

#[test]
fn a_row_that_moves_to_another_day_has_changed_and_not_vanished() {
    let bench = Bench::new();
    bench.run(&rows());
    let ran = bench.run(&with(|rows| rows[3].date = "2026-03-06 12:00:00"));
    let moved = ran.breaks().iter().find(|found| found["check"] == "restatement").expect("told");
    assert_eq!((text(moved, "cause"), text(moved, "booking_date")), ("changed", "2026-03-03"));
    assert!(text(moved, "explanation").contains("booking date was 2026-03-03, now 2026-03-06"), "{moved:#}");
}

#[test]
fn texts_may_change() {
    let bench = Bench::new();
    bench.run(&rows());
    let ran = bench.run(&with(|rows| rows[2].description = "Café"));
    assert_eq!((ran.code, ran.breaks(), ran.count("amended_rows")), (0, &[][..], 1));
}

#[test]
fn transfers_are_executed_and_then_stay() {
    let transfer = |status: &str, amount: &str, date: &str| {
        format!(
            r#"{{"internal_id":"77","amount":{amount},"currency":"EUR","status":"{status}","creation_date":"2026-03-01 08:00:00","execution_date":{date}}}"#
        )
    };
    let bench = Bench::new();
    assert_eq!(bench.run_transfers(&[&transfer("to_execute", "250", "null")]).code, 0);
    let executed = transfer("executed", "250", "\"2026-03-03\"");
    let ran = bench.run_transfers(&[&executed]);
    assert_eq!((ran.code, ran.breaks()), (0, &[][..]), "{:#}", ran.summary);
    let ran = bench.run_transfers(&[&transfer("cancelled", "250", "\"2026-03-03\"")]);
    assert_eq!(ran.code, 3);
    assert_eq!(text(ran.only(), "explanation"), "status was executed, now cancelled");
    let ran = bench.run_transfers(&[]);
    assert_eq!(text(ran.only(), "cause"), "vanished");
    assert_eq!(bench.acts(text(ran.only(), "break_id")), ["opened", "changed"]);
}

#[test]
fn a_card_that_is_no_longer_listed_is_one_break() {
    let bench = Bench::new();
    let week = ["2026-03-01", "2026-03-07"];
    bench.run_cards(&[("ANY1", &rows()), ("ANY2", &rows())], week);
    let ran = bench.run_cards(&[("ANY1", &rows())], week);
    assert_eq!((ran.code, text(ran.only(), "owner_id")), (3, "ANY2"));
    assert!(text(ran.only(), "explanation").contains("5 rows in card_transactions, from 2026-03-01 to 2026-03-05"));
    bench.assert_intact();
}

#[test]
fn a_chain_break_goes_when_the_missing_row_comes_late() {
    let bench = Bench::new();
    let missing = with(|rows| rows.retain(|row| row.txid != 3));
    // The rows behind the missing one state the balances that it brought.
    let missing: Vec<Tx> =
        missing.into_iter().map(|row| Tx { off: if row.txid > 3 { -2_000 } else { 0 }, ..row }).collect();
    let ran = bench.run(&missing);
    assert_eq!((ran.code, text(ran.only(), "check")), (3, "chain"));
    let id = text(ran.only(), "break_id").to_owned();
    let whole = bench.run(&rows());
    assert_eq!((whole.code, whole.breaks()), (0, &[][..]));
    let shown = bench.shown(&id);
    assert_eq!((text(&shown, "status"), text(&shown, "resolution")), ("resolved", "late_row"));
    let again = bench.run(&missing);
    let chain = again.breaks().iter().find(|found| found["check"] == "chain").expect("is back");
    assert_eq!((text(chain, "break_id"), text(chain, "status")), (id.as_str(), "open"));
    assert_eq!(bench.acts(&id), ["opened", "resolved", "reopened"]);
}

#[test]
fn a_chain_break_goes_when_the_provider_corrects_the_row() {
    let bench = Bench::new();
    let ran = bench.run(&with(|rows| rows[2].off = 40));
    assert_eq!((ran.code, text(ran.only(), "check")), (3, "chain"));
    let corrected = bench.run(&rows());
    assert_eq!(bench.shown(text(ran.only(), "break_id"))["resolution"], "restated");
    assert_eq!(text(corrected.only(), "check"), "restatement", "what was committed changed");
}

#[test]
fn an_accepted_break_is_quiet_until_its_facts_change() {
    let bench = Bench::new();
    let broken = |off| with(|rows| rows[2].off = off);
    let id = text(bench.run(&broken(40)).only(), "break_id").to_owned();
    bench.accept(&id);
    let quiet = bench.run(&broken(40));
    assert_eq!((quiet.code, text(quiet.only(), "status")), (0, "accepted"));
    assert_eq!(bench.breaks(&["reopen", &id, "--by", "Zoe", "--note", "not so sure"]).0, 0);
    assert_eq!(bench.run(&broken(40)).code, 3);
    bench.accept(&id);
    let changed = bench.run(&broken(41));
    let chain = changed.breaks().iter().find(|found| found["check"] == "chain").expect("is there");
    assert_eq!((changed.code, text(chain, "status")), (3, "open"));
    let shown = bench.shown(&id);
    let acts = bench.acts(&id);
    assert_eq!(acts, ["opened", "accepted", "reopened", "accepted", "reopened"]);
    assert_eq!(shown["trail"][2]["by"], "Zoe");
    assert!(text(&shown["trail"][4], "note").contains("actual was "), "{shown:#}");
    assert_eq!(shown["age_days"].as_i64(), Some(0));
    let (code, listed) = bench.breaks(&["list", "--status", "open", "--format", "json"]);
    assert_eq!((code, listed.as_array().map(Vec::len)), (0, Some(2)));
}

#[test]
fn a_run_says_nothing_of_days_and_listings_that_it_does_not_have() {
    let bench = Bench::new();
    let id = text(bench.run(&with(|rows| rows[2].off = 40)).only(), "break_id").to_owned();
    bench.run_cards(&[("ANY1", &rows())], ["2026-03-03", "2026-03-07"]);
    assert_eq!(bench.shown(&id)["status"], "open");
    bench.run_transfers(&[]);
    assert_eq!(bench.shown(&id)["status"], "open");
    bench.assert_intact();
}

#[test]
fn without_a_lake_it_is_known_that_a_day_changed_but_not_how() {
    let mut bench = Bench::new();
    bench.formats = r#"["csv"]"#;
    bench.run(&rows());
    let ran = bench.run(&with(|rows| rows[1].cents = -1_350));
    assert_eq!((ran.code, ran.breaks()), (0, &[][..]));
    let notes = ran.summary["notes"].as_array().expect("a list");
    assert!(
        notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("nothing tells which rows changed")))
    );
    bench.assert_intact();
}

#[test]
fn the_trail_cannot_be_edited() {
    let bench = Bench::new();
    let id = text(bench.run(&with(|rows| rows[2].off = 40)).only(), "break_id").to_owned();
    bench.accept(&id);
    let database = bench.database();
    for sql in ["UPDATE trail SET by = 'nobody'", "DELETE FROM trail"] {
        assert!(database.execute(sql, []).expect_err("refused").to_string().contains("only ever added to"));
    }
    // Whoever takes the triggers away is seen.
    database
        .execute_batch("DROP TRIGGER trail_keeps_its_words; UPDATE trail SET by = 'Bob' WHERE act = 'accepted';")
        .expect("edits");
    let (code, told) = bench.verify();
    assert_eq!((code, &told["findings"][0]["kind"]), (1, &json!("trail_broken")));
}

#[test]
fn what_people_say_of_a_break_must_say_something_and_is_shown() {
    let bench = Bench::new();
    let id = text(bench.run(&with(|rows| rows[2].off = 40)).only(), "break_id").to_owned();
    for wrong in [
        &["accept", id.as_str()][..],
        &["accept", &id, "--by", "Ada"],
        &["accept", &id, "--by", "Ada", "--note", " "],
        &["accept", &id, "--by", "", "--note", "fine"],
        &["accept", "brk-000000000000", "--by", "Ada", "--note", "fine"],
        &["reopen", &id],
        &["reopen", "brk-000000000000"],
        &["show", "brk-000000000000"],
        &["list", "--check", "chains"],
        &["list", "--status", "closed"],
    ] {
        assert_eq!(bench.breaks(wrong).0, 2, "{wrong:?}");
    }
    assert_eq!(bench.acts(&id), ["opened"], "nothing of it was done");
    let (code, told) = bench.breaks(&["accept", &id, "--by", "Ada", "--note", "fine", "--format", "json"]);
    assert_eq!((code, text(&told, "status"), text(&told, "accepted_by")), (0, "accepted", "Ada"));
    let (code, told) = bench.breaks(&["reopen", &id, "--format", "json"]);
    assert_eq!((code, text(&told, "status"), &told["note"]), (0, "open", &serde_json::Value::Null));
    assert_eq!(bench.acts(&id), ["opened", "accepted", "reopened"]);
    let elsewhere = bench.out().join("nowhere");
    let elsewhere = elsewhere.to_str().expect("UTF-8");
    for act in [&["list"][..], &["show", &id], &["accept", &id, "--by", "Ada", "--note", "fine"], &["reopen", &id]] {
        assert_eq!(bench.tieout(&[&["breaks", "--out", elsewhere], act].concat()).0, 2, "{act:?}");
    }
    assert!(!bench.out().join("nowhere").exists(), "looking makes nothing");
}

/// A line of either statement: a transfer from or to one IBAN.
fn transfer(txid: u32, date: &str, amount: &str, kind: &str, balance: &str) -> String {
    format!(
        r#"{{"txid":"{txid}","date":"{date}","amount":{amount},"currency":"EUR","type":"{kind}","balance":"{balance}","description":"Virement","iban":{{"iban":"FR7630006000011234567890189","swift":"AGRIFRPP"}}}}"#
    )
}

#[test]
fn a_fault_that_shows_in_two_statements_is_one_break() {
    let lines = [
        transfer(1, "2026-03-01 09:00:00", "100.00", "C", "100.00"),
        transfer(2, "2026-03-02 09:00:00", "12.50", "D", "87.50"),
        transfer(3, "2026-03-03 09:00:00", "7.25", "D", "80.25"),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let copy = transfer(99, "2026-03-02 09:00:00", "12.50", "D", "87.50");
    let bench = Bench::new();
    let clean = bench.run_statements(&lines, &lines);
    assert_eq!((clean.code, clean.breaks()), (0, &[][..]), "{:#}", clean.summary);
    let copied = Bench::new().run_statements(&lines, &[&lines[..], &[&copy]].concat());
    assert_eq!((text(copied.only(), "check"), text(copied.only(), "txid")), ("duplicate", "99"));
    let in_both = [&lines[..2], &[&copy], &lines[2..]].concat();
    let copied = Bench::new().run_statements(&in_both, &in_both);
    assert_eq!((text(copied.only(), "check"), text(copied.only(), "txid")), ("duplicate", "99"));
    let twice = [&lines[..2], &lines[1..]].concat();
    let doubled = Bench::new().run_statements(&twice, &twice);
    assert_eq!((text(doubled.only(), "check"), text(doubled.only(), "txid")), ("duplicate", "2"));
    let without = [lines[0], lines[2]];
    let torn = Bench::new().run_statements(&without, &lines);
    let found = torn.only();
    assert_eq!((text(found, "check"), text(found, "cause"), text(found, "txid")), ("chain", "missing_entry", "3"));
    let evidence = "IBAN statement txid 2 of -12.50, booked on 2026-03-02, has no account line";
    assert!(text(found, "explanation").ends_with(evidence), "{found:#}");
    let lacking = Bench::new().run_statements(&lines, &without);
    assert_eq!((text(lacking.only(), "check"), text(lacking.only(), "txid")), ("iban_twin", "2"));
}
