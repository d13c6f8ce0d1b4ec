//! A provider that misbehaves: what a run survives, and what it says when it cannot.

use tieout::sandbox::Behaviour;

use super::support::{Bench, rows};

/// Whatever goes wrong for a while, the reports are those of an undisturbed run.
#[test]
fn what_passes_leaves_no_trace() {
    let undisturbed = Bench::new();
    assert_eq!(undisturbed.run().code, 3);
    let expected = undisturbed.reports();
    for faults in [
        &["429@/transactions#2", "429:retry-after=1@/statements#1", "429:retry-after=date+1@/cards#1"][..],
        &["500@*#10%", "503@/statements#2", "502:html@/cards#1"],
        &["408@/accounts#1", "cut@/statements#2", "reset@/transactions#3", "drip@/transactions#1"],
        &["html@/transactions#1", "empty@/statements#1", "bad-json@/cards#1", "wrong-hash@/transactions#2"],
        &["revoke@/transactions#2", "revoke@/statements#3"],
        &["short@/transactions#5", "short@/statements#2"],
    ] {
        let bench = Bench::failing(faults);
        let ended = bench.run();
        assert_eq!(ended.code, 3, "{faults:?}: {}", ended.stderr);
        assert!(bench.reports() == expected, "{faults:?}");
    }
}

#[test]
fn a_token_that_expires_all_the_time_is_renewed() {
    let bench = Bench::behaving(Behaviour {
        token_lifetime_s: 1,
        latency: std::time::Duration::from_millis(250),
        ..Behaviour::default()
    });
    let ended = bench.run();
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(bench.control().counters().tokens > 1, "{:?}", bench.control().counters());
}

/// Rows that arrive while a listing is paged are in the reports once, and no row is lost.
#[test]
fn rows_that_arrive_while_paging_are_neither_lost_nor_doubled() {
    for order in
        ["insert@/accounts/1/statements#2", "insert:3@/accounts/1/statements#1", "delete@/accounts/1/statements#2"]
    {
        let bench = Bench::with(|config| {
            config.behaviour.order = tieout::sandbox::Order::Newest;
            config.behaviour.page_rows_max = 20;
            config.faults = vec![order.parse().expect("a fault")];
        });
        let ended = bench.run();
        assert_eq!(ended.code, 3, "{order}: {}", ended.stderr);
        let listed = bench.control().rows("/v1.0/accounts/1/statements").len();
        let reported = rows(&bench.reports()["account_statements.csv"]);
        let of_account: Vec<&str> =
            reported.iter().filter(|row| row["acc_id"] == "1").map(|row| row["txid"].as_str()).collect();
        let different: std::collections::HashSet<&str> = of_account.iter().copied().collect();
        assert_eq!(different.len(), of_account.len(), "{order}");
        let outside = bench.control().rows("/v1.0/accounts/1/statements").iter().filter(|row| !in_window(row)).count();
        assert_eq!(of_account.len(), listed - outside, "{order}");
    }
}

fn in_window(row: &str) -> bool {
    let date = row.split_once("\"date\"").and_then(|(_, rest)| rest.split('"').nth(1)).expect("a date");
    ["2026-08-", "2026-09-", "2026-10-"].iter().any(|month| date.starts_with(month))
}

#[test]
fn a_listing_that_never_holds_still_is_a_completeness_break_and_never_a_short_file() {
    let bench = Bench::with(|config| {
        config.behaviour.page_rows_max = 20;
        config.faults = vec!["unstable@/cards/ANY2107926427/transactions#*".parse().expect("a fault")];
    });
    let ended = bench.run();
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let reports = bench.reports();
    let found = rows(&reports["breaks.csv"]);
    let unproved: Vec<_> = found.iter().filter(|row| row["check"] == "completeness").collect();
    assert_eq!(unproved.len(), 1);
    assert_eq!((unproved[0]["owner_id"].as_str(), unproved[0]["cause"].as_str()), ("ANY2107926427", "unproved"));
    assert!(ended.stdout.contains("1 listing not proved complete"), "{}", ended.stdout);
}

