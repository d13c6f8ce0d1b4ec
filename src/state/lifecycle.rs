//! What a run does to the register: breaks appear, change, come back and go away, and the trail tells each.
//!
//! A break goes away when a run had all that the check needs (the listings, the days) and did not see it. Why it went is
//! told by the rows of its owner, as they were when it was seen last and as they are now:
//!
//! | reason | when |
//! | --- | --- |
//! | `late_row` | its owner has more rows than before |
//! | `restated` | its owner's rows are others than before, and not more; or a restatement was taken back |
//! | `rule_changed` | its owner's rows are the same, but the tieout version or the job's rules are not |
//! | `proved` | it was a listing that could not be proved complete, and now is |
//!
//! When neither the owner's rows nor the rules have changed, the other side of the check has: told as `late_row`.
//! A check that does not judge every row of a window (its counterpart may lie beyond what was read) says which known breaks
//! it could not judge: those are seen again, as they are known.
//! A seam between the window and later days that were committed before it is over, as `restated`, when the window closes
//! where they open; an owner that was no longer listed, when its rows are back as they were.
//! A restatement never goes away because the new value is the sealed one now: somebody accepts it, or the row says again
//! what it said first.

use std::collections::{HashMap, HashSet};

use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::delta::{StateDelta, as_text};
use super::trail::Act;
use super::{KnownBreak, register, seals};
use crate::breaks::Check;
use crate::record::{BreakRow, Day, Money, Window, minor_digits};

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
    /// open or accepted.
    pub status: String,
    /// The days that a run must cover to say that the break is gone: the first.
    #[serde(with = "as_text")]
    pub scope_from: Day,
    /// The last of these days.
    #[serde(with = "as_text")]
    pub scope_to: Day,
    /// The listings that a run must have whole to say that the break is gone.
    pub listings: Vec<String>,
    /// For a card the account behind it: its rows are evidence too.
    pub account: Option<String>,
    /// Of a restatement: what the row said when it was reported first.
    pub earlier: Option<String>,
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
            listings: Vec::new(),
            account: None,
            earlier: None,
        }
    }

    /// With the listings that a run must have whole to say that the break is gone.
    pub fn needing(self, listings: Vec<String>) -> SeenBreak {
        SeenBreak { listings, ..self }
    }
}

