-- Amounts are whole ten-thousandths of the currency's major unit; days are counted from 1970-01-01 where they are
-- numbers. The view closings_readable spells both out.

CREATE TABLE runs (
    run_id       TEXT PRIMARY KEY,
    job          TEXT NOT NULL,
    window_from  TEXT NOT NULL,
    window_to    TEXT NOT NULL,
    started_at   TEXT NOT NULL,
    committed_at TEXT NOT NULL,
    exit_code    INTEGER NOT NULL,
    rows         INTEGER NOT NULL,
    breaks       INTEGER NOT NULL,
    -- SHA-256 (hex) of the manifest that the run wrote.
    manifest     TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE owners (
    owner      INTEGER PRIMARY KEY,
    owner_kind TEXT NOT NULL,
    owner_id   TEXT NOT NULL,
    UNIQUE (owner_kind, owner_id)
) STRICT;

-- A row per owner and day that has settled rows.
CREATE TABLE closings (
    owner    INTEGER NOT NULL REFERENCES owners,
    day      INTEGER NOT NULL,
    currency TEXT,
    opening  INTEGER,
    closing  INTEGER NOT NULL,
    PRIMARY KEY (owner, day)
) STRICT, WITHOUT ROWID;

-- The datasets that are sealed. Their numbers are part of what is stored: a new one goes to the end.
CREATE TABLE datasets (
    dataset INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO datasets VALUES (1, 'account_statements'), (2, 'iban_statements'), (3, 'card_transactions'),
    (4, 'credit_transfers'), (5, 'balances');

-- Days on which all rows of an owner in a dataset are known, those without any included. Intervals of one owner and
-- dataset do not touch.
CREATE TABLE covered (
    owner     INTEGER NOT NULL REFERENCES owners,
    dataset   INTEGER NOT NULL REFERENCES datasets,
    first_day INTEGER NOT NULL,
    last_day  INTEGER NOT NULL,
    PRIMARY KEY (owner, dataset, first_day)
) STRICT, WITHOUT ROWID;

-- What is committed of an owner's day: a row per owner, dataset and day that has rows.
CREATE TABLE sealed_rows (
    owner   INTEGER NOT NULL REFERENCES owners,
    dataset INTEGER NOT NULL REFERENCES datasets,
    day     INTEGER NOT NULL,
    rows    INTEGER NOT NULL,
    -- SHA-256 over the rows' cells, in order.
    digest  BLOB NOT NULL,
    -- In balances: the closing balance that `closings` holds for the day, null where the listing was not proved.
    closing INTEGER,
    PRIMARY KEY (owner, dataset, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX sealed_rows_by_day ON sealed_rows (dataset, day);

-- What is committed of a dataset's day: made of all its sealed_rows.
CREATE TABLE sealed_partitions (
    day     INTEGER NOT NULL,
    dataset INTEGER NOT NULL REFERENCES datasets,
    rows    INTEGER NOT NULL,
    digest  BLOB NOT NULL,
    -- Whether the lake holds these rows: a job may do without Parquet.
    in_lake INTEGER NOT NULL CHECK (in_lake IN (0, 1)),
    PRIMARY KEY (day, dataset)
) STRICT, WITHOUT ROWID;

-- The chain of days: each seal is made of the one before it and the day's sealed_partitions.
CREATE TABLE seals (
    day  INTEGER PRIMARY KEY,
    seal BLOB NOT NULL
) STRICT;

CREATE VIEW closings_readable AS
SELECT owner_kind, owner_id, date(day * 86400, 'unixepoch') AS day, currency,
       printf('%s%d.%04d', iif(opening < 0, '-', ''), abs(opening) / 10000, abs(opening) % 10000) AS opening,
       printf('%s%d.%04d', iif(closing < 0, '-', ''), abs(closing) / 10000, abs(closing) % 10000) AS closing
FROM closings JOIN owners USING (owner);

CREATE TABLE breaks (
    break_id     TEXT PRIMARY KEY,
    "check"      TEXT NOT NULL,
    cause        TEXT NOT NULL,
    owner_kind   TEXT NOT NULL,
    owner_id     TEXT NOT NULL,
    txid         TEXT,
    booking_date TEXT,
    currency     TEXT,
    expected     INTEGER,
    actual       INTEGER,
    difference   INTEGER,
    explanation  TEXT NOT NULL,
    first_seen   TEXT NOT NULL,
    last_seen    TEXT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'resolved')),
    -- The days that a run must cover to say that the break is gone.
    scope_from   TEXT NOT NULL,
    scope_to     TEXT NOT NULL,
    -- The listings that a run must have whole to say so, separated by commas.
    listings     TEXT NOT NULL,
    accepted_by  TEXT,
    note         TEXT,
    -- Why it went away: late_row, restated, rule_changed or proved.
    resolution   TEXT,
    resolved_on  TEXT,
    -- Of a restatement: what the row said when it was reported first.
    earlier      TEXT,
    -- What the run that saw it last went by: its rules, and the rows of its window.
    rules         TEXT NOT NULL,
    evidence_from TEXT NOT NULL,
    evidence_to   TEXT NOT NULL,
    -- For a card the account behind it: its rows are evidence too.
    account       TEXT,
    evidence_rows INTEGER NOT NULL,
    evidence      BLOB NOT NULL,
    -- The run that saw it last.
    run_id       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX breaks_by_status ON breaks (status);

-- Every act on a break, by runs and by people. Entries are only ever added; each carries the hash of the one before it.
CREATE TABLE trail (
    entry    INTEGER PRIMARY KEY,
    at       TEXT NOT NULL,
    break_id TEXT NOT NULL,
    -- opened, changed, reopened, accepted or resolved.
    act      TEXT NOT NULL,
    -- Who acted: a person, or null for a run.
    by       TEXT,
    -- What was said, what changed, or why.
    note     TEXT,
    run_id   TEXT,
    -- SHA-256 (hex) of all that stands before it here, and of the sha256 of the entry before.
    sha256   TEXT NOT NULL
) STRICT;

CREATE INDEX trail_by_break ON trail (break_id);

CREATE TRIGGER trail_keeps_its_words BEFORE UPDATE ON trail
BEGIN SELECT RAISE(ABORT, 'the trail is only ever added to'); END;

CREATE TRIGGER trail_keeps_its_entries BEFORE DELETE ON trail
BEGIN SELECT RAISE(ABORT, 'the trail is only ever added to'); END;

-- INSERT OR REPLACE would delete without asking.
CREATE TRIGGER trail_grows_at_its_end BEFORE INSERT ON trail
WHEN NEW.entry IS NOT NULL AND NEW.entry <= coalesce((SELECT max(entry) FROM trail), 0)
BEGIN SELECT RAISE(ABORT, 'the trail is only ever added to'); END;
