//! What a run changes in the state, as it is staged with the reports and applied with them.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::{State, refused};
use crate::record::{BalanceRow, BreakRow, Day, Money, OwnerKind, Window};
use crate::{Error, Result};

/// Names an owner: its kind and its id, as reports do.
pub type OwnerKey = (OwnerKind, String);

/// What a run changes. Closings come beside it: they are many, and streamed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateDelta {
    /// The run.
    pub run: RunRecord,
    /// The local day on which it runs: when breaks were seen last.
    #[serde(with = "as_text")]
    pub today: Day,
    /// The owners whose rows of the whole window the run has. Their closings within the window are replaced, their
    /// breaks that were not seen again are resolved.
    #[serde(with = "as_owners")]
    pub covered: Vec<OwnerKey>,
    /// The checks that were made: breaks of others stay as they are.
    pub checks: Vec<String>,
    /// The breaks that were seen.
    pub breaks: Vec<SeenBreak>,
}

/// A run that is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id, unlike any other run's.
    pub run_id: String,
    /// The job's name.
    pub job: String,
    /// The first day of its window.
    #[serde(with = "as_text")]
    pub window_from: Day,
    /// The last day of its window.
    #[serde(with = "as_text")]
    pub window_to: Day,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// When it was done and about to be committed, RFC 3339.
    pub committed_at: String,
    /// How it ended.
    pub exit_code: u8,
    /// Rows of all feeds.
    pub rows: u64,
    /// Open breaks.
    pub breaks: u64,
}

/// A break as a run saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenBreak {
    /// Stable id.
    pub break_id: String,
    /// The check.
    pub check: String,
    /// The cause.
    pub cause: String,
    /// account, card or provider.
    pub owner_kind: String,
    /// The owner's id.
    pub owner_id: String,
    /// The row.
    pub txid: Option<String>,
    /// Its day, YYYY-MM-DD.
    pub booking_date: Option<String>,
    /// ISO 4217 code of the amounts.
    pub currency: Option<String>,
    /// What should be, in ten-thousandths.
    pub expected: Option<i64>,
    /// What is, in ten-thousandths.
    pub actual: Option<i64>,
    /// actual − expected, in ten-thousandths.
    pub difference: Option<i64>,
    /// What happened.
    pub explanation: String,
    /// Day of the run that saw it first.
    #[serde(with = "as_text")]
    pub first_seen: Day,
    /// open, accepted or resolved.
    pub status: String,
    /// The days that a run must cover to say that the break is gone: the first.
    #[serde(with = "as_text")]
    pub scope_from: Day,
    /// The last of these days.
    #[serde(with = "as_text")]
    pub scope_to: Day,
}

impl SeenBreak {
    /// The break of a report row. A run that covers its owner and all days of `scope` and does not see it again
    /// resolves it: the row's own day for a break of a row, the window for one of a whole listing.
    pub fn new(row: &BreakRow, scope: Window) -> SeenBreak {
        SeenBreak {
            break_id: row.break_id.clone(),
            check: row.check.to_owned(),
            cause: row.cause.to_owned(),
            owner_kind: row.owner_kind.to_owned(),
            owner_id: row.owner_id.clone(),
            txid: row.txid.clone(),
            booking_date: row.booking_date.map(|day| day.to_string()),
            currency: row.currency.clone(),
            expected: row.expected.map(Money::unscaled),
            actual: row.actual.map(Money::unscaled),
            difference: row.difference.map(Money::unscaled),
            explanation: row.explanation.clone(),
            first_seen: row.first_seen,
            status: row.status.to_owned(),
            scope_from: scope.from,
            scope_to: scope.to,
        }
    }
}

/// An owner's balances at the ends of a day that has settled rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The owner.
    pub owner: OwnerKey,
    /// The day.
    pub day: Day,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// The balance before the day's first settled row.
    pub opening: Option<Money>,
    /// The balance after its last.
    pub closing: Money,
}

/// Closings of one owner as they are staged: a line of JSON.
#[derive(Serialize, Deserialize)]
struct ClosingsLine(String, String, Option<String>, Vec<DayLine>);

/// A day, its opening and its closing.
#[derive(Serialize, Deserialize)]
struct DayLine(i32, Option<i64>, i64);

impl Closing {
    /// The closing of a balance row; `None` when the provider stated no balance.
    pub fn of(row: &BalanceRow) -> Option<Closing> {
        Some(Closing {
            owner: (kind_named(row.owner_kind)?, row.owner_id.clone()),
            day: row.booking_date,
            currency: row.currency.clone(),
            opening: row.opening,
            closing: row.closing?,
        })
    }

