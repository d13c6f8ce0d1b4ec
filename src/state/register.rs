//! The register of breaks over all runs: looked up by runs, listed and judged by people.

use std::collections::HashMap;

use chrono::{SecondsFormat, Utc};
use rusqlite::{OptionalExtension, Row, params};

use super::trail::Act;
use super::{State, amount, foreign, owner_kind};
use crate::breaks::Check;
use crate::record::{Day, Money, OwnerKind};
use crate::{Error, Result};

/// A break of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBreak {
    /// Stable id.
    pub break_id: String,
    /// The check.
    pub check: String,
    /// The cause.
    pub cause: String,
    /// Whose.
    pub owner_kind: OwnerKind,
    /// The owner's id.
    pub owner_id: String,
    /// The row.
    pub txid: Option<String>,
    /// Its day.
    pub booking_date: Option<Day>,
    /// ISO 4217 code of the amounts.
    pub currency: Option<String>,
    /// What should be.
    pub expected: Option<Money>,
    /// What is.
    pub actual: Option<Money>,
    /// actual − expected.
    pub difference: Option<Money>,
    /// What happened.
    pub explanation: String,
    /// Day of the run that saw it first.
    pub first_seen: Day,
    /// Day of the run that saw it last.
    pub last_seen: Day,
    /// open, accepted or resolved.
    pub status: String,
    /// Who accepted it.
    pub accepted_by: Option<String>,
    /// Why.
    pub note: Option<String>,
    /// Why it went away: late_row, restated, rule_changed or proved.
    pub resolution: Option<String>,
    /// Day of the run that no longer saw it.
    pub resolved_on: Option<Day>,
    /// The listings that a run must have whole to say that it is gone.
    pub listings: Vec<String>,
    /// Of a restatement: what the row said when it was reported first.
    pub earlier: Option<String>,
    /// For a card the account behind it.
    pub account: Option<String>,
    /// The run that saw it last.
    pub run_id: String,
}

/// Which breaks to list; all that is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct BreakFilter {
    /// Of that status.
    pub status: Option<String>,
    /// Of that check.
    pub check: Option<String>,
    /// Of the owner with that id.
    pub owner_id: Option<String>,
}

/// What [`known`] reads, and how many columns that is.
pub(super) const COLUMNS: &str = r#"break_id, "check", cause, owner_kind, owner_id, txid, booking_date, currency,
    expected, actual, difference, explanation, first_seen, last_seen, status, accepted_by, note, run_id, resolution,
    resolved_on, listings, earlier, account"#;
pub(super) const COLUMN_COUNT: usize = 23;

impl KnownBreak {
    /// How many days it lasted: until it went away, else until `today`.
    pub fn age_days(&self, today: Day) -> i32 {
        let until = self.resolved_on.unwrap_or(today);
        (until.epoch_days() - self.first_seen.epoch_days()).max(0)
    }
}

