//! Runs of any size give a page of a bounded one, which says what it leaves out.

use std::collections::HashMap;

use serde::Deserialize;
use tieout::landing::{Certificate, Proof};
use tieout::record::{BreakRow, Day, Feed, Money, RejectRow, Window};
use tieout::report::{
    Around, Difference, ListingFacts, Locale, OwnerBooks, Point, ShownRow, Source, Story, Trend, render, shown_in_full,
};

use super::chromium::ask;
use super::support::Place;

/// The promise, of which the page keeps a little back.
const PAGE_BYTES_MAX: usize = 2_000_000;

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

/// What a run of so many owners tells, each with as many days as there are in a year. `text` stands wherever a provider
/// could write.
fn page(owners: usize, breaks: usize, text: &str) -> String {
    let window = Window::new(day("2025-01-01"), day("2025-12-31")).expect("a window");
    let ids: Vec<String> = (0..owners).map(|number| format!("ANY{number:010}{text}")).collect();
    let points = window.iter().zip(0_i64..).map(|(day, number)| {
        let unscaled = (number * 7_919 % 100_000 - 30_000) * 123_457;
        Point { day, closing: Money::from_unscaled(unscaled).expect("an amount") }
    });
    let trend = Trend { opening: Some(Money::ZERO), points: points.collect() };
    let broken: Vec<BreakRow> = (0..breaks).map(|number| broken(number, &ids[number % owners], text)).collect();
    let rows: Vec<ShownRow> = (0..7).map(|number| shown(number, text)).collect();
    let source = Source { request_id: Some(text.to_owned()), file: text.to_owned(), number: 7, sha256: "a".repeat(64) };
    let around = || Around { feed: "card_transactions", rows: rows.clone(), source: Some(source.clone()) };
    let around: HashMap<String, Vec<Around>> = shown_in_full(&broken)
        .into_iter()
        .map(|place| (broken[place].break_id.clone(), vec![around(), around()]))
        .collect();
    let proof = Proof::Proved(Certificate { passes: 1, pages: 50, rows: 5_000, seams: 49, evidence: text.to_owned() });
    let reject = RejectRow {
        feed: Feed::CardTransactions,
        owner_id: Some(text.to_owned()),
        txid: Some(text.to_owned()),
        page_sha256: "b".repeat(64),
        pointer: "/body/transactions/1".to_owned(),
        reason: text.to_owned(),
        raw: text.to_owned(),
    };
    render(&Story {
        job: "large",
        window,
        timezone: "Europe/Paris",
        run_id: "run",
        as_of: day("2026-01-01"),
        out: String::new(),
        locale: Locale::default(),
        owners: ids.iter().map(|id| books(id, &trend)).collect(),
        breaks: &broken,
        around: &around,
        rejects: &vec![reject; breaks],
        listings: ids.iter().map(|id| listing(id, &proof)).collect(),
        totals: Vec::new(),
        difference: Difference::default(),
        meaning: Vec::new(),
        date_filter: "",
        notes: &[],
        requests: 50_000,
        retries: 3,
    })
}

fn broken(number: usize, owner: &str, text: &str) -> BreakRow {
    BreakRow {
        break_id: format!("brk-{number:012}"),
        check: "chain",
        cause: "unexplained",
        owner_kind: "card",
        owner_id: owner.to_owned(),
        txid: Some(text.to_owned()),
        booking_date: Some(day("2025-06-15")),
        currency: Some("EUR".to_owned()),
        expected: Some(Money::ZERO),
        actual: Money::from_unscaled(125_000),
        difference: Money::from_unscaled(125_000),
        explanation: format!("what happened {text}"),
        first_seen: day("2025-12-30"),
        status: "open",
    }
}

fn shown(number: i64, text: &str) -> ShownRow {
    ShownRow {
        is_named: number == 3,
        txid: format!("{number}"),
        at: "2025-06-15 10:00:00".to_owned(),
        text: text.to_owned(),
        amount: Money::from_unscaled(-number).expect("an amount"),
        currency: Some("EUR".to_owned()),
        balance: None,
        status: "settled",
    }
}

fn books<'a>(id: &'a str, trend: &'a Trend) -> OwnerBooks<'a> {
    OwnerBooks {
        kind: "card",
        id,
        currency: Some("EUR"),
        opening: Some("99999999999999.99"),
        credits: "99999999999999.99",
        debits: "-99999999999999.99",
        closing: Some("99999999999999.99"),
        entries: 5_000,
        verdict: "tied",
        trend: Some(trend),
    }
}

fn listing<'a>(id: &'a str, proof: &'a Proof) -> ListingFacts<'a> {
    let responses = (0..50).collect();
    ListingFacts { listing: "card_transactions", owner_kind: "card", owner_id: id, proof, responses, first: None }
}

#[derive(Debug, Deserialize)]
struct Opened {
    processor_ms: u64,
    #[allow(dead_code, reason = "told when the other is too long")]
    clock_ms: u64,
}

#[test]
fn a_thousand_owners_of_five_million_rows_are_all_told_and_open_at_once() {
    let page = page(1_000, 12, "");
    assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
    assert_eq!(page.matches("class=\"spark\"").count(), 1_000, "each owner has its line and its balance");
    assert_eq!(page.matches("<article").count(), 12);
    assert!(page.contains("800 more listings are summed up above"));
    assert_eq!(page.matches("class=\"chart\"").count(), 12 + 50);
    assert!(page.contains("938 more owners have no break; balances.csv holds"));
    let place = Place::new();
    let file = place.write("large.html", &page);
    let opened: Opened = ask(&["open", file.to_str().expect("UTF-8")]);
    assert!(opened.processor_ms < 2_000, "{opened:?}");
}

#[test]
fn however_much_there_is_the_page_stays_small_and_says_what_it_leaves_out() {
    for (owners, breaks, text) in [(50_000, 20_000, "<&\"'>".repeat(500)), (3_000, 5_000, String::new())] {
        let page = page(owners, breaks, &text);
        assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
        assert!(page.contains(" owners are not in this table"), "{owners}");
        assert!(page.contains(" more stand in breaks.csv."), "{owners}");
        assert!(page.contains(" more, and all with their whole text, stand in rejects.csv."), "{owners}");
    }
}
