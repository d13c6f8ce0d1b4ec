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

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{OwnerKey, State, amount, delta, epoch_day, foreign, owner_kind};
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
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
    pub owner: OwnerKey,
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
    owners.sort_by(|a, b| (a.owner.0.name(), &a.owner.1).cmp(&(b.owner.0.name(), &b.owner.1)));
    let mut hash = Sha256::new();
    let mut line = Vec::new();
    for sealed in &*owners {
        line.clear();
        let cells = (sealed.owner.0.name(), &sealed.owner.1, sealed.rows, sealed.digest.to_string());
        serde_json::to_writer(&mut line, &cells).expect("texts and integers are JSON");
        line.push(b'\n');
        hash.update(&line);
    }
    let rows = owners.iter().map(|sealed| sealed.rows).sum();
    SealedPartition { dataset, rows, digest: Digest(hash.finalize().into()), in_lake }
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
fn number_of(name: &str) -> u32 {
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

/// A line of what a commit seals, as it is staged.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SealLine {
    /// First: what these datasets had in the window goes, and all seals from its first day on.
    Replace {
        /// Names.
        datasets: Vec<String>,
        /// The manifest's SHA-256.
        manifest: String,
    },
    /// Dataset, day, kind, id, rows, digest, closing in ten-thousandths.
    Rows(String, i32, String, String, u64, String, Option<i64>),
    /// Dataset, day, rows, digest, whether it is in the lake.
    Partition(String, i32, u64, String, bool),
    /// Day, seal.
    Seal(i32, String),
}

impl SealLine {
    /// Of an owner's day.
    pub(crate) fn rows(dataset: &Dataset, day: Day, sealed: &SealedRows) -> SealLine {
        SealLine::Rows(
            dataset.name.to_owned(),
            day.epoch_days(),
            sealed.owner.0.name().to_owned(),
            sealed.owner.1.clone(),
            sealed.rows,
            sealed.digest.to_string(),
            sealed.closing.map(Money::unscaled),
        )
    }

    /// Of a dataset's day.
    pub(crate) fn partition(day: Day, sealed: &SealedPartition) -> SealLine {
        let (name, digest) = (sealed.dataset.name.to_owned(), sealed.digest.to_string());
        SealLine::Partition(name, day.epoch_days(), sealed.rows, digest, sealed.in_lake)
    }

    /// Applies it. `false` when it is none that tieout writes.
    pub(super) fn apply(
        &self,
        transaction: &Transaction<'_>,
        owners: &mut delta::Owners<'_>,
        run: &delta::RunRecord,
    ) -> rusqlite::Result<bool> {
        let digest = |text: &str| Digest::parse(text).map(|digest| digest.0);
        match self {
            SealLine::Replace { datasets, manifest } => replace(transaction, datasets, manifest, run)?,
            SealLine::Rows(name, day, kind, id, rows, sealed, closing) => {
                let (Some(kind), Some(sealed)) = (delta::kind_named(kind), digest(sealed)) else {
                    return Ok(false);
                };
                let owner = owners.number(&(kind, id.clone()))?;
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO sealed_rows VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                    .execute(params![owner, number_of(name), day, rows.cast_signed(), sealed, closing])?;
            }
            SealLine::Partition(name, day, rows, sealed, in_lake) => {
                let Some(sealed) = digest(sealed) else {
                    return Ok(false);
                };
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO sealed_partitions VALUES (?1, ?2, ?3, ?4, ?5)")?
                    .execute(params![day, number_of(name), rows.cast_signed(), sealed, in_lake])?;
            }
            SealLine::Seal(day, seal) => {
                let Some(seal) = digest(seal) else {
                    return Ok(false);
                };
                transaction
                    .prepare_cached("INSERT OR REPLACE INTO seals VALUES (?1, ?2)")?
                    .execute(params![day, seal])?;
            }
        }
        Ok(true)
    }
}

