//! What is not published, and why.

use crate::bench::{Bench, lines};
use crate::server::{put_object, server};

#[test]
fn another_output_directory_does_not_replace_what_is_there() {
    let first = Bench::new();
    first.run(&lines());
    let second = Bench::beside(&first);
    let ended = second.run_by(server(), &lines()[..1]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stdout.contains("was published from another output directory"), "{}", ended.stdout);
    first.assert_published();
    let ended = second.tieout_by(server(), &["publish", "job.toml", "--take-over"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("publication 2 with 2 partitions"), "{}", ended.stdout);
    second.assert_published();
    assert_eq!(first.tieout_by(server(), &["publish", "job.toml"]).code, 1);
}

#[test]
fn a_lake_that_somebody_else_put_there_stays() {
    let bench = Bench::new();
    let path = "bank/lake/balances/booking_date=2026-03-01/balances.parquet";
    put_object(&bench.bucket, path, b"by hand");
    let ended = bench.run_by(server(), &lines());
    assert_eq!(ended.code, 4);
    assert!(ended.stdout.contains("expected an empty place or an earlier publication"), "{}", ended.stdout);
    assert_eq!(bench.names(""), ["lake/balances/booking_date=2026-03-01/balances.parquet"]);
}

#[test]
fn a_partition_that_was_tampered_with_is_not_published() {
    let bench = Bench::new();
    bench.prepare(&lines());
    assert_eq!(bench.tieout_by(server(), &["run", "job.toml", "--out", "home"]).code, 0);
    let path = bench.path("home/lake/balances/booking_date=2026-03-01/balances.parquet");
    let mut bytes = std::fs::read(&path).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).expect("writes");
    let ended = bench.tieout_by(server(), &["publish", "job.toml"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("tieout verify"), "{}", ended.stderr);
    assert!(bench.names("_tieout/manifests/").is_empty() && bench.names("lake/").is_empty());
}

#[test]
fn what_cannot_be_published_is_told_before_anything_is_asked() {
    let bench = Bench::new();
    bench.prepare(&lines());
    let ended = bench.tieout_by("http://192.0.2.1:9000", &["run", "job.toml"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert!(ended.stderr.contains("expected AWS_ENDPOINT_URL to begin with https://"), "{}", ended.stderr);
    assert!(!bench.path("home").exists());
    let job = std::fs::read_to_string(bench.path("job.toml")).expect("reads");
    let told = |text: &str, words: &str| {
        std::fs::write(bench.path("job.toml"), text).expect("writes");
        let ended = bench.tieout_by(server(), &["run", "job.toml"]);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        assert!(ended.stderr.contains(words) && ended.stderr.contains("job.toml:"), "{}", ended.stderr);
        assert!(!bench.path("home").exists());
    };
    told(&format!("{job}formats = [\"csv\"]\n"), "'formats' must have \"parquet\"");
    told(&job.replace("s3://", "ftp://"), "found ftp://");
    told(&job.replace(&bench.address(), "out"), "'local' tells where the rest lies");
}

#[test]
fn a_bucket_that_is_not_there_is_told() {
    let bench = Bench::new();
    bench.prepare(&lines());
    let job = std::fs::read_to_string(bench.path("job.toml")).expect("reads");
    std::fs::write(bench.path("job.toml"), job.replace(&bench.bucket, "nobodys")).expect("writes");
    let ended = bench.tieout_by(server(), &["run", "job.toml"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stdout.contains("make the bucket of s3://nobodys/bank first"), "{}", ended.stdout);
    let told = |arguments: &[&str], code: i32, words: &str| {
        let ended = bench.tieout_by(server(), arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(words), "expected '{words}' in {}", ended.stderr);
    };
    told(&["publish"], 2, "required");
    told(&["publish", "--out", "home"], 2, "expected an object store to publish to, found none");
    told(&["publish", "--out", "home", "--to", "out"], 2, "expected s3://bucket/prefix");
    told(&["publish", "--out", "elsewhere", "--to", "s3://b"], 2, "expected an output directory");
}
