//! Rows that came and could not be taken: what the chain misses may be one of them, and then nobody need be asked for it.

use super::{Case, Suspect};
use crate::breaks::SEE_REJECTS;
use crate::reconcile::Link;
use crate::record::Money;

/// Ids that a sentence names.
const NAMED_MAX: usize = 3;

/// Something of the owner that was rejected, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Whether it is a page, of which nobody knows the rows.
    pub is_page: bool,
    /// The row's id.
    pub txid: Option<String>,
    /// Its amount, without its direction.
    pub amount: Option<Money>,
}

/// Why a rejected row may be the missing one.
struct Fit<'r> {
    /// The ids between which its own lies.
    between: Option<(&'r str, &'r str)>,
    by_amount: bool,
}

impl<'a, R: Link> Case<'a, R> {
    /// The same, of an owner of which so much was rejected.
    pub fn beside(self, rejected: &'a [Rejected]) -> Self {
        Self { rejected, ..self }
    }

    /// What is said of a missing row where rows were rejected, and where the ids leave one out.
    pub(super) fn missing_or_rejected(&self, suspect: &Suspect<'_, R>, left_out: Option<String>) -> Option<String> {
        if self.rejected.is_empty() {
            return left_out;
        }
        let fitting: Vec<(&Rejected, Fit<'_>)> =
            self.rejected.iter().filter_map(|rejected| Some((rejected, self.fit(suspect, rejected)?))).collect();
        let told = match fitting.as_slice() {
            [] => self.perhaps_rejected(left_out),
            [(rejected, fit)] => is_rejected(rejected, fit),
            several => {
                let ids: Vec<&str> = several.iter().filter_map(|(rejected, _)| rejected.txid.as_deref()).collect();
                let named = ids.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
                let others = if ids.len() > NAMED_MAX { " and others" } else { "" };
                let named = if named.is_empty() { named } else { format!(", txid {named}{others}") };
                format!("{} rows that fit were rejected{named}", several.len())
            }
        };
        Some(format!("{told}: {SEE_REJECTS}"))
    }

    fn fit(&self, suspect: &Suspect<'_, R>, rejected: &Rejected) -> Option<Fit<'_>> {
        let by_amount = rejected.amount.is_some_and(|amount| amount.abs() == suspect.off.abs());
        let gap = suspect
            .fault
            .previous
            .map(|previous| (self.rows[previous as usize].txid(), self.rows[suspect.fault.row as usize].txid()));
        let is_between = |(from, to): &(&str, &str)| {
            let ids = self.habits().ids.as_ref().zip(rejected.txid.as_deref());
            ids.is_some_and(|(ids, txid)| ids.is_between(from, txid, to))
        };
        let between = gap.filter(is_between);
        (between.is_some() || by_amount).then_some(Fit { between, by_amount })
    }

    /// Nothing tells which of them it is, or whether it is one of them.
    fn perhaps_rejected(&self, left_out: Option<String>) -> String {
        let perhaps = if self.rejected.iter().any(|rejected| rejected.is_page) {
            "it may be on a page that was rejected".to_owned()
        } else if self.rejected.len() == 1 {
            "it may be the row that was rejected".to_owned()
        } else {
            format!("it may be among the {} rows that were rejected", self.rejected.len())
        };
        // An id that nobody could read may be the one.
        match left_out.filter(|_| self.rejected.iter().all(|rejected| rejected.txid.is_some())) {
            Some(left_out) => format!("{left_out}; {perhaps}"),
            None => perhaps,
        }
    }
}

fn is_rejected(rejected: &Rejected, fit: &Fit<'_>) -> String {
    let Some(txid) = &rejected.txid else {
        return "a row of that amount was rejected".to_owned();
    };
    match fit.between {
        Some((from, to)) if fit.by_amount => {
            format!("txid {txid}, between {from} and {to} and of that amount, was rejected")
        }
        Some((from, to)) => format!("txid {txid}, between {from} and {to}, was rejected"),
        None => format!("txid {txid}, of that amount, was rejected"),
    }
}
