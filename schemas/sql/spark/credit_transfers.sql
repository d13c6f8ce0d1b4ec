-- credit_transfers: A credit transfer ordered out of an account
-- Printed by `tieout schema credit_transfers --dialect spark`; do not edit.
-- Key: acc_id, internal_id. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS credit_transfers (
    `acc_id` STRING COMMENT 'The provider\'s id of the account',
    `internal_id` STRING NOT NULL COMMENT 'The provider\'s id of the transfer',
    `booking_date` DATE NOT NULL COMMENT 'The executed date, else the requested, else the day of creation',
    `created_at` TIMESTAMP COMMENT 'When the transfer was ordered',
    `requested_date` DATE COMMENT 'The day asked for',
    `executed_date` DATE COMMENT 'The day on which it was executed',
    `amount` DECIMAL(18, 4) NOT NULL COMMENT 'The amount in `currency`, negative: money leaves',
    `currency` STRING COMMENT 'ISO 4217 code of `amount`',
    `status` STRING NOT NULL COMMENT 'in_progress, to_execute, cancelled, executed or unknown',
    `provider_status` STRING COMMENT 'The status as the provider sent it',
    `transaction_type` STRING COMMENT 'ct (credit transfer) or sdd (SEPA direct debit)',
    `execution_reference` STRING COMMENT 'The reference under which it was executed',
    `beneficiary_name` STRING COMMENT 'Who is paid',
    `beneficiary_iban` STRING COMMENT 'The IBAN that is paid',
    `beneficiary_bic` STRING COMMENT 'The BIC (SWIFT code) of the bank that is paid',
    `reason` STRING COMMENT 'The text for the beneficiary',
    `source_reason` STRING COMMENT 'The text for the payer\'s own statement'
)
USING delta
PARTITIONED BY (booking_date)
COMMENT 'A credit transfer ordered out of an account';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY VIEW incoming_credit_transfers AS
SELECT `acc_id`, `internal_id`, `booking_date`, `created_at`, `requested_date`, `executed_date`, `amount`, `currency`, `status`, `provider_status`, `transaction_type`, `execution_reference`, `beneficiary_name`, `beneficiary_iban`, `beneficiary_bic`, `reason`, `source_reason`
FROM parquet.`s3://BUCKET/lake/credit_transfers`
WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';

-- 3. Merge: it takes the place of what was there
INSERT INTO credit_transfers
REPLACE WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31'
SELECT `acc_id`, `internal_id`, `booking_date`, `created_at`, `requested_date`, `executed_date`, `amount`, `currency`, `status`, `provider_status`, `transaction_type`, `execution_reference`, `beneficiary_name`, `beneficiary_iban`, `beneficiary_bic`, `reason`, `source_reason` FROM incoming_credit_transfers;
