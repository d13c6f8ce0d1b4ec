//! What an account's details tell: its currency.
//!
//! Source: `anytime-reference`, "Retrieve a specific account information".

use super::wire;

/// The account and its currency, if the response tells both.
pub fn account_currency(response: &[u8]) -> Option<(String, String)> {
    let envelope = wire::envelope(std::str::from_utf8(response).ok()?).ok()?;
    let account = wire::account(envelope.body?.get());
    Some((account.acc_id?, account.currency?))
}
