//! The data dictionary: every dataset and column in words, with its types and where it comes from, as Markdown.

use std::fmt::Write;

use crate::output::Property;
use crate::record::sources::{PROVIDERS, Provider, sources};
use crate::record::{Column, Dataset, dataset};

const INTRODUCTION: &str = "\
# Data dictionary

Printed by `tieout schema --format markdown` from the one declaration of the datasets; do not edit. Beside it lie, made of the same
declaration: a JSON Schema a dataset (`<dataset>.json`), CREATE, load and merge statements a database (`sql/<database>/<dataset>.sql`) and
the JSON Schema of job files (`job.schema.json`).

Amounts are exact: credit positive, debit negative. A key tells a row from all others where all is as it should be. Where the provider
makes the ids it may send a row twice: that is a break (`duplicate`), and the rows load all the same. So what is replaced when days are loaded
again is the day, not the row.

A column beside the meanings tells the source of each in the fields of a provider, by the document of that provider. There is one for each
provider whose rows are taken; a test asks its decoder for every field that is told here. The documents of others (worldline, treezor,
cardsync) are read, but nothing decodes them: what fills which column there would be a guess until it does.

| type | CSV | Arrow | Parquet |
| --- | --- | --- | --- |
";

/// All of it.
pub fn whole() -> String {
    let mut text = INTRODUCTION.to_owned();
    let mut told = Vec::new();
    let columns =
        dataset::ALL.into_iter().flat_map(|dataset| dataset.columns.iter().map(move |column| (dataset, column)));
    for (dataset, column) in columns {
        if told.contains(&column.kind) {
            continue;
        }
        told.push(column.kind);
        let property = Property::of(dataset, column);
        let parquet = property.parquet.logical.as_deref().unwrap_or("-");
        let physical = property.parquet.physical;
        let name = format!("{:?}", column.kind).to_lowercase();
        let _ = writeln!(text, "| {name} | {} | {} | {parquet} on {physical} |", property.csv, property.arrow);
    }
    for dataset in dataset::ALL {
        let _ = write!(text, "\n{}", chapter(dataset));
    }
    text
}

/// One dataset.
pub fn chapter(dataset: &'static Dataset) -> String {
    let mut text = format!("## {}\n\n{}.\n\n", dataset.name, dataset.meaning);
    let unique = if dataset.is_key_unique { "unique" } else { "not enforced" };
    let _ = writeln!(text, "- Key ({unique}): {}", code_list(dataset.key));
    let csv = format!("`reports/<job>/<from>_<to>/{}.csv`", dataset.name);
    let lake = if dataset.in_lake {
        format!(", `lake/{0}/booking_date=YYYY-MM-DD/{0}.parquet`", dataset.name)
    } else {
        String::new()
    };
    let _ = writeln!(text, "- Files: {csv}{lake}");
    if let Some(reason) = dataset.left_out {
        let _ = writeln!(text, "- Left out by `tieout load`: {reason}");
    }
    let filling: Vec<&Provider> =
        PROVIDERS.into_iter().filter(|provider| provider.datasets.iter().any(|f| f.dataset == dataset.name)).collect();
    for provider in &filling {
        let filled = provider.datasets.iter().find(|filled| filled.dataset == dataset.name).expect("it fills it");
        let _ = writeln!(text, "- From {} ({}): `{}`", provider.name, provider.document, filled.route);
    }
    text.push_str("\n| column | type | empty? | meaning |");
    for provider in &filling {
        let _ = write!(text, " {} |", provider.name);
    }
    text.push('\n');
    let _ = writeln!(text, "| --- | --- | --- | --- |{}", " --- |".repeat(filling.len()));
    for column in dataset.columns {
        let _ = writeln!(text, "{}", line(dataset, column, &filling));
    }
    text
}

fn line(dataset: &'static Dataset, column: &Column, filling: &[&Provider]) -> String {
    let kind = format!("{:?}", column.kind).to_lowercase();
    let empty = if column.nullable { "yes" } else { "no" };
    let mut line = format!("| `{}` | {kind} | {empty} | {} |", column.name, cell(column.meaning));
    let sources = sources(dataset, column);
    for provider in filling {
        let field = sources.iter().find(|source| source.provider == provider.name).map_or("", |source| source.field);
        let _ = write!(line, " {} |", cell(field));
    }
    line
}

/// A text that stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

fn code_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_checked_in_schemas_have_their_dictionary() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/README.md");
        crate::output::assert_checked_in(&path, &whole());
    }

    #[test]
    fn every_line_of_a_table_has_as_many_cells() {
        for dataset in dataset::ALL {
            let chapter = chapter(dataset);
            let cells = |line: &&str| line.replace("\\|", "").matches('|').count();
            let mut widths: Vec<usize> =
                chapter.lines().filter(|line| line.starts_with('|')).map(|l| cells(&l)).collect();
            assert_eq!(widths.len(), dataset.columns.len() + 2);
            widths.dedup();
            assert_eq!(widths.len(), 1, "{}", dataset.name);
        }
    }
}
