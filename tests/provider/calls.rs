//! One call: what is tried again, what is not, what is bounded, and what is said.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::response::Response;
use tieout::landing::Subject;

use crate::server::{self, Fault, Seen, Setup, refuse, response};
use crate::{Bench, failed, find, lists, proved};

const STATEMENTS: &str = "/v1.0/accounts/1/statements";

/// Runs against a server whose statements fail by `fault` for the first `times` requests.
async fn with_fault(
    times: usize,
    adapt: impl FnOnce(&mut Bench),
    fault: impl Fn() -> Fault + Send + Sync + 'static,
) -> (tieout::Result<tieout::provider::Fetched>, server::Server, Bench) {
    let faults = move |seen: &Seen| (seen.path == STATEMENTS && seen.earlier < times).then(&fault);
    let server = Setup::new(lists(1, 25)).start(faults).await;
    let mut bench = Bench::new(&server.url);
    adapt(&mut bench);
    let fetched = bench.fetch().await;
    assert_eq!(server.log().complaints, Vec::<String>::new());
    (fetched, server, bench)
}

/// The error that the statements end with, and how often they were asked for.
async fn error_of(
    adapt: impl FnOnce(&mut Bench),
    fault: impl Fn() -> Fault + Send + Sync + 'static,
) -> (String, usize) {
    let (fetched, server, _bench) = with_fault(usize::MAX, adapt, fault).await;
    let fetched = fetched.expect("the run goes on");
    (failed(find(&fetched, Subject::AccountStatements, "1")).to_owned(), server.count("statements"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_pass_is_tried_again_with_a_new_signature() {
    type MakeFault = fn() -> Fault;
    let faults: [(&str, MakeFault); 9] = [
        ("500", || Fault::Refuse(500, 5_000_010, None)),
        ("503 without a code", || Fault::Answer(response(503, "busy"))),
        ("408", || Fault::Refuse(408, 4_080_010, None)),
        ("a rate", || Fault::Refuse(429, 4_290_030, None)),
        ("429 without a code", || Fault::Answer(response(429, ""))),
        ("a cut body", || Fault::Cut),
        ("a wrong hash", || Fault::WrongHash),
        ("HTML with 200", || Fault::Answer(response(200, "<html>maintenance</html>"))),
        ("JSON of something else", || Fault::Answer(response(200, server::envelope("{}")))),
    ];
    for (name, fault) in faults {
        let (fetched, server, _bench) = with_fault(2, |_| (), fault).await;
        let fetched = fetched.expect("it passes");
        assert_eq!(proved(find(&fetched, Subject::AccountStatements, "1")), 25, "{name}");
        assert_eq!(fetched.retries, 2, "{name}");
        // 25 rows by 10: three pages and the first again.
        assert_eq!(server.count("statements"), 2 + 4, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_pass_is_asked_for_once() {
    for (status, code, said) in [
        (429, 4_290_310, "CardMaxLoadPerDay"),
        (403, 4_030_210, "no rights on the account"),
        (404, 4_040_010, "no such route"),
        (400, 4_000_050, "after the last"),
        (451, 4_510_210, "documents"),
        (401, 4_010_070, "signature does not fit"),
        (418, 0, "418"),
    ] {
        let (error, requests) = error_of(|_| (), move || Fault::Refuse(status, code, None)).await;
        assert_eq!(requests, 1, "{code}");
        let meaning = tieout::provider::anytime::codes::find(code).map_or("418", |known| known.meaning);
        assert!(error.contains(meaning) && (error.contains(said) || meaning.contains("card")), "{error}");
        assert!(error.contains("GET /v1.0/accounts/1/statements?"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_end_and_the_error_says_how_many_there_were() {
    let (error, requests) = error_of(|_| (), || Fault::WrongHash).await;
    assert_eq!(requests, 4);
    assert!(error.contains("cannot be trusted") && error.contains("4 attempts, that"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_waited_for_in_seconds_and_as_a_date() {
    let date = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2));
    let waits: [(u64, Box<dyn Fn() -> String + Send + Sync>); 2] =
        [(1_000, Box::new(|| "1".to_owned())), (900, Box::new(date))];
    for (ms_min, wait) in waits {
        let (fetched, server, _bench) =
            with_fault(1, |_| (), move || Fault::Refuse(429, 4_290_010, Some(wait()))).await;
        assert_eq!(proved(find(&fetched.expect("it passes"), Subject::AccountStatements, "1")), 25);
        let log = server.log();
        let times: Vec<_> = log.seen.iter().filter(|seen| seen.path == STATEMENTS).map(|seen| seen.at).collect();
        assert!(times[1] - times[0] >= Duration::from_millis(ms_min), "{:?}", times[1] - times[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_after_beyond_patience_ends_it_at_once() {
    let (error, requests) = error_of(|_| (), || Fault::Refuse(429, 4_290_010, Some("3600".to_owned()))).await;
    assert_eq!(requests, 1);
    assert!(error.contains("a wait of 3600s more would pass the 5s"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_refused_and_not_followed() {
    let elsewhere = Setup::new(lists(1, 1)).start(|_| None).await;
    let location = format!("{}/v1.0/accounts/1/statements?token=1", elsewhere.url);
    let redirect = move || {
        let builder = Response::builder().status(302).header("location", location.clone());
        Fault::Answer(builder.body(Body::empty()).expect("a response"))
    };
    let (error, requests) = error_of(|_| (), redirect).await;
    assert_eq!((requests, elsewhere.log().seen.len()), (1, 0));
    assert!(error.contains("redirect (302) to 127.0.0.1"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_bounded() {
    let small = |bench: &mut Bench| bench.connection.limits.body_bytes_max = 1 << 20;
    let (error, requests) = error_of(small, || Fault::Answer(server::endless())).await;
    assert_eq!(requests, 1);
    assert!(error.contains("at most 1048576 bytes"), "{error}");

    let bomb = std::process::Command::new("sh").args(["-c", "head -c 200000000 /dev/zero | gzip -1"]).output();
    let bomb = bomb.expect("gzip runs").stdout;
    let exploding = move || {
        let builder = Response::builder().header("content-encoding", "gzip");
        Fault::Answer(builder.body(Body::from(bomb.clone())).expect("a response"))
    };
    let (error, requests) = error_of(small, exploding).await;
    assert_eq!(requests, 1);
    assert!(error.contains("at most 1048576 bytes (unpacked)"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_json_is_refused_before_it_is_parsed() {
    let deep = || {
        let nested = "[".repeat(100_000) + &"]".repeat(100_000);
        Fault::Answer(response(200, server::envelope(&nested)))
    };
    let (error, requests) = error_of(|_| (), deep).await;
    assert_eq!(requests, 1);
    assert!(error.contains("nested at most 64 deep"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn drops_and_floods_end() {
    let hurried = |bench: &mut Bench| {
        bench.connection.limits.attempt_ms_max = 200;
        bench.connection.limits.attempts_max = 2;
    };
    let (error, requests) = error_of(hurried, || Fault::Answer(server::dripping())).await;
    assert_eq!(requests, 2);
    assert!(error.contains("a whole answer within 200ms"), "{error}");
    let (error, requests) = error_of(hurried, || Fault::Answer(server::flooded_with_headers())).await;
    assert_eq!(requests, 2);
    assert!(error.contains("expected an answer, but none came"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_there_is_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let error = Bench::new(&url).fetch().await.expect_err("nobody listens");
    assert!(error.message().contains("could not be reached"), "{error}");
    assert_eq!(error.kind(), tieout::ErrorKind::Provider);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_error_and_on_no_disk() {
    let refused = |seen: &Seen| (seen.path != "/oauth/v2/token" && seen.earlier > 0).then_some(());
    let faults = move |seen: &Seen| refused(seen).map(|()| Fault::Refuse(403, 4_030_210, None));
    let server = Setup::new(lists(2, 25)).start(faults).await;
    let bench = Bench::new(&server.url);
    let error = bench.fetch().await.expect_err("the list of accounts cannot be read twice");
    let told = format!("{error} {error:?} {}", error.one_line());
    assert!(!told.contains("canary"), "{told}");
    assert!(told.contains("said with [redacted] and [redacted]"), "{told}");
    let good = Setup::new(lists(2, 25)).start(|_| None).await;
    let bench = Bench::new(&good.url);
    bench.fetch().await.expect("all is well");
    for (file, text) in bench.landed() {
        assert!(!text.contains("canary"), "{}", file.display());
    }
    assert!(!format!("{:?}", bench.connection).contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_lands() {
    let (fetched, server, bench) = with_fault(1, |_| (), || Fault::Answer(response(200, "<html>"))).await;
    let fetched = fetched.expect("it passes");
    let landed = bench.landed();
    let lines = |shelf: &str| {
        let of_shelf = landed.iter().filter(|(file, _)| file.parent().is_some_and(|folder| folder.ends_with(shelf)));
        of_shelf.map(|(_, text)| text.lines().count()).sum::<usize>()
    };
    assert_eq!((lines("account_statements"), lines("_other"), lines("accounts"), lines("account")), (4, 1, 2, 1));
    assert_eq!(fetched.requests, server.log().seen.len() as u64);
    assert!(landed.iter().any(|(file, text)| file.ends_with("_other/run-1.ndjson.zst") && text == "<html>\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_tells_the_time() {
    let server = Setup::new(lists(1, 1)).start(|_| None).await;
    let bench = Bench::new(&server.url);
    let report = tieout::provider::check("anytime", &bench.connection).await.expect("all is well");
    assert_eq!((report.date_time.as_str(), report.key_bits, report.requests), ("2017-02-20 12:09:33", 1024, 2));
    assert!(report.clock_ahead_s.is_some_and(|ahead| ahead < -200_000_000), "{report:?}");
    let server = Setup::new(lists(1, 1)).start(|_| Some(Fault::Answer(refuse(401, 4_010_060, None)))).await;
    let error = tieout::provider::check("anytime", &Bench::new(&server.url).connection).await.expect_err("refused");
    assert!(error.hint_text().is_some_and(|hint| hint.contains("public address")), "{error}");
    assert_eq!(server.log().seen.len(), 1);
}

/// What is logged at the finest level, by us and by all that we stand on.
#[derive(Clone, Default)]
struct Heard(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics while it writes").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// For all tests of this program that run from now on: each has its secrets.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_log() {
    let heard = Heard::default();
    let writer = heard.clone();
    let logger = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    tracing::subscriber::set_global_default(logger).expect("no other test sets one");
    let faults = |seen: &Seen| match seen.earlier % 4 {
        0 if seen.path != "/v1.0/accounts" => Some(Fault::Refuse(500, 5_000_010, None)),
        1 if seen.path.contains("statements") => Some(Fault::Refuse(401, 4_010_050, None)),
        2 if seen.path.contains("statements") => Some(Fault::WrongHash),
        _ => None,
    };
    let server = Setup::new(lists(2, 25)).start(faults).await;
    Bench::new(&server.url).fetch().await.expect("all is well in the end");
    let text = String::from_utf8_lossy(&heard.0.lock().expect("nobody panics while it writes")).into_owned();
    assert!(text.contains("a new access token") && text.contains("trying again"), "{text}");
    assert!(!text.contains("canary"), "{}", text.lines().find(|line| line.contains("canary")).unwrap_or_default());
}
