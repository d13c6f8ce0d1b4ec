//! The units that are printed: checked in as they are, understood by systemd and Kubernetes, and due when the schedule says.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, Utc};
use tieout::record::Zone;
use tieout::schedule::Schedule;

use super::place::{Place, ROOT, python};

#[test]
fn the_units_in_jobs_are_those_that_are_printed() {
    let place = Place::new();
    for (kind, names) in
        [("crontab", &["crontab"][..]), ("systemd", &["tieout-nightly.service", "tieout-nightly.timer"][..])]
    {
        let mut command = place.command(&["schedule", "--print", kind, "jobs/nightly.toml", "--to"]);
        let status = command.arg(place.folder.path()).current_dir(ROOT).status().expect("it runs");
        assert!(status.success());
        for name in names {
            let checked_in = Path::new(ROOT).join("jobs").join(name);
            if std::env::var_os("TIEOUT_REWRITE_UNITS").is_some() {
                fs::write(&checked_in, place.read(name)).expect("a file");
            }
            assert_eq!(place.read(name), fs::read_to_string(checked_in).expect("a unit"), "{name}");
        }
    }
}

/// A job of that schedule.
fn nightly(place: &Place, name: &str, cron: &str, zone: &str) -> String {
    let path = place.job(name, &format!("[schedule]\ncron = \"{cron}\"\n"));
    let text = fs::read_to_string(&path).expect("a job");
    fs::write(&path, text.replace("[job]", &format!("[job]\ntimezone = \"{zone}\""))).expect("a job");
    format!("jobs/{name}.toml")
}

#[test]
fn systemd_finds_nothing_wrong_with_its_units() {
    let place = Place::new();
    nightly(&place, "nightly", "30 2 * * *", "Europe/Paris");
    nightly(&place, "often", "*/10 6-20 1,15 * MON-FRI", "America/New_York");
    fs::create_dir(place.path("in stalled")).expect("a folder");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tieout"), place.path("in stalled/tieout")).expect("a link");
    fs::create_dir(place.path("units")).expect("a folder");
    let installed = place.path("in stalled").display().to_string();
    let ended = place.tieout(&["schedule", "--print", "systemd", "jobs", "--to", "units", "--directory", &installed]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (0, 4), "{}", ended.stderr);
    let timers = ["units/tieout-nightly.timer", "units/tieout-often.timer"];
    let services = ["units/tieout-nightly.service", "units/tieout-often.service"];
    let verify = |units: &[&str]| {
        let output = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .args(units.iter().map(|unit| place.path(unit)))
            .output()
            .expect("systemd-analyze; tests/all installs it");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        // What this machine's own units lack is not ours.
        let ours: Vec<&str> = told.lines().filter(|line| line.contains("tieout")).collect();
        (output.status.success(), ours.join("\n"))
    };
    assert_eq!(verify(&[timers, services].concat()), (true, String::new()));
    // The program that verifies does see what is wrong.
    let broken = place.read(services[0]).replace("Type=oneshot", "Type=onceshot").replace("/tieout\"", "/teiout\"");
    place.write(services[0], &broken);
    let (is_fine, told) = verify(&services);
    assert!(!is_fine && told.contains("teiout"), "{told}");
}

