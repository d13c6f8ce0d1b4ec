//! The balances at the ends of an owner's days, by which later runs find their openings: 32 days to a row of the database,
//! as JSON that whoever looks can read. A row a day would be a third of what a commit of many owners costs.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde::{Deserialize, Serialize};

use super::delta::Numbered;
use super::{OwnerKey, State, owner_kind};
use crate::Result;
use crate::record::{Day, Money, Window};

/// Days of a span.
const DAYS: i32 = 32;

/// A day, its opening and its closing, in ten-thousandths; as the state keeps it, and as it is staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DayLine(pub i32, pub Option<i64>, pub i64);

impl DayLine {
    /// Whether these are a day and amounts that can be held.
    pub(super) fn is_sound(&self) -> bool {
        let DayLine(day, opening, closing) = *self;
        let holds = |unscaled| Money::from_unscaled(unscaled).is_some();
        Day::from_epoch_days(day).is_some() && opening.is_none_or(holds) && holds(closing)
    }
}

fn span_of(day: i32) -> i32 {
    day.div_euclid(DAYS)
}

fn touched_by(window: Window) -> RangeInclusive<i32> {
    span_of(window.from.epoch_days())..=span_of(window.to.epoch_days())
}

/// What a row of the database holds.
#[derive(Debug, Default)]
struct ClosingSpan {
    currency: Option<String>,
    days: Vec<DayLine>,
}

impl ClosingSpan {
    fn read(connection: &Connection, owner: i64, span: i32) -> rusqlite::Result<Option<ClosingSpan>> {
        connection
            .prepare_cached("SELECT days, currency FROM closing_spans WHERE owner = ?1 AND span = ?2")?
            .query_row(params![owner, span], |row| Ok(ClosingSpan { currency: row.get(1)?, days: days_at(row, 0)? }))
            .optional()
    }

    /// Takes out the days of the window, and those that come anew.
    fn replace(&mut self, window: Option<Window>, currency: Option<&str>, now: &[DayLine]) {
        let goes = |day: &DayLine| {
            let is_inside = |window: Window| (window.from.epoch_days()..=window.to.epoch_days()).contains(&day.0);
            window.is_some_and(is_inside) || now.iter().any(|new| new.0 == day.0)
        };
        self.days.retain(|day| !goes(day));
        self.days.extend_from_slice(now);
        self.days.sort_by_key(|day| day.0);
        self.days.dedup_by(|later, earlier| {
            let is_one = later.0 == earlier.0;
            if is_one {
                *earlier = *later;
            }
            is_one
        });
        if let Some(currency) = currency {
            self.currency = Some(currency.to_owned());
        }
    }
}

/// Writes a row of days in their order. `false`, and nothing is written, when it is there.
fn insert(
    transaction: &Transaction<'_>,
    (owner, span): (i64, i32),
    currency: Option<&str>,
    days: &[DayLine],
) -> rusqlite::Result<bool> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Ok(true);
    };
    let days = serde_json::to_string(days).expect("integers are JSON");
    let sql = "INSERT INTO closing_spans (owner, span, first_day, last_day, currency, days)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    let inserted = transaction.prepare_cached(sql)?.execute(params![owner, span, first.0, last.0, currency, days])?;
    Ok(inserted == 1)
}

fn delete(transaction: &Transaction<'_>, owner: i64, span: i32) -> rusqlite::Result<()> {
    let sql = "DELETE FROM closing_spans WHERE owner = ?1 AND span = ?2";
    transaction.prepare_cached(sql)?.execute(params![owner, span]).map(drop)
}

