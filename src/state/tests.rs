use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::record::{BalanceRow, BreakRow, Window};

fn day(text: &str) -> Day {
    Day::parse(text).expect("a day")
}

fn money(text: &str) -> Money {
    Money::parse(text).expect("an amount")
}

fn window(from: &str, to: &str) -> Window {
    Window::new(day(from), day(to)).expect("a window")
}

fn card(id: &str) -> OwnerKey {
    (OwnerKind::Card, id.to_owned())
}

/// The state in a folder of its own.
fn fresh() -> (tempfile::TempDir, State) {
    let folder = tempfile::tempdir().expect("a folder");
    let state = State::open(folder.path()).expect("opens");
    (folder, state)
}

fn delta(run_id: &str, window: Window, covered: &[&str]) -> StateDelta {
    StateDelta {
        run: RunRecord {
            run_id: run_id.to_owned(),
            job: "nightly".to_owned(),
            window_from: window.from,
            window_to: window.to,
            started_at: "2026-11-21T02:00:00Z".to_owned(),
            committed_at: "2026-11-21T02:00:09Z".to_owned(),
            exit_code: 0,
            rows: 3,
            breaks: 0,
            shard: None,
        },
        today: day("2026-11-21"),
        covered: covered.iter().map(|id| Covered::new(&card(id), ["card_transactions"])).collect(),
        rules: "tieout 0.1.0".to_owned(),
        breaks: Vec::new(),
        taken_back: Vec::new(),
    }
}

fn closing(id: &str, on: &str, opening: Option<&str>, closing: &str) -> Closing {
    Closing {
        owner: card(id),
        day: day(on),
        currency: Some("EUR".to_owned()),
        opening: opening.map(money),
        closing: money(closing),
    }
}

fn apply(state: &State, delta: &StateDelta, closings: &[Closing]) {
    state.apply(delta, closings.iter().cloned().map(Ok)).expect("applies");
}

fn break_row(break_id: &str, check: &'static str, owner: &str, on: &str) -> BreakRow {
    BreakRow {
        break_id: break_id.to_owned(),
        check,
        cause: "unexplained",
        owner_kind: "card",
        owner_id: owner.to_owned(),
        txid: Some("55".to_owned()),
        booking_date: Some(day(on)),
        currency: Some("EUR".to_owned()),
        expected: Some(money("42361.11")),
        actual: Some(money("29798.50")),
        difference: Some(money("-12562.61")),
        explanation: "no explanation found".to_owned(),
        first_seen: day("2026-11-21"),
        status: "open",
    }
}

fn seen(row: &BreakRow) -> SeenBreak {
    let on = row.booking_date.expect("a break of a row");
    SeenBreak::new(row, Window { from: on, to: on }).needing(vec!["card_transactions".to_owned()])
}

fn status(state: &State, break_id: &str) -> String {
    state.break_of_id(break_id).expect("reads").expect("is known").status
}

#[test]
fn balances_are_found_on_either_side_of_a_day() {
    let (_folder, state) = fresh();
    let closings = [
        closing("900", "2026-11-01", Some("1"), "2"),
        closing("900", "2026-11-03", Some("2"), "3"),
        closing("900", "2026-11-05", None, "4"),
        closing("900", "2026-11-06", Some("4"), "5"),
        closing("1000", "2026-11-04", Some("-7.5"), "8"),
    ];
    apply(&state, &delta("run-1", window("2026-11-01", "2026-11-07"), &["900", "1000"]), &closings);
    let before = state.closings_before(day("2026-11-03")).expect("reads");
    assert_eq!(before, HashMap::from([(card("900"), (day("2026-11-01"), money("2")))]));
    let after = |on| state.unbroken_openings_after(day(on)).expect("reads");
    assert_eq!(after("2026-11-03"), HashMap::from([(card("1000"), (day("2026-11-04"), money("-7.5")))]));
    assert_eq!(after("2026-11-05"), HashMap::from([(card("900"), (day("2026-11-06"), money("4")))]));
    assert_eq!(after("2026-10-31").len(), 2);
    assert_eq!(after("2026-10-30"), HashMap::new(), "nothing is known of the day in between");
}

