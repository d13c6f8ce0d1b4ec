//! What is fuzzed: each target takes any bytes and must neither panic nor break its law. The harness runs them over the
//! corpus in `fuzz/corpus`; the fuzzer makes up more.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use tieout::formats::Accounting;
use tieout::job::{Output, Plan, Source};
use tieout::output::{LocalDisk, Machine, OutputDir};
use tieout::pipeline::{self, Watch};
use tieout::provider::Progress;
use tieout::provider::anytime::decode::{self, Context, Decoded};
use tieout::provider::anytime::page::{Fields, Json, Page, RawRow, RowForm};
use tieout::reconcile::FeeRule;
use tieout::record::{Clock, Day, Feed, Money, Rate, Window, Zone};
use tieout::report::Locale;
use tieout::state::{Closing, State, StateDelta};

/// Takes an input.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const TARGETS: [(&str, Target); 6] =
    [("page", page), ("scan", scan), ("amount", amount), ("date", date), ("state", state), ("archive", archive)];

fn zone(choice: u8) -> Zone {
    let names = ["Europe/Paris", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "UTC", "Africa/Casablanca"];
    Zone::parse(names[usize::from(choice) % names.len()]).expect("a zone")
}

fn window() -> Window {
    let day = |text| Day::parse(text).expect("a day");
    Window::new(day("2016-01-01"), day("2026-12-31")).expect("a window")
}

/// A response, and each of its rows: decoded, rejected or outside.
fn page(bytes: &[u8]) {
    for feed in [Feed::AccountStatements, Feed::IbanStatements] {
        rows(feed, bytes, |row, context| decode::statement_line(feed, row, context), |row| row.amount);
    }
    rows(Feed::CardTransactions, bytes, decode::card_transaction, |row| row.amount);
    rows(Feed::CreditTransfers, bytes, decode::credit_transfer, |row| row.amount);
}

fn rows<'a, R, F: Fields<'a>>(
    feed: Feed,
    bytes: &'a [u8],
    mut decode: impl FnMut(&RawRow<'a, F>, &mut Context<'a>) -> Decoded<R>,
    amount: impl Fn(&R) -> Money,
) {
    let Ok(page) = Page::<RawRow<'a, F>>::parse(feed, bytes) else { return };
    let mut context = Context { acc_id: "1", card_ref: "ANY1", window: window(), clock: Clock::new(zone(0)) };
    for row in &page.rows {
        if let Decoded::Row(row) = decode(row, &mut context) {
            let amount = amount(&row);
            assert_eq!(Money::parse(&amount.text(2)), Ok(amount), "an amount reads as it is written");
        }
    }
}

/// A response as `serde_json` reads it.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    hash: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Body<'a>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    acc_id: Option<&'a RawValue>,
    #[serde(borrow)]
    card_ref: Option<&'a RawValue>,
    #[serde(borrow, rename = "filters")]
    _filters: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    transactions: Option<Vec<&'a RawValue>>,
    #[serde(borrow, rename = "credit-transfers")]
    credit_transfers: Option<Vec<&'a RawValue>>,
    #[serde(borrow, rename = "credit_transfers")]
    underscored: Option<Vec<&'a RawValue>>,
}

/// The scanner of ours and `serde_json` take the same responses and read the same in them, whatever stands in the place of
/// the response, of a row, of a value in a row, or of one that is passed over.
fn scan(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        assert!(Page::<Json<'_>>::parse(Feed::CardTransactions, bytes).is_err(), "it is no UTF-8");
        return;
    };
    same_page(text);
    same_page(&format!("{{\"body\":{{\"transactions\":[{text}],\"credit-transfers\":[{text}]}}}}"));
    same_page(&format!(
        "{{\"body\":{{\"transactions\":[{{\"txid\":{text},\"amount\":{text}}}],\"credit_transfers\":[]}}}}"
    ));
    same_page(&format!(
        "{{\"passed_over\":{text},\"body\":{{\"transactions\":[],\"credit-transfers\":null,\"x\":{text}}}}}"
    ));
}

fn same_page(text: &str) {
    let theirs = serde_json::from_str::<Envelope<'_>>(text).ok();
    for feed in [Feed::AccountStatements, Feed::IbanStatements] {
        same_rows(feed, text, theirs.as_ref(), |row, context| decode::statement_line(feed, row, context));
    }
    same_rows(Feed::CardTransactions, text, theirs.as_ref(), decode::card_transaction);
    same_rows(Feed::CreditTransfers, text, theirs.as_ref(), decode::credit_transfer);
}

