//! Which field of which provider each column comes from: a file a provider, each a table of all columns of the datasets
//! that the provider fills. Printed beside the columns in `schemas/` and the data dictionary.

mod anytime;

use super::{Column, Dataset};

/// A provider's fields by dataset and column.
#[derive(Debug)]
pub struct Provider {
    /// Its name in job files.
    pub name: &'static str,
    /// The document that tells of the fields.
    pub document: &'static str,
    /// What it fills.
    pub datasets: &'static [Filled],
}

/// What a provider fills of a dataset.
#[derive(Debug)]
pub struct Filled {
    /// The dataset's name.
    pub dataset: &'static str,
    /// Where its rows come from.
    pub route: &'static str,
    /// Column and field, in the order of columns. A field in backticks is the provider's spelling.
    pub fields: &'static [(&'static str, &'static str)],
}

/// The providers whose rows are taken. A new one adds its file here; a test then asks for every column.
pub static PROVIDERS: [&Provider; 1] = [&anytime::PROVIDER];

/// A column's source at one provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The provider's name.
    pub provider: &'static str,
    /// Where the rows come from.
    pub route: &'static str,
    /// The field, or how the column is made of several.
    pub field: &'static str,
}

/// Where a column comes from, a source a provider; none for what tieout itself finds out.
pub fn sources(dataset: &Dataset, column: &Column) -> Vec<Source> {
    let of = |provider: &'static Provider| {
        let filled = provider.datasets.iter().find(|filled| filled.dataset == dataset.name)?;
        let (_, field) = filled.fields.iter().find(|(name, _)| *name == column.name)?;
        Some(Source { provider: provider.name, route: filled.route, field })
    };
    PROVIDERS.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_that_a_provider_fills_tells_its_field() {
        for provider in PROVIDERS {
            for filled in provider.datasets {
                let dataset = Dataset::from_name(filled.dataset).expect("a dataset");
                let told: Vec<&str> = filled.fields.iter().map(|(column, _)| *column).collect();
                let declared: Vec<&str> = dataset.columns.iter().map(|column| column.name).collect();
                assert_eq!(told, declared, "{} {}", provider.name, filled.dataset);
            }
        }
    }
}
