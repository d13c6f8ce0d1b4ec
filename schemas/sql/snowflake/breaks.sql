-- breaks: A check that does not hold
-- Printed by `tieout schema breaks --dialect snowflake`; do not edit.
-- Put in where breaks.csv is.

-- 1. The table
CREATE TABLE IF NOT EXISTS breaks (
    break_id VARCHAR NOT NULL COMMENT 'Stable over runs: made of check, owner and row',
    "CHECK" VARCHAR NOT NULL COMMENT 'The check that does not hold',
    cause VARCHAR NOT NULL COMMENT 'The smallest explanation found',
    owner_kind VARCHAR NOT NULL COMMENT 'account, card or provider',
    owner_id VARCHAR NOT NULL COMMENT 'The account''s id, the card''s reference or the provider''s name',
    txid VARCHAR COMMENT 'The row at which the check fails first',
    booking_date DATE COMMENT 'The local day of that row',
    currency VARCHAR COMMENT 'ISO 4217 code of the three amounts',
    expected NUMBER(18, 4) COMMENT 'What should stand there',
    actual NUMBER(18, 4) COMMENT 'What stands there',
    difference NUMBER(18, 4) COMMENT 'actual − expected',
    explanation VARCHAR NOT NULL COMMENT 'What happened, in a sentence',
    first_seen DATE NOT NULL COMMENT 'The day of the run that saw it first',
    status VARCHAR NOT NULL COMMENT 'open, accepted or resolved',
    PRIMARY KEY (break_id)
)
COMMENT = 'A check that does not hold';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY TABLE incoming_breaks LIKE breaks;
COPY INTO incoming_breaks FROM @STAGE/breaks.csv
FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '"');

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM breaks WHERE EXISTS (SELECT 1 FROM incoming_breaks WHERE incoming_breaks.break_id = breaks.break_id);
INSERT INTO breaks (break_id, "CHECK", cause, owner_kind, owner_id, txid, booking_date, currency, expected, actual, difference, explanation, first_seen, status)
SELECT break_id, "CHECK", cause, owner_kind, owner_id, txid, booking_date, currency, expected, actual, difference, explanation, first_seen, status FROM incoming_breaks;
COMMIT;
