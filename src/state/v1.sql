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
    breaks       INTEGER NOT NULL
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

-- Days on which all rows of an owner are known, those without any included. Intervals of one owner do not touch.
CREATE TABLE covered (
    owner     INTEGER NOT NULL REFERENCES owners,
    first_day INTEGER NOT NULL,
    last_day  INTEGER NOT NULL,
    PRIMARY KEY (owner, first_day)
) STRICT, WITHOUT ROWID;

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
    accepted_by  TEXT,
    note         TEXT,
    -- The run that saw it last.
    run_id       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX breaks_by_status ON breaks (status);
