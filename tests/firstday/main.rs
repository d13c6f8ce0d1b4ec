//! The first day of a new user: a job file and a key, what works, what it all means, and what Ctrl-C leaves.

#![allow(missing_docs, clippy::missing_errors_doc, reason = "a test crate has no readers of its docs")]

mod check;
mod explain;
mod init;
mod interrupt;
mod packages;
mod readme;
#[path = "../nightly/support.rs"]
#[allow(dead_code, reason = "shared with another test crate, which needs more of it")]
mod support;
mod walk;
