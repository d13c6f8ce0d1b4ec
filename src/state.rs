//! What tieout remembers between runs, in `tieout.db` (SQLite): the runs, each owner's balances at the end of each day,
//! the digests of all that is committed, and the register of breaks with its audit trail.
//!
//! It changes only together with the reports: a run's [`StateDelta`] is applied in one transaction that also notes the
//! run, so that applying it again changes nothing.

mod closings;
mod delta;
mod lifecycle;
mod register;
mod sealer;
mod seals;
mod span;
mod staged;
mod trail;

pub(crate) use delta::OwnerClosings;
pub use delta::{Closing, Covered, OwnerKey, RunRecord, StateDelta};
pub use lifecycle::SeenBreak;
pub use register::{BreakFilter, KnownBreak};
pub(crate) use sealer::SealLine;
pub use seals::{CoveredDays, Digest, SealedPartition, SealedRows, seal_day, seal_partition};
pub(crate) use seals::{PartitionSeal, in_seals};
pub(crate) use span::{SealedDay, Span};
pub(crate) use staged::{END, SpanPart, StagedSpans, owners_part};
pub use trail::TrailEntry;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use crate::planted::{Bug, is_planted};
use crate::record::{Day, Money, OwnerKind, Window};
use crate::{Error, Result};

/// The file's name in the output directory.
pub const FILE_NAME: &str = "tieout.db";

/// How long to wait for somebody who looks into the database from outside.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// One step a version. What stands here has been released: changes go into a further step.
const MIGRATIONS: [&str; 4] = [
    include_str!("state/v1.sql"),
    include_str!("state/v2.sql"),
    include_str!("state/v3.sql"),
    include_str!("state/v4.sql"),
];
/// The step behind which sealed rows move to where it keeps them.
const SPANS_STEP: usize = 3;
/// The same, of closing balances.
const CLOSINGS_STEP: usize = 4;

/// Memory for pages of the database.
const CACHE_KIB: i32 = 16 << 10;

