-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect postgresql`; do not edit.
-- `tieout load` does all of this from the lake. With psql alone, run it in the report folder, which holds balances.csv:
-- psql -v ON_ERROR_STOP=1 -v from=2026-01-01 -v to=2026-01-31 -f balances.sql   (the window's first and last day)

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    "owner_kind" TEXT NOT NULL,
    "owner_id" TEXT NOT NULL,
    "currency" TEXT,
    "booking_date" DATE NOT NULL,
    "opening" NUMERIC(18, 4),
    "credits" NUMERIC(18, 4),
    "debits" NUMERIC(18, 4),
    "closing" NUMERIC(18, 4),
    "entries" BIGINT NOT NULL,
    "verdict" TEXT NOT NULL,
    PRIMARY KEY ("owner_kind", "owner_id", "booking_date")
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
CREATE INDEX IF NOT EXISTS balances_by_day ON balances (booking_date, owner_id);

-- 2. Load: what came in
CREATE TEMPORARY TABLE incoming_balances (LIKE balances);
\copy incoming_balances FROM 'balances.csv' WITH (FORMAT csv, HEADER match)

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM balances WHERE booking_date BETWEEN :'from' AND :'to';
INSERT INTO balances ("owner_kind", "owner_id", "currency", "booking_date", "opening", "credits", "debits", "closing", "entries", "verdict")
SELECT "owner_kind", "owner_id", "currency", "booking_date", "opening", "credits", "debits", "closing", "entries", "verdict" FROM incoming_balances WHERE booking_date BETWEEN :'from' AND :'to';
COMMIT;
