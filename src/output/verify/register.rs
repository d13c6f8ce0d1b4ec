//! The register against its trail: what a break is now must be what the acts on it made of it.

use std::collections::BTreeMap;

use super::{FindingKind, Verifier};
use crate::Result;
use crate::record::Day;
use crate::state::{BreakFilter, State, TrailEntry};

/// What the acts on a break come to.
#[derive(Default)]
struct Told {
    status: &'static str,
    by: Option<String>,
    note: Option<String>,
    day: Option<Day>,
}

impl Told {
    fn hear(&mut self, entry: &TrailEntry) {
        self.day = entry.at.get(..10).and_then(Day::parse);
        let (status, by, note) = match entry.act.as_str() {
            "accepted" => ("accepted", entry.by.clone(), entry.note.clone()),
            "opened" | "reopened" => ("open", None, None),
            // Who had accepted it stays to be read.
            "resolved" => ("resolved", self.by.take(), self.note.take()),
            _ => return,
        };
        (self.status, self.by, self.note) = (status, by, note);
    }
}

/// Notes every break that is not what its trail says.
pub(super) fn check(verifier: &mut Verifier<'_>, state: &State, entries: &[TrailEntry]) -> Result<()> {
    let mut told: BTreeMap<&str, Told> = BTreeMap::new();
    for entry in entries {
        told.entry(&entry.break_id).or_default().hear(entry);
    }
    for known in state.breaks(&BreakFilter::default())? {
        let told = told.remove(known.break_id.as_str()).unwrap_or_default();
        let is_so = known.status == told.status && known.accepted_by == told.by && known.note == told.note;
        if !is_so {
            let said = if told.status.is_empty() { "nothing" } else { told.status };
            let by = |name: &Option<String>| name.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
            let detail = format!(
                "{} is {}{}, but the trail says {said}{}",
                known.break_id,
                known.status,
                by(&known.accepted_by),
                by(&told.by),
            );
            verifier.note(told.day, FindingKind::TrailBroken, "tieout.db, breaks", detail);
        }
    }
    for (break_id, told) in told {
        let detail = format!("the trail tells of {break_id}, which the register does not hold");
        verifier.note(told.day, FindingKind::TrailBroken, "tieout.db, breaks", detail);
    }
    Ok(())
}
