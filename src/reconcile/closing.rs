//! The check `closing_balance`: the last balance of a chain is the one that the provider reports for the owner.
//!
//! The provider's balance is read before and after the listing. Where it stayed the same, nothing moved in between and
//! the chain must end on it; where it moved, the chain may end on either, and an end between the two proves nothing.
//! Whether the balance that is reported holds pending rows is documented nowhere: a difference that is exactly theirs is
//! a note, not a break.
//!
//! Pages that somebody archived elsewhere are not compared, even where balances or lists of cards lie beside them: nothing
//! tells whether a balance was read before or after the rows, and an archive has no now. The landing of a run of our own
//! tells both, and is compared when it is read back.

use crate::breaks::{Break, Cause, Check, Subject};
use crate::record::{Day, Money, Owner, Total, Window, minor_digits};

/// `today`, if a window reaches so near to it that an owner's last row can be known: the window ends today or later, or
/// yesterday. The rows of today are then read as well, to see where the balance stands now.
pub fn reaching(window: Window, today: Day) -> Option<Day> {
    (window.to >= today.previous()).then_some(today)
}

/// What the provider reported of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    /// Before the listing was read.
    pub before: Money,
    /// After it was read.
    pub after: Money,
}

/// Where an owner's chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The balance after the last row that was read, rows after the window included.
    pub balance: Money,
    /// The window's last settled row, if it has one.
    pub txid: Option<String>,
    /// Its day, or the window's last.
    pub day: Day,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// Sum of all pending rows.
    pub pending: Total,
    /// Sum of the pending debits.
    pub pending_debits: Total,
}

/// What came of the comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closing {
    /// They are the same.
    Ties,
    /// They differ, but it proves nothing; the reason.
    Open(String),
    /// They differ.
    Fails(Box<Break>),
}

/// Compares the end of a chain with what the provider reports. `chain` are the chain's own breaks: a last row whose
/// balance is wrong was told by them.
pub fn check_closing(owner: &Owner, ending: &Ending, reported: Reported, chain: &[Break]) -> Closing {
    let Reported { before, after } = reported;
    if ending.balance == before || ending.balance == after {
        return Closing::Ties;
    }
    let money = |amount: Money| amount.text(minor_digits(ending.currency.as_deref()));
    if before != after {
        return Closing::Open(format!(
            "the balance of {owner} moved from {} to {} while its rows were read, which end on {}: not compared",
            money(before),
            money(after),
            money(ending.balance),
        ));
    }
    let difference = after.checked_sub(ending.balance);
    if difference.is_some() && [ending.pending.to_money(), ending.pending_debits.to_money()].contains(&difference) {
        return Closing::Open(format!(
            "the balance that the provider reports for {owner}, {}, is the last balance {} and the pending rows",
            money(after),
            money(ending.balance),
        ));
    }
    let is_told = |found: &Break| found.check == Check::Chain && found.amounts == Some((after, ending.balance));
    if chain.iter().any(is_told) {
        return Closing::Ties;
    }
    Closing::Fails(Box::new(Break {
        check: Check::ClosingBalance,
        cause: Cause::AmountDiffers,
        owner: owner.clone(),
        subject: ending.txid.clone().map_or(Subject::Listing("balance"), Subject::Row),
        booking_date: Some(ending.day),
        currency: ending.currency.clone(),
        amounts: Some((after, ending.balance)),
        explanation: format!(
            "the last balance is {}, but the provider reports {}: {}",
            money(ending.balance),
            money(after),
            match (difference, &ending.txid) {
                (None, _) => "off by more than can be held".to_owned(),
                (Some(off), None) => format!("off by {}", money(-off)),
                (Some(off), Some(txid)) => {
                    let kind = if off.is_negative() { "debit" } else { "credit" };
                    format!(
                        "off by {}, as if a {kind} of {} after txid {txid} were missing",
                        money(-off),
                        money(off.abs())
                    )
                }
            },
        ),
    }))
}
