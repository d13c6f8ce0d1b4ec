-- card_transactions: A transaction of a payment card
-- Printed by `tieout schema card_transactions --dialect snowflake`; do not edit.
-- Key: card_ref, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS card_transactions (
    acc_id VARCHAR COMMENT 'The provider''s id of the account',
    card_ref VARCHAR NOT NULL COMMENT 'The provider''s reference of the card',
    txid VARCHAR NOT NULL COMMENT 'The provider''s id of the row',
    booking_date DATE NOT NULL COMMENT 'The local day on which the row is booked; windows and partitions go by it',
    booked_at TIMESTAMP_TZ NOT NULL COMMENT 'When the provider booked the row',
    amount NUMBER(18, 4) NOT NULL COMMENT 'What moves the owner''s balance, in `currency`: credit positive, debit negative',
    currency VARCHAR COMMENT 'ISO 4217 code of `amount`: the account''s own currency',
    balance_after NUMBER(18, 4) COMMENT 'The owner''s balance after the row, as the provider states it',
    status VARCHAR COMMENT 'settled, pending, cancelled, declined or unknown; empty where the row carries none',
    provider_status VARCHAR COMMENT 'The status as the provider sent it',
    description VARCHAR COMMENT 'The provider''s text for the row',
    transacted_at TIMESTAMP_TZ COMMENT 'When the card was used',
    amount_fx NUMBER(18, 4) COMMENT 'The amount at the merchant, in `currency_fx`, signed like `amount`',
    currency_fx VARCHAR COMMENT 'ISO 4217 code of `amount_fx`, empty when the provider does not tell it',
    fx_rate NUMBER(18, 8) COMMENT 'The exchange rate that the provider states',
    fx_fee NUMBER(18, 8) COMMENT 'The exchange fee that the provider states: an amount or a rate, as sent',
    mcc VARCHAR COMMENT 'Merchant category code',
    vat_details VARCHAR COMMENT 'VAT as a compact JSON array of {"rate":"…","amount":"…"}',
    failed_code VARCHAR COMMENT 'Why the transaction failed: the provider''s code',
    failed_message VARCHAR COMMENT 'Why the transaction failed: the provider''s words'
)
CLUSTER BY (booking_date)
COMMENT = 'A transaction of a payment card';

-- 2. Load: what came in
SET from_day = '2026-01-01';
SET to_day = '2026-01-31';
CREATE OR REPLACE TEMPORARY TABLE incoming_card_transactions LIKE card_transactions;
COPY INTO incoming_card_transactions FROM @STAGE/lake/card_transactions/
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM card_transactions WHERE booking_date BETWEEN $from_day AND $to_day;
INSERT INTO card_transactions (acc_id, card_ref, txid, booking_date, booked_at, amount, currency, balance_after, status, provider_status, description, transacted_at, amount_fx, currency_fx, fx_rate, fx_fee, mcc, vat_details, failed_code, failed_message)
SELECT acc_id, card_ref, txid, booking_date, booked_at, amount, currency, balance_after, status, provider_status, description, transacted_at, amount_fx, currency_fx, fx_rate, fx_fee, mcc, vat_details, failed_code, failed_message FROM incoming_card_transactions WHERE booking_date BETWEEN $from_day AND $to_day;
COMMIT;
