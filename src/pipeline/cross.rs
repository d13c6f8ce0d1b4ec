//! The checks between feeds of one account, made as soon as all its feeds are there: owners come account by account. They are
//! made on a thread of their own, while the rows of the next accounts are read. The facts of the accounts that are being
//! checked are held, and those of the next ones: two at a time, or as many small ones as come to [`BATCH_ROWS`] rows.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::owner::Outcome;
use crate::Result;
use crate::breaks::{Break, Cause, Check};
use crate::reconcile::facts::{AccountFacts, CardSide, Facts};
use crate::reconcile::{Checked, Terms, Watched, WatchedBreaks, check_books_again};
use crate::record::{Feed, Owner, Window};
use crate::state::State;

/// Rows of accounts that are handed over together: of small ones, handing over each costs more than to check it.
const BATCH_ROWS: usize = 4_000;
/// What an account counts for beside its rows.
const ROWS_OF_ACCOUNT: usize = 16;

/// Collects the facts of the account whose turn it is.
#[derive(Debug)]
pub(super) struct CrossChecks {
    terms: Terms,
    watched: Arc<WatchedBreaks>,
    account: Option<AccountFacts>,
    /// What its own listings gave: a fault that shows there and between feeds is told once.
    own: Vec<Break>,
    /// Whole accounts.
    batch: Vec<Books>,
    batch_rows: usize,
    /// None where there is one thread only.
    checker: Option<Checker>,
    checked: Checked,
}

/// An account, and what its own listings gave.
type Books = (AccountFacts, Vec<Break>);

/// The thread that checks the accounts, in their order.
#[derive(Debug)]
struct Checker {
    give: SyncSender<Vec<Books>>,
    thread: JoinHandle<Checked>,
}

impl CrossChecks {
    /// `watched` are the breaks that earlier runs told of the same days.
    pub(super) fn new(terms: Terms, watched: WatchedBreaks, threads: usize) -> Self {
        let watched = Arc::new(watched);
        Self {
            terms,
            watched: Arc::clone(&watched),
            account: None,
            own: Vec::new(),
            batch: Vec::new(),
            batch_rows: 0,
            checker: (threads > 1).then(|| Checker::begin(terms, watched)),
            checked: Checked::default(),
        }
    }

    /// Takes the breaks of an owner and, if its listing is `whole`, its facts.
    pub(super) fn take(&mut self, outcome: &mut Outcome, whole: bool) {
        let acc_id = &outcome.owner.acc_id;
        if self.account.as_ref().is_some_and(|account| account.owner.acc_id != *acc_id) {
            self.end_account();
        }
        let account = self.account.get_or_insert_with(|| AccountFacts::new(Owner::account(acc_id)));
        self.own.append(&mut outcome.breaks);
        if account.currency.is_none() {
            account.currency = outcome.balances.first().and_then(|day| day.currency.clone());
        }
        match std::mem::replace(&mut outcome.facts, Facts::None) {
            _ if !whole => {}
            Facts::None => {}
            Facts::Lines(side) if outcome.feed == Feed::IbanStatements => account.iban_statements = Some(side),
            Facts::Lines(side) => account.statements = Some(side),
            Facts::Transfers(side) => account.transfers = Some(side),
            Facts::Card(side) => account.cards.push(CardSide { owner: outcome.owner.clone(), side }),
        }
    }

    /// The account is whole.
    fn end_account(&mut self) {
        let Some(account) = self.account.take() else { return };
        self.batch_rows += ROWS_OF_ACCOUNT + account.rows();
        self.batch.push((account, std::mem::take(&mut self.own)));
        if self.batch_rows >= BATCH_ROWS {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let (batch, terms) = (std::mem::take(&mut self.batch), self.terms);
        self.batch_rows = 0;
        match &self.checker {
            // Refused only when the thread panicked, which is passed on at the end.
            Some(checker) => drop(checker.give.send(batch)),
            None => check(batch, terms, &self.watched, &mut self.checked),
        }
    }

    /// What all accounts gave, account by account.
    pub(super) fn finish(&mut self) -> Checked {
        self.end_account();
        self.hand_over();
        if let Some(Checker { give, thread }) = self.checker.take() {
            drop(give);
            self.checked = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        std::mem::take(&mut self.checked)
    }
}

impl Checker {
    fn begin(terms: Terms, watched: Arc<WatchedBreaks>) -> Checker {
        // Handed over once those before are done.
        let (give, given) = sync_channel(0);
        let thread = std::thread::spawn(move || {
            let mut checked = Checked::default();
            for batch in given {
                check(batch, terms, &watched, &mut checked);
            }
            checked
        });
        Checker { give, thread }
    }
}

fn check(batch: Vec<Books>, terms: Terms, watched: &WatchedBreaks, checked: &mut Checked) {
    for (account, own) in batch {
        let Checked { mut breaks, mut unjudged } = check_books_again(account, own, terms, watched);
        checked.breaks.append(&mut breaks);
        checked.unjudged.append(&mut unjudged);
    }
}

/// The breaks of the register at which the checks look again: those that are not over, of the window and of a check that
/// cannot judge every row of it.
pub(super) fn watched(state: &State, window: Window) -> Result<WatchedBreaks> {
    let mut watched = WatchedBreaks::new();
    for check in [Check::Transfer, Check::CardLoad] {
        for known in state.breaks_left(check)? {
            let is_here = known.booking_date.is_some_and(|day| window.contains(day));
            let cause = Cause::ALL.into_iter().find(|cause| cause.name() == known.cause);
            if let (true, Some(cause), Some(row)) = (is_here, cause, known.txid) {
                let each = Watched { break_id: known.break_id, check, cause, row };
                watched.entry((known.owner_kind, known.owner_id)).or_default().push(each);
            }
        }
    }
    Ok(watched)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::facts::{LineFact, Side};
    use crate::record::{Day, Money, Stamp, Window};

    /// A line that names an IBAN, and has no twin.
    fn line(account: usize, line: usize) -> LineFact {
        LineFact {
            txid: format!("{account}-{line}").into(),
            at: Stamp::new(0, 0),
            amount: Money::from_unscaled(-10_000).expect("fits"),
            balance: None,
            settled: true,
            inside: true,
            iban: Some("FR76".into()),
            has_iban: true,
            text: "".into(),
        }
    }

    fn breaks(threads: usize, rows: &[usize]) -> Vec<Break> {
        let day = |days| Day::from_epoch_days(days).expect("a day");
        let terms =
            Terms { window: Window::new(day(0), day(9)).expect("runs upwards"), transfer_days: 3, seen_on: day(9) };
        let mut checks = CrossChecks::new(terms, WatchedBreaks::new(), threads);
        for (account, rows) in rows.iter().enumerate() {
            let lines = (0..*rows).map(|number| line(account, number)).collect();
            let mut facts = AccountFacts::new(Owner::account(account.to_string()));
            (facts.statements, facts.iban_statements) = (Some(Side::of(lines)), Some(Side::of(Vec::new())));
            checks.account = Some(facts);
            checks.end_account();
        }
        checks.finish().breaks
    }

    #[test]
    fn accounts_are_checked_alike_on_a_thread_of_their_own() {
        let rows = [3, BATCH_ROWS + 1, 1, BATCH_ROWS / 2, BATCH_ROWS / 2, 2];
        let here = breaks(1, &rows);
        assert_eq!(here.len(), rows.iter().sum::<usize>());
        assert!(here.is_sorted_by_key(|found| found.owner.acc_id.clone()), "account by account");
        assert_eq!(breaks(2, &rows), here);
    }
}