#[test]
fn a_run_replaces_the_balances_of_its_owners_and_days_only() {
    let (_folder, state) = fresh();
    let first = [
        closing("900", "2026-11-01", None, "1"),
        closing("900", "2026-11-02", None, "2"),
        closing("1000", "2026-11-02", None, "3"),
    ];
    apply(&state, &delta("run-1", window("2026-11-01", "2026-11-02"), &["900", "1000"]), &first);
    apply(&state, &delta("run-2", window("2026-11-02", "2026-11-03"), &["900"]), &[]);
    let before = state.closings_before(day("2026-11-10")).expect("reads");
    let expected = [(card("900"), (day("2026-11-01"), money("1"))), (card("1000"), (day("2026-11-02"), money("3")))];
    assert_eq!(before, HashMap::from(expected));
}

#[test]
fn a_run_is_applied_once() {
    let (_folder, state) = fresh();
    let run = delta("run-1", window("2026-11-01", "2026-11-02"), &["900"]);
    assert!(!state.has_run("run-1").expect("reads"));
    apply(&state, &run, &[closing("900", "2026-11-01", None, "1")]);
    apply(&state, &run, &[closing("900", "2026-11-01", None, "999")]);
    assert!(state.has_run("run-1").expect("reads"));
    assert_eq!(state.closings_before(day("2026-11-02")).expect("reads")[&card("900")].1, money("1"));
}

#[test]
fn a_delta_that_cannot_be_read_to_its_end_changes_nothing() {
    let (_folder, state) = fresh();
    let run = delta("run-1", window("2026-11-01", "2026-11-02"), &["900"]);
    let closings = [Ok(closing("900", "2026-11-01", None, "1")), Err(Error::environment("the disk is gone"))];
    let error = state.apply(&run, closings.into_iter()).expect_err("fails");
    assert_eq!(error.message(), "the disk is gone");
    assert!(!state.has_run("run-1").expect("reads"));
    assert!(state.closings_before(day("2026-11-10")).expect("reads").is_empty());
}

#[test]
fn a_break_keeps_the_day_it_was_seen_first_and_goes_when_a_run_no_longer_sees_it() {
    let (_folder, state) = fresh();
    let days = window("2026-11-01", "2026-11-07");
    let mut row = break_row("chain-1", "chain", "900", "2026-11-02");
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-1", days, &["900"]) }, &[]);
    row.first_seen = day("2026-11-22");
    row.actual = Some(money("1"));
    let later = StateDelta { breaks: vec![seen(&row)], today: day("2026-11-22"), ..delta("run-2", days, &["900"]) };
    apply(&state, &later, &[]);
    let known = state.known_breaks().expect("reads").remove("chain-1").expect("is known");
    assert_eq!((known.first_seen, known.last_seen), (day("2026-11-21"), day("2026-11-22")));
    assert_eq!((known.actual, known.run_id.as_str()), (Some(money("1")), "run-2"));
    apply(&state, &delta("run-3", days, &["900"]), &[]);
    assert_eq!(status(&state, "chain-1"), "resolved");
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-4", days, &["900"]) }, &[]);
    assert_eq!(status(&state, "chain-1"), "open");
}

#[test]
fn a_run_resolves_nothing_that_it_could_not_have_seen() {
    let (_folder, state) = fresh();
    let breaks = vec![
        seen(&break_row("of another owner", "chain", "1000", "2026-11-02")),
        seen(&break_row("of another listing", "duplicate", "900", "2026-11-02"))
            .needing(vec!["card_transactions".to_owned(), "account_statements".to_owned()]),
        seen(&break_row("that somebody must accept", "restatement", "900", "2026-11-02")),
        seen(&break_row("of another day", "chain", "900", "2026-11-09")),
        SeenBreak::new(
            &break_row("of a longer window", "chain", "900", "2026-11-02"),
            window("2026-11-01", "2026-11-09"),
        ),
        seen(&break_row("gone", "chain", "900", "2026-11-07")),
    ];
    apply(&state, &StateDelta { breaks, ..delta("run-1", window("2026-11-01", "2026-11-09"), &["900"]) }, &[]);
    apply(&state, &delta("run-2", window("2026-11-01", "2026-11-07"), &["900"]), &[]);
    let resolved = BreakFilter { status: Some("resolved".to_owned()), ..BreakFilter::default() };
    let gone: Vec<String> = state.breaks(&resolved).expect("reads").into_iter().map(|known| known.break_id).collect();
    assert_eq!(gone, ["gone"]);
    assert_eq!(state.breaks(&BreakFilter::default()).expect("reads").len(), 6);
}

