//! What `tieout check` tells of each thing that can be wrong, as a person sees it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Bench, Ended, Place};

/// What a terminal shows: the steps, then the complaint. What differs between machines and runs is made alike.
fn session(ended: &Ended, bench: &Bench) -> String {
    let text = format!("exit code {}\n{}{}", ended.code, ended.stdout, ended.stderr);
    let text = text.replace(&bench.place.folder.path().display().to_string(), "[folder]");
    let address = bench.sandbox.base_url();
    let text = text.replace(address.trim_start_matches("http://"), "[provider]");
    let lines = text.lines().map(|line| match line.split_once("provider's time ") {
        Some((before, _)) => format!("{before}provider's time [time]"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn checked(bench: &Bench) -> String {
    session(&bench.place.tieout(&["check", "job.toml"]), bench)
}

fn change_job(bench: &Bench, from: &str, to: &str) {
    let text = fs::read_to_string(bench.place.path("job.toml")).expect("a job");
    assert!(text.contains(from), "{text}");
    bench.place.write("job.toml", &text.replace(from, to));
}

#[test]
fn all_is_well() {
    insta::assert_snapshot!(checked(&Bench::new()));
}

#[test]
fn the_wrong_password() {
    let bench = Bench::new();
    let output = bench.place.command(&["check", "job.toml"]).env("ANYTIME_PASSWORD", "wrong").output();
    insta::assert_snapshot!(session(&output.expect("it runs").into(), &bench));
}

#[test]
fn the_wrong_key() {
    let bench = Bench::new();
    let made =
        Command::new("openssl").args(["genrsa", "-out"]).arg(bench.place.path("id_rsa.pem")).arg("2048").output();
    assert!(made.expect("openssl runs").status.success());
    insta::assert_snapshot!(checked(&bench));
}

#[test]
fn a_key_that_others_can_read() {
    let bench = Bench::new();
    let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    fs::set_permissions(bench.place.path("id_rsa.pem"), open).expect("its mode");
    insta::assert_snapshot!(checked(&bench));
    assert_eq!(bench.control().counters().requests, 0);
}

#[test]
fn a_key_without_its_passphrase() {
    let bench = Bench::new();
    let script = "openssl rsa -in id_rsa.pem -aes128 -passout pass:x -out locked.pem && chmod 600 locked.pem";
    let made = Command::new("sh").args(["-c", script]).current_dir(bench.place.folder.path()).output();
    assert!(made.expect("openssl runs").status.success());
    change_job(&bench, "id_rsa.pem", "locked.pem");
    insta::assert_snapshot!(checked(&bench));
}

#[test]
fn a_job_file_with_a_slip() {
    let bench = Bench::new();
    change_job(&bench, "client_id", "clientid");
    insta::assert_snapshot!(checked(&bench));
}

#[test]
fn a_clock_that_is_an_hour_ahead() {
    let bench = Bench::failing(&["clock:3600@*#*"]);
    insta::with_settings!({filters => vec![(r"\b3(599|600|601)\b", "3600")]}, {
        insta::assert_snapshot!(checked(&bench));
    });
}

#[test]
fn a_clock_that_is_two_hours_behind() {
    let bench = Bench::failing(&["clock:-7200@*#*"]);
    insta::with_settings!({filters => vec![(r"\b(7199|720[01])\b", "7200")]}, {
        insta::assert_snapshot!(checked(&bench));
    });
}

/// As where a proxy shows its own page to everybody. Nobody is left without something to do, in a run neither.
#[test]
fn a_page_in_place_of_an_answer() {
    let bench = Bench::failing(&["html@*#*"]);
    insta::assert_snapshot!(checked(&bench));
    let ended = bench.run();
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("hint: `tieout check job.toml` tells step by step what works"), "{}", ended.stderr);
}

#[test]
fn an_address_that_is_not_let_in() {
    insta::assert_snapshot!(checked(&Bench::failing(&["401:code=4010060@*#*"])));
}

#[test]
fn a_token_that_is_refused() {
    insta::assert_snapshot!(checked(&Bench::failing(&["401:code=4010050@/v1.0/*#*"])));
}

#[test]
fn a_client_that_is_unknown() {
    let bench = Bench::new();
    change_job(&bench, "sandbox-client\"", "another-client\"");
    insta::assert_snapshot!(checked(&bench));
}

#[test]
fn a_signature_that_was_used_before() {
    insta::assert_snapshot!(checked(&Bench::failing(&["401:code=4010080@/apicheck#*"])));
}

#[test]
fn a_feed_that_is_closed_to_the_user() {
    insta::assert_snapshot!(checked(&Bench::failing(&["403:code=4030030@/iban-statements#*"])));
}

#[test]
fn a_user_who_sees_no_account() {
    insta::assert_snapshot!(checked(&Bench::with(|config| config.books.accounts.clear())));
}

#[test]
fn a_name_that_nobody_knows() {
    let bench = Bench::new();
    change_job(&bench, &bench.sandbox.base_url(), "https://provider.invalid");
    insta::with_settings!({filters => vec![("because .*", "because [the resolver's words]")]}, {
        insta::assert_snapshot!(checked(&bench));
    });
}

#[test]
fn nobody_at_the_address() {
    let bench = Bench::new();
    let port = free_port();
    change_job(&bench, &bench.sandbox.base_url(), &format!("https://127.0.0.1:{port}"));
    let told = checked(&bench).replace(&port.to_string(), "[port]");
    insta::assert_snapshot!(told);
}

#[test]
fn a_certificate_of_an_authority_that_nobody_knows() {
    let bench = Bench::new();
    let port = free_port();
    let mut server = serve_tls(&bench.place, port);
    change_job(&bench, &bench.sandbox.base_url(), &format!("https://127.0.0.1:{port}"));
    let told = checked(&bench).replace(&port.to_string(), "[port]");
    server.kill().expect("it runs");
    server.wait().expect("it ends");
    insta::assert_snapshot!(told);
}

#[test]
fn a_server_that_does_not_speak_tls() {
    let bench = Bench::new();
    let address = bench.sandbox.base_url();
    change_job(&bench, &address, &address.replace("http://", "https://"));
    let told = checked(&bench);
    insta::with_settings!({filters => vec![("; [0-9]+ attempts", "; [n] attempts"), ("because .*", "because [TLS's words]")]}, {
        insta::assert_snapshot!(told);
    });
}

#[test]
fn programs_get_the_steps_as_json() {
    let well = Bench::new().place;
    let bench = Bench::failing(&["403:code=4030030@/iban-statements#*"]);
    let ended = bench.place.tieout(&["check", "job.toml", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((ended.code, told["works"].as_bool(), told["exit_code"].as_i64()), (1, Some(false), Some(1)));
    let steps = told["steps"].as_array().expect("a list");
    let failed: Vec<_> = steps.iter().filter(|step| step["outcome"] == "failed").collect();
    assert_eq!(
        (failed.len(), failed[0]["step"].as_str(), failed[0]["code"].as_i64()),
        (1, Some("rights"), Some(4_030_030))
    );
    assert!(failed[0]["hint"].as_str().is_some_and(|hint| hint.contains("leave the feed out")), "{failed:?}");
    let ended = well.tieout(&["check", "no-such.toml", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!((ended.code, told["steps"][0]["outcome"].as_str()), (2, Some("failed")));
    assert!(told["error"].as_str().is_some_and(|error| error.contains("no-such.toml")), "{told}");
}

/// The contract's own request, and nothing but it.
#[test]
fn apicheck_only_is_a_token_and_one_signed_request() {
    let bench = Bench::new();
    let ended = bench.place.tieout(&["check", "job.toml", "--apicheck-only"]);
    assert_eq!((ended.code, bench.control().counters().requests), (0, 2), "{}", ended.stderr);
    assert!(ended.stdout.contains("apicheck  ok"), "{}", ended.stdout);
}

/// Only reads: whatever is asked for beyond the token is a GET.
#[test]
fn a_check_changes_nothing() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let noted = std::sync::Arc::clone(&seen);
    let bench = Bench::with(|config| {
        config.on_request = Some(std::sync::Arc::new(move |record: &tieout::sandbox::RequestRecord| {
            noted.lock().expect("no panic").push(format!("{} {}", record.method, record.path));
        }));
    });
    assert_eq!(bench.place.tieout(&["check", "job.toml"]).code, 0);
    let seen = seen.lock().expect("no panic");
    assert!(seen.iter().all(|line| line.starts_with("GET ") || line == "POST /oauth/v2/token"), "{seen:?}");
    assert!(!bench.place.path("out").exists(), "nothing is written either");
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn serve_tls(place: &Place, port: u16) -> Child {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=unknown \
                  -addext subjectAltName=IP:127.0.0.1";
    let made = Command::new("sh").args(["-c", script]).current_dir(place.folder.path()).output().expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let server = Command::new("openssl")
        .args(["s_server", "-quiet", "-cert", "tls.pem", "-key", "tls.key", "-accept", &format!("127.0.0.1:{port}")])
        .current_dir(place.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl runs");
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}
