-- balances: An owner's day that has settled rows
-- Printed by `tieout schema balances --dialect sqlite`; do not edit.
-- Amounts are whole ten-thousandths, rates hundred-millionths, instants UTC; the view spells them out.
-- Loaded by `tieout load --to sqlite:FILE`.

-- 1. The table
CREATE TABLE IF NOT EXISTS balances (
    "owner_kind" TEXT NOT NULL, -- account or card
    "owner_id" TEXT NOT NULL, -- The account's id or the card's reference
    "currency" TEXT, -- ISO 4217 code of the balance
    "booking_date" TEXT NOT NULL, -- The local day
    "opening" INTEGER, -- The balance before the day's first settled row
    "credits" INTEGER, -- The sum of what settled rows added to the balance, fees charged on top included; empty beyond 18 digits
    "debits" INTEGER, -- The sum of what settled rows took from the balance, fees charged on top included; not positive; empty beyond 18 digits
    "closing" INTEGER, -- The balance after the day's last settled row, as the provider states it
    "entries" INTEGER NOT NULL, -- How many settled rows the day has
    "verdict" TEXT NOT NULL, -- tied, broken or ambiguous
    PRIMARY KEY ("owner_kind", "owner_id", "booking_date")
) STRICT;
CREATE INDEX IF NOT EXISTS balances_by_day ON balances (booking_date, owner_id);
CREATE VIEW IF NOT EXISTS balances_readable AS SELECT
    "owner_kind",
    "owner_id",
    "currency",
    "booking_date",
    iif("opening" < 0, '-', '') || printf('%d.%04d', abs("opening") / 10000, abs("opening") % 10000) AS "opening",
    iif("credits" < 0, '-', '') || printf('%d.%04d', abs("credits") / 10000, abs("credits") % 10000) AS "credits",
    iif("debits" < 0, '-', '') || printf('%d.%04d', abs("debits") / 10000, abs("debits") % 10000) AS "debits",
    iif("closing" < 0, '-', '') || printf('%d.%04d', abs("closing") / 10000, abs("closing") % 10000) AS "closing",
    "entries",
    "verdict"
FROM balances;
