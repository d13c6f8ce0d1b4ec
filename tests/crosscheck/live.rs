//! The last balance compared over the wire: the window reaches today, and rows arrive while it is read.

use std::path::{Path, PathBuf};

use chrono::Utc;
use tieout::job::plan::{Limits, TRANSFER_DAYS_DEFAULT};
use tieout::job::{Connection, KeySource, Output, Plan, Source};
use tieout::pipeline::report::Report;
use tieout::pipeline::{self, Watch};
use tieout::record::{Day, Feed, Window, Zone};
use tieout::sandbox::generator::Recipe;
use tieout::sandbox::{Books, Credentials, Fault, KeyFiles, PublicKey, Sandbox, SandboxConfig};
use tieout::state::State;

struct Nobody;

impl tieout::provider::Progress for Nobody {}
impl Watch for Nobody {}

fn zone() -> Zone {
    Zone::parse("Europe/Paris").expect("a zone")
}

/// Books of the last days, whose window ends `days` after today.
fn books(days: i32) -> (Books, Window) {
    let today = zone().day_at(Utc::now());
    let window = Window::new(today.plus(-9), today.plus(days)).expect("a window");
    let mut recipe = Recipe::small(5, Window { to: window.to.max(today), ..window });
    (recipe.rows_per_card, recipe.rows_per_account) = (30, 30);
    (recipe.ledger().books(), window)
}

fn output(folder: &Path, name: &str) -> Output {
    Output {
        directory: folder.join(name),
        shown_as: name.to_owned(),
        lake: None,
        csv: true,
        parquet: false,
        accounting: tieout::formats::Accounting::default(),
    }
}

fn plan(source: Source, window: Window, output: Output) -> Plan {
    Plan {
        job_name: "live".to_owned(),
        zone: zone(),
        window,
        feeds: Feed::ALL.to_vec(),
        shard: None,
        transfer_days: TRANSFER_DAYS_DEFAULT,
        fx_fee: tieout::reconcile::FeeRule::default(),
        provider: "anytime",
        source,
        locale: tieout::report::Locale::default(),
        output,
        fresh: false,
    }
}

/// Runs against the books, and then once more from what has landed: both must tell the same.
fn run(books: Books, window: Window, faults: &[&str]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = KeyFiles::in_folder(folder.path()).expect("keys");
    let public = || PublicKey::from_file(&keys.public).expect("a key");
    let mut config = SandboxConfig::new(public());
    config.books = books;
    config.faults = faults.iter().map(|fault| fault.parse::<Fault>().expect("a fault")).collect();
    let running = Sandbox::start(config).expect("a sandbox");
    let source = network(&running.base_url(), &Credentials::new(public()), keys.private);
    let report = pipeline::run(&plan(source, window, output(folder.path(), "out")), &Nobody).expect("a run");
    running.shutdown();
    let source = Source::Archive { directory: folder.path().join("out/raw"), username: None };
    let again = pipeline::run(&plan(source, window, output(folder.path(), "again")), &Nobody).expect("a run");
    assert_eq!((&report.breaks, &report.notes), (&again.breaks, &again.notes), "the landing gives the same");
    report
}

fn network(base_url: &str, credentials: &Credentials, private_key: PathBuf) -> Source {
    Source::Network(Box::new(Connection {
        base_url: base_url.to_owned(),
        username: credentials.username.clone(),
        client_id: credentials.client_id.clone(),
        client_secret: credentials.client_secret.clone().into(),
        password: credentials.password.clone().into(),
        private_key: KeySource::File(private_key),
        private_key_passphrase: None,
        page_size: 20,
        requests_per_second: None,
        concurrency: 8,
        ca_certificate: None,
        limits: Limits { backoff_ms_first: 1, backoff_ms_max: 5, attempts_max: 3, ..Limits::default() },
    }))
}

fn told(report: &Report) -> Vec<(&'static str, &str, Option<Day>)> {
    report.breaks.iter().map(|found| (found.check, found.owner_id.as_str(), found.booking_date)).collect()
}

