//! The traces of runs, as a collector gets them.

#![allow(missing_docs, clippy::missing_errors_doc, reason = "a test crate has no readers of its docs")]

mod collector;
#[path = "../nightly/support.rs"]
#[allow(dead_code, reason = "shared with another test crate, which needs more of it")]
mod support;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use collector::{Collector, Span};
use serde_json::{Value, json};
use support::{Bench, Ended};

const SECRETS: [&str; 5] =
    ["sandbox-client-secret", "sandbox-password", "PRIVATE KEY", "canary-token", "X-Validation-Data"];

fn run(bench: &Bench, endpoint: &str, more: &[(&str, &str)]) -> Ended {
    let mut command = bench.place.command(&["run", "job.toml", "--format", "json"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).envs(more.iter().copied());
    command.output().expect("it runs").into()
}

fn summary(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stderr))
}

fn named<'s>(spans: &'s [Span], name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

fn the<'s>(spans: &'s [Span], name: &str) -> &'s Span {
    let [span] = named(spans, name)[..] else { panic!("expected one {name} in {spans:#?}") };
    span
}

#[test]
fn a_run_is_one_trace_of_all_that_it_did() {
    let (bench, collector) = (Bench::new(), Collector::answering(200));
    let ended =
        run(&bench, &collector.endpoint, &[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary-token")]);
    assert_eq!((ended.code, ended.stderr.contains("warning")), (3, false), "{}", ended.stderr);
    let (summary, spans) = (summary(&ended), collector.spans());

    let run = the(&spans, "run");
    assert_eq!((run.parent.as_str(), run.status.as_str()), ("", "OK"));
    for (name, value) in [
        ("tieout.run_id", &summary["run_id"]),
        ("tieout.job", &json!("demo")),
        ("tieout.provider", &json!("anytime")),
        ("tieout.window.from", &json!("2026-08-01")),
        ("tieout.window.to", &json!("2026-10-31")),
        ("tieout.exit_code", &json!(3)),
        ("tieout.open_breaks", &json!(3)),
    ] {
        assert_eq!(&run.attributes[name], value, "{name}");
    }
    assert_eq!((&run.resource["service.name"], &run.resource["service.version"]), (&json!("tieout"), &json!("0.1.0")));

    let by_id: HashMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let parents = HashMap::from([
        ("gather", "run"),
        ("process", "run"),
        ("commit", "run"),
        ("fetch", "gather"),
        ("reconcile", "process"),
    ]);
    for span in spans.iter().filter(|span| span.name != "run") {
        let parent = by_id[span.parent.as_str()];
        assert_eq!((parents[span.name.as_str()], &parent.trace), (parent.name.as_str(), &span.trace));
        assert!(parent.begin <= span.begin && span.end <= parent.end, "{span:?} in {parent:?}");
    }
    let stages = ["gather", "process", "commit"].map(|name| the(&spans, name));
    assert!(stages.is_sorted_by_key(|stage| stage.begin) && stages[0].end <= stages[1].begin);

    // Each listing of the summary was fetched in a span of its own, with all of its rows.
    let told = |span: &&Span| {
        let text = |name: &str| span.attributes[name].as_str().expect("a text").to_owned();
        (text("tieout.listing"), text("tieout.owner.id"), text("tieout.proof"), span.attributes["tieout.rows"].as_u64())
    };
    let mut fetched: Vec<_> = named(&spans, "fetch").iter().map(told).collect();
    let listing = |line: &Value| {
        let text = |name: &str| line[name].as_str().expect("a text").to_owned();
        (text("listing"), text("owner_id"), text("proof"), line["rows"].as_u64())
    };
    let mut listed: Vec<_> = summary["listings"].as_array().expect("listings").iter().map(listing).collect();
    fetched.sort();
    listed.sort();
    assert_eq!(fetched, listed);
    // Four cards, and two accounts in each of the other three feeds.
    assert_eq!(named(&spans, "reconcile").len(), 10);

    for heard in collector.heard() {
        assert!(heard.head.starts_with("post /v1/traces http/1.1"), "{}", heard.head);
        assert!(heard.head.contains("authorization: bearer canary-token"), "{}", heard.head);
        let body = String::from_utf8_lossy(&heard.body).into_owned();
        assert!(SECRETS.iter().all(|secret| !body.contains(secret)), "{body}");
    }
}

#[test]
fn what_failed_and_what_was_tried_again_is_told_where_it_happened() {
    let bench = Bench::failing(&["403:code=4030030@/iban-statements#*", "503@/cards/*#1"]);
    let collector = Collector::answering(200);
    let ended = run(&bench, &collector.endpoint, &[]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    let spans = collector.spans();
    for fetch in named(&spans, "fetch") {
        let is_refused = fetch.attributes["tieout.listing"] == "iban_statements";
        assert_eq!((fetch.status == "ERROR", fetch.why.contains("4030030")), (is_refused, is_refused), "{fetch:?}");
    }
    let again: Vec<&Span> =
        spans.iter().filter(|span| span.events.iter().any(|event| event["name"] == "trying again")).collect();
    let [again] = again[..] else { panic!("expected one span with a second attempt, found {again:#?}") };
    assert_eq!((again.name.as_str(), again.status.as_str()), ("fetch", "UNSET"));
    assert_eq!(the(&spans, "run").attributes["tieout.exit_code"], 4);
}

#[test]
fn a_run_that_cannot_finish_says_why() {
    let (bench, collector) = (Bench::failing(&["401:code=4010060@*#*"]), Collector::answering(200));
    let ended = run(&bench, &collector.endpoint, &[("OTEL_SERVICE_NAME", "books")]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let spans = collector.spans();
    let run = the(&spans, "run");
    assert_eq!((run.status.as_str(), &run.resource["service.name"]), ("ERROR", &json!("books")));
    assert!(run.why.contains("4010060") && run.attributes["tieout.run_id"].is_string(), "{run:?}");
    assert!(named(&spans, "commit").is_empty());
}

#[test]
fn a_collector_that_refuses_or_is_not_there_is_a_warning() {
    let bench = Bench::new();
    let refusing = Collector::answering(401);
    for endpoint in [refusing.endpoint.as_str(), "http://user:canary-token@127.0.0.1:1"] {
        let began = Instant::now();
        let ended = run(&bench, endpoint, &[]);
        let warnings: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
        assert_eq!((ended.code, warnings.len()), (3, 1), "{}", ended.stderr);
        assert!(warnings[0].contains("the trace was not sent whole"), "{warnings:?}");
        assert!(!ended.stderr.contains("canary"), "{}", ended.stderr);
        assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    }
}

#[test]
fn nobody_is_told_where_the_environment_says_so() {
    let (bench, collector) = (Bench::new(), Collector::answering(200));
    assert_eq!(run(&bench, &collector.endpoint, &[("OTEL_SDK_DISABLED", "true")]).code, 3);
    assert_eq!(run(&bench, "", &[]).code, 3);
    assert!(collector.heard().is_empty());
    let ended = run(&bench, &collector.endpoint, &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    assert_eq!((ended.code, ended.stderr.contains("warning: no traces are sent: ")), (3, true), "{}", ended.stderr);
}
