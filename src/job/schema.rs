//! `schemas/job.schema.json`: the job file as a JSON Schema, for editors. What each key means is told here; that these are
//! the keys, ranges and words that the reader takes is held by the tests below.

use serde_json::{Map, Value, json};

use super::plan::{Limits, TRANSFER_DAYS_DEFAULT};
use crate::formats::camt053;
use crate::formats::statement::Per;
use crate::notify::{Event, Notify, WAIT_S_MAX};
use crate::reconcile::FeeRule;
use crate::record::Feed;
use crate::report::Locale;

/// The schema of job files.
#[derive(Debug)]
pub struct JobSchema;

/// A key of the job file.
struct Key {
    name: &'static str,
    meaning: &'static str,
    shape: Shape,
    default: Option<Value>,
}

/// What a key's value looks like.
enum Shape {
    Text {
        pattern: &'static str,
    },
    Integer {
        min: u64,
        max: u64,
    },
    OneOf(Vec<&'static str>),
    Several(Vec<&'static str>),
    /// A program and its arguments.
    Words,
    /// A plain text, `{ env = … }` or `{ file = … }`.
    Value,
    /// `{ env = … }` or `{ file = … }`.
    Secret,
    Window,
}

/// The tables with their keys.
fn tables() -> [(&'static str, &'static str, Vec<Key>); 8] {
    [
        ("job", "What is reported", job_keys()),
        ("source", "Who is asked, or where pages fetched earlier lie", source_keys()),
        ("output", "Where results go", output_keys()),
        ("limits", "The client's patience; every name carries its unit", limit_keys()),
        ("report", "The accountant's page", report_keys()),
        ("schedule", "When `tieout schedule` runs the job", schedule_keys()),
        ("metrics", "Figures of each run for Prometheus", metrics_keys()),
        ("notify", "Who is told of a run; what fails there never changes how the run ends", notify_keys()),
    ]
}

/// All keys, and whether their value is a secret.
pub(super) fn keys_and_whether_secret() -> Vec<(&'static str, bool)> {
    let keys = tables().into_iter().flat_map(|(_, _, keys)| keys);
    keys.map(|key| (key.name, matches!(key.shape, Shape::Secret))).collect()
}

fn key(name: &'static str, shape: Shape, meaning: &'static str) -> Key {
    Key { name, meaning, shape, default: None }
}

fn with_default(default: impl Into<Value>, key: Key) -> Key {
    Key { default: Some(default.into()), ..key }
}

const ANY_TEXT: Shape = Shape::Text { pattern: "^.+$" };

fn job_keys() -> Vec<Key> {
    let feeds = Feed::ALL.map(Feed::name).to_vec();
    vec![
        key("name", Shape::Text { pattern: "^[a-z0-9-]+$" }, "Names the report folder"),
        with_default(
            "Europe/Paris",
            key("timezone", ANY_TEXT, "IANA zone in which the provider prints dates and days are counted"),
        ),
        key(
            "window",
            Shape::Window,
            "The days reported: whole local days, both ends included; --from and --to win over it",
        ),
        key("feeds", Shape::Several(feeds), "The feeds that are reported; all of them by default"),
        with_default(
            TRANSFER_DAYS_DEFAULT,
            key(
                "transfer_days",
                Shape::Integer { min: 0, max: 31 },
                "Days that may lie between a credit transfer and its debit",
            ),
        ),
        key(
            "shard",
            Shape::Text { pattern: "^[1-9][0-9]*/[1-9][0-9]*$" },
            "k/n: only the accounts that a hash deals to shard k of n, with all of their feeds and cards; --shard wins over it",
        ),
    ]
}

fn source_keys() -> Vec<Key> {
    let rules = FeeRule::NAMES.map(|(name, _)| name).to_vec();
    vec![
        key("provider", Shape::OneOf(vec!["anytime"]), "Who is asked"),
        key("base_url", Shape::Value, "Address of the provider; https://, or http:// on a loopback address"),
        key("username", Shape::Value, "The API user"),
        key("client_id", Shape::Value, "OAuth2 client id"),
        key("client_secret", Shape::Secret, "OAuth2 client secret"),
        key("password", Shape::Secret, "The API user's password"),
        key(
            "private_key",
            Shape::Secret,
            "RSA private key: PKCS#1, PKCS#8, or either encrypted; relative to this file",
        ),
        key("private_key_passphrase", Shape::Secret, "Its passphrase"),
        with_default(
            100,
            key(
                "page_size",
                Shape::Integer { min: 2, max: 100_000 },
                "Rows asked for in a page; what the server echoes wins",
            ),
        ),
        key(
            "requests_per_second",
            Shape::Integer { min: 1, max: 100_000 },
            "Requests started in a second, over the whole run",
        ),
        with_default(8, key("concurrency", Shape::Integer { min: 1, max: 1_024 }, "Requests in flight")),
        key("ca_certificate", Shape::Value, "PEM file of a further root certificate; relative to this file"),
        key("archive", ANY_TEXT, "Folder of pages fetched earlier, read instead of asking; relative to this file"),
        with_default(
            "auto",
            key("fx_fee", Shape::OneOf(rules), "Whether the exchange fee is inside `amount` or on top; auto learns it"),
        ),
    ]
}

fn output_keys() -> Vec<Key> {
    vec![
        with_default(
            "out",
            key(
                "directory",
                ANY_TEXT,
                "The output directory, relative to the current directory; or s3://bucket/prefix, gs://…, az://… for the lake",
            ),
        ),
        with_default(
            "out",
            key("local", ANY_TEXT, "The folder of everything else (and of the lake too) where 'directory' is a store"),
        ),
        with_default(
            json!(super::file::FORMATS_DEFAULT),
            key("formats", Shape::Several(super::file::FORMATS.to_vec()), "What is written"),
        ),
        with_default(
            "001.08",
            key("camt053_version", Shape::OneOf(names(&camt053::Version::NAMES)), "The version of camt.053 statements"),
        ),
        with_default(
            "window",
            key("statement_per", Shape::OneOf(names(&Per::NAMES)), "What a statement of camt053 and mt940 covers"),
        ),
    ]
}

fn report_keys() -> Vec<Key> {
    let tags = Locale::tags().to_vec();
    vec![with_default("en-GB", key("locale", Shape::OneOf(tags), "How reconciliation.html writes amounts"))]
}

fn schedule_keys() -> Vec<Key> {
    let meaning =
        "Minute, hour, day of the month, month and weekday in the job's time zone; seconds may stand in front";
    vec![key("cron", ANY_TEXT, meaning)]
}

fn metrics_keys() -> Vec<Key> {
    let path = Shape::Text { pattern: "\\.prom$" };
    vec![key("textfile", path, "File for node_exporter's textfile collector; relative to the current directory")]
}

fn notify_keys() -> Vec<Key> {
    let default = Notify::default();
    let on: Vec<&str> = default.on.iter().map(|event| event.name()).collect();
    let (min, max) = WAIT_S_MAX.into_inner();
    vec![
        key(
            "healthcheck",
            Shape::Value,
            "Address pinged at its /start, at itself on success, at its /<exit code> else",
        ),
        key("webhook", Shape::Secret, "Address that summary.json is posted to"),
        key("webhook_token", Shape::Secret, "Sent to it as a bearer token"),
        key("command", Shape::Words, "Program and arguments that get summary.json on their input"),
        with_default(json!(on), key("on", Shape::Several(names(&Event::NAMES)), "When command and webhook are told")),
        with_default(
            default.wait_s_max,
            key("wait_s_max", Shape::Integer { min, max }, "Seconds that each of them may take, retries included"),
        ),
    ]
}

fn names<T>(known: &[(&'static str, T)]) -> Vec<&'static str> {
    known.iter().map(|(name, _)| *name).collect()
}

fn limit_keys() -> Vec<Key> {
    const DAY_MS: u64 = 86_400_000;
    let default = Limits::default();
    let limit = |name, (min, max), default: u64, meaning| {
        with_default(default, key(name, Shape::Integer { min, max }, meaning))
    };
    let bytes = u64::try_from(default.body_bytes_max).expect("it fits");
    vec![
        limit("attempts_max", (1, 100), default.attempts_max.into(), "Attempts at one request, the first included"),
        limit(
            "retry_elapsed_ms_max",
            (1, DAY_MS),
            default.retry_elapsed_ms_max,
            "Milliseconds over all attempts at one request",
        ),
        limit(
            "backoff_ms_first",
            (1, DAY_MS),
            default.backoff_ms_first,
            "Milliseconds before the second attempt, at most",
        ),
        limit("backoff_ms_max", (1, DAY_MS), default.backoff_ms_max, "Milliseconds between two attempts, at most"),
        limit(
            "run_retries_max",
            (0, 1_000_000),
            default.run_retries_max.into(),
            "Attempts beyond the first in the whole run",
        ),
        limit("connect_ms_max", (1, DAY_MS), default.connect_ms_max, "Milliseconds to connect"),
        limit("attempt_ms_max", (1, DAY_MS), default.attempt_ms_max, "Milliseconds for one attempt"),
        limit("body_bytes_max", (1_024, 1 << 30), bytes, "Bytes of one response, unpacked"),
        limit("json_depth_max", (4, 120), default.json_depth_max.into(), "Nesting of a response's JSON"),
        limit(
            "listing_passes_max",
            (1, 1_000),
            default.listing_passes_max.into(),
            "Readings of a listing that moves, before it is reported as not proved complete",
        ),
        limit("listing_pages_max", (1, 10_000_000), default.listing_pages_max.into(), "Pages of one listing"),
        key(
            "raw_keep_days",
            Shape::Integer { min: 1, max: 36_600 },
            "Days for which out/raw keeps what landed; without it, for ever",
        ),
    ]
}

impl JobSchema {
    /// The text of `schemas/job.schema.json`.
    pub fn to_json() -> String {
        let tables: Map<String, Value> =
            tables().into_iter().map(|(name, meaning, keys)| (name.to_owned(), table(name, meaning, &keys))).collect();
        // The draft that editors' TOML plugins know.
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "urn:tieout:schema:job",
            "title": "tieout job",
            "description": "A job file of tieout: what is reported, who is asked, where results go.",
            "type": "object",
            "additionalProperties": false,
            "required": ["job", "source"],
            "properties": tables,
        });
        let mut text = serde_json::to_string_pretty(&schema).expect("a schema is plain data");
        text.push('\n');
        text
    }
}

fn table(name: &str, meaning: &str, keys: &[Key]) -> Value {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut schema = json!({
        "description": meaning, "type": "object", "additionalProperties": false, "properties": properties,
    });
    match name {
        "job" => schema["required"] = json!(["name"]),
        "source" => {
            schema["required"] = json!(["provider"]);
            schema["if"] =
                json!({ "properties": { "provider": { "const": "anytime" } }, "not": { "required": ["archive"] } });
            schema["then"] = json!({
                "required": ["base_url", "username", "client_id", "client_secret", "password", "private_key"]
            });
        }
        _ => {}
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = match &key.shape {
        Shape::Text { pattern } => json!({ "type": "string", "pattern": pattern }),
        Shape::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::OneOf(names) => json!({ "enum": names }),
        Shape::Several(names) => json!({ "type": "array", "minItems": 1, "items": { "enum": names } }),
        Shape::Words => json!({ "type": "array", "minItems": 1, "items": { "type": "string" } }),
        Shape::Value => json!({ "oneOf": [{ "type": "string", "minLength": 1 }, reference()] }),
        Shape::Secret => reference(),
        Shape::Window => window(),
    };
    schema["description"] = key.meaning.into();
    if let Some(default) = &key.default {
        schema["default"] = default.clone();
    }
    schema
}

/// Where a value is looked up.
fn reference() -> Value {
    let named = |name: &str, meaning: &str| {
        json!({
            "type": "object", "additionalProperties": false, "required": [name],
            "properties": { name: { "type": "string", "minLength": 1, "description": meaning } },
        })
    };
    json!({
        "oneOf": [named("env", "Name of an environment variable"), named("file", "Path of a file, relative to this one")]
    })
}

fn window() -> Value {
    let day = json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });
    json!({
        "oneOf": [
            {
                "type": "object", "additionalProperties": false, "required": ["last_days"],
                "properties": {
                    "last_days": {
                        "type": "integer", "minimum": 1, "maximum": LAST_DAYS_MAX,
                        "description": "So many days, which end yesterday",
                    },
                },
            },
            {
                "type": "object", "additionalProperties": false, "required": ["from", "to"],
                "properties": { "from": day, "to": day },
            },
        ],
    })
}

const LAST_DAYS_MAX: u64 = 36_600;

#[cfg(test)]
mod tests {
    use std::fmt::Write;
    use std::path::Path;

    use super::super::file;
    use super::*;
    use crate::job::{Overrides, load};

    #[test]
    fn the_checked_in_schemas_have_that_of_job_files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/job.schema.json");
        crate::output::assert_checked_in(&path, &JobSchema::to_json());
    }

    #[test]
    fn the_keys_are_those_that_the_reader_knows() {
        let known = [
            file::JOB_KEYS,
            file::SOURCE_KEYS,
            file::OUTPUT_KEYS,
            file::LIMIT_KEYS,
            file::REPORT_KEYS,
            file::SCHEDULE_KEYS,
            file::METRICS_KEYS,
            file::NOTIFY_KEYS,
        ];
        let tables = tables();
        assert_eq!(tables.each_ref().map(|(name, _, _)| *name).as_slice(), file::SECTIONS);
        for ((name, _, keys), known) in tables.iter().zip(known) {
            let told: Vec<&str> = keys.iter().map(|key| key.name).collect();
            assert_eq!(told, known, "[{name}]");
        }
    }

    /// What the reader says of a job file.
    fn told(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("job.toml");
        std::fs::write(&path, text).expect("a file");
        load(&path, &Overrides::default()).map_or_else(|error| error.to_string(), |_| String::new())
    }

    #[test]
    fn the_ranges_are_those_that_the_reader_takes() {
        let mut text = String::new();
        for (name, _, keys) in tables() {
            let _ = writeln!(text, "[{name}]");
            keys.iter()
                .filter(|key| matches!(key.shape, Shape::Integer { .. }))
                .for_each(|key| writeln!(text, "{} = -1", key.name).expect("a text takes any text"));
        }
        let told = told(&text.replace("[job]", "[job]\nwindow = { last_days = -1 }"));
        let range = |name: &str, min: u64, max: u64| format!("'{name}' must be a whole number from {min} to {max}");
        let keys = tables().into_iter().flat_map(|(_, _, keys)| keys);
        let mut expected: Vec<String> = keys
            .filter_map(|key| match key.shape {
                Shape::Integer { min, max } => Some(range(key.name, min, max)),
                _ => None,
            })
            .collect();
        // A source that misses what it needs is not read any further.
        expected.push(range("last_days", 1, LAST_DAYS_MAX));
        for range in expected {
            assert!(told.contains(&range), "expected \"{range}\" in {told}");
        }
    }

    #[test]
    fn the_words_are_those_that_the_reader_takes() {
        for provider in file::PROVIDERS {
            let told = told(&format!("[source]\nprovider = \"{provider}\"\narchive = \".\""));
            let keys = source_keys();
            let Shape::OneOf(available) = &keys[0].shape else { panic!("one of several") };
            let is_refused = told.contains("cannot be asked by this version");
            assert_eq!(!is_refused, available.contains(&provider), "{provider}: {told}");
        }
        let told = told(
            "[job]\ntimezone = \"Mars/Base\"\nname = \"A B\"\n[source]\nfx_fee = \"no\"\n[output]\nformats = [\"x\"]",
        );
        for words in ["timezone", "'name' must be made of a-z, 0-9 and '-'", "fx_fee", "formats"] {
            assert!(told.contains(words), "expected \"{words}\" in {told}");
        }
    }
}