/// The facts of a break, as the trail spells them. An accepted break whose facts change is open again.
struct Facts([(&'static str, String); 8]);

impl Facts {
    fn of(seen: &SeenBreak) -> Facts {
        let digits = minor_digits(seen.currency.as_deref());
        let money = |unscaled: Option<i64>| {
            unscaled.and_then(Money::from_unscaled).map(|amount| amount.text(digits)).unwrap_or_default()
        };
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Facts([
            ("check", seen.check.clone()),
            ("cause", seen.cause.clone()),
            ("txid", text(&seen.txid)),
            ("booking_date", text(&seen.booking_date)),
            ("currency", text(&seen.currency)),
            ("expected", money(seen.expected)),
            ("actual", money(seen.actual)),
            ("difference", money(seen.difference)),
        ])
    }

    /// What is different now, in words.
    fn changes(&self, now: &Facts) -> Vec<String> {
        // The last row is another one every day: by how much its balance differs from the reported one is the fact.
        let moves_on = |name: &str| ["txid", "booking_date", "expected", "actual"].contains(&name);
        let is_closing = self.0[0].1 == Check::ClosingBalance.name();
        let differs =
            |(was, is): &(&(&str, String), &(&str, String))| was.1 != is.1 && !(is_closing && moves_on(was.0));
        let pairs = self.0.iter().zip(&now.0).filter(differs);
        let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.to_owned() };
        pairs.map(|(was, is)| format!("{} was {}, now {}", was.0, shown(&was.1), shown(&is.1))).collect()
    }
}

impl KnownBreak {
    /// Whether a break that a run sees again has other facts than the register knows.
    pub fn has_changed(&self, row: &BreakRow) -> bool {
        !Facts::of(&self.as_seen()).changes(&Facts::of(&SeenBreak::new(row, day_scope(row.first_seen)))).is_empty()
    }

    fn as_seen(&self) -> SeenBreak {
        SeenBreak {
            break_id: self.break_id.clone(),
            check: self.check.clone(),
            cause: self.cause.clone(),
            owner_kind: self.owner_kind.name().to_owned(),
            owner_id: self.owner_id.clone(),
            txid: self.txid.clone(),
            booking_date: self.booking_date.map(|day| day.to_string()),
            currency: self.currency.clone(),
            expected: self.expected.map(Money::unscaled),
            actual: self.actual.map(Money::unscaled),
            difference: self.difference.map(Money::unscaled),
            explanation: self.explanation.clone(),
            first_seen: self.first_seen,
            status: self.status.clone(),
            scope_from: self.first_seen,
            scope_to: self.first_seen,
            listings: self.listings.clone(),
            account: self.account.clone(),
            earlier: self.earlier.clone(),
        }
    }
}

fn day_scope(day: Day) -> Window {
    Window { from: day, to: day }
}

/// Brings the register up to date with a run.
pub(super) fn apply(transaction: &Transaction<'_>, delta: &StateDelta) -> rusqlite::Result<()> {
    let mut evidence = Evidence::new(transaction);
    for seen in &delta.breaks {
        tell_seen(transaction, delta, seen)?;
        upsert(transaction, delta, seen, &mut evidence)?;
    }
    for break_id in &delta.taken_back {
        resolve(transaction, delta, break_id, "restated")?;
    }
    resolve_gone(transaction, delta, &mut evidence)
}

/// What is new about a break, in the trail.
fn tell_seen(transaction: &Transaction<'_>, delta: &StateDelta, seen: &SeenBreak) -> rusqlite::Result<()> {
    let known = transaction
        .prepare_cached(&format!("SELECT {} FROM breaks WHERE break_id = ?1", register::COLUMNS))?
        .query_row([&seen.break_id], register::known)
        .optional()?;
    let Some(known) = known else {
        return act(transaction, delta, &seen.break_id, "opened", Some(&seen.explanation));
    };
    let changes = Facts::of(&known.as_seen()).changes(&Facts::of(seen)).join("; ");
    let changed = (!changes.is_empty()).then_some(changes.as_str());
    match (known.status.as_str(), seen.status.as_str()) {
        ("resolved", _) => {
            let note = changed.map_or_else(|| "seen again".to_owned(), |changed| format!("seen again: {changed}"));
            act(transaction, delta, &seen.break_id, "reopened", Some(&note))
        }
        ("accepted", "open") => act(transaction, delta, &seen.break_id, "reopened", changed),
        _ if changed.is_some() => act(transaction, delta, &seen.break_id, "changed", changed),
        _ => Ok(()),
    }
}

fn act(
    transaction: &Transaction<'_>,
    delta: &StateDelta,
    break_id: &str,
    act: &str,
    note: Option<&str>,
) -> rusqlite::Result<()> {
    let (at, run_id) = (delta.run.committed_at.as_str(), Some(delta.run.run_id.as_str()));
    Act { at, break_id, what: act, by: None, note, run_id }.write(transaction)
}

/// A new break is added; a known one is brought up to date, but keeps the day it was seen first and, as long as it is
/// accepted, by whom and why.
fn upsert(
    transaction: &Transaction<'_>,
    delta: &StateDelta,
    seen: &SeenBreak,
    evidence: &mut Evidence<'_>,
) -> rusqlite::Result<()> {
    let days = (delta.run.window_from, delta.run.window_to);
    let (rows, digest) = evidence.of(seen, days)?;
    let mut upsert = transaction.prepare_cached(
        r#"INSERT INTO breaks (break_id, "check", cause, owner_kind, owner_id, txid, booking_date, currency, expected,
             actual, difference, explanation, first_seen, last_seen, status, scope_from, scope_to, run_id, listings,
             earlier, rules, evidence_from, evidence_to, account, evidence_rows, evidence)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
             ?23, ?24, ?25, ?26)
           ON CONFLICT (break_id) DO UPDATE SET "check" = excluded."check", cause = excluded.cause,
             owner_kind = excluded.owner_kind, owner_id = excluded.owner_id, txid = excluded.txid,
             booking_date = excluded.booking_date, currency = excluded.currency, expected = excluded.expected,
             actual = excluded.actual, difference = excluded.difference, explanation = excluded.explanation,
             first_seen = min(first_seen, excluded.first_seen), last_seen = excluded.last_seen,
             status = excluded.status, scope_from = excluded.scope_from, scope_to = excluded.scope_to,
             accepted_by = iif(excluded.status = 'accepted', accepted_by, NULL),
             note = iif(excluded.status = 'accepted', note, NULL), resolution = NULL, resolved_on = NULL,
             listings = excluded.listings, earlier = excluded.earlier, rules = excluded.rules,
             evidence_from = excluded.evidence_from, evidence_to = excluded.evidence_to, account = excluded.account,
             evidence_rows = excluded.evidence_rows, evidence = excluded.evidence, run_id = excluded.run_id"#,
    )?;
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
        seen.listings.join(","),
        seen.earlier,
        delta.rules,
        days.0.to_string(),
        days.1.to_string(),
        seen.account,
        rows,
        digest,
    ])?;
    Ok(())
}

/// The rows by which it is told later why a break went away: those of its owner, and for a card those of its account.
struct Evidence<'t> {
    transaction: &'t Transaction<'t>,
    /// Breaks come owner by owner, and an owner may have thousands: they share what was asked last.
    last: Option<(EvidenceKey, (i64, [u8; 32]))>,
}

/// Owner kind, owner, account, listings, days.
type EvidenceKey = (String, String, Option<String>, Vec<String>, (Day, Day));

