-- breaks: A check that does not hold
-- Printed by `tieout schema breaks --dialect clickhouse`; do not edit.
-- Run it in the report folder, which holds breaks.csv.

-- 1. The table
CREATE TABLE IF NOT EXISTS breaks (
    `break_id` String COMMENT 'Stable over runs: made of check, owner and row',
    `check` String COMMENT 'The check that does not hold',
    `cause` String COMMENT 'The smallest explanation found',
    `owner_kind` String COMMENT 'account, card or provider',
    `owner_id` String COMMENT 'The account\'s id, the card\'s reference or the provider\'s name',
    `txid` Nullable(String) COMMENT 'The row at which the check fails first',
    `booking_date` Nullable(Date32) COMMENT 'The local day of that row',
    `currency` Nullable(String) COMMENT 'ISO 4217 code of the three amounts',
    `expected` Nullable(Decimal(18, 4)) COMMENT 'What should stand there',
    `actual` Nullable(Decimal(18, 4)) COMMENT 'What stands there',
    `difference` Nullable(Decimal(18, 4)) COMMENT 'actual − expected',
    `explanation` String COMMENT 'What happened, in a sentence',
    `first_seen` Date32 COMMENT 'The day of the run that saw it first',
    `status` String COMMENT 'open, accepted or resolved'
)
ENGINE = ReplacingMergeTree
ORDER BY (`break_id`)
COMMENT 'A check that does not hold';

-- 2. Load: what came in
DROP TABLE IF EXISTS incoming_breaks;
CREATE TABLE incoming_breaks AS breaks;
INSERT INTO incoming_breaks (`break_id`, `check`, `cause`, `owner_kind`, `owner_id`, `txid`, `booking_date`, `currency`, `expected`, `actual`, `difference`, `explanation`, `first_seen`, `status`)
SELECT `break_id`, `check`, `cause`, `owner_kind`, `owner_id`, `txid`, `booking_date`, `currency`, `expected`, `actual`, `difference`, `explanation`, `first_seen`, `status` FROM file('breaks.csv', 'CSVWithNames');

-- 3. Merge: it takes the place of what was there
-- Rows with the key of another replace it; read them with FINAL.
INSERT INTO breaks (`break_id`, `check`, `cause`, `owner_kind`, `owner_id`, `txid`, `booking_date`, `currency`, `expected`, `actual`, `difference`, `explanation`, `first_seen`, `status`) SELECT `break_id`, `check`, `cause`, `owner_kind`, `owner_id`, `txid`, `booking_date`, `currency`, `expected`, `actual`, `difference`, `explanation`, `first_seen`, `status` FROM incoming_breaks;
