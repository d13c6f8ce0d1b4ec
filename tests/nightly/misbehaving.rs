//! A provider that misbehaves without end, one class at a time: the exit code, what is said, what is kept, and how much memory
//! and time it costs.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tieout::sandbox::generator::Recipe;
use tieout::sandbox::sample;

use super::support::{Bench, Ended, Place, rows};

const MEMORY_KIB_MAX: u64 = 256 << 10;
const WALL_MAX: Duration = Duration::from_secs(30);

/// A run, and the most memory that it held.
struct Measured {
    ended: Ended,
    peak_kib: u64,
    wall: Duration,
}

/// Runs with little patience, and looks at its memory all the while.
fn measured(bench: &Bench) -> Measured {
    let begun = Instant::now();
    let (stdout, stderr) = (bench.place.path("stdout"), bench.place.path("stderr"));
    let file = |path| Stdio::from(fs::File::create(path).expect("a file"));
    let mut run = bench
        .place
        .command(&["run", "job.toml", "--out", "out"])
        .stdout(file(&stdout))
        .stderr(file(&stderr))
        .spawn()
        .expect("it runs");
    let (status, peak_kib) = watched(&mut run);
    let text = |path| fs::read_to_string(path).expect("UTF-8");
    let code = status.code().expect("it ended by itself");
    Measured { ended: Ended { code, stdout: text(stdout), stderr: text(stderr) }, peak_kib, wall: begun.elapsed() }
}

/// Waits for the end of a process, and looks at its memory all the while.
pub fn watched(run: &mut Child) -> (ExitStatus, u64) {
    let status_file = format!("/proc/{}/status", run.id());
    let mut peak_kib = 0;
    loop {
        if let Some(status) = run.try_wait().expect("a child") {
            return (status, peak_kib);
        }
        let status = fs::read_to_string(&status_file).unwrap_or_default();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(3));
    }
}

/// Classes that hit one listing for good: the run goes on without it, says why, and ends with 4.
const LASTING: [(&str, &str); 22] = [
    ("429 without Retry-After", "429@LISTING#*"),
    ("429 with a Retry-After that is too long", "429:retry-after=3600@LISTING#*"),
    ("429 with a date that is too far", "429:retry-after=date+3600@LISTING#*"),
    ("429 of the business", "429:code=4290310@LISTING#*"),
    ("500", "500@LISTING#*"),
    ("502 as a web page", "502@LISTING#*"),
    ("503", "503@LISTING#*"),
    ("a reset at once", "reset@LISTING#*"),
    ("a reset in the middle", "reset:200@LISTING#*"),
    ("a body that is cut", "cut@LISTING#*"),
    ("a body that drips", "drip:1,50@LISTING#*"),
    ("no answer", "hang@LISTING#*"),
    ("a web page with 200", "html@LISTING#*"),
    ("nothing with 200", "empty@LISTING#*"),
    ("JSON that breaks off", "bad-json@LISTING#*"),
    ("a wrong hash", "wrong-hash@LISTING#*"),
    ("a redirect", "redirect@LISTING#*"),
    ("a body without end", "endless@LISTING#*"),
    ("a gzip bomb", "gzip-bomb@LISTING#*"),
    ("JSON a hundred thousand deep", "deep-json@LISTING#*"),
    ("a flood of headers", "headers@LISTING#*"),
    ("an account that is forbidden", "403@LISTING#*"),
];