impl<'t> Evidence<'t> {
    fn new(transaction: &'t Transaction<'_>) -> Evidence<'t> {
        Evidence { transaction, last: None }
    }

    /// How many rows there are, and a digest of them.
    fn of(&mut self, seen: &SeenBreak, days: (Day, Day)) -> rusqlite::Result<(i64, [u8; 32])> {
        let SeenBreak { owner_kind, owner_id, account, listings, .. } = seen;
        let key = (owner_kind.clone(), owner_id.clone(), account.clone(), listings.clone(), days);
        if let Some((_, evidence)) = self.last.as_ref().filter(|(last, _)| *last == key) {
            return Ok(*evidence);
        }
        let owners = std::iter::once((owner_kind.as_str(), owner_id.as_str()));
        let owners: Vec<(&str, &str)> = owners.chain(account.as_deref().map(|id| ("account", id))).collect();
        let listings: Vec<&str> = listings.iter().map(String::as_str).collect();
        let evidence = seals::evidence(self.transaction, &owners, &listings, days)?;
        self.last = Some((key, evidence));
        Ok(evidence)
    }
}

/// What the register holds of a break that may be gone.
struct Candidate {
    seen: SeenBreak,
    rules: String,
    days: (Day, Day),
    evidence: (i64, [u8; 32]),
}

/// Breaks that this run would have seen and did not are resolved.
fn resolve_gone(
    transaction: &Transaction<'_>,
    delta: &StateDelta,
    evidence: &mut Evidence<'_>,
) -> rusqlite::Result<()> {
    let candidates = candidates(transaction, delta)?;
    if candidates.is_empty() {
        return Ok(());
    }
    let covered: HashMap<(&str, &str), HashSet<&str>> = delta
        .covered
        .iter()
        .map(|each| {
            let listings = each.listings.iter().map(String::as_str).collect();
            ((each.owner_kind.as_str(), each.owner_id.as_str()), listings)
        })
        .collect();
    for gone in candidates {
        let owner = (gone.seen.owner_kind.as_str(), gone.seen.owner_id.as_str());
        let is_covered = covered
            .get(&owner)
            .is_some_and(|whole| gone.seen.listings.iter().all(|listing| whole.contains(listing.as_str())));
        if is_covered {
            let reason = reason(delta, &gone, evidence)?;
            resolve(transaction, delta, &gone.seen.break_id, reason)?;
        }
    }
    Ok(())
}

/// Breaks of other runs within the window. That a stated balance differs is asked anew each time: such a break goes by
/// the comparison alone, whatever its day.
fn candidates(transaction: &Transaction<'_>, delta: &StateDelta) -> rusqlite::Result<Vec<Candidate>> {
    let run = &delta.run;
    let sql = format!(
        r#"SELECT {}, rules, evidence_from, evidence_to, evidence_rows, evidence FROM breaks
           WHERE status <> 'resolved' AND run_id <> ?1 AND "check" <> ?4
           AND ("check" = ?5 OR scope_from >= ?2 AND scope_to <= ?3)"#,
        register::COLUMNS
    );
    let mut statement = transaction.prepare(&sql)?;
    let (restatement, closing) = (Check::Restatement.name(), Check::ClosingBalance.name());
    let window = (run.window_from.to_string(), run.window_to.to_string());
    let rows = statement.query_map(params![run.run_id, window.0, window.1, restatement, closing], |row| {
        let next = register::COLUMN_COUNT;
        Ok(Candidate {
            seen: register::known(row)?.as_seen(),
            rules: row.get(next)?,
            days: (register::day(row, next + 1)?, register::day(row, next + 2)?),
            evidence: (row.get(next + 3)?, row.get(next + 4)?),
        })
    })?;
    rows.collect()
}

/// Why it is gone.
fn reason(delta: &StateDelta, gone: &Candidate, evidence: &mut Evidence<'_>) -> rusqlite::Result<&'static str> {
    if gone.seen.check == Check::Completeness.name() {
        return Ok("proved");
    }
    let now = evidence.of(&gone.seen, gone.days)?;
    Ok(match (now.0 > gone.evidence.0, now.1 == gone.evidence.1, delta.rules == gone.rules) {
        (true, ..) | (false, true, true) => "late_row",
        (false, false, _) => "restated",
        (false, true, false) => "rule_changed",
    })
}

fn resolve(transaction: &Transaction<'_>, delta: &StateDelta, break_id: &str, reason: &str) -> rusqlite::Result<()> {
    let resolved = transaction
        .prepare_cached(
            "UPDATE breaks SET status = 'resolved', resolution = ?2, resolved_on = ?3
             WHERE break_id = ?1 AND status <> 'resolved'",
        )?
        .execute(params![break_id, reason, delta.today.to_string()])?;
    if resolved == 1 { act(transaction, delta, break_id, "resolved", Some(reason)) } else { Ok(()) }
}
