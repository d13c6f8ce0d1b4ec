//! Sealed days: what is committed of each owner's day, as a digest, and the chain of days that is made of them.
//!
//! | level | is the SHA-256 of |
//! | --- | --- |
//! | rows of an owner's day in a dataset | the rows' packed cells, in order (`output::packed`) |
//! | a partition: a dataset's day | a line of JSON an owner, `["card","900",3,"<rows' digest>"]`, in the order of kind and id |
//! | a day's seal | `["<seal of the day before it that has rows>","2026-03-01",[["account_statements","<partition>"],…]]` |
//!
//! Digests are lower-case hex in what is hashed; the first day goes on from 64 zeros; datasets come in the order of
//! [`dataset::ALL`]. All of it can be computed again from the lake alone. Balances are a dataset like the others, so that
//! closing balances are sealed too.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::span::{self, SealedDay, Span};
use super::{OwnerKey, State, amount, epoch_day, foreign, owner_kind};
use crate::Result;
use crate::record::{Dataset, Day, Money, Window, dataset};

/// A SHA-256. Shown as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Stands before the first day.
    pub const NONE: Digest = Digest([0; 32]);

    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// Reads 64 hex digits.
    pub fn parse(text: &str) -> Option<Digest> {
        let mut digest = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Digest(digest))
    }

    /// In lower-case hex.
    pub(crate) fn hex(&self) -> [u8; 64] {
        let mut text = [0; 64];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [b"0123456789abcdef"[usize::from(byte >> 4)], b"0123456789abcdef"[usize::from(byte & 15)]];
        }
        text
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.hex()).expect("hex digits"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is committed of an owner's day in a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRows {
    /// Whose.
    pub owner: Arc<OwnerKey>,
    /// How many rows.
    pub rows: u64,
    /// Over their cells.
    pub digest: Digest,
    /// In balances: the closing balance that the state holds for the day.
    pub closing: Option<Money>,
}

/// A dataset's day.
#[derive(Debug, Clone, Copy)]
pub struct SealedPartition {
    /// Which dataset.
    pub dataset: &'static Dataset,
    /// How many rows.
    pub rows: u64,
    /// Over its owners.
    pub digest: Digest,
    /// Whether the lake holds the rows.
    pub in_lake: bool,
}

/// A dataset's day made of its owners, which are brought into their order.
pub fn seal_partition(dataset: &'static Dataset, owners: &mut [SealedRows], in_lake: bool) -> SealedPartition {
    owners.sort_by(|a, b| in_seals(&a.owner, &b.owner));
    let mut seal = PartitionSeal::default();
    for sealed in owners {
        seal.add(&sealed.owner, sealed.rows, sealed.digest);
    }
    seal.finish(dataset, in_lake)
}

/// The order of owners in seals.
pub(crate) fn in_seals(a: &OwnerKey, b: &OwnerKey) -> Ordering {
    (a.0.name(), &a.1).cmp(&(b.0.name(), &b.1))
}

/// A dataset's day, being made of its owners as they come in the order of [`in_seals`].
#[derive(Debug, Default)]
pub(crate) struct PartitionSeal {
    hash: Sha256,
    rows: u64,
    line: Vec<u8>,
}

impl PartitionSeal {
    /// Adds an owner: a line of JSON, `["card","ANY1",3,"<digest in hex>"]`.
    pub(crate) fn add(&mut self, owner: &OwnerKey, rows: u64, digest: Digest) {
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(b"[\"");
        line.extend_from_slice(owner.0.name().as_bytes());
        line.extend_from_slice(b"\",");
        // Of most ids JSON escapes nothing.
        if owner.1.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            line.push(b'"');
            line.extend_from_slice(owner.1.as_bytes());
            line.push(b'"');
        } else {
            serde_json::to_writer(&mut *line, &owner.1).expect("a text is JSON");
        }
        line.push(b',');
        line.extend_from_slice(itoa::Buffer::new().format(rows).as_bytes());
        line.extend_from_slice(b",\"");
        line.extend_from_slice(&digest.hex());
        line.extend_from_slice(b"\"]\n");
        self.hash.update(line);
        self.rows += rows;
    }

    /// The day of `dataset`.
    pub(crate) fn finish(self, dataset: &'static Dataset, in_lake: bool) -> SealedPartition {
        SealedPartition { dataset, rows: self.rows, digest: Digest(self.hash.finalize().into()), in_lake }
    }
}