#[test]
fn people_accept_and_reopen_breaks() {
    let (_folder, state) = fresh();
    let days = window("2026-11-01", "2026-11-07");
    let mut row = break_row("chain-1", "chain", "900", "2026-11-02");
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-1", days, &["900"]) }, &[]);
    state.accept_break("chain-1", "zoe", "the bank knows").expect("is open");
    let known = state.break_of_id("chain-1").expect("reads").expect("is known");
    assert_eq!(
        (known.status.as_str(), known.accepted_by.as_deref(), known.note.as_deref()),
        ("accepted", Some("zoe"), Some("the bank knows"))
    );
    row.status = "accepted";
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-2", days, &["900"]) }, &[]);
    assert_eq!(state.break_of_id("chain-1").expect("reads").expect("is known").note.as_deref(), Some("the bank knows"));
    state.reopen_break("chain-1", Some("ada"), None).expect("is accepted");
    assert_eq!(state.break_of_id("chain-1").expect("reads").expect("is known").note, None);
    let error = state.reopen_break("chain-2", None, None).expect_err("is unknown");
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
}

#[test]
fn the_file_is_private_and_of_a_known_version() {
    let (folder, state) = fresh();
    let mode = std::fs::metadata(folder.path().join(FILE_NAME)).expect("is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    state.connection().pragma_update(None, "user_version", 99).expect("writes");
    drop(state);
    let error = State::open(folder.path()).expect_err("is newer");
    assert_eq!(error.message(), "expected a state file of version 4, found version 99");
}

/// A state file as that version left it, with two cards that have no rows yet.
fn left_by(version: usize) -> (tempfile::TempDir, Connection) {
    let folder = tempfile::tempdir().expect("a folder");
    let connection = Connection::open(folder.path().join(FILE_NAME)).expect("opens");
    for step in &MIGRATIONS[..version] {
        connection.execute_batch(step).expect("is SQL");
    }
    if version >= SPANS_STEP {
        connection.execute_batch("DROP TABLE sealed_rows").expect("was there");
    }
    connection.execute_batch(&format!("PRAGMA user_version = {version}")).expect("writes");
    connection.execute_batch("INSERT INTO owners VALUES (7, 'card', '900'), (8, 'card', '1000')").expect("writes");
    (folder, connection)
}

fn epoch_day_of(number: i32) -> Day {
    Day::from_epoch_days(number).expect("a day")
}

#[test]
fn what_was_sealed_a_row_a_day_moves_to_spans() {
    for version in [1, 2] {
        let (folder, connection) = left_by(version);
        let digest = Digest::of(b"rows");
        for (owner, day, closing) in
            [(7, 19_999, Some(-5_000)), (7, 20_000, None), (8, 20_000, Some(1)), (7, 20_031, Some(0))]
        {
            let sql = "INSERT INTO sealed_rows VALUES (?1, 5, ?2, 3, ?3, ?4)";
            connection.execute(sql, params![owner, day, digest.0, closing]).expect("writes");
        }
        drop(connection);
        let state = State::open(folder.path()).expect("is brought up to date");
        let on = |day: i32| {
            let sealed =
                state.sealed_rows(&crate::record::dataset::BALANCES, epoch_day_of(day)).expect("reads").into_iter();
            let shown = sealed.map(|sealed| {
                assert!(sealed.rows == 3 && sealed.digest == digest);
                (sealed.owner.1.clone(), sealed.closing.map(Money::unscaled))
            });
            shown.collect::<Vec<_>>()
        };
        assert_eq!(on(19_998), []);
        assert_eq!(on(19_999), [("900".to_owned(), Some(-5_000))]);
        assert_eq!(on(20_000), [("1000".to_owned(), Some(1)), ("900".to_owned(), None)]);
        assert_eq!(on(20_031), [("900".to_owned(), Some(0))]);
        let days = Window { from: epoch_day_of(20_000), to: epoch_day_of(20_031) };
        assert_eq!(
            state.sealed_closings(&card("900"), days).expect("reads").into_values().collect::<Vec<_>>(),
            [Money::ZERO]
        );
    }
}

#[test]
fn closing_balances_of_earlier_versions_are_found_and_shown_as_before() {
    // Owner, day, currency, opening, closing: days around 1970, on both sides of a span's end, and years apart.
    type Held = (i64, i32, Option<String>, Option<i64>, i64);
    let eur = || Some("EUR".to_owned());
    let held: [Held; 8] = [
        (7, -1, None, None, 5),
        (7, 0, eur(), Some(5), -7),
        (7, 19_999, eur(), Some(-7), 999_999_999_999_999_999),
        (7, 20_031, eur(), None, -999_999_999_999_999_999),
        (7, 20_032, eur(), Some(3), 4),
        (8, 19_967, None, Some(1), 2),
        (8, 19_968, eur(), Some(2), 3),
        (8, 20_031, eur(), Some(3), 4),
    ];
    for version in [1, 2, 3] {
        let (folder, connection) = left_by(version);
        for (owner, day, currency, opening, closing) in &held {
            let sql = "INSERT INTO closings VALUES (?1, ?2, ?3, ?4, ?5)";
            connection.execute(sql, params![owner, day, currency, opening, closing]).expect("writes");
        }
        let shown = |connection: &Connection| {
            let sql = "SELECT owner_id, day, currency, opening, closing FROM closings_readable ORDER BY 1, 2";
            let mut statement = connection.prepare(sql).expect("a view");
            let text = |row: &Row<'_>, index| row.get::<_, Option<String>>(index);
            let rows = statement
                .query_map([], |row| Ok([text(row, 0)?, text(row, 1)?, text(row, 2)?, text(row, 3)?, text(row, 4)?]));
            rows.expect("reads").collect::<rusqlite::Result<Vec<_>>>().expect("texts")
        };
        let before = shown(&connection);
        assert_eq!(before.len(), held.len());
        drop(connection);
        let state = State::open(folder.path()).expect("is brought up to date");
        let sql = "SELECT owner, day, currency, opening, closing FROM closings ORDER BY 1, 2";
        let kept = state.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?;
            rows.collect::<rusqlite::Result<Vec<Held>>>()
        });
        let kept = kept.expect("the view has the columns of the table");
        let plain = |held: &Held| (held.0, held.1, held.3, held.4);
        assert_eq!(kept.iter().map(plain).collect::<Vec<_>>(), held.iter().map(plain).collect::<Vec<_>>());
        assert_eq!(state.read(|connection| Ok(shown(connection))).expect("reads"), before);
        let last_before = |day| {
            let found = state.closings_before(epoch_day_of(day)).expect("reads");
            let of = |id| found.get(&card(id)).map(|(day, closing)| (day.epoch_days(), closing.unscaled()));
            [of("900"), of("1000")]
        };
        assert_eq!(last_before(-1), [None, None]);
        assert_eq!(last_before(0), [Some((-1, 5)), None]);
        assert_eq!(last_before(19_968), [Some((0, -7)), Some((19_967, 2))]);
        assert_eq!(last_before(20_032), [Some((20_031, -999_999_999_999_999_999)), Some((20_031, 4))]);
        assert_eq!(last_before(30_000), [Some((20_032, 4)), Some((20_031, 4))]);
        let on = state.balances_of(epoch_day_of(20_031)).expect("reads");
        let of = |id| on.get(&card(id)).map(|(opening, closing)| (opening.map(Money::unscaled), closing.unscaled()));
        assert_eq!((of("900"), of("1000")), (Some((None, -999_999_999_999_999_999)), Some((Some(3), 4))));
    }
}

