-- breaks: A check that does not hold
-- Printed by `tieout schema breaks --dialect spark`; do not edit.
-- Run it in the report folder, which holds breaks.csv.

-- 1. The table
CREATE TABLE IF NOT EXISTS breaks (
    `break_id` STRING NOT NULL COMMENT 'Stable over runs: made of check, owner and row',
    `check` STRING NOT NULL COMMENT 'The check that does not hold',
    `cause` STRING NOT NULL COMMENT 'The smallest explanation found',
    `owner_kind` STRING NOT NULL COMMENT 'account, card or provider',
    `owner_id` STRING NOT NULL COMMENT 'The account\'s id, the card\'s reference or the provider\'s name',
    `txid` STRING COMMENT 'The row at which the check fails first',
    `booking_date` DATE COMMENT 'The local day of that row',
    `currency` STRING COMMENT 'ISO 4217 code of the three amounts',
    `expected` DECIMAL(18, 4) COMMENT 'What should stand there',
    `actual` DECIMAL(18, 4) COMMENT 'What stands there',
    `difference` DECIMAL(18, 4) COMMENT 'actual − expected',
    `explanation` STRING NOT NULL COMMENT 'What happened, in a sentence',
    `first_seen` DATE NOT NULL COMMENT 'The day of the run that saw it first',
    `status` STRING NOT NULL COMMENT 'open, accepted or resolved'
)
USING delta
COMMENT 'A check that does not hold';

-- 2. Load: what came in
CREATE OR REPLACE TEMPORARY VIEW incoming_breaks (`break_id` STRING, `check` STRING, `cause` STRING, `owner_kind` STRING, `owner_id` STRING, `txid` STRING, `booking_date` DATE, `currency` STRING, `expected` DECIMAL(18, 4), `actual` DECIMAL(18, 4), `difference` DECIMAL(18, 4), `explanation` STRING, `first_seen` DATE, `status` STRING)
USING csv OPTIONS (path 'breaks.csv', header 'true', multiLine 'true', escape '"');

-- 3. Merge: it takes the place of what was there
MERGE INTO breaks USING incoming_breaks ON incoming_breaks.`break_id` = breaks.`break_id`
WHEN MATCHED THEN UPDATE SET *
WHEN NOT MATCHED THEN INSERT *;
