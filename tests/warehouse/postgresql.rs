//! `tieout load` into a real PostgreSQL.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bench::{Bench, HOSTILE, Line, line, lines};
use crate::server::{PASSWORD, server};

/// What the tables hold, and what was noted; without the time of the load.
const ALL_OF_IT: &str = "SELECT * FROM account_statements ORDER BY booking_date, txid, amount; \
    SELECT * FROM balances ORDER BY 1, 2, 4; SELECT * FROM breaks ORDER BY 1; \
    SELECT dataset, booking_date, sha256, rows, run_id FROM tieout_partitions ORDER BY 1, 2";

#[test]
fn a_first_load_brings_every_row_exactly() {
    let bench = Bench::with_database();
    assert_eq!(bench.run(&lines()), 0);
    let told = bench.loaded(&[]);
    assert_eq!((&told["partitions"], &told["replaced"], &told["rows"]), (&json!(10), &json!(10), &json!(21)));
    assert_eq!(
        bench.psql(
            "SELECT currency, count(*), sum(amount), max(balance_after) FROM account_statements GROUP BY 1 ORDER BY 1"
        ),
        "EUR|13|9962.4000|10000.0000\nUSD|2|774.7700|777.7700"
    );
    assert_eq!(
        bench.psql("SELECT amount, booked_at AT TIME ZONE 'UTC', booking_date, executed_at FROM account_statements WHERE txid = '2'"),
        "-12.5000|2026-03-02 09:00:00|2026-03-02|"
    );
    let texts =
        bench.psql("SELECT json_agg(description ORDER BY txid::int) FROM account_statements WHERE txid::int > 10");
    assert_eq!(serde_json::from_str::<Vec<String>>(&texts).expect("JSON"), HOSTILE);
    assert_eq!(
        bench.psql("SELECT owner_id, opening, credits, debits, closing, entries FROM balances WHERE booking_date = '2026-03-02' ORDER BY 1"),
        "7|10000.0000|0.0000|-32.5000|9967.5000|2\n9|0.0000|777.7700|0.0000|777.7700|1"
    );
    let noted =
        bench.psql("SELECT count(*), sum(rows), count(DISTINCT run_id), min(length(sha256)) FROM tieout_partitions");
    assert_eq!(noted, "10|21|1|64");
    assert_eq!(
        bench.psql("SELECT obj_description('account_statements'::regclass)"),
        "A line of an account's statement"
    );
}

#[test]
fn a_second_load_changes_nothing() {
    let bench = Bench::with_database();
    bench.run(&lines());
    bench.loaded(&[]);
    let place = "SELECT txid, ctid, xmin FROM account_statements ORDER BY 1";
    let (first, places) = (bench.psql(ALL_OF_IT), bench.psql(place));
    let told = bench.loaded(&[]);
    assert_eq!((&told["replaced"], &told["rows"], &told["partitions"]), (&json!(0), &json!(0), &json!(10)));
    assert!(
        bench.run(&lines()) == 0 && bench.loaded(&[])["replaced"] == 0,
        "a run of the same rows writes the same files"
    );
    assert_eq!((bench.psql(ALL_OF_IT), bench.psql(place)), (first, places));
    assert_eq!(bench.loaded(&["--reload"])["replaced"], 10);
}

#[test]
fn a_restated_day_takes_the_place_of_what_was_there() {
    let bench = Bench::with_database();
    bench.run(&lines());
    bench.loaded(&[]);
    let mut changed = lines();
    changed[1].cents = -1_350;
    changed.retain(|line| !line.date.starts_with("2026-03-05"));
    // A txid that comes twice is a break, and loads.
    changed.push(Line { description: "Tea".to_owned(), ..line("7", "4", "2026-03-06 12:00:00", -501) });
    assert_eq!(bench.run(&changed), 3);
    let told = bench.loaded(&[]);
    assert_eq!((&told["removed"], told["replaced"].as_u64() < Some(10)), (&json!(2), true), "{told:#}");
    assert_eq!(
        bench.psql(
            "SELECT txid, booking_date, amount FROM account_statements WHERE txid IN ('2', '4', '6') ORDER BY 1, 2"
        ),
        "2|2026-03-02|-13.5000\n4|2026-03-03|-5.0100\n4|2026-03-06|-5.0100"
    );
    assert_eq!(bench.psql("SELECT count(*) FROM tieout_partitions WHERE booking_date = '2026-03-05'"), "0");
    let breaks = bench.psql("SELECT DISTINCT \"check\" FROM breaks WHERE status = 'open' ORDER BY 1");
    assert!(breaks.contains("duplicate") && breaks.contains("restatement"), "{breaks}");
    let fresh = Bench::with_database();
    fresh.run(&changed);
    fresh.loaded(&[]);
    let rows = "SELECT * FROM account_statements ORDER BY booking_date, txid, amount";
    assert_eq!(bench.psql(rows), fresh.psql(rows), "as if it had been loaded once");
}

#[test]
fn a_window_loads_its_days_only() {
    let bench = Bench::with_database();
    bench.run(&lines());
    let told = bench.loaded(&["--window", "2026-03-02..2026-03-03"]);
    assert_eq!(told["partitions"], 4);
    let days = "SELECT string_agg(DISTINCT booking_date::text, ' ') FROM account_statements";
    assert_eq!(bench.psql(days), "2026-03-02 2026-03-03");
    assert_eq!(bench.loaded(&[])["replaced"], 6);
    assert_eq!(bench.load(&["--window", "2026-03-03..2026-03-02"]).code, 2);
}

