-- rejects: A row that could not be held exactly or lacks what it needs, with its raw text
-- Printed by `tieout schema rejects --dialect sqlite`; do not edit.
-- Key: feed, page_sha256, pointer. It is not declared: a provider may send a row twice, which is a break and must load.
-- Amounts are whole ten-thousandths, rates hundred-millionths, instants UTC; the view spells them out.
-- Loaded by `tieout load --to sqlite:FILE`.

-- 1. The table
CREATE TABLE IF NOT EXISTS rejects (
    "feed" TEXT NOT NULL, -- The feed it came in
    "owner_id" TEXT, -- The account's id or the card's reference, where known
    "txid" TEXT, -- The row's id, where it could be read
    "page_sha256" TEXT NOT NULL, -- SHA-256 of the response that held it
    "pointer" TEXT NOT NULL, -- JSON pointer to the row or field in that response
    "reason" TEXT NOT NULL, -- What was expected and what was found
    "raw" TEXT NOT NULL -- The row's text as received
) STRICT;
CREATE VIEW IF NOT EXISTS rejects_readable AS SELECT
    "feed",
    "owner_id",
    "txid",
    "page_sha256",
    "pointer",
    "reason",
    "raw"
FROM rejects;
