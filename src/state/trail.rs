//! The audit trail: every act on a break, by runs and by people. Entries are only ever added: the database refuses to
//! change or delete them, and each carries the hash of the one before it, so that whoever goes past the database is seen.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::State;
use crate::Result;

/// An entry of the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrailEntry {
    /// Counted from 1.
    pub entry: i64,
    /// When, RFC 3339.
    pub at: String,
    /// The break.
    pub break_id: String,
    /// opened, changed, reopened, accepted or resolved.
    pub act: String,
    /// Who acted; `None` when a run did.
    pub by: Option<String>,
    /// What was said, what changed, or why.
    pub note: Option<String>,
    /// The run that acted.
    pub run_id: Option<String>,
    /// SHA-256 (hex) over all above and that of the entry before.
    pub sha256: String,
}

/// Something done to a break.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act<'a> {
    pub(super) at: &'a str,
    pub(super) break_id: &'a str,
    pub(super) what: &'a str,
    pub(super) by: Option<&'a str>,
    pub(super) note: Option<&'a str>,
    pub(super) run_id: Option<&'a str>,
}

impl Act<'_> {
    /// Adds it to the end of the trail.
    pub(super) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        let last: Option<(i64, String)> = connection
            .prepare_cached("SELECT entry, sha256 FROM trail ORDER BY entry DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (last, before) = last.unwrap_or_default();
        let sha256 = self.sha256(last + 1, &before);
        connection
            .prepare_cached(
                "INSERT INTO trail (entry, at, break_id, act, by, note, run_id, sha256)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![last + 1, self.at, self.break_id, self.what, self.by, self.note, self.run_id, sha256])?;
        Ok(())
    }

    fn sha256(&self, entry: i64, before: &str) -> String {
        let cells = (before, entry, self.at, self.break_id, self.what, self.by, self.note, self.run_id);
        format!("{:x}", Sha256::digest(serde_json::to_vec(&cells).expect("texts and integers are JSON")))
    }
}

impl TrailEntry {
    /// Whether it is what was written behind the entry with the hash `before`.
    pub fn follows(&self, before: Option<&TrailEntry>) -> bool {
        let act = Act {
            at: &self.at,
            break_id: &self.break_id,
            what: &self.act,
            by: self.by.as_deref(),
            note: self.note.as_deref(),
            run_id: self.run_id.as_deref(),
        };
        let (last, before) = before.map_or((0, ""), |before| (before.entry, before.sha256.as_str()));
        self.entry == last + 1 && act.sha256(self.entry, before) == self.sha256
    }
}

impl State {
    /// The trail of a break, or of all, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn trail(&self, break_id: Option<&str>) -> Result<Vec<TrailEntry>> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT entry, at, break_id, act, by, note, run_id, sha256 FROM trail
                 WHERE ?1 IS NULL OR break_id = ?1 ORDER BY entry",
            )?;
            let entries = statement.query_map([break_id], read)?;
            entries.collect()
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<TrailEntry> {
    Ok(TrailEntry {
        entry: row.get(0)?,
        at: row.get(1)?,
        break_id: row.get(2)?,
        act: row.get(3)?,
        by: row.get(4)?,
        note: row.get(5)?,
        run_id: row.get(6)?,
        sha256: row.get(7)?,
    })
}
