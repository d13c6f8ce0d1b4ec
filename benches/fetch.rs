//! How near a fetch comes to what the provider allows: `cargo bench --bench fetch [-- words that a case's name holds]`.
//! `slower=10` makes latencies ten times as long and rates as low, for a machine that others use too.
//!
//! Against the sandbox, over real sockets. Each case is told with its requests, the least that prove the same listings (one
//! at a time, nothing ahead), the wall clock over what the limit allows (`least / rate`, or `least × latency / concurrency`),
//! how long it took until anything could be asked for beside anything else (the token, then the list of accounts twice: one
//! after the other by nature), and the same ratio for what came after that. Then two costs: processor time of the client a
//! request, and how many requests a core of the sandbox would serve a second. Where a limit leaves it idle, that one tells what
//! a request costs somebody who is woken for it; what a core can serve is told by the cases without a limit.
#![allow(clippy::print_stdout, missing_docs, reason = "a program whose result is what it prints")]
#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "no amounts here, and counts are small")]

use std::fmt::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tieout::job::plan::Limits;
use tieout::job::{Connection, KeySource, Output, Plan, Source};
use tieout::landing::{Landing, Proof, RunLine};
use tieout::provider::Unwatched;
use tieout::reconcile::FeeRule;
use tieout::record::{Day, Feed, Window, Zone};
use tieout::sandbox::books::{Account, Books, Card, ListedRow};
use tieout::sandbox::{Behaviour, Credentials, PublicKey, RequestRecord, Sandbox, SandboxConfig};

const KEY_PEM: &str = include_str!("../tests/fixtures/keys/id_rsa.pem");
const PAGE_ROWS: u32 = 100;

/// Pages of each listing of an account.
struct Pages {
    cards: Vec<u32>,
    statement: u32,
}

struct Case {
    name: &'static str,
    accounts: Vec<Pages>,
    latency_ms: u64,
    rate: Option<u32>,
    concurrency: usize,
}

fn cases() -> Vec<Case> {
    let short = |count: usize| (0..count).map(|_| Pages { cards: vec![4; 4], statement: 4 }).collect::<Vec<_>>();
    let with_long = |cards: Vec<u32>, statement| {
        let mut accounts = short(6);
        accounts.push(Pages { cards, statement });
        accounts
    };
    let many = |count: usize| (0..count).map(|_| Pages { cards: vec![1; 4], statement: 1 }).collect::<Vec<_>>();
    let case = |name, accounts, latency_ms, rate| Case { name, accounts, latency_ms, rate, concurrency: 8 };
    vec![
        case("rate 100/s, listings of 4 pages", short(8), 30, Some(100)),
        case("rate 100/s, one statement of 200 pages", with_long(vec![1], 200), 30, Some(100)),
        case("rate 100/s, one card of 200 pages", with_long(vec![200], 1), 30, Some(100)),
        case("latency 40 ms, listings of 4 pages", short(20), 40, None),
        case("latency 40 ms, listings of 1 page", many(40), 40, None),
        case("latency 40 ms, one statement of 400 pages", with_long(vec![1], 400), 40, None),
        case("latency 40 ms, one card of 400 pages", with_long(vec![400], 1), 40, None),
        // As above, but so long that the beginning and the end do not count.
        case("rate 100/s, long: listings of 4 pages", short(30), 30, Some(100)),
        case("latency 40 ms, long: listings of 4 pages", short(60), 40, None),
        case("latency 40 ms, long: listings of 1 page", many(160), 40, None),
        case("latency 40 ms, long: one statement of 1600 pages", with_long(vec![1], 1_600), 40, None),
        case("latency 40 ms, long: one card of 1600 pages", with_long(vec![1_600], 1), 40, None),
        case("no limit, listings of 4 pages", short(40), 0, None),
        case("no limit, one card of 400 pages", with_long(vec![400], 1), 0, None),
    ]
}

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let slower = words.iter().find_map(|word| word.strip_prefix("slower=")?.parse().ok()).unwrap_or(1);
    words.retain(|word| !word.starts_with("slower="));
    let slowed = |case: Case| Case {
        latency_ms: case.latency_ms * u64::from(slower),
        rate: case.rate.map(|rate| (rate / slower).max(1)),
        ..case
    };
    println!(
        "| case | requests | of the least | wall s | of what is allowed | start s | after it | client ms CPU a request \
         | sandbox requests/s a core |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for case in
        cases().into_iter().map(slowed).filter(|case| words.iter().all(|word| case.name.contains(word.as_str())))
    {
        let least =
            fetch(&Case { latency_ms: 0, rate: None, concurrency: 1, accounts: Vec::new(), ..case }, &case.accounts);
        let taken = fetch(&case, &case.accounts);
        let allowed_s = |requests: u64| match case.rate {
            Some(rate) => requests as f64 / f64::from(rate),
            None => requests as f64 * Duration::from_millis(case.latency_ms).as_secs_f64() / case.concurrency as f64,
        };
        let of_allowed = |wall_s: f64, requests: u64| match allowed_s(requests) {
            0.0 => "–".to_owned(),
            allowed_s => format!("{:.3}", wall_s / allowed_s),
        };
        println!(
            "| {} | {} | {:.3} | {:.2} | {} | {:.3} | {} | {:.2} | {:.0} |",
            case.name,
            taken.requests,
            taken.requests as f64 / least.requests as f64,
            taken.wall_s,
            of_allowed(taken.wall_s, least.requests),
            taken.start_s,
            of_allowed(taken.wall_s - taken.start_s, least.requests - least.start_requests),
            taken.client_s * 1e3 / taken.requests as f64,
            taken.requests as f64 / taken.sandbox_s,
        );
    }
}

