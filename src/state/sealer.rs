//! What a run seals, as it is staged, and how it takes its place in the state.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use super::delta::{self, Stopped};
use super::seals::{Digest, SealedPartition, damaged, number_of, span_of};
use super::span::{self, Span};
use super::staged::{StagedSpan, StagedSpans};
use crate::record::{Day, Window};
use crate::{Error, Result};

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
        /// How many bytes of spans are staged beside these lines.
        #[serde(default)]
        spans_bytes: Option<u64>,
    },
    /// Dataset, span, kind, id, the days of the span in Base64: as spans were staged before they had a file of their own.
    Span(String, i32, String, String, String),
    /// Dataset, day, rows, digest, whether it is in the lake.
    Partition(String, i32, u64, String, bool),
    /// Day, seal.
    Seal(i32, String),
}

impl SealLine {
    /// Of a dataset's day.
    pub(crate) fn partition(day: Day, sealed: &SealedPartition) -> SealLine {
        let (name, digest) = (sealed.dataset.name.to_owned(), sealed.digest.to_string());
        SealLine::Partition(name, day.epoch_days(), sealed.rows, digest, sealed.in_lake)
    }

    /// Applies it. `false` when it is none that tieout writes.
    fn apply(&self, sealer: &mut Sealer<'_>, owners: &mut delta::Owners<'_>) -> rusqlite::Result<bool> {
        let digest = |text: &str| Digest::parse(text).map(|digest| digest.0);
        let transaction = sealer.transaction;
        match self {
            SealLine::Replace { datasets, manifest, spans_bytes } => {
                sealer.spans_bytes = *spans_bytes;
                sealer.replace(datasets, manifest)?;
            }
            SealLine::Span(name, number, kind, id, days) => {
                let (Some(kind), Ok(days)) = (delta::kind_named(kind), BASE64.decode(days)) else {
                    return Ok(false);
                };
                return sealer.put((number_of(name), Span(*number)), owners.number(kind, id)?, &days);
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

/// Applies what a run seals: its lines, then its spans.
pub(super) fn apply(
    transaction: &Transaction<'_>,
    owners: &mut delta::Owners<'_>,
    run: &delta::RunRecord,
    lines: impl Iterator<Item = Result<SealLine>>,
    spans: Option<StagedSpans<impl Read>>,
) -> Result<(), Stopped> {
    let mut sealer = Sealer {
        transaction,
        run,
        window: Window { from: run.window_from, to: run.window_to },
        spans_bytes: None,
        cleared: BTreeSet::new(),
    };
    for line in lines {
        if !line?.apply(&mut sealer, owners)? {
            return Err(Error::environment("expected what the run seals, found something else").into());
        }
    }
    if sealer.spans_bytes != spans.as_ref().map(StagedSpans::bytes) {
        return Err(Error::environment("expected the spans that the run seals, found another file, or none").into());
    }
    if let Some(mut spans) = spans {
        spans.read_owners(|kind, id| owners.number(kind, id).map_err(Stopped::Refused))?;
        while let Some(StagedSpan { dataset, span, owner, days }) = spans.read_next()? {
            if !sealer.put((dataset, span), owner, days)? {
                return Err(spans.damaged().into());
            }
        }
    }
    sealer.clear_the_rest()
}

/// Puts what a run seals in the place of what was there.
struct Sealer<'t> {
    transaction: &'t Transaction<'t>,
    run: &'t delta::RunRecord,
    window: Window,
    /// As the lines tell it.
    spans_bytes: Option<u64>,
    /// Spans that reach beyond the window: its days are to go, if no others come.
    cleared: BTreeSet<(u32, Span, i64)>,
}

impl Sealer<'_> {
    fn replace(&mut self, datasets: &[String], manifest: &str) -> rusqlite::Result<()> {
        let (first, last) = (self.window.from.epoch_days(), self.window.to.epoch_days());
        for number in datasets.iter().map(|name| number_of(name)) {
            self.clear_spans(number)?;
            self.transaction.execute(
                "DELETE FROM sealed_partitions WHERE dataset = ?1 AND day BETWEEN ?2 AND ?3",
                params![number, first, last],
            )?;
        }
        self.transaction.execute("DELETE FROM seals WHERE day >= ?1", [first])?;
        let sql = "UPDATE runs SET manifest = ?2 WHERE run_id = ?1";
        self.transaction.execute(sql, [&self.run.run_id, manifest])?;
        Ok(())
    }

    /// Takes the days of the window out of all owners' spans; where days stay, when it is known whether others come.
    fn clear_spans(&mut self, dataset: u32) -> rusqlite::Result<()> {
        for span in Span::touched_by(self.window).map(Span) {
            let key = params![dataset, span.0];
            if span.lies_in(self.window) {
                self.transaction.execute("DELETE FROM sealed_spans WHERE dataset = ?1 AND span = ?2", key)?;
                continue;
            }
            let sql = "SELECT owner FROM sealed_spans WHERE dataset = ?1 AND span = ?2";
            let mut statement = self.transaction.prepare_cached(sql)?;
            let mut rows = statement.query(key)?;
            while let Some(row) = rows.next()? {
                self.cleared.insert((dataset, span, row.get(0)?));
            }
        }
        Ok(())
    }

    fn clear_the_rest(&mut self) -> Result<(), Stopped> {
        for (dataset, span, number) in std::mem::take(&mut self.cleared) {
            if !self.put((dataset, span), delta::Numbered { number, is_new: false }, &[])? {
                return Err(damaged().into());
            }
        }
        Ok(())
    }

    /// Puts an owner's days in the place of those that the window had. `false` when either are damaged.
    fn put(&mut self, (dataset, span): (u32, Span), owner: delta::Numbered, days: &[u8]) -> rusqlite::Result<bool> {
        let (transaction, number) = (self.transaction, owner.number);
        self.cleared.remove(&(dataset, span, number));
        let mut now = Cow::Borrowed(days);
        if !span.lies_in(self.window) && !owner.is_new {
            let before = span_of(transaction, dataset, span, number)?.unwrap_or_default();
            match span::replaced(span, &before, self.window, days) {
                Some(replaced) => now = Cow::Owned(replaced),
                None => return Ok(false),
            }
        }
        if now.is_empty() {
            let sql = "DELETE FROM sealed_spans WHERE dataset = ?1 AND span = ?2 AND owner = ?3";
            transaction.prepare_cached(sql)?.execute(params![dataset, span.0, number])?;
        } else {
            // `INSERT OR REPLACE` would keep a journal of its own for each row.
            let sql = "INSERT INTO sealed_spans VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET days = excluded.days";
            transaction.prepare_cached(sql)?.execute(params![dataset, span.0, number, now.as_ref()])?;
        }
        Ok(true)
    }
}