/// The seal of a day, made of the seal before it and its partitions.
pub fn seal_day(before: Digest, day: Day, partitions: &[(&str, Digest)]) -> Digest {
    let mut ordered: Vec<(u32, &str, String)> =
        partitions.iter().map(|(name, digest)| (number_of(name), *name, digest.to_string())).collect();
    ordered.sort();
    let partitions: Vec<(&str, String)> = ordered.into_iter().map(|(_, name, digest)| (name, digest)).collect();
    let cells = (before.to_string(), day.to_string(), partitions);
    Digest::of(&serde_json::to_vec(&cells).expect("texts are JSON"))
}

/// The number of a dataset in the database: its place among all, counted from 1.
pub(super) fn number_of(name: &str) -> u32 {
    (1..).zip(dataset::ALL).find(|(_, dataset)| dataset.name == name).map_or(0, |(number, _)| number)
}

fn dataset_at(row: &Row<'_>, index: usize) -> rusqlite::Result<&'static Dataset> {
    let number: u32 = row.get(index)?;
    let dataset = (1..).zip(dataset::ALL).find(|(each, _)| *each == number);
    dataset.map(|(_, dataset)| dataset).ok_or_else(|| foreign(row, index))
}

fn digest_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Digest> {
    Ok(Digest(row.get(index)?))
}

pub(super) fn span_of(
    connection: &Connection,
    dataset: u32,
    span: Span,
    owner: i64,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT days FROM sealed_spans WHERE dataset = ?1 AND span = ?2 AND owner = ?3")?
        .query_row(params![dataset, span.0, owner], |row| row.get(0))
        .optional()
}

/// An owner's days in a dataset, as far as they lie in the window, in order.
fn days_of(
    connection: &Connection,
    (kind, id): (&str, &str),
    dataset: u32,
    window: Window,
) -> rusqlite::Result<Vec<SealedDay>> {
    let owner = connection
        .prepare_cached("SELECT owner FROM owners WHERE owner_kind = ?1 AND owner_id = ?2")?
        .query_row([kind, id], |row| row.get::<_, i64>(0))
        .optional()?;
    let Some(owner) = owner else {
        return Ok(Vec::new());
    };
    let mut sealed = Vec::new();
    for number in Span::touched_by(window) {
        let bytes = span_of(connection, dataset, Span(number), owner)?.unwrap_or_default();
        for day in span::days(Span(number), &bytes) {
            sealed.extend(Some(day.ok_or_else(damaged)?).filter(|day| window.contains(day.day)));
        }
    }
    Ok(sealed)
}

pub(super) fn damaged() -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(0, "days".to_owned(), rusqlite::types::Type::Blob)
}

/// Moves what earlier versions kept a row a day.
pub(super) fn move_to_spans(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("SELECT dataset, day, owner, rows, digest, closing FROM sealed_rows ORDER BY 1, 3, 2")?;
    let mut rows = statement.query([])?;
    let put = |key: (u32, Span, i64), days: &[u8]| {
        let sql = "INSERT INTO sealed_spans VALUES (?1, ?2, ?3, ?4)";
        transaction.prepare_cached(sql)?.execute(params![key.0, key.1.0, key.2, days])
    };
    let mut open: Option<((u32, Span, i64), Vec<u8>)> = None;
    while let Some(row) = rows.next()? {
        let day = SealedDay {
            day: epoch_day(row, 1)?,
            rows: row.get::<_, i64>(3)?.cast_unsigned(),
            digest: digest_at(row, 4)?,
            closing: super::register::optional(row, 5, amount)?,
        };
        let key = (row.get(0)?, Span::of(day.day), row.get(2)?);
        match &mut open {
            Some((last, days)) if *last == key => day.push(days),
            _ => {
                let mut days = Vec::new();
                day.push(&mut days);
                if let Some((last, days)) = open.replace((key, days)) {
                    put(last, &days)?;
                }
            }
        }
    }
    open.map_or(Ok(()), |(last, days)| put(last, &days).map(drop))?;
    drop(rows);
    drop(statement);
    transaction.execute_batch("DROP TABLE sealed_rows")
}

/// Days of owners that are known, by owner.
pub type CoveredDays = HashMap<OwnerKey, Vec<(Day, Day)>>;