    /// Appends closings as lines of JSON, one for those of an owner that stand together.
    pub(crate) fn write_lines<'c>(closings: impl IntoIterator<Item = &'c Closing>, out: &mut Vec<u8>) {
        let closings: Vec<&Closing> = closings.into_iter().collect();
        for together in closings.chunk_by(|a, b| a.owner == b.owner && a.currency == b.currency) {
            let Closing { owner, currency, .. } = together[0];
            let days = together.iter().map(|closing| closing.day_line()).collect();
            let line = ClosingsLine(owner.0.name().to_owned(), owner.1.clone(), currency.clone(), days);
            serde_json::to_writer(&mut *out, &line).expect("texts and integers are JSON");
            out.push(b'\n');
        }
    }

    /// Reads such a line back; `None` when it is none.
    pub(crate) fn read_line(line: &str) -> Option<Vec<Closing>> {
        let ClosingsLine(kind, id, currency, days) = serde_json::from_str(line).ok()?;
        let owner = (kind_named(&kind)?, id);
        days.iter().map(|day| Closing::of_day(&owner, currency.as_deref(), day)).collect()
    }

    fn day_line(&self) -> DayLine {
        DayLine(self.day.epoch_days(), self.opening.map(Money::unscaled), self.closing.unscaled())
    }

    fn of_day(owner: &OwnerKey, currency: Option<&str>, DayLine(day, opening, closing): &DayLine) -> Option<Closing> {
        let opening = match opening {
            Some(unscaled) => Some(Money::from_unscaled(*unscaled)?),
            None => None,
        };
        Some(Closing {
            owner: owner.clone(),
            day: Day::from_epoch_days(*day)?,
            currency: currency.map(str::to_owned),
            opening,
            closing: Money::from_unscaled(*closing)?,
        })
    }
}

impl State {
    /// Applies a run's changes in one transaction. A run that was applied before changes nothing.
    ///
    /// # Errors
    /// When the database refuses, or `closings` fails; nothing has changed then.
    pub fn apply(&self, delta: &StateDelta, closings: impl Iterator<Item = Result<Closing>>) -> Result<()> {
        let mut connection = self.connection();
        let at = |error| refused(error, &self.path);
        let transaction = begin(&mut connection).map_err(at)?;
        if note_run(&transaction, &delta.run).map_err(at)? {
            replace_closings(&transaction, delta, closings).map_err(|error| match error {
                Stopped::Refused(error) => at(error),
                Stopped::Given(error) => error,
            })?;
            register_breaks(&transaction, delta).map_err(at)?;
            resolve_breaks(&transaction, delta).map_err(at)?;
        }
        transaction.commit().map_err(at)
    }
}

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
}

/// Whether the run is new.
fn note_run(transaction: &Transaction<'_>, run: &RunRecord) -> rusqlite::Result<bool> {
    let noted = transaction.execute(
        "INSERT INTO runs (run_id, job, window_from, window_to, started_at, committed_at, exit_code, rows, breaks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            run.run_id,
            run.job,
            run.window_from.to_string(),
            run.window_to.to_string(),
            run.started_at,
            run.committed_at,
            run.exit_code,
            run.rows.cast_signed(),
            run.breaks.cast_signed(),
        ],
    )?;
    Ok(noted == 1)
}

/// Why closings could not be replaced.
enum Stopped {
    /// By the database.
    Refused(rusqlite::Error),
    /// By whoever hands them over.
    Given(Error),
}

impl From<rusqlite::Error> for Stopped {
    fn from(error: rusqlite::Error) -> Self {
        Stopped::Refused(error)
    }
}

fn replace_closings(
    transaction: &Transaction<'_>,
    delta: &StateDelta,
    closings: impl Iterator<Item = Result<Closing>>,
) -> Result<(), Stopped> {
    let mut owners = Owners { transaction, last: None };
    let mut delete = transaction.prepare("DELETE FROM closings WHERE owner = ?1 AND day BETWEEN ?2 AND ?3")?;
    for owner in &delta.covered {
        let owner = owners.number(owner)?;
        let (first, last) = (delta.run.window_from.epoch_days(), delta.run.window_to.epoch_days());
        delete.execute(params![owner, first, last])?;
        note_covered(transaction, owner, first, last)?;
    }
    let mut insert = transaction.prepare(
        "INSERT INTO closings (owner, day, currency, opening, closing) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET currency = excluded.currency, opening = excluded.opening, closing = excluded.closing",
    )?;
    for closing in closings {
        let closing = closing.map_err(Stopped::Given)?;
        insert.execute(params![
            owners.number(&closing.owner)?,
            closing.day.epoch_days(),
            closing.currency,
            closing.opening.map(Money::unscaled),
            closing.closing.unscaled(),
        ])?;
    }
    Ok(())
}

/// Adds days to those whose rows of an owner are known; intervals that touch become one.
fn note_covered(transaction: &Transaction<'_>, owner: i64, first: i32, last: i32) -> rusqlite::Result<()> {
    let touching = params![owner, first, last];
    let (first, last) = transaction
        .prepare_cached(
            "SELECT min(?2, coalesce(min(first_day), ?2)), max(?3, coalesce(max(last_day), ?3)) FROM covered
             WHERE owner = ?1 AND first_day <= ?3 + 1 AND last_day >= ?2 - 1",
        )?
        .query_row(touching, |row| Ok((row.get::<_, i32>(0)?, row.get::<_, i32>(1)?)))?;
    transaction
        .prepare_cached("DELETE FROM covered WHERE owner = ?1 AND first_day <= ?3 + 1 AND last_day >= ?2 - 1")?
        .execute(touching)?;
    transaction
        .prepare_cached("INSERT INTO covered (owner, first_day, last_day) VALUES (?1, ?2, ?3)")?
        .execute(params![owner, first, last])?;
    Ok(())
}