#[test]
fn it_can_be_read_while_a_run_holds_the_directory() {
    let (folder, state) = fresh();
    apply(&state, &delta("run-1", window("2026-11-01", "2026-11-07"), &["900"]), &[]);
    let reader = State::open_for_reading(folder.path()).expect("opens");
    assert!(reader.has_run("run-1").expect("reads"));
    assert!(reader.accept_break("chain-1", "zoe", "").is_err());
    let nowhere = tempfile::tempdir().expect("a folder");
    let error = State::open_for_reading(nowhere.path()).expect_err("has none");
    assert_eq!(error.kind(), crate::ErrorKind::Usage);
}

#[test]
fn balances_can_be_read_by_people() {
    let (_folder, state) = fresh();
    let closings = [closing("900", "2026-11-01", Some("-0.05"), "12.3456")];
    apply(&state, &delta("run-1", window("2026-11-01", "2026-11-07"), &["900"]), &closings);
    let readable: (String, String, String) = state
        .read(|connection| {
            connection.query_row("SELECT day, opening, closing FROM closings_readable", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
        })
        .expect("reads");
    assert_eq!(readable, ("2026-11-01".to_owned(), "-0.0500".to_owned(), "12.3456".to_owned()));
}

#[test]
fn staged_closings_read_back() {
    let row = BalanceRow {
        owner_kind: "card",
        owner_id: "9\"00\n".to_owned(),
        currency: None,
        booking_date: day("2026-11-01"),
        opening: None,
        credits: Some(Money::ZERO),
        debits: Some(money("-1")),
        closing: Some(money("-99999999999999.9999")),
        entries: 1,
        verdict: "tied",
    };
    let closing = Closing::of(&row).expect("has a balance");
    let later = BalanceRow { booking_date: day("2026-11-02"), opening: Some(money("1")), ..row.clone() };
    let open = BalanceRow { booking_date: day("2026-11-03"), closing: None, ..row.clone() };
    let other = BalanceRow { owner_id: "901".to_owned(), ..later.clone() };
    let mut lines = Vec::new();
    OwnerClosings::write_lines(&[row.clone(), later.clone(), open, other.clone()], &mut lines);
    let [later, other] = [later, other].map(|row| Closing::of(&row).expect("has a balance"));
    let lines = String::from_utf8(lines).expect("UTF-8");
    let read: Vec<_> = lines.lines().map(|line| OwnerClosings::read_line(line).expect("is one")).collect();
    assert_eq!(lines.lines().count(), 2);
    let mut again = Vec::new();
    let (folder, state) = fresh();
    let run = delta("run-1", window("2026-11-01", "2026-11-07"), &[]);
    let spans = None::<StagedSpans<std::io::Empty>>;
    state.apply_sealed(&run, read.into_iter().map(Ok), std::iter::empty(), spans).expect("applies");
    for on in ["2026-11-01", "2026-11-02"] {
        let mut held: Vec<_> = state.balances_of(day(on)).expect("reads").into_iter().collect();
        held.sort();
        again.extend(held.into_iter().map(|((_, id), balances)| (on, id, balances)));
    }
    drop(folder);
    let told = [closing, later, other].map(|each| {
        let on = if each.day == day("2026-11-01") { "2026-11-01" } else { "2026-11-02" };
        (on, each.owner.1, (each.opening, each.closing))
    });
    assert_eq!(again, told);
    assert_eq!(Closing::of(&BalanceRow { closing: None, ..row }), None);
    assert_eq!(OwnerClosings::read_line("[\"card\",\"1\",null,[[20000,null,9999999999999999999]]]"), None);
    assert_eq!(OwnerClosings::read_line("[\"bank\",\"1\",null,[]]"), None);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]

    /// Against the plainest picture of it: a map of days.
    #[test]
    fn balances_are_what_the_runs_left(
        runs in proptest::collection::vec(
            (0..90_i32, 0..90_i32, proptest::bool::ANY, proptest::collection::btree_map(0..90_i32, (proptest::option::of(-9..9_i64), -9..9_i64), 0..20)),
            1..6,
        )
    ) {
        let (_folder, state) = fresh();
        let (mut held, mut known) = (BTreeMap::new(), std::collections::BTreeSet::new());
        for (number, (a, b, is_whole, days)) in runs.into_iter().enumerate() {
            let days_of = Window { from: epoch_day_of(a.min(b)), to: epoch_day_of(a.max(b)) };
            let money = |unscaled| Money::from_unscaled(unscaled).expect("an amount");
            let brought: Vec<Closing> = days
                .into_iter()
                .filter(|(day, _)| days_of.contains(epoch_day_of(*day)))
                .map(|(day, (opening, closing))| Closing {
                    owner: card("900"),
                    day: epoch_day_of(day),
                    currency: None,
                    opening: opening.map(money),
                    closing: money(closing),
                })
                .collect();
            if is_whole {
                held.retain(|day, _| !days_of.contains(*day));
                known.extend(days_of.iter());
            }
            held.extend(brought.iter().map(|closing| (closing.day, (closing.opening, closing.closing))));
            let covered: &[&str] = if is_whole { &["900"] } else { &[] };
            apply(&state, &delta(&format!("run-{number}"), days_of, covered), &brought);
        }
        for day in (-1..92).map(epoch_day_of) {
            let last = held.range(..day).next_back().map(|(day, balances)| (*day, balances.1));
            proptest::prop_assert_eq!(state.closings_before(day).expect("reads").remove(&card("900")), last);
            let unbroken = last.filter(|(closed, _)| Window { from: *closed, to: day.previous() }.iter().all(|day| known.contains(&day)));
            let found = state.unbroken_closings_before(day).expect("reads").remove(&card("900"));
            proptest::prop_assert_eq!(found, unbroken);
            let first = held.range(day.next()..).next().and_then(|(day, balances)| Some((*day, balances.0?)));
            let unbroken = first.filter(|(opened, _)| Window { from: day.next(), to: *opened }.iter().all(|day| known.contains(&day)));
            let found = state.unbroken_openings_after(day).expect("reads").remove(&card("900"));
            proptest::prop_assert_eq!(found, unbroken);
            let on = state.balances_of(day).expect("reads").remove(&card("900"));
            proptest::prop_assert_eq!(on, held.get(&day).copied());
        }
    }
}

