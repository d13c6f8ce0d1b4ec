-- iban_statements: A line of an account's IBAN statement: its bank transfers, in and out
-- Printed by `tieout schema iban_statements --dialect snowflake`; do not edit.
-- Key: acc_id, txid. It is not declared: a provider may send a row twice, which is a break and must load.
-- Put in where the lake is, and the window's first and last day.

-- 1. The table
CREATE TABLE IF NOT EXISTS iban_statements (
    acc_id VARCHAR COMMENT 'The provider''s id of the account',
    txid VARCHAR NOT NULL COMMENT 'The provider''s id of the row',
    booking_date DATE NOT NULL COMMENT 'The local day on which the row is booked; windows and partitions go by it',
    booked_at TIMESTAMP_TZ NOT NULL COMMENT 'When the provider booked the row',
    amount NUMBER(18, 4) NOT NULL COMMENT 'What moves the owner''s balance, in `currency`: credit positive, debit negative',
    currency VARCHAR COMMENT 'ISO 4217 code of `amount`: the account''s own currency',
    balance_after NUMBER(18, 4) COMMENT 'The owner''s balance after the row, as the provider states it',
    status VARCHAR COMMENT 'settled, pending, cancelled, declined or unknown; empty where the row carries none',
    provider_status VARCHAR COMMENT 'The status as the provider sent it',
    description VARCHAR COMMENT 'The provider''s text for the row',
    executed_at TIMESTAMP_TZ COMMENT 'When the movement was executed',
    counterparty_iban VARCHAR COMMENT 'IBAN of the other side',
    counterparty_bic VARCHAR COMMENT 'BIC (SWIFT code) of the other side''s bank',
    comment VARCHAR COMMENT 'The remittance text',
    virtual_iban VARCHAR COMMENT 'The virtual IBAN through which the movement came'
)
CLUSTER BY (booking_date)
COMMENT = 'A line of an account''s IBAN statement: its bank transfers, in and out';

-- 2. Load: what came in
SET from_day = '2026-01-01';
SET to_day = '2026-01-31';
CREATE OR REPLACE TEMPORARY TABLE incoming_iban_statements LIKE iban_statements;
COPY INTO incoming_iban_statements FROM @STAGE/lake/iban_statements/
FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;

-- 3. Merge: it takes the place of what was there
BEGIN;
DELETE FROM iban_statements WHERE booking_date BETWEEN $from_day AND $to_day;
INSERT INTO iban_statements (acc_id, txid, booking_date, booked_at, amount, currency, balance_after, status, provider_status, description, executed_at, counterparty_iban, counterparty_bic, comment, virtual_iban)
SELECT acc_id, txid, booking_date, booked_at, amount, currency, balance_after, status, provider_status, description, executed_at, counterparty_iban, counterparty_bic, comment, virtual_iban FROM incoming_iban_statements WHERE booking_date BETWEEN $from_day AND $to_day;
COMMIT;
