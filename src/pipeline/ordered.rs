//! Work done on several threads, results taken in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;

/// Results that may wait for an earlier one: bounds what is held while one item takes long.
const AHEAD_PER_THREAD: usize = 8;

/// How much each item brings into memory, and how much of it may be there beside the item whose turn it is.
#[derive(Debug)]
pub(super) struct Loads {
    /// What the items before each one bring, and at the end all of them.
    before: Vec<u64>,
    ahead_max: u64,
}

impl Loads {
    pub fn of(loads: impl IntoIterator<Item = u64>, ahead_max: u64) -> Loads {
        let mut before = vec![0];
        before.extend(loads.into_iter().scan(0_u64, |sum, load| {
            *sum += load;
            Some(*sum)
        }));
        Loads { before, ahead_max }
    }

    fn count(&self) -> usize {
        self.before.len() - 1
    }
}

/// Calls `work` for the items of `loads` on `threads` threads and hands each result to `take`, in the order of the items. An
/// item is begun after those before it. The first error of either ends it.
///
/// What `take` leaves of a result goes back to the thread that made it: whoever gives memory back to another thread's heap
/// keeps that thread from using it, and with many small results they mostly wait for each other.
pub(super) fn for_each_in_order<T: Send, E: Send>(
    threads: usize,
    loads: &Loads,
    work: impl Fn(usize) -> Result<T, E> + Sync,
    mut take: impl FnMut(&mut T) -> Result<(), E>,
) -> Result<(), E> {
    let count = loads.count();
    if threads <= 1 || count <= 1 {
        return (0..count).try_for_each(|item| work(item).and_then(|mut result| take(&mut result)));
    }
    let turns = Mutex::new(Turns { taken: 0, begun: 0 });
    let gate = Gate { turns, moved: Condvar::new(), ahead: threads * AHEAD_PER_THREAD, loads };
    let left: Vec<Mutex<Vec<T>>> = (0..threads.min(count)).map(|_| Mutex::default()).collect();
    let left_to = |thread: usize| left[thread].lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for thread in 0..left.len() {
            let (send, gate, work, left_to) = (send.clone(), &gate, &work, &left_to);
            scope.spawn(move || {
                let _opened = OpenedWhenFalling(gate);
                while let Some(item) = gate.next() {
                    // Taken first: what is dropped in one go keeps the lock, and with it whoever gives back.
                    let given_back = std::mem::take(&mut *left_to(thread));
                    drop(given_back);
                    if send.send((item, thread, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut turn = 0;
        let result = receive.into_iter().try_for_each(|(item, thread, result)| {
            waiting.insert(item, (thread, result));
            while let Some((thread, result)) = waiting.remove(&turn) {
                let mut result = result?;
                take(&mut result)?;
                left_to(thread).push(result);
                turn += 1;
                gate.open(turn);
            }
            Ok(())
        });
        gate.open(usize::MAX);
        result
    })
}

/// Calls `work` on `threads` threads for what `produce` gives out one after the other, and hands each result to `take`, in
/// the order in which it was given out. At most two pieces a thread are under way. The first error ends it.
pub(super) fn stream_in_order<I: Send, T: Send, E>(
    threads: usize,
    produce: impl FnOnce(&mut dyn FnMut(I) -> Result<(), E>) -> Result<(), E>,
    work: impl Fn(I) -> T + Sync,
    mut take: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    const PIECES_PER_THREAD: usize = 2;
    let (give, given) = mpsc::channel::<(usize, I)>();
    let given = Mutex::new(given);
    thread::scope(|scope| {
        // Within the scope, so that the threads see the end of the work when this returns.
        let (give, (send, receive)) = (give, mpsc::channel());
        for _ in 0..threads.max(1) {
            let (send, given, work) = (send.clone(), &given, &work);
            scope.spawn(move || {
                loop {
                    let next = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((number, piece)) = next else { return };
                    if send.send((number, work(piece))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let (mut waiting, mut turn, mut under_way) = (BTreeMap::new(), 0, 0);
        let mut receive_one = |under_way: &mut usize| {
            // Nothing comes only when a thread panicked, which the scope passes on.
            let Ok((number, result)) = receive.recv() else { return Ok(false) };
            *under_way -= 1;
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&turn) {
                take(result)?;
                turn += 1;
            }
            Ok(true)
        };
        let mut number = 0;
        produce(&mut |piece| {
            while under_way >= threads * PIECES_PER_THREAD && receive_one(&mut under_way)? {}
            // Refused only when a thread panicked.
            let _ = give.send((number, piece));
            (number, under_way) = (number + 1, under_way + 1);
            Ok(())
        })?;
        while under_way > 0 && receive_one(&mut under_way)? {}
        Ok(())
    })
}

/// Keeps threads from running too far ahead of the item whose turn it is.
struct Gate<'l> {
    turns: Mutex<Turns>,
    moved: Condvar,
    ahead: usize,
    loads: &'l Loads,
}

/// How many results were taken, and how many items were begun.
struct Turns {
    taken: usize,
    begun: usize,
}

impl Gate<'_> {
    /// The next item, once it is near enough; `None` when there is none, or nobody takes results any more. An item that is
    /// given out is begun, whatever happens to those behind it: one may wait for another before it.
    fn next(&self) -> Option<usize> {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let must_wait = |turns: &mut Turns| turns.taken != usize::MAX && self.is_far(turns);
        let mut turns = self.moved.wait_while(turns, must_wait).unwrap_or_else(PoisonError::into_inner);
        let is_there = turns.taken != usize::MAX && turns.begun < self.loads.count();
        is_there.then(|| {
            turns.begun += 1;
            turns.begun - 1
        })
    }

    fn is_far(&self, turns: &Turns) -> bool {
        let Turns { taken, begun: item } = *turns;
        let ahead = || self.loads.before[item] - self.loads.before[taken];
        item < self.loads.count() && item > taken && (item >= taken + self.ahead || ahead() > self.loads.ahead_max)
    }

    fn open(&self, turn: usize) {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Once nobody takes results, it stays so.
        turns.taken = turns.taken.max(turn);
        drop(turns);
        self.moved.notify_all();
    }
}

/// When a thread panics, the others must not wait for its result.
struct OpenedWhenFalling<'g, 'l>(&'g Gate<'l>);

impl Drop for OpenedWhenFalling<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.open(usize::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_and_an_error_ends_it() {
        for (threads, ahead_max) in [(1, 0), (2, 0), (2, 500), (5, 3)] {
            let loads = Loads::of(std::iter::repeat_n(1, 500), ahead_max);
            let mut seen = Vec::new();
            let all = for_each_in_order(threads, &loads, Ok::<_, ()>, |item| {
                seen.push(*item);
                Ok(())
            });
            assert_eq!((all, seen), (Ok(()), (0..500).collect::<Vec<_>>()));
            let mut seen = 0;
            let cut = for_each_in_order(
                threads,
                &loads,
                |item| if item == 100 { Err("cut") } else { Ok(item) },
                |item| {
                    seen = *item;
                    Ok(())
                },
            );
            assert_eq!((cut, seen), (Err("cut"), 99));
        }
    }

    /// Tells on which thread it ends.
    struct Made(thread::ThreadId, mpsc::Sender<bool>);

    impl Drop for Made {
        fn drop(&mut self) {
            let _ = self.1.send(self.0 == thread::current().id());
        }
    }

    #[test]
    fn what_is_left_of_a_result_goes_back_to_the_thread_that_made_it() {
        let (ended, ends) = mpsc::channel();
        let loads = Loads::of([1; 500], 4);
        let work = |_| Ok::<_, ()>(Made(thread::current().id(), ended.clone()));
        for_each_in_order(2, &loads, work, |_| Ok(())).expect("nothing fails");
        let at_home: Vec<bool> = ends.try_iter().collect();
        assert_eq!(at_home.len(), 500);
        // The last ones come when no thread is there any more.
        assert!(at_home.iter().filter(|at_home| **at_home).count() > 450, "{at_home:?}");
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_ends_it() {
        let loads = Loads::of([1; 500], 500);
        let work = |item: usize| if item == 100 { panic!("a bug") } else { Ok::<_, ()>(item) };
        let _ = for_each_in_order(3, &loads, work, |_| Ok(()));
    }

    /// As parts of one owner do.
    #[test]
    fn an_item_may_wait_for_the_one_before_even_when_an_error_ends_it() {
        for round in 0..200 {
            let loads = Loads::of([1; 64], 2);
            let begun = Mutex::new(0);
            let moved = Condvar::new();
            let work = |item: usize| {
                let held = begun.lock().expect("no panic");
                let mut held = moved.wait_while(held, |begun| *begun < item).expect("no panic");
                *held = item + 1;
                moved.notify_all();
                if item == round % 64 { Err("cut") } else { Ok(item) }
            };
            assert_eq!(for_each_in_order(4, &loads, work, |_| Ok(())), Err("cut"));
        }
    }

    #[test]
    fn no_more_is_there_at_once_than_may_be() {
        let loads = Loads::of([70, 60, 5, 5, 200, 1, 1].repeat(30), 100);
        let there = AtomicUsize::new(0);
        let load = |item: usize| usize::try_from(loads.before[item + 1] - loads.before[item]).expect("small");
        let work = |item: usize| {
            let now = there.fetch_add(load(item), Ordering::SeqCst) + load(item);
            // What may be ahead, the last one of it, and what is being taken.
            if now <= 100 + 200 + 200 { Ok(item) } else { Err(now) }
        };
        let taken = for_each_in_order(4, &loads, work, |item| {
            there.fetch_sub(load(*item), Ordering::SeqCst);
            Ok(())
        });
        assert_eq!(taken, Ok(()));
    }

    #[test]
    fn a_stream_comes_in_order_and_an_error_ends_it() {
        for threads in [1, 2, 5] {
            let produce = |give: &mut dyn FnMut(usize) -> Result<(), &'static str>| (0..500).try_for_each(give);
            let mut seen = Vec::new();
            let all = stream_in_order(
                threads,
                produce,
                |piece| piece * 2,
                |twice| {
                    seen.push(twice / 2);
                    Ok(())
                },
            );
            assert_eq!((all, seen), (Ok(()), (0..500).collect::<Vec<_>>()));
            let mut seen = 0;
            let cut = stream_in_order(
                threads,
                produce,
                |piece| piece,
                |piece| {
                    seen += 1;
                    if piece == 100 { Err("cut") } else { Ok(()) }
                },
            );
            assert_eq!((cut, seen), (Err("cut"), 101));
        }
    }
}