/// The acts on a break, with their notes.
fn acts(state: &State, break_id: &str) -> Vec<(String, Option<String>)> {
    let trail = state.trail(Some(break_id)).expect("reads");
    trail.into_iter().map(|entry| (entry.act, entry.note)).collect()
}

#[test]
fn every_act_is_in_the_trail_which_nobody_can_edit() {
    let (_folder, state) = fresh();
    let days = window("2026-11-01", "2026-11-07");
    let mut row = break_row("chain-1", "chain", "900", "2026-11-02");
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-1", days, &["900"]) }, &[]);
    state.accept_break("chain-1", "zoe", "the bank knows").expect("is open");
    row.actual = Some(money("1"));
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-2", days, &["900"]) }, &[]);
    apply(&state, &delta("run-3", days, &["900"]), &[]);
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-4", days, &["900"]) }, &[]);
    let note = |text: &str| Some(text.to_owned());
    assert_eq!(
        acts(&state, "chain-1"),
        [
            ("opened".to_owned(), note("no explanation found")),
            ("accepted".to_owned(), note("the bank knows")),
            ("reopened".to_owned(), note("actual was 29798.50, now 1.00")),
            ("resolved".to_owned(), note("late_row")),
            ("reopened".to_owned(), note("seen again")),
        ]
    );
    let trail = state.trail(None).expect("reads");
    let before = std::iter::once(None).chain(trail.iter().map(Some));
    assert!(trail.iter().zip(before).all(|(entry, before)| entry.follows(before)));
    for sql in [
        "UPDATE trail SET note = 'nothing happened'",
        "DELETE FROM trail",
        "INSERT OR REPLACE INTO trail SELECT entry, at, break_id, act, by, 'other', run_id, sha256 FROM trail",
    ] {
        let refused = state.read(|connection| connection.execute(sql, [])).expect_err("refuses");
        assert!(refused.to_string().contains("only ever added to"), "{refused}");
    }
    let forged = TrailEntry { note: None, ..trail[1].clone() };
    assert!(!forged.follows(Some(&trail[0])));
}

