//! The spans of which the trace of a run is made, and what they say of it; no amount, no secret.
//!
//! `run` holds `gather` with a `fetch` for each listing, `process` with a `reconcile` for each owner's feed, and `commit`.
//! They cost nothing where nobody listens. Built with the feature `otel`, `tieout` sends them to the collector that
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names: see [`crate::cli`].

use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::Result;
use crate::job::Plan;
use crate::landing::{Listing, Proof, Subject};
use crate::pipeline::report::Report;
use crate::record::{Feed, Owner};

/// What marks them, so that they are told apart from what is logged.
pub const TARGET: &str = "tieout::trace";

/// A run, from its first request to its commit.
pub fn run(plan: &Plan) -> Span {
    info_span!(
        target: TARGET,
        "run",
        tieout.run_id = Empty,
        tieout.job = plan.job_name,
        tieout.provider = plan.provider,
        tieout.window.from = %plan.window.from,
        tieout.window.to = %plan.window.to,
        tieout.shard = plan.shard.map(tracing::field::display),
        tieout.rows = Empty,
        tieout.open_breaks = Empty,
        tieout.exit_code = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// Notes on the span of a run how it ended. `run_id` is that of a run which could not finish.
pub fn ended(run: &Span, run_id: &str, ended: &Result<Report>) {
    match ended {
        Ok(report) => {
            run.record("tieout.run_id", &report.run_id);
            run.record("tieout.rows", count(report.rows()));
            run.record("tieout.open_breaks", count(report.open_breaks()));
            run.record("tieout.exit_code", i64::from(report.exit_code));
            run.record("otel.status_code", "ok");
        }
        Err(error) => {
            run.record("tieout.run_id", run_id);
            failed(run, &error.one_line());
        }
    }
}

/// All that is asked for, or read back.
pub fn gather() -> Span {
    info_span!(target: TARGET, "gather")
}

/// A listing that is read from the provider, page by page.
pub fn fetch(subject: Subject, owner: &Owner) -> Span {
    info_span!(
        target: TARGET,
        "fetch",
        tieout.listing = %subject,
        tieout.owner.kind = owner.kind.name(),
        tieout.owner.id = owner.id(),
        tieout.rows = Empty,
        tieout.pages = Empty,
        tieout.proof = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// Notes on the span that is entered what came of its listing.
pub fn fetched(listing: &Listing, rows: u64) {
    let fetch = Span::current();
    fetch.record("tieout.rows", count(rows));
    fetch.record("tieout.pages", count(listing.pages.len()));
    let proof = match &listing.proof {
        Proof::Proved(_) => "proved",
        Proof::NotAsked => "not asked",
        Proof::Unproved { reason: why } | Proof::Failed { error: why } => {
            failed(&fetch, why);
            "not proved"
        }
    };
    fetch.record("tieout.proof", proof);
}

/// All owners, looked at on several threads.
pub fn process() -> Span {
    info_span!(target: TARGET, "process")
}

/// An owner's rows of a feed: read, decoded, reconciled and encoded. `process` is the span of all of them.
pub fn reconcile(process: &Span, feed: Feed, owner: &Owner) -> Span {
    info_span!(
        target: TARGET,
        parent: process,
        "reconcile",
        tieout.feed = feed.name(),
        tieout.owner.kind = owner.kind.name(),
        tieout.owner.id = owner.id(),
    )
}

/// From what was found to what readers see.
pub fn commit() -> Span {
    info_span!(target: TARGET, "commit")
}

/// A number as traces know it: without a sign they would take it for a text.
fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn failed(span: &Span, why: &str) {
    span.record("otel.status_code", "error");
    span.record("otel.status_description", why);
}
