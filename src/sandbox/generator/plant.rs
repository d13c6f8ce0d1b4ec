//! Faults planted in books that tie: what a reconciliation must find.
//!
//! Rows are chosen so that one fault is one break: in the middle of a chain, and with no counterpart elsewhere that
//! would break too. What a fault leaves behind is told exactly, so that a self-test can compare.

mod link;

use link::{Kept, Link, is_tied, middle};

use super::Random;
use crate::record::OwnerKind;
use crate::sandbox::ledger::{Account, Card, CardKind, Ledger, Line, LineKind, State, Transfer};

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// A row is left out.
    Drop,
    /// A row stands twice under its id.
    Double,
    /// A row stands again under an id of its own.
    DoubleNewId,
    /// A balance is not what it should be, at this row alone.
    BalanceAltered,
    /// A row is left out of the account statement; the IBAN statement has it.
    DropBesideTwin,
    /// An amount is not what moved the balance, and all that the row says of it says the same, but for its VAT.
    AmountAltered,
    /// An amount is not what moved the balance; `amount_fx` says what did.
    AmountAlteredAlone,
    /// An amount is not what moved the balance; the line of the IBAN statement says what did.
    AmountAlteredBesideTwin,
    /// A debit is shown as a credit, or the reverse.
    SignFlipped,
    /// Two neighbouring digits of an amount changed places, in all that the row says of it but its VAT.
    DigitsTransposed,
    /// Two neighbouring digits of an amount changed places; `amount_fx` has them in order.
    DigitsTransposedAlone,
    /// A fee moved the balance that the amount does not hold.
    FeeOnTop,
    /// An account's line by bank transfer has no line in the IBAN statement.
    MissingTwin,
    /// An executed credit transfer has no debit.
    OrphanTransfer,
    /// A card's load has no line in its account.
    OrphanLoad,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [FaultKind; 15] = [
        FaultKind::Drop,
        FaultKind::DropBesideTwin,
        FaultKind::Double,
        FaultKind::DoubleNewId,
        FaultKind::BalanceAltered,
        FaultKind::AmountAltered,
        FaultKind::AmountAlteredAlone,
        FaultKind::AmountAlteredBesideTwin,
        FaultKind::SignFlipped,
        FaultKind::DigitsTransposed,
        FaultKind::DigitsTransposedAlone,
        FaultKind::FeeOnTop,
        FaultKind::MissingTwin,
        FaultKind::OrphanTransfer,
        FaultKind::OrphanLoad,
    ];

    /// The check of the contract that it fails.
    pub fn check(self) -> &'static str {
        match self {
            FaultKind::MissingTwin => "iban_twin",
            FaultKind::OrphanTransfer => "transfer",
            FaultKind::OrphanLoad => "card_load",
            FaultKind::Double | FaultKind::DoubleNewId => "duplicate",
            _ => "chain",
        }
    }

    /// The cause of the contract that explains it.
    pub fn cause(self) -> &'static str {
        match self {
            FaultKind::Drop | FaultKind::DropBesideTwin => "missing_entry",
            FaultKind::Double | FaultKind::DoubleNewId => "duplicate_entry",
            FaultKind::BalanceAltered => "balance_altered",
            FaultKind::AmountAltered | FaultKind::AmountAlteredAlone | FaultKind::AmountAlteredBesideTwin => {
                "amount_altered"
            }
            FaultKind::SignFlipped => "sign_flipped",
            FaultKind::DigitsTransposed | FaultKind::DigitsTransposedAlone => "digits_transposed",
            FaultKind::FeeOnTop => "fee_not_included",
            FaultKind::MissingTwin | FaultKind::OrphanTransfer | FaultKind::OrphanLoad => "no_counterpart",
        }
    }
}

/// A row of a ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Index of the account.
    pub account: usize,
    /// Index of the card in it; `None` for the account's own lines (or transfers, where the fault is about those).
    pub card: Option<usize>,
    /// Index of the row.
    pub row: usize,
}