fn days_at(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<DayLine>> {
    let days: Option<Vec<DayLine>> = serde_json::from_str(row.get_ref(index)?.as_str()?).ok();
    let sound = days.filter(|days| days.iter().all(DayLine::is_sound));
    sound.ok_or_else(|| super::foreign(row, index))
}

/// Puts an owner's balances, in the order of days, in the place of those that it had of the window; of other days only those
/// go that come anew.
pub(super) fn replace(
    transaction: &Transaction<'_>,
    owner: Numbered,
    window: Option<Window>,
    currency: Option<&str>,
    now: &[DayLine],
) -> rusqlite::Result<()> {
    let mut spans: BTreeMap<i32, &[DayLine]> =
        now.chunk_by(|a, b| span_of(a.0) == span_of(b.0)).map(|days| (span_of(days[0].0), days)).collect();
    if let Some(window) = window.filter(|_| !owner.is_new) {
        for span in touched_by(window) {
            spans.entry(span).or_default();
        }
    }
    for (span, now) in spans {
        // Of a new owner there is nothing, unless its days come in more than one currency.
        if owner.is_new && insert(transaction, (owner.number, span), currency, now)? {
            continue;
        }
        let Some(mut made) = ClosingSpan::read(transaction, owner.number, span)? else {
            insert(transaction, (owner.number, span), currency, now)?;
            continue;
        };
        made.replace(window, currency, now);
        delete(transaction, owner.number, span)?;
        insert(transaction, (owner.number, span), made.currency.as_deref(), &made.days)?;
    }
    Ok(())
}

/// Moves what earlier versions kept a row a day.
pub(super) fn move_to_spans(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("SELECT owner, day, opening, closing, currency FROM closings ORDER BY owner, day")?;
    let mut rows = statement.query([])?;
    let mut open: Option<((i64, i32), ClosingSpan)> = None;
    while let Some(row) = rows.next()? {
        let day = DayLine(row.get(1)?, row.get(2)?, row.get(3)?);
        let key = (row.get(0)?, span_of(day.0));
        if open.as_ref().is_none_or(|(last, _)| *last != key)
            && let Some(((owner, span), whole)) = open.replace((key, ClosingSpan::default()))
        {
            insert(transaction, (owner, span), whole.currency.as_deref(), &whole.days)?;
        }
        let (_, span) = open.as_mut().expect("opened above");
        span.days.push(day);
        span.currency = row.get::<_, Option<String>>(4)?.or(span.currency.take());
    }
    if let Some(((owner, span), whole)) = open {
        insert(transaction, (owner, span), whole.currency.as_deref(), &whole.days)?;
    }
    drop(rows);
    drop(statement);
    transaction.execute_batch(include_str!("v4_after.sql"))
}

/// Balances by owner, and the day that each belongs to.
type Balances = HashMap<OwnerKey, (Day, Money)>;

impl State {
    /// Every owner's last closing balance strictly before `day`, with the day it closed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn closings_before(&self, day: Day) -> Result<Balances> {
        self.balances(
            "SELECT o.owner_kind, o.owner_id, c.days FROM owners o JOIN closing_spans c ON c.owner = o.owner
             WHERE c.span = (SELECT span FROM closing_spans WHERE owner = o.owner AND span <= ?2 AND first_day < ?1
                             ORDER BY span DESC LIMIT 1)",
            (day, day),
            |_, days| Ok(last_before(days, day)),
        )
    }

    /// As [`State::closings_before`], but only of owners of which every day since then is known in the dataset whose rows
    /// form the chain (1 and 3): their next opening must be that closing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unbroken_closings_before(&self, day: Day) -> Result<Balances> {
        self.balances(
            "SELECT o.owner_kind, o.owner_id, c.days, k.first_day
             FROM owners o JOIN closing_spans c ON c.owner = o.owner
             JOIN covered k ON k.owner = o.owner AND k.dataset IN (1, 3) AND k.first_day < ?1 AND k.last_day >= ?1 - 1
             WHERE c.span = (SELECT span FROM closing_spans WHERE owner = o.owner AND span <= ?2 AND first_day < ?1
                             ORDER BY span DESC LIMIT 1)",
            (day, day),
            |row, days| {
                let known_since: i32 = row.get(3)?;
                Ok(last_before(days, day).filter(|closed| known_since <= closed.0))
            },
        )
    }

    /// Every owner's first opening balance strictly after `day`, with the day it opened, where every day in between is
    /// known: what was committed of `day` and before must close at it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn unbroken_openings_after(&self, day: Day) -> Result<Balances> {
        self.balances(
            "SELECT o.owner_kind, o.owner_id, c.days, k.last_day
             FROM owners o JOIN closing_spans c ON c.owner = o.owner
             JOIN covered k ON k.owner = o.owner AND k.dataset IN (1, 3) AND k.first_day <= ?1 + 1 AND k.last_day > ?1
             WHERE c.span = (SELECT span FROM closing_spans WHERE owner = o.owner AND span >= ?2 AND last_day > ?1
                             ORDER BY span LIMIT 1)",
            (day, day.next()),
            |row, days| {
                let known_until: i32 = row.get(3)?;
                let first = days.iter().find(|each| each.0 > day.epoch_days());
                let known = first.filter(|opened| opened.0 <= known_until);
                Ok(known.and_then(|opened| Some(DayLine(opened.0, None, opened.1?))))
            },
        )
    }

    /// What `pick` takes of each owner's row; it gives the amount as the closing.
    fn balances(
        &self,
        sql: &str,
        (day, in_span): (Day, Day),
        pick: impl Fn(&Row<'_>, &[DayLine]) -> rusqlite::Result<Option<DayLine>>,
    ) -> Result<Balances> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query(params![day.epoch_days(), span_of(in_span.epoch_days())])?;
            let mut balances = Balances::new();
            while let Some(row) = rows.next()? {
                if let Some(DayLine(day, _, unscaled)) = pick(row, &days_at(row, 2)?)?
                    && let (Some(day), Some(amount)) = (Day::from_epoch_days(day), Money::from_unscaled(unscaled))
                {
                    balances.insert((owner_kind(row, 0)?, row.get(1)?), (day, amount));
                }
            }
            Ok(balances)
        })
    }

    /// The opening and closing balances that later runs go on from, of one day.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn balances_of(&self, day: Day) -> Result<HashMap<OwnerKey, (Option<Money>, Money)>> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT o.owner_kind, o.owner_id, c.days
                 FROM owners o CROSS JOIN closing_spans c ON c.owner = o.owner AND c.span = ?1",
            )?;
            let mut rows = statement.query([span_of(day.epoch_days())])?;
            let mut balances = HashMap::new();
            while let Some(row) = rows.next()? {
                let found = days_at(row, 2)?.into_iter().find(|each| each.0 == day.epoch_days());
                if let Some(DayLine(_, opening, closing)) = found
                    && let Some(closing) = Money::from_unscaled(closing)
                {
                    let opening = opening.and_then(Money::from_unscaled);
                    balances.insert((owner_kind(row, 0)?, row.get(1)?), (opening, closing));
                }
            }
            Ok(balances)
        })
    }
}

fn last_before(days: &[DayLine], day: Day) -> Option<DayLine> {
    days.iter().rfind(|each| each.0 < day.epoch_days()).copied()
}
