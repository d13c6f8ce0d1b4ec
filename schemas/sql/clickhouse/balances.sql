-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect clickhouse`; do not edit.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    `owner_kind` String COMMENT 'account or card',
    `owner_id` String COMMENT 'The account\'s id or the card\'s reference',
    `currency` Nullable(String) COMMENT 'ISO 4217 code of the balance',
    `booking_date` Date32 COMMENT 'The local day',
    `opening` Nullable(Decimal(18, 4)) COMMENT 'The balance before the day\'s first settled row',
    `credits` Nullable(Decimal(18, 4)) COMMENT 'The sum of what settled rows added to the balance, fees charged on top included; empty beyond 18 digits',
    `debits` Nullable(Decimal(18, 4)) COMMENT 'The sum of what settled rows took from the balance, fees charged on top included; not positive; empty beyond 18 digits',
    `closing` Nullable(Decimal(18, 4)) COMMENT 'The balance after the day\'s last settled row, as the provider states it',
    `entries` Int64 COMMENT 'How many settled rows the day has',
    `verdict` String COMMENT 'tied, broken or ambiguous'
)
ENGINE = MergeTree
PARTITION BY booking_date
ORDER BY booking_date
COMMENT 'An owner\'s day that has settled rows';

-- 2. Load: what came in
DROP TABLE IF EXISTS incoming_balances;
CREATE TABLE incoming_balances AS balances;
INSERT INTO incoming_balances (`owner_kind`, `owner_id`, `currency`, `booking_date`, `opening`, `credits`, `debits`, `closing`, `entries`, `verdict`)
SELECT `owner_kind`, `owner_id`, `currency`, `booking_date`, `opening`, `credits`, `debits`, `closing`, `entries`, `verdict`
FROM s3('https://BUCKET.s3.amazonaws.com/lake/balances/booking_date=*/balances.parquet', 'Parquet')
WHERE booking_date BETWEEN '2026-01-01' AND '2026-01-31';

-- 3. Merge: it takes the place of what was there
-- One statement a day of the window; a day without rows is emptied by it.
ALTER TABLE balances REPLACE PARTITION '2026-01-01' FROM incoming_balances;
