//! PostgreSQL: rows go in by COPY in its binary format, which needs nothing installed on either side, is exact, and is
//! part of the transaction.
//!
//! ADBC would read the Parquet files by itself, but brings a driver that must be installed beside tieout, and its
//! PostgreSQL driver turns decimals into text.

use std::collections::BTreeMap;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, CopyInSink, SimpleQueryMessage};

use super::address::Address;
use super::copy::BinaryRows;
use super::dialect::{Dialect, create};
use super::store::{Feed, Known, PARTITIONS, Rows, Store, summed_columns};
use super::sums::{DaySums, ten_thousandths};
use super::tls::Tls;
use crate::output::{ReleasedPartition, RowSink};
use crate::record::{CellSink, Dataset, Day, Kind, Money, Rate, Stamp, Window, dataset};
use crate::{Error, Result};

/// Bytes sent at once.
const CHUNK_BYTES: usize = 256 << 10;

/// A connection, which holds one transaction.
pub(super) struct PostgreSql {
    runtime: Runtime,
    client: Client,
    /// As the server has it.
    schema_name: String,
    /// As SQL spells it.
    schema: String,
}

impl PostgreSql {
    /// Connects.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub(super) fn connect(address: &Address) -> Result<PostgreSql> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::environment("could not start the network's runtime").because(error))?;
        let tls = Tls::new(address.root.as_deref())?;
        let (client, connection) = runtime.block_on(address.config.connect(tls)).map_err(|error| {
            refused("connect to the database", &error)
                .hint("the password comes from PGPASSWORD or ~/.pgpass; other hosts than this one must speak TLS")
        })?;
        // Its end is told by the next query.
        runtime.spawn(async { drop(connection.await) });
        let schema = quoted(&address.schema);
        Ok(PostgreSql { runtime, client, schema_name: address.schema.clone(), schema })
    }

    fn execute(&self, action: &str, sql: &str) -> Result<()> {
        self.runtime.block_on(self.client.batch_execute(sql)).map_err(|error| refused(action, &error))
    }

    /// Rows as texts.
    fn query(&self, action: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let messages = self.runtime.block_on(self.client.simple_query(sql)).map_err(|error| refused(action, &error))?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect::<Vec<_>>())
            }
            _ => None,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.schema)
    }

    /// Asked first, because `IF NOT EXISTS` wants the right to make a thing even where it is there.
    fn has_schema(&self) -> Result<bool> {
        let sql = format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", literal(&self.schema_name));
        self.query("look for the schema", &sql).map(|rows| !rows.is_empty())
    }

    /// The columns of a table with their types; none when it is not there.
    fn columns_of(&self, table: &str) -> Result<BTreeMap<String, String>> {
        let sql = format!(
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
             JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = {} AND c.relname = {} AND a.attnum > 0 AND NOT a.attisdropped",
            literal(&self.schema_name),
            literal(table)
        );
        let pair = |row: Vec<Option<String>>| match <[_; 2]>::try_from(row) {
            Ok([Some(name), Some(kind)]) => Some((name, kind)),
            _ => None,
        };
        Ok(self.query("look for the tables", &sql)?.into_iter().filter_map(pair).collect())
    }

    fn make_table(&self, dataset: &'static Dataset) -> Result<()> {
        let found = self.columns_of(dataset.name)?;
        if found.is_empty() {
            return self.execute("make a table", &create(Dialect::PostgreSql, dataset, Some(&self.schema)));
        }
        for column in dataset.columns {
            let expected = type_name(column.kind);
            match found.get(column.name) {
                // A narrower decimal would round in silence.
                Some(kind) if kind == expected => {}
                found => {
                    let found = found.map_or("no such column", String::as_str);
                    return Err(Error::environment(format!(
                        "expected column '{}' of type {expected}, found {found}; nothing was changed",
                        column.name
                    ))
                    .at(format!("table {}", self.table(dataset.name)))
                    .hint("put the table aside, or load into another schema with --schema"));
                }
            }
        }
        Ok(())
    }
}

