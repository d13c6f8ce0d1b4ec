//! What a run changes in the state, as it is staged with the reports and applied with them.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::lifecycle::{self, SeenBreak};
use super::seals::SealLine;
use super::{State, refused};
use crate::record::{BalanceRow, Day, Feed, Money, OwnerKind};
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
    /// What the run has whole of each owner. Closings within the window are replaced and breaks that were not seen again
    /// are resolved as far as it reaches.
    pub covered: Vec<Covered>,
    /// What the checks went by: the version and the rules of the job.
    pub rules: String,
    /// The breaks that were seen.
    pub breaks: Vec<SeenBreak>,
    /// Restatements that are taken back: the rows say again what they said first.
    pub taken_back: Vec<String>,
}

/// An owner, and the listings that bear on it of which the run has the whole window. Beside listings, `balance` says
/// that the balance that the provider states was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// account, card or provider.
    pub owner_kind: String,
    /// The owner's id.
    pub owner_id: String,
    /// Names of listings.
    pub listings: Vec<String>,
}

impl Covered {
    /// An owner and its listings.
    pub fn new(owner: &OwnerKey, listings: impl IntoIterator<Item = &'static str>) -> Covered {
        Covered {
            owner_kind: owner.0.name().to_owned(),
            owner_id: owner.1.clone(),
            listings: listings.into_iter().map(str::to_owned).collect(),
        }
    }
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
    /// The share of the accounts that it was for, as in `--shard`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
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
        self.apply_sealed(delta, closings, std::iter::empty())
    }

    /// As [`State::apply`], with what the commit seals.
    pub(crate) fn apply_sealed(
        &self,
        delta: &StateDelta,
        closings: impl Iterator<Item = Result<Closing>>,
        seals: impl Iterator<Item = Result<SealLine>>,
    ) -> Result<()> {
        let mut connection = self.connection();
        let at = |error| refused(error, &self.path);
        let transaction = begin(&mut connection).map_err(at)?;
        if note_run(&transaction, &delta.run).map_err(at)? {
            let told = |error| match error {
                Stopped::Refused(error) => at(error),
                Stopped::Given(error) => error,
            };
            let mut owners = Owners { transaction: &transaction, last: None };
            replace_closings(&transaction, &mut owners, delta, closings).map_err(told)?;
            apply_seals(&transaction, &mut owners, &delta.run, seals).map_err(told)?;
            lifecycle::apply(&transaction, delta).map_err(at)?;
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
        "INSERT INTO runs (run_id, job, window_from, window_to, started_at, committed_at, exit_code, rows, breaks,
                           shard)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
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
            run.shard,
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
    owners: &mut Owners<'_>,
    delta: &StateDelta,
    closings: impl Iterator<Item = Result<Closing>>,
) -> Result<(), Stopped> {
    let mut delete = transaction.prepare("DELETE FROM closings WHERE owner = ?1 AND day BETWEEN ?2 AND ?3")?;
    let (first, last) = (delta.run.window_from.epoch_days(), delta.run.window_to.epoch_days());
    for covered in &delta.covered {
        let Some(kind) = kind_named(&covered.owner_kind) else {
            continue;
        };
        let owner = owners.number(&(kind, covered.owner_id.clone()))?;
        // What bears on an owner may be another owner's listing: only its own makes its days known.
        let own = covered.listings.iter().filter_map(|name| Feed::from_name(name));
        for feed in own.filter(|feed| feed.owner_kind() == kind) {
            if feed.is_chain() {
                delete.execute(params![owner, first, last])?;
            }
            note_covered(transaction, (owner, feed.name()), first, last)?;
        }
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

fn apply_seals(
    transaction: &Transaction<'_>,
    owners: &mut Owners<'_>,
    run: &RunRecord,
    seals: impl Iterator<Item = Result<SealLine>>,
) -> Result<(), Stopped> {
    for line in seals {
        if !line.map_err(Stopped::Given)?.apply(transaction, owners, run)? {
            return Err(Stopped::Given(Error::environment("expected what the run seals, found something else")));
        }
    }
    Ok(())
}

/// Adds days to those whose rows of an owner are known; intervals that touch become one.
fn note_covered(
    transaction: &Transaction<'_>,
    (owner, listing): (i64, &str),
    first: i32,
    last: i32,
) -> rusqlite::Result<()> {
    let dataset: i64 = transaction
        .prepare_cached("SELECT dataset FROM datasets WHERE name = ?1")?
        .query_row([listing], |row| row.get(0))?;
    let touching = params![owner, first, last, dataset];
    let (first, last) = transaction
        .prepare_cached(
            "SELECT min(?2, coalesce(min(first_day), ?2)), max(?3, coalesce(max(last_day), ?3)) FROM covered
             WHERE owner = ?1 AND dataset = ?4 AND first_day <= ?3 + 1 AND last_day >= ?2 - 1",
        )?
        .query_row(touching, |row| Ok((row.get::<_, i32>(0)?, row.get::<_, i32>(1)?)))?;
    transaction
        .prepare_cached(
            "DELETE FROM covered WHERE owner = ?1 AND dataset = ?4 AND first_day <= ?3 + 1 AND last_day >= ?2 - 1",
        )?
        .execute(touching)?;
    transaction
        .prepare_cached("INSERT INTO covered (owner, dataset, first_day, last_day) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![owner, dataset, first, last])?;
    Ok(())
}

/// The numbers that stand for owners in the database.
pub(super) struct Owners<'t> {
    transaction: &'t Transaction<'t>,
    /// The one asked for last: an owner's closings stand together.
    last: Option<(OwnerKey, i64)>,
}

impl Owners<'_> {
    pub(super) fn number(&mut self, owner: &OwnerKey) -> rusqlite::Result<i64> {
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

/// The kind of that name.
pub(super) fn kind_named(name: &str) -> Option<OwnerKind> {
    [OwnerKind::Account, OwnerKind::Card, OwnerKind::Provider].into_iter().find(|kind| kind.name() == name)
}

/// Days as YYYY-MM-DD.
pub(super) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::record::Day;

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in super::super) fn serialize<S: Serializer>(day: &Day, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Day, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
