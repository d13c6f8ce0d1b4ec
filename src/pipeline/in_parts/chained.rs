//! What the feeds have in common that are processed in parts: those whose balances form a chain, and the lines of an IBAN,
//! which are a chain in which nothing moves.

use crate::formats::statement::Movement;
use crate::pipeline::around::Shown;
use crate::provider::anytime::decode::{self, Context, CurrencyTally, Decoded, WireCard, WireStatement};
use crate::provider::anytime::page::{Fields, RawRow};
use crate::reconcile::facts::{self, CardFact, Facts, LineFact, Needs, Side};
use crate::record::{CardTransaction, Feed, StatementLine, Window};

/// A feed that is processed in parts.
pub(super) trait Chained {
    type Wire<'a>: Fields<'a>;
    type Row<'a>: Shown + Movement;
    type Fact;

    fn decode<'a>(row: &RawRow<'a, Self::Wire<'a>>, context: &mut Context<'a>) -> Decoded<Self::Row<'a>>;

    /// Counts a row's currency, where the rows of an owner name several.
    fn count_currency(_row: &Self::Row<'_>, _tally: &mut CurrencyTally) {}

    /// Tells which amounts are in which currency.
    fn settle<'a>(_rows: &mut [Self::Row<'a>], _own: Option<&'a str>) {}

    fn facts(rows: &[Self::Row<'_>], window: Window, needs: Needs) -> Vec<Self::Fact>;

    fn side(side: Side<Self::Fact>) -> Facts;
}

/// Lines of account statements.
pub(super) struct Statements;

/// Lines of IBAN statements.
pub(super) struct IbanStatements;

/// Transactions of cards.
pub(super) struct Cards;

macro_rules! lines_of {
    ($name:ident: $feed:expr) => {
        impl Chained for $name {
            type Wire<'a> = WireStatement<'a>;
            type Row<'a> = StatementLine<'a>;
            type Fact = LineFact;

            fn decode<'a>(
                row: &RawRow<'a, WireStatement<'a>>,
                context: &mut Context<'a>,
            ) -> Decoded<StatementLine<'a>> {
                decode::statement_line($feed, row, context)
            }

            fn facts(rows: &[StatementLine<'_>], window: Window, needs: Needs) -> Vec<LineFact> {
                facts::of_lines(rows, window, needs)
            }

            fn side(side: Side<LineFact>) -> Facts {
                Facts::Lines(side)
            }
        }
    };
}

lines_of!(Statements: Feed::AccountStatements);
lines_of!(IbanStatements: Feed::IbanStatements);

impl Chained for Cards {
    type Wire<'a> = WireCard<'a>;
    type Row<'a> = CardTransaction<'a>;
    type Fact = CardFact;

    fn decode<'a>(row: &RawRow<'a, WireCard<'a>>, context: &mut Context<'a>) -> Decoded<CardTransaction<'a>> {
        decode::card_transaction(row, context)
    }

    fn count_currency(row: &CardTransaction<'_>, tally: &mut CurrencyTally) {
        tally.add(row);
    }

    fn settle<'a>(rows: &mut [CardTransaction<'a>], own: Option<&'a str>) {
        decode::settle_currencies(rows, own);
    }

    fn facts(rows: &[CardTransaction<'_>], window: Window, _needs: Needs) -> Vec<CardFact> {
        facts::of_card(rows, window)
    }

    fn side(side: Side<CardFact>) -> Facts {
        Facts::Card(side)
    }
}
