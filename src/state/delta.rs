//! What a run changes in the state, as it is staged with the reports and applied with them.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::Read;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::closings::{self, DayLine};
use super::lifecycle::{self, SeenBreak};
use super::sealer::{self, SealLine};
use super::seals;
use super::staged::StagedSpans;
use super::{State, refused};
use crate::record::{BalanceRow, Day, Feed, Money, OwnerKind, Window};
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

/// Closings of one owner and one currency. As they are staged: a line of JSON.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OwnerClosings<'o>(Cow<'o, str>, Cow<'o, str>, Option<Cow<'o, str>>, Vec<DayLine>);

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

    fn alone(&self) -> OwnerClosings<'static> {
        let day = DayLine(self.day.epoch_days(), self.opening.map(Money::unscaled), self.closing.unscaled());
        let currency = self.currency.clone().map(Cow::Owned);
        OwnerClosings(self.owner.0.name().into(), self.owner.1.clone().into(), currency, vec![day])
    }
}

impl OwnerClosings<'_> {
    /// Appends the closings of balance rows as lines of JSON, one for those of an owner that stand together; days of which
    /// the provider stated no balance have none.
    pub(crate) fn write_lines(balances: &[BalanceRow], out: &mut Vec<u8>) {
        /// Of a day, by which room is made.
        const BYTES_ABOUT: usize = 32;
        out.reserve(balances.len() * BYTES_ABOUT);
        let is_one = |a: &BalanceRow, b: &BalanceRow| {
            (a.owner_kind, &a.owner_id, &a.currency) == (b.owner_kind, &b.owner_id, &b.currency)
        };
        for together in balances.chunk_by(is_one) {
            let BalanceRow { owner_kind, owner_id, currency, .. } = &together[0];
            let day = |row: &BalanceRow| {
                let opening = row.opening.map(Money::unscaled);
                Some(DayLine(row.booking_date.epoch_days(), opening, row.closing?.unscaled()))
            };
            let days: Vec<DayLine> = together.iter().filter_map(day).collect();
            if days.is_empty() {
                continue;
            }
            let currency = currency.as_deref().map(Cow::Borrowed);
            let line = OwnerClosings(Cow::Borrowed(owner_kind), Cow::Borrowed(owner_id), currency, days);
            serde_json::to_writer(&mut *out, &line).expect("texts and integers are JSON");
            out.push(b'\n');
        }
    }

    /// Reads such a line back; `None` when it is none.
    pub(crate) fn read_line(line: &str) -> Option<OwnerClosings<'static>> {
        let read: OwnerClosings<'static> = serde_json::from_str(line).ok()?;
        let is_sound = kind_named(&read.0).is_some() && read.3.iter().all(DayLine::is_sound);
        is_sound.then_some(read)
    }
}

impl State {
    /// Applies a run's changes in one transaction. A run that was applied before changes nothing.
    ///
    /// # Errors
    /// When the database refuses, or `closings` fails; nothing has changed then.
    pub fn apply(&self, delta: &StateDelta, closings: impl Iterator<Item = Result<Closing>>) -> Result<()> {
        let together = closings.map(|closing| closing.map(|closing| closing.alone()));
        self.apply_sealed(delta, together, std::iter::empty(), None::<StagedSpans<std::io::Empty>>)
    }