fn same_rows<'a, R: Debug, F: Fields<'a>>(
    feed: Feed,
    text: &'a str,
    theirs: Option<&Envelope<'a>>,
    mut decode: impl FnMut(&RawRow<'a, F>, &mut Context<'a>) -> Decoded<R>,
) {
    let ours = Page::<RawRow<'a, F>>::parse(feed, text.as_bytes());
    let Some(Envelope { timestamp, hash, body }) = theirs else {
        assert!(ours.is_err(), "serde_json refuses {text}");
        return;
    };
    let listed = match feed {
        Feed::CreditTransfers => body.credit_transfers.as_ref().or(body.underscored.as_ref()),
        _ => body.transactions.as_ref(),
    };
    // What is made of these four is for the reading of texts to say.
    let named = [timestamp, hash, &body.acc_id, &body.card_ref];
    let is_plain = named.into_iter().all(Option::is_none);
    match (ours, listed.filter(|_| body.error.is_none())) {
        (Err(_), None) => {}
        // A transfer's sender is looked for in its first row.
        (Err(why), Some(_)) => assert!(!is_plain, "serde_json takes {text}, but: {why}"),
        (Ok(_), None) => panic!("there are no rows in {text}"),
        (Ok(page), Some(rows)) => {
            let texts: Vec<&str> = page.rows.iter().map(RowForm::text).collect();
            let expected: Vec<&str> = rows.iter().map(|row| row.get()).collect();
            assert_eq!(texts, expected, "the rows of {text}");
            let mut context = Context { acc_id: "1", card_ref: "ANY1", window: window(), clock: Clock::new(zone(0)) };
            for row in &page.rows {
                let in_passing = format!("{:?}", decode(row, &mut context));
                let by_serde = format!("{:?}", decode(&RawRow::from(row.text()), &mut context));
                assert_eq!(in_passing, by_serde, "the row {}", row.text());
            }
        }
    }
}

/// A number: what is held is written so that it reads the same.
fn amount(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(money) = Money::parse(text) {
        assert_eq!(Money::parse(&money.text(2)), Ok(money));
        assert_eq!(Money::from_unscaled(money.unscaled()), Some(money));
    }
    let _ = Rate::parse(text);
}

/// A time: what is read is written so that it reads the same, and lies in the day that it shows.
fn date(bytes: &[u8]) {
    let [choice, rest @ ..] = bytes else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let mut clock = Clock::new(zone(*choice));
    // Local times of before time zones are off by seconds, which RFC 3339 cannot write.
    if let Some(stamp) = clock.parse(text).filter(|stamp| stamp.offset_s() % 60 == 0) {
        let written = stamp.text();
        let again = clock.parse(&written).expect("what is written reads");
        assert_eq!((again.utc_micros(), again.text()), (stamp.utc_micros(), written.clone()), "{text}");
        assert_eq!(Day::parse(&written[..10]), Some(stamp.day()));
    }
    if let Some(day) = Day::parse(text) {
        assert_eq!(Day::parse(&day.to_string()), Some(day));
    }
}

/// A state file, a journal, or what a run changes: somebody else may have written it.
fn state(bytes: &[u8]) {
    let [choice, rest @ ..] = bytes else { return };
    let folder = folder();
    let out = folder.path().join("out");
    match choice % 3 {
        0 => {
            std::fs::create_dir_all(&out).expect("a folder");
            std::fs::write(out.join("tieout.db"), rest).expect("a file");
            if let Ok(state) = State::open(&out) {
                let _ = state.has_run("run-1");
                let _ = state.closings_before(window().to);
            }
        }
        1 => {
            let private = out.join(".tieout");
            std::fs::create_dir_all(&private).expect("a folder");
            std::fs::write(private.join("journal.json"), rest).expect("a file");
            let outside = folder.path().join("outside");
            std::fs::write(&outside, b"untouched").expect("a file");
            let _ = OutputDir::open_with(&out, Arc::new(LocalDisk));
            assert_eq!(std::fs::read(&outside).ok().as_deref(), Some(&b"untouched"[..]));
        }
        _ => {
            let Ok(delta) = serde_json::from_slice::<StateDelta>(rest) else { return };
            std::fs::create_dir_all(&out).expect("a folder");
            let state = State::open(&out).expect("a new state");
            let nothing = std::iter::empty::<tieout::Result<Closing>>();
            if state.apply(&delta, nothing).is_ok() {
                assert_eq!(state.has_run(&delta.run.run_id).ok(), Some(true));
            }
        }
    }
}

struct Unwatched;
impl Progress for Unwatched {}
impl Watch for Unwatched {}

/// A folder of pages: the run commits something whole, or nothing.
fn archive(bytes: &[u8]) {
    let [choice, rest @ ..] = bytes else { return };
    let folder = folder();
    let feed = Feed::ALL[usize::from(*choice) % Feed::ALL.len()];
    let name = ["page.json", "pages.ndjson", "pages.ndjson.zst"][usize::from(*choice / 4) % 3];
    let archive = folder.path().join("archive");
    std::fs::create_dir_all(archive.join(feed.name())).expect("a folder");
    std::fs::write(archive.join(feed.name()).join(name), rest).expect("a file");
    let out = folder.path().join("out");
    let plan = Plan {
        job_name: "fuzz".to_owned(),
        zone: zone(0),
        window: Window { from: window().to.plus(-70), to: window().to },
        feeds: vec![feed],
        shard: None,
        transfer_days: 3,
        provider: "anytime",
        fx_fee: FeeRule::Auto,
        source: Source::Archive { directory: archive, username: None },
        output: Output {
            directory: out.clone(),
            shown_as: "out".to_owned(),
            lake: None,
            csv: true,
            parquet: true,
            accounting: Accounting::default(),
        },
        fresh: false,
        locale: Locale::default(),
    };
    let machine = Machine { threads: 1, ..Machine::default() };
    match pipeline::run_on(&plan, &Unwatched, &machine) {
        Ok(report) => assert!(report.reports.join("manifest.json").exists()),
        Err(_) => assert!(!out.join("reports").exists(), "nothing is committed"),
    }
}

fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("a folder")
}
