-- account_statements: A line of an account's statement
-- Printed by `tieout schema account_statements --dialect sqlite`; do not edit.
-- Key: acc_id, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Amounts are whole ten-thousandths, rates hundred-millionths, instants UTC; the view spells them out.
-- Loaded by `tieout load --to sqlite:FILE`.

-- 1. The table
CREATE TABLE IF NOT EXISTS account_statements (
    "acc_id" TEXT, -- The provider's id of the account
    "txid" TEXT NOT NULL, -- The provider's id of the row
    "booking_date" TEXT NOT NULL, -- The local day on which the row is booked; windows and partitions go by it
    "booked_at" TEXT NOT NULL, -- When the provider booked the row
    "amount" INTEGER NOT NULL, -- What moves the owner's balance, in `currency`: credit positive, debit negative
    "currency" TEXT, -- ISO 4217 code of `amount`: the account's own currency
    "balance_after" INTEGER, -- The owner's balance after the row, as the provider states it
    "status" TEXT, -- settled, pending, cancelled, declined or unknown; empty where the row carries none
    "provider_status" TEXT, -- The status as the provider sent it
    "description" TEXT, -- The provider's text for the row
    "executed_at" TEXT, -- When the movement was executed
    "counterparty_iban" TEXT, -- IBAN of the other side
    "counterparty_bic" TEXT, -- BIC (SWIFT code) of the other side's bank
    "comment" TEXT, -- The remittance text
    "virtual_iban" TEXT -- The virtual IBAN through which the movement came
) STRICT;
CREATE INDEX IF NOT EXISTS account_statements_by_day ON account_statements (booking_date, acc_id);
CREATE VIEW IF NOT EXISTS account_statements_readable AS SELECT
    "acc_id",
    "txid",
    "booking_date",
    "booked_at",
    iif("amount" < 0, '-', '') || printf('%d.%04d', abs("amount") / 10000, abs("amount") % 10000) AS "amount",
    "currency",
    iif("balance_after" < 0, '-', '') || printf('%d.%04d', abs("balance_after") / 10000, abs("balance_after") % 10000) AS "balance_after",
    "status",
    "provider_status",
    "description",
    "executed_at",
    "counterparty_iban",
    "counterparty_bic",
    "comment",
    "virtual_iban"
FROM account_statements;
