-- card_transactions: A transaction of a payment card
-- Printed by `tieout schema card_transactions --dialect redshift`; do not edit.
-- Key: card_ref, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS card_transactions (
    "acc_id" VARCHAR(65535),
    "card_ref" VARCHAR(65535) NOT NULL,
    "txid" VARCHAR(65535) NOT NULL,
    "booking_date" DATE NOT NULL,
    "booked_at" TIMESTAMPTZ NOT NULL,
    "amount" DECIMAL(18, 4) NOT NULL,
    "currency" VARCHAR(65535),
    "balance_after" DECIMAL(18, 4),
    "status" VARCHAR(65535),
    "provider_status" VARCHAR(65535),
    "description" VARCHAR(65535),
    "transacted_at" TIMESTAMPTZ,
    "amount_fx" DECIMAL(18, 4),
    "currency_fx" VARCHAR(65535),
    "fx_rate" DECIMAL(18, 8),
    "fx_fee" DECIMAL(18, 8),
    "mcc" VARCHAR(65535),
    "vat_details" VARCHAR(65535),
    "failed_code" VARCHAR(65535),
    "failed_message" VARCHAR(65535)
)
DISTSTYLE AUTO
SORTKEY (booking_date);
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

-- 2. Load: what came in
CREATE TEMPORARY TABLE incoming_card_transactions (LIKE card_transactions);
COPY incoming_card_transactions FROM 's3://BUCKET/lake/card_transactions/' IAM_ROLE DEFAULT FORMAT AS PARQUET;

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM card_transactions WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';
INSERT INTO card_transactions ("acc_id", "card_ref", "txid", "booking_date", "booked_at", "amount", "currency", "balance_after", "status", "provider_status", "description", "transacted_at", "amount_fx", "currency_fx", "fx_rate", "fx_fee", "mcc", "vat_details", "failed_code", "failed_message")
SELECT "acc_id", "card_ref", "txid", "booking_date", "booked_at", "amount", "currency", "balance_after", "status", "provider_status", "description", "transacted_at", "amount_fx", "currency_fx", "fx_rate", "fx_fee", "mcc", "vat_details", "failed_code", "failed_message" FROM incoming_card_transactions WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';
COMMIT;
