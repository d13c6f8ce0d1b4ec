//! What a person sees: every command, every exit code, every complaint.

use std::fs;
use std::io::Read;
use std::process::Stdio;

use super::support::{Bench, Ended, Place};

/// What changes from run to run, by something that stays.
fn steady(text: &str, place: &Place) -> String {
    text.replace(&place.folder.path().display().to_string(), "[folder]")
}

fn complaint(ended: &Ended, place: &Place) -> String {
    assert_eq!(ended.stdout, "");
    steady(&ended.stderr, place)
}

#[test]
fn all_problems_of_a_job_file_are_told_at_once() {
    let place = Place::new();
    place.write(
        "job.toml",
        r#"[job]
name = "Nightly run"
timezone = "Europe/Pariss"
window = { last_days = 0 }
feeds = ["card_transaction", "credit_transfers"]
colour = "red"

[source]
provider = "anytime"
base_url = "http://ws.anyti.me"
usernam = "x"
client_id = { env = "NOT_SET_ANYWHERE" }
client_secret = "in plain sight"
password = { file = "nowhere.txt" }
private_key = { file = "id_rsa.pem" }
page_size = "many"

[output]
formats = ["csv", "parket"]
"#,
    );
    let ended = place.tieout(&["run", "job.toml"]);
    assert_eq!(ended.code, 2);
    insta::assert_snapshot!(complaint(&ended, &place));
}

#[test]
fn what_is_no_toml_and_what_is_no_file_is_told() {
    let place = Place::new();
    place.write("job.toml", "[job\nname = 1");
    let ended = place.tieout(&["run", "job.toml"]);
    assert_eq!(ended.code, 2);
    insta::assert_snapshot!(complaint(&ended, &place));
    let ended = place.tieout(&["run", "nowhere.toml"]);
    assert_eq!(ended.code, 2);
    insta::assert_snapshot!(complaint(&ended, &place));
}

#[test]
fn a_secret_never_shows() {
    let bench = Bench::failing(&["401:code=4010040@/oauth/v2/token#*"]);
    let output = bench
        .place
        .command(&["run", "job.toml"])
        .env("TIEOUT_LOG", "trace")
        .env("ANYTIME_PASSWORD", "canary-5ecret-password")
        .env("ANYTIME_CLIENT_SECRET", "canary-5ecret-client")
        .output()
        .expect("it runs");
    let ended = Ended::from(output);
    assert_eq!(ended.code, 1);
    assert!(!ended.stderr.contains("canary-5ecret") && !ended.stdout.contains("canary-5ecret"));
    let token = Bench::new();
    assert_eq!(token.run().code, 3);
    for (path, bytes) in super::support::tree(token.place.folder.path()) {
        let bytes =
            if path.to_string_lossy().ends_with(".zst") { zstd::decode_all(&bytes[..]).expect("zstd") } else { bytes };
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["access_token", "sandbox-password", "sandbox-client-secret"] {
            assert!(!text.contains(secret), "{secret} in {}", path.display());
        }
    }
}

#[test]
fn the_wrong_password_is_told_with_the_providers_code() {
    let bench = Bench::new();
    let output = bench.place.command(&["run", "job.toml"]).env("ANYTIME_PASSWORD", "wrong").output().expect("it runs");
    let ended = Ended::from(output);
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(steady(&ended.stderr, &bench.place));
}

#[test]
fn a_table_that_an_accountant_can_read() {
    let bench = Bench::new();
    let ended = bench.run();
    insta::assert_snapshot!(ended.stdout);
}

#[test]
fn json_for_programs() {
    let bench = Bench::new();
    let ended = bench.place.tieout(&["run", "job.toml", "--format", "json"]);
    let summary: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((summary["exit_code"].as_i64(), summary["breaks"].as_array().map(Vec::len)), (Some(3), Some(3)));
    let written = fs::read(bench.place.path("out/reports/demo/2026-08-01_2026-10-31/summary.json")).expect("a file");
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).expect("JSON"), summary);
}

