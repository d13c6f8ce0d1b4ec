-- rejects: A row that could not be held exactly or lacks what it needs, with its raw text
-- Printed by `tieout schema rejects --dialect bigquery`; do not edit.
-- Key: feed, page_sha256, pointer. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where rejects.csv is.

-- 1. The table
CREATE TABLE IF NOT EXISTS rejects (
    `feed` STRING NOT NULL OPTIONS (description = 'The feed it came in'),
    `owner_id` STRING OPTIONS (description = 'The account\'s id or the card\'s reference, where known'),
    `txid` STRING OPTIONS (description = 'The row\'s id, where it could be read'),
    `page_sha256` STRING NOT NULL OPTIONS (description = 'SHA-256 of the response that held it'),
    `pointer` STRING NOT NULL OPTIONS (description = 'JSON pointer to the row or field in that response'),
    `reason` STRING NOT NULL OPTIONS (description = 'What was expected and what was found'),
    `raw` STRING NOT NULL OPTIONS (description = 'The row\'s text as received')
)
OPTIONS (description = 'A row that could not be held exactly or lacks what it needs, with its raw text');

-- 2. Load: what came in
LOAD DATA OVERWRITE incoming_rejects (`feed` STRING, `owner_id` STRING, `txid` STRING, `page_sha256` STRING, `pointer` STRING, `reason` STRING, `raw` STRING)
FROM FILES (format = 'CSV', skip_leading_rows = 1, allow_quoted_newlines = true,
    uris = ['gs://BUCKET/rejects.csv']);

-- 3. Merge: it takes the place of what was there
BEGIN TRANSACTION;
DELETE FROM rejects WHERE EXISTS (SELECT 1 FROM incoming_rejects WHERE incoming_rejects.`feed` = rejects.`feed` AND incoming_rejects.`page_sha256` = rejects.`page_sha256` AND incoming_rejects.`pointer` = rejects.`pointer`);
INSERT INTO rejects (`feed`, `owner_id`, `txid`, `page_sha256`, `pointer`, `reason`, `raw`)
SELECT `feed`, `owner_id`, `txid`, `page_sha256`, `pointer`, `reason`, `raw` FROM incoming_rejects;
COMMIT TRANSACTION;
