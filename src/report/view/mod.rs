//! What the templates are filled with: texts, every amount written. `writer` writes them.

mod writer;

use serde::Serialize;

use super::chart::Sparkline;
use super::evidence::{Evidence, SourceView};
use super::limits::Limits;
use super::story::Story;

/// What the templates are filled with.
#[derive(Debug, Serialize)]
pub(super) struct View {
    job: String,
    from: String,
    to: String,
    timezone: String,
    run_id: String,
    as_of: String,
    verdict: String,
    /// ties, breaks or partial.
    mood: &'static str,
    owners: Vec<OwnerView>,
    owners_all: String,
    /// What the table of owners leaves out, in a sentence.
    owners_left_out: Option<String>,
    sections: Vec<Section>,
    /// Owners without breaks, with their charts alone.
    balances: Vec<Section>,
    balances_left_out: Option<String>,
    /// Breaks that are not told in full.
    further: Vec<Line>,
    further_left_out: Option<String>,
    counterparts: Vec<Line>,
    counterparts_all: usize,
    restatements: Vec<Line>,
    restatements_all: usize,
    late_rows: String,
    amended_rows: String,
    expired_rows: String,
    restated_rows: String,
    rejects: Vec<RejectView>,
    rejects_all: usize,
    notes: Vec<String>,
    evidence: Evidence,
}

/// An amount as written, and as a whole number to sort by.
#[derive(Debug, Serialize)]
struct Cell {
    text: String,
    key: String,
}

#[derive(Debug, Serialize)]
struct OwnerView {
    kind: String,
    id: String,
    currency: String,
    verdict: String,
    opening: Cell,
    credits: Cell,
    debits: Cell,
    closing: Cell,
    entries: String,
    spark: Option<Spark>,
    /// The section that tells its breaks, or shows its chart.
    section: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Spark {
    #[serde(flatten)]
    drawn: Sparkline,
    label: String,
}

/// An owner's chart and breaks.
#[derive(Debug, Serialize)]
struct Section {
    number: usize,
    owner: String,
    currency: String,
    chart: Option<ChartView>,
    breaks: Vec<BreakView>,
}

#[derive(Debug, Serialize)]
struct ChartView {
    line: String,
    area: String,
    rules: String,
    zero: String,
    marks: String,
    scale: Vec<String>,
    days: Vec<String>,
    label: String,
}

#[derive(Debug, Serialize)]
struct BreakView {
    id: String,
    check: String,
    cause: String,
    status: String,
    explanation: String,
    day: String,
    txid: String,
    currency: String,
    expected: String,
    actual: String,
    difference: String,
    first_seen: String,
    age: String,
    /// What its cause means.
    means: String,
    /// What to do; every second piece is something to type.
    advice: Vec<&'static str>,
    commands: Vec<Command>,
    around: Vec<AroundView>,
    certificates: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Command {
    purpose: &'static str,
    text: String,
}

#[derive(Debug, Serialize)]
struct AroundView {
    feed: &'static str,
    source: Option<SourceView>,
    rows: Vec<RowView>,
}

#[derive(Debug, Serialize)]
struct RowView {
    is_named: bool,
    at: String,
    txid: String,
    text: String,
    amount: String,
    balance: String,
    status: &'static str,
}

/// A break in a line of a list.
#[derive(Debug, Serialize)]
struct Line {
    id: String,
    is_in_full: bool,
    check: String,
    owner: String,
    day: String,
    difference: String,
    explanation: String,
    status: &'static str,
}

#[derive(Debug, Serialize)]
struct RejectView {
    feed: &'static str,
    owner: String,
    txid: String,
    reason: String,
    raw: String,
    place: String,
}

impl View {
    pub(super) fn of(story: &Story<'_>, limits: Limits) -> View {
        writer::Writer::new(story, limits).view()
    }
}
