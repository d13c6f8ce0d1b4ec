//! A row as it was reported and as it is now.

use super::{Day, Money, Owner};

/// What a row says that must not change once it is booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// `txid` or `internal_id`.
    pub key: String,
    /// Its booking date.
    pub day: Day,
    /// When it was booked, in microseconds since 1970; 0 where only the day is known.
    pub at: i64,
    /// Its amount.
    pub amount: Money,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// The balance after it.
    pub balance: Option<Money>,
    /// Its status.
    pub status: Option<String>,
}

/// A row that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Whose.
    pub owner: Owner,
    /// As an earlier run committed it; `None` when it is new on a day that was committed before.
    pub before: Option<Reported>,
    /// As this run has it; `None` when it is gone.
    pub after: Option<Reported>,
}

impl Reported {
    /// As a line of JSON, by which it is remembered.
    pub fn to_text(&self) -> String {
        let (amount, balance) = (self.amount.unscaled(), self.balance.map(Money::unscaled));
        let cells = (&self.key, self.day.epoch_days(), self.at, amount, &self.currency, balance, &self.status);
        serde_json::to_string(&cells).expect("texts and integers are JSON")
    }

    /// Reads such a line back.
    pub fn from_text(text: &str) -> Option<Reported> {
        let (key, day, at, amount, currency, balance, status): (_, _, _, _, _, Option<i64>, _) =
            serde_json::from_str(text).ok()?;
        let balance = match balance {
            Some(unscaled) => Some(Money::from_unscaled(unscaled)?),
            None => None,
        };
        let (day, amount) = (Day::from_epoch_days(day)?, Money::from_unscaled(amount)?);
        Some(Reported { key, day, at, amount, currency, balance, status })
    }
}
