-- credit_transfers: A credit transfer ordered out of an account
-- Printed by `tieout schema credit_transfers --dialect redshift`; do not edit.
-- Key: acc_id, internal_id. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS credit_transfers (
    "acc_id" VARCHAR(65535),
    "internal_id" VARCHAR(65535) NOT NULL,
    "booking_date" DATE NOT NULL,
    "created_at" TIMESTAMPTZ,
    "requested_date" DATE,
    "executed_date" DATE,
    "amount" DECIMAL(18, 4) NOT NULL,
    "currency" VARCHAR(65535),
    "status" VARCHAR(65535) NOT NULL,
    "provider_status" VARCHAR(65535),
    "transaction_type" VARCHAR(65535),
    "execution_reference" VARCHAR(65535),
    "beneficiary_name" VARCHAR(65535),
    "beneficiary_iban" VARCHAR(65535),
    "beneficiary_bic" VARCHAR(65535),
    "reason" VARCHAR(65535),
    "source_reason" VARCHAR(65535)
)
DISTSTYLE AUTO
SORTKEY (booking_date);
COMMENT ON TABLE credit_transfers IS 'A credit transfer ordered out of an account';
COMMENT ON COLUMN credit_transfers."acc_id" IS 'The provider''s id of the account';
COMMENT ON COLUMN credit_transfers."internal_id" IS 'The provider''s id of the transfer';
COMMENT ON COLUMN credit_transfers."booking_date" IS 'The executed date, else the requested, else the day of creation';
COMMENT ON COLUMN credit_transfers."created_at" IS 'When the transfer was ordered';
COMMENT ON COLUMN credit_transfers."requested_date" IS 'The day asked for';
COMMENT ON COLUMN credit_transfers."executed_date" IS 'The day on which it was executed';
COMMENT ON COLUMN credit_transfers."amount" IS 'The amount in `currency`, negative: money leaves';
COMMENT ON COLUMN credit_transfers."currency" IS 'ISO 4217 code of `amount`';
COMMENT ON COLUMN credit_transfers."status" IS 'in_progress, to_execute, cancelled, executed or unknown';
COMMENT ON COLUMN credit_transfers."provider_status" IS 'The status as the provider sent it';
COMMENT ON COLUMN credit_transfers."transaction_type" IS 'ct (credit transfer) or sdd (SEPA direct debit)';
COMMENT ON COLUMN credit_transfers."execution_reference" IS 'The reference under which it was executed';
COMMENT ON COLUMN credit_transfers."beneficiary_name" IS 'Who is paid';
COMMENT ON COLUMN credit_transfers."beneficiary_iban" IS 'The IBAN that is paid';
COMMENT ON COLUMN credit_transfers."beneficiary_bic" IS 'The BIC (SWIFT code) of the bank that is paid';
COMMENT ON COLUMN credit_transfers."reason" IS 'The text for the beneficiary';
COMMENT ON COLUMN credit_transfers."source_reason" IS 'The text for the payer''s own statement';

-- 2. Load: what came in
CREATE TEMPORARY TABLE incoming_credit_transfers (LIKE credit_transfers);
COPY incoming_credit_transfers FROM 's3://BUCKET/lake/credit_transfers/' IAM_ROLE DEFAULT FORMAT AS PARQUET;

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM credit_transfers WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';
INSERT INTO credit_transfers ("acc_id", "internal_id", "booking_date", "created_at", "requested_date", "executed_date", "amount", "currency", "status", "provider_status", "transaction_type", "execution_reference", "beneficiary_name", "beneficiary_iban", "beneficiary_bic", "reason", "source_reason")
SELECT "acc_id", "internal_id", "booking_date", "created_at", "requested_date", "executed_date", "amount", "currency", "status", "provider_status", "transaction_type", "execution_reference", "beneficiary_name", "beneficiary_iban", "beneficiary_bic", "reason", "source_reason" FROM incoming_credit_transfers WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';
COMMIT;
