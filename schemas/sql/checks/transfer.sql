-- transfer, by key: an executed credit transfer has a debit, and a debit of the IBAN statement that names a transfer has it.
--
-- Keys, the strongest first, each on what the one before left over: the execution reference that a line names; the IBAN that
-- is paid, the exact amount, and days no further apart than transfer_days (3). Direct debits need no debit but lay claim to
-- theirs. Transfers of the last days of the lake are left out: their debit may be still to come.
-- tieout knows more ways to find a debit (sums, lines without an IBAN): what is told here and not there was found by those.
CREATE OR REPLACE TEMPORARY VIEW transfer AS
WITH transfers AS (
    SELECT acc_id, internal_id, booking_date, currency, amount, status, transaction_type, execution_reference AS reference,
           beneficiary_iban AS iban
    FROM credit_transfers
), lines AS (
    SELECT acc_id, txid, booking_date, currency, amount, reference, counterparty_iban AS iban
    FROM account_statements
    WHERE amount < 0 AND (status IS NULL OR status IN ('settled', 'pending'))
    UNION ALL
    SELECT twin.acc_id, twin.txid, twin.booking_date, twin.currency, twin.amount, twin.reference, twin.counterparty_iban
    FROM iban_statements AS twin
    LEFT JOIN account_statements AS line ON line.acc_id = twin.acc_id AND line.txid = twin.txid
    WHERE line.txid IS NULL AND twin.amount < 0 AND (twin.status IS NULL OR twin.status IN ('settled', 'pending'))
), named AS (
    SELECT DISTINCT transfers.acc_id, transfers.internal_id, lines.txid
    FROM transfers
    JOIN lines ON lines.acc_id = transfers.acc_id AND lines.reference = transfers.reference
), transfers_left AS (
    SELECT transfers.*
    FROM transfers
    LEFT JOIN named ON named.acc_id = transfers.acc_id AND named.internal_id = transfers.internal_id
    WHERE named.internal_id IS NULL AND transfers.status = 'executed'
), lines_left AS (
    SELECT lines.*
    FROM lines
    LEFT JOIN named ON named.acc_id = lines.acc_id AND named.txid = lines.txid
    WHERE named.txid IS NULL
), keyed AS (
    SELECT DISTINCT transfers_left.acc_id, transfers_left.internal_id, lines_left.txid
    FROM transfers_left
    JOIN lines_left
      ON lines_left.acc_id = transfers_left.acc_id AND lines_left.iban = transfers_left.iban
     AND lines_left.amount = transfers_left.amount
     AND lines_left.booking_date BETWEEN transfers_left.booking_date - INTERVAL '3' DAY
                                     AND transfers_left.booking_date + INTERVAL '3' DAY
), last_day AS (
    SELECT max(booking_date) AS booking_date FROM account_statements
)
SELECT transfers_left.acc_id, transfers_left.internal_id AS id, transfers_left.booking_date, transfers_left.currency,
       transfers_left.amount, 'no debit' AS finding
FROM transfers_left
LEFT JOIN keyed ON keyed.acc_id = transfers_left.acc_id AND keyed.internal_id = transfers_left.internal_id
CROSS JOIN last_day
WHERE keyed.internal_id IS NULL AND transfers_left.transaction_type <> 'sdd'
  AND transfers_left.booking_date <= last_day.booking_date - INTERVAL '3' DAY
UNION ALL
SELECT lines_left.acc_id, lines_left.txid AS id, lines_left.booking_date, lines_left.currency, lines_left.amount,
       'no transfer' AS finding
FROM lines_left
JOIN iban_statements AS twin ON twin.acc_id = lines_left.acc_id AND twin.txid = lines_left.txid
LEFT JOIN keyed ON keyed.acc_id = lines_left.acc_id AND keyed.txid = lines_left.txid
WHERE keyed.txid IS NULL AND lines_left.reference IS NOT NULL;
