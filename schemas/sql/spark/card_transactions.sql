-- card_transactions: A transaction of a payment card
-- Printed by `tieout schema card_transactions --dialect spark`; do not edit.
-- Key: card_ref, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS card_transactions (
    `acc_id` STRING COMMENT 'The provider\'s id of the account',
    `card_ref` STRING NOT NULL COMMENT 'The provider\'s reference of the card',
    `txid` STRING NOT NULL COMMENT 'The provider\'s id of the row',
    `booking_date` DATE NOT NULL COMMENT 'The local day on which the row is booked; windows and partitions go by it',
    `booked_at` TIMESTAMP NOT NULL COMMENT 'When the provider booked the row',
    `amount` DECIMAL(18, 4) NOT NULL COMMENT 'What moves the owner\'s balance, in `currency`: credit positive, debit negative',
    `currency` STRING COMMENT 'ISO 4217 code of `amount`: the account\'s own currency',
    `balance_after` DECIMAL(18, 4) COMMENT 'The owner\'s balance after the row, as the provider states it',
    `status` STRING COMMENT 'settled, pending, cancelled, declined or unknown; empty where the row carries none',
    `provider_status` STRING COMMENT 'The status as the provider sent it',
    `description` STRING COMMENT 'The provider\'s text for the row',
    `transacted_at` TIMESTAMP COMMENT 'When the card was used',
    `amount_fx` DECIMAL(18, 4) COMMENT 'The amount at the merchant, in `currency_fx`, signed like `amount`',
    `currency_fx` STRING COMMENT 'ISO 4217 code of `amount_fx`, empty when the provider does not tell it',
    `fx_rate` DECIMAL(18, 8) COMMENT 'The exchange rate that the provider states',
    `fx_fee` DECIMAL(18, 8) COMMENT 'The exchange fee that the provider states: an amount or a rate, as sent',
    `mcc` STRING COMMENT 'Merchant category code',
    `vat_details` STRING COMMENT 'VAT as a compact JSON array of {"rate":"…","amount":"…"}',
    `failed_code` STRING COMMENT 'Why the transaction failed: the provider\'s code',
    `failed_message` STRING COMMENT 'Why the transaction failed: the provider\'s words'
)
USING delta
PARTITIONED BY (booking_date)
COMMENT 'A transaction of a payment card';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY VIEW incoming_card_transactions AS
SELECT `acc_id`, `card_ref`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `transacted_at`, `amount_fx`, `currency_fx`, `fx_rate`, `fx_fee`, `mcc`, `vat_details`, `failed_code`, `failed_message`
FROM parquet.`s3://BUCKET/lake/card_transactions`
WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31';

-- 3. Merge: it takes the place of what was there
INSERT INTO card_transactions
REPLACE WHERE booking_date BETWEEN DATE '2026-01-01' AND DATE '2026-01-31'
SELECT `acc_id`, `card_ref`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `transacted_at`, `amount_fx`, `currency_fx`, `fx_rate`, `fx_fee`, `mcc`, `vat_details`, `failed_code`, `failed_message` FROM incoming_card_transactions;
