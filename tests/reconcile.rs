//! Laws of the balance chain, on generated books.

use proptest::prelude::*;
use tieout::reconcile::{Chain, Entry, reconcile};
use tieout::record::{Clock, Money, Zone};

/// A settled row of a chain that ties: seconds after the one before, and its amount in cents.
#[derive(Debug, Clone)]
struct Step {
    pause_s: i64,
    cents: i64,
}

fn money(cents: i64) -> Money {
    Money::from_unscaled(cents * 100).expect("small")
}

fn cents(money: Money) -> i64 {
    money.unscaled() / 100
}

fn books(opening_cents: i64, steps: &[Step]) -> (Vec<Entry>, Vec<String>) {
    let zone = Zone::parse("Europe/Paris").expect("a zone");
    let mut at = 1_772_000_000_000_000_i64;
    let mut balance = opening_cents;
    let entries = steps.iter().map(|step| {
        at += step.pause_s * 1_000_000;
        balance += step.cents;
        Entry {
            at: zone.stamp_at(at).expect("a year that is held"),
            amount: money(step.cents),
            balance: Some(money(balance)),
            moves: true,
        }
    });
    (entries.collect(), (1..=steps.len()).map(|id| id.to_string()).collect())
}

fn run(entries: &[Entry], txids: &[String]) -> Chain {
    reconcile(entries, |row| txids[row as usize].as_str(), None)
}

/// Steps of which many share a second and few amounts occur, so that balances come back often.
fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let amount = prop_oneof![Just(100_i64), Just(-100), Just(250), Just(-250), -100_000_i64..100_000];
    let step = (prop_oneof![3 => Just(0_i64), 2 => 1_i64..90_000], amount.prop_filter("moves", |cents| *cents != 0));
    prop::collection::vec(step.prop_map(|(pause_s, cents)| Step { pause_s, cents }), 1..most)
}

fn shuffled<T: Clone>(items: &[T], keys: &[u64]) -> Vec<T> {
    let mut indexed: Vec<_> = items.iter().cloned().enumerate().collect();
    indexed.sort_by_key(|(index, _)| keys[index % keys.len()].rotate_left(u32::try_from(index % 63).expect("small")));
    indexed.into_iter().map(|(_, item)| item).collect()
}

fn assert_days_tie(chain: &Chain) {
    for day in &chain.days {
        let (opening, closing) = (day.opening.expect("known"), day.closing.expect("known"));
        let moved = i128::from(cents(closing) - cents(opening));
        let sums = day.credits.to_money().expect("small").unscaled() + day.debits.to_money().expect("small").unscaled();
        assert_eq!(moved * 100, i128::from(sums), "{day:?}");
    }
    for pair in chain.days.windows(2) {
        assert_eq!(pair[0].closing, pair[1].opening);
    }
}

