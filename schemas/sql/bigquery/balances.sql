-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect bigquery`; do not edit.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    `owner_kind` STRING NOT NULL OPTIONS (description = 'account or card'),
    `owner_id` STRING NOT NULL OPTIONS (description = 'The account\'s id or the card\'s reference'),
    `currency` STRING OPTIONS (description = 'ISO 4217 code of the balance'),
    `booking_date` DATE NOT NULL OPTIONS (description = 'The local day'),
    `opening` NUMERIC(18, 4) OPTIONS (description = 'The balance before the day\'s first settled row'),
    `credits` NUMERIC(18, 4) OPTIONS (description = 'The sum of what settled rows added to the balance, fees charged on top included; empty beyond 18 digits'),
    `debits` NUMERIC(18, 4) OPTIONS (description = 'The sum of what settled rows took from the balance, fees charged on top included; not positive; empty beyond 18 digits'),
    `closing` NUMERIC(18, 4) OPTIONS (description = 'The balance after the day\'s last settled row, as the provider states it'),
    `entries` INT64 NOT NULL OPTIONS (description = 'How many settled rows the day has'),
    `verdict` STRING NOT NULL OPTIONS (description = 'tied, broken or ambiguous'),
    PRIMARY KEY (`owner_kind`, `owner_id`, `booking_date`) NOT ENFORCED
)
PARTITION BY booking_date
CLUSTER BY owner_id
OPTIONS (description = 'An owner\'s day that has settled rows');

-- 2. Load: what came in
DECLARE from_day DATE DEFAULT DATE '2026-01-01';
DECLARE to_day DATE DEFAULT DATE '2026-01-31';
LOAD DATA OVERWRITE incoming_balances
FROM FILES (format = 'PARQUET', uris = ['gs://BUCKET/lake/balances/*']);

-- 3. Merge: it takes the place of what was there
BEGIN TRANSACTION;
DELETE FROM balances WHERE booking_date BETWEEN from_day AND to_day;
INSERT INTO balances (`owner_kind`, `owner_id`, `currency`, `booking_date`, `opening`, `credits`, `debits`, `closing`, `entries`, `verdict`)
SELECT `owner_kind`, `owner_id`, `currency`, `booking_date`, `opening`, `credits`, `debits`, `closing`, `entries`, `verdict` FROM incoming_balances WHERE booking_date BETWEEN from_day AND to_day;
COMMIT TRANSACTION;
