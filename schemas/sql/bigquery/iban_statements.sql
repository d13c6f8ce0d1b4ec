-- iban_statements: A line of an account's IBAN statement: its bank transfers, in and out
-- Printed by `tieout schema iban_statements --dialect bigquery`; do not edit.
-- Key: acc_id, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS iban_statements (
    `acc_id` STRING OPTIONS (description = 'The provider\'s id of the account'),
    `txid` STRING NOT NULL OPTIONS (description = 'The provider\'s id of the row'),
    `booking_date` DATE NOT NULL OPTIONS (description = 'The local day on which the row is booked; windows and partitions go by it'),
    `booked_at` TIMESTAMP NOT NULL OPTIONS (description = 'When the provider booked the row'),
    `amount` NUMERIC(18, 4) NOT NULL OPTIONS (description = 'What moves the owner\'s balance, in `currency`: credit positive, debit negative'),
    `currency` STRING OPTIONS (description = 'ISO 4217 code of `amount`: the account\'s own currency'),
    `balance_after` NUMERIC(18, 4) OPTIONS (description = 'The owner\'s balance after the row, as the provider states it'),
    `status` STRING OPTIONS (description = 'settled, pending, cancelled, declined or unknown; empty where the row carries none'),
    `provider_status` STRING OPTIONS (description = 'The status as the provider sent it'),
    `description` STRING OPTIONS (description = 'The provider\'s text for the row'),
    `executed_at` TIMESTAMP OPTIONS (description = 'When the movement was executed'),
    `counterparty_iban` STRING OPTIONS (description = 'IBAN of the other side'),
    `counterparty_bic` STRING OPTIONS (description = 'BIC (SWIFT code) of the other side\'s bank'),
    `comment` STRING OPTIONS (description = 'The remittance text'),
    `virtual_iban` STRING OPTIONS (description = 'The virtual IBAN through which the movement came')
)
PARTITION BY booking_date
CLUSTER BY acc_id
OPTIONS (description = 'A line of an account\'s IBAN statement: its bank transfers, in and out');

-- 2. Load: what came in
DECLARE from_day DATE DEFAULT DATE '2026-01-01';
DECLARE to_day DATE DEFAULT DATE '2026-01-31';
LOAD DATA OVERWRITE incoming_iban_statements
FROM FILES (format = 'PARQUET', uris = ['gs://BUCKET/lake/iban_statements/*']);

-- 3. Merge: it takes the place of what was there
BEGIN TRANSACTION;
DELETE FROM iban_statements WHERE booking_date BETWEEN from_day AND to_day;
INSERT INTO iban_statements (`acc_id`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `executed_at`, `counterparty_iban`, `counterparty_bic`, `comment`, `virtual_iban`)
SELECT `acc_id`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `executed_at`, `counterparty_iban`, `counterparty_bic`, `comment`, `virtual_iban` FROM incoming_iban_statements WHERE booking_date BETWEEN from_day AND to_day;
COMMIT TRANSACTION;
