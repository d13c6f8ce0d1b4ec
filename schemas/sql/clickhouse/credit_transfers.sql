-- credit_transfers: A credit transfer ordered out of an account
-- Printed by `tieout schema credit_transfers --dialect clickhouse`; do not edit.
-- Key: acc_id, internal_id. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS credit_transfers (
    `acc_id` Nullable(String) COMMENT 'The provider\'s id of the account',
    `internal_id` String COMMENT 'The provider\'s id of the transfer',
    `booking_date` Date32 COMMENT 'The executed date, else the requested, else the day of creation',
    `created_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the transfer was ordered',
    `requested_date` Nullable(Date32) COMMENT 'The day asked for',
    `executed_date` Nullable(Date32) COMMENT 'The day on which it was executed',
    `amount` Decimal(18, 4) COMMENT 'The amount in `currency`, negative: money leaves',
    `currency` Nullable(String) COMMENT 'ISO 4217 code of `amount`',
    `status` String COMMENT 'in_progress, to_execute, cancelled, executed or unknown',
    `provider_status` Nullable(String) COMMENT 'The status as the provider sent it',
    `transaction_type` Nullable(String) COMMENT 'ct (credit transfer) or sdd (SEPA direct debit)',
    `execution_reference` Nullable(String) COMMENT 'The reference under which it was executed',
    `beneficiary_name` Nullable(String) COMMENT 'Who is paid',
    `beneficiary_iban` Nullable(String) COMMENT 'The IBAN that is paid',
    `beneficiary_bic` Nullable(String) COMMENT 'The BIC (SWIFT code) of the bank that is paid',
    `reason` Nullable(String) COMMENT 'The text for the beneficiary',
    `source_reason` Nullable(String) COMMENT 'The text for the payer\'s own statement'
)
ENGINE = MergeTree
PARTITION BY booking_date
ORDER BY booking_date
COMMENT 'A credit transfer ordered out of an account';

-- 2. Load: what came in
DROP TABLE IF EXISTS incoming_credit_transfers;
CREATE TABLE incoming_credit_transfers AS credit_transfers;
INSERT INTO incoming_credit_transfers (`acc_id`, `internal_id`, `booking_date`, `created_at`, `requested_date`, `executed_date`, `amount`, `currency`, `status`, `provider_status`, `transaction_type`, `execution_reference`, `beneficiary_name`, `beneficiary_iban`, `beneficiary_bic`, `reason`, `source_reason`)
SELECT `acc_id`, `internal_id`, `booking_date`, `created_at`, `requested_date`, `executed_date`, `amount`, `currency`, `status`, `provider_status`, `transaction_type`, `execution_reference`, `beneficiary_name`, `beneficiary_iban`, `beneficiary_bic`, `reason`, `source_reason`
FROM s3('https://BUCKET.s3.amazonaws.com/lake/credit_transfers/booking_date=*/credit_transfers.parquet', 'Parquet')
WHERE booking_date BETWEEN '2026-01-01' AND '2026-01-31';

-- 3. Merge: it takes the place of what was there
-- One statement a day of the window; a day without rows is emptied by it.
ALTER TABLE credit_transfers REPLACE PARTITION '2026-01-01' FROM incoming_credit_transfers;