/// All of them in one run, each on a card of its own: what the one costs adds to what the others cost.
#[test]
fn each_class_has_its_message_and_all_together_cost_little() {
    let mut recipe = Recipe::small(3, sample::window());
    (recipe.accounts, recipe.cards_per_account, recipe.rows_per_card, recipe.rows_per_account) = (4, 7, 12, 12);
    let books = recipe.ledger().books();
    let cards: Vec<String> =
        books.accounts.iter().flat_map(|account| &account.cards).map(|card| card.card_ref.clone()).collect();
    let faults =
        LASTING.iter().zip(&cards).map(|((_, fault), card)| fault.replace("LISTING", &format!("/cards/{card}/")));
    let faults: Vec<String> = faults.collect();
    let bench_of = |faults: &[String]| {
        let bench = Bench::with(|config| {
            config.books = books.clone();
            config.faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
        });
        let job = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
        let hurried = job.replace("attempts_max = 5", "attempts_max = 2").replace("_ms_max = 3000", "_ms_max = 4000");
        bench.place.write("job.toml", &hurried);
        bench
    };
    let calm = bench_of(&[]);
    assert!(matches!(calm.run().code, 0 | 3));
    let bench = bench_of(&faults);
    let Measured { ended, peak_kib, wall } = measured(&bench);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!((1..MEMORY_KIB_MAX).contains(&peak_kib), "{peak_kib} KiB");
    assert!(wall < WALL_MAX, "{wall:?}");
    let (reports, calm) = (bench.reports(), calm.reports());
    for whole in ["account_statements.csv", "iban_statements.csv", "credit_transfers.csv"] {
        assert_eq!(reports[whole], calm[whole], "whoever is not hit is whole");
    }
    let of_card = |reports: &std::collections::BTreeMap<String, String>, card: &str| {
        let all = rows(&reports["card_transactions.csv"]);
        all.into_iter().filter(|row| row["card_ref"] == card).map(|row| format!("{row:?}")).collect::<Vec<_>>()
    };
    let incomplete: std::collections::BTreeSet<String> = rows(&reports["breaks.csv"])
        .iter()
        .filter(|row| row["check"] == "completeness")
        .map(|row| row["owner_id"].clone())
        .collect();
    assert_eq!(incomplete, cards[..LASTING.len()].iter().cloned().collect());
    for card in &cards[LASTING.len()..] {
        assert_eq!(of_card(&reports, card), of_card(&calm, card));
    }
    let mut told = String::new();
    for ((class, _), card) in LASTING.iter().zip(&cards) {
        let message = ended.stderr.lines().find(|line| line.contains(&format!("of card {card}:")));
        let message = message.unwrap_or_else(|| panic!("nothing is said of {class}: {}", ended.stderr));
        let message = message.replace(card.as_str(), "[card]");
        let (_, message) = message.split_once("card [card]: ").expect("it names the card");
        writeln!(told, "{class}\n  {message}").expect("a text takes any text");
    }
    let filters = vec![
        (r"timestamp [0-9.]+", "timestamp […]"),
        (r"after [0-9]+ bytes", "after […] bytes"),
        (r"at byte [0-9]+", "at byte […]"),
        (r"; it was attempt 2", ""),
        (r"wait of 3[0-9]{3}s", "wait of an hour"),
        (r"\(GET [^)]*\)", "(GET …)"),
    ];
    insta::with_settings!({ filters => filters }, { insta::assert_snapshot!(told) });
}

/// Classes that pass: nothing is lost, nothing doubled, and memory stays small.
#[test]
fn what_moves_and_what_is_revoked_leaves_whole_reports() {
    for faults in [
        &["revoke@/transactions#2+"][..],
        &["insert@/accounts/1/statements#2", "delete@/accounts/1/statements#4"],
        &["429@*#4%", "500@*#3%", "reset@*#2%", "cut@*#2%"],
    ] {
        let bench = Bench::with(|config| {
            config.behaviour.page_rows_max = 20;
            config.faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
        });
        let Measured { ended, peak_kib, .. } = measured(&bench);
        let has_endless_revokes = faults[0].starts_with("revoke");
        assert_eq!(ended.code, if has_endless_revokes { 4 } else { 3 }, "{faults:?}: {}", ended.stderr);
        assert!(peak_kib < MEMORY_KIB_MAX, "{faults:?}: {peak_kib} KiB");
        // Of account 2 the sample lists a row twice.
        let reported = rows(&bench.reports()["account_statements.csv"]);
        let of_account: Vec<&str> =
            reported.iter().filter(|row| row["acc_id"] == "1").map(|row| row["txid"].as_str()).collect();
        let different: std::collections::HashSet<&str> = of_account.iter().copied().collect();
        assert_eq!(different.len(), of_account.len(), "{faults:?}");
        assert!(has_endless_revokes || different.len() > 100, "{faults:?}");
    }
}