    /// As [`State::apply`], with what the commit seals.
    pub(crate) fn apply_sealed(
        &self,
        delta: &StateDelta,
        closings: impl Iterator<Item = Result<OwnerClosings<'static>>>,
        seals: impl Iterator<Item = Result<SealLine>>,
        spans: Option<StagedSpans<impl Read>>,
    ) -> Result<()> {
        let mut connection = self.connection();
        let at = |error| refused(error, &self.path);
        let transaction = begin(&mut connection).map_err(at)?;
        if note_run(&transaction, &delta.run).map_err(at)? {
            let told = |error| match error {
                Stopped::Refused(error) => at(error),
                Stopped::Given(error) => error,
            };
            let mut owners = Owners::of(&transaction).map_err(at)?;
            replace_closings(&transaction, &mut owners, delta, closings).map_err(told)?;
            sealer::apply(&transaction, &mut owners, &delta.run, seals, spans).map_err(told)?;
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

/// Why what a run changes could not be applied.
#[derive(Debug)]
pub(super) enum Stopped {
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

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Stopped::Given(error)
    }
}

fn replace_closings(
    transaction: &Transaction<'_>,
    owners: &mut Owners<'_>,
    delta: &StateDelta,
    closings: impl Iterator<Item = Result<OwnerClosings<'static>>>,
) -> Result<(), Stopped> {
    let window = Window { from: delta.run.window_from, to: delta.run.window_to };
    // Owners whose balances of the window make room for those that come, if any do.
    let mut replaced = BTreeSet::new();
    for covered in &delta.covered {
        let Some(kind) = kind_named(&covered.owner_kind) else {
            continue;
        };
        let owner = owners.number(kind, &covered.owner_id)?;
        // What bears on an owner may be another owner's listing: only its own makes its days known.
        let own = covered.listings.iter().filter_map(|name| Feed::from_name(name));
        for feed in own.filter(|feed| feed.owner_kind() == kind) {
            if feed.is_chain() && !owner.is_new {
                replaced.insert(owner.number);
            }
            note_covered(transaction, owner, feed, window)?;
        }
    }
    for closings in closings {
        let OwnerClosings(kind, id, currency, days) = closings?;
        let kind = kind_named(&kind).expect("checked when it was read");
        let owner = owners.number(kind, &id)?;
        let window = replaced.remove(&owner.number).then_some(window);
        closings::replace(transaction, owner, window, currency.as_deref(), &days)?;
    }
    for number in replaced {
        closings::replace(transaction, Numbered { number, is_new: false }, Some(window), None, &[])?;
    }
    Ok(())
}

/// Adds days to those whose rows of an owner are known; intervals that touch become one.
fn note_covered(transaction: &Transaction<'_>, owner: Numbered, feed: Feed, days: Window) -> rusqlite::Result<()> {
    let (number, dataset) = (owner.number, seals::number_of(feed.name()));
    let (mut first, mut last) = (days.from.epoch_days(), days.to.epoch_days());
    if !owner.is_new {
        let touching = params![number, first, last, dataset];
        let (count, from, to) = transaction
            .prepare_cached(
                "SELECT count(*), min(first_day), max(last_day) FROM covered
                 WHERE owner = ?1 AND dataset = ?4 AND first_day <= ?3 + 1 AND last_day >= ?2 - 1",
            )?
            .query_row(touching, |row| {
                Ok((row.get::<_, u32>(0)?, row.get::<_, Option<i32>>(1)?, row.get::<_, Option<i32>>(2)?))
            })?;
        let (from, to) = (from.unwrap_or(first), to.unwrap_or(last));
        if count == 1 && from <= first && last <= to {
            return Ok(());
        }
        if count > 0 {
            let sql = "DELETE FROM covered
                       WHERE owner = ?1 AND dataset = ?4 AND first_day <= ?3 + 1 AND last_day >= ?2 - 1";
            transaction.prepare_cached(sql)?.execute(touching)?;
        }
        (first, last) = (first.min(from), last.max(to));
    }
    transaction
        .prepare_cached(
            "INSERT INTO covered (owner, dataset, first_day, last_day) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        )?
        .execute(params![number, dataset, first, last])?;
    Ok(())
}

/// What stands for an owner in the database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbered {
    pub number: i64,
    /// Whether nothing was known of the owner before this run.
    pub is_new: bool,
}

/// The numbers that stand for owners in the database.
pub(super) struct Owners<'t> {
    transaction: &'t Transaction<'t>,
    known: HashMap<OwnerKind, HashMap<String, Numbered>>,
    /// Whether the database knows no owner but those that were added here.
    all_are_new: bool,
}

impl<'t> Owners<'t> {
    fn of(transaction: &'t Transaction<'t>) -> rusqlite::Result<Owners<'t>> {
        let first = transaction.query_row("SELECT 1 FROM owners LIMIT 1", [], |_| Ok(())).optional()?;
        Ok(Owners { transaction, known: HashMap::new(), all_are_new: first.is_none() })
    }

    pub(super) fn number(&mut self, kind: OwnerKind, id: &str) -> rusqlite::Result<Numbered> {
        let known = self.known.entry(kind).or_default();
        if let Some(numbered) = known.get(id) {
            return Ok(*numbered);
        }
        let names = params![kind.name(), id];
        let mut found = None;
        if !self.all_are_new {
            found = self
                .transaction
                .prepare_cached("SELECT owner FROM owners WHERE owner_kind = ?1 AND owner_id = ?2")?
                .query_row(names, |row| row.get(0))
                .optional()?;
        }
        let numbered = if let Some(number) = found {
            Numbered { number, is_new: false }
        } else {
            let sql = "INSERT INTO owners (owner_kind, owner_id) VALUES (?1, ?2)";
            Numbered { number: self.transaction.prepare_cached(sql)?.insert(names)?, is_new: true }
        };
        known.insert(id.to_owned(), numbered);
        Ok(numbered)
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
