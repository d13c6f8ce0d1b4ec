-- rejects: A row that could not be held exactly or lacks what it needs, with its raw text
-- Printed by `tieout schema rejects --dialect postgresql`; do not edit.
-- Key: feed, page_sha256, pointer. It is not declared: a provider may send a row twice, which is a break and must load.
-- Run it in the report folder, which holds rejects.csv: psql -v ON_ERROR_STOP=1 -f rejects.sql

-- 1. The table
CREATE TABLE IF NOT EXISTS rejects (
    "feed" TEXT NOT NULL,
    "owner_id" TEXT,
    "txid" TEXT,
    "page_sha256" TEXT NOT NULL,
    "pointer" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "raw" TEXT NOT NULL
);
COMMENT ON TABLE rejects IS 'A row that could not be held exactly or lacks what it needs, with its raw text';
COMMENT ON COLUMN rejects."feed" IS 'The feed it came in';
COMMENT ON COLUMN rejects."owner_id" IS 'The account''s id or the card''s reference, where known';
COMMENT ON COLUMN rejects."txid" IS 'The row''s id, where it could be read';
COMMENT ON COLUMN rejects."page_sha256" IS 'SHA-256 of the response that held it';
COMMENT ON COLUMN rejects."pointer" IS 'JSON pointer to the row or field in that response';
COMMENT ON COLUMN rejects."reason" IS 'What was expected and what was found';
COMMENT ON COLUMN rejects."raw" IS 'The row''s text as received';

-- 2. Load: what came in
CREATE TEMPORARY TABLE incoming_rejects (LIKE rejects);
\copy incoming_rejects FROM 'rejects.csv' WITH (FORMAT csv, HEADER match)

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM rejects WHERE EXISTS (SELECT 1 FROM incoming_rejects WHERE incoming_rejects."feed" = rejects."feed" AND incoming_rejects."page_sha256" = rejects."page_sha256" AND incoming_rejects."pointer" = rejects."pointer");
INSERT INTO rejects ("feed", "owner_id", "txid", "page_sha256", "pointer", "reason", "raw")
SELECT "feed", "owner_id", "txid", "page_sha256", "pointer", "reason", "raw" FROM incoming_rejects;
COMMIT;
