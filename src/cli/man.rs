//! `tieout man`.

use clap::{Args, Command};
use clap_mangen::Man;

use super::exit::Exit;
use super::printer;
use crate::catalogue::{self, Kind};
use crate::{Error, Result};

/// Print the man page
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tieout man | man -l -\n  tieout man > /usr/local/share/man/man1/tieout.1")]
pub struct Arguments {}

/// Runs the command; `program` is the whole command line.
///
/// # Errors
/// Never, but for a text that cannot be formatted.
pub fn execute(_: &Arguments, program: Command) -> Result<Exit> {
    let mut text = Vec::new();
    render(program, &mut text).map_err(|error| Error::environment("the man page could not be made").because(error))?;
    printer::result(&String::from_utf8_lossy(&text));
    Ok(Exit::Ties)
}

fn render(program: Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    // Options of each command stand on the one page: nobody looks for a page a command.
    let commands: Vec<Command> = program.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let man = Man::new(program);
    man.render_title(text)?;
    man.render_name_section(text)?;
    man.render_synopsis_section(text)?;
    man.render_description_section(text)?;
    for command in commands {
        let name = command.get_name().to_uppercase();
        text.extend_from_slice(format!(".SH \"{name}\"\n").as_bytes());
        let help = command.bin_name(format!("tieout {}", name.to_lowercase())).term_width(78).render_long_help();
        text.extend_from_slice(b".nf\n");
        text.extend_from_slice(literal(&help.to_string()).as_bytes());
        text.extend_from_slice(b".fi\n");
    }
    text.extend_from_slice(b".SH \"EXIT STATUS\"\n");
    for entry in catalogue::all().iter().filter(|entry| entry.kind == Kind::Exit) {
        text.extend_from_slice(
            format!(".TP\n\\fB{}\\fR\n{}\n", entry.name, literal(entry.means).trim_end()).as_bytes(),
        );
    }
    Ok(())
}

/// A text that the formatter takes as it is: no line begins with a request, no backslash is an escape.
fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    escaped
        .lines()
        .map(|line| if line.starts_with(['.', '\'']) { format!("\\&{line}\n") } else { format!("{line}\n") })
        .collect()
}
