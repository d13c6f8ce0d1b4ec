//! Balances drawn as SVG paths. All arithmetic is on whole numbers: amounts are scaled to the grid of the drawing as
//! `i128`, so that no float comes near them.

use std::fmt::Write;

use crate::record::{BalanceRow, Day, Money, Window};

/// Buckets that an owner's days are thinned to: each keeps its lowest, highest and last balance.
const BUCKETS_MAX: usize = 120;
/// Buckets of a sparkline.
const SPARK_BUCKETS_MAX: usize = 24;
/// Steps of the scale beside a chart, at least.
const STEPS_MIN: i128 = 3;

/// An owner's balance at the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The day.
    pub day: Day,
    /// The closing balance.
    pub closing: Money,
}

/// How an owner's balance went, in as many points as a drawing can show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trend {
    /// The balance before the first day.
    pub opening: Option<Money>,
    /// The days, thinned.
    pub points: Vec<Point>,
}

impl Trend {
    /// The trend of an owner's days.
    pub fn of(days: &[BalanceRow]) -> Trend {
        let point = |row: &BalanceRow| row.closing.map(|closing| Point { day: row.booking_date, closing });
        let points: Vec<Point> = days.iter().filter_map(point).collect();
        Trend { opening: days.first().and_then(|row| row.opening), points: thin(&points, BUCKETS_MAX) }
    }

    /// The lowest and the highest balance.
    pub fn range(&self) -> Option<(Money, Money)> {
        let all = || self.opening.into_iter().chain(self.points.iter().map(|point| point.closing));
        all().min().zip(all().max())
    }

    /// The balance on a day: that of the last day before it that has one.
    fn at(&self, day: Day) -> Option<Money> {
        let known = self.points.iter().rev().find(|point| point.day <= day).or(self.points.first());
        known.map(|point| point.closing)
    }
}

/// At most three points a bucket: its lowest, its highest and its last, in the order of days.
fn thin(points: &[Point], buckets: usize) -> Vec<Point> {
    if points.len() <= buckets {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for bucket in points.chunks(points.len().div_ceil(buckets)) {
        let lowest = bucket.iter().min_by_key(|point| point.closing);
        let highest = bucket.iter().max_by_key(|point| point.closing);
        let mut chosen: Vec<Point> = [lowest, highest, bucket.last()].into_iter().flatten().copied().collect();
        chosen.sort_by_key(|point| point.day);
        chosen.dedup();
        kept.extend(chosen);
    }
    kept
}

/// A drawing's grid, in whole units.
#[derive(Debug, Clone, Copy)]
struct Grid {
    window: Window,
    width: i128,
    height: i128,
    /// The amount at the bottom, in ten-thousandths.
    low: i128,
    /// The amount at the top.
    high: i128,
}

impl Grid {
    fn x(&self, day: Day) -> i128 {
        let days = i128::from(self.window.days());
        let gone = i128::from((day.date() - self.window.from.date()).num_days()).clamp(0, days - 1);
        if days == 1 { self.width / 2 } else { gone * self.width / (days - 1) }
    }

    fn y(&self, amount: i128) -> i128 {
        self.height - (amount - self.low) * self.height / (self.high - self.low).max(1)
    }

    /// A line that keeps its height until the next day that has rows.
    fn line(&self, opening: Option<Money>, points: &[Point]) -> String {
        let mut path = String::new();
        let y = |amount: Money| self.y(i128::from(amount.unscaled()));
        let mut height = match (opening, points.first()) {
            (Some(opening), _) => y(opening),
            (None, Some(first)) => y(first.closing),
            (None, None) => return path,
        };
        write!(path, "M0 {height}").expect("a text takes any text");
        for point in points {
            let next = y(point.closing);
            if next != height {
                write!(path, "H{}V{next}", self.x(point.day)).expect("a text takes any text");
                height = next;
            }
        }
        write!(path, "H{}", self.width).expect("a text takes any text");
        path
    }
}

/// A small line without a scale.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Sparkline {
    /// The path of the line, in a box of 120 × 28.
    pub line: String,
    /// Paths of the marked days, each a dot.
    pub marks: String,
}

/// Draws a sparkline, with the days of `marked` as dots.
pub fn sparkline(trend: &Trend, window: Window, marked: &[Day]) -> Option<Sparkline> {
    let (low, high) = trend.range()?;
    // Two units are left free above and below, so that the line is drawn whole.
    let grid = Grid { window, width: 120, height: 24, low: low.unscaled().into(), high: high.unscaled().into() };
    let marks = dots(&grid, trend, marked);
    Some(Sparkline { line: grid.line(trend.opening, &thin(&trend.points, SPARK_BUCKETS_MAX)), marks })
}

