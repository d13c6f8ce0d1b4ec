-- What is committed of an owner's days, 16 to a row (see span.rs): a row a day was most of what a commit cost.
CREATE TABLE sealed_spans (
    dataset INTEGER NOT NULL REFERENCES datasets,
    -- Days since 1970-01-01, divided by 16.
    span    INTEGER NOT NULL,
    owner   INTEGER NOT NULL REFERENCES owners,
    -- Each day's place in the span, number of rows, closing balance and digest.
    days    BLOB NOT NULL,
    PRIMARY KEY (dataset, span, owner)
) STRICT, WITHOUT ROWID;