#[test]
fn a_changed_rule_is_told_from_changed_rows() {
    let (_folder, state) = fresh();
    let days = window("2026-11-01", "2026-11-07");
    let row = break_row("chain-1", "chain", "900", "2026-11-02");
    apply(&state, &StateDelta { breaks: vec![seen(&row)], ..delta("run-1", days, &["900"]) }, &[]);
    apply(&state, &StateDelta { rules: "tieout 0.2.0".to_owned(), ..delta("run-2", days, &["900"]) }, &[]);
    let known = state.break_of_id("chain-1").expect("reads").expect("is known");
    assert_eq!(known.resolution.as_deref(), Some("rule_changed"));
    assert_eq!(known.age_days(day("2026-12-24")), 0, "it went away on the day it came");
}

#[test]
fn seals_are_what_their_table_says() {
    let digest = Digest::of(b"rows");
    let rows = |id: &str| SealedRows { owner: std::sync::Arc::new(card(id)), rows: 3, digest, closing: None };
    let mut owners = [rows("900"), rows("1000")];
    let partition = seal_partition(&crate::record::dataset::BALANCES, &mut owners, true);
    let lines = format!("[\"card\",\"1000\",3,\"{digest}\"]\n[\"card\",\"900\",3,\"{digest}\"]\n");
    assert_eq!((partition.rows, partition.digest), (6, Digest::of(lines.as_bytes())));
    let seal = seal_day(Digest::NONE, day("2026-11-01"), &[("balances", digest), ("card_transactions", digest)]);
    let text = format!(
        "[\"{}\",\"2026-11-01\",[[\"card_transactions\",\"{digest}\"],[\"balances\",\"{digest}\"]]]",
        "0".repeat(64)
    );
    assert_eq!(seal, Digest::of(text.as_bytes()));
    assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
}

