-- rejects: A row that could not be held exactly or lacks what it needs, with its raw text
-- Printed by `tieout schema rejects --dialect duckdb`; do not edit.
-- Key: feed, page_sha256, pointer. It is not declared: a provider may send a row twice, which is a break and must load.
-- Run it in the report folder, which holds rejects.csv.

-- 1. The table
CREATE TABLE IF NOT EXISTS rejects (
    "feed" VARCHAR NOT NULL,
    "owner_id" VARCHAR,
    "txid" VARCHAR,
    "page_sha256" VARCHAR NOT NULL,
    "pointer" VARCHAR NOT NULL,
    "reason" VARCHAR NOT NULL,
    "raw" VARCHAR NOT NULL
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
CREATE OR REPLACE TEMPORARY TABLE incoming_rejects AS
SELECT "feed", "owner_id", "txid", "page_sha256", "pointer", "reason", "raw"
FROM read_csv('rejects.csv', header = true, quote = '"', escape = '"', columns = {'feed': 'VARCHAR', 'owner_id': 'VARCHAR', 'txid': 'VARCHAR', 'page_sha256': 'VARCHAR', 'pointer': 'VARCHAR', 'reason': 'VARCHAR', 'raw': 'VARCHAR'});

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM rejects WHERE EXISTS (SELECT 1 FROM incoming_rejects WHERE incoming_rejects."feed" = rejects."feed" AND incoming_rejects."page_sha256" = rejects."page_sha256" AND incoming_rejects."pointer" = rejects."pointer");
INSERT INTO rejects ("feed", "owner_id", "txid", "page_sha256", "pointer", "reason", "raw")
SELECT "feed", "owner_id", "txid", "page_sha256", "pointer", "reason", "raw" FROM incoming_rejects;
COMMIT;
