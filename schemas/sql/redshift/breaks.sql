-- breaks: A check that does not hold
-- Printed by `tieout schema breaks --dialect redshift`; do not edit.
-- Put in where breaks.csv is.

-- 1. The table
CREATE TABLE IF NOT EXISTS breaks (
    "break_id" VARCHAR(65535) NOT NULL,
    "check" VARCHAR(65535) NOT NULL,
    "cause" VARCHAR(65535) NOT NULL,
    "owner_kind" VARCHAR(65535) NOT NULL,
    "owner_id" VARCHAR(65535) NOT NULL,
    "txid" VARCHAR(65535),
    "booking_date" DATE,
    "currency" VARCHAR(65535),
    "expected" DECIMAL(18, 4),
    "actual" DECIMAL(18, 4),
    "difference" DECIMAL(18, 4),
    "explanation" VARCHAR(65535) NOT NULL,
    "first_seen" DATE NOT NULL,
    "status" VARCHAR(65535) NOT NULL,
    PRIMARY KEY ("break_id")
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
CREATE TEMPORARY TABLE incoming_breaks (LIKE breaks);
COPY incoming_breaks FROM 's3://BUCKET/breaks.csv' IAM_ROLE DEFAULT FORMAT AS CSV IGNOREHEADER 1 TIMEFORMAT 'auto';

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM breaks WHERE EXISTS (SELECT 1 FROM incoming_breaks WHERE incoming_breaks."break_id" = breaks."break_id");
INSERT INTO breaks ("break_id", "check", "cause", "owner_kind", "owner_id", "txid", "booking_date", "currency", "expected", "actual", "difference", "explanation", "first_seen", "status")
SELECT "break_id", "check", "cause", "owner_kind", "owner_id", "txid", "booking_date", "currency", "expected", "actual", "difference", "explanation", "first_seen", "status" FROM incoming_breaks;
COMMIT;
