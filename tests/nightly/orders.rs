//! However the provider lists its rows, and whatever it tells about it, the reports are the same bytes.

use tieout::sandbox::{Behaviour, DateField, Echo, Order};

use super::support::Bench;

#[test]
fn every_way_to_list_rows_gives_the_same_reports() {
    let plain = Bench::new();
    assert_eq!(plain.run().code, 3);
    let expected = plain.reports();
    let ways = [
        Behaviour { order: Order::Newest, ..Behaviour::default() },
        Behaviour { order: Order::Shuffled, seed: 3, ..Behaviour::default() },
        Behaviour { order: Order::Newest, page_rows_max: 7, ..Behaviour::default() },
        Behaviour { page_rows_max: 7, echo: Echo::Absent, totals: false, ..Behaviour::default() },
        Behaviour { order: Order::Shuffled, page_rows_max: 13, echo: Echo::Empty, ..Behaviour::default() },
        Behaviour { transfers_ignore_limits: true, totals: false, ..Behaviour::default() },
        Behaviour { date_end_excluded: true, ..Behaviour::default() },
        Behaviour { date_field: DateField::DateTransaction, ..Behaviour::default() },
    ];
    for behaviour in ways {
        let bench = Bench::behaving(behaviour.clone());
        let ended = bench.run();
        assert_eq!(ended.code, 3, "{behaviour:?}: {}", ended.stderr);
        assert!(bench.reports() == expected, "{behaviour:?}");
    }
}

/// A card used in July and booked in August stands in the August window, even where dates filter by the day of use.
#[test]
fn a_window_goes_by_booking_date_whatever_the_provider_filters_by() {
    let window = "window = { from = \"2026-09-01\", to = \"2026-09-07\" }";
    let read = |date_field| {
        let bench = Bench::behaving(Behaviour { date_field, ..Behaviour::default() });
        bench.write_job(window, "");
        let ended = bench.run();
        assert!([0, 3].contains(&ended.code), "{}", ended.stderr);
        super::support::csv_files(&bench.place.path("out/reports/demo/2026-09-01_2026-09-07"))
    };
    let (by_date, by_use) = (read(DateField::Date), read(DateField::DateTransaction));
    assert!(by_date["card_transactions.csv"].lines().count() > 20);
    assert!(by_date == by_use);
}