/// However many listings fail, and on whatever layer: the run's requests are bounded by its listings and its one budget.
#[test]
fn retries_do_not_multiply_and_a_budget_ends_them() {
    let all = "@/accounts/#*";
    for what in ["503", "reset", "revoke"] {
        let bench = Bench::failing(&[&format!("{what}{all}"), &format!("{what}@/cards/#*")]);
        let job = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
        bench.place.write("job.toml", &job.replace("attempts_max = 5", "attempts_max = 5\nrun_retries_max = 12"));
        let Measured { ended, wall, .. } = measured(&bench);
        assert_eq!(ended.code, 4, "{what}: {}", ended.stderr);
        assert!(ended.stderr.contains("the run's 12 retries are used up"), "{what}: {}", ended.stderr);
        let log = bench.control().log();
        let listings: std::collections::HashSet<&str> =
            log.iter().map(|record| record.path.as_str()).filter(|path| path.starts_with("/v1.0/accounts/")).collect();
        let asked = log.iter().filter(|record| record.path.starts_with("/v1.0/accounts/")).count();
        // A token that is refused is replaced three times a request at most, beside the attempts.
        let each = if what == "revoke" { 1 + 3 } else { 1 };
        assert!(asked <= listings.len() * each + 12, "{what}: {asked} requests for {} listings", listings.len());
        assert!(wall < WALL_MAX, "{what}: {wall:?}");
    }
    // The list of accounts itself: nothing is committed.
    let bench = Bench::failing(&["503@/v1.0/#*"]);
    let ended = bench.run();
    assert_eq!((ended.code, bench.control().counters().requests), (1, 1 + 5), "{}", ended.stderr);
    assert!(!bench.place.path("out/reports").exists());
}

/// Ids that the provider gives never become paths on this machine, whatever they look like.
#[test]
fn ids_never_become_paths() {
    let long = "x".repeat(300);
    let ids = ["../../../escaped", "a/b", "NUL", "..", ".", "/etc/passwd", "c:\\x", "a\\u0000b", "é\\n", long.as_str()];
    let place = Place::new();
    let row =
        |txid: usize| super::books::settled(u32::try_from(txid).expect("few"), "2026-01-10 10:00:00", "1", "C", "1");
    let page = |(number, id): (usize, &&str)| super::books::page(&[row(number)]).replace("ANY1", id);
    let pages: Vec<String> = ids.iter().enumerate().map(page).collect();
    let (code, reports) = super::books::run(&place, &pages, "2026-01-01", "2026-01-31");
    let (taken, rejected) = (rows(&reports["card_transactions.csv"]).len(), rows(&reports["rejects.csv"]).len());
    assert_eq!((code, taken + rejected), (if rejected == 0 { 0 } else { 4 }, ids.len()), "{}", reports["rejects.csv"]);
    assert!(taken + 1 >= ids.len(), "{}", reports["rejects.csv"]);
    let is_named_after = |name: &str| ["escaped", "passwd", "NUL", "xxxx", "é"].iter().any(|id| name.contains(id));
    let names = super::support::tree(place.folder.path());
    assert!(!names.keys().any(|path| is_named_after(&path.to_string_lossy())), "{:?}", names.keys());
    assert!(!place.folder.path().parent().expect("a folder").join("escaped").exists());
}

/// Whatever a run makes that is nobody else's business, nobody else can read.
#[test]
fn state_and_landing_are_private() {
    let bench = Bench::new();
    assert_eq!(bench.run().code, 3);
    let mode = |name: &str| fs::metadata(bench.place.path(name)).expect("it is there").permissions().mode() & 0o777;
    for folder in ["out/raw", "out/raw/_runs", "out/raw/account_statements", "out/.tieout"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    assert_eq!((mode("out/tieout.db"), mode("out/.tieout/lock")), (0o600, 0o600));
    for file in super::support::tree(&bench.place.path("out/raw")).into_keys() {
        assert_eq!(mode(&format!("out/raw/{}", file.display())), 0o600, "{}", file.display());
    }
}

#[test]
fn plain_http_is_for_the_loopback_only() {
    let bench = Bench::new();
    let job = fs::read_to_string(bench.place.path("job.toml")).expect("the job");
    for url in ["http://ws.anyti.me", "http://127.0.0.1.evil.example", "http://[::2]", "ftp://127.0.0.1"] {
        bench.place.write("job.toml", &job.replace(&bench.sandbox.base_url(), url));
        let ended = bench.run();
        assert_eq!(ended.code, 2, "{url}: {}", ended.stderr);
        assert!(!bench.place.path("out").exists(), "{url}");
    }
}
