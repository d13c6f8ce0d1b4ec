//! Learning what the date filter means, and reading what it would hide.

use tieout::landing::Subject;
use tieout::record::Feed;

use crate::server::{Lists, Setup};
use crate::{Bench, proved};

/// One account with `cards` cards; each has the rows (`date`, `date_transaction`) of `rows`.
fn lists(cards: usize, rows: &[(&str, &str)]) -> Lists {
    let mut lists = Lists::new();
    lists.insert("accounts".into(), vec![r#"{"acc_id":1}"#.into()]);
    lists.insert("accounts/1/cards".into(), (0..cards).map(|n| format!(r#"{{"card_ref":"ANY{n}"}}"#)).collect());
    for n in 0..cards {
        let made =
            |made: &str| if made.is_empty() { String::new() } else { format!(r#","date_transaction":"{made}""#) };
        let row = |(id, (date, at)): (usize, &(&str, &str))| format!(r#"{{"txid":{id},"date":"{date}"{}}}"#, made(at));
        lists.insert(format!("cards/ANY{n}/transactions"), rows.iter().enumerate().map(row).collect());
    }
    lists
}

/// Ranges asked for, and rows proved, over all card listings; and what was said.
async fn run(lists: Lists, filter_field: &'static str) -> (usize, u64, String) {
    let mut setup = Setup::new(lists);
    setup.filter_field = filter_field;
    let server = setup.start(|_| None).await;
    let mut bench = Bench::new(&server.url);
    bench.feeds = vec![Feed::CardTransactions];
    let fetched = bench.fetch().await.expect("all is well");
    let listings = fetched.listings.iter().filter(|listing| listing.subject == Subject::CardTransactions);
    let rows: u64 = listings.clone().map(proved).sum();
    for seen in server.log().seen.iter().filter(|seen| seen.path.contains("transactions")) {
        let range = (seen.query["date_start"].as_str(), seen.query["date_end"].as_str());
        assert!([("2026-01-09", "2026-01-17"), ("2025-12-10", "2026-01-08")].contains(&range), "{range:?}");
    }
    (listings.count(), rows, fetched.date_filter)
}

const MADE_BEFORE: (&str, &str) = ("2026-01-11 10:00:00", "2026-01-07 09:00:00");
const MADE_WITHIN: (&str, &str) = ("2026-01-12 10:00:00", "2026-01-12 09:00:00");
const PROCESSED_AFTER: (&str, &str) = ("2026-01-19 10:00:00", "2026-01-16 09:00:00");

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_second_date_cost_nothing() {
    let (listings, rows, told) = run(lists(5, &[("2026-01-12 10:00:00", "")]), "date").await;
    assert_eq!((listings, rows), (5, 5));
    assert!(told.starts_with("not told"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_on_date_is_recognised_and_costs_nothing() {
    let (listings, rows, told) = run(lists(5, &[MADE_BEFORE, MADE_WITHIN, PROCESSED_AFTER]), "date").await;
    assert_eq!((listings, rows), (5, 10));
    assert_eq!(told, "date_start and date_end filter card transactions on date");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_on_date_transaction_is_recognised_and_the_margin_is_read_for_every_card() {
    let (listings, rows, told) = run(lists(5, &[MADE_BEFORE, MADE_WITHIN, PROCESSED_AFTER]), "date_transaction").await;
    assert_eq!((listings, rows), (10, 15));
    assert!(told.contains("on date_transaction"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_window_does_not_tell_three_cards_are_asked_about_the_days_before() {
    // Only the margin shows that rows are found by the day they were made.
    let (listings, rows, told) = run(lists(5, &[MADE_BEFORE, MADE_WITHIN]), "date_transaction").await;
    assert_eq!((listings, rows), (10, 10));
    assert!(told.contains("on date_transaction"), "{told}");
    // Nothing tells: three are asked, and it is said.
    let (listings, rows, told) = run(lists(5, &[MADE_WITHIN]), "date").await;
    assert_eq!((listings, rows), (5 + 3, 5));
    assert!(told.starts_with("not told"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_cards_at_the_end_does_not_wait_for_the_other_rows() {
    let mut lists = lists(3, &[MADE_WITHIN]);
    let row = |id: usize| format!(r#"{{"txid":{id},"date":"2026-01-12 10:00:00"}}"#);
    lists.insert("accounts/1/statements".into(), (0..300).map(row).collect());
    let server = Setup::new(lists).start(|_| None).await;
    let mut bench = Bench::new(&server.url);
    bench.feeds = vec![Feed::CardTransactions, Feed::AccountStatements];
    bench.connection.concurrency = 2;
    bench.fetch().await.expect("all is well");
    let log = server.log();
    let is_margin = |at: &usize| log.seen[*at].query.get("date_end").is_some_and(|end| end == "2026-01-08");
    let last_margin = (0..log.seen.len()).rfind(is_margin).expect("three cards are asked");
    let last_row = log.seen.iter().rposition(|seen| seen.path.contains("statements")).expect("rows");
    assert!(last_margin + 10 < last_row, "{last_margin} {last_row}");
}
