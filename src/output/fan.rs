//! Sinks put together: a row is walked once, and each cell goes to all that want it.

use crate::record::{CellSink, Day, Money, Rate, Stamp};

/// Hands each cell to two sinks.
pub(super) struct Both<A, B>(pub(super) A, pub(super) B);

/// Hands each cell to a sink, if there is one.
pub(super) struct Maybe<'a, A>(pub(super) Option<&'a mut A>);

/// Hands each cell to a sink that somebody else owns.
pub(super) struct To<'a, A>(pub(super) &'a mut A);

macro_rules! hand_on {
    ($($method:ident($($argument:ident: $kind:ty),+);)+) => {
        impl<A: CellSink, B: CellSink> CellSink for Both<A, B> {
            $(fn $method(&mut self, $($argument: $kind),+) {
                self.0.$method($($argument),+);
                self.1.$method($($argument),+);
            })+
        }

        impl<A: CellSink> CellSink for Maybe<'_, A> {
            $(fn $method(&mut self, $($argument: $kind),+) {
                if let Some(sink) = &mut self.0 {
                    sink.$method($($argument),+);
                }
            })+
        }

        impl<A: CellSink> CellSink for To<'_, A> {
            $(fn $method(&mut self, $($argument: $kind),+) {
                self.0.$method($($argument),+);
            })+
        }
    };
}

hand_on! {
    text(value: Option<&str>);
    money(value: Option<Money>, digits: u8);
    rate(value: Option<Rate>);
    date(value: Option<Day>);
    time(value: Option<Stamp>);
    count(value: i64);
}
