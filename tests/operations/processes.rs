//! The scheduler as a process: it waits, starts runs, skips what overlaps, and ends when it is told to.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tieout::sandbox::{PublicKey, Sandbox, SandboxConfig};

use super::place::{Place, archive};

const KEY_PEM: &str = include_str!("../fixtures/keys/id_rsa.pem");

const EVERY_SECOND: &str = "[schedule]\ncron = \"* * * * * *\"\n";
const PATIENCE: Duration = Duration::from_mins(1);

struct Scheduler {
    process: Child,
    lines: Receiver<String>,
    told: Vec<String>,
}

impl Scheduler {
    fn start(place: &Place, more: &[&str]) -> Scheduler {
        archive();
        let mut command = place.command(&[&["schedule", "jobs"], more].concat());
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
        let stderr = BufReader::new(process.stderr.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Scheduler { process, lines, told: Vec::new() }
    }

    /// Waits for a line that holds `words`.
    fn says(&mut self, words: &str) {
        self.says_all(&[words]);
    }

    /// Waits for a line with each of these words, in whichever order they come.
    fn says_all(&mut self, words: &[&str]) {
        let until = Instant::now() + PATIENCE;
        let mut awaited = words.to_vec();
        while !awaited.is_empty() {
            let line = self.lines.recv_timeout(until.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("expected {awaited:?} in {:#?}", self.told));
            awaited.retain(|words| !line.contains(words));
            self.told.push(line);
        }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status();
        assert!(status.expect("kill").success());
    }

    /// Its exit code, and all that it said.
    fn end(mut self) -> (i32, Vec<String>) {
        let code = self.process.wait().expect("it ends").code().expect("it was not killed");
        self.told.extend(self.lines.iter());
        (code, std::mem::take(&mut self.told))
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        let _ = self.process.kill();
    }
}

#[test]
fn jobs_run_by_their_schedule_and_a_signal_ends_it() {
    let place = Place::new();
    place.job("nightly", EVERY_SECOND);
    place.failing_job("failing", EVERY_SECOND);
    place.job("by-hand", "");
    let mut scheduler = Scheduler::start(&place, &[]);
    scheduler.says("nightly: ended with exit code 3 after");
    scheduler.says("nightly: ended with exit code 3 after");
    scheduler.signal("TERM");
    scheduler.says("stopp");
    let (code, told) = scheduler.end();
    assert_eq!(code, 0, "{told:#?}");
    assert!(told.iter().any(|line| line.contains("failing: ended with exit code 1 after")), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("nightly: scheduled; next at 20")), "{told:#?}");
    assert!(!told.iter().any(|line| line.contains("by-hand")), "{told:#?}");
    assert!(place.path("out-nightly/reports/nightly/2026-08-01_2026-10-31/manifest.json").exists());
}

#[test]
fn a_run_that_is_late_is_not_overtaken_and_is_waited_for_at_the_end() {
    let place = Place::new();
    place.write("hook", "#!/bin/sh\necho the hook waits\nsleep 5\ntouch hooked\n");
    place.job("slow", &format!("{EVERY_SECOND}[notify]\ncommand = [\"/bin/sh\", \"hook\"]\n"));
    let mut scheduler = Scheduler::start(&place, &[]);
    scheduler.says("slow: begins");
    // The run itself may be over before the next one is due, or not.
    scheduler.says_all(&["slow: skipped: the run before it has not ended; next at", "the hook waits"]);
    assert!(!place.path("hooked").exists());
    scheduler.signal("INT");
    scheduler.says("stopping: waits for slow to end, 300 s at most");
    let (code, told) = scheduler.end();
    assert_eq!(code, 0, "{told:#?}");
    assert!(place.path("hooked").exists(), "{told:#?}");
    assert_eq!(told.iter().filter(|line| line.contains("slow: begins")).count(), 1, "{told:#?}");
    assert!(told.last().is_some_and(|line| line.contains("stopped: every run has ended")), "{told:#?}");
}

