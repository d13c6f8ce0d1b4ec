-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect spark`; do not edit.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    `owner_kind` STRING NOT NULL COMMENT 'account or card',
    `owner_id` STRING NOT NULL COMMENT 'The account\'s id or the card\'s reference',
    `currency` STRING COMMENT 'ISO 4217 code of the balance',
    `booking_date` DATE NOT NULL COMMENT 'The local day',
    `opening` DECIMAL(18, 4) COMMENT 'The balance before the day\'s first settled row',
    `credits` DECIMAL(18, 4) COMMENT 'The sum of what settled rows added to the balance, fees charged on top included; empty beyond 18 digits',
    `debits` DECIMAL(18, 4) COMMENT 'The sum of what settled rows took from the balance, fees charged on top included; not positive; empty beyond 18 digits',
    `closing` DECIMAL(18, 4) COMMENT 'The balance after the day\'s last settled row, as the provider states it',
    `entries` BIGINT NOT NULL COMMENT 'How many settled rows the day has',
    `verdict` STRING NOT NULL COMMENT 'tied, broken or ambiguous'
)
USING delta
PARTITIONED BY (booking_date)
COMMENT 'An owner\'s day that has settled rows';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY VIEW incoming_balances AS
SELECT `owner_kind`, `owner_id`, `currency`, `booking_date`, `opening`, `credits`, `debits`, `closing`, `entries`, `verdict`
FROM parquet.`s3://BUCKET/lake/balances`
WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';

-- 3. Merge: it takes the place of what was there
INSERT INTO balances
REPLACE WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31'
SELECT `owner_kind`, `owner_id`, `currency`, `booking_date`, `opening`, `credits`, `debits`, `closing`, `entries`, `verdict` FROM incoming_balances;
