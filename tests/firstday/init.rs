//! `tieout init`: what it writes can be used at once, and nothing is written over.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ended, Place};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command(arguments);
    command.env("ANYTIME_USERNAME", "u").env("ANYTIME_CLIENT_ID", "c");
    command
}

fn ended(place: &Place, arguments: &[&str]) -> Ended {
    command(place, arguments).stdin(Stdio::null()).output().expect("it runs").into()
}

#[test]
fn what_is_written_passes_the_check_at_once() {
    let place = Place::new();
    let made = ended(&place, &["init", "jobs/first.toml"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let keys = place.path("jobs/keys");
    assert_eq!(
        (mode(&keys), mode(&keys.join("id_rsa.pem")), mode(&keys.join("id_rsa.pub.pem"))),
        (0o700, 0o600, 0o644)
    );
    assert_eq!(mode(&place.path("jobs")) & 0o700, 0o700);
    let checked = ended(&place, &["check", "jobs/first.toml", "--offline"]);
    assert_eq!(checked.code, 0, "{}", checked.stderr);
    assert!(checked.stdout.contains("RSA, 2048 bits"), "{}", checked.stdout);
    let public = fs::read_to_string(keys.join("id_rsa.pub.pem")).expect("a key");
    assert!(made.stdout.contains(&public), "it is shown");
    let derived = Command::new("openssl").args(["rsa", "-pubout", "-in"]).arg(keys.join("id_rsa.pem")).output();
    assert_eq!(
        String::from_utf8(derived.expect("openssl runs").stdout).expect("UTF-8"),
        public,
        "another program agrees"
    );
    let text = fs::read_to_string(place.path("jobs/first.toml")).expect("a job");
    insta::assert_snapshot!("job_file", text);
    insta::assert_snapshot!("told", made.stdout.replace(&public, "[public key]\n"));
}

#[test]
fn nothing_is_written_over() {
    let place = Place::new();
    assert_eq!(ended(&place, &["init", "job.toml"]).code, 0);
    let before = fs::read(place.path("keys/id_rsa.pem")).expect("a key");
    place.write("job.toml", "mine");
    let refused = ended(&place, &["init", "job.toml"]);
    assert_eq!((refused.code, refused.stderr.contains("--force")), (2, true), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(place.path("job.toml")).expect("a job"), "mine");
    let forced = ended(&place, &["init", "job.toml", "--force", "--last-days", "3"]);
    assert_eq!(forced.code, 0, "{}", forced.stderr);
    assert!(forced.stdout.contains("the key that was there"), "{}", forced.stdout);
    assert_eq!(fs::read(place.path("keys/id_rsa.pem")).expect("a key"), before, "a key is never replaced");
    assert!(fs::read_to_string(place.path("job.toml")).expect("a job").contains("last_days = 3"));
}

#[test]
fn a_passphrase_encrypts_the_key_and_shows_nowhere() {
    let place = Place::new();
    let secret = "canary-5ecret";
    let arguments = ["init", "job.toml", "--passphrase-env", "KEY_PASSPHRASE", "--format", "json"];
    let made: Ended = command(&place, &arguments)
        .env("KEY_PASSPHRASE", secret)
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
        .into();
    assert_eq!(made.code, 0, "{}", made.stderr);
    let told: serde_json::Value = serde_json::from_str(&made.stdout).expect("JSON");
    let job = fs::read_to_string(place.path("job.toml")).expect("a job");
    let key = fs::read_to_string(place.path("keys/id_rsa.pem")).expect("a key");
    assert!(key.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{key}");
    assert!([&made.stdout, &made.stderr, &job].iter().all(|text| !text.contains(secret)));
    let check = |passphrase: &str| -> Ended {
        let arguments = ["check", "job.toml", "--offline"];
        command(&place, &arguments).env("KEY_PASSPHRASE", passphrase).output().expect("it runs").into()
    };
    assert_eq!((check(secret).code, check("wrong").code), (0, 2));
    let openssl = Command::new("openssl")
        .args(["rsa", "-pubout", "-passin", &format!("pass:{secret}"), "-in"])
        .arg(place.path("keys/id_rsa.pem"))
        .output()
        .expect("openssl runs");
    assert_eq!(String::from_utf8_lossy(&openssl.stdout), told["public_key"].as_str().expect("a key"));
    let missing = ended(&place, &["init", "other.toml", "--passphrase-env", "NOT_SET"]);
    assert_eq!((missing.code, place.path("other.toml").exists()), (2, false), "{}", missing.stderr);
}

#[test]
fn questions_are_answered_line_by_line() {
    let place = Place::new();
    let answers = "first\nnot an address\nhttp://127.0.0.1:9\n\n30\ncard_transactions,credit_transfers\nbooks\n";
    let mut child = command(&place, &["init", "job.toml", "--ask"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("piped").write_all(answers.as_bytes()).expect("it reads");
    let told = Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    insta::assert_snapshot!("questions", told.stderr);
    let job = fs::read_to_string(place.path("job.toml")).expect("a job");
    for must_hold in [
        "name = \"first\"",
        "base_url = \"http://127.0.0.1:9\"",
        "timezone = \"Europe/Paris\"",
        "last_days = 30",
        "feeds = [\"card_transactions\", \"credit_transfers\"]",
        "directory = \"books\"",
    ] {
        assert!(job.contains(must_hold), "{must_hold}: {job}");
    }
    assert_eq!(ended(&place, &["check", "job.toml", "--offline"]).code, 0);
    let silent = ended(&place, &["init", "other.toml", "--ask"]);
    assert_eq!((silent.code, place.path("other.toml").exists()), (2, false), "{}", silent.stderr);
}

/// Whatever is given becomes a job file that is read as it was meant, or is refused.
#[test]
fn odd_answers_are_refused_or_written_as_they_are() {
    let place = Place::new();
    for refused in [
        ["--name", "Nightly run"],
        ["--base-url", "ws.anyti.me"],
        ["--base-url", "https://a\"b"],
        ["--timezone", "Europe/Pariss"],
        ["--last-days", "0"],
        ["--feeds", "card_transaction"],
        ["--key-bits", "1024"],
    ] {
        let told = ended(&place, &["init", "job.toml", refused[0], refused[1]]);
        assert_eq!((told.code, place.path("job.toml").exists()), (2, false), "{refused:?} {}", told.stderr);
    }
    let odd = "a \"quoted\" \\ földer";
    let told = ended(&place, &["init", "job.toml", "--out", odd, "--key", "odd \"k\"/key.pem"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let job: toml::Table = fs::read_to_string(place.path("job.toml")).expect("a job").parse().expect("TOML");
    assert_eq!(job["output"]["directory"].as_str(), Some(odd));
    assert_eq!(ended(&place, &["check", "job.toml", "--offline"]).code, 0);
}
