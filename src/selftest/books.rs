//! Books of many sorts, and the checks run over them in memory.

use crate::breaks::Break;
use crate::provider::anytime::decode::{self, Context, Decoded};
use crate::provider::anytime::page::RawRow;
use crate::reconcile::facts::{self, AccountFacts, CardSide, Needs, Side};
use crate::reconcile::{FeeRule, Terms, check_books, close_chain, close_listing};
use crate::record::{Clock, Day, Feed, Owner, StatementLine, Window};
use crate::sandbox::books::{Account, Card, ListedRow};
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

/// The breaks of all accounts and cards.
pub(super) fn breaks(ledger: &Ledger) -> Vec<Break> {
    let books = ledger.books();
    let accounts = ledger.accounts.iter().zip(&books.accounts);
    accounts.flat_map(|(known, account)| Desk { ledger, account, currency: known.currency }.breaks()).collect()
}

/// One account, as a run would see it.
struct Desk<'a> {
    ledger: &'a Ledger,
    account: &'a Account,
    currency: &'static str,
}

impl Desk<'_> {
    /// The breaks of the account and its cards, each by itself and against each other.
    fn breaks(&self) -> Vec<Break> {
        let owner = Owner::account(self.account.acc_id.as_str());
        let mut facts = AccountFacts { currency: Some(self.currency.to_owned()), ..AccountFacts::new(owner.clone()) };
        let mut breaks = self.statements(&owner, &mut facts);
        for card in &self.account.cards {
            breaks.extend(self.card(card, &mut facts));
        }
        check_books(facts, breaks, terms())
    }

    fn statements(&self, owner: &Owner, facts: &mut AccountFacts) -> Vec<Break> {
        let lines =
            |feed, listed| rows(self.ledger, owner, listed, |row, context| decode::statement_line(feed, row, context));
        let side =
            |lines: &[StatementLine<'_>]| Some(Side::of(facts::of_lines(lines, window(), Needs::of(&Feed::ALL))));
        let own = lines(Feed::AccountStatements, &self.account.statements);
        facts.statements = side(&own);
        let mut breaks = close_chain(owner, own, None, FeeRule::Auto).breaks;
        let iban = lines(Feed::IbanStatements, &self.account.iban_statements);
        facts.iban_statements = side(&iban);
        breaks.extend(close_listing(owner, iban).breaks);
        let transfers = rows(self.ledger, owner, &self.account.credit_transfers, decode::credit_transfer);
        facts.transfers = Some(Side::of(facts::of_transfers(&transfers, window())));
        breaks
    }

    fn card(&self, card: &Card, facts: &mut AccountFacts) -> Vec<Break> {
        let owner = Owner::card(self.account.acc_id.as_str(), card.card_ref.as_str());
        let mut rows = rows(self.ledger, &owner, &card.transactions, decode::card_transaction);
        decode::settle_currencies(&mut rows, Some(self.currency));
        let side = Side::of(facts::of_card(&rows, window()));
        let breaks = close_chain(&owner, rows, None, FeeRule::Auto).breaks;
        facts.cards.push(CardSide { owner, side });
        breaks
    }
}

/// Read long after the window.
fn terms() -> Terms {
    Terms { window: window(), transfer_days: 3, seen_on: window().to.plus(60) }
}

fn rows<'a, R, F>(
    ledger: &Ledger,
    owner: &'a Owner,
    listed: &'a [ListedRow],
    mut decode: impl FnMut(&RawRow<'a, F>, &mut Context<'a>) -> Decoded<R>,
) -> Vec<R> {
    let clock = Clock::new(ledger.zone);
    let mut context = Context { acc_id: &owner.acc_id, card_ref: &owner.card_ref, window: window(), clock };
    let decoded = listed.iter().filter_map(|row| match decode(&RawRow::from(row.json.as_str()), &mut context) {
        Decoded::Row(row) => Some(row),
        Decoded::Outside => None,
        Decoded::Rejected(rejection) => panic!("the generator spells rows that decode: {rejection:?}"),
    });
    decoded.collect()
}