fn dots(grid: &Grid, trend: &Trend, marked: &[Day]) -> String {
    let mut path = String::new();
    for day in marked.iter().filter(|day| grid.window.contains(**day)) {
        if let Some(closing) = trend.at(*day) {
            let (x, y) = (grid.x(*day), grid.y(closing.unscaled().into()));
            write!(path, "M{x} {y}h0").expect("a text takes any text");
        }
    }
    path
}

/// A chart with a scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The path of the line, in a box of 1000 × 240.
    pub line: String,
    /// The path of the area below it.
    pub area: String,
    /// The path of the lines of the scale.
    pub rules: String,
    /// The path of the zero line, where zero is within the scale but not its end.
    pub zero: String,
    /// Paths of the marked days, each a dot.
    pub marks: String,
    /// The amounts of the scale in ten-thousandths, the highest first, evenly spaced.
    pub scale: Vec<i128>,
    /// The first day, one in the middle, the last.
    pub days: Vec<Day>,
}

/// Draws a chart, with the days of `marked` as dots.
pub fn chart(trend: &Trend, window: Window, marked: &[Day]) -> Option<Chart> {
    let (low, high) = trend.range()?;
    let (scale_low, step, steps) = scale(low.unscaled().into(), high.unscaled().into());
    let scale: Vec<i128> = (0..=steps).rev().map(|index| scale_low + index * step).collect();
    let grid = Grid { window, width: 1000, height: 240, low: scale_low, high: scale_low + steps * step };
    let rule = |amount: i128| format!("M0 {y}H{width}", y = grid.y(amount), width = grid.width);
    let line = grid.line(trend.opening, &trend.points);
    let middle = window.from.plus(i32::try_from(window.days() / 2).expect("a window's days"));
    let mut days = vec![window.from, middle, window.to];
    days.dedup();
    Some(Chart {
        area: format!("{line}V{height}H0Z", height = grid.height),
        line,
        rules: scale.iter().map(|amount| rule(*amount)).collect(),
        zero: if grid.low < 0 && grid.high > 0 { rule(0) } else { String::new() },
        marks: dots(&grid, trend, marked),
        scale,
        days,
    })
}

/// The bottom, the step and the number of steps of a scale of round amounts around `low` and `high`.
fn scale(low: i128, high: i128) -> (i128, i128, i128) {
    let range = (high - low).max(1);
    let decades = std::iter::successors(Some(1_i128), |decade| decade.checked_mul(10));
    let mut round = decades.flat_map(|decade| [decade, decade * 2, decade * 5]);
    let step = round.find(|step| step * STEPS_MIN >= range).expect("a decade beyond every range");
    let bottom = low.div_euclid(step) * step;
    let top = -((-high).div_euclid(step)) * step;
    let steps = ((top - bottom) / step).max(1);
    (bottom, step, steps)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn money(text: &str) -> Money {
        Money::parse(text).expect("an amount")
    }

    fn week() -> Window {
        Window::new(day("2026-10-05"), day("2026-10-11")).expect("a window")
    }

    #[test]
    fn a_line_moves_on_the_days_that_have_rows() {
        let trend = Trend {
            opening: Some(money("0")),
            points: vec![
                Point { day: day("2026-10-05"), closing: money("100") },
                Point { day: day("2026-10-08"), closing: money("50") },
            ],
        };
        let drawn = chart(&trend, week(), &[day("2026-10-08")]).expect("a chart");
        assert_eq!(drawn.line, "M0 240H0V0H500V120H1000");
        assert_eq!(drawn.marks, "M500 120h0");
        assert_eq!(drawn.scale, [1_000_000, 500_000, 0]);
    }

    #[test]
    fn days_without_number_become_few_points_that_keep_the_extremes() {
        let from = day("2020-01-01");
        let points: Vec<Point> = (0..3650)
            .map(|index| Point { day: from.plus(index), closing: money(if index == 1234 { "-5000" } else { "10" }) })
            .collect();
        let thinned = thin(&points, BUCKETS_MAX);
        assert!(thinned.len() <= 3 * BUCKETS_MAX, "{}", thinned.len());
        assert!(thinned.contains(&points[1234]));
        assert_eq!(thinned.last(), points.last());
        assert!(thinned.is_sorted_by_key(|point| point.day));
    }

    proptest! {
        #[test]
        fn a_scale_is_round_and_holds_all(low in any::<i64>(), range in 0_u64..) {
            let (low, high) = (i128::from(low), i128::from(low) + i128::from(range));
            let (bottom, step, steps) = scale(low, high);
            prop_assert!(bottom <= low && high <= bottom + step * steps);
            prop_assert!((1..=STEPS_MIN + 2).contains(&steps), "{steps}");
            let digits = step.to_string();
            prop_assert!(["1", "2", "5"].contains(&digits.trim_end_matches('0')), "{}", digits);
        }
    }
}
