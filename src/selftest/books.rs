//! Books of many sorts, and the checks run over them in memory.

use crate::breaks::Break;
use crate::provider::anytime::decode::{self, Context, Decoded};
use crate::reconcile::{FeeRule, close_chain};
use crate::record::{Clock, Day, Feed, Owner, Window};
use crate::sandbox::books::{Account, ListedRow};
use crate::sandbox::generator::{Ids, Random, Recipe};
use crate::sandbox::ledger::Ledger;

/// A month that holds the clock change of autumn 2026.
pub(super) fn window() -> Window {
    let day = |text| Day::parse(text).expect("a day of the calendar");
    Window::new(day("2026-10-05"), day("2026-10-31")).expect("runs upwards")
}

/// What books a seed makes: providers differ in how they count, what they charge, and how much happens in a second.
pub(super) fn recipe(seed: u64) -> Recipe {
    let mut random = Random::for_part(seed, 77);
    let mut recipe = Recipe { accounts: 1, rows_per_account: 60, ..Recipe::small(seed, window()) };
    recipe.ids = [Ids::Shared, Ids::Dense, Ids::Random][usize::try_from(seed % 3).expect("small")];
    recipe.currencies = vec![*random.pick(&["EUR", "EUR", "USD", "GBP", "JPY", "BHD"])];
    if random.chance(300) {
        recipe.mix.tied = 400;
    }
    if random.chance(200) {
        // Enough payments abroad that what the provider means by fees can be learnt.
        recipe.mix.fee_on_top_cards = 1000;
        recipe.mix.foreign = 450;
    }
    recipe
}

/// The breaks of one account and its cards.
pub(super) fn breaks(ledger: &Ledger) -> Vec<Break> {
    ledger.books().accounts.iter().flat_map(|account| account_breaks(ledger, account)).collect()
}

fn account_breaks(ledger: &Ledger, account: &Account) -> Vec<Break> {
    let owner = Owner::account(account.acc_id.as_str());
    let lines = rows(ledger, &owner, &account.statements, |row, context| {
        decode::statement_line(Feed::AccountStatements, row, context)
    });
    let currency = ledger.accounts.iter().find(|known| known.acc_id == account.acc_id).map(|known| known.currency);
    let mut breaks = close_chain(&owner, lines, None, FeeRule::Auto).breaks;
    for card in &account.cards {
        let owner = Owner::card(account.acc_id.as_str(), card.card_ref.as_str());
        let mut rows = rows(ledger, &owner, &card.transactions, decode::card_transaction);
        decode::settle_currencies(&mut rows, currency);
        breaks.extend(close_chain(&owner, rows, None, FeeRule::Auto).breaks);
    }
    breaks
}

fn rows<'a, R>(
    ledger: &Ledger,
    owner: &'a Owner,
    listed: &'a [ListedRow],
    mut decode: impl FnMut(&'a str, &mut Context<'a>) -> Decoded<R>,
) -> Vec<R> {
    let clock = Clock::new(ledger.zone);
    let mut context = Context { acc_id: &owner.acc_id, card_ref: &owner.card_ref, window: window(), clock };
    let decoded = listed.iter().filter_map(|row| match decode(&row.json, &mut context) {
        Decoded::Row(row) => Some(row),
        Decoded::Outside => None,
        Decoded::Rejected(rejection) => panic!("the generator spells rows that decode: {rejection:?}"),
    });
    decoded.collect()
}
