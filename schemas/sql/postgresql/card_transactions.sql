-- card_transactions: A transaction of a payment card
-- Printed by `tieout schema card_transactions --dialect postgresql`; do not edit.
-- Key: card_ref, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- `tieout load` does all of this from the lake. With psql alone, run it in the report folder, which holds card_transactions.csv:
-- psql -v ON_ERROR_STOP=1 -v from=2026-01-01 -v to=2026-01-31 -f card_transactions.sql   (the window's first and last day)

-- 1. The table
CREATE TABLE IF NOT EXISTS card_transactions (
    "acc_id" TEXT,
    "card_ref" TEXT NOT NULL,
    "txid" TEXT NOT NULL,
    "booking_date" DATE NOT NULL,
    "booked_at" TIMESTAMPTZ NOT NULL,
    "amount" NUMERIC(18, 4) NOT NULL,
    "currency" TEXT,
    "balance_after" NUMERIC(18, 4),
    "status" TEXT,
    "provider_status" TEXT,
    "description" TEXT,
    "transacted_at" TIMESTAMPTZ,
    "amount_fx" NUMERIC(18, 4),
    "currency_fx" TEXT,
    "fx_rate" NUMERIC(18, 8),
    "fx_fee" NUMERIC(18, 8),
    "mcc" TEXT,
    "vat_details" TEXT,
    "failed_code" TEXT,
    "failed_message" TEXT
);
COMMENT ON TABLE card_transactions IS 'A transaction of a payment card';
COMMENT ON COLUMN card_transactions."acc_id" IS 'The provider''s id of the account';
COMMENT ON COLUMN card_transactions."card_ref" IS 'The provider''s reference of the card';
COMMENT ON COLUMN card_transactions."txid" IS 'The provider''s id of the row';
COMMENT ON COLUMN card_transactions."booking_date" IS 'The local day on which the row is booked; windows and partitions go by it';
COMMENT ON COLUMN card_transactions."booked_at" IS 'When the provider booked the row';
COMMENT ON COLUMN card_transactions."amount" IS 'What moves the owner''s balance, in `currency`: credit positive, debit negative';
COMMENT ON COLUMN card_transactions."currency" IS 'ISO 4217 code of `amount`: the account''s own currency';
COMMENT ON COLUMN card_transactions."balance_after" IS 'The owner''s balance after the row, as the provider states it';
COMMENT ON COLUMN card_transactions."status" IS 'settled, pending, cancelled, declined or unknown; empty where the row carries none';
COMMENT ON COLUMN card_transactions."provider_status" IS 'The status as the provider sent it';
COMMENT ON COLUMN card_transactions."description" IS 'The provider''s text for the row';
COMMENT ON COLUMN card_transactions."transacted_at" IS 'When the card was used';
COMMENT ON COLUMN card_transactions."amount_fx" IS 'The amount at the merchant, in `currency_fx`, signed like `amount`';
COMMENT ON COLUMN card_transactions."currency_fx" IS 'ISO 4217 code of `amount_fx`, empty when the provider does not tell it';
COMMENT ON COLUMN card_transactions."fx_rate" IS 'The exchange rate that the provider states';
COMMENT ON COLUMN card_transactions."fx_fee" IS 'The exchange fee that the provider states: an amount or a rate, as sent';
COMMENT ON COLUMN card_transactions."mcc" IS 'Merchant category code';
COMMENT ON COLUMN card_transactions."vat_details" IS 'VAT as a compact JSON array of {"rate":"…","amount":"…"}';
COMMENT ON COLUMN card_transactions."failed_code" IS 'Why the transaction failed: the provider''s code';
COMMENT ON COLUMN card_transactions."failed_message" IS 'Why the transaction failed: the provider''s words';
CREATE INDEX IF NOT EXISTS card_transactions_by_day ON card_transactions (booking_date, card_ref);

-- 2. Load: what came in
CREATE TEMPORARY TABLE incoming_card_transactions (LIKE card_transactions);
\copy incoming_card_transactions FROM 'card_transactions.csv' WITH (FORMAT csv, HEADER match)

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM card_transactions WHERE booking_date BETWEEN :'from' AND :'to';
INSERT INTO card_transactions ("acc_id", "card_ref", "txid", "booking_date", "booked_at", "amount", "currency", "balance_after", "status", "provider_status", "description", "transacted_at", "amount_fx", "currency_fx", "fx_rate", "fx_fee", "mcc", "vat_details", "failed_code", "failed_message")
SELECT "acc_id", "card_ref", "txid", "booking_date", "booked_at", "amount", "currency", "balance_after", "status", "provider_status", "description", "transacted_at", "amount_fx", "currency_fx", "fx_rate", "fx_fee", "mcc", "vat_details", "failed_code", "failed_message" FROM incoming_card_transactions WHERE booking_date BETWEEN :'from' AND :'to';
COMMIT;