#[test]
fn one_forbidden_account_does_not_end_the_run() {
    let undisturbed = Bench::new();
    assert_eq!(undisturbed.run().code, 3);
    let bench = Bench::failing(&["403@/accounts/2/#*", "403@/accounts/2$#*"]);
    let ended = bench.run();
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("4030210"), "{}", ended.stderr);
    let account_1 = |reports: std::collections::BTreeMap<String, String>| {
        let lines: Vec<String> = rows(&reports["account_statements.csv"])
            .iter()
            .filter(|row| row["acc_id"] == "1")
            .map(|row| format!("{row:?}"))
            .collect();
        lines
    };
    assert_eq!(account_1(bench.reports()), account_1(undisturbed.reports()));
    let incomplete: Vec<String> = rows(&bench.reports()["breaks.csv"])
        .iter()
        .filter(|row| row["check"] == "completeness")
        .map(|row| row["owner_id"].clone())
        .collect();
    assert_eq!(incomplete, ["2", "2", "2", "2"], "statements, IBAN statements, cards and transfers");
}

/// What an earlier run committed of an owner that cannot be fetched now stays in the lake.
#[test]
fn an_owner_that_fails_keeps_its_rows_in_the_lake() {
    let bench = Bench::new();
    assert_eq!(bench.run().code, 3);
    let before = super::support::tree(&bench.place.path("out/lake/account_statements"));
    bench.control().add_fault("403@/accounts/2/statements#*".parse().expect("a fault"));
    assert_eq!(bench.run().code, 4);
    let after = super::support::tree(&bench.place.path("out/lake/account_statements"));
    let rows_in = |tree: &std::collections::BTreeMap<std::path::PathBuf, Vec<u8>>| {
        tree.values().map(|bytes| super::outputs::parquet_rows(bytes)).sum::<i64>()
    };
    assert_eq!(rows_in(&after), rows_in(&before));
}

#[test]
fn business_limits_and_refusals_are_not_tried_again() {
    let bench = Bench::failing(&["429:code=4290310@/cards/ANY2107926427/transactions#*"]);
    let ended = bench.run();
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let asked = bench.control().log();
    let refused = asked.iter().filter(|record| record.status == 429).count();
    assert_eq!(refused, 1, "one refusal, no retry");
}

#[test]
fn without_a_token_nothing_is_committed() {
    let bench = Bench::failing(&["401:code=4010030@/oauth/v2/token#*"]);
    let ended = bench.run();
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("4010030") && ended.stderr.contains("hint:"), "{}", ended.stderr);
    assert!(!bench.place.path("out/reports").exists());
}

#[test]
fn a_malformed_row_is_rejected_with_its_raw_text_and_the_rest_goes_on() {
    let undisturbed = Bench::new();
    assert_eq!(undisturbed.run().code, 3);
    // Each time: where the page is read again, it must be the same.
    for how in ["amount", "decimals", "huge", "date", "no-id", "null", "number"] {
        let bench = Bench::failing(&[&format!("bad-row:{how}@/accounts/1/credit-transfers*limit_start=0&#*")]);
        let ended = bench.run();
        assert_eq!(ended.code, 4, "{how}: {}", ended.stderr);
        let rejects = rows(&bench.reports()["rejects.csv"]);
        assert_eq!(rejects.len(), 1, "{how}: {rejects:?}");
        assert_eq!((rejects[0]["feed"].as_str(), rejects[0]["owner_id"].as_str()), ("credit_transfers", "1"), "{how}");
        assert!(rejects[0]["pointer"].starts_with("/body/credit-transfers/"), "{how}");
        assert!(!rejects[0]["raw"].is_empty() && !rejects[0]["reason"].is_empty(), "{how}");
        let count = |bench: &Bench| rows(&bench.reports()["credit_transfers.csv"]).len();
        assert_eq!(count(&bench), count(&undisturbed) - 1, "{how}");
    }
}

#[test]
fn hostile_answers_are_bounded_and_named() {
    for (fault, told) in [
        ("endless@/cards/ANY2107926427/transactions#*", "bytes"),
        ("gzip-bomb@/cards/ANY2107926427/transactions#*", "bytes"),
        ("deep-json@/cards/ANY2107926427/transactions#*", "deep"),
        ("redirect@/cards/ANY2107926427/transactions#*", "302"),
        ("headers@/cards/ANY2107926427/transactions#*", ""),
    ] {
        let bench = Bench::failing(&[fault]);
        let text = std::fs::read_to_string(bench.place.path("job.toml")).expect("the job");
        bench.place.write("job.toml", &text.replace("attempts_max = 5", "attempts_max = 2\nbody_bytes_max = 4000000"));
        let ended = bench.run();
        assert_eq!(ended.code, 4, "{fault}: {}", ended.stderr);
        assert!(ended.stderr.contains("ANY2107926427") && ended.stderr.contains(told), "{fault}: {}", ended.stderr);
    }
}
