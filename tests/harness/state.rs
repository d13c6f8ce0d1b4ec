//! What a state file says, as text.

use std::fmt::Write;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

/// Every row of every table, in order.
pub fn dump(out: &Path) -> String {
    let connection =
        Connection::open_with_flags(out.join("tieout.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a state");
    let check: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(check, "ok", "the state file is whole");
    let mut names =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").expect("a query");
    let tables: Vec<String> =
        names.query_map([], |row| row.get(0)).expect("tables").collect::<Result<_, _>>().expect("names");
    let mut text = String::new();
    for table in tables {
        let mut query = connection.prepare(&format!("SELECT * FROM \"{table}\"")).expect("a query");
        let columns = query.column_count();
        let mut rows: Vec<String> = query
            .query_map([], |row| {
                let cells: rusqlite::Result<Vec<Value>> = (0..columns).map(|column| row.get(column)).collect();
                Ok(format!("{:?}", cells?))
            })
            .expect("rows")
            .collect::<Result<_, _>>()
            .expect("rows");
        rows.sort();
        writeln!(text, "{table}\n{}", rows.join("\n")).expect("a text takes any text");
    }
    text
}

/// How many runs are committed.
pub fn count_runs(out: &Path) -> usize {
    let connection =
        Connection::open_with_flags(out.join("tieout.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a state");
    let count: i64 = connection.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).expect("a number");
    usize::try_from(count).expect("not negative")
}

/// Owners of which a dataset's days are known.
pub fn covered(out: &Path) -> Vec<(String, String)> {
    let connection =
        Connection::open_with_flags(out.join("tieout.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a state");
    let mut query = connection
        .prepare("SELECT o.owner_id, d.name FROM covered c JOIN owners o ON o.owner = c.owner JOIN datasets d ON d.dataset = c.dataset")
        .expect("a query");
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}
