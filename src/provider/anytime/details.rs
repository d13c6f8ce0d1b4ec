//! What is told of an account or card beside its rows: its currency, its balance.
//!
//! Source: `anytime-reference`, "Retrieve a specific account information", "Retrieve the balance of the current account"
//! and "Retrieve the cards list of an account".

use super::wire::{self, RowsKey};
use crate::record::Money;

/// What an account's details tell.
pub fn account(response: &[u8]) -> Option<wire::Account> {
    Some(wire::account(wire::envelope(std::str::from_utf8(response).ok()?).ok()?.body?.get()))
}

/// The account and its currency, if the response tells both.
pub fn account_currency(response: &[u8]) -> Option<(String, String)> {
    let account = account(response)?;
    Some((account.acc_id?, account.currency?))
}

/// The balance that an account's balance response states.
pub fn account_balance(response: &[u8]) -> Option<Money> {
    let envelope = wire::envelope(std::str::from_utf8(response).ok()?).ok()?;
    Money::parse(wire::balance(envelope.body?.get())?.trim()).ok()
}

/// The balance of each card that a page of the list of cards states.
pub fn card_balances(response: &[u8]) -> Vec<(String, Money)> {
    let rows = || {
        let text = std::str::from_utf8(response).ok()?;
        let rows = wire::rows(text, wire::envelope(text).ok()?.body?, RowsKey::Cards).ok()?.rows;
        Some(rows.into_iter().map(|row| wire::card(&text[row.start as usize..row.end as usize])))
    };
    let known = |card: wire::Card| Some((card.card_ref?, Money::parse(card.balance?.trim()).ok()?));
    rows().into_iter().flatten().filter_map(known).collect()
}