/// The numbers that stand for owners in the database.
struct Owners<'t> {
    transaction: &'t Transaction<'t>,
    /// The one asked for last: an owner's closings stand together.
    last: Option<(OwnerKey, i64)>,
}

impl Owners<'_> {
    fn number(&mut self, owner: &OwnerKey) -> rusqlite::Result<i64> {
        if let Some((last, number)) = &self.last
            && last == owner
        {
            return Ok(*number);
        }
        let names = params![owner.0.name(), owner.1];
        let found = self
            .transaction
            .prepare_cached("SELECT owner FROM owners WHERE owner_kind = ?1 AND owner_id = ?2")?
            .query_row(names, |row| row.get(0))
            .optional()?;
        let number = match found {
            Some(number) => number,
            None => self
                .transaction
                .prepare_cached("INSERT INTO owners (owner_kind, owner_id) VALUES (?1, ?2)")?
                .insert(names)?,
        };
        self.last = Some((owner.clone(), number));
        Ok(number)
    }
}

/// New breaks are added; known ones are brought up to date, but keep the day they were seen first and, as long as they
/// are accepted, by whom and why.
fn register_breaks(transaction: &Transaction<'_>, delta: &StateDelta) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare(
        r#"INSERT INTO breaks (break_id, "check", cause, owner_kind, owner_id, txid, booking_date, currency, expected,
             actual, difference, explanation, first_seen, last_seen, status, scope_from, scope_to, run_id)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
           ON CONFLICT (break_id) DO UPDATE SET "check" = excluded."check", cause = excluded.cause,
             owner_kind = excluded.owner_kind, owner_id = excluded.owner_id, txid = excluded.txid,
             booking_date = excluded.booking_date, currency = excluded.currency, expected = excluded.expected,
             actual = excluded.actual, difference = excluded.difference, explanation = excluded.explanation,
             first_seen = min(first_seen, excluded.first_seen), last_seen = excluded.last_seen,
             status = excluded.status, scope_from = excluded.scope_from, scope_to = excluded.scope_to,
             accepted_by = iif(excluded.status = 'accepted', accepted_by, NULL),
             note = iif(excluded.status = 'accepted', note, NULL), run_id = excluded.run_id"#,
    )?;
    for seen in &delta.breaks {
        upsert.execute(params![
            seen.break_id,
            seen.check,
            seen.cause,
            seen.owner_kind,
            seen.owner_id,
            seen.txid,
            seen.booking_date,
            seen.currency,
            seen.expected,
            seen.actual,
            seen.difference,
            seen.explanation,
            seen.first_seen.to_string(),
            delta.today.to_string(),
            seen.status,
            seen.scope_from.to_string(),
            seen.scope_to.to_string(),
            delta.run.run_id,
        ])?;
    }
    Ok(())
}

/// Breaks that this run would have seen and did not are resolved.
fn resolve_breaks(transaction: &Transaction<'_>, delta: &StateDelta) -> rusqlite::Result<()> {
    let covered: HashSet<(&str, &str)> = delta.covered.iter().map(|(kind, id)| (kind.name(), id.as_str())).collect();
    let mut candidates = transaction.prepare(
        r#"SELECT break_id, "check", owner_kind, owner_id FROM breaks
           WHERE status <> 'resolved' AND run_id <> ?1 AND scope_from >= ?2 AND scope_to <= ?3"#,
    )?;
    let (run, mut gone) = (&delta.run, Vec::new());
    let mut rows = candidates.query(params![run.run_id, run.window_from.to_string(), run.window_to.to_string()])?;
    while let Some(row) = rows.next()? {
        let (check, kind, id): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        if delta.checks.contains(&check) && covered.contains(&(kind.as_str(), id.as_str())) {
            gone.push(row.get::<_, String>(0)?);
        }
    }
    let mut resolve = transaction.prepare("UPDATE breaks SET status = 'resolved' WHERE break_id = ?1")?;
    gone.iter().try_for_each(|break_id| resolve.execute([break_id]).map(|_| ()))
}

/// The kind of that name.
pub(super) fn kind_named(name: &str) -> Option<OwnerKind> {
    [OwnerKind::Account, OwnerKind::Card, OwnerKind::Provider].into_iter().find(|kind| kind.name() == name)
}

/// Days as YYYY-MM-DD.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::record::Day;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Owners as pairs of texts.
mod as_owners {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{OwnerKey, kind_named};

    pub(super) fn serialize<S: Serializer>(owners: &[OwnerKey], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(owners.iter().map(|(kind, id)| (kind.name(), id)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OwnerKey>, D::Error> {
        Vec::<(String, String)>::deserialize(deserializer)?
            .into_iter()
            .map(|(kind, id)| kind_named(&kind).map(|kind| (kind, id)).ok_or_else(|| D::Error::custom("no such kind")))
            .collect()
    }
}
