//! Times and rates as sentences show them.

use crate::record::{Rate, Stamp};

/// `2026-03-02 14:10 and 15:02`: the day once when both share it, seconds when both share the minute.
pub(super) fn between(from: Stamp, to: Stamp) -> String {
    let (from, to) = (from.text().replace('T', " "), to.text().replace('T', " "));
    let (day, minute, second) = (10, 16, 19);
    let end = if from[..minute] == to[..minute] { second } else { minute };
    let start = if from[..day] == to[..day] { day + 1 } else { 0 };
    format!("{} and {}", &from[..end], &to[start..end])
}

/// A rate as sent.
pub(super) fn rate(rate: Rate) -> String {
    let mut out = Vec::new();
    rate.write(&mut out);
    out.iter().map(|byte| char::from(*byte)).collect()
}
