-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect snowflake`; do not edit.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    owner_kind VARCHAR NOT NULL COMMENT 'account or card',
    owner_id VARCHAR NOT NULL COMMENT 'The account''s id or the card''s reference',
    currency VARCHAR COMMENT 'ISO 4217 code of the balance',
    booking_date DATE NOT NULL COMMENT 'The local day',
    opening NUMBER(18, 4) COMMENT 'The balance before the day''s first settled row',
    credits NUMBER(18, 4) COMMENT 'The sum of what settled rows added to the balance, fees charged on top included; empty beyond 18 digits',
    debits NUMBER(18, 4) COMMENT 'The sum of what settled rows took from the balance, fees charged on top included; not positive; empty beyond 18 digits',
    closing NUMBER(18, 4) COMMENT 'The balance after the day''s last settled row, as the provider states it',
    entries BIGINT NOT NULL COMMENT 'How many settled rows the day has',
    verdict VARCHAR NOT NULL COMMENT 'tied, broken or ambiguous',
    PRIMARY KEY (owner_kind, owner_id, booking_date)
)
CLUSTER BY (booking_date)
COMMENT = 'An owner''s day that has settled rows';

-- 2. Load: what came in
SET from_day = '2026-01-01';
SET to_day = '2026-01-31';
CREATE OR REPLACE TEMPORARY TABLE incoming_balances LIKE balances;
COPY INTO incoming_balances FROM @STAGE/lake/balances/
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM balances WHERE booking_date BETWEEN $from_day AND $to_day;
INSERT INTO balances (owner_kind, owner_id, currency, booking_date, opening, credits, debits, closing, entries, verdict)
SELECT owner_kind, owner_id, currency, booking_date, opening, credits, debits, closing, entries, verdict FROM incoming_balances WHERE booking_date BETWEEN $from_day AND $to_day;
COMMIT;
