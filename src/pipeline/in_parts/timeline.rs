//! How an owner's rows spread over time, and the parts that this makes of them.

use crate::reconcile::Stretch;
use crate::record::Window;

/// Slots of time that rows are counted in.
const SLOTS_MAX: i64 = 1 << 16;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// No local day begins or ends further from that of UTC; and what else a moment can be rounded by.
const MARGIN_DAYS: i64 = 2;

/// Rows counted by their moments.
#[derive(Debug)]
pub(super) struct Timeline {
    first: i64,
    width: i64,
    slots: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    rows: u32,
    moving: u32,
}

/// A part of an owner's rows, by their moments: ends are not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Its own rows.
    pub from: i64,
    pub to: i64,
    /// Its rows, and those around them that it has to know.
    pub rows_from: i64,
    pub rows_to: i64,
    /// From where on the next part knows rows.
    pub next_rows_from: i64,
}

impl Span {
    pub fn stretch(&self) -> Stretch {
        Stretch { from: self.from, to: self.to, next_rows_from: self.next_rows_from }
    }
}

impl Timeline {
    /// No rows yet, of the days of a window.
    pub fn of(window: Window) -> Timeline {
        let first = (i64::from(window.from.epoch_days()) - MARGIN_DAYS) * MICROS_PER_DAY;
        let length = (i64::from(window.days()) + 2 * MARGIN_DAYS) * MICROS_PER_DAY;
        // A moment is a second at least, as providers print them.
        let width = (length / SLOTS_MAX + 1).max(1_000_000);
        let slots = usize::try_from(length / width + 1).expect("bounded above");
        Timeline { first, width, slots: vec![Slot::default(); slots] }
    }

    pub fn add(&mut self, moment: i64, moves: bool) {
        let slot = usize::try_from((moment - self.first) / self.width).unwrap_or_default().min(self.slots.len() - 1);
        self.slots[slot].rows += 1;
        self.slots[slot].moving += u32::from(moves);
    }

    /// Parts of `rows_max` rows at most, but for a slot that alone has more. Each knows `around` rows that move the
    /// balance before its own and behind them, where there are as many.
    pub fn spans(&self, rows_max: usize, around: usize) -> Vec<Span> {
        let mut starts = vec![0];
        let mut rows = 0;
        for (slot, count) in self.slots.iter().enumerate() {
            let more = count.rows as usize;
            if rows > 0 && rows + more > rows_max {
                starts.push(slot);
                rows = 0;
            }
            rows += more;
        }
        let known: Vec<usize> = starts.iter().map(|start| self.before(*start, around)).collect();
        let ends: Vec<usize> = starts[1..].iter().copied().chain([self.slots.len()]).collect();
        let span = |part: usize| Span {
            from: self.moment(starts[part]),
            to: self.moment(ends[part]),
            rows_from: self.moment(known[part]),
            rows_to: self.moment(self.behind(ends[part], around)),
            next_rows_from: known.get(part + 1).map_or(i64::MAX, |slot| self.moment(*slot)),
        };
        (0..starts.len()).map(span).collect()
    }

    /// When a slot begins. Nothing lies before the first one, nor behind the last.
    fn moment(&self, slot: usize) -> i64 {
        match slot {
            0 => i64::MIN,
            slot if slot == self.slots.len() => i64::MAX,
            slot => self.first + i64::try_from(slot).expect("few slots") * self.width,
        }
    }

    /// The last slot from which on as many rows move the balance before `slot`.
    fn before(&self, slot: usize, around: usize) -> usize {
        let mut moving = 0;
        let mut at = slot;
        while at > 0 && moving < around {
            at -= 1;
            moving += self.slots[at].moving as usize;
        }
        at
    }

    /// The first slot up to which as many rows move it from `slot` on.
    fn behind(&self, slot: usize, around: usize) -> usize {
        let mut moving = 0;
        let mut at = slot;
        while at < self.slots.len() && moving < around {
            moving += self.slots[at].moving as usize;
            at += 1;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Day;

    fn window() -> Window {
        let day = |text| Day::parse(text).expect("a day");
        Window { from: day("2026-01-01"), to: day("2026-01-10") }
    }

    /// A row each of those many hours after the window's first midnight of UTC.
    fn timeline(hours: impl IntoIterator<Item = i64>) -> Timeline {
        let mut timeline = Timeline::of(window());
        let first = i64::from(window().from.epoch_days()) * MICROS_PER_DAY;
        hours.into_iter().for_each(|hour| timeline.add(first + hour * 3_600_000_000, true));
        timeline
    }

    #[test]
    fn parts_follow_each_other_and_know_what_is_around() {
        let spans = timeline(0..10).spans(4, 2);
        assert_eq!(spans.len(), 3);
        assert_eq!((spans[0].from, spans[0].rows_from), (i64::MIN, i64::MIN));
        assert_eq!((spans[2].to, spans[2].rows_to, spans[2].next_rows_from), (i64::MAX, i64::MAX, i64::MAX));
        for (span, next) in spans.iter().zip(&spans[1..]) {
            assert!(span.to == next.from && span.next_rows_from == next.rows_from);
            assert!(next.rows_from < next.from && span.to < span.rows_to);
        }
    }

    #[test]
    fn a_second_with_more_rows_than_a_part_holds_is_a_part() {
        let spans = timeline([1, 2, 2, 2, 2, 2, 3]).spans(3, 1);
        assert_eq!(spans.len(), 3);
        assert_eq!(timeline([]).spans(3, 1).len(), 1);
        assert_eq!(timeline([-100, 5000]).spans(1, 1).len(), 2, "rows beyond the margins are counted at them");
    }
}