#[test]
fn another_run_in_the_same_directory_gives_75() {
    let bench = Bench::new();
    bench.control().set_latency(std::time::Duration::from_millis(150));
    let mut first =
        bench.place.command(&["run", "job.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let lock = bench.place.path("out/.tieout/lock");
    let begun = std::time::Instant::now();
    while !lock.exists() && begun.elapsed().as_secs() < 10 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    std::thread::sleep(std::time::Duration::from_millis(50));
    let second = bench.run();
    assert_eq!(second.code, 75, "{}", second.stderr);
    assert!(second.stderr.contains(&first.id().to_string()), "it says who: {}", second.stderr);
    assert_eq!(first.wait().expect("it ends").code(), Some(3));
}

#[test]
fn check_tells_what_works() {
    let bench = Bench::new();
    let offline = bench.place.tieout(&["check", "job.toml", "--offline"]);
    assert_eq!((offline.code, bench.control().counters().requests), (0, 0), "{}", offline.stderr);
    let ended = bench.place.tieout(&["check", "job.toml"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("apicheck  ok"), "{}", ended.stdout);
    let asked = bench.control().counters().requests;
    assert_eq!(asked, 13, "a token, an apicheck, the accounts; of both a row of each feed, and their cards");
    // A key that others can read is refused before anybody is asked.
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    fs::set_permissions(bench.place.path("id_rsa.pem"), open).expect("its mode");
    let refused = bench.place.tieout(&["check", "job.toml"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("hint: chmod 600"), "{}", refused.stderr);
}

#[test]
fn backfill_commits_chunks_and_does_not_repeat_them() {
    let bench = Bench::new();
    let arguments = ["backfill", "job.toml", "--from", "2026-08-15", "--to", "2026-10-05", "--chunk", "month"];
    let ended = bench.place.tieout(&arguments);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    for window in ["2026-08-15_2026-08-31", "2026-09-01_2026-09-30", "2026-10-01_2026-10-05"] {
        assert!(bench.place.path(&format!("out/reports/demo/{window}/manifest.json")).is_file(), "{window}");
    }
    let asked = bench.control().counters().requests;
    let again = bench.place.tieout(&arguments);
    assert_eq!((again.code, bench.control().counters().requests), (3, asked), "{}", again.stderr);
    let backwards = bench.place.tieout(&["backfill", "job.toml", "--from", "2026-08-15", "--to", "2026-08-01"]);
    assert_eq!(backwards.code, 2);
}

/// Chunks are read back as they were fetched; that a window lies in several of them is told, with the way to read it.
#[test]
fn a_backfill_is_read_back_chunk_by_chunk() {
    let bench = Bench::new();
    let range = ["--from", "2026-08-15", "--to", "2026-10-05", "--chunk", "month"];
    let ended = bench.place.tieout(&[&["backfill", "job.toml"][..], &range].concat());
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let asked = bench.control().counters().requests;
    let read = |from: &str, to: &str| {
        let arguments = ["run", "job.toml", "--archive", "out/raw", "--out", "whole", "--from", from, "--to", to];
        let ended = bench.place.tieout(&arguments);
        assert_eq!(ended.code, 2, "{}", ended.stderr);
        ended.stderr
    };
    let across = read("2026-08-20", "2026-10-05");
    let hint =
        "together they cover it: read them chunk by chunk, with `tieout backfill JOB --archive DIR --from 2026-08-20";
    assert!(across.contains("no landed run covers") && across.contains(hint), "{across}");
    let beyond = read("2026-08-20", "2026-10-06");
    assert!(beyond.contains("hint: give --from and --to within one of them"), "{beyond}");
    let again = [&["backfill", "job.toml", "--archive", "out/raw", "--out", "again"][..], &range].concat();
    let ended = bench.place.tieout(&again);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(bench.control().counters().requests, asked, "nobody is asked");
    let lake = |out: &str| super::support::tree(&bench.place.path(&format!("{out}/lake")));
    assert!(lake("out") == lake("again"));
}

/// The rows of the chunks are those of the whole.
#[test]
fn the_union_of_chunks_is_the_whole() {
    let whole = Bench::new();
    assert_eq!(whole.run().code, 3);
    let chunks = Bench::new();
    let ended =
        chunks.place.tieout(&["backfill", "job.toml", "--from", "2026-08-01", "--to", "2026-10-31", "--chunk", "week"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let lake = |bench: &Bench, dataset: &str| super::support::tree(&bench.place.path(&format!("out/lake/{dataset}")));
    for dataset in ["account_statements", "iban_statements", "card_transactions", "credit_transfers"] {
        assert!(lake(&chunks, dataset) == lake(&whole, dataset), "{dataset}");
    }
}

#[test]
fn breaks_are_listed_shown_and_accepted() {
    let bench = Bench::new();
    assert_eq!(bench.run().code, 3);
    let list = bench.place.tieout(&["breaks", "list", "--format", "json"]);
    let breaks: Vec<serde_json::Value> = serde_json::from_str(&list.stdout).expect("JSON");
    assert_eq!((list.code, breaks.len()), (0, 3));
    for found in &breaks {
        let id = found["break_id"].as_str().expect("an id");
        assert!(bench.place.tieout(&["breaks", "show", id]).stdout.contains(id));
        let accepted = bench.place.tieout(&["breaks", "accept", id, "--by", "Ada", "--note", "known"]);
        assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    }
    let ended = bench.run();
    assert_eq!(ended.code, 0, "accepted breaks no longer make the exit code 3: {}", ended.stdout);
    let id = breaks[0]["break_id"].as_str().expect("an id");
    assert_eq!(bench.place.tieout(&["breaks", "reopen", id]).code, 0);
    assert_eq!(bench.run().code, 3);
    assert_eq!(bench.place.tieout(&["breaks", "show", "brk-none"]).code, 2);
}

#[test]
fn every_help_shows_an_example() {
    let place = Place::new();
    for command in ["run", "backfill", "check", "sandbox", "demo", "breaks", "schema"] {
        let ended = place.tieout(&[command, "--help"]);
        assert_eq!(ended.code, 0, "{command}");
        assert!(ended.stdout.contains("Example"), "{command}: {}", ended.stdout);
    }
    assert_eq!(place.tieout(&["run"]).code, 2);
    assert_eq!(place.tieout(&["no-such-command"]).code, 2);
    assert_eq!(place.tieout(&["--version"]).code, 0);
}

/// `tieout sandbox` prints its address first, so that a script can read it, and ends when told.
#[test]
fn the_sandbox_command_serves_until_it_is_told_to_end() {
    let place = Place::new();
    let mut sandbox = place
        .command(&["sandbox", "--keys", "keys", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut stdout = sandbox.stdout.take().expect("piped");
    let mut address = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte).expect("a line") == 1 && byte[0] != b'\n' {
        address.push(byte[0]);
    }
    let url = String::from_utf8(address).expect("UTF-8");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    place.write(
        "demo.toml",
        &fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/demo.toml"))
            .expect("the job that is checked in")
            .replace("http://127.0.0.1:8080", &url),
    );
    let output = place
        .command(&["run", "demo.toml"])
        .envs([("ANYTIME_USERNAME", "sandbox-user"), ("ANYTIME_CLIENT_ID", "sandbox-client")])
        .output()
        .expect("it runs");
    assert_eq!(Ended::from(output).code, 3);
    let told = std::process::Command::new("kill").arg(sandbox.id().to_string()).status().expect("kill runs");
    assert!(told.success());
    assert_eq!(sandbox.wait().expect("it ends").code(), Some(0));
}

/// The jobs that are checked in can be used as they are, once the secrets are there.
#[test]
fn the_jobs_that_are_checked_in_are_right() {
    let place = Place::new();
    for job in ["nightly", "backfill", "demo"] {
        let text = fs::read_to_string(format!("{}/jobs/{job}.toml", env!("CARGO_MANIFEST_DIR"))).expect("a job");
        place.write(&format!("{job}.toml"), &text);
        fs::create_dir_all(place.path("keys")).expect("a folder");
        fs::copy(place.path("id_rsa.pem"), place.path("keys/id_rsa.pem")).expect("a key");
        let output = place
            .command(&["check", &format!("{job}.toml"), "--offline"])
            .envs([("ANYTIME_USERNAME", "u"), ("ANYTIME_CLIENT_ID", "c")])
            .output()
            .expect("it runs");
        let ended = Ended::from(output);
        assert_eq!(ended.code, 0, "{job}: {}", ended.stderr);
    }
}
