//! SQLite: the same tables in a file, without a server. Amounts are whole ten-thousandths there, because SQLite has no
//! decimals and a sum of texts would go through a float; a view spells them out.
//!
//! DuckDB would read the lake as it is, but its source takes longer to build than all of tieout: its SQL is in
//! `schemas/sql/duckdb`.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, Statement, params, params_from_iter};

use super::dialect::{Dialect, create};
use super::store::{Feed, Known, PARTITIONS, Rows, Store, summed_columns};
use super::sums::DaySums;
use crate::output::{ReleasedPartition, RowSink};
use crate::record::{CellSink, Dataset, Day, Money, Rate, Stamp, Window, dataset};
use crate::{Error, Result};

const BUSY_WAIT: Duration = Duration::from_secs(30);
/// Sums are taken of the parts above and below it, so that none can overflow.
const HALF: i64 = 1_000_000_000;

/// A file, which holds one transaction.
pub(super) struct Sqlite {
    connection: Connection,
    path: PathBuf,
}

impl Sqlite {
    /// Opens the file, making it if it is missing.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open(path: &Path) -> Result<Sqlite> {
        // SQLite would make it readable by all.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| Error::environment("could not make the database").at(path.display()).because(error))?;
        let connection = Connection::open(path).map_err(|error| refused(error, path))?;
        connection.busy_timeout(BUSY_WAIT).map_err(|error| refused(error, path))?;
        Ok(Sqlite { connection, path: path.to_owned() })
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(|error| refused(error, &self.path))
    }

    fn check_columns(&self, dataset: &'static Dataset) -> Result<()> {
        let sql = "SELECT name, type FROM pragma_table_info(?1)";
        let read = || -> rusqlite::Result<BTreeMap<String, String>> {
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([dataset.name], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        let found = read().map_err(|error| refused(error, &self.path))?;
        for column in dataset.columns {
            let expected = Dialect::Sqlite.type_of(column.kind);
            if found.get(column.name).is_none_or(|kind| kind != expected) {
                return Err(Error::environment(format!(
                    "expected column '{}' of type {expected} in table {}, found another; nothing was changed",
                    column.name, dataset.name
                ))
                .at(self.path.display())
                .hint("load into another file"));
            }
        }
        Ok(())
    }
}

impl Store for Sqlite {
    fn begin(&mut self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE")?;
        for dataset in dataset::ALL.into_iter().filter(|each| each.left_out.is_none()) {
            self.execute(&create(Dialect::Sqlite, dataset, None))?;
            self.check_columns(dataset)?;
        }
        self.execute(&format!(
            "CREATE TABLE IF NOT EXISTS {PARTITIONS} (dataset TEXT NOT NULL, booking_date TEXT NOT NULL,
             sha256 TEXT NOT NULL, rows INTEGER NOT NULL, run_id TEXT NOT NULL, tieout_version TEXT NOT NULL,
             loaded_at TEXT NOT NULL, PRIMARY KEY (dataset, booking_date)) STRICT, WITHOUT ROWID"
        ))
    }

    fn known(&mut self) -> Result<Vec<Known>> {
        let sql = format!("SELECT dataset, booking_date, sha256, run_id FROM {PARTITIONS}");
        let read = || -> rusqlite::Result<Vec<Known>> {
            let mut statement = self.connection.prepare(&sql)?;
            let rows = statement.query_map([], |row| {
                let day = Day::parse(&row.get::<_, String>(1)?).ok_or(rusqlite::Error::InvalidQuery)?;
                Ok(Known { dataset: row.get(0)?, day, sha256: row.get(2)?, run_id: row.get(3)? })
            })?;
            rows.collect()
        };
        read().map_err(|error| refused(error, &self.path))
    }

    fn remove(&mut self, dataset: &'static Dataset, days: &[Day]) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE booking_date = ?1", dataset.name);
        let remove = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(&sql)?;
            days.iter().try_for_each(|day| statement.execute([day.to_string()]).map(|_| ()))
        };
        remove().map_err(|error| refused(error, &self.path))
    }

    fn clear(&mut self, dataset: &'static Dataset) -> Result<()> {
        self.execute(&format!("DELETE FROM {}", dataset.name))
    }

    fn insert(&mut self, dataset: &'static Dataset, feed: &mut Feed<'_>) -> Result<()> {
        let names: Vec<String> = dataset.columns.iter().map(|column| Dialect::Sqlite.name_of(column.name)).collect();
        let places = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", dataset.name, names.join(", "));
        let statement = self.connection.prepare(&sql).map_err(|error| refused(error, &self.path))?;
        let mut inserting = Inserting { statement, cells: Vec::with_capacity(names.len()), path: &self.path };
        feed(&mut Rows(&mut inserting))
    }

    fn sums(&mut self, dataset: &'static Dataset, window: Option<Window>) -> Result<BTreeMap<Day, DaySums>> {
        let (credits, debits) = summed_columns(dataset);
        let halves = |column: &str, sign: &str| {
            let counted = |part: String| format!("coalesce(sum(iif({column} {sign} 0, {part}, 0)), 0)");
            [counted(format!("{column} / {HALF}")), counted(format!("{column} % {HALF}"))].join(", ")
        };
        let within = window.map_or_else(String::new, |window| {
            format!("WHERE booking_date BETWEEN '{}' AND '{}'", window.from, window.to)
        });
        let sql = format!(
            "SELECT booking_date, currency, count(*), {}, {} FROM {} {within} GROUP BY 1, 2",
            halves(credits, ">"),
            halves(debits, "<"),
            dataset.name
        );
        let read = || -> rusqlite::Result<BTreeMap<Day, DaySums>> {
            let mut days: BTreeMap<Day, DaySums> = BTreeMap::new();
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let day = Day::parse(&row.get::<_, String>(0)?).ok_or(rusqlite::Error::InvalidQuery)?;
                let whole = |at: usize| -> rusqlite::Result<i128> {
                    let (high, low): (i64, i64) = (row.get(at)?, row.get(at + 1)?);
                    Ok(i128::from(high) * i128::from(HALF) + i128::from(low))
                };
                let rows: i64 = row.get(2)?;
                days.entry(day).or_default().add(row.get(1)?, rows.unsigned_abs(), whole(3)?, whole(5)?);
            }
            Ok(days)
        };
        read().map_err(|error| refused(error, &self.path))
    }

    fn count(&mut self, dataset: &'static Dataset) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {}", dataset.name);
        let count = self.connection.query_row(&sql, [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(|error| refused(error, &self.path))
    }

    fn note(&mut self, loaded: &[&ReleasedPartition], gone: &[&Known]) -> Result<()> {
        let forget = format!("DELETE FROM {PARTITIONS} WHERE dataset = ?1 AND booking_date = ?2");
        let noted = format!(
            "INSERT OR REPLACE INTO {PARTITIONS} VALUES (?1, ?2, ?3, ?4, ?5, ?6, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))"
        );
        let note = || -> rusqlite::Result<()> {
            let mut forget = self.connection.prepare(&forget)?;
            for known in gone {
                forget.execute(params![known.dataset, known.day.to_string()])?;
            }
            let mut noted = self.connection.prepare(&noted)?;
            for partition in loaded {
                let (file, version) = (&partition.file, env!("CARGO_PKG_VERSION"));
                let rows = file.rows.unwrap_or_default().cast_signed();
                let (name, day) = (partition.dataset.name, partition.day.to_string());
                noted.execute(params![name, day, file.sha256, rows, partition.run_id, version])?;
            }
            Ok(())
        };
        note().map_err(|error| refused(error, &self.path))
    }

    fn commit(&mut self) -> Result<()> {
        self.execute("COMMIT")
    }
}

/// Rows on their way into a table.
struct Inserting<'a> {
    statement: Statement<'a>,
    cells: Vec<Value>,
    path: &'a Path,
}

