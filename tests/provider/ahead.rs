//! Pages of one listing that are asked for ahead of their turn.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tieout::landing::{Landing, ListingPage, Subject};
use tieout::provider::{Unwatched, fetch};
use tieout::record::Feed;

use crate::server::{Fault, Lists, Seen, Setup, envelope, response};
use crate::{Bench, find, lists, proved, run_line};

fn late(seen: &Seen) -> Option<Fault> {
    let has_rows = ["statements", "transactions"].iter().any(|part| seen.path.contains(part));
    has_rows.then_some(Fault::Late(Duration::from_millis(10)))
}

/// Requests for the lists at so many in flight, and how many were in flight at once.
async fn requests(lists: Lists, feed: Feed, concurrency: usize) -> (u64, usize) {
    let server = Setup::new(lists).start(late).await;
    let mut bench = Bench::new(&server.url);
    bench.feeds = vec![feed];
    bench.connection.concurrency = concurrency;
    let fetched = bench.fetch().await.expect("all is well");
    fetched.listings.iter().for_each(|listing| _ = proved(listing));
    assert_eq!(server.log().complaints, Vec::<String>::new());
    (fetched.requests, server.log().in_flight_max)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_is_left_over_is_read_by_all_slots_and_costs_no_request_more() {
    for rows in [270, 271, 280] {
        let (least, _) = requests(lists(1, rows), Feed::AccountStatements, 1).await;
        let (requests, in_flight_max) = requests(lists(1, rows), Feed::AccountStatements, 6).await;
        assert_eq!((requests, in_flight_max), (least, 6), "{rows} rows");
    }
}

/// An account with one card of so many transactions.
fn card_of(rows: usize) -> Lists {
    let mut lists = lists(1, 0);
    lists.insert("accounts/1/cards".to_owned(), vec![r#"{"card_ref":"ANY1","status":"1"}"#.to_owned()]);
    let row = |number| format!(r#"{{"txid":"{number}","date":"2026-01-12 10:00:00","amount":1.50}}"#);
    lists.insert("cards/ANY1/transactions".to_owned(), (0..rows).map(row).collect());
    lists
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_listing_whose_count_may_be_too_large_is_read_by_all_slots_and_no_further_than_that() {
    let (least, _) = requests(card_of(1_100), Feed::CardTransactions, 1).await;
    let (requests, in_flight_max) = requests(card_of(1_100), Feed::CardTransactions, 6).await;
    assert_eq!((requests, in_flight_max), (least, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_count_tells_the_end_few_requests_lead_beyond_it() {
    let without_total = |seen: &Seen| {
        let number = |name: &str| seen.query[name].parse::<usize>().expect("a number");
        seen.path.contains("transactions").then(|| {
            let limit = number("limit_number");
            let rows: Vec<String> = (0..1_100).map(|id| format!(r#"{{"txid":"{id}"}}"#)).collect();
            let page: Vec<&str> = rows.iter().skip(number("limit_start")).take(limit).map(String::as_str).collect();
            let body = format!(r#"{{"filters":{{"limit_number":{limit}}},"transactions":[{}]}}"#, page.join(","));
            Fault::Answer(response(200, envelope(&body)))
        })
    };
    let mut counts = Vec::new();
    for concurrency in [1, 6] {
        let server = Setup::new(card_of(0)).start(without_total).await;
        let mut bench = Bench::new(&server.url);
        bench.feeds = vec![Feed::CardTransactions];
        bench.connection.concurrency = concurrency;
        let fetched = bench.fetch().await.expect("all is well");
        assert_eq!(proved(find(&fetched, Subject::CardTransactions, "ANY1")), 1_100);
        counts.push((fetched.requests, server.log().in_flight_max));
    }
    let [(least, 1), (requests, in_flight_max)] = counts[..] else { panic!("{counts:?}") };
    // As many pages as are read ahead when the end comes, and no more.
    assert!((least..=least + 6).contains(&requests), "{requests} requests, {least} at least");
    assert!(in_flight_max > 1, "{in_flight_max} in flight");
}

/// The rows of a statement that a row joins or leaves at some request. What is proved is a statement that there was.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_or_go_while_pages_are_read_ahead_are_neither_lost_nor_doubled() {
    for (at_request, place, joins) in [
        (3, 0, true),
        (8, 0, true),
        (12, 100, true),
        (20, 199, true),
        (5, 0, false),
        (9, 50, false),
        (14, 120, false),
        (21, 150, false),
    ] {
        let rows: Vec<String> = (0..200).map(|id| format!(r#"{{"txid":"{id}"}}"#)).collect();
        let states = Arc::new(Mutex::new(vec![rows]));
        let served = Arc::clone(&states);
        let faults = move |seen: &Seen| {
            let number = |name: &str| seen.query[name].parse::<usize>().expect("a number");
            seen.path.contains("statements").then(|| {
                let mut states = served.lock().expect("the states");
                let mut rows = states.last().expect("a state").clone();
                if seen.earlier == at_request {
                    if joins {
                        rows.insert(place, r#"{"txid":"new"}"#.to_owned());
                    } else {
                        rows.remove(place);
                    }
                    states.push(rows.clone());
                }
                let (start, limit) = (number("limit_start"), number("limit_number"));
                let page: Vec<&str> = rows.iter().skip(start).take(limit).map(String::as_str).collect();
                let total = rows.len();
                let body = format!(
                    r#"{{"filters":{{"limit_number":{limit}}},"total_results":{total},"transactions":[{}]}}"#,
                    page.join(",")
                );
                Fault::Answer(response(200, envelope(&body)))
            })
        };
        let server = Setup::new(lists(1, 0)).start(faults).await;
        let bench = Bench::new(&server.url);
        let landing =
            Landing::create(&bench.raw(), &run_line("run-1"), &tieout::output::Machine::default()).expect("a landing");
        let fetched = fetch(&bench.plan(), &bench.connection, &landing, &Unwatched).await.expect("all is well");
        let listing = find(&fetched, Subject::AccountStatements, "1");
        let read = rows_of(&landing, &listing.pages);
        assert_eq!(proved(listing), read.len() as u64);
        let states = states.lock().expect("the states");
        assert_eq!(states.len(), 2, "something moved");
        let told = format!("{at_request} {place} {joins}");
        assert!(states.contains(&read), "{told}: {read:?}");
        assert_eq!(read.iter().collect::<HashSet<_>>().len(), read.len(), "{told}");
    }
}

/// The rows of a listing, out of what landed.
fn rows_of(landing: &Landing, pages: &[ListingPage]) -> Vec<String> {
    let archive = landing.read_back().expect("it reads back");
    let mut read = Vec::new();
    for page in pages {
        let mut bytes = Vec::new();
        archive.read(page.response, &mut bytes).expect("a response");
        let response: Value = serde_json::from_slice(&bytes).expect("JSON");
        let rows = response["body"]["transactions"].as_array().expect("rows");
        read.extend(rows.iter().skip(page.skip as usize).map(Value::to_string));
    }
    read
}
