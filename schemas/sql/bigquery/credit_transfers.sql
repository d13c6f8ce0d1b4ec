-- credit_transfers: A credit transfer ordered out of an account
-- Printed by `tieout schema credit_transfers --dialect bigquery`; do not edit.
-- Key: acc_id, internal_id. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS credit_transfers (
    `acc_id` STRING OPTIONS (description = 'The provider\'s id of the account'),
    `internal_id` STRING NOT NULL OPTIONS (description = 'The provider\'s id of the transfer'),
    `booking_date` DATE NOT NULL OPTIONS (description = 'The executed date, else the requested, else the day of creation'),
    `created_at` TIMESTAMP OPTIONS (description = 'When the transfer was ordered'),
    `requested_date` DATE OPTIONS (description = 'The day asked for'),
    `executed_date` DATE OPTIONS (description = 'The day on which it was executed'),
    `amount` NUMERIC(18, 4) NOT NULL OPTIONS (description = 'The amount in `currency`, negative: money leaves'),
    `currency` STRING OPTIONS (description = 'ISO 4217 code of `amount`'),
    `status` STRING NOT NULL OPTIONS (description = 'in_progress, to_execute, cancelled, executed or unknown'),
    `provider_status` STRING OPTIONS (description = 'The status as the provider sent it'),
    `transaction_type` STRING OPTIONS (description = 'ct (credit transfer) or sdd (SEPA direct debit)'),
    `execution_reference` STRING OPTIONS (description = 'The reference under which it was executed'),
    `beneficiary_name` STRING OPTIONS (description = 'Who is paid'),
    `beneficiary_iban` STRING OPTIONS (description = 'The IBAN that is paid'),
    `beneficiary_bic` STRING OPTIONS (description = 'The BIC (SWIFT code) of the bank that is paid'),
    `reason` STRING OPTIONS (description = 'The text for the beneficiary'),
    `source_reason` STRING OPTIONS (description = 'The text for the payer\'s own statement')
)
PARTITION BY booking_date
CLUSTER BY acc_id
OPTIONS (description = 'A credit transfer ordered out of an account');

-- 2. Load: what came in
DECLARE from_day DATE DEFAULT DATE '2026-01-01';
DECLARE to_day DATE DEFAULT DATE '2026-01-31';
LOAD DATA OVERWRITE incoming_credit_transfers
FROM FILES (format = 'PARQUET', uris = ['gs://BUCKET/lake/credit_transfers/*']);

-- 3. Merge: it takes the place of what was there
BEGIN TRANSACTION;
DELETE FROM credit_transfers WHERE booking_date BETWEEN from_day AND to_day;
INSERT INTO credit_transfers (`acc_id`, `internal_id`, `booking_date`, `created_at`, `requested_date`, `executed_date`, `amount`, `currency`, `status`, `provider_status`, `transaction_type`, `execution_reference`, `beneficiary_name`, `beneficiary_iban`, `beneficiary_bic`, `reason`, `source_reason`)
SELECT `acc_id`, `internal_id`, `booking_date`, `created_at`, `requested_date`, `executed_date`, `amount`, `currency`, `status`, `provider_status`, `transaction_type`, `execution_reference`, `beneficiary_name`, `beneficiary_iban`, `beneficiary_bic`, `reason`, `source_reason` FROM incoming_credit_transfers WHERE booking_date BETWEEN from_day AND to_day;
COMMIT TRANSACTION;
