-- card_transactions: A transaction of a payment card
-- Printed by `tieout schema card_transactions --dialect bigquery`; do not edit.
-- Key: card_ref, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS card_transactions (
    `acc_id` STRING OPTIONS (description = 'The provider\'s id of the account'),
    `card_ref` STRING NOT NULL OPTIONS (description = 'The provider\'s reference of the card'),
    `txid` STRING NOT NULL OPTIONS (description = 'The provider\'s id of the row'),
    `booking_date` DATE NOT NULL OPTIONS (description = 'The local day on which the row is booked; windows and partitions go by it'),
    `booked_at` TIMESTAMP NOT NULL OPTIONS (description = 'When the provider booked the row'),
    `amount` NUMERIC(18, 4) NOT NULL OPTIONS (description = 'What moves the owner\'s balance, in `currency`: credit positive, debit negative'),
    `currency` STRING OPTIONS (description = 'ISO 4217 code of `amount`: the account\'s own currency'),
    `balance_after` NUMERIC(18, 4) OPTIONS (description = 'The owner\'s balance after the row, as the provider states it'),
    `status` STRING OPTIONS (description = 'settled, pending, cancelled, declined or unknown; empty where the row carries none'),
    `provider_status` STRING OPTIONS (description = 'The status as the provider sent it'),
    `description` STRING OPTIONS (description = 'The provider\'s text for the row'),
    `transacted_at` TIMESTAMP OPTIONS (description = 'When the card was used'),
    `amount_fx` NUMERIC(18, 4) OPTIONS (description = 'The amount at the merchant, in `currency_fx`, signed like `amount`'),
    `currency_fx` STRING OPTIONS (description = 'ISO 4217 code of `amount_fx`, empty when the provider does not tell it'),
    `fx_rate` NUMERIC(18, 8) OPTIONS (description = 'The exchange rate that the provider states'),
    `fx_fee` NUMERIC(18, 8) OPTIONS (description = 'The exchange fee that the provider states: an amount or a rate, as sent'),
    `mcc` STRING OPTIONS (description = 'Merchant category code'),
    `vat_details` STRING OPTIONS (description = 'VAT as a compact JSON array of {"rate":"…","amount":"…"}'),
    `failed_code` STRING OPTIONS (description = 'Why the transaction failed: the provider\'s code'),
    `failed_message` STRING OPTIONS (description = 'Why the transaction failed: the provider\'s words')
)
PARTITION BY booking_date
CLUSTER BY card_ref
OPTIONS (description = 'A transaction of a payment card');

-- 2. Load: what came in
DECLARE from_day DATE DEFAULT DATE '2026-01-01';
DECLARE to_day DATE DEFAULT DATE '2026-01-31';
LOAD DATA OVERWRITE incoming_card_transactions
FROM FILES (format = 'PARQUET', uris = ['gs://BUCKET/lake/card_transactions/*']);

-- 3. Merge: it takes the place of what was there
BEGIN TRANSACTION;
DELETE FROM card_transactions WHERE booking_date BETWEEN from_day AND to_day;
INSERT INTO card_transactions (`acc_id`, `card_ref`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `transacted_at`, `amount_fx`, `currency_fx`, `fx_rate`, `fx_fee`, `mcc`, `vat_details`, `failed_code`, `failed_message`)
SELECT `acc_id`, `card_ref`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `transacted_at`, `amount_fx`, `currency_fx`, `fx_rate`, `fx_fee`, `mcc`, `vat_details`, `failed_code`, `failed_message` FROM incoming_card_transactions WHERE booking_date BETWEEN from_day AND to_day;
COMMIT TRANSACTION;
