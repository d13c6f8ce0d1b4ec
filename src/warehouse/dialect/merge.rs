//! Load and merge statements. Where rows have days, a window of days is replaced as a whole; where they have none, a row
//! takes the place of the one with its key.

use super::Dialect;
use crate::record::{Dataset, Kind};

/// What to know before running the script.
pub(super) fn preface(dialect: Dialect, dataset: &Dataset) -> Vec<String> {
    let name = dataset.name;
    let mut lines = Vec::new();
    if !dataset.is_key_unique {
        lines.push(format!(
            "Key: {}. It is not declared: a provider may send a row twice, which is a break and must load.",
            dataset.key.join(", ")
        ));
    }
    let csv = format!("the report folder, which holds {name}.csv");
    let days = "the window's first and last day";
    lines.extend(match (dialect, dataset.in_lake) {
        (Dialect::PostgreSql, true) => vec![
            format!("`tieout load` does all of this from the lake. With psql alone, run it in {csv}:"),
            format!("psql -v ON_ERROR_STOP=1 -v from=2026-01-01 -v to=2026-01-31 -f {name}.sql   ({days})"),
        ],
        (Dialect::PostgreSql, false) => vec![format!("Run it in {csv}: psql -v ON_ERROR_STOP=1 -f {name}.sql")],
        (Dialect::DuckDb, true) => {
            vec![format!("Run it in the output directory, which holds lake/; put in {days} below.")]
        }
        (Dialect::Sqlite, _) => vec![
            "Amounts are whole ten-thousandths, rates hundred-millionths, instants UTC; the view spells them out."
                .to_owned(),
            "Loaded by `tieout load --to sqlite:FILE`.".to_owned(),
        ],
        (Dialect::DuckDb | Dialect::Spark | Dialect::ClickHouse, false) => vec![format!("Run it in {csv}.")],
        (_, true) => vec![format!("Put in where the lake is, and {days}.")],
        (_, false) => vec![format!("Put in where {name}.csv is.")],
    });
    lines
}

/// Brings rows into `incoming_<dataset>`.
pub(super) fn load(dialect: Dialect, dataset: &Dataset) -> Option<String> {
    let (table, columns) = (dataset.name, dialect.names_of(dataset));
    let incoming = format!("incoming_{table}");
    let lake = format!("lake/{table}/booking_date=*/{table}.parquet");
    let sql = match (dialect, dataset.in_lake) {
        (Dialect::Sqlite, _) => return None,
        // CSV: PostgreSQL reads no Parquet.
        (Dialect::PostgreSql, _) => format!(
            "CREATE TEMPORARY TABLE {incoming} (LIKE {table});\n\
             \\copy {incoming} FROM '{table}.csv' WITH (FORMAT csv, HEADER match)\n"
        ),
        (Dialect::DuckDb, true) => format!(
            "SET VARIABLE from_day = DATE '2026-01-01';\n\
             SET VARIABLE to_day = DATE '2026-01-31';\n\
             CREATE OR REPLACE TEMPORARY VIEW {incoming} AS\n\
             SELECT {columns}\n\
             FROM read_parquet('{lake}', hive_partitioning = false)\n\
             WHERE booking_date BETWEEN getvariable('from_day') AND getvariable('to_day');\n"
        ),
        (Dialect::DuckDb, false) => format!(
            "CREATE OR REPLACE TEMPORARY TABLE {incoming} AS\n\
             SELECT {columns}\n\
             FROM read_csv('{table}.csv', header = true, quote = '\"', escape = '\"', columns = {{{}}});\n",
            duckdb_types(dataset)
        ),
        (Dialect::BigQuery, true) => format!(
            "DECLARE from_day DATE DEFAULT DATE '2026-01-01';\n\
             DECLARE to_day DATE DEFAULT DATE '2026-01-31';\n\
             LOAD DATA OVERWRITE {incoming}\n\
             FROM FILES (format = 'PARQUET', uris = ['gs://BUCKET/lake/{table}/*']);\n"
        ),
        (Dialect::BigQuery, false) => format!(
            "LOAD DATA OVERWRITE {incoming} ({})\n\
             FROM FILES (format = 'CSV', skip_leading_rows = 1, allow_quoted_newlines = true,\n    \
             uris = ['gs://BUCKET/{table}.csv']);\n",
            typed(dialect, dataset)
        ),
        (Dialect::Snowflake, true) => format!(
            "SET from_day = '2026-01-01';\n\
             SET to_day = '2026-01-31';\n\
             CREATE OR REPLACE TEMPORARY TABLE {incoming} LIKE {table};\n\
             COPY INTO {incoming} FROM @STAGE/lake/{table}/\n\
             FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;\n"
        ),
        (Dialect::Snowflake, false) => format!(
            "CREATE OR REPLACE TEMPORARY TABLE {incoming} LIKE {table};\n\
             COPY INTO {incoming} FROM @STAGE/{table}.csv\n\
             FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '\"');\n"
        ),
        (Dialect::Redshift, true) => format!(
            "CREATE TEMPORARY TABLE {incoming} (LIKE {table});\n\
             COPY {incoming} FROM 's3://BUCKET/lake/{table}/' IAM_ROLE DEFAULT FORMAT AS PARQUET;\n"
        ),
        (Dialect::Redshift, false) => format!(
            "CREATE TEMPORARY TABLE {incoming} (LIKE {table});\n\
             COPY {incoming} FROM 's3://BUCKET/{table}.csv' IAM_ROLE DEFAULT FORMAT AS CSV IGNOREHEADER 1 \
             TIMEFORMAT 'auto';\n"
        ),
        (Dialect::ClickHouse, true) => format!(
            "DROP TABLE IF EXISTS {incoming};\n\
             CREATE TABLE {incoming} AS {table};\n\
             INSERT INTO {incoming} ({columns})\n\
             SELECT {columns}\n\
             FROM s3('https://BUCKET.s3.amazonaws.com/{lake}', 'Parquet')\n\
             WHERE booking_date BETWEEN '2026-01-01' AND '2026-01-31';\n"
        ),
        (Dialect::ClickHouse, false) => format!(
            "DROP TABLE IF EXISTS {incoming};\n\
             CREATE TABLE {incoming} AS {table};\n\
             INSERT INTO {incoming} ({columns})\n\
             SELECT {columns} FROM file('{table}.csv', 'CSVWithNames');\n"
        ),
        (Dialect::Spark, true) => format!(
            "CREATE OR REPLACE TEMPORARY VIEW {incoming} AS\n\
             SELECT {columns}\n\
             FROM parquet.`s3://BUCKET/lake/{table}`\n\
             WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';\n"
        ),
        (Dialect::Spark, false) => format!(
            "CREATE OR REPLACE TEMPORARY VIEW {incoming} ({})\n\
             USING csv OPTIONS (path '{table}.csv', header 'true', multiLine 'true', escape '\"');\n",
            typed(dialect, dataset)
        ),
    };
    Some(sql)
}

