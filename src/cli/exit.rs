//! Exit codes of the contract.

use std::process::ExitCode;

use crate::pipeline::report::Outcome;
use crate::{Error, ErrorKind};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: finished, everything ties.
    Ties,
    /// 1: could not finish; nothing was committed.
    Unfinished,
    /// 2: usage, or a job file that is wrong.
    Usage,
    /// 3: committed, with open breaks.
    Breaks,
    /// 4: committed in part.
    Partial,
    /// 75: another run holds the output directory.
    Locked,
    /// 101: a bug of tieout's own, as Rust programs end.
    Bug,
    /// 130: interrupted by Ctrl-C, as a shell counts it.
    Interrupted,
}

impl Exit {
    /// All of them.
    pub const ALL: [Exit; 8] = [
        Exit::Ties,
        Exit::Unfinished,
        Exit::Usage,
        Exit::Breaks,
        Exit::Partial,
        Exit::Locked,
        Exit::Bug,
        Exit::Interrupted,
    ];

    /// The number the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Ties => 0,
            Exit::Unfinished => 1,
            Exit::Usage => 2,
            Exit::Breaks => 3,
            Exit::Partial => 4,
            Exit::Locked => 75,
            Exit::Bug => 101,
            Exit::Interrupted => 130,
        }
    }

    /// How a run ended that committed with this code and need not be run again; `None` for one that should.
    pub fn finished_with(code: u8) -> Option<Exit> {
        [Exit::Ties, Exit::Breaks].into_iter().find(|exit| exit.code() == code)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ties => Exit::Ties,
            Outcome::Breaks => Exit::Breaks,
            Outcome::Partial => Exit::Partial,
        }
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Usage | ErrorKind::Job => Exit::Usage,
            ErrorKind::Provider | ErrorKind::Environment => Exit::Unfinished,
            ErrorKind::Locked => Exit::Locked,
        }
    }
}