proptest! {

    /// Clean books have no fault, whatever the order of the listing and of the ids.
    #[test]
    fn clean_books_tie_in_any_listing_order(
        steps in steps(60), opening in -10_000_i64..10_000, keys in prop::collection::vec(any::<u64>(), 7..19), ids in any::<bool>()
    ) {
        let (entries, txids) = books(opening, &steps);
        let txids = if ids { shuffled(&txids, &keys) } else { txids };
        let rows: Vec<_> = entries.iter().copied().zip(txids).collect();
        let mixed = shuffled(&rows, &keys);
        let (entries, txids): (Vec<_>, Vec<_>) = mixed.into_iter().unzip();
        let chain = run(&entries, &txids);
        prop_assert_eq!(&chain.faults, &[]);
        prop_assert_eq!(chain.order.len(), entries.len());
        assert_days_tie(&chain);
    }

    /// The result is the same for every order of the listing.
    #[test]
    fn the_result_does_not_depend_on_the_listing(
        steps in steps(40), broken in any::<prop::sample::Index>(), by in -300_i64..300, keys in prop::collection::vec(any::<u64>(), 7..19)
    ) {
        let (mut entries, txids) = books(0, &steps);
        let row = broken.index(entries.len());
        entries[row].balance = Some(money(cents(entries[row].balance.expect("stated")) + by));
        let rows: Vec<_> = entries.iter().copied().zip(txids).collect();
        let mixed = shuffled(&rows, &keys);
        let shown = |rows: &[(Entry, String)]| {
            let (entries, txids): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
            let chain = run(&entries, &txids);
            let order: Vec<String> = chain.order.iter().map(|row| txids[*row as usize].clone()).collect();
            let faults: Vec<_> = chain.faults.iter().map(|f| (txids[f.row as usize].clone(), f.expected, f.actual)).collect();
            (order, faults, chain.days.iter().map(|d| (d.day, d.opening, d.closing, d.verdict)).collect::<Vec<_>>())
        };
        prop_assert_eq!(shown(&rows), shown(&mixed));
    }

    /// One altered balance is one fault at that row, once rows have times of their own.
    #[test]
    fn an_altered_balance_is_one_fault_at_its_row(
        steps in steps(60), broken in any::<prop::sample::Index>(), by in prop_oneof![-5_000_i64..-1, 1_i64..5_000]
    ) {
        let steps: Vec<Step> = steps.into_iter().map(|step| Step { pause_s: step.pause_s + 1, ..step }).collect();
        prop_assume!(steps.len() > 1);
        let (mut entries, txids) = books(7_700, &steps);
        let row = 1 + broken.index(entries.len() - 1);
        let right = entries[row].balance;
        entries[row].balance = Some(money(cents(right.expect("stated")) + by));
        let chain = run(&entries, &txids);
        prop_assert_eq!(chain.faults.len(), 1);
        let fault = chain.faults[0];
        prop_assert_eq!(fault.row as usize, row);
        prop_assert_eq!(Some(fault.expected), right);
        prop_assert_eq!(Some(fault.actual), entries[row].balance);
        prop_assert_eq!(fault.returns, row + 1 < entries.len());
    }

    /// One altered amount is one fault at that row.
    #[test]
    fn an_altered_amount_is_one_fault_at_its_row(
        steps in steps(60), broken in any::<prop::sample::Index>(), by in prop_oneof![-5_000_i64..-1, 1_i64..5_000]
    ) {
        let steps: Vec<Step> = steps.into_iter().map(|step| Step { pause_s: step.pause_s + 1, ..step }).collect();
        prop_assume!(steps.len() > 1);
        let (mut entries, txids) = books(7_700, &steps);
        let row = 1 + broken.index(entries.len() - 1);
        entries[row].amount = money(cents(entries[row].amount) + by);
        let chain = run(&entries, &txids);
        prop_assert_eq!(chain.faults.len(), 1);
        prop_assert_eq!(chain.faults[0].row as usize, row);
        prop_assert_eq!(cents(chain.faults[0].actual) - cents(chain.faults[0].expected), -by);
    }

    /// A missing row is one fault at the row after it.
    #[test]
    fn a_missing_row_is_one_fault_after_it(steps in steps(60), gone in any::<prop::sample::Index>()) {
        let steps: Vec<Step> = steps.into_iter().map(|step| Step { pause_s: step.pause_s + 1, ..step }).collect();
        prop_assume!(steps.len() > 2);
        let (mut entries, mut txids) = books(7_700, &steps);
        let row = 1 + gone.index(entries.len() - 2);
        let missing = entries.remove(row);
        txids.remove(row);
        let chain = run(&entries, &txids);
        prop_assert_eq!(chain.faults.len(), 1);
        prop_assert_eq!(chain.faults[0].row as usize, row);
        prop_assert_eq!(cents(chain.faults[0].actual) - cents(chain.faults[0].expected), cents(missing.amount));
    }

    /// Any single altered amount or balance within ties is found, and costs few breaks however many rows tie.
    #[test]
    fn one_wrong_row_does_not_break_its_whole_second(
        amounts in prop::collection::vec(1_i64..1_000_000, 8..40), broken in any::<prop::sample::Index>(),
        by in 1_i64..5_000, balance in any::<bool>()
    ) {
        // A row before and after the second, so that whatever is wrong within it is visible.
        let last = amounts.len() - 1;
        let steps: Vec<Step> = amounts.iter().enumerate()
            .map(|(index, cents)| Step { pause_s: i64::from(index < 2 || index == last), cents: *cents })
            .collect();
        let (mut entries, txids) = books(0, &steps);
        let row = 1 + broken.index(entries.len() - 2);
        if balance {
            entries[row].balance = Some(money(cents(entries[row].balance.expect("stated")) + by));
        } else {
            entries[row].amount = money(cents(entries[row].amount) + by);
        }
        let chain = run(&entries, &txids);
        prop_assert_eq!(chain.faults.len(), 1, "{:?}", chain.faults);
        prop_assert_eq!(chain.faults[0].row as usize, row);
    }

    /// A second that passes few balances many times: one altered balance is one fault all the same, of that second.
    #[test]
    fn one_altered_balance_among_few_balances_is_one_fault(
        amounts in prop::collection::vec(prop_oneof![Just(100_i64), Just(-100), Just(200), Just(-200), Just(300)], 4..40),
        broken in any::<prop::sample::Index>(),
        by in prop_oneof![-9_i64..0, 1_i64..10, 1_000_i64..2_000].prop_map(|by| by * 100),
        keys in prop::collection::vec(any::<u64>(), 7..19)
    ) {
        let last = amounts.len() - 1;
        let steps: Vec<Step> = amounts.iter().enumerate()
            .map(|(index, cents)| Step { pause_s: i64::from(index < 2 || index == last), cents: *cents })
            .collect();
        let (mut entries, txids) = books(0, &steps);
        let row = 1 + broken.index(last - 1);
        entries[row].balance = Some(money(cents(entries[row].balance.expect("stated")) + by));
        let chain = run(&entries, &shuffled(&txids, &keys));
        prop_assert_eq!(chain.faults.len(), 1, "{:?}", chain.faults);
        let told = chain.faults[0].row;
        prop_assert_eq!(entries[told as usize].at, entries[row].at);
        // A balance that no other row passes is the wrong one; one that others pass as well can be any of theirs.
        prop_assert!(by < 100_000 || told as usize == row);
    }
}

