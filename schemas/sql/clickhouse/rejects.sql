-- rejects: A row that could not be held exactly or lacks what it needs, with its raw text
-- Printed by `tieout schema rejects --dialect clickhouse`; do not edit.
-- Key: feed, page_sha256, pointer. It is not declared: a provider may send a row twice, which is a break and must load.
-- Run it in the report folder, which holds rejects.csv.

-- 1. The table
CREATE TABLE IF NOT EXISTS rejects (
    `feed` String COMMENT 'The feed it came in',
    `owner_id` Nullable(String) COMMENT 'The account\'s id or the card\'s reference, where known',
    `txid` Nullable(String) COMMENT 'The row\'s id, where it could be read',
    `page_sha256` String COMMENT 'SHA-256 of the response that held it',
    `pointer` String COMMENT 'JSON pointer to the row or field in that response',
    `reason` String COMMENT 'What was expected and what was found',
    `raw` String COMMENT 'The row\'s text as received'
)
ENGINE = ReplacingMergeTree
ORDER BY (`feed`, `page_sha256`, `pointer`)
COMMENT 'A row that could not be held exactly or lacks what it needs, with its raw text';

-- 2. Load: what came in
DROP TABLE IF EXISTS incoming_rejects;
CREATE TABLE incoming_rejects AS rejects;
INSERT INTO incoming_rejects (`feed`, `owner_id`, `txid`, `page_sha256`, `pointer`, `reason`, `raw`)
SELECT `feed`, `owner_id`, `txid`, `page_sha256`, `pointer`, `reason`, `raw` FROM file('rejects.csv', 'CSVWithNames');

-- 3. Merge: it takes the place of what was there
-- Rows with the key of another replace it; read them with FINAL.
INSERT INTO rejects (`feed`, `owner_id`, `txid`, `page_sha256`, `pointer`, `reason`, `raw`) SELECT `feed`, `owner_id`, `txid`, `page_sha256`, `pointer`, `reason`, `raw` FROM incoming_rejects;
