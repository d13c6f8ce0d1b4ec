//! The program as cron would run it: the binary, against the sandbox over real sockets, with real files.

#![allow(missing_docs, clippy::missing_errors_doc, reason = "the parts of a test are nobody's interface")]

mod archives;
mod books;
mod commands;
mod damaged;
mod faults;
mod in_parts;
mod kept;
mod misbehaving;
mod nights;
mod orders;
mod outputs;
mod resume;
mod secrets;
mod shards;
mod support;