impl Store for PostgreSql {
    fn begin(&mut self) -> Result<()> {
        let lock = literal(&format!("tieout load {}", self.schema_name));
        self.execute("begin a transaction", "BEGIN; SET LOCAL TimeZone = 'UTC'")?;
        self.execute("wait for another load", &format!("SELECT pg_advisory_xact_lock(hashtextextended({lock}, 0))"))?;
        if !self.has_schema()? {
            self.execute("make the schema", &format!("CREATE SCHEMA {}", self.schema))?;
        }
        for dataset in tables() {
            self.make_table(dataset)?;
        }
        if self.columns_of(PARTITIONS)?.is_empty() {
            let sql = format!(
                "CREATE TABLE {} (dataset TEXT NOT NULL, booking_date DATE NOT NULL, sha256 TEXT NOT NULL,
                 rows BIGINT NOT NULL, run_id TEXT NOT NULL, tieout_version TEXT NOT NULL,
                 loaded_at TIMESTAMPTZ NOT NULL DEFAULT now(), PRIMARY KEY (dataset, booking_date))",
                self.table(PARTITIONS)
            );
            self.execute("make a table", &sql)?;
        }
        Ok(())
    }

    fn known(&mut self) -> Result<Vec<Known>> {
        let sql =
            format!("SELECT dataset, booking_date - DATE '1970-01-01', sha256, run_id FROM {}", self.table(PARTITIONS));
        let known = |row: Vec<Option<String>>| match <[_; 4]>::try_from(row) {
            Ok([Some(dataset), day, Some(sha256), Some(run_id)]) => {
                day_of(day.as_deref()).map(|day| Known { dataset, day, sha256, run_id })
            }
            _ => None,
        };
        Ok(self.query("read what was loaded", &sql)?.into_iter().filter_map(known).collect())
    }

    fn remove(&mut self, dataset: &'static Dataset, days: &[Day]) -> Result<()> {
        let days: Vec<i32> = days.iter().map(|day| day.epoch_days()).collect();
        let sql = format!(
            "DELETE FROM {} WHERE booking_date IN (SELECT DATE '1970-01-01' + day FROM unnest($1::int4[]) AS day)",
            self.table(dataset.name)
        );
        let deleted = self.runtime.block_on(self.client.execute(&sql, &[&days]));
        deleted.map(|_| ()).map_err(|error| refused("take out the rows that are replaced", &error))
    }

    fn clear(&mut self, dataset: &'static Dataset) -> Result<()> {
        self.execute("take out the rows that are replaced", &format!("DELETE FROM {}", self.table(dataset.name)))
    }

    fn insert(&mut self, dataset: &'static Dataset, feed: &mut Feed<'_>) -> Result<()> {
        let columns: Vec<String> = dataset.columns.iter().map(|column| quoted(column.name)).collect();
        let sql = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", self.table(dataset.name), columns.join(", "));
        let sink = self.runtime.block_on(self.client.copy_in(&sql)).map_err(|error| refused("begin a COPY", &error))?;
        let mut copying = Copying { runtime: &self.runtime, sink: Box::pin(sink), rows: BinaryRows::new(dataset) };
        // When it fails, the COPY is dropped, and with it the transaction.
        feed(&mut Rows(&mut copying))?;
        copying.finish()
    }

    fn sums(&mut self, dataset: &'static Dataset, window: Option<Window>) -> Result<BTreeMap<Day, DaySums>> {
        let (credits, debits) = summed_columns(dataset);
        let whole = |sum: &str| format!("(coalesce({sum}, 0) * 10000)::numeric(100, 0)");
        let within = window.map_or_else(String::new, |window| {
            format!("WHERE booking_date BETWEEN DATE '{}' AND DATE '{}'", window.from, window.to)
        });
        let sql = format!(
            "SELECT booking_date - DATE '1970-01-01', currency, count(*), {}, {} FROM {} {within} GROUP BY 1, 2",
            whole(&format!("sum({credits}) FILTER (WHERE {credits} > 0)")),
            whole(&format!("sum({debits}) FILTER (WHERE {debits} < 0)")),
            self.table(dataset.name)
        );
        let mut days: BTreeMap<Day, DaySums> = BTreeMap::new();
        for row in self.query("sum up what is there", &sql)? {
            let [day, currency, rows, credits, debits] = <[_; 5]>::try_from(row).expect("five columns were asked for");
            let number = |text: Option<String>| text.as_deref().and_then(ten_thousandths).map(|sum| sum / 10_000);
            let parsed = (day_of(day.as_deref()), number(rows), number(credits), number(debits));
            let (Some(day), Some(rows), Some(credits), Some(debits)) = parsed else {
                return Err(Error::environment("expected sums from the database, found something else"));
            };
            let rows = u64::try_from(rows).expect("a count is not negative");
            days.entry(day).or_default().add(currency, rows, credits, debits);
        }
        Ok(days)
    }

    fn count(&mut self, dataset: &'static Dataset) -> Result<u64> {
        let rows = self.query("count what is there", &format!("SELECT count(*) FROM {}", self.table(dataset.name)))?;
        let count = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok());
        count.ok_or_else(|| Error::environment("expected a count from the database, found something else"))
    }

    fn note(&mut self, loaded: &[&ReleasedPartition], gone: &[&Known]) -> Result<()> {
        let table = self.table(PARTITIONS);
        let (names, days): (Vec<&str>, Vec<i32>) =
            gone.iter().map(|known| (known.dataset.as_str(), known.day.epoch_days())).unzip();
        let forget = format!(
            "DELETE FROM {table} WHERE (dataset, booking_date) IN
             (SELECT name, DATE '1970-01-01' + day FROM unnest($1::text[], $2::int4[]) AS gone (name, day))"
        );
        let noted = format!(
            "INSERT INTO {table} (dataset, booking_date, sha256, rows, run_id, tieout_version)
             SELECT name, DATE '1970-01-01' + day, sha256, rows, run_id, $6 FROM
             unnest($1::text[], $2::int4[], $3::text[], $4::int8[], $5::text[]) AS loaded (name, day, sha256, rows, run_id)
             ON CONFLICT (dataset, booking_date) DO UPDATE SET sha256 = excluded.sha256, rows = excluded.rows,
             run_id = excluded.run_id, tieout_version = excluded.tieout_version, loaded_at = now()"
        );
        let new_names: Vec<&str> = loaded.iter().map(|partition| partition.dataset.name).collect();
        let new_days: Vec<i32> = loaded.iter().map(|partition| partition.day.epoch_days()).collect();
        let sha256: Vec<&str> = loaded.iter().map(|partition| partition.file.sha256.as_str()).collect();
        let rows: Vec<i64> =
            loaded.iter().map(|partition| partition.file.rows.unwrap_or_default().cast_signed()).collect();
        let runs: Vec<&str> = loaded.iter().map(|partition| partition.run_id.as_str()).collect();
        let version = env!("CARGO_PKG_VERSION");
        self.runtime
            .block_on(async {
                self.client.execute(&forget, &[&names, &days]).await?;
                self.client.execute(&noted, &[&new_names, &new_days, &sha256, &rows, &runs, &version]).await
            })
            .map(|_| ())
            .map_err(|error| refused("note what was loaded", &error))
    }

    fn commit(&mut self) -> Result<()> {
        self.execute("commit", "COMMIT")
    }
}

