//! CREATE statements.

use std::fmt::Write;

use super::Dialect;
use crate::record::{Column, Dataset, Kind};

/// Makes the table, if it is not there. `schema` is quoted.
pub(in crate::warehouse) fn create(dialect: Dialect, dataset: &'static Dataset, schema: Option<&str>) -> String {
    let table = match schema {
        Some(schema) => format!("{schema}.{}", dataset.name),
        None => dataset.name.to_owned(),
    };
    let mut lines: Vec<String> = dataset.columns.iter().map(|column| column_line(dialect, column)).collect();
    lines.extend(key_line(dialect, dataset));
    // A comment to the end of the line must stand behind the comma.
    let last = lines.len() - 1;
    let body: String = lines.iter().enumerate().map(|(at, line)| with_comma(line, at < last)).collect();
    let mut sql = format!("CREATE TABLE IF NOT EXISTS {table} (\n{body}){};\n", options(dialect, dataset));
    match dialect {
        Dialect::PostgreSql | Dialect::DuckDb | Dialect::Redshift => comments(&mut sql, dialect, dataset, &table),
        Dialect::Sqlite => readable(&mut sql, dataset),
        _ => {}
    }
    if dialect == Dialect::PostgreSql {
        index(&mut sql, dataset, &table);
    }
    sql
}

fn with_comma(line: &str, more: bool) -> String {
    let comma = if more { "," } else { "" };
    match line.split_once(" -- ") {
        Some((column, comment)) => format!("    {column}{comma} -- {comment}\n"),
        None => format!("    {line}{comma}\n"),
    }
}

fn column_line(dialect: Dialect, column: &Column) -> String {
    let (name, kind) = (dialect.name_of(column.name), dialect.type_of(column.kind));
    let meaning = dialect.literal(column.meaning);
    let not_null = if column.nullable { "" } else { " NOT NULL" };
    match dialect {
        Dialect::ClickHouse if column.nullable => format!("{name} Nullable({kind}) COMMENT {meaning}"),
        Dialect::ClickHouse => format!("{name} {kind} COMMENT {meaning}"),
        Dialect::BigQuery => format!("{name} {kind}{not_null} OPTIONS (description = {meaning})"),
        Dialect::Snowflake | Dialect::Spark => format!("{name} {kind}{not_null} COMMENT {meaning}"),
        Dialect::Sqlite => format!("{name} {kind}{not_null} -- {}", column.meaning),
        Dialect::PostgreSql | Dialect::DuckDb | Dialect::Redshift => format!("{name} {kind}{not_null}"),
    }
}

/// A primary key, where no two rows can share one and the database checks it or plans by it.
fn key_line(dialect: Dialect, dataset: &Dataset) -> Option<String> {
    let keys: Vec<String> = dataset.key.iter().map(|column| dialect.name_of(column)).collect();
    let keys = keys.join(", ");
    match dialect {
        _ if !dataset.is_key_unique => None,
        // An index that is emptied and filled in one transaction refuses the new rows for the old ones in DuckDB.
        Dialect::DuckDb | Dialect::ClickHouse | Dialect::Spark => None,
        Dialect::BigQuery => Some(format!("PRIMARY KEY ({keys}) NOT ENFORCED")),
        _ => Some(format!("PRIMARY KEY ({keys})")),
    }
}

/// How the table lies there: by day, because days are what is replaced and asked for.
fn options(dialect: Dialect, dataset: &Dataset) -> String {
    let meaning = dialect.literal(dataset.meaning);
    let owner = owner_column(dataset);
    match (dialect, dataset.in_lake) {
        (Dialect::BigQuery, true) => {
            format!("\nPARTITION BY booking_date\nCLUSTER BY {owner}\nOPTIONS (description = {meaning})")
        }
        (Dialect::BigQuery, false) => format!("\nOPTIONS (description = {meaning})"),
        (Dialect::Snowflake, true) => format!("\nCLUSTER BY (booking_date)\nCOMMENT = {meaning}"),
        (Dialect::Snowflake, false) => format!("\nCOMMENT = {meaning}"),
        (Dialect::Redshift, true) => "\nDISTSTYLE AUTO\nSORTKEY (booking_date)".to_owned(),
        // A partition a day is what REPLACE PARTITION exchanges in one step.
        (Dialect::ClickHouse, true) => {
            format!("\nENGINE = MergeTree\nPARTITION BY booking_date\nORDER BY booking_date\nCOMMENT {meaning}")
        }
        (Dialect::ClickHouse, false) => {
            let keys: Vec<String> = dataset.key.iter().map(|column| dialect.name_of(column)).collect();
            format!("\nENGINE = ReplacingMergeTree\nORDER BY ({})\nCOMMENT {meaning}", keys.join(", "))
        }
        (Dialect::Spark, true) => format!("\nUSING delta\nPARTITIONED BY (booking_date)\nCOMMENT {meaning}"),
        (Dialect::Spark, false) => format!("\nUSING delta\nCOMMENT {meaning}"),
        (Dialect::Sqlite, _) => " STRICT".to_owned(),
        (Dialect::PostgreSql | Dialect::DuckDb | Dialect::Redshift, _) => String::new(),
    }
}

/// The column by which rows of a day are looked up.
fn owner_column(dataset: &Dataset) -> &'static str {
    let named = |name: &&str| dataset.columns.iter().any(|column| column.name == *name);
    ["card_ref", "owner_id", "acc_id"].into_iter().find(named).unwrap_or("booking_date")
}

fn comments(sql: &mut String, dialect: Dialect, dataset: &Dataset, table: &str) {
    let _ = writeln!(sql, "COMMENT ON TABLE {table} IS {};", dialect.literal(dataset.meaning));
    for column in dataset.columns {
        let (name, meaning) = (dialect.name_of(column.name), dialect.literal(column.meaning));
        let _ = writeln!(sql, "COMMENT ON COLUMN {table}.{name} IS {meaning};");
    }
}

/// Days are replaced and asked for, and within them owners. Not unique: a doubled row is a break, not an error.
fn index(sql: &mut String, dataset: &Dataset, table: &str) {
    if dataset.in_lake {
        let (name, owner) = (dataset.name, owner_column(dataset));
        let _ = writeln!(sql, "CREATE INDEX IF NOT EXISTS {name}_by_day ON {table} (booking_date, {owner});");
    }
}

/// SQLite has no decimals: sums of the table's whole numbers are exact, and a view spells them out.
fn readable(sql: &mut String, dataset: &Dataset) {
    let name = dataset.name;
    let spelled: Vec<String> = dataset.columns.iter().map(readable_column).collect();
    if dataset.in_lake {
        let owner = owner_column(dataset);
        let _ = writeln!(sql, "CREATE INDEX IF NOT EXISTS {name}_by_day ON {name} (booking_date, {owner});");
    }
    let columns = spelled.join(",\n    ");
    let _ = writeln!(sql, "CREATE VIEW IF NOT EXISTS {name}_readable AS SELECT\n    {columns}\nFROM {name};");
}

fn readable_column(column: &Column) -> String {
    let name = Dialect::Sqlite.name_of(column.name);
    let decimals = match column.kind {
        Kind::Money => 4,
        Kind::Rate => 8,
        _ => return name,
    };
    let unit = 10_u64.pow(decimals);
    format!(
        "iif({name} < 0, '-', '') || printf('%d.%0{decimals}d', abs({name}) / {unit}, abs({name}) % {unit}) AS {name}"
    )
}
