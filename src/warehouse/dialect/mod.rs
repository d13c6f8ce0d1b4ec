//! The declaration of the datasets as SQL: CREATE, load and merge statements in the dialects of eight databases.

mod create;
mod merge;

use std::fmt::Write;

pub(super) use create::create;

use crate::record::{Dataset, Kind};

/// A database's SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// PostgreSQL 15 and later.
    PostgreSql,
    /// DuckDB.
    DuckDb,
    /// BigQuery.
    BigQuery,
    /// Snowflake.
    Snowflake,
    /// Amazon Redshift.
    Redshift,
    /// ClickHouse.
    ClickHouse,
    /// Spark with Delta tables.
    Spark,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 8] = [
        Dialect::PostgreSql,
        Dialect::DuckDb,
        Dialect::BigQuery,
        Dialect::Snowflake,
        Dialect::Redshift,
        Dialect::ClickHouse,
        Dialect::Spark,
        Dialect::Sqlite,
    ];

    /// Its name on the command line and its folder in `schemas/sql`.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::PostgreSql => "postgresql",
            Dialect::DuckDb => "duckdb",
            Dialect::BigQuery => "bigquery",
            Dialect::Snowflake => "snowflake",
            Dialect::Redshift => "redshift",
            Dialect::ClickHouse => "clickhouse",
            Dialect::Spark => "spark",
            Dialect::Sqlite => "sqlite",
        }
    }

    /// The dialect of that name.
    pub fn from_name(name: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
    }

    /// The text of `schemas/sql/<dialect>/<dataset>.sql`.
    pub fn script(self, dataset: &'static Dataset) -> String {
        let mut sql = format!("-- {}: {}\n", dataset.name, dataset.meaning);
        let name = self.name();
        let _ = writeln!(sql, "-- Printed by `tieout schema {} --dialect {name}`; do not edit.", dataset.name);
        for line in merge::preface(self, dataset) {
            let _ = writeln!(sql, "-- {line}");
        }
        let _ = writeln!(sql, "\n-- 1. The table\n{}", create(self, dataset, None));
        if let Some(load) = merge::load(self, dataset) {
            let _ = writeln!(sql, "-- 2. Load: what came in\n{load}");
            let _ = writeln!(sql, "-- 3. Merge: it takes the place of what was there\n{}", merge::merge(self, dataset));
        }
        sql.truncate(sql.trim_end().len());
        sql.push('\n');
        sql
    }

    /// A column's type.
    pub(super) fn type_of(self, kind: Kind) -> &'static str {
        use Dialect::{BigQuery, ClickHouse, DuckDb, PostgreSql, Redshift, Snowflake, Spark, Sqlite};
        match (self, kind) {
            (PostgreSql | Sqlite, Kind::Text) | (Sqlite, Kind::Date | Kind::Time) => "TEXT",
            (DuckDb | Snowflake, Kind::Text) => "VARCHAR",
            (Redshift, Kind::Text) => "VARCHAR(65535)",
            (BigQuery | Spark, Kind::Text) => "STRING",
            (ClickHouse, Kind::Text) => "String",
            (PostgreSql | BigQuery, Kind::Money) => "NUMERIC(18, 4)",
            (PostgreSql | BigQuery, Kind::Rate) => "NUMERIC(18, 8)",
            (DuckDb | Redshift | Spark, Kind::Money) => "DECIMAL(18, 4)",
            (DuckDb | Redshift | Spark, Kind::Rate) => "DECIMAL(18, 8)",
            (Snowflake, Kind::Money) => "NUMBER(18, 4)",
            (Snowflake, Kind::Rate) => "NUMBER(18, 8)",
            (ClickHouse, Kind::Money) => "Decimal(18, 4)",
            (ClickHouse, Kind::Rate) => "Decimal(18, 8)",
            (ClickHouse, Kind::Date) => "Date32",
            (_, Kind::Date) => "DATE",
            (PostgreSql | DuckDb | Redshift, Kind::Time) => "TIMESTAMPTZ",
            (BigQuery | Spark, Kind::Time) => "TIMESTAMP",
            (Snowflake, Kind::Time) => "TIMESTAMP_TZ",
            (ClickHouse, Kind::Time) => "DateTime64(6, 'UTC')",
            (PostgreSql | DuckDb | Snowflake | Redshift | Spark, Kind::Count) => "BIGINT",
            (BigQuery, Kind::Count) => "INT64",
            (ClickHouse, Kind::Count) => "Int64",
            (Sqlite, Kind::Money | Kind::Rate | Kind::Count) => "INTEGER",
        }
    }

    /// A column's name, safe from reserved words.
    pub(super) fn name_of(self, column: &str) -> String {
        match self {
            Dialect::PostgreSql | Dialect::DuckDb | Dialect::Redshift | Dialect::Sqlite => format!("\"{column}\""),
            Dialect::BigQuery | Dialect::ClickHouse | Dialect::Spark => format!("`{column}`"),
            // Quotes would make its names case-sensitive; the one reserved word is quoted as it is folded.
            Dialect::Snowflake if column == "check" => "\"CHECK\"".to_owned(),
            Dialect::Snowflake => column.to_owned(),
        }
    }

    /// The names of all columns, separated by commas.
    fn names_of(self, dataset: &Dataset) -> String {
        let names: Vec<String> = dataset.columns.iter().map(|column| self.name_of(column.name)).collect();
        names.join(", ")
    }

    /// A text as a literal.
    fn literal(self, text: &str) -> String {
        match self {
            Dialect::BigQuery | Dialect::Spark | Dialect::ClickHouse => {
                format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
            }
            _ => format!("'{}'", text.replace('\'', "''")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::record::dataset;

    #[test]
    fn the_checked_in_schemas_are_those_of_the_declaration() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/sql");
        for dialect in Dialect::ALL {
            let folder = folder.join(dialect.name());
            for dataset in dataset::ALL {
                let path = folder.join(format!("{}.sql", dataset.name));
                crate::output::assert_checked_in(&path, &dialect.script(dataset));
            }
            let listed = folder.read_dir().expect("a folder").map(|entry| entry.expect("an entry").file_name());
            let found: BTreeSet<String> = listed.map(|name| name.to_string_lossy().into_owned()).collect();
            let expected: BTreeSet<String> = dataset::ALL.iter().map(|each| format!("{}.sql", each.name)).collect();
            assert_eq!(found, expected, "{}", dialect.name());
        }
    }

    #[test]
    fn names_are_found_again() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
        }
        assert_eq!(Dialect::from_name("oracle"), None);
    }

    #[test]
    fn texts_stay_inside_their_quotes() {
        assert_eq!(Dialect::PostgreSql.literal("it's \\"), "'it''s \\'");
        assert_eq!(Dialect::BigQuery.literal("it's \\"), "'it\\'s \\\\'");
    }
}