/// The tables of a load.
fn tables() -> impl Iterator<Item = &'static Dataset> {
    dataset::ALL.into_iter().filter(|each| each.left_out.is_none())
}

/// A COPY on its way.
struct Copying<'a> {
    runtime: &'a Runtime,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    rows: BinaryRows,
}

impl Copying<'_> {
    fn send(&mut self, bytes: Vec<u8>) -> Result<()> {
        let sent = self.runtime.block_on(self.sink.send(Bytes::from(bytes)));
        sent.map_err(|error| refused("send rows", &error))
    }

    fn finish(mut self) -> Result<()> {
        let rest = std::mem::replace(&mut self.rows, BinaryRows::new(&dataset::BREAKS)).finish();
        self.send(rest)?;
        let finished = self.runtime.block_on(self.sink.as_mut().finish());
        finished.map(|_| ()).map_err(|error| refused("finish a COPY", &error))
    }
}

impl CellSink for Copying<'_> {
    fn text(&mut self, value: Option<&str>) {
        self.rows.text(value);
    }

    fn money(&mut self, value: Option<Money>, digits: u8) {
        self.rows.money(value, digits);
    }

    fn rate(&mut self, value: Option<Rate>) {
        self.rows.rate(value);
    }

    fn date(&mut self, value: Option<Day>) {
        self.rows.date(value);
    }

    fn time(&mut self, value: Option<Stamp>) {
        self.rows.time(value);
    }

    fn count(&mut self, value: i64) {
        self.rows.count(value);
    }
}

impl RowSink for Copying<'_> {
    fn end_row(&mut self) -> Result<()> {
        self.rows.end_row()?;
        self.rows.take(CHUNK_BYTES).map_or(Ok(()), |bytes| self.send(bytes))
    }
}

/// As `format_type` tells it.
fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Money => "numeric(18,4)",
        Kind::Rate => "numeric(18,8)",
        Kind::Date => "date",
        Kind::Time => "timestamp with time zone",
        Kind::Count => "bigint",
    }
}

fn day_of(text: Option<&str>) -> Option<Day> {
    Day::from_epoch_days(text?.parse().ok()?)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Safe whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn refused(action: &str, error: &tokio_postgres::Error) -> Error {
    let told = Error::environment(format!("the database would not {action}; nothing was changed"));
    let Some(found) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        return told.because(format!("{error}{cause}"));
    };
    let detail = found.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    told.because(format!("{} {}: {}{detail}", found.severity(), found.code().code(), found.message()))
}
