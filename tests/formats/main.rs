//! Files for accounting programs: each format against the same books, a run's files read by programs that others wrote,
//! and what the job file says of them.

#![allow(missing_docs, reason = "a test crate has no readers of its docs")]

mod conformance;
mod jobs;
mod memory;
mod place;
mod programs;
