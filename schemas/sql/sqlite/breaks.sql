-- breaks: A check that does not hold
-- Printed by `tieout schema breaks --dialect sqlite`; do not edit.
-- Amounts are whole ten-thousandths, rates hundred-millionths, instants UTC; the view spells them out.
-- Loaded by `tieout load --to sqlite:FILE`.

-- 1. The table
CREATE TABLE IF NOT EXISTS breaks (
    "break_id" TEXT NOT NULL, -- Stable over runs: made of check, owner and row
    "check" TEXT NOT NULL, -- The check that does not hold
    "cause" TEXT NOT NULL, -- The smallest explanation found
    "owner_kind" TEXT NOT NULL, -- account, card or provider
    "owner_id" TEXT NOT NULL, -- The account's id, the card's reference or the provider's name
    "txid" TEXT, -- The row at which the check fails first
    "booking_date" TEXT, -- The local day of that row
    "currency" TEXT, -- ISO 4217 code of the three amounts
    "expected" INTEGER, -- What should stand there
    "actual" INTEGER, -- What stands there
    "difference" INTEGER, -- actual − expected
    "explanation" TEXT NOT NULL, -- What happened, in a sentence
    "first_seen" TEXT NOT NULL, -- The day of the run that saw it first
    "status" TEXT NOT NULL, -- open, accepted or resolved
    PRIMARY KEY ("break_id")
) STRICT;
CREATE VIEW IF NOT EXISTS breaks_readable AS SELECT
    "break_id",
    "check",
    "cause",
    "owner_kind",
    "owner_id",
    "txid",
    "booking_date",
    "currency",
    iif("expected" < 0, '-', '') || printf('%d.%04d', abs("expected") / 10000, abs("expected") % 10000) AS "expected",
    iif("actual" < 0, '-', '') || printf('%d.%04d', abs("actual") / 10000, abs("actual") % 10000) AS "actual",
    iif("difference" < 0, '-', '') || printf('%d.%04d', abs("difference") / 10000, abs("difference") % 10000) AS "difference",
    "explanation",
    "first_seen",
    "status"
FROM breaks;
