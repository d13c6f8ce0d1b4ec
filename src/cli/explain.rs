//! `tieout explain`.

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::exit::Exit;
use super::printer::{self, Format};
use crate::catalogue::{self, Entry, Kind};
use crate::{Error, Result};

/// Explain a check, a cause of a break, an exit code or an error code of the provider; without a name, list them all
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tieout explain missing_entry\n  tieout explain 3\n  tieout explain 4010060")]
pub struct Arguments {
    /// The word or code as it is printed, or the name of the provider's exception
    name: Option<String>,
    /// How the result is shown
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// When nothing has that name.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let text = match (&arguments.name, arguments.format) {
        (Some(name), Format::Text) => explained(&named(name)?),
        (Some(name), Format::Json) => pretty(&to_json(&named(name)?)),
        (None, Format::Text) => list(),
        (None, Format::Json) => pretty(&catalogue::all().iter().map(to_json).collect()),
    };
    printer::result(&text);
    Ok(Exit::Ties)
}

fn named(name: &str) -> Result<Entry> {
    catalogue::find(name).ok_or_else(|| {
        let nearest = catalogue::nearest(name);
        let hint = if nearest.is_empty() {
            "`tieout explain` lists all names".to_owned()
        } else {
            format!("did you mean {}?", nearest.join(", "))
        };
        Error::usage(format!("expected a check, a cause, an exit code or a code of the provider, found '{name}'"))
            .hint(hint)
    })
}

fn explained(entry: &Entry) -> String {
    let alias = if entry.alias.is_empty() { String::new() } else { format!(" {}", entry.alias) };
    let means = if entry.kind == Kind::Check { "holds when: " } else { "means: " };
    let mut lines = vec![format!("{} {}{alias}", entry.kind.name(), entry.name), format!("  {means}{}", entry.means)];
    if !entry.example.is_empty() {
        lines.push(format!("  example: {}", entry.example));
    }
    lines.push(format!("  what to do: {}", entry.advice));
    lines.join("\n")
}

fn list() -> String {
    let entries = catalogue::all();
    let of = |kind: Kind| {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        for entry in entries.iter().filter(|entry| entry.kind == kind) {
            table.add_row([entry.name, entry.means]);
        }
        let lines: Vec<String> = table.lines().map(|line| format!(" {}", line.trim_end())).collect();
        format!("{}\n{}", kind.title(), lines.join("\n"))
    };
    Kind::ALL.map(of).join("\n\n")
}

fn to_json(entry: &Entry) -> serde_json::Value {
    let or_null = |text: &'static str| (!text.is_empty()).then_some(text);
    json!({
        "kind": entry.kind.name(),
        "name": entry.name,
        "alias": or_null(entry.alias),
        "means": entry.means,
        "example": or_null(entry.example),
        "advice": entry.advice,
    })
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).expect("texts are plain data")
}
