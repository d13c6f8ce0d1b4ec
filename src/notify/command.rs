//! A program that is told of a run: the summary on its input, the rest in its environment. No shell, no secrets of the job.

use std::ffi::OsString;
use std::io::{ErrorKind, stderr};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs `words` and waits for its end. What it prints goes to stderr: stdout is the run's own.
pub(super) async fn run(
    words: &[String],
    told: &[(&str, Option<OsString>)],
    hidden: &[String],
    body: &[u8],
) -> Result<(), String> {
    let (program, arguments) = words.split_first().expect("a command is not empty");
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(stderr()).stderr(stderr()).kill_on_drop(true);
    for name in hidden {
        command.env_remove(name);
    }
    for (name, value) in told {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut input = child.stdin.take().expect("it was asked for");
    match input.write_all(body).await {
        Ok(()) => {}
        // It need not read what it is told.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        Err(error) => return Err(error.to_string()),
    }
    drop(input);
    let status = child.wait().await.map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("it ended with {status}")) }
}
