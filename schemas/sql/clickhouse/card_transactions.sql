-- card_transactions: A transaction of a payment card
-- Printed by `tieout schema card_transactions --dialect clickhouse`; do not edit.
-- Key: card_ref, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS card_transactions (
    `acc_id` Nullable(String) COMMENT 'The provider\'s id of the account',
    `card_ref` String COMMENT 'The provider\'s reference of the card',
    `txid` String COMMENT 'The provider\'s id of the row',
    `booking_date` Date32 COMMENT 'The local day on which the row is booked; windows and partitions go by it',
    `booked_at` DateTime64(6, 'UTC') COMMENT 'When the provider booked the row',
    `amount` Decimal(18, 4) COMMENT 'What moves the owner\'s balance, in `currency`: credit positive, debit negative',
    `currency` Nullable(String) COMMENT 'ISO 4217 code of `amount`: the account\'s own currency',
    `balance_after` Nullable(Decimal(18, 4)) COMMENT 'The owner\'s balance after the row, as the provider states it',
    `status` Nullable(String) COMMENT 'settled, pending, cancelled, declined or unknown; empty where the row carries none',
    `provider_status` Nullable(String) COMMENT 'The status as the provider sent it',
    `description` Nullable(String) COMMENT 'The provider\'s text for the row',
    `transacted_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the card was used',
    `amount_fx` Nullable(Decimal(18, 4)) COMMENT 'The amount at the merchant, in `currency_fx`, signed like `amount`',
    `currency_fx` Nullable(String) COMMENT 'ISO 4217 code of `amount_fx`, empty when the provider does not tell it',
    `fx_rate` Nullable(Decimal(18, 8)) COMMENT 'The exchange rate that the provider states',
    `fx_fee` Nullable(Decimal(18, 8)) COMMENT 'The exchange fee that the provider states: an amount or a rate, as sent',
    `mcc` Nullable(String) COMMENT 'Merchant category code',
    `vat_details` Nullable(String) COMMENT 'VAT as a compact JSON array of {"rate":"…","amount":"…"}',
    `failed_code` Nullable(String) COMMENT 'Why the transaction failed: the provider\'s code',
    `failed_message` Nullable(String) COMMENT 'Why the transaction failed: the provider\'s words'
)
ENGINE = MergeTree
PARTITION BY booking_date
ORDER BY booking_date
COMMENT 'A transaction of a payment card';

-- 2. Load: what came in
DROP TABLE IF EXISTS incoming_card_transactions;
CREATE TABLE incoming_card_transactions AS card_transactions;
INSERT INTO incoming_card_transactions (`acc_id`, `card_ref`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `transacted_at`, `amount_fx`, `currency_fx`, `fx_rate`, `fx_fee`, `mcc`, `vat_details`, `failed_code`, `failed_message`)
SELECT `acc_id`, `card_ref`, `txid`, `booking_date`, `booked_at`, `amount`, `currency`, `balance_after`, `status`, `provider_status`, `description`, `transacted_at`, `amount_fx`, `currency_fx`, `fx_rate`, `fx_fee`, `mcc`, `vat_details`, `failed_code`, `failed_message`
FROM s3('https://BUCKET.s3.amazonaws.com/lake/card_transactions/booking_date=*/card_transactions.parquet', 'Parquet')
WHERE booking_date BETWEEN '2026-01-01' AND '2026-01-31';

-- 3. Merge: it takes the place of what was there
-- One statement a day of the window; a day without rows is emptied by it.
ALTER TABLE card_transactions REPLACE PARTITION '2026-01-01' FROM incoming_card_transactions;