/// What was planted, and what it looks like from outside. Amounts are in minor units of the owner's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// The kind.
    pub kind: FaultKind,
    /// Account or card.
    pub owner_kind: OwnerKind,
    /// The owner's id.
    pub owner_id: String,
    /// The owner's currency.
    pub currency: &'static str,
    /// Id of the row that was touched (or is gone).
    pub txid: String,
    /// Id of the first row at which the chain fails; for other checks the row without a counterpart.
    pub break_txid: String,
    /// The balance that row should have; `None` where the check is not about balances.
    pub expected: Option<i64>,
    /// The balance it has.
    pub actual: Option<i64>,
    /// Whether it stands in a second with other rows, or in an hour lived twice, where another row may be named with
    /// equal right.
    pub tied: bool,
}

/// Plants the faults at rows of chance, far enough from each other that none hides another. A fault that finds no fit
/// row is left out: compare the lengths.
pub fn plant(ledger: &mut Ledger, kinds: &[FaultKind], seed: u64) -> Vec<Planted> {
    let mut random = Random::new(seed);
    let mut planted = Vec::new();
    let mut taken: Vec<Place> = Vec::new();
    for &kind in kinds {
        let mut places = places(ledger, kind);
        places.retain(|place| taken.iter().all(|other| !near(*place, *other)));
        random.shuffle(&mut places);
        let told = places.into_iter().find_map(|place| {
            let told = plant_at(ledger, kind, place, random.next_u64())?;
            Some((place, told))
        });
        if let Some((place, told)) = told {
            taken.push(place);
            planted.push(told);
        }
    }
    planted
}

/// Plants one fault at one row; `None` when the row is not fit for it.
pub fn plant_at(ledger: &mut Ledger, kind: FaultKind, place: Place, seed: u64) -> Option<Planted> {
    let account = ledger.accounts.get_mut(place.account)?;
    let mut random = Random::new(seed);
    match (kind, place.card) {
        (FaultKind::MissingTwin, _) => drop_twin(account, place.row),
        (FaultKind::OrphanTransfer, _) => drop_debit(account, place.row),
        (FaultKind::OrphanLoad, Some(card)) => drop_load_line(account, card, place.row),
        (_, Some(card)) => {
            let currency = account.currency;
            let card = account.cards.get_mut(card)?;
            let owner = Owner { kind: OwnerKind::Card, id: card.card_ref.clone(), currency };
            let fee_on_top = card.fee_on_top;
            tear(&mut card.rows, fee_on_top, owner, kind, place.row, &mut random)
        }
        (_, None) => {
            let owner = Owner { kind: OwnerKind::Account, id: account.acc_id.clone(), currency: account.currency };
            tear(&mut account.lines, false, owner, kind, place.row, &mut random)
        }
    }
}

struct Owner {
    kind: OwnerKind,
    id: String,
    currency: &'static str,
}