#[test]
fn a_load_that_is_killed_leaves_nothing_half() {
    let bench = Bench::with_database();
    bench.run(&lines());
    bench.loaded(&[]);
    let before = bench.psql(ALL_OF_IT);
    let mut changed = lines();
    changed[1].cents = -1_350;
    bench.run(&changed);
    // Somebody holds the table that comes last: the others are written by then.
    let mut holder = server()
        .psql_command(&bench.database)
        .args(["-c", "BEGIN; LOCK TABLE balances IN SHARE MODE; SELECT pg_sleep(60)"])
        .spawn()
        .expect("psql runs");
    let is_held =
        "SELECT count(*) FROM pg_locks WHERE relation = 'balances'::regclass AND mode = 'ShareLock' AND granted";
    wait_until(|| bench.psql(is_held) == "1");
    let url = bench.url();
    let mut loading = bench.command(&["load", "job.toml", "--to", &url]).spawn().expect("runs");
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tieout' AND wait_event_type = 'Lock'";
    wait_until(|| bench.psql(&format!("{waits} AND datname = current_database()")) == "1");
    loading.kill().expect("killed");
    loading.wait().expect("gone");
    holder.kill().expect("killed");
    holder.wait().expect("gone");
    bench.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    wait_until(|| bench.psql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") == "1");
    assert_eq!(bench.psql(ALL_OF_IT), before);
    assert!(bench.loaded(&[])["replaced"].as_u64() > Some(0));
    assert_eq!(bench.psql("SELECT amount FROM account_statements WHERE txid = '2'"), "-13.5000");
}

fn wait_until(holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn loads_at_the_same_time_load_once() {
    let bench = Bench::with_database();
    bench.run(&lines());
    let url = bench.url();
    let loads: Vec<_> =
        (0..4).map(|_| bench.command(&["load", "job.toml", "--to", &url]).spawn().expect("runs")).collect();
    for mut load in loads {
        assert!(load.wait().expect("ends").success());
    }
    assert_eq!(bench.psql("SELECT count(*), count(DISTINCT (acc_id, txid)) FROM account_statements"), "15|15");
}

#[test]
fn a_schema_is_a_name_whatever_it_says() {
    let bench = Bench::with_database();
    bench.run(&lines());
    bench.loaded(&[]);
    let name = "bank\"; DROP SCHEMA public CASCADE; -- 'x' \\";
    bench.loaded(&["--schema", name]);
    let count = "SELECT count(*) FROM pg_tables WHERE tablename = 'account_statements' AND schemaname";
    assert_eq!(bench.psql(&format!("{count} = $$ {name}$$").replace("$$ ", "$$")), "1");
    assert_eq!(bench.psql(&format!("{count} = 'public'")), "1");
    assert_eq!(bench.load(&["--schema", &"x".repeat(64)]).code, 2);
}

#[test]
fn the_password_comes_from_where_others_cannot_read_it() {
    let bench = Bench::with_database();
    bench.run(&lines());
    let url = bench.url();
    let with = |name: &str, value: &str| {
        let mut command = bench.command(&["load", "--out", "out", "--to", &url]);
        command.env_remove("PGPASSWORD").env("HOME", "/nonexistent").env(name, value).output().expect("runs")
    };
    let file = bench.path("pgpass");
    std::fs::write(&file, format!("127.0.0.1:*:{}:postgres:{PASSWORD}\n", bench.database)).expect("a file");
    let open = with("PGPASSFILE", file.to_str().expect("UTF-8"));
    assert_eq!(open.status.code(), Some(2), "others may read it");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its mode");
    assert!(with("PGPASSFILE", file.to_str().expect("UTF-8")).status.success());
    let wrong = with("PGPASSWORD", "canary-wrong");
    let told = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert_eq!(wrong.status.code(), Some(1));
    assert!(told.contains("password authentication failed") && !told.contains("canary"), "{told}");
    let whole = url.replace("postgres@", &format!("postgres:{PASSWORD}@"));
    let mut from_env = bench.command(&["load", "--out", "out"]);
    let from_env = from_env.env_remove("PGPASSWORD").env("TIEOUT_WAREHOUSE", &whole).output().expect("runs");
    assert!(from_env.status.success() && from_env.stderr.is_empty());
    let mut in_sight = bench.command(&["load", "--out", "out", "--to", &whole]);
    let in_sight = in_sight.env_remove("PGPASSWORD").output().expect("runs");
    let told = String::from_utf8_lossy(&in_sight.stderr).into_owned();
    assert!(in_sight.status.success() && told.starts_with("warning: ") && !told.contains(PASSWORD), "{told}");
}

#[test]
fn tls_is_spoken_with_a_server_that_the_roots_vouch_for() {
    let bench = Bench::with_database();
    bench.run(&lines());
    let url = bench.url();
    let to = |host: &str, query: &str| {
        let url = format!("{}?{query}", url.replace("127.0.0.1", host));
        bench.tieout(&["load", "job.toml", "--to", &url])
    };
    let root = format!("sslmode=verify-full&sslrootcert={}/ca.pem", server().folder);
    let ended = to("localhost", &root);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(to("127.0.0.1", &root).code, 1, "the certificate is another name's");
    let unknown = to("localhost", "sslmode=require");
    assert_eq!(unknown.code, 1, "no root vouches for it");
    assert!(unknown.stderr.contains("certificate"), "{}", unknown.stderr);
}