fn replace(
    transaction: &Transaction<'_>,
    datasets: &[String],
    manifest: &str,
    run: &delta::RunRecord,
) -> rusqlite::Result<()> {
    let (first, last) = (run.window_from.epoch_days(), run.window_to.epoch_days());
    for name in datasets {
        for table in ["sealed_rows", "sealed_partitions"] {
            let sql = format!("DELETE FROM {table} WHERE dataset = ?1 AND day BETWEEN ?2 AND ?3");
            transaction.execute(&sql, params![number_of(name), first, last])?;
        }
    }
    transaction.execute("DELETE FROM seals WHERE day >= ?1", [first])?;
    transaction.execute("UPDATE runs SET manifest = ?2 WHERE run_id = ?1", [&run.run_id, manifest])?;
    Ok(())
}

/// Days of owners that are known, by owner.
pub type CoveredDays = HashMap<OwnerKey, Vec<(Day, Day)>>;

impl State {
    /// What is committed of a dataset's day.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn sealed_rows(&self, dataset: &Dataset, day: Day) -> Result<Vec<SealedRows>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT o.owner_kind, o.owner_id, s.rows, s.digest, s.closing FROM sealed_rows s JOIN owners o USING (owner)
                 WHERE s.dataset = ?1 AND s.day = ?2 ORDER BY o.owner_kind, o.owner_id",
            )?;
            let rows = statement.query_map(params![number_of(dataset.name), day.epoch_days()], |row| {
                Ok(SealedRows {
                    owner: (owner_kind(row, 0)?, row.get(1)?),
                    rows: row.get::<_, i64>(2)?.cast_unsigned(),
                    digest: digest_at(row, 3)?,
                    closing: super::register::optional(row, 4, amount)?,
                })
            })?;
            rows.collect()
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
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT day, closing FROM sealed_rows WHERE owner =
                   (SELECT owner FROM owners WHERE owner_kind = ?1 AND owner_id = ?2)
                 AND dataset = ?3 AND day BETWEEN ?4 AND ?5 AND closing IS NOT NULL",
            )?;
            let (number, days) =
                (number_of(dataset::BALANCES.name), (window.from.epoch_days(), window.to.epoch_days()));
            let rows = statement.query_map(params![owner.0.name(), owner.1, number, days.0, days.1], |row| {
                Ok((epoch_day(row, 0)?, amount(row, 1)?))
            })?;
            rows.collect()
        })
    }

    /// The opening and closing balances that later runs go on from, of one day.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn balances_of(&self, day: Day) -> Result<HashMap<OwnerKey, (Option<Money>, Money)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT o.owner_kind, o.owner_id, c.opening, c.closing FROM closings c JOIN owners o USING (owner)
                 WHERE c.day = ?1",
            )?;
            let rows = statement.query_map([day.epoch_days()], |row| {
                let balances = (super::register::optional(row, 2, amount)?, amount(row, 3)?);
                Ok(((owner_kind(row, 0)?, row.get(1)?), balances))
            })?;
            rows.collect()
        })
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
    let mut statement = transaction.prepare_cached(
        "SELECT s.day, s.rows, s.digest FROM sealed_rows s WHERE s.owner =
           (SELECT owner FROM owners WHERE owner_kind = ?1 AND owner_id = ?2)
         AND s.dataset = ?3 AND s.day BETWEEN ?4 AND ?5 ORDER BY s.day",
    )?;
    let (mut hash, mut count) = (Sha256::new(), 0);
    for (kind, id) in owners {
        for listing in listings {
            let mut rows =
                statement.query(params![kind, id, number_of(listing), from.epoch_days(), to.epoch_days()])?;
            while let Some(row) = rows.next()? {
                hash.update(row.get::<_, i32>(0)?.to_le_bytes());
                count += row.get::<_, i64>(1)?;
                hash.update(row.get::<_, [u8; 32]>(2)?);
            }
            hash.update([0]);
        }
    }
    Ok((count, hash.finalize().into()))
}