/// Puts the rows of `incoming_<dataset>` in the place of what they replace.
pub(super) fn merge(dialect: Dialect, dataset: &Dataset) -> String {
    let (table, columns) = (dataset.name, dialect.names_of(dataset));
    let incoming = format!("incoming_{table}");
    let days = match dialect {
        Dialect::PostgreSql => ":'from' AND :'to'",
        Dialect::Redshift => "DATE '2026-01-01' AND DATE '2026-01-31'",
        Dialect::DuckDb => "getvariable('from_day') AND getvariable('to_day')",
        Dialect::Snowflake => "$from_day AND $to_day",
        _ => "from_day AND to_day",
    };
    match (dialect, dataset.in_lake) {
        (Dialect::ClickHouse, true) => format!(
            "-- One statement a day of the window; a day without rows is emptied by it.\n\
             ALTER TABLE {table} REPLACE PARTITION '2026-01-01' FROM {incoming};\n"
        ),
        (Dialect::ClickHouse, false) => format!(
            "-- Rows with the key of another replace it; read them with FINAL.\n\
             INSERT INTO {table} ({columns}) SELECT {columns} FROM {incoming};\n"
        ),
        (Dialect::Spark, true) => format!(
            "INSERT INTO {table}\n\
             REPLACE WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31'\n\
             SELECT {columns} FROM {incoming};\n"
        ),
        (Dialect::Spark, false) => {
            format!(
                "MERGE INTO {table} USING {incoming} ON {}\n\
                 WHEN MATCHED THEN UPDATE SET *\n\
                 WHEN NOT MATCHED THEN INSERT *;\n",
                same_key(dialect, dataset)
            )
        }
        (_, true) => transaction(
            dialect,
            &format!("DELETE FROM {table} WHERE booking_date BETWEEN {days};"),
            &format!(
                "INSERT INTO {table} ({columns})\nSELECT {columns} FROM {incoming} WHERE booking_date BETWEEN {days};"
            ),
        ),
        (_, false) => transaction(
            dialect,
            &format!(
                "DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM {incoming} WHERE {});",
                same_key(dialect, dataset)
            ),
            &format!("INSERT INTO {table} ({columns})\nSELECT {columns} FROM {incoming};"),
        ),
    }
}

fn transaction(dialect: Dialect, delete: &str, insert: &str) -> String {
    let (begin, commit) = match dialect {
        Dialect::BigQuery => ("BEGIN TRANSACTION;", "COMMIT TRANSACTION;"),
        _ => ("BEGIN;", "COMMIT;"),
    };
    format!("{begin}\n{delete}\n{insert}\n{commit}\n")
}

fn same_key(dialect: Dialect, dataset: &Dataset) -> String {
    let table = dataset.name;
    let same = |column: &&str| {
        let name = dialect.name_of(column);
        format!("incoming_{table}.{name} = {table}.{name}")
    };
    let keys: Vec<String> = dataset.key.iter().map(same).collect();
    keys.join(" AND ")
}

fn typed(dialect: Dialect, dataset: &Dataset) -> String {
    let column =
        |column: &crate::record::Column| format!("{} {}", dialect.name_of(column.name), dialect.type_of(column.kind));
    let columns: Vec<String> = dataset.columns.iter().map(column).collect();
    columns.join(", ")
}

fn duckdb_types(dataset: &Dataset) -> String {
    let kind = |kind: Kind| Dialect::DuckDb.type_of(kind);
    let columns: Vec<String> =
        dataset.columns.iter().map(|column| format!("'{}': '{}'", column.name, kind(column.kind))).collect();
    columns.join(", ")
}