#[test]
fn the_cookbook_fails_once() {
    let mut clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    let mut entry = |at: &str, amount: &str, balance: &str| Entry {
        at: clock.parse(at).expect("a time"),
        amount: Money::parse(amount).expect("an amount"),
        balance: Money::parse(balance).ok(),
        moves: true,
    };
    let entries =
        [entry("2016-07-03 08:37:27", "9194.50", "38619.50"), entry("2016-08-13 15:27:34", "3741.61", "29798.50")];
    let chain = run(&entries, &["8".to_owned(), "9".to_owned()]);
    let [fault] = chain.faults.as_slice() else { panic!("one fault, found {:?}", chain.faults) };
    assert_eq!((fault.row, fault.previous), (1, Some(0)));
    assert_eq!(fault.expected.to_string(), "42361.11");
    assert_eq!(fault.actual.to_string(), "29798.50");
}

#[test]
fn the_same_row_twice_is_a_duplicate_and_no_fault() {
    let steps: Vec<Step> = [500, -200, 300].map(|cents| Step { pause_s: 60, cents }).to_vec();
    let (mut entries, mut txids) = books(0, &steps);
    entries.insert(2, entries[1]);
    txids.insert(2, txids[1].clone());
    let chain = run(&entries, &txids);
    assert_eq!(chain.faults, []);
    assert_eq!(chain.duplicates.len(), 1);
    assert_eq!(chain.days[0].entries, 4);
    assert_eq!(chain.days[0].verdict.name(), "broken");
}

#[test]
fn rows_of_the_hour_lived_twice_are_told_apart_by_their_balances() {
    let mut clock = Clock::new(Zone::parse("Europe/Paris").expect("a zone"));
    let mut entry = |at: &str, cents: i64, balance: i64| Entry {
        at: clock.parse(at).expect("a time"),
        amount: money(cents),
        balance: Some(money(balance)),
        moves: true,
    };
    let entries = [
        entry("2026-10-25 01:50:00", 100, 100),
        entry("2026-10-25 02:40:00", 10, 110),
        entry("2026-10-25 02:50:00", 10, 120),
        entry("2026-10-25 02:10:00", 5, 125),
        entry("2026-10-25 02:45:00", 7, 132),
        entry("2026-10-25 03:00:00", 1, 133),
    ];
    let txids = ["f", "e", "d", "c", "b", "a"].map(str::to_owned);
    let chain = run(&entries, &txids);
    assert_eq!(chain.order, [0, 1, 2, 3, 4, 5]);
    assert_eq!(chain.faults, []);
    assert_eq!(chain.second_showing, [3, 4]);
}

/// Rows of one second with a row before and after them, ids of no order, and what it took to solve them.
fn solved(count: i64, broken: Option<i64>) -> (Chain, std::time::Duration) {
    let last = count - 1;
    let steps: Vec<Step> = (0..count)
        .map(|n| Step { pause_s: i64::from(n < 2 || n == last), cents: (n * 7919) % 1000 * 2 - 999 })
        .collect();
    let (mut entries, txids) = books(0, &steps);
    let keys: Vec<u64> = (0..97).map(|n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
    if let Some(row) = broken.and_then(|row| entries.get_mut(usize::try_from(row).expect("not negative"))) {
        row.balance = Some(money(cents(row.balance.expect("stated")) + 1_000_000_007));
    }
    let txids = shuffled(&txids, &keys);
    let start = cpu_time();
    let chain = run(&entries, &txids);
    (chain, cpu_time().saturating_sub(start))
}

/// What this thread has computed, which other work on the machine does not change. What `/proc` tells of it moves by whole
/// ticks.
fn cpu_time() -> std::time::Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::try_from(at).expect("time that was spent")
}

#[test]
fn one_wrong_balance_among_thousands_of_one_second_is_one_fault() {
    for count in [5_000, 23_000, 80_000] {
        let (chain, _) = solved(count, Some(count / 2));
        let rows: Vec<u32> = chain.faults.iter().map(|fault| fault.row).collect();
        assert_eq!(rows, [u32::try_from(count / 2).expect("small")], "{count} rows");
    }
}

#[test]
fn a_hundred_thousand_rows_of_one_second_are_near_linear() {
    for broken in [false, true] {
        let time = |count| {
            let (chain, time) = solved(count, broken.then_some(count / 2));
            assert_eq!(chain.faults.len(), usize::from(broken), "{count} rows");
            assert_eq!(chain.faults.iter().filter(|fault| fault.returns).count(), usize::from(broken));
            time
        };
        let (small, large) = (time(10_000), time(100_000));
        assert!(large < small * 25, "ten times the rows took {large:?}, after {small:?}; broken: {broken}");
    }
}
