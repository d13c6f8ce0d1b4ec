-- breaks: A check that does not hold
-- Printed by `tieout schema breaks --dialect bigquery`; do not edit.
-- Put in where breaks.csv is.

-- 1. The table
CREATE TABLE IF NOT EXISTS breaks (
    `break_id` STRING NOT NULL OPTIONS (description = 'Stable over runs: made of check, owner and row'),
    `check` STRING NOT NULL OPTIONS (description = 'The check that does not hold'),
    `cause` STRING NOT NULL OPTIONS (description = 'The smallest explanation found'),
    `owner_kind` STRING NOT NULL OPTIONS (description = 'account, card or provider'),
    `owner_id` STRING NOT NULL OPTIONS (description = 'The account\'s id, the card\'s reference or the provider\'s name'),
    `txid` STRING OPTIONS (description = 'The row at which the check fails first'),
    `booking_date` DATE OPTIONS (description = 'The local day of that row'),
    `currency` STRING OPTIONS (description = 'ISO 4217 code of the three amounts'),
    `expected` NUMERIC(18, 4) OPTIONS (description = 'What should stand there'),
    `actual` NUMERIC(18, 4) OPTIONS (description = 'What stands there'),
    `difference` NUMERIC(18, 4) OPTIONS (description = 'actual − expected'),
    `explanation` STRING NOT NULL OPTIONS (description = 'What happened, in a sentence'),
    `first_seen` DATE NOT NULL OPTIONS (description = 'The day of the run that saw it first'),
    `status` STRING NOT NULL OPTIONS (description = 'open, accepted or resolved'),
    PRIMARY KEY (`break_id`) NOT ENFORCED
)
OPTIONS (description = 'A check that does not hold');

-- 2. Load: what came in
LOAD DATA OVERWRITE incoming_breaks (`break_id` STRING, `check` STRING, `cause` STRING, `owner_kind` STRING, `owner_id` STRING, `txid` STRING, `booking_date` DATE, `currency` STRING, `expected` NUMERIC(18, 4), `actual` NUMERIC(18, 4), `difference` NUMERIC(18, 4), `explanation` STRING, `first_seen` DATE, `status` STRING)
FROM FILES (format = 'CSV', skip_leading_rows = 1, allow_quoted_newlines = true,
    uris = ['gs://BUCKET/breaks.csv']);

-- 3. Merge: it takes the place of what was there
BEGIN TRANSACTION;
DELETE FROM breaks WHERE EXISTS (SELECT 1 FROM incoming_breaks WHERE incoming_breaks.`break_id` = breaks.`break_id`);
INSERT INTO breaks (`break_id`, `check`, `cause`, `owner_kind`, `owner_id`, `txid`, `booking_date`, `currency`, `expected`, `actual`, `difference`, `explanation`, `first_seen`, `status`)
SELECT `break_id`, `check`, `cause`, `owner_kind`, `owner_id`, `txid`, `booking_date`, `currency`, `expected`, `actual`, `difference`, `explanation`, `first_seen`, `status` FROM incoming_breaks;
COMMIT TRANSACTION;
