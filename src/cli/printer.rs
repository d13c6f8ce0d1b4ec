//! The only file that prints: results to stdout, progress and complaints to stderr.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where printing happens")]

use crate::Error;

/// Shows why a command could not finish.
pub fn error(error: &Error) {
    eprintln!("error: {error}");
}

/// Shows a result.
pub fn result(text: &str) {
    println!("{}", text.trim_end());
}

/// Shows a line of progress or advice.
pub fn note(text: &str) {
    eprintln!("{text}");
}
