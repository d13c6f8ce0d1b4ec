//! Does tieout find what is wrong, and nothing else? Faults of every kind are planted in generated books, and what the
//! checks say is compared with what was done. All in memory: ledger → spelled rows → decoding → checks.

mod books;
mod judge;
mod paging;
mod visible;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

pub use crate::sandbox::generator::FaultKind;
use judge::Trial;

/// What a run of the self-test found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Results {
    /// The first seed; each that follows is one more.
    pub first_seed: u64,
    /// Books made, one a seed.
    pub seeds: u64,
    /// Owners in books without a fault.
    pub clean_owners: u64,
    /// Breaks told in books without a fault.
    pub false_alarms: u64,
    /// The first of them.
    pub false_alarms_shown: Vec<String>,
    /// Each kind of fault.
    pub kinds: Vec<KindResults>,
}

/// How faults of a kind fared.
#[derive(Debug, Clone, Default, Serialize)]
pub struct KindResults {
    /// The kind, as `FaultKind` names it.
    pub kind: &'static str,
    /// The check that must tell it.
    pub check: &'static str,
    /// The cause that explains it.
    pub cause: &'static str,
    /// Faults planted.
    pub planted: u64,
    /// Told by the right check of the right owner.
    pub found: u64,
    /// Told at the very row: the first at which the chain fails, or the row without a counterpart.
    pub right_row: u64,
    /// Told at that row, or at another of the same second (or of the hour lived twice).
    pub right_moment: u64,
    /// Explained by the right cause.
    pub right_cause: u64,
    /// Faults whose cause can be told from every other, by the books before the fault and by the fault alone.
    pub visible: u64,
    /// Those of them that were explained by the right cause.
    pub right_cause_visible: u64,
    /// Breaks beside the one that the fault is.
    pub extra_breaks: u64,
    /// What of it cannot be seen, and why.
    pub invisible: &'static str,
    /// The first that were not found, or told otherwise.
    pub misses_shown: Vec<String>,
}

impl KindResults {
    fn of(kind: FaultKind) -> KindResults {
        KindResults {
            kind: name(kind),
            check: kind.check(),
            cause: kind.cause(),
            invisible: invisible(kind),
            ..KindResults::default()
        }
    }

    fn add(&mut self, other: &KindResults) {
        const SHOWN_MAX: usize = 5;
        self.planted += other.planted;
        self.found += other.found;
        self.right_row += other.right_row;
        self.right_moment += other.right_moment;
        self.right_cause += other.right_cause;
        self.visible += other.visible;
        self.right_cause_visible += other.right_cause_visible;
        self.extra_breaks += other.extra_breaks;
        let room = SHOWN_MAX.saturating_sub(self.misses_shown.len());
        self.misses_shown.extend(other.misses_shown.iter().take(room).cloned());
    }
}

/// The kind in words.
pub fn name(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Drop => "drop",
        FaultKind::DropBesideTwin => "drop, twin kept",
        FaultKind::Double => "double",
        FaultKind::DoubleNewId => "double, new id",
        FaultKind::BalanceAltered => "balance altered",
        FaultKind::AmountAltered => "amount altered",
        FaultKind::AmountAlteredAlone => "amount altered, amount_fx kept",
        FaultKind::AmountAlteredBesideTwin => "amount altered, twin kept",
        FaultKind::SignFlipped => "sign flipped",
        FaultKind::DigitsTransposed => "digits transposed",
        FaultKind::DigitsTransposedAlone => "digits transposed, amount_fx kept",
        FaultKind::FeeOnTop => "fee on top",
        FaultKind::MissingTwin => "missing twin",
        FaultKind::OrphanTransfer => "orphan transfer",
        FaultKind::OrphanLoad => "orphan load",
    }
}

/// What of a kind cannot be seen, and why.
fn invisible(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Drop => {
            "the first row of a window without an earlier closing, the last row unless the provider reports the balance, \
             rows that sum to zero: the balances around tie without them. Its cause is visible where its id leaves a gap \
             wider than any other, where the next row would have to be of the other direction, or where that row's VAT or \
             exchange fits its amount; else the next row's amount could be wrong as well"
        }
        FaultKind::DropBesideTwin => "a row that both statements lack reads like any row left out",
        FaultKind::Double => "none: the id stands twice",
        FaultKind::DoubleNewId => "a copy whose own balance moves on: it is one row more, and ties",
        FaultKind::BalanceAltered => {
            "the first row without an earlier closing reads like what was before it; the last row like a missing row, unless the \
             provider reports the balance"
        }
        FaultKind::AmountAltered => {
            "the first row of a window without an earlier closing: its opening is taken from its own amount. Its cause is \
             visible where no id is free for a row left out, where such a row would be unlike all others, or where the \
             row's VAT says what was right; else a row could be missing as well"
        }
        FaultKind::AmountAlteredAlone
        | FaultKind::AmountAlteredBesideTwin
        | FaultKind::SignFlipped
        | FaultKind::DigitsTransposed
        | FaultKind::DigitsTransposedAlone => {
            "the first row of a window without an earlier closing: its opening is taken from its own amount"
        }
        FaultKind::FeeOnTop => {
            "where every row with a fee of the owner, two or more, has it on top: that is what the provider means"
        }
        FaultKind::MissingTwin => "a row that both statements lack",
        FaultKind::OrphanTransfer | FaultKind::OrphanLoad => {
            "one whose counterpart could stand outside the days read, or for which another row of the same amount fits"
        }
    }
}

/// Plants and judges with so many seeds from the first one on, on as many threads as there are cores. `watch` hears of
/// each seed that is done.
pub fn run(first_seed: u64, seeds: u64, watch: impl Fn(u64) + Sync) -> Results {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (next, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let found: Mutex<Vec<(u64, Trial)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    let seed = first_seed + seed;
                    let trial = judge::try_seed(seed);
                    found.lock().expect("no thread panics while it holds this").push((seed, trial));
                    watch(done.fetch_add(1, Ordering::Relaxed) + 1);
                }
            });
        }
    });
    let mut found = found.into_inner().expect("the threads have ended");
    found.sort_by_key(|(seed, _)| *seed);
    sum_up(first_seed, seeds, found.into_iter().map(|(_, trial)| trial))
}

/// Plants two faults of different kinds at once, and gives what of it is not told, or told as more than two breaks.
pub fn lost_of_two(first_seed: u64, rounds: u64) -> Vec<String> {
    (first_seed..first_seed + rounds).flat_map(judge::try_two).collect()
}

fn sum_up(first_seed: u64, seeds: u64, trials: impl Iterator<Item = Trial>) -> Results {
    const SHOWN_MAX: usize = 10;
    let kinds = FaultKind::ALL.map(KindResults::of).into_iter().chain([paging::none()]).collect();
    let mut results = Results { first_seed, seeds, kinds, ..Results::default() };
    for trial in trials {
        results.clean_owners += trial.clean_owners;
        results.false_alarms += trial.false_alarms.len() as u64;
        let room = SHOWN_MAX.saturating_sub(results.false_alarms_shown.len());
        results.false_alarms_shown.extend(trial.false_alarms.into_iter().take(room));
        for (sum, one) in results.kinds.iter_mut().zip(&trial.kinds) {
            sum.add(one);
        }
    }
    results
}
