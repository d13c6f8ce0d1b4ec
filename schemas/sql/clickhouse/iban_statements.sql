-- iban_statements: A line of an account's IBAN statement: its bank transfers, in and out
-- Printed by `tieout schema iban_statements --dialect clickhouse`; do not edit.
-- Key: acc_id, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS iban_statements (
    `acc_id` Nullable(String) COMMENT 'The provider\'s id of the account',
    `txid` String COMMENT 'The provider\'s id of the row',
    `booking_date` Date32 COMMENT 'The local day on which the row is booked; windows and partitions go by it',
    `booked_at` DateTime64(6, 'UTC') COMMENT 'When the provider booked the row',
    `amount` Decimal(18, 4) COMMENT 'What moves the owner\'s balance, in `currency`: credit positive, debit negative',
    `currency` Nullable(String) COMMENT 'ISO 4217 code of `amount`: the account\'s own currency',
    `balance_after` Nullable(Decimal(18, 4)) COMMENT 'The owner\'s balance after the row, as the provider states it',
    `status` Nullable(String) COMMENT 'settled, pending, cancelled, declined or unknown; empty where the row carries none',
    `provider_status` Nullable(String) COMMENT 'The status as the provider sent it',
    `description` Nullable(String) COMMENT 'The provider\'s text for the row',
    `executed_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the movement was executed',
    `counterparty_iban` Nullable(String) COMMENT 'IBAN of the other side',
    `counterparty_bic` Nullable(String) COMMENT 'BIC (SWIFT code) of the other side\'s bank',
    `comment` Nullable(String) COMMENT 'The remittance text',
    `virtual_iban` Nullable(String) COMMENT 'The virtual IBAN through which the movement came'
)
ENGINE = MergeTree
PARTITION BY booking_date
ORDER BY booking_date
COMMENT 'A line of an account\'s IBAN statement: its bank transfers, in and out';

-- 2. Load: what came in
DROP TABLE IF EXISTS incoming_iban_statements;
CREATE TABLE incoming_iban_statements AS iban_statements;
INSERT INTO incoming_iban_statements (`acc_id`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `executed_at`, `counterparty_iban`, `counterparty_bic`, `comment`, `virtual_iban`)
SELECT `acc_id`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `executed_at`, `counterparty_iban`, `counterparty_bic`, `comment`, `virtual_iban`
FROM s3('https://BUCKET.s3.amazonaws.com/lake/iban_statements/booking_date=*/iban_statements.parquet', 'Parquet')
WHERE booking_date BETWEEN '2026-01-01' AND '2026-01-31';

-- 3. Merge: it takes the place of what was there
-- One statement a day of the window; a day without rows is emptied by it.
ALTER TABLE iban_statements REPLACE PARTITION '2026-01-01' FROM incoming_iban_statements;
