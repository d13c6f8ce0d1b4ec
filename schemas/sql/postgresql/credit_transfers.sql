-- credit_transfers: A credit transfer ordered out of an account
-- Printed by `tieout schema credit_transfers --dialect postgresql`; do not edit.
-- Key: acc_id, internal_id. It is not declared: a provider may send a row twice, which is a break and must load.
-- `tieout load` does all of this from the lake. With psql alone, run it in the report folder, which holds credit_transfers.csv:
-- psql -v ON_ERROR_STOP=1 -v from=2026-01-01 -v to=2026-01-31 -f credit_transfers.sql   (the window's first and last day)

-- 1. The table
CREATE TABLE IF NOT EXISTS credit_transfers (
    "acc_id" TEXT,
    "internal_id" TEXT NOT NULL,
    "booking_date" DATE NOT NULL,
    "created_at" TIMESTAMPTZ,
    "requested_date" DATE,
    "executed_date" DATE,
    "amount" NUMERIC(18, 4) NOT NULL,
    "currency" TEXT,
    "status" TEXT NOT NULL,
    "provider_status" TEXT,
    "transaction_type" TEXT,
    "execution_reference" TEXT,
    "beneficiary_name" TEXT,
    "beneficiary_iban" TEXT,
    "beneficiary_bic" TEXT,
    "reason" TEXT,
    "source_reason" TEXT
);
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
CREATE INDEX IF NOT EXISTS credit_transfers_by_day ON credit_transfers (booking_date, acc_id);

-- 2. Load: what came in
CREATE TEMPORARY TABLE incoming_credit_transfers (LIKE credit_transfers);
\copy incoming_credit_transfers FROM 'credit_transfers.csv' WITH (FORMAT csv, HEADER match)

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM credit_transfers WHERE booking_date BETWEEN :'from' AND :'to';
INSERT INTO credit_transfers ("acc_id", "internal_id", "booking_date", "created_at", "requested_date", "executed_date", "amount", "currency", "status", "provider_status", "transaction_type", "execution_reference", "beneficiary_name", "beneficiary_iban", "beneficiary_bic", "reason", "source_reason")
SELECT "acc_id", "internal_id", "booking_date", "created_at", "requested_date", "executed_date", "amount", "currency", "status", "provider_status", "transaction_type", "execution_reference", "beneficiary_name", "beneficiary_iban", "beneficiary_bic", "reason", "source_reason" FROM incoming_credit_transfers WHERE booking_date BETWEEN :'from' AND :'to';
COMMIT;
