-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect duckdb`; do not edit.
-- Run it in the output directory, which holds lake/; put in the window's first and last day below.

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    "owner_kind" VARCHAR NOT NULL,
    "owner_id" VARCHAR NOT NULL,
    "currency" VARCHAR,
    "booking_date" DATE NOT NULL,
    "opening" DECIMAL(18, 4),
    "credits" DECIMAL(18, 4),
    "debits" DECIMAL(18, 4),
    "closing" DECIMAL(18, 4),
    "entries" BIGINT NOT NULL,
    "verdict" VARCHAR NOT NULL
);
COMMENT ON TABLE balances IS 'An owner''s day that has settled rows';
COMMENT ON COLUMN balances."owner_kind" IS 'account or card';
COMMENT ON COLUMN balances."owner_id" IS 'The account''s id or the card''s reference';
COMMENT ON COLUMN balances."currency" IS 'ISO 4217 code of the balance';
COMMENT ON COLUMN balances."booking_date" IS 'The local day';
COMMENT ON COLUMN balances."opening" IS 'The balance before the day''s first settled row';
COMMENT ON COLUMN balances."credits" IS 'The sum of what settled rows added to the balance, fees charged on top included; empty beyond 18 digits';
COMMENT ON COLUMN balances."debits" IS 'The sum of what settled rows took from the balance, fees charged on top included; not positive; empty beyond 18 digits';
COMMENT ON COLUMN balances."closing" IS 'The balance after the day''s last settled row, as the provider states it';
COMMENT ON COLUMN balances."entries" IS 'How many settled rows the day has';
COMMENT ON COLUMN balances."verdict" IS 'tied, broken or ambiguous';

-- 2. Load: what came in
SET VARIABLE from_day = DATE '2026-01-01';
SET VARIABLE to_day = DATE '2026-01-31';
CREATE OR REPLACE TEMPORARY VIEW incoming_balances AS
SELECT "owner_kind", "owner_id", "currency", "booking_date", "opening", "credits", "debits", "closing", "entries", "verdict"
FROM read_parquet('lake/balances/booking_date=*/balances.parquet', hive_partitioning = false)
WHERE booking_date BETWEEN getvariable('from_day') AND getvariable('to_day');

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM balances WHERE booking_date BETWEEN getvariable('from_day') AND getvariable('to_day');
INSERT INTO balances ("owner_kind", "owner_id", "currency", "booking_date", "opening", "credits", "debits", "closing", "entries", "verdict")
SELECT "owner_kind", "owner_id", "currency", "booking_date", "opening", "credits", "debits", "closing", "entries", "verdict" FROM incoming_balances WHERE booking_date BETWEEN getvariable('from_day') AND getvariable('to_day');
COMMIT;