/// What a run seals of a card's two days, as it was staged before spans had a file of their own.
fn lines_of_before(run: &RunRecord) -> [String; 2] {
    use base64::Engine as _;
    let mut days = Vec::new();
    for (day, rows) in [(run.window_from, 1), (run.window_to, 2)] {
        SealedDay { day, rows, digest: Digest::of(&[1]), closing: Some(money("7")) }.push(&mut days);
    }
    let span = Span::of(run.window_from).0;
    let days = base64::engine::general_purpose::STANDARD.encode(days);
    [
        "{\"replace\":{\"datasets\":[\"balances\"],\"manifest\":\"ab\"}}".to_owned(),
        format!("{{\"span\":[\"balances\",{span},\"card\",\"900\",\"{days}\"]}}"),
    ]
}

fn seal_lines(lines: &[String]) -> impl Iterator<Item = Result<SealLine>> {
    lines.iter().map(|line| Ok(serde_json::from_str(line).expect("a line")))
}

fn sealed_on(state: &State, on: &str) -> Vec<(String, u64)> {
    let sealed = state.sealed_rows(&crate::record::dataset::BALANCES, day(on)).expect("reads").into_iter();
    sealed.map(|sealed| (sealed.owner.1.clone(), sealed.rows)).collect()
}

#[test]
fn spans_are_applied_whether_they_are_staged_as_lines_or_as_bytes() {
    let (_folder, state) = fresh();
    // Both days lie in the span that begins on 2026-10-30, which reaches beyond the window.
    let run = delta("run-1", window("2026-11-02", "2026-11-03"), &["900", "1000"]);
    let lines = lines_of_before(&run.run);
    let none = || None::<StagedSpans<std::io::Empty>>;
    state.apply_sealed(&run, std::iter::empty(), seal_lines(&lines), none()).expect("applies");
    assert_eq!(sealed_on(&state, "2026-11-02"), [("900".to_owned(), 1)]);
    assert_eq!(sealed_on(&state, "2026-11-03"), [("900".to_owned(), 2)]);

    // A run of the second day and the next, in which another card takes the place of the first.
    let later = delta("run-2", window("2026-11-03", "2026-11-04"), &["900", "1000"]);
    let span = Span::of(day("2026-11-03"));
    let mut part = SpanPart::new(&crate::record::dataset::BALANCES, span);
    let sealed = SealedDay { day: day("2026-11-04"), rows: 3, digest: Digest::of(&[2]), closing: None };
    let days = part.add(0, &[sealed]).to_vec();
    let bytes = [owners_part(&[card("1000")]), days, part.end().to_vec(), END.to_vec()].concat();
    let replace = |bytes: usize| {
        [format!("{{\"replace\":{{\"datasets\":[\"balances\"],\"manifest\":\"cd\",\"spans_bytes\":{bytes}}}}}")]
    };
    let staged = |bytes: &'static [u8]| Some(StagedSpans::new(bytes, "here".to_owned(), bytes.len() as u64));
    let bytes: &'static [u8] = bytes.leak();
    let told = replace(bytes.len());
    for damaged in [staged(&bytes[..bytes.len() - 1]), None] {
        let error = state.apply_sealed(&later, std::iter::empty(), seal_lines(&told), damaged).expect_err("is damaged");
        assert_eq!(error.message(), "expected the spans that the run seals, found another file, or none");
        assert!(!state.has_run("run-2").expect("reads"));
    }
    state.apply_sealed(&later, std::iter::empty(), seal_lines(&told), staged(bytes)).expect("applies");
    assert_eq!(sealed_on(&state, "2026-11-02"), [("900".to_owned(), 1)]);
    assert_eq!(sealed_on(&state, "2026-11-03"), []);
    assert_eq!(sealed_on(&state, "2026-11-04"), [("1000".to_owned(), 3)]);
}
