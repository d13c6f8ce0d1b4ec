-- rejects: A row that could not be held exactly or lacks what it needs, with its raw text
-- Printed by `tieout schema rejects --dialect spark`; do not edit.
-- Key: feed, page_sha256, pointer. It is not declared: a provider may send a row twice, which is a break and must load.
-- Run it in the report folder, which holds rejects.csv.

-- 1. The table
CREATE TABLE IF NOT EXISTS rejects (
    `feed` STRING NOT NULL COMMENT 'The feed it came in',
    `owner_id` STRING COMMENT 'The account\'s id or the card\'s reference, where known',
    `txid` STRING COMMENT 'The row\'s id, where it could be read',
    `page_sha256` STRING NOT NULL COMMENT 'SHA-256 of the response that held it',
    `pointer` STRING NOT NULL COMMENT 'JSON pointer to the row or field in that response',
    `reason` STRING NOT NULL COMMENT 'What was expected and what was found',
    `raw` STRING NOT NULL COMMENT 'The row\'s text as received'
)
USING delta
COMMENT 'A row that could not be held exactly or lacks what it needs, with its raw text';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY VIEW incoming_rejects (`feed` STRING, `owner_id` STRING, `txid` STRING, `page_sha256` STRING, `pointer` STRING, `reason` STRING, `raw` STRING)
USING csv OPTIONS (path 'rejects.csv', header 'true', multiLine 'true', escape '"');

-- 3. Merge: it takes the place of what was there
MERGE INTO rejects USING incoming_rejects ON incoming_rejects.`feed` = rejects.`feed` AND incoming_rejects.`page_sha256` = rejects.`page_sha256` AND incoming_rejects.`pointer` = rejects.`pointer`
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;
