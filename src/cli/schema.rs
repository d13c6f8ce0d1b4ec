//! `tieout schema`.

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};

use super::exit::Exit;
use super::printer;
use crate::job::JobSchema;
use crate::output::{Property, SchemaDocument};
use crate::record::{Dataset, dataset};
use crate::warehouse::{Dialect, dictionary};
use crate::{Error, Result};

/// The name under which the schema of job files is printed.
const JOB: &str = "job";

/// Print the columns of the datasets that tieout writes, with their types in CSV, Arrow and Parquet, and their SQL.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tieout schema card_transactions --format text\n  tieout schema --dialect postgresql\n  \
                  tieout schema --format markdown\n  tieout schema job"
)]
pub struct Arguments {
    /// The dataset, such as `card_transactions`, all of them without it; or `job` for the job file
    dataset: Option<String>,
    /// CREATE, load and merge statements of a database instead
    #[arg(long, value_name = "NAME", value_parser = Dialect::ALL.map(Dialect::name), conflicts_with = "format")]
    dialect: Option<String>,
    /// A JSON Schema of a row (an array of them for all datasets), a table to read, or the data dictionary
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// Runs the command.
///
/// # Errors
/// When there is no dataset of that name.
pub fn execute(arguments: &Arguments) -> Result<Exit> {
    let text = match &arguments.dataset {
        Some(name) if name == JOB => job(arguments)?,
        Some(name) => of_dataset(named(name)?, arguments),
        None => of_all(arguments),
    };
    printer::result(&text);
    Ok(Exit::Ties)
}

fn dialect(arguments: &Arguments) -> Option<Dialect> {
    arguments.dialect.as_deref().map(|name| Dialect::from_name(name).expect("clap knows their names"))
}

fn of_dataset(dataset: &'static Dataset, arguments: &Arguments) -> String {
    match (dialect(arguments), arguments.format) {
        (Some(dialect), _) => dialect.script(dataset),
        (None, Format::Json) => SchemaDocument::of(dataset).to_json(),
        (None, Format::Text) => table(dataset),
        (None, Format::Markdown) => dictionary::chapter(dataset),
    }
}

fn of_all(arguments: &Arguments) -> String {
    match (dialect(arguments), arguments.format) {
        (Some(dialect), _) => dataset::ALL.map(|dataset| dialect.script(dataset)).join("\n\n"),
        (None, Format::Json) => all_as_json(),
        (None, Format::Text) => dataset::ALL.map(table).join("\n\n"),
        (None, Format::Markdown) => dictionary::whole(),
    }
}

fn job(arguments: &Arguments) -> Result<String> {
    if arguments.dialect.is_some() || arguments.format != Format::Json {
        return Err(Error::usage("the schema of job files is a JSON Schema only").hint("tieout schema job"));
    }
    Ok(JobSchema::to_json())
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
        let property = Property::of(dataset, column);
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