/// With the first number under `balance` in a JSON text raised by 7.
fn raised(json: &str) -> String {
    let at = json.find("\"balance\":").expect("a balance") + "\"balance\":".len();
    let (head, tail) = json.split_at(at);
    let start = tail.find(|c: char| c.is_ascii_digit()).expect("a number");
    format!("{head}{}7{}", &tail[..start], &tail[start..])
}

#[test]
fn what_the_provider_reports_is_where_the_chains_end() {
    for days in [0, -1, 3] {
        let (books, window) = books(days);
        let report = run(books, window, &[]);
        assert_eq!(told(&report), [], "{days}: {:?}", report.notes);
        assert_eq!(report.notes, Vec::<String>::new());
    }
}

#[test]
fn a_balance_that_is_reported_otherwise_is_one_break() {
    let (mut books, window) = books(0);
    books.accounts[0].balance = raised(&books.accounts[0].balance);
    let card = &mut books.accounts[1].cards[1];
    card.list_row = raised(&card.list_row);
    let card_ref = card.card_ref.clone();
    let report = run(books.clone(), window, &[]);
    let found: Vec<(&str, &str)> = told(&report).into_iter().map(|(check, owner, _)| (check, owner)).collect();
    assert_eq!(found, [("closing_balance", "1"), ("closing_balance", card_ref.as_str())]);
    let earlier = Window { to: window.to.plus(-3), ..window };
    assert_eq!(told(&run(books, earlier, &[])), [], "a window that ended earlier says nothing");
}

/// The last row is another one the next day; by how much it differs from what the provider reports is not.
#[test]
fn a_balance_that_goes_on_to_differ_by_as_much_is_the_break_that_was_accepted() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = KeyFiles::in_folder(folder.path()).expect("keys");
    let public = || PublicKey::from_file(&keys.public).expect("a key");
    let (mut books, window) = books(0);
    books.accounts[0].balance = raised(&books.accounts[0].balance);
    let mut config = SandboxConfig::new(public());
    config.books = books;
    let running = Sandbox::start(config).expect("a sandbox");
    let out = folder.path().join("out");
    let night = |days: i32| {
        let source = network(&running.base_url(), &Credentials::new(public()), keys.private.clone());
        let window = Window { to: window.to.plus(days), ..window };
        pipeline::run(&plan(source, window, output(folder.path(), "out")), &Nobody).expect("a run")
    };
    let first = night(-1);
    assert_eq!(told(&first).len(), 1, "{:?}", first.breaks);
    let known = &first.breaks[0];
    State::open(&out).expect("opens").accept_break(&known.break_id, "Ada", "they look into it").expect("it is open");
    let second = night(0);
    let found = &second.breaks[0];
    assert_ne!(found.txid, known.txid, "a later row is the last");
    assert_eq!((&found.break_id, found.status, found.difference), (&known.break_id, "accepted", known.difference));
    assert_eq!((second.breaks.len(), second.exit.code()), (1, 0));
    let acts: Vec<String> =
        State::open(&out).expect("opens").trail(None).expect("reads").into_iter().map(|entry| entry.act).collect();
    assert_eq!(acts, ["opened", "accepted"]);
    running.shutdown();
}

#[test]
fn rows_that_arrive_while_it_is_read_are_no_break() {
    let (books, window) = books(0);
    for fault in ["insert@/accounts/1/statements#1", "insert@/accounts/1/balance#1", "insert@/transactions#3x4"] {
        let report = run(books.clone(), window, &[fault]);
        let closing: Vec<_> = told(&report).into_iter().filter(|(check, _, _)| *check == "closing_balance").collect();
        assert_eq!(closing, [], "{fault}: {:?}", report.breaks);
    }
}

#[test]
fn a_balance_that_cannot_be_read_is_noted_and_no_break() {
    let (books, window) = books(0);
    let report = run(books, window, &["403@/accounts/1/balance#*"]);
    assert_eq!(told(&report), []);
    assert_eq!(report.notes, ["1 owners' last balances were not compared: the provider reported none"]);
}