/// The open database.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl State {
    /// Opens the database of an output directory, and makes or upgrades it as needed.
    ///
    /// # Errors
    /// When it cannot be opened, or a newer tieout wrote it.
    pub fn open(out: &Path) -> Result<State> {
        let path = out.join(FILE_NAME);
        // SQLite would make it readable by all.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| Error::environment("could not make the state file").at(path.display()).because(error))?;
        let state = State::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        state.migrate()?;
        Ok(state)
    }

    /// Opens the database of an output directory for reading, without taking the directory's lock.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open_for_reading(out: &Path) -> Result<State> {
        let path = out.join(FILE_NAME);
        if !path.exists() {
            return Err(Error::usage("expected an output directory of an earlier run, found none")
                .at(out.display())
                .hint("name the directory with --out, or run a job first"));
        }
        // Not read-only: whoever looks first after a crash must be able to roll back what SQLite left half done.
        let state = State::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        state.read(|connection| connection.pragma_update(None, "query_only", true))?;
        match state.version()? {
            version if version == MIGRATIONS.len() => Ok(state),
            version => Err(state.wrong_version(version)),
        }
    }

    fn connect(path: PathBuf, flags: OpenFlags) -> Result<State> {
        let connection = Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|error| refused(error, &path))?;
        connection.busy_timeout(BUSY_WAIT).map_err(|error| refused(error, &path))?;
        // A commit that returned is on the disk, and so is the removal of SQLite's journal, which would else be found after
        // a power cut and undo it. The default, FULL, does not wait for that.
        let level = if is_planted(Bug::StateNotLasting) { "FULL" } else { "EXTRA" };
        connection.pragma_update(None, "synchronous", level).map_err(|error| refused(error, &path))?;
        // What a run changes stays in memory until it commits, instead of going to the disk and back.
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(|error| refused(error, &path))?;
        // Numbers of owners and datasets are given out here: looking them up again for each row that names them was a
        // fifth of what the rows cost.
        connection.pragma_update(None, "foreign_keys", false).map_err(|error| refused(error, &path))?;
        Ok(State { path, connection: Mutex::new(connection) })
    }

    fn migrate(&self) -> Result<()> {
        let version = self.version()?;
        let steps = MIGRATIONS.get(version..).ok_or_else(|| self.wrong_version(version))?;
        for (step, done) in steps.iter().zip(version + 1..) {
            self.take_step(step, done).map_err(|error| refused(error, &self.path))?;
        }
        Ok(())
    }

    fn take_step(&self, step: &str, done: usize) -> rusqlite::Result<()> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        match done {
            SPANS_STEP => seals::move_to_spans(&transaction)?,
            CLOSINGS_STEP => closings::move_to_spans(&transaction)?,
            _ => {}
        }
        transaction.execute_batch(&format!("PRAGMA user_version = {done}"))?;
        transaction.commit()
    }

    fn version(&self) -> Result<usize> {
        self.read(|connection| connection.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0)))
            .map(|version| version as usize)
    }

    fn wrong_version(&self, version: usize) -> Error {
        let known = MIGRATIONS.len();
        Error::environment(format!("expected a state file of version {known}, found version {version}"))
            .at(self.path.display())
            .hint("use the tieout that wrote it, or a newer one")
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic in mid-transaction rolls it back: what the lock guards is still whole.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        query(&self.connection()).map_err(|error| refused(error, &self.path))
    }

    /// Whether a transaction that was committed cannot be undone by a power cut.
    ///
    /// # Errors
    /// When the database does not answer.
    pub fn outlives_a_power_cut(&self) -> Result<bool> {
        const EXTRA: i64 = 3;
        self.read(|connection| connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0)))
            .map(|level| level == EXTRA)
    }

    /// Whether that run has been committed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_run(&self, run_id: &str) -> Result<bool> {
        self.read(|connection| {
            connection.query_row("SELECT 1 FROM runs WHERE run_id = ?1", [run_id], |_| Ok(())).optional()
        })
        .map(|found| found.is_some())
    }

    /// When the job's last run was committed that ended with that exit code or a lower one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_commit_of(&self, job: &str, exit_code_max: u8) -> Result<Option<DateTime<Utc>>> {
        let sql = "SELECT MAX(committed_at) FROM runs WHERE job = ?1 AND exit_code <= ?2";
        let at = self.read(|connection| {
            connection.query_row(sql, params![job, exit_code_max], |row| row.get::<_, Option<String>>(0))
        })?;
        Ok(at.and_then(|at| at.parse().ok()))
    }

    /// The shard of the directory's runs, as in `--shard`; the inner `None` for all accounts, the outer one where nothing
    /// was committed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn shard(&self) -> Result<Option<Option<String>>> {
        self.read(|connection| connection.query_row("SELECT shard FROM runs LIMIT 1", [], |row| row.get(0)).optional())
    }

    /// The exit code of the job's last committed run of exactly that window.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn last_exit_of(&self, job: &str, window: Window) -> Result<Option<u8>> {
        self.read(|connection| {
            connection
                .query_row(
                    "SELECT exit_code FROM runs WHERE job = ?1 AND window_from = ?2 AND window_to = ?3
                     ORDER BY committed_at DESC LIMIT 1",
                    params![job, window.from.to_string(), window.to.to_string()],
                    |row| row.get(0),
                )
                .optional()
        })
    }
}

fn refused(error: rusqlite::Error, path: &Path) -> Error {
    Error::environment("could not use the state file").at(path.display()).because(error)
}

/// A value that SQLite gave back but tieout never wrote.
fn foreign(row: &Row<'_>, index: usize) -> rusqlite::Error {
    let name = row.as_ref().column_name(index).unwrap_or("?").to_owned();
    rusqlite::Error::InvalidColumnType(index, name, rusqlite::types::Type::Text)
}

fn owner_kind(row: &Row<'_>, index: usize) -> rusqlite::Result<OwnerKind> {
    delta::kind_named(&row.get::<_, String>(index)?).ok_or_else(|| foreign(row, index))
}

fn epoch_day(row: &Row<'_>, index: usize) -> rusqlite::Result<Day> {
    Day::from_epoch_days(row.get(index)?).ok_or_else(|| foreign(row, index))
}

fn amount(row: &Row<'_>, index: usize) -> rusqlite::Result<Money> {
    Money::from_unscaled(row.get(index)?).ok_or_else(|| foreign(row, index))
}

#[cfg(test)]
mod tests;
