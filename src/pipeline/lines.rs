//! The lines of a run's summary of which there are as many as owners.

use std::borrow::Cow;

use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::reconcile::Meaning;
use crate::record::{BalanceRow, Money, Owner, Total, minor_digits};

/// An owner's window. What it says is held as one text: there are as many lines as owners.
#[derive(Debug, Clone)]
pub struct OwnerLine {
    /// account or card.
    pub owner_kind: &'static str,
    /// Settled rows.
    pub entries: i64,
    /// tied, broken or ambiguous.
    pub verdict: &'static str,
    said: Box<str>,
    /// Where each text of `said` ends, and which of them were told: one that was not is empty.
    ends: [(u32, bool); 6],
}

impl OwnerLine {
    /// Its id.
    pub fn owner_id(&self) -> &str {
        self.told(0).unwrap_or_default()
    }

    /// ISO 4217 code.
    pub fn currency(&self) -> Option<&str> {
        self.told(1)
    }

    /// Balance before the first settled row.
    pub fn opening(&self) -> Option<&str> {
        self.told(2)
    }

    /// Sum of credits.
    pub fn credits(&self) -> &str {
        self.told(3).unwrap_or_default()
    }

    /// Sum of debits.
    pub fn debits(&self) -> &str {
        self.told(4).unwrap_or_default()
    }

    /// Balance after the last settled row.
    pub fn closing(&self) -> Option<&str> {
        self.told(5)
    }

    fn told(&self, place: usize) -> Option<&str> {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let (end, is_told) = self.ends[place];
        is_told.then(|| &self.said[start as usize..end as usize])
    }
}

impl Serialize for OwnerLine {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_struct("OwnerLine", 9)?;
        line.serialize_field("owner_kind", self.owner_kind)?;
        line.serialize_field("owner_id", self.owner_id())?;
        line.serialize_field("currency", &self.currency())?;
        line.serialize_field("opening", &self.opening())?;
        line.serialize_field("credits", self.credits())?;
        line.serialize_field("debits", self.debits())?;
        line.serialize_field("closing", &self.closing())?;
        line.serialize_field("entries", &self.entries)?;
        line.serialize_field("verdict", self.verdict)?;
        line.end()
    }
}

impl OwnerLine {
    /// The line of an owner; `None` when it has no settled rows in the window.
    pub(super) fn of(owner: &Owner, days: &[BalanceRow]) -> Option<OwnerLine> {
        let (first, last) = (days.first()?, days.last()?);
        let digits = minor_digits(first.currency.as_deref());
        let (credits, debits, entries) = window_totals(days);
        let worst = |verdict: &str| days.iter().any(|day| day.verdict == verdict);
        let amount = |amount: Option<Money>| amount.map(|amount| amount.text(digits));
        let texts = [
            Some(Cow::Borrowed(owner.id())),
            first.currency.as_deref().map(Cow::Borrowed),
            amount(first.opening).map(Cow::Owned),
            Some(Cow::Owned(credits.text(digits))),
            Some(Cow::Owned(debits.text(digits))),
            amount(last.closing).map(Cow::Owned),
        ];
        let mut said = String::new();
        let ends = texts.map(|text| {
            said.push_str(text.as_deref().unwrap_or_default());
            (u32::try_from(said.len()).expect("an id and amounts are short"), text.is_some())
        });
        Some(OwnerLine {
            owner_kind: owner.kind.name(),
            said: said.into_boxed_str(),
            ends,
            entries,
            verdict: if worst("broken") {
                "broken"
            } else if worst("ambiguous") {
                "ambiguous"
            } else {
                "tied"
            },
        })
    }
}

/// The sums of an owner's days, for its line in the report.
fn window_totals(balances: &[BalanceRow]) -> (Total, Total, i64) {
    let mut sums = (Total::default(), Total::default(), 0);
    for day in balances {
        day.credits.into_iter().for_each(|credits| sums.0.add(credits));
        day.debits.into_iter().for_each(|debits| sums.1.add(debits));
        sums.2 += day.entries;
    }
    sums
}

/// What the chain of an owner, or of several who agree, tells of the provider's meaning.
#[derive(Debug, Clone, Serialize)]
pub struct MeaningLine {
    /// The owner's id, where the line speaks of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Owners that the line speaks of.
    pub owners: u32,
    /// included, extra or unknown.
    pub fx_fee: &'static str,
    /// amount, `amount_fx` or unknown.
    pub balance_moves_by: &'static str,
    /// Rows that tie by this meaning and by no other.
    pub rows_for: u64,
    /// Rows that tie by another meaning only.
    pub rows_against: u64,
}

/// Owners whose meaning is told one by one.
const MEANINGS_MAX: usize = 50;

impl MeaningLine {
    /// The line of an owner; `None` when its rows tell nothing.
    fn of(owner: &Owner, meaning: Meaning) -> Option<MeaningLine> {
        meaning.has_evidence().then(|| MeaningLine {
            owner_id: Some(owner.id().to_owned()),
            owners: 1,
            fx_fee: meaning.fee_name(),
            balance_moves_by: meaning.moves_by_name(),
            rows_for: meaning.rows_for.into(),
            rows_against: meaning.rows_against.into(),
        })
    }

    /// Of many owners, those that agree share a line.
    fn share(self, lines: &mut Vec<MeaningLine>) {
        let alike =
            |known: &&mut MeaningLine| (known.fx_fee, known.balance_moves_by) == (self.fx_fee, self.balance_moves_by);
        match lines.iter_mut().find(alike) {
            Some(known) => {
                known.owners += self.owners;
                known.rows_for += self.rows_for;
                known.rows_against += self.rows_against;
            }
            None => lines.push(MeaningLine { owner_id: None, ..self }),
        }
    }
}

/// The lines of owners as they come: one by one while they are few.
#[derive(Debug, Default)]
pub(super) struct Meanings {
    lines: Vec<MeaningLine>,
    are_shared: bool,
}

impl Meanings {
    pub(super) fn add(&mut self, owner: &Owner, meaning: Meaning) {
        let Some(line) = MeaningLine::of(owner, meaning) else {
            return;
        };
        if self.are_shared {
            return line.share(&mut self.lines);
        }
        self.lines.push(line);
        if self.lines.len() > MEANINGS_MAX {
            self.are_shared = true;
            for line in std::mem::take(&mut self.lines) {
                line.share(&mut self.lines);
            }
        }
    }

    pub(super) fn into_lines(self) -> Vec<MeaningLine> {
        self.lines
    }
}
