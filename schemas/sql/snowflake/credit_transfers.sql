-- credit_transfers: A credit transfer ordered out of an account
-- Printed by `tieout schema credit_transfers --dialect snowflake`; do not edit.
-- Key: acc_id, internal_id. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS credit_transfers (
    acc_id VARCHAR COMMENT 'The provider''s id of the account',
    internal_id VARCHAR NOT NULL COMMENT 'The provider''s id of the transfer',
    booking_date DATE NOT NULL COMMENT 'The executed date, else the requested, else the day of creation',
    created_at TIMESTAMP_TZ COMMENT 'When the transfer was ordered',
    requested_date DATE COMMENT 'The day asked for',
    executed_date DATE COMMENT 'The day on which it was executed',
    amount NUMBER(18, 4) NOT NULL COMMENT 'The amount in `currency`, negative: money leaves',
    currency VARCHAR COMMENT 'ISO 4217 code of `amount`',
    status VARCHAR NOT NULL COMMENT 'in_progress, to_execute, cancelled, executed or unknown',
    provider_status VARCHAR COMMENT 'The status as the provider sent it',
    transaction_type VARCHAR COMMENT 'ct (credit transfer) or sdd (SEPA direct debit)',
    execution_reference VARCHAR COMMENT 'The reference under which it was executed',
    beneficiary_name VARCHAR COMMENT 'Who is paid',
    beneficiary_iban VARCHAR COMMENT 'The IBAN that is paid',
    beneficiary_bic VARCHAR COMMENT 'The BIC (SWIFT code) of the bank that is paid',
    reason VARCHAR COMMENT 'The text for the beneficiary',
    source_reason VARCHAR COMMENT 'The text for the payer''s own statement'
)
CLUSTER BY (booking_date)
COMMENT = 'A credit transfer ordered out of an account';

-- 2. Load: what came in
SET from_day = '2026-01-01';
SET to_day = '2026-01-31';
CREATE OR REPLACE TEMPORARY TABLE incoming_credit_transfers LIKE credit_transfers;
COPY INTO incoming_credit_transfers FROM @STAGE/lake/credit_transfers/
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM credit_transfers WHERE booking_date BETWEEN $from_day AND $to_day;
INSERT INTO credit_transfers (acc_id, internal_id, booking_date, created_at, requested_date, executed_date, amount, currency, status, provider_status, transaction_type, execution_reference, beneficiary_name, beneficiary_iban, beneficiary_bic, reason, source_reason)
SELECT acc_id, internal_id, booking_date, created_at, requested_date, executed_date, amount, currency, status, provider_status, transaction_type, execution_reference, beneficiary_name, beneficiary_iban, beneficiary_bic, reason, source_reason FROM incoming_credit_transfers WHERE booking_date BETWEEN $from_day AND $to_day;
COMMIT;
