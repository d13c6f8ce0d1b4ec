-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect redshift`; do not edit.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    "owner_kind" VARCHAR(65535) NOT NULL,
    "owner_id" VARCHAR(65535) NOT NULL,
    "currency" VARCHAR(65535),
    "booking_date" DATE NOT NULL,
    "opening" DECIMAL(18, 4),
    "credits" DECIMAL(18, 4),
    "debits" DECIMAL(18, 4),
    "closing" DECIMAL(18, 4),
    "entries" BIGINT NOT NULL,
    "verdict" VARCHAR(65535) NOT NULL,
    PRIMARY KEY ("owner_kind", "owner_id", "booking_date")
)
DISTSTYLE AUTO
SORTKEY (booking_date);
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
CREATE TEMPORARY TABLE incoming_balances (LIKE balances);
COPY incoming_balances FROM 's3://BUCKET/lake/balances/' IAM_ROLE DEFAULT FORMAT AS PARQUET;

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM balances WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';
INSERT INTO balances ("owner_kind", "owner_id", "currency", "booking_date", "opening", "credits", "debits", "closing", "entries", "verdict")
SELECT "owner_kind", "owner_id", "currency", "booking_date", "opening", "credits", "debits", "closing", "entries", "verdict" FROM incoming_balances WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';
COMMIT;
