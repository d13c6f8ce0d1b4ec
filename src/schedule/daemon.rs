//! `tieout schedule`: one process that waits, and starts each job's run as a process of its own. A run that crashes takes
//! nobody with it, and has the locks and exit codes that it has under cron.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::process::{Pid, kill_process_group};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{Id, JoinError, JoinSet};

use super::agenda::{Act, Agenda};
use crate::{Error, Result};

/// The machine may sleep or its clock be put: nobody wakes us then, so we look.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// What a run is started with, and how long an end may take.
pub struct Daemon<'a> {
    /// This very program.
    pub program: PathBuf,
    /// Options of each run.
    pub options: Vec<OsString>,
    /// How long runs are waited for once it is to end.
    pub grace: Duration,
    /// Takes the lines that are told.
    pub say: &'a dyn Fn(&str),
}

/// A run that has ended.
struct Ended {
    status: io::Result<ExitStatus>,
    took: Duration,
}

impl Daemon<'_> {
    /// Runs the jobs until SIGTERM, SIGINT, or until none will ever run again. Whether every run came to its own end.
    ///
    /// # Errors
    /// When signals cannot be waited for.
    pub fn run(&self, agenda: Agenda) -> Result<bool> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::environment("the scheduler could not be started").because(error))?;
        runtime.block_on(async {
            Keeper { daemon: self, agenda, running: JoinSet::new(), at_work: Vec::new() }.keep().await
        })
    }
}

type Joined = std::result::Result<(Id, Ended), JoinError>;

struct Keeper<'a> {
    daemon: &'a Daemon<'a>,
    agenda: Agenda,
    running: JoinSet<Ended>,
    /// Who is at work, under which process id.
    at_work: Vec<AtWork>,
}

struct AtWork {
    task: Id,
    job: usize,
    process: Option<Pid>,
}

/// Somebody wants it to end.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> Result<Stop> {
        let wait =
            |kind| signal(kind).map_err(|error| Error::environment("signals cannot be waited for").because(error));
        Ok(Stop { terminate: wait(SignalKind::terminate())?, interrupt: wait(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

impl Keeper<'_> {
    async fn keep(mut self) -> Result<bool> {
        let mut stop = Stop::new()?;
        for job in 0..self.agenda.len() {
            self.tell_next(job, "scheduled");
        }
        loop {
            let Some(wait) = self.wait() else {
                (self.daemon.say)("no job will ever run again");
                return Ok(true);
            };
            tokio::select! {
                () = stop.asked() => break,
                () = tokio::time::sleep(wait) => {
                    for act in self.agenda.wake(Utc::now()) {
                        self.act(&act);
                    }
                }
                Some(ended) = self.running.join_next_with_id(), if !self.running.is_empty() => self.ended(ended),
            }
        }
        Ok(self.finish(&mut stop).await)
    }

    /// How long there is nothing to do; `None` when there never will be.
    fn wait(&self) -> Option<Duration> {
        match self.agenda.next() {
            None if self.running.is_empty() => None,
            None => Some(LOOK_EVERY),
            Some(next) => Some((next - Utc::now()).to_std().unwrap_or_default().min(LOOK_EVERY)),
        }
    }

    fn act(&mut self, act: &Act) {
        let say = self.daemon.say;
        let name = |job: usize| self.agenda.job(job).name.clone();
        match *act {
            Act::Start { job, late_s } => {
                match late_s {
                    Some(late_s) => say(&format!("{}: begins, {late_s} s late: its time was slept through", name(job))),
                    None => say(&format!("{}: begins", name(job))),
                }
                self.start(job);
            }
            Act::Skip { job } => self.tell_next(job, "skipped: the run before it has not ended"),
            Act::Wait { job, behind } => {
                say(&format!("{}: waits for {}, which has the same output directory", name(job), name(behind)));
            }
        }
    }

    fn start(&mut self, job: usize) {
        let mut command = Command::new(&self.daemon.program);
        command.args(&self.daemon.options).arg("run").arg(&self.agenda.job(job).path);
        // A group of its own: Ctrl-C is for the scheduler, which then waits for its runs.
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        let began = Instant::now();
        let child = command.spawn();
        let process = child.as_ref().ok().and_then(Child::id).and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let task = self.running.spawn(async move {
            let status = match child {
                Ok(mut child) => child.wait().await,
                Err(error) => Err(error),
            };
            Ended { status, took: began.elapsed() }
        });
        self.at_work.push(AtWork { task: task.id(), job, process });
    }

    fn ended(&mut self, ended: Joined) {
        let (job, how) = self.how_it_ended(ended);
        self.tell_next(job, &how);
        if let Some(act) = self.agenda.ended(job) {
            self.act(&act);
        }
    }

    fn how_it_ended(&mut self, ended: Joined) -> (usize, String) {
        let (task, how) = match ended {
            Ok((task, Ended { status, took })) => (task, told(status, took)),
            Err(error) => (error.id(), format!("was lost sight of: {error}")),
        };
        let place = self.at_work.iter().position(|at_work| at_work.task == task).expect("each task was noted");
        (self.at_work.swap_remove(place).job, how)
    }

    /// Starts nothing more, and waits for what runs.
    async fn finish(&mut self, stop: &mut Stop) -> bool {
        let (say, grace) = (self.daemon.say, self.daemon.grace);
        if self.running.is_empty() {
            say("stopped: nothing was running");
            return true;
        }
        let names: Vec<&str> = self.at_work.iter().map(|at_work| self.agenda.job(at_work.job).name.as_str()).collect();
        say(&format!("stopping: waits for {} to end, {} s at most", names.join(", "), grace.as_secs()));
        let late = tokio::time::sleep(grace);
        tokio::pin!(late);
        loop {
            let why = tokio::select! {
                ended = self.running.join_next_with_id() => {
                    let Some(ended) = ended else { break };
                    let (job, how) = self.how_it_ended(ended);
                    say(&format!("{}: {how}", self.agenda.job(job).name));
                    continue;
                }
                () = &mut late => "it took too long",
                () = stop.asked() => "a second signal came",
            };
            let left = self.running.len();
            say(&format!("stopped: {why}; {left} runs are killed, the next ones go on where these were"));
            // With all that they have started: a hook outlives nobody.
            for process in self.at_work.iter().filter_map(|at_work| at_work.process) {
                let _ = kill_process_group(process, rustix::process::Signal::KILL);
            }
            self.running.shutdown().await;
            return false;
        }
        say("stopped: every run has ended");
        true
    }

    fn tell_next(&self, job: usize, what: &str) {
        let next = match self.agenda.due(job) {
            Some(next) => format!("next at {}", self.local(job, next)),
            None => "it will not run again".to_owned(),
        };
        (self.daemon.say)(&format!("{}: {what}; {next}", self.agenda.job(job).name));
    }

    fn local(&self, job: usize, at: DateTime<Utc>) -> String {
        let tz = self.agenda.job(job).schedule.zone().tz();
        at.with_timezone(&tz).to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

fn told(status: io::Result<ExitStatus>, took: Duration) -> String {
    match status {
        Ok(status) => match status.code() {
            Some(code) => format!("ended with exit code {code} after {} s", took.as_secs()),
            None => format!("was killed ({status}) after {} s", took.as_secs()),
        },
        Err(error) => format!("could not be started: {error}"),
    }
}
