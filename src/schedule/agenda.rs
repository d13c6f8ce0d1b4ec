//! What is due: pure, told the time from outside, so that sleep, late wake-ups and clocks that are put can be tried without
//! waiting for them.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};

use crate::job::Scheduled;

/// A job that begins later than this was asleep at its time.
const LATE: TimeDelta = TimeDelta::seconds(30);

/// What happens to a job whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It runs.
    Start {
        /// Its place in the agenda.
        job: usize,
        /// By how many seconds it begins later than its time, where that is worth a word.
        late_s: Option<i64>,
    },
    /// It is still at its run of the time before, or has been waiting since: this time is skipped.
    Skip {
        /// Its place in the agenda.
        job: usize,
    },
    /// Another job works in the same output directory: it runs as soon as that one has ended.
    Wait {
        /// Its place in the agenda.
        job: usize,
        /// The other job's.
        behind: usize,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Now {
    Idle,
    Waiting,
    Running,
}

#[derive(Debug)]
struct Entry {
    job: Scheduled,
    directory: PathBuf,
    due: Option<DateTime<Utc>>,
    now: Now,
}

/// Jobs with their next times.
#[derive(Debug)]
pub struct Agenda {
    entries: Vec<Entry>,
}

impl Agenda {
    /// The jobs, each to run at its first time after `at`.
    pub fn new(jobs: Vec<Scheduled>, at: DateTime<Utc>) -> Agenda {
        let entry = |job: Scheduled| {
            // Two ways to write one directory are one directory.
            let directory = std::path::absolute(&job.output).unwrap_or_else(|_| job.output.clone());
            let directory = directory.canonicalize().unwrap_or(directory);
            Entry { due: job.schedule.next_after(at), directory, job, now: Now::Idle }
        };
        Agenda { entries: jobs.into_iter().map(entry).collect() }
    }

    /// A job.
    pub fn job(&self, job: usize) -> &Scheduled {
        &self.entries[job].job
    }

    /// How many jobs there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When a job runs next.
    pub fn due(&self, job: usize) -> Option<DateTime<Utc>> {
        self.entries[job].due
    }

    /// When the next of all jobs runs; `None` when none ever will.
    pub fn next(&self) -> Option<DateTime<Utc>> {
        self.entries.iter().filter_map(|entry| entry.due).min()
    }

    /// What is to be done at `at`. However many of a job's times have passed, it is one run.
    pub fn wake(&mut self, at: DateTime<Utc>) -> Vec<Act> {
        let mut acts = Vec::new();
        for job in 0..self.entries.len() {
            let entry = &mut self.entries[job];
            let Some(due) = entry.due.filter(|due| *due <= at) else { continue };
            entry.due = entry.job.schedule.next_after(at);
            let late_s = Some(at - due).filter(|late| *late >= LATE).map(|late| late.num_seconds());
            acts.push(if entry.now == Now::Idle { self.start(job, late_s) } else { Act::Skip { job } });
        }
        acts
    }

    /// A job's run has ended; who waited for its directory starts.
    pub fn ended(&mut self, job: usize) -> Option<Act> {
        self.entries[job].now = Now::Idle;
        let directory = self.entries[job].directory.clone();
        let is_next = |entry: &Entry| entry.now == Now::Waiting && entry.directory == directory;
        let next = self.entries.iter().position(is_next)?;
        Some(self.start(next, None))
    }

    fn start(&mut self, job: usize, late_s: Option<i64>) -> Act {
        let directory = &self.entries[job].directory;
        let holder = self.entries.iter().position(|other| other.now == Now::Running && other.directory == *directory);
        let (now, act) = match holder {
            Some(behind) => (Now::Waiting, Act::Wait { job, behind }),
            None => (Now::Running, Act::Start { job, late_s }),
        };
        self.entries[job].now = now;
        act
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Zone;
    use crate::schedule::Schedule;

    fn job(name: &str, cron: &str, output: &str) -> Scheduled {
        let zone = Zone::parse("Europe/Paris").expect("a zone");
        let schedule = Schedule::parse(cron, zone).expect("a schedule");
        let path = format!("{name}.toml").into();
        Scheduled { path, name: name.to_owned(), schedule, output: output.into(), textfile: None }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn what_was_slept_through_runs_once() {
        let mut agenda = Agenda::new(vec![job("hourly", "0 * * * *", "out")], at("2026-11-01T08:30:00Z"));
        assert_eq!(agenda.next(), Some(at("2026-11-01T09:00:00Z")));
        assert_eq!(agenda.wake(at("2026-11-01T08:59:59Z")), []);
        assert_eq!(agenda.wake(at("2026-11-03T12:10:00Z")), [Act::Start { job: 0, late_s: Some(184_200) }]);
        assert_eq!(agenda.next(), Some(at("2026-11-03T13:00:00Z")));
        assert_eq!(agenda.wake(at("2026-11-03T12:11:00Z")), []);
    }

    #[test]
    fn a_clock_that_is_put_back_runs_nothing_twice() {
        let mut agenda = Agenda::new(vec![job("hourly", "0 * * * *", "out")], at("2026-11-01T08:30:00Z"));
        assert_eq!(agenda.wake(at("2026-11-01T09:00:00Z")).len(), 1);
        assert_eq!(agenda.ended(0), None);
        assert_eq!(agenda.wake(at("2026-11-01T08:40:00Z")), []);
        assert_eq!(agenda.wake(at("2026-11-01T09:00:05Z")), []);
        assert_eq!(agenda.wake(at("2026-11-01T10:00:00Z")), [Act::Start { job: 0, late_s: None }]);
    }

    #[test]
    fn a_job_that_is_still_at_it_is_skipped() {
        let mut agenda = Agenda::new(vec![job("hourly", "0 * * * *", "out")], at("2026-11-01T08:30:00Z"));
        assert_eq!(agenda.wake(at("2026-11-01T09:00:00Z")), [Act::Start { job: 0, late_s: None }]);
        assert_eq!(agenda.wake(at("2026-11-01T10:00:00Z")), [Act::Skip { job: 0 }]);
        assert_eq!(agenda.ended(0), None);
        assert_eq!(agenda.wake(at("2026-11-01T11:00:00Z")), [Act::Start { job: 0, late_s: None }]);
    }

    #[test]
    fn jobs_of_one_output_directory_run_one_behind_the_other() {
        let jobs = vec![job("a", "0 * * * *", "out"), job("b", "0 * * * *", "./out"), job("c", "0 * * * *", "other")];
        let mut agenda = Agenda::new(jobs, at("2026-11-01T08:30:00Z"));
        let started = |job| Act::Start { job, late_s: None };
        let acts = agenda.wake(at("2026-11-01T09:00:00Z"));
        assert_eq!(acts, [started(0), Act::Wait { job: 1, behind: 0 }, started(2)]);
        assert_eq!(agenda.wake(at("2026-11-01T10:00:00Z")).len(), 3);
        assert_eq!(agenda.ended(2), None);
        assert_eq!(agenda.ended(0), Some(started(1)));
        assert_eq!(agenda.ended(1), None);
    }
}