impl State {
    /// What is committed of a dataset's day.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sealed_rows(&self, dataset: &Dataset, day: Day) -> Result<Vec<SealedRows>> {
        let span = Span::of(day);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT s.days, o.owner_kind, o.owner_id FROM sealed_spans s JOIN owners o USING (owner)
                 WHERE s.dataset = ?1 AND s.span = ?2 ORDER BY o.owner_kind, o.owner_id",
            )?;
            let mut rows = statement.query(params![number_of(dataset.name), span.0])?;
            let mut sealed = Vec::new();
            while let Some(row) = rows.next()? {
                let bytes = row.get_ref(0)?.as_blob()?;
                if let Some(SealedDay { rows, digest, closing, .. }) =
                    span::day_of(span, bytes, day).ok_or_else(damaged)?
                {
                    let owner = Arc::new((owner_kind(row, 1)?, row.get(2)?));
                    sealed.push(SealedRows { owner, rows, digest, closing });
                }
            }
            Ok(sealed)
        })
    }

    /// The partitions of every day from `from` on that has rows.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sealed_partitions(&self, from: Day) -> Result<BTreeMap<Day, Vec<SealedPartition>>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT day, dataset, rows, digest, in_lake FROM sealed_partitions WHERE day >= ?1 ORDER BY day, dataset",
            )?;
            let mut rows = statement.query([from.epoch_days()])?;
            let mut days: BTreeMap<Day, Vec<SealedPartition>> = BTreeMap::new();
            while let Some(row) = rows.next()? {
                days.entry(epoch_day(row, 0)?).or_default().push(SealedPartition {
                    dataset: dataset_at(row, 1)?,
                    rows: row.get::<_, i64>(2)?.cast_unsigned(),
                    digest: digest_at(row, 3)?,
                    in_lake: row.get(4)?,
                });
            }
            Ok(days)
        })
    }

    /// The seal of the last sealed day before `day`, [`Digest::NONE`] when there is none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn seal_before(&self, day: Day) -> Result<Digest> {
        let sql = "SELECT seal FROM seals WHERE day < ?1 ORDER BY day DESC LIMIT 1";
        self.read(|connection| connection.query_row(sql, [day.epoch_days()], |row| digest_at(row, 0)).optional())
            .map(|seal| seal.unwrap_or(Digest::NONE))
    }

    /// All seals.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn seals(&self) -> Result<BTreeMap<Day, Digest>> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT day, seal FROM seals")?;
            let rows = statement.query_map([], |row| Ok((epoch_day(row, 0)?, digest_at(row, 1)?)))?;
            rows.collect()
        })
    }

    /// The closing balances that were sealed of an owner, by day.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sealed_closings(&self, owner: &OwnerKey, window: Window) -> Result<BTreeMap<Day, Money>> {
        let number = number_of(dataset::BALANCES.name);
        let days = self.read(|connection| days_of(connection, (owner.0.name(), &owner.1), number, window))?;
        Ok(days.into_iter().filter_map(|day| Some((day.day, day.closing?))).collect())
    }

    /// The days that are known of each owner in a dataset, as far as they touch the window.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn covered_days(&self, dataset: &Dataset, window: Window) -> Result<CoveredDays> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT o.owner_kind, o.owner_id, c.first_day, c.last_day FROM covered c JOIN owners o USING (owner)
                 WHERE c.dataset = ?1 AND c.first_day <= ?3 AND c.last_day >= ?2",
            )?;
            let (first, last) = (window.from.epoch_days(), window.to.epoch_days());
            let mut rows = statement.query(params![number_of(dataset.name), first, last])?;
            let mut covered = CoveredDays::new();
            while let Some(row) = rows.next()? {
                let days = (epoch_day(row, 2)?, epoch_day(row, 3)?);
                covered.entry((owner_kind(row, 0)?, row.get(1)?)).or_default().push(days);
            }
            Ok(covered)
        })
    }

    /// The SHA-256 of the manifest that each run wrote, by run.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn manifests(&self) -> Result<HashMap<String, String>> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT run_id, manifest FROM runs WHERE manifest IS NOT NULL")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
    }
}

/// What the rows of owners come to in some listings and days: how many, and a digest over their digests.
pub(super) fn evidence(
    transaction: &Transaction<'_>,
    owners: &[(&str, &str)],
    listings: &[&str],
    (from, to): (Day, Day),
) -> rusqlite::Result<(i64, [u8; 32])> {
    let (mut hash, mut count) = (Sha256::new(), 0);
    for owner in owners {
        for listing in listings {
            for sealed in days_of(transaction, *owner, number_of(listing), Window { from, to })? {
                hash.update(sealed.day.epoch_days().to_le_bytes());
                count += sealed.rows.cast_signed();
                hash.update(sealed.digest.0);
            }
            hash.update([0]);
        }
    }
    Ok((count, hash.finalize().into()))
}
