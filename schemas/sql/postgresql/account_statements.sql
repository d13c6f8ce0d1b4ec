-- account_statements: A line of an account's statement
-- Printed by `tieout schema account_statements --dialect postgresql`; do not edit.
-- Key: acc_id, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- `tieout load` does all of this from the lake. With psql alone, run it in the report folder, which holds account_statements.csv:
-- psql -v ON_ERROR_STOP=1 -v from=2026-01-01 -v to=2026-01-31 -f account_statements.sql   (the window's first and last day)

-- 1. The table
CREATE TABLE IF NOT EXISTS account_statements (
    "acc_id" TEXT,
    "txid" TEXT NOT NULL,
    "booking_date" DATE NOT NULL,
    "booked_at" TIMESTAMPTZ NOT NULL,
    "amount" NUMERIC(18, 4) NOT NULL,
    "currency" TEXT,
    "balance_after" NUMERIC(18, 4),
    "status" TEXT,
    "provider_status" TEXT,
    "description" TEXT,
    "executed_at" TIMESTAMPTZ,
    "counterparty_iban" TEXT,
    "counterparty_bic" TEXT,
    "comment" TEXT,
    "virtual_iban" TEXT
);
COMMENT ON TABLE account_statements IS 'A line of an account''s statement';
COMMENT ON COLUMN account_statements."acc_id" IS 'The provider''s id of the account';
COMMENT ON COLUMN account_statements."txid" IS 'The provider''s id of the row';
COMMENT ON COLUMN account_statements."booking_date" IS 'The local day on which the row is booked; windows and partitions go by it';
COMMENT ON COLUMN account_statements."booked_at" IS 'When the provider booked the row';
COMMENT ON COLUMN account_statements."amount" IS 'What moves the owner''s balance, in `currency`: credit positive, debit negative';
COMMENT ON COLUMN account_statements."currency" IS 'ISO 4217 code of `amount`: the account''s own currency';
COMMENT ON COLUMN account_statements."balance_after" IS 'The owner''s balance after the row, as the provider states it';
COMMENT ON COLUMN account_statements."status" IS 'settled, pending, cancelled, declined or unknown; empty where the row carries none';
COMMENT ON COLUMN account_statements."provider_status" IS 'The status as the provider sent it';
COMMENT ON COLUMN account_statements."description" IS 'The provider''s text for the row';
COMMENT ON COLUMN account_statements."executed_at" IS 'When the movement was executed';
COMMENT ON COLUMN account_statements."counterparty_iban" IS 'IBAN of the other side';
COMMENT ON COLUMN account_statements."counterparty_bic" IS 'BIC (SWIFT code) of the other side''s bank';
COMMENT ON COLUMN account_statements."comment" IS 'The remittance text';
COMMENT ON COLUMN account_statements."virtual_iban" IS 'The virtual IBAN through which the movement came';
CREATE INDEX IF NOT EXISTS account_statements_by_day ON account_statements (booking_date, acc_id);

-- 2. Load: what came in
CREATE TEMPORARY TABLE incoming_account_statements (LIKE account_statements);
\copy incoming_account_statements FROM 'account_statements.csv' WITH (FORMAT csv, HEADER match)

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM account_statements WHERE booking_date BETWEEN :'from' AND :'to';
INSERT INTO account_statements ("acc_id", "txid", "booking_date", "booked_at", "amount", "currency", "balance_after", "status", "provider_status", "description", "executed_at", "counterparty_iban", "counterparty_bic", "comment", "virtual_iban")
SELECT "acc_id", "txid", "booking_date", "booked_at", "amount", "currency", "balance_after", "status", "provider_status", "description", "executed_at", "counterparty_iban", "counterparty_bic", "comment", "virtual_iban" FROM incoming_account_statements WHERE booking_date BETWEEN :'from' AND :'to';
COMMIT;
