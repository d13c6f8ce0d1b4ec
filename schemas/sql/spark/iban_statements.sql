-- iban_statements: A line of an account's IBAN statement: its bank transfers, in and out
-- Printed by `tieout schema iban_statements --dialect spark`; do not edit.
-- Key: acc_id, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS iban_statements (
    `acc_id` STRING COMMENT 'The provider\'s id of the account',
    `txid` STRING NOT NULL COMMENT 'The provider\'s id of the row',
    `booking_date` DATE NOT NULL COMMENT 'The local day on which the row is booked; windows and partitions go by it',
    `booked_at` TIMESTAMP NOT NULL COMMENT 'When the provider booked the row',
    `amount` DECIMAL(18, 4) NOT NULL COMMENT 'What moves the owner\'s balance, in `currency`: credit positive, debit negative',
    `currency` STRING COMMENT 'ISO 4217 code of `amount`: the account\'s own currency',
    `balance_after` DECIMAL(18, 4) COMMENT 'The owner\'s balance after the row, as the provider states it',
    `status` STRING COMMENT 'settled, pending, cancelled, declined or unknown; empty where the row carries none',
    `provider_status` STRING COMMENT 'The status as the provider sent it',
    `description` STRING COMMENT 'The provider\'s text for the row',
    `executed_at` TIMESTAMP COMMENT 'When the movement was executed',
    `counterparty_iban` STRING COMMENT 'IBAN of the other side',
    `counterparty_bic` STRING COMMENT 'BIC (SWIFT code) of the other side\'s bank',
    `comment` STRING COMMENT 'The remittance text',
    `virtual_iban` STRING COMMENT 'The virtual IBAN through which the movement came'
)
USING delta
PARTITIONED BY (booking_date)
COMMENT 'A line of an account\'s IBAN statement: its bank transfers, in and out';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY VIEW incoming_iban_statements AS
SELECT `acc_id`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `executed_at`, `counterparty_iban`, `counterparty_bic`, `comment`, `virtual_iban`
FROM parquet.`s3://BUCKET/lake/iban_statements`
WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';

-- 3. Merge: it takes the place of what was there
INSERT INTO iban_statements
REPLACE WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31'
SELECT `acc_id`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `executed_at`, `counterparty_iban`, `counterparty_bic`, `comment`, `virtual_iban` FROM incoming_iban_statements;