struct Taken {
    requests: u64,
    wall_s: f64,
    /// Until the first request that need not stand alone, and how many came before it.
    start_s: f64,
    start_requests: u64,
    client_s: f64,
    sandbox_s: f64,
}

fn fetch(case: &Case, accounts: &[Pages]) -> Taken {
    let key = PublicKey::from_pem(KEY_PEM).expect("a key");
    let behaviour =
        Behaviour { latency: Duration::from_millis(case.latency_ms), page_rows_max: PAGE_ROWS, ..Behaviour::default() };
    let books = Books { accounts: (1..).zip(accounts).map(|(number, pages)| account(number, pages)).collect() };
    let came_in: Arc<Mutex<Vec<(Instant, bool)>>> = Arc::default();
    let seen = Arc::clone(&came_in);
    let note = move |request: &RequestRecord| {
        let is_alone = matches!(request.path.as_str(), "/oauth/v2/token" | "/v1.0/accounts");
        seen.lock().expect("nobody panics").push((Instant::now(), is_alone));
    };
    let config =
        SandboxConfig { books, behaviour, on_request: Some(Arc::new(note)), ..SandboxConfig::new(key.clone()) };
    let sandbox = Sandbox::start(config).expect("starts");
    let folder = tempfile::tempdir_in(concat!(env!("CARGO_MANIFEST_DIR"), "/target")).expect("a folder");
    let connection = connection(case, &sandbox.base_url(), folder.path(), &Credentials::new(key));
    let plan = plan(&connection, folder.path());
    let run = RunLine {
        run: "run-1".to_owned(),
        job: "bench".to_owned(),
        provider: "anytime".to_owned(),
        from: plan.window.from.to_string(),
        to: plan.window.to.to_string(),
        username: connection.username.clone(),
        day: "2026-03-01".to_owned(),
        base_url: connection.base_url.clone(),
        feeds: Vec::new(),
        shard: String::new(),
    };
    let landing =
        Landing::create(&folder.path().join("raw"), &run, &tieout::output::Machine::default()).expect("a landing");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let (all, of_sandbox, began) = (process_cpu_s(), sandbox_cpu_s(), Instant::now());
    let fetched = runtime.block_on(tieout::provider::fetch(&plan, &connection, &landing, &Unwatched)).expect("fetched");
    let wall_s = began.elapsed().as_secs_f64();
    let sandbox_s = sandbox_cpu_s() - of_sandbox;
    let client_s = process_cpu_s() - all - sandbox_s;
    for listing in &fetched.listings {
        assert!(
            matches!(listing.proof, Proof::Proved(_)),
            "{} of {}: {:?}",
            listing.subject,
            listing.owner,
            listing.proof
        );
    }
    let came_in = came_in.lock().expect("nobody panics");
    let alone = came_in.iter().take_while(|(_, is_alone)| *is_alone).count();
    let start_s = (came_in[alone].0 - began).as_secs_f64();
    Taken { requests: fetched.requests, wall_s, start_s, start_requests: alone as u64, client_s, sandbox_s }
}

