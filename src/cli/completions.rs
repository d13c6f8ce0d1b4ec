//! `tieout completions`.

use clap::{Args, Command, ValueEnum};
use clap_complete::{Shell, generate};

use super::exit::Exit;
use super::printer;
use crate::Result;

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tieout completions bash > ~/.local/share/bash-completion/completions/tieout\n  \
                  tieout completions zsh > ~/.zfunc/_tieout\n  tieout completions fish > ~/.config/fish/completions/tieout.fish")]
pub struct Arguments {
    /// The shell
    shell: Known,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Known {
    Bash,
    Zsh,
    Fish,
}

/// Runs the command; `program` is the whole command line.
///
/// # Errors
/// Never.
pub fn execute(arguments: &Arguments, mut program: Command) -> Result<Exit> {
    let shell = match arguments.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    let mut text = Vec::new();
    generate(shell, &mut program, "tieout", &mut text);
    printer::result(&String::from_utf8_lossy(&text));
    Ok(Exit::Ties)
}
