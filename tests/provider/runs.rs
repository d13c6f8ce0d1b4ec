//! A whole run: tokens, limits in parallel, owners that fail, lists that cannot be read.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tieout::landing::{Proof, Subject};
use tieout::record::Feed;

use crate::server::{Fault, Lists, Seen, Setup};
use crate::{Bench, failed, find, lists, proved};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_reads_everything_once_and_proves_it() {
    let mut lists = lists(2, 25);
    for id in 1..=2 {
        let card = |n| format!(r#"{{"card_ref":"ANY{id}{n}","status":"1","balance":"-16645.43"}}"#);
        lists.insert(format!("accounts/{id}/cards"), (0..3).map(card).collect());
        lists.insert(format!("accounts/{id}/iban-statements"), vec![]);
        let transfer = |n: i32| format!(r#"{{"internal_id":{n},"amount":5}}"#);
        lists.insert(format!("accounts/{id}/credit-transfers"), (0..4).map(transfer).collect());
        for n in 0..3 {
            let row = |t| format!(r#"{{"txid":{t},"date":"2026-01-11 09:00:00"}}"#);
            lists.insert(format!("cards/ANY{id}{n}/transactions"), (0..n * 9).map(row).collect());
        }
    }
    let server = Setup::new(lists).start(|_| None).await;
    let mut bench = Bench::new(&server.url);
    bench.feeds = Feed::ALL.to_vec();
    let fetched = bench.fetch().await.expect("all is well");
    assert_eq!(server.log().complaints, Vec::<String>::new());
    assert_eq!(fetched.accounts.iter().map(|a| a.acc_id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(fetched.accounts[0].currency.as_deref(), Some("EUR"));
    assert_eq!(fetched.cards.len(), 6);
    assert_eq!(fetched.cards[0].balance.as_deref(), Some("-16645.43"));
    assert_eq!(fetched.listings.len(), 1 + 2 + 2 + 2 + 6 + 2);
    for listing in &fetched.listings {
        proved(listing);
    }
    assert_eq!(proved(find(&fetched, Subject::AccountStatements, "2")), 25);
    assert_eq!(proved(find(&fetched, Subject::CardTransactions, "ANY22")), 18);
    assert!(fetched.listings.is_sorted_by_key(|listing| (listing.subject, listing.owner.clone())));
    // Two for each list of one page, one more for each further page and for its end where no total confirms it, one for
    // each account's details, and the token.
    assert_eq!(fetched.requests, 2 + 2 * (2 + 1) + 2 * 4 + 2 * 2 + 2 * (2 + 2 + 4) + 2 * 2 + 1);
    assert!(fetched.date_filter.contains("no card transaction carried a date_transaction"), "{}", fetched.date_filter);
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_are_asked_for_with_a_day_more_at_both_ends() {
    let server = Setup::new(lists(1, 1)).start(|_| None).await;
    Bench::new(&server.url).fetch().await.expect("all is well");
    let log = server.log();
    for seen in log.seen.iter().filter(|seen| seen.path.contains("statements")) {
        assert_eq!((seen.query["date_start"].as_str(), seen.query["date_end"].as_str()), ("2026-01-09", "2026-01-17"));
    }
}

#[test]
fn one_refresher_serves_all_requests_in_flight() {
    const TOGETHER: usize = 16;
    static WAITING: AtomicUsize = AtomicUsize::new(0);
    // Sixteen are in flight with the first token when somebody else's token makes it obsolete.
    let faults = |seen: &Seen| {
        if !seen.path.contains("statements") || seen.token.as_deref() != Some("canary-token-1") {
            return None;
        }
        WAITING.fetch_add(1, Ordering::SeqCst);
        let begun = Instant::now();
        while WAITING.load(Ordering::SeqCst) < TOGETHER && begun.elapsed() < Duration::from_secs(2) {
            tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(1)));
        }
        Some(Fault::Refuse(401, 4_010_050, None))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(TOGETHER + 4).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let server = runtime.block_on(Setup::new(lists(TOGETHER, 1)).start(faults));
    let mut bench = Bench::new(&server.url);
    bench.connection.concurrency = TOGETHER;
    let fetched = runtime.block_on(bench.fetch()).expect("all is well");
    for listing in &fetched.listings {
        proved(listing);
    }
    assert_eq!(WAITING.load(Ordering::SeqCst), TOGETHER, "all were refused once");
    assert_eq!(server.log().tokens, 2, "one token more for all of them");
    assert_eq!(fetched.retries, 0, "a token that was replaced is no failed attempt");
    assert_eq!(server.log().complaints, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_it_expires() {
    let mut setup = Setup::new(lists(4, 1));
    setup.token_seconds = 1;
    let server =
        setup.start(|seen| seen.path.contains("statements").then(|| Fault::Late(Duration::from_millis(250)))).await;
    let mut bench = Bench::new(&server.url);
    bench.connection.concurrency = 1;
    let fetched = bench.fetch().await.expect("all is well");
    assert_eq!(fetched.retries, 0);
    let log = server.log();
    assert!(log.tokens >= 2, "{} tokens", log.tokens);
    assert_eq!(log.refused_tokens, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_for_ever_ends() {
    let faults = |seen: &Seen| seen.path.contains("statements").then_some(Fault::Refuse(401, 4_010_050, None));
    let server = Setup::new(lists(1, 1)).start(faults).await;
    let fetched = Bench::new(&server.url).fetch().await.expect("the run goes on");
    let error = failed(find(&fetched, Subject::AccountStatements, "1"));
    assert!(error.contains("4 tokens or more refused") && error.contains("4 attempts, that"), "{error}");
    // Three repeats and four attempts: they do not multiply.
    assert_eq!(server.count("statements"), 3 + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_the_end_of_the_run() {
    let faults = |seen: &Seen| (seen.path == "/oauth/v2/token").then_some(Fault::Refuse(401, 4_010_040, None));
    let server = Setup::new(lists(1, 1)).start(faults).await;
    let error = Bench::new(&server.url).fetch().await.expect_err("no token");
    assert_eq!(error.kind(), tieout::ErrorKind::Provider);
    assert!(error.to_string().contains("at POST /oauth/v2/token"), "{error}");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("username and password")), "{error}");
    assert_eq!(server.log().seen.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_in_the_middle_is_the_end_too() {
    let faults = |seen: &Seen| match seen.path.as_str() {
        "/oauth/v2/token" if seen.earlier > 0 => Some(Fault::Refuse(401, 4_010_030, None)),
        path if path.contains("statements") => Some(Fault::Refuse(401, 4_010_050, None)),
        _ => None,
    };
    let server = Setup::new(lists(8, 1)).start(faults).await;
    let error = Bench::new(&server.url).fetch().await.expect_err("no second token");
    assert!(error.message().contains("4010030"), "{error}");
    assert_eq!(server.count("token"), 2, "not one for each that waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_of_accounts_is_the_end_of_the_run() {
    let faults = |seen: &Seen| (seen.path == "/v1.0/accounts").then_some(Fault::Refuse(403, 4_030_020, None));
    let server = Setup::new(lists(1, 1)).start(faults).await;
    let error = Bench::new(&server.url).fetch().await.expect_err("no accounts");
    assert!(error.to_string().contains("sub-environment") && error.hint_text().is_some(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_forbidden_does_not_end_the_run() {
    let faults = |seen: &Seen| seen.path.starts_with("/v1.0/accounts/2").then_some(Fault::Refuse(403, 4_030_210, None));
    let server = Setup::new(lists(3, 25)).start(faults).await;
    let mut bench = Bench::new(&server.url);
    bench.feeds = vec![Feed::AccountStatements, Feed::CardTransactions];
    let fetched = bench.fetch().await.expect("the run goes on");
    assert_eq!(proved(find(&fetched, Subject::AccountStatements, "1")), 25);
    assert_eq!(proved(find(&fetched, Subject::AccountStatements, "3")), 25);
    assert!(failed(find(&fetched, Subject::AccountStatements, "2")).contains("no rights"));
    assert!(failed(find(&fetched, Subject::Cards, "2")).contains("no rights"));
    assert!(fetched.accounts[1].note.as_ref().is_some_and(|note| note.contains("no rights")), "{:?}", fetched.accounts);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_are_used_to_the_full_and_never_passed() {
    let late = |seen: &Seen| seen.path.contains("statements").then(|| Fault::Late(Duration::from_millis(30)));
    let server = Setup::new(lists(30, 15)).start(late).await;
    let mut bench = Bench::new(&server.url);
    bench.connection.concurrency = 6;
    bench.fetch().await.expect("all is well");
    assert_eq!(server.log().in_flight_max, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept() {
    let late = |seen: &Seen| seen.path.contains("statements").then(|| Fault::Late(Duration::from_millis(5)));
    let server = Setup::new(lists(40, 35)).start(late).await;
    let mut bench = Bench::new(&server.url);
    bench.connection.concurrency = 6;
    let fetched = bench.fetch().await.expect("all is well");
    let connections = server.log().connections.len();
    // As many as requests in flight; a few more on a loaded machine, where a slot can be free before its connection is.
    assert!(fetched.requests > 200 && (1..=12).contains(&connections), "{connections} of {}", fetched.requests);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_per_second_are_kept_and_used() {
    let server = Setup::new(lists(20, 15)).start(|_| None).await;
    let mut bench = Bench::new(&server.url);
    bench.connection.requests_per_second = Some(60);
    let begun = Instant::now();
    let fetched = bench.fetch().await.expect("all is well");
    let (wall, requests) = (begun.elapsed(), fetched.requests);
    let log = server.log();
    for (index, seen) in log.seen.iter().enumerate() {
        let second = log.seen[index..].iter().take_while(|next| next.at < seen.at + Duration::from_secs(1)).count();
        assert!(second <= 60, "{second} within a second");
    }
    // How near it comes on a quiet machine is told by `benches/fetch`.
    let least = Duration::from_millis(requests * 1000 / 60);
    assert!(wall < least * 3 / 2 + Duration::from_millis(500), "{requests} requests took {wall:?}, not {least:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_of_all_owners_together_are_bounded() {
    let faults = |seen: &Seen| seen.path.contains("statements").then_some(Fault::Refuse(503, 0, None));
    let server = Setup::new(lists(40, 1)).start(faults).await;
    let mut bench = Bench::new(&server.url);
    bench.connection.limits.run_retries_max = 10;
    let fetched = bench.fetch().await.expect("the run goes on");
    assert_eq!((fetched.retries, server.count("statements")), (10, 40 + 10));
    assert!(failed(find(&fetched, Subject::AccountStatements, "40")).contains("the run's 10 retries are used up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_never_holds_still_is_unproved_and_keeps_its_rows() {
    // A row that is always new at the head: every page is one further.
    let faults = |seen: &Seen| {
        if !seen.path.contains("statements") {
            return None;
        }
        let number = |name: &str| seen.query[name].parse::<usize>().expect("a number");
        let (start, limit, arrived) = (number("limit_start"), number("limit_number"), seen.earlier);
        let rows: Vec<String> = (0..30 + arrived).rev().map(|id| format!(r#"{{"txid":"{id}"}}"#)).collect();
        let page: Vec<&str> = rows.iter().skip(start).take(limit).map(String::as_str).collect();
        let body = format!(r#"{{"filters":{{"limit_number":{limit}}},"transactions":[{}]}}"#, page.join(","));
        Some(Fault::Answer(crate::server::response(200, crate::server::envelope(&body))))
    };
    let server = Setup::new(lists(1, 0)).start(faults).await;
    let fetched = Bench::new(&server.url).fetch().await.expect("the run goes on");
    let listing = find(&fetched, Subject::AccountStatements, "1");
    assert!(
        matches!(&listing.proof, Proof::Unproved { reason } if reason.contains("hold still")),
        "{:?}",
        listing.proof
    );
    assert!(listing.pages.len() >= 4, "{:?}", listing.pages);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_without_an_id_make_the_list_unproved() {
    let mut lists = lists(2, 1);
    lists.get_mut("accounts").expect("accounts").push(r#"{"acc_type":"business"}"#.to_owned());
    let server = Setup::new(lists).start(|_| None).await;
    let fetched = Bench::new(&server.url).fetch().await.expect("the run goes on");
    let listing = find(&fetched, Subject::Accounts, "anytime");
    assert!(matches!(&listing.proof, Proof::Unproved { reason } if reason.contains("acc_id")), "{:?}", listing.proof);
    assert_eq!(fetched.accounts.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_paths_stay_ids() {
    let mut lists = Lists::new();
    lists.insert("accounts".into(), vec![r#"{"acc_id":"../../x?y"}"#.into(), r#"{"acc_id":".."}"#.into()]);
    let server = Setup::new(lists).start(|_| None).await;
    let fetched = Bench::new(&server.url).fetch().await.expect("the run goes on");
    assert_eq!(server.count("/v1.0/accounts/..%2F..%2Fx%3Fy/statements"), 1);
    assert!(failed(find(&fetched, Subject::AccountStatements, "..")).contains("can stand in a URL"));
    assert_eq!(server.log().complaints, Vec::<String>::new());
}

/// A pipeline may move the fetch to another thread.
#[test]
fn a_fetch_can_be_sent() {
    fn is_send<T: Send>(_: T) {}
    let bench = Bench::new("https://ws.example");
    is_send(bench.fetch());
    drop(bench);
}
