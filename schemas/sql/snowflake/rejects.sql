-- rejects: A row that could not be held exactly or lacks what it needs, with its raw text
-- Printed by `tieout schema rejects --dialect snowflake`; do not edit.
-- Key: feed, page_sha256, pointer. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where rejects.csv is.

-- 1. The table
CREATE TABLE IF NOT EXISTS rejects (
    feed VARCHAR NOT NULL COMMENT 'The feed it came in',
    owner_id VARCHAR COMMENT 'The account''s id or the card''s reference, where known',
    txid VARCHAR COMMENT 'The row''s id, where it could be read',
    page_sha256 VARCHAR NOT NULL COMMENT 'SHA-256 of the response that held it',
    pointer VARCHAR NOT NULL COMMENT 'JSON pointer to the row or field in that response',
    reason VARCHAR NOT NULL COMMENT 'What was expected and what was found',
    raw VARCHAR NOT NULL COMMENT 'The row''s text as received'
)
COMMENT = 'A row that could not be held exactly or lacks what it needs, with its raw text';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY TABLE incoming_rejects LIKE rejects;
COPY INTO incoming_rejects FROM @STAGE/rejects.csv
FILE_FORMAT = (TYPE = CSV SKIP_HEADER = 1 FIELD_OPTIONALLY_ENCLOSED_BY = '"');

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM rejects WHERE EXISTS (SELECT 1 FROM incoming_rejects WHERE incoming_rejects.feed = rejects.feed AND incoming_rejects.page_sha256 = rejects.page_sha256 AND incoming_rejects.pointer = rejects.pointer);
INSERT INTO rejects (feed, owner_id, txid, page_sha256, pointer, reason, raw)
SELECT feed, owner_id, txid, page_sha256, pointer, reason, raw FROM incoming_rejects;
COMMIT;
