-- breaks: A check that does not hold
-- Printed by `tieout schema breaks --dialect duckdb`; do not edit.
-- Run it in the report folder, which holds breaks.csv.

-- 1. The table
CREATE TABLE IF NOT EXISTS breaks (
    "break_id" VARCHAR NOT NULL,
    "check" VARCHAR NOT NULL,
    "cause" VARCHAR NOT NULL,
    "owner_kind" VARCHAR NOT NULL,
    "owner_id" VARCHAR NOT NULL,
    "txid" VARCHAR,
    "booking_date" DATE,
    "currency" VARCHAR,
    "expected" DECIMAL(18, 4),
    "actual" DECIMAL(18, 4),
    "difference" DECIMAL(18, 4),
    "explanation" VARCHAR NOT NULL,
    "first_seen" DATE NOT NULL,
    "status" VARCHAR NOT NULL
);
COMMENT ON TABLE breaks IS 'A check that does not hold';
COMMENT ON COLUMN breaks."break_id" IS 'Stable over runs: made of check, owner and row';
COMMENT ON COLUMN breaks."check" IS 'The check that does not hold';
COMMENT ON COLUMN breaks."cause" IS 'The smallest explanation found';
COMMENT ON COLUMN breaks."owner_kind" IS 'account, card or provider';
COMMENT ON COLUMN breaks."owner_id" IS 'The account''s id, the card''s reference or the provider''s name';
COMMENT ON COLUMN breaks."txid" IS 'The row at which the check fails first';
COMMENT ON COLUMN breaks."booking_date" IS 'The local day of that row';
COMMENT ON COLUMN breaks."currency" IS 'ISO 4217 code of the three amounts';
COMMENT ON COLUMN breaks."expected" IS 'What should stand there';
COMMENT ON COLUMN breaks."actual" IS 'What stands there';
COMMENT ON COLUMN breaks."difference" IS 'actual − expected';
COMMENT ON COLUMN breaks."explanation" IS 'What happened, in a sentence';
COMMENT ON COLUMN breaks."first_seen" IS 'The day of the run that saw it first';
COMMENT ON COLUMN breaks."status" IS 'open, accepted or resolved';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY TABLE incoming_breaks AS
SELECT "break_id", "check", "cause", "owner_kind", "owner_id", "txid", "booking_date", "currency", "expected", "actual", "difference", "explanation", "first_seen", "status"
FROM read_csv('breaks.csv', header = true, quote = '"', escape = '"', columns = {'break_id': 'VARCHAR', 'check': 'VARCHAR', 'cause': 'VARCHAR', 'owner_kind': 'VARCHAR', 'owner_id': 'VARCHAR', 'txid': 'VARCHAR', 'booking_date': 'DATE', 'currency': 'VARCHAR', 'expected': 'DECIMAL(18, 4)', 'actual': 'DECIMAL(18, 4)', 'difference': 'DECIMAL(18, 4)', 'explanation': 'VARCHAR', 'first_seen': 'DATE', 'status': 'VARCHAR'});

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM breaks WHERE EXISTS (SELECT 1 FROM incoming_breaks WHERE incoming_breaks."break_id" = breaks."break_id");
INSERT INTO breaks ("break_id", "check", "cause", "owner_kind", "owner_id", "txid", "booking_date", "currency", "expected", "actual", "difference", "explanation", "first_seen", "status")
SELECT "break_id", "check", "cause", "owner_kind", "owner_id", "txid", "booking_date", "currency", "expected", "actual", "difference", "explanation", "first_seen", "status" FROM incoming_breaks;
COMMIT;
