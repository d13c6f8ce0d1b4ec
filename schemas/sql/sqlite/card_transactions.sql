-- card_transactions: A transaction of a payment card
-- Printed by `tieout schema card_transactions --dialect sqlite`; do not edit.
-- Key: card_ref, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Amounts are whole ten-thousandths, rates hundred-millionths, instants UTC; the view spells them out.
-- Loaded by `tieout load --to sqlite:FILE`.

-- 1. The table
CREATE TABLE IF NOT EXISTS card_transactions (
    "acc_id" TEXT, -- The provider's id of the account
    "card_ref" TEXT NOT NULL, -- The provider's reference of the card
    "txid" TEXT NOT NULL, -- The provider's id of the row
    "booking_date" TEXT NOT NULL, -- The local day on which the row is booked; windows and partitions go by it
    "booked_at" TEXT NOT NULL, -- When the provider booked the row
    "amount" INTEGER NOT NULL, -- What moves the owner's balance, in `currency`: credit positive, debit negative
    "currency" TEXT, -- ISO 4217 code of `amount`: the account's own currency
    "balance_after" INTEGER, -- The owner's balance after the row, as the provider states it
    "status" TEXT, -- settled, pending, cancelled, declined or unknown; empty where the row carries none
    "provider_status" TEXT, -- The status as the provider sent it
    "description" TEXT, -- The provider's text for the row
    "transacted_at" TEXT, -- When the card was used
    "amount_fx" INTEGER, -- The amount at the merchant, in `currency_fx`, signed like `amount`
    "currency_fx" TEXT, -- ISO 4217 code of `amount_fx`, empty when the provider does not tell it
    "fx_rate" INTEGER, -- The exchange rate that the provider states
    "fx_fee" INTEGER, -- The exchange fee that the provider states: an amount or a rate, as sent
    "mcc" TEXT, -- Merchant category code
    "vat_details" TEXT, -- VAT as a compact JSON array of {"rate":"…","amount":"…"}
    "failed_code" TEXT, -- Why the transaction failed: the provider's code
    "failed_message" TEXT -- Why the transaction failed: the provider's words
) STRICT;
CREATE INDEX IF NOT EXISTS card_transactions_by_day ON card_transactions (booking_date, card_ref);
CREATE VIEW IF NOT EXISTS card_transactions_readable AS SELECT
    "acc_id",
    "card_ref",
    "txid",
    "booking_date",
    "booked_at",
    iif("amount" < 0, '-', '') || printf('%d.%04d', abs("amount") / 10000, abs("amount") % 10000) AS "amount",
    "currency",
    iif("balance_after" < 0, '-', '') || printf('%d.%04d', abs("balance_after") / 10000, abs("balance_after") % 10000) AS "balance_after",
    "status",
    "provider_status",
    "description",
    "transacted_at",
    iif("amount_fx" < 0, '-', '') || printf('%d.%04d', abs("amount_fx") / 10000, abs("amount_fx") % 10000) AS "amount_fx",
    "currency_fx",
    iif("fx_rate" < 0, '-', '') || printf('%d.%08d', abs("fx_rate") / 100000000, abs("fx_rate") % 100000000) AS "fx_rate",
    iif("fx_fee" < 0, '-', '') || printf('%d.%08d', abs("fx_fee") / 100000000, abs("fx_fee") % 100000000) AS "fx_fee",
    "mcc",
    "vat_details",
    "failed_code",
    "failed_message"
FROM card_transactions;
