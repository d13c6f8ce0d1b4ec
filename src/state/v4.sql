-- An owner's balances at the ends of its days, 32 to a row (see closings.rs): a row a day was a third of what a commit of
-- many owners cost.
CREATE TABLE closing_spans (
    owner     INTEGER NOT NULL REFERENCES owners,
    -- Days since 1970-01-01, divided by 32.
    span      INTEGER NOT NULL,
    -- Of its days that are there, the first and the last.
    first_day INTEGER NOT NULL,
    last_day  INTEGER NOT NULL,
    currency  TEXT,
    -- JSON: [day, opening or null, closing] of each, in their order.
    days      TEXT NOT NULL,
    PRIMARY KEY (owner, span)
) STRICT, WITHOUT ROWID;
