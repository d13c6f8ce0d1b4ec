-- credit_transfers: A credit transfer ordered out of an account
-- Printed by `tieout schema credit_transfers --dialect sqlite`; do not edit.
-- Key: acc_id, internal_id. It is not declared: a provider may send a row twice, which is a break and must load.
-- Amounts are whole ten-thousandths, rates hundred-millionths, instants UTC; the view spells them out.
-- Loaded by `tieout load --to sqlite:FILE`.

-- 1. The table
CREATE TABLE IF NOT EXISTS credit_transfers (
    "acc_id" TEXT, -- The provider's id of the account
    "internal_id" TEXT NOT NULL, -- The provider's id of the transfer
    "booking_date" TEXT NOT NULL, -- The executed date, else the requested, else the day of creation
    "created_at" TEXT, -- When the transfer was ordered
    "requested_date" TEXT, -- The day asked for
    "executed_date" TEXT, -- The day on which it was executed
    "amount" INTEGER NOT NULL, -- The amount in `currency`, negative: money leaves
    "currency" TEXT, -- ISO 4217 code of `amount`
    "status" TEXT NOT NULL, -- in_progress, to_execute, cancelled, executed or unknown
    "provider_status" TEXT, -- The status as the provider sent it
    "transaction_type" TEXT, -- ct (credit transfer) or sdd (SEPA direct debit)
    "execution_reference" TEXT, -- The reference under which it was executed
    "beneficiary_name" TEXT, -- Who is paid
    "beneficiary_iban" TEXT, -- The IBAN that is paid
    "beneficiary_bic" TEXT, -- The BIC (SWIFT code) of the bank that is paid
    "reason" TEXT, -- The text for the beneficiary
    "source_reason" TEXT -- The text for the payer's own statement
) STRICT;
CREATE INDEX IF NOT EXISTS credit_transfers_by_day ON credit_transfers (booking_date, acc_id);
CREATE VIEW IF NOT EXISTS credit_transfers_readable AS SELECT
    "acc_id",
    "internal_id",
    "booking_date",
    "created_at",
    "requested_date",
    "executed_date",
    iif("amount" < 0, '-', '') || printf('%d.%04d', abs("amount") / 10000, abs("amount") % 10000) AS "amount",
    "currency",
    "status",
    "provider_status",
    "transaction_type",
    "execution_reference",
    "beneficiary_name",
    "beneficiary_iban",
    "beneficiary_bic",
    "reason",
    "source_reason"
FROM credit_transfers;