/// SIGTERM in the middle of a fetch, as a machine that is shut down sends it.
#[test]
fn a_run_that_is_asking_when_the_signal_comes_is_committed_first() {
    let place = Place::new();
    let key = PublicKey::from_pem(KEY_PEM).expect("a key");
    let mut config = SandboxConfig::new(key);
    config.behaviour.latency = Duration::from_millis(20);
    let sandbox = Sandbox::start(config).expect("a sandbox");
    let job = place.failing_job("nightly", EVERY_SECOND);
    let text = std::fs::read_to_string(&job)
        .expect("a job")
        .replace("http://127.0.0.1:1\"", &format!("{}\"", sandbox.base_url()));
    let text = text
        .replace("username = \"x\"", "username = \"sandbox-user\"")
        .replace("client_id = \"x\"", "client_id = \"sandbox-client\"");
    let text = text.replacen("{ file = \"secret\" }", "{ file = \"client\" }", 1);
    place.write("jobs/nightly.toml", &text);
    place.write("jobs/client", "sandbox-client-secret\n");
    place.write("jobs/secret", "sandbox-password\n");
    let mut scheduler = Scheduler::start(&place, &[]);
    scheduler.says("nightly: begins");
    let begun = Instant::now();
    while sandbox.control().counters().requests < 10 {
        assert!(begun.elapsed() < PATIENCE, "it asks nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    let manifest = place.path("out-nightly/reports/nightly/2026-08-01_2026-10-31/manifest.json");
    assert!(!manifest.exists(), "it is at work");
    scheduler.signal("TERM");
    scheduler.says("stopping: waits for nightly to end");
    let (code, told) = scheduler.end();
    assert_eq!(code, 0, "{told:#?}");
    assert!(told.iter().any(|line| line.contains("nightly: ended with exit code 3 after")), "{told:#?}");
    assert!(manifest.exists(), "{told:#?}");
}

#[test]
fn patience_at_the_end_is_bounded() {
    for (more, second) in [(&["--grace-s", "1"][..], false), (&[][..], true)] {
        let place = Place::new();
        place.write("hook", "#!/bin/sh\necho the hook waits\nexec sleep 50\n");
        let notify = "[notify]\nwait_s_max = 60\ncommand = [\"/bin/sh\", \"hook\"]\n";
        place.job("slow", &format!("{EVERY_SECOND}{notify}"));
        let mut scheduler = Scheduler::start(&place, more);
        scheduler.says("the hook waits");
        scheduler.signal("TERM");
        scheduler.says("stopping: waits for slow");
        let began = Instant::now();
        if second {
            scheduler.signal("TERM");
        }
        scheduler.says(if second { "a second signal came" } else { "it took too long" });
        // Its stderr ends with the last that holds it: the hook, too, is gone.
        let (code, told) = scheduler.end();
        assert_eq!(code, 1, "{told:#?}");
        assert!(began.elapsed() < Duration::from_secs(30));
    }
}

#[test]
fn what_is_wrong_is_told_before_anything_waits() {
    let place = Place::new();
    place.job("a", "[schedule]\ncron = \"0 0 * * *\"\n[report]\nlocale = \"xx\"\n");
    place.job("b", "[schedule]\ncron = \"0 0 * * *\"\n[output]\n");
    let ended = place.tieout(&["schedule", "jobs"]);
    assert_eq!(ended.code, 2);
    place.job("b", "[schedule]\ncron = \"0 0 * * *\"\n[limits]\nattempts_max = 0\n");
    let ended = place.tieout(&["schedule", "jobs"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("unknown locale") && ended.stderr.contains("attempts_max"), "{}", ended.stderr);
    let ended = Place::new().tieout(&["schedule", "."]);
    assert!(ended.code == 2 && ended.stderr.contains("expected a job file with a [schedule], found none"));
}