/// Plants a fault that tears a chain.
fn tear<L: Link>(
    rows: &mut Vec<L>,
    fee_on_top: bool,
    owner: Owner,
    kind: FaultKind,
    at: usize,
    random: &mut Random,
) -> Option<Planted> {
    let settled: Vec<usize> = (0..rows.len()).filter(|index| rows[*index].settled()).collect();
    let position = settled.iter().position(|index| *index == at)?;
    let (before, after) = (*settled.get(position.checked_sub(1)?)?, *settled.get(position + 1)?);
    if !rows[at].is_fit(kind) || rows[at].amount() == 0 {
        return None;
    }
    let moves = |row: &L| row.amount() - if fee_on_top { row.fee() } else { 0 };
    let tied = is_tied(rows, before, at) || is_tied(rows, at, after);
    let txid = rows[at].txid().to_string();
    let opening = rows[before].balance();
    let (break_txid, expected, actual);
    match kind {
        FaultKind::Drop | FaultKind::DropBesideTwin => {
            let next = rows[after].clone();
            if kind == FaultKind::Drop {
                rows.remove(at);
            } else {
                rows[at].hide();
            }
            (break_txid, expected, actual) = (next.txid(), opening + moves(&next), next.balance());
        }
        FaultKind::Double | FaultKind::DoubleNewId => {
            let mut copy = rows[at].clone();
            if kind == FaultKind::DoubleNewId {
                copy.set_txid(rows.iter().map(Link::txid).max()? + 1);
                copy.respell(random.next_u64());
            }
            (break_txid, expected, actual) = (copy.txid(), copy.balance() + moves(&copy), copy.balance());
            rows.insert(at + 1, copy);
        }
        FaultKind::FeeOnTop => {
            let fee = random.between(25, 300);
            if fee_on_top {
                return None;
            }
            rows[at].add_fee(fee)?;
            for row in &mut rows[at..] {
                *row.balance_mut() -= fee;
            }
            let row = &rows[at];
            (break_txid, expected, actual) = (row.txid(), opening + row.amount(), row.balance());
        }
        _ => {
            alter(&mut rows[at], kind, owner.currency, random)?;
            let row = &rows[at];
            (break_txid, expected, actual) = (row.txid(), opening + moves(row), row.balance());
        }
    }
    Some(Planted {
        kind,
        owner_kind: owner.kind,
        owner_id: owner.id,
        currency: owner.currency,
        txid,
        break_txid: break_txid.to_string(),
        expected: Some(expected),
        actual: Some(actual),
        tied,
    })
}

/// Alters one row in place. The change is never one that another kind of fault would explain as well.
fn alter<L: Link>(row: &mut L, kind: FaultKind, currency: &'static str, random: &mut Random) -> Option<()> {
    let right = row.amount();
    let altered = match kind {
        FaultKind::BalanceAltered => {
            *row.balance_mut() += odd_difference(random);
            return Some(());
        }
        FaultKind::AmountAltered | FaultKind::AmountAlteredAlone | FaultKind::AmountAlteredBesideTwin => {
            Some(right + odd_difference(random) * right.signum())
                .filter(|altered| altered.signum() == right.signum())?
        }
        FaultKind::SignFlipped => -right,
        FaultKind::DigitsTransposed | FaultKind::DigitsTransposedAlone => transposed(right, random)?,
        _ => return None,
    };
    let kept = match kind {
        FaultKind::AmountAlteredAlone | FaultKind::DigitsTransposedAlone => Kept::OtherCurrency,
        FaultKind::AmountAlteredBesideTwin => Kept::Twin,
        _ => Kept::Nothing,
    };
    row.set_amount(altered, kept, currency)
}

/// A difference that no swap of digits explains: it is not divisible by 9.
fn odd_difference(random: &mut Random) -> i64 {
    let difference = random.between(101, 9_999);
    let difference = if difference % 9 == 0 { difference + 1 } else { difference };
    if random.chance(500) { difference } else { -difference }
}

/// The amount with two neighbouring, different digits swapped; the first digit never becomes 0.
fn transposed(amount: i64, random: &mut Random) -> Option<i64> {
    let digits: Vec<u8> = amount.unsigned_abs().to_string().into_bytes();
    let fit = |left: &usize| digits[*left] != digits[left + 1] && (*left > 0 || digits[1] != b'0');
    let pairs: Vec<usize> = (0..digits.len().saturating_sub(1)).filter(fit).collect();
    if pairs.is_empty() {
        return None;
    }
    let left = *random.pick(&pairs);
    let mut swapped = digits;
    swapped.swap(left, left + 1);
    let magnitude = swapped.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(magnitude * amount.signum())
}

fn drop_twin(account: &mut Account, at: usize) -> Option<Planted> {
    let line = account.lines.get_mut(at).filter(|line| line.in_statement && line.in_iban_statement)?;
    line.in_iban_statement = false;
    let txid = line.txid.to_string();
    Some(without_counterpart(
        FaultKind::MissingTwin,
        OwnerKind::Account,
        account.acc_id.clone(),
        account.currency,
        txid,
    ))
}