impl State {
    /// Every break that a run has ever seen, by its id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn known_breaks(&self) -> Result<HashMap<String, KnownBreak>> {
        let breaks = self.breaks(&BreakFilter::default())?;
        Ok(breaks.into_iter().map(|known| (known.break_id.clone(), known)).collect())
    }

    /// The breaks that pass the filter, those seen first in front.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn breaks(&self, filter: &BreakFilter) -> Result<Vec<KnownBreak>> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!(
                r#"SELECT {COLUMNS} FROM breaks WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR "check" = ?2)
                   AND (?3 IS NULL OR owner_id = ?3) ORDER BY first_seen, break_id"#
            ))?;
            let found = statement.query_map(params![filter.status, filter.check, filter.owner_id], known)?;
            found.collect()
        })
    }

    /// The breaks of a check that are not over, those seen first in front.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn breaks_left(&self, check: Check) -> Result<Vec<KnownBreak>> {
        let filter = BreakFilter { check: Some(check.name().to_owned()), ..BreakFilter::default() };
        let mut breaks = self.breaks(&filter)?;
        breaks.retain(|known| known.status != "resolved");
        Ok(breaks)
    }

    /// The break of that id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn break_of_id(&self, break_id: &str) -> Result<Option<KnownBreak>> {
        let sql = format!("SELECT {COLUMNS} FROM breaks WHERE break_id = ?1");
        self.read(|connection| connection.query_row(&sql, [break_id], known).optional())
    }

    /// Notes that somebody accepts a break, and why.
    ///
    /// # Errors
    /// When no open break has that id, or the database refuses.
    pub fn accept_break(&self, break_id: &str, by: &str, note: &str) -> Result<()> {
        let sql = "UPDATE breaks SET status = 'accepted', accepted_by = ?2, note = ?3 WHERE break_id = ?1
                   AND status <> 'resolved'";
        let changed = self.judge(sql, (break_id, "accepted"), Some(by), Some(note))?;
        found(changed, "an open break", break_id)
    }

    /// Opens an accepted break again.
    ///
    /// # Errors
    /// When no accepted break has that id, or the database refuses.
    pub fn reopen_break(&self, break_id: &str, by: Option<&str>, note: Option<&str>) -> Result<()> {
        // The parameters of both acts are the same.
        let sql = "UPDATE breaks SET status = 'open', accepted_by = NULL, note = NULL WHERE break_id = ?1
                   AND status = 'accepted' AND coalesce(?2, ?3, '') IS NOT NULL";
        let changed = self.judge(sql, (break_id, "reopened"), by, note)?;
        found(changed, "an accepted break", break_id)
    }

    /// What a person says of a break, together with its entry in the trail.
    fn judge(&self, sql: &str, (break_id, act): (&str, &str), by: Option<&str>, note: Option<&str>) -> Result<usize> {
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        self.read(|connection| {
            let transaction = connection.unchecked_transaction()?;
            let changed = transaction.execute(sql, params![break_id, by, note])?;
            if changed == 1 {
                Act { at: &at, break_id, what: act, by, note, run_id: None }.write(&transaction)?;
            }
            transaction.commit().map(|()| changed)
        })
    }
}

fn found(changed: usize, expected: &str, break_id: &str) -> Result<()> {
    if changed == 1 {
        return Ok(());
    }
    Err(Error::usage(format!("expected the id of {expected}, found '{break_id}'"))
        .hint("`tieout breaks list` shows the ids"))
}

pub(super) fn known(row: &Row<'_>) -> rusqlite::Result<KnownBreak> {
    Ok(KnownBreak {
        break_id: row.get(0)?,
        check: row.get(1)?,
        cause: row.get(2)?,
        owner_kind: owner_kind(row, 3)?,
        owner_id: row.get(4)?,
        txid: row.get(5)?,
        booking_date: optional(row, 6, day)?,
        currency: row.get(7)?,
        expected: optional(row, 8, amount)?,
        actual: optional(row, 9, amount)?,
        difference: optional(row, 10, amount)?,
        explanation: row.get(11)?,
        first_seen: day(row, 12)?,
        last_seen: day(row, 13)?,
        status: row.get(14)?,
        accepted_by: row.get(15)?,
        note: row.get(16)?,
        run_id: row.get(17)?,
        resolution: row.get(18)?,
        resolved_on: optional(row, 19, day)?,
        listings: row.get::<_, String>(20)?.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        earlier: row.get(21)?,
        account: row.get(22)?,
    })
}

pub(super) fn optional<T>(
    row: &Row<'_>,
    index: usize,
    read: impl FnOnce(&Row<'_>, usize) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    if row.get_ref(index)? == rusqlite::types::ValueRef::Null { Ok(None) } else { read(row, index).map(Some) }
}

pub(super) fn day(row: &Row<'_>, index: usize) -> rusqlite::Result<Day> {
    Day::parse(&row.get::<_, String>(index)?).ok_or_else(|| foreign(row, index))
}
