//! What an operator relies on: schedules, units, figures, hooks and logs. The binary, with real processes, sockets and signals.

#![allow(missing_docs, clippy::missing_errors_doc, reason = "the parts of a test are nobody's interface")]

mod ends;
mod hooks;
mod listener;
mod logs;
mod place;
mod processes;
mod units;
