//! `tieout schema`.

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};

use super::exit::Exit;
use super::printer;
use crate::output::{Property, SchemaDocument};
use crate::record::{Dataset, dataset};
use crate::{Error, Result};

/// Print the columns of the datasets that tieout writes, with their types in CSV, Arrow and Parquet.
#[derive(Debug, Args)]
#[command(after_help = "Example: tieout schema card_transactions --format text")]
pub struct Arguments {
    /// The dataset, such as `card_transactions`; all of them without it.
    dataset: Option<String>,
    /// A JSON Schema of a row (an array of them for all datasets), or a table to read.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command.
///
/// # Errors
/// When there is no dataset of that name.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let text = match (&arguments.dataset, arguments.format) {
        (Some(name), Format::Json) => SchemaDocument::of(named(name)?).to_json(),
        (Some(name), Format::Text) => table(named(name)?),
        (None, Format::Json) => all_as_json(),
        (None, Format::Text) => dataset::ALL.map(table).join("\n\n"),
    };
    printer::result(&text);
    Ok(Exit::Ties)
}

fn named(name: &str) -> Result<&'static Dataset> {
    Dataset::from_name(name).ok_or_else(|| {
        let names = dataset::ALL.map(|dataset| dataset.name);
        let distance = |known: &&&str| strsim::damerau_levenshtein(known, name);
        let nearest = names.iter().min_by_key(distance).expect("there are datasets");
        Error::usage(format!("expected one of {}, found '{name}'", names.join(", ")))
            .hint(format!("did you mean '{nearest}'?"))
    })
}

fn all_as_json() -> String {
    let documents = dataset::ALL.map(SchemaDocument::of);
    serde_json::to_string_pretty(&documents).expect("schemas are plain data")
}

fn table(dataset: &'static Dataset) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["column", "csv", "arrow", "parquet", "empty?", "meaning"]);
    for column in dataset.columns {
        let property = Property::of(column);
        let parquet = match &property.parquet.logical {
            Some(logical) => format!("{logical} on {}", property.parquet.physical),
            None => property.parquet.physical.to_owned(),
        };
        let empty = if property.nullable { "yes" } else { "no" };
        table.add_row([column.name, property.csv, &property.arrow, &parquet, empty, column.meaning]);
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let key = dataset.key.join(", ");
    format!("{}: {}\nkey: {key}\n\n{}", dataset.name, dataset.meaning, lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_right_gets_a_hint() {
        let error = named("card_transaction").expect_err("no such dataset");
        assert_eq!(error.hint_text(), Some("did you mean 'card_transactions'?"));
    }

    #[test]
    fn the_table_has_a_line_a_column() {
        for dataset in dataset::ALL {
            assert_eq!(table(dataset).lines().count(), dataset.columns.len() + 4, "{}", dataset.name);
        }
    }
}