#[test]
fn systemd_runs_jobs_when_the_schedule_says() {
    let place = Place::new();
    // Away from the hours in which clocks are put: there systemd has rules of its own.
    for (number, (cron, zone)) in [
        ("30 4 * * *", "Europe/Paris"),
        ("*/20 5-7 * * *", "Europe/Paris"),
        ("0 12 1,15 * *", "America/New_York"),
        ("0 12 13 * FRI", "Asia/Tokyo"),
        ("15,45 * * 3,10 SUN", "UTC"),
        ("0 0 10 * * 1-5", "Europe/London"),
        ("0 6 * * 7", "Europe/Paris"),
    ]
    .into_iter()
    .enumerate()
    {
        let job = nightly(&place, &format!("job-{number}"), cron, zone);
        let printed = place.tieout(&["schedule", "--print", "systemd", &job]).stdout;
        let calendars: Vec<&str> = printed.lines().filter_map(|line| line.strip_prefix("OnCalendar=")).collect();
        let mut theirs: Vec<DateTime<Utc>> = calendars.iter().flat_map(|calendar| elapses(calendar)).collect();
        theirs.sort();
        theirs.dedup();
        let schedule = Schedule::parse(cron, Zone::parse(zone).expect("a zone")).expect("a schedule");
        let mut at: DateTime<Utc> = BASE.parse().expect("an instant");
        for theirs in &theirs[..25] {
            at = schedule.next_after(at).expect("there is another");
            assert_eq!(at, *theirs, "{cron} {zone}: {calendars:?}");
        }
    }
}

const BASE: &str = "2026-01-31T22:00:00Z";

/// When systemd's own calendar elapses.
fn elapses(calendar: &str) -> Vec<DateTime<Utc>> {
    let output = Command::new("systemd-analyze")
        .args(["calendar", "--iterations=30", "--base-time=2026-01-31 22:00:00 UTC", calendar])
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .output()
        .expect("systemd-analyze; tests/all installs it");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{calendar}: {}", String::from_utf8_lossy(&output.stderr));
    // "Next elapse: Sun 2026-02-01 03:30:00 UTC" and "Iter. #2: …"
    let instant = |line: &str| {
        let (what, when) = line.trim().split_once(": ")?;
        let is_elapse = what == "Next elapse" || what.starts_with("Iter. #") || what.starts_with("Iteration #");
        let when = when.trim().split_once(' ')?.1.strip_suffix(" UTC")?;
        is_elapse.then(|| format!("{}Z", when.replace(' ', "T")).parse().expect("an instant"))
    };
    told.lines().filter_map(instant).collect()
}

#[test]
fn kubernetes_takes_its_cron_jobs() {
    let place = Place::new();
    nightly(&place, "nightly", "30 2 * * *", "Europe/Paris");
    nightly(&place, "weekly", "0 6 * * 1-5,7", "America/New_York");
    let ended = place.tieout(&["schedule", "--print", "kubernetes", "jobs", "--image", "registry.example/tieout:1"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let told = python("cronjob", &place.write("cronjobs.yaml", &ended.stdout));
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "tieout-nightly|30 2 * * *|Europe/Paris|--log-format|json|run|/srv/tieout/jobs/nightly.toml|\
             /srv/tieout/jobs/nightly.toml|/srv/tieout/jobs/keys|/srv/tieout/out-nightly|/tmp",
            "tieout-weekly|0 6 * * 0,1,2,3,4,5|America/New_York|--log-format|json|run|/srv/tieout/jobs/weekly.toml|\
             /srv/tieout/jobs/weekly.toml|/srv/tieout/jobs/keys|/srv/tieout/out-weekly|/tmp",
        ]
    );
}

#[test]
fn what_cannot_be_expressed_is_refused() {
    let place = Place::new();
    let refused = |cron: &str, kind: &str| {
        let job = nightly(&place, "nightly", cron, "Europe/Paris");
        let ended = place.tieout(&["schedule", "--print", kind, &job]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{cron} {kind}");
        ended.stderr
    };
    assert!(refused("30 2 L * *", "systemd").contains("systemd's timers cannot express L, W and #"));
    assert!(refused("5 30 2 * * *", "crontab").contains("cron cannot express seconds"));
    assert!(refused("30 2 * * MON#1", "kubernetes").contains("Kubernetes cannot express L, W and #"));
    assert!(refused("every night", "systemd").contains("'cron' must be a schedule, found \"every night\""));
    let ended = place.tieout(&["schedule", "--print", "systemd", "jobs", "--directory", "/srv\n[Service]"]);
    assert_eq!(ended.code, 2, "{}", ended.stdout);
}