impl Inserting<'_> {
    fn cell(&mut self, value: Option<Value>) {
        self.cells.push(value.unwrap_or(Value::Null));
    }
}

impl CellSink for Inserting<'_> {
    fn text(&mut self, value: Option<&str>) {
        self.cell(value.map(|text| Value::Text(text.to_owned())));
    }

    fn money(&mut self, value: Option<Money>, _digits: u8) {
        self.cell(value.map(|money| Value::Integer(money.unscaled())));
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.cell(value.map(|rate| Value::Integer(rate.unscaled())));
    }

    fn date(&mut self, value: Option<Day>) {
        self.cell(value.map(|day| Value::Text(day.to_string())));
    }

    fn time(&mut self, value: Option<Stamp>) {
        self.cell(value.map(|at| Value::Text(Stamp::new(at.utc_micros(), 0).text())));
    }

    fn count(&mut self, value: i64) {
        self.cell(Some(Value::Integer(value)));
    }
}

impl RowSink for Inserting<'_> {
    fn end_row(&mut self) -> Result<()> {
        let inserted = self.statement.execute(params_from_iter(self.cells.drain(..)));
        inserted.map(|_| ()).map_err(|error| refused(error, self.path))
    }
}

fn refused(error: rusqlite::Error, path: &Path) -> Error {
    Error::environment("the database could not be used; nothing was changed").at(path.display()).because(error)
}