fn process_cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    // Behind the name, which may hold spaces: utime and stime are the 14th and 15th of all, in hundredths of a second.
    let fields: Vec<&str> = stat.rsplit(')').next().expect("a name").split_whitespace().collect();
    (fields[11].parse::<f64>().expect("a number") + fields[12].parse::<f64>().expect("a number")) / 100.0
}

/// Of the sandbox's own threads.
fn sandbox_cpu_s() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux tells").filter_map(Result::ok);
    let is_sandbox = |task: &std::path::PathBuf| {
        std::fs::read_to_string(task.join("comm")).is_ok_and(|name| name.starts_with("sandbox"))
    };
    let ns = |task: std::path::PathBuf| {
        let stat = std::fs::read_to_string(task.join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<f64>().ok()
    };
    tasks.map(|task| task.path()).filter(is_sandbox).filter_map(ns).sum::<f64>() / 1e9
}

fn connection(case: &Case, url: &str, folder: &Path, credentials: &Credentials) -> Connection {
    let private_key = folder.join("key.pem");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).write(true).truncate(true).mode(0o600).open(&private_key).expect("a file");
    std::io::Write::write_all(&mut file, KEY_PEM.as_bytes()).expect("written");
    Connection {
        base_url: url.to_owned(),
        username: credentials.username.clone(),
        client_id: credentials.client_id.clone(),
        client_secret: credentials.client_secret.as_str().into(),
        password: credentials.password.as_str().into(),
        private_key: KeySource::File(private_key),
        private_key_passphrase: None,
        page_size: PAGE_ROWS,
        requests_per_second: case.rate,
        concurrency: case.concurrency,
        ca_certificate: None,
        limits: Limits::default(),
    }
}

fn plan(connection: &Connection, folder: &Path) -> Plan {
    let day = |text| Day::parse(text).expect("a day");
    Plan {
        job_name: "bench".to_owned(),
        zone: Zone::parse("Europe/Paris").expect("a zone"),
        window: Window::new(day("2026-01-01"), day("2026-01-31")).expect("a window"),
        feeds: vec![Feed::AccountStatements, Feed::CardTransactions],
        shard: None,
        transfer_days: 3,
        provider: "anytime",
        fx_fee: FeeRule::Auto,
        source: Source::Network(Box::new(connection.clone())),
        output: Output {
            directory: folder.join("out"),
            shown_as: "out".to_owned(),
            lake: None,
            csv: true,
            parquet: true,
            accounting: tieout::formats::Accounting::default(),
        },
        fresh: false,
        locale: tieout::report::Locale::default(),
    }
}

fn account(number: usize, pages: &Pages) -> Account {
    let acc_id = number.to_string();
    let details = format!(r#"{{"acc_id":"{acc_id}","acc_type":"business","acc_currency":"EUR"}}"#);
    let card = |(index, pages): (usize, &u32)| {
        let card_ref = format!("ANY{:010}", 1_000_000_000 + number * 1_000 + index);
        let list_row = format!(r#"{{"card_ref":"{card_ref}","status":"ACT","balance":1.50}}"#);
        Card { details: list_row.clone(), list_row, transactions: rows(*pages), card_ref }
    };
    Account {
        list_row: details.clone(),
        balance: format!(r#"{{"acc_id":"{acc_id}","balance":1.50}}"#),
        details,
        cards: pages.cards.iter().enumerate().map(card).collect(),
        statements: rows(pages.statement),
        acc_id,
        ..Account::default()
    }
}

/// Rows that fill so many pages which overlap by a row, the last of them by half.
fn rows(pages: u32) -> Vec<ListedRow> {
    let count = (PAGE_ROWS - 1) * (pages - 1) + PAGE_ROWS / 2;
    let row = |number: u32| {
        let (day, minute) = (1 + number * 31 / count, number % 60);
        let mut json = format!(
            r#"{{"txid":"{0}","mcc":"5411","amount":{1}.50,"amount_fx":{1}.50,"#,
            90_000_000 + number,
            number % 90
        );
        let _ = write!(
            json,
            r#""currency":"EUR","fx":"1.000000","fx_fee":0,"failed_reason":[],"status":"S","type":"D","balance_after":"{number}.10","date":"2026-01-{day:02} 10:{minute:02}:00","date_transaction":"2026-01-{day:02} 09:{minute:02}:00","description":"SNCF INTERNET, PARIS {number}"}}"#
        );
        ListedRow::read(json)
    };
    (0..count).map(row).collect()
}
