//! Generated books: clean ones give no break, and each planted fault gives exactly one.

use proptest::prelude::*;
use tieout::provider::anytime::decode::{self, Context, Decoded};
use tieout::provider::anytime::page::RawRow;
use tieout::reconcile::facts::{self, AccountFacts, CardSide, Needs, Side};
use tieout::reconcile::{Terms, check_account};
use tieout::record::{Clock, Feed, Owner, Window, Zone};
use tieout::sandbox::books::{Account, ListedRow};
use tieout::sandbox::generator::{FaultKind, Planted, Random, Recipe, plant};
use tieout::sandbox::ledger::Ledger;

use super::day;

fn autumn() -> Window {
    Window::new(day("2026-10-01"), day("2026-10-31")).expect("a window")
}

fn terms() -> Terms {
    Terms { window: autumn(), transfer_days: 3, seen_on: day("2026-11-21") }
}

fn decoded<'a, R, F>(
    rows: &'a [ListedRow],
    ids: (&'a str, &'a str),
    read: impl Fn(&RawRow<'a, F>, &mut Context<'a>) -> Decoded<R>,
) -> Vec<R> {
    let clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    let mut context = Context { acc_id: ids.0, card_ref: ids.1, window: autumn(), clock };
    let row = |row: &'a ListedRow| match read(&RawRow::from(row.json.as_str()), &mut context) {
        Decoded::Row(row) => Some(row),
        Decoded::Outside => None,
        Decoded::Rejected(rejection) => panic!("{rejection:?}"),
    };
    rows.iter().filter_map(row).collect()
}

fn facts_of(account: &Account) -> AccountFacts {
    let needs = Needs::of(&Feed::ALL);
    let (ids, window) = ((account.acc_id.as_str(), ""), autumn());
    let lines = |feed, rows| {
        let lines = decoded(rows, ids, |row, context| decode::statement_line(feed, row, context));
        Some(Side::of(facts::of_lines(&lines, window, needs)))
    };
    let cards = account.cards.iter().map(|card| {
        let rows = decoded(&card.transactions, (&account.acc_id, &card.card_ref), decode::card_transaction);
        CardSide { owner: Owner::card(&account.acc_id, &card.card_ref), side: Side::of(facts::of_card(&rows, window)) }
    });
    let transfers = decoded(&account.credit_transfers, ids, decode::credit_transfer);
    AccountFacts {
        owner: Owner::account(&account.acc_id),
        currency: Some("EUR".to_owned()),
        statements: lines(Feed::AccountStatements, &account.statements),
        iban_statements: lines(Feed::IbanStatements, &account.iban_statements),
        transfers: Some(Side::of(facts::of_transfers(&transfers, window))),
        cards: cards.collect(),
    }
}

fn shuffle(facts: &mut AccountFacts, random: &mut Random) {
    for side in [&mut facts.statements, &mut facts.iban_statements].into_iter().flatten() {
        random.shuffle(&mut side.rows);
    }
    facts.transfers.iter_mut().for_each(|side| random.shuffle(&mut side.rows));
    facts.cards.iter_mut().for_each(|card| random.shuffle(&mut card.side.rows));
    random.shuffle(&mut facts.cards);
}

/// What is found: check, cause, owner, row.
type Found = (&'static str, &'static str, String, Option<String>);

fn found(ledger: &Ledger) -> Vec<(Found, String)> {
    let books = ledger.books();
    let breaks = books.accounts.iter().flat_map(|account| check_account(&facts_of(account), terms()));
    breaks
        .map(|found| found.to_row(day("2026-11-21"), "open"))
        .map(|row| ((row.check, row.cause, row.owner_id, row.txid), row.explanation))
        .collect()
}

fn recipe(seed: u64) -> Recipe {
    let mut recipe = Recipe::small(seed, autumn());
    if seed.is_multiple_of(3) {
        (recipe.rows_per_account, recipe.cards_per_account, recipe.rows_per_card) = (200, 4, 150);
    }
    recipe
}

fn expected(planted: &Planted) -> Found {
    (planted.kind.check(), planted.kind.cause(), planted.owner_id.clone(), Some(planted.break_txid.clone()))
}

#[test]
fn clean_books_give_no_break() {
    for seed in 0..120 {
        assert_eq!(found(&recipe(seed).ledger()), [], "seed {seed}");
    }
}

#[test]
fn each_planted_fault_gives_exactly_one_break() {
    for kind in [FaultKind::MissingTwin, FaultKind::OrphanTransfer, FaultKind::OrphanLoad] {
        for seed in 0..120 {
            let mut ledger = recipe(seed).ledger();
            let planted = plant(&mut ledger, &[kind], seed);
            let [planted] = planted.as_slice() else { panic!("{kind:?} found no place, seed {seed}") };
            let breaks = found(&ledger);
            assert_eq!(breaks.len(), 1, "{kind:?}, seed {seed}: {planted:?} {breaks:?}");
            assert_eq!(breaks[0].0, expected(planted), "{kind:?}, seed {seed}: {}", breaks[0].1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_order_of_rows_changes_nothing(seed in 0_u64..1_000, turn in any::<u64>()) {
        let mut ledger = recipe(seed).ledger();
        plant(&mut ledger, &[FaultKind::MissingTwin, FaultKind::OrphanTransfer, FaultKind::OrphanLoad], seed);
        for account in ledger.books().accounts {
            let facts = facts_of(&account);
            let mut shuffled = facts.clone();
            shuffle(&mut shuffled, &mut Random::new(turn));
            prop_assert_eq!(check_account(&facts, terms()), check_account(&shuffled, terms()));
        }
    }
}