/// Takes the debit of a transfer out of both statements, and out of the balances that follow, as if it had never been.
fn drop_debit(account: &mut Account, at: usize) -> Option<Planted> {
    let internal_id = account.transfers.get(at).filter(|transfer| owes_debit(transfer))?.internal_id;
    let gone = account.lines.iter().position(|line| line.kind == LineKind::TransferOut { internal_id })?;
    take_line_out(account, gone);
    let (owner_id, currency) = (account.acc_id.clone(), account.currency);
    Some(without_counterpart(
        FaultKind::OrphanTransfer,
        OwnerKind::Account,
        owner_id,
        currency,
        internal_id.to_string(),
    ))
}

/// Whether a transfer must have a debit. What somebody else collects (a direct debit) is no transfer of the account's own.
fn owes_debit(transfer: &Transfer) -> bool {
    transfer.reference.is_some() && !transfer.direct_debit
}

fn drop_load_line(account: &mut Account, card: usize, at: usize) -> Option<Planted> {
    let row = account.cards.get(card)?.rows.get(at).filter(|row| row.kind != CardKind::Plain)?;
    let (txid, amount, booked_s) = (row.txid.to_string(), row.amount, row.booked_s);
    let fits = |line: &&(usize, &Line)| line.1.kind == LineKind::Card { card } && line.1.amount == -amount;
    let lines: Vec<(usize, &Line)> = account.lines.iter().enumerate().collect();
    let gone = lines.iter().filter(fits).min_by_key(|(_, line)| (line.booked_s - booked_s).abs())?.0;
    take_line_out(account, gone);
    let (owner_id, currency) = (account.cards[card].card_ref.clone(), account.currency);
    Some(without_counterpart(FaultKind::OrphanLoad, OwnerKind::Card, owner_id, currency, txid))
}

fn take_line_out(account: &mut Account, at: usize) {
    let gone = account.lines.remove(at);
    for line in &mut account.lines[at..] {
        line.balance_after -= gone.effect();
    }
}

fn without_counterpart(
    kind: FaultKind,
    owner_kind: OwnerKind,
    owner_id: String,
    currency: &'static str,
    txid: String,
) -> Planted {
    let break_txid = txid.clone();
    Planted { kind, owner_kind, owner_id, currency, txid, break_txid, expected: None, actual: None, tied: false }
}

/// Rows at which a fault of that kind can be planted.
fn places(ledger: &Ledger, kind: FaultKind) -> Vec<Place> {
    let mut places = Vec::new();
    for (index, account) in ledger.accounts.iter().enumerate() {
        let place = |card, row| Place { account: index, card, row };
        match kind {
            FaultKind::MissingTwin => {
                let fit = |line: &Line| line.in_statement && line.in_iban_statement && line.state == State::Settled;
                places.extend(rows_where(&account.lines, fit).map(|row| place(None, row)));
            }
            FaultKind::OrphanTransfer => {
                let rows = rows_where(&account.transfers, owes_debit);
                places.extend(rows.map(|row| place(None, row)));
            }
            FaultKind::OrphanLoad => {
                for (card, loads) in account.cards.iter().enumerate() {
                    let rows = rows_where(&loads.rows, |row| row.kind != CardKind::Plain);
                    places.extend(rows.map(|row| place(Some(card), row)));
                }
            }
            _ => {
                places.extend(middle(&account.lines, kind).into_iter().map(|row| place(None, row)));
                for (card, Card { rows, .. }) in account.cards.iter().enumerate() {
                    places.extend(middle(rows, kind).into_iter().map(|row| place(Some(card), row)));
                }
            }
        }
    }
    places
}

fn rows_where<T>(rows: &[T], fit: impl Fn(&T) -> bool) -> impl Iterator<Item = usize> {
    rows.iter().enumerate().filter(move |(_, row)| fit(row)).map(|(index, _)| index)
}

/// Whether two faults are so close that one may hide the other. Faults of one account's own lines count as near, since
/// some of them move the balances that follow.
fn near(a: Place, b: Place) -> bool {
    a.account == b.account && a.card == b.card && a.row.abs_diff(b.row) < 8
}

#[cfg(test)]
mod tests;
