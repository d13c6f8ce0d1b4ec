//! What an account's details tell: its currency.
//!
//! Source: `anytime-reference`, "Retrieve a specific account information".

use serde::Deserialize;

use super::scalar::{Raw, text};
use crate::record::rows::Text;

#[derive(Deserialize)]
struct WireEnvelope<'a> {
    #[serde(borrow)]
    body: WireAccount<'a>,
}

#[derive(Deserialize)]
struct WireAccount<'a> {
    #[serde(borrow)]
    acc_id: Raw<'a>,
    #[serde(borrow)]
    acc_currency: Raw<'a>,
}

/// The account and its currency, if the response tells both.
pub fn account_currency(response: &[u8]) -> Option<(String, String)> {
    let account = serde_json::from_slice::<WireEnvelope<'_>>(response).ok()?.body;
    let named = |raw| text("body", raw).ok().flatten().map(Text::into_owned).filter(|text| !text.is_empty());
    Some((named(account.acc_id)?, named(account.acc_currency)?))
}
