-- iban_twin: a settled line of the IBAN statement has its line in the account statement, and a settled line of the account
-- statement that names an IBAN has its twin: same txid, amount and day. Pending lines are twins, but need none.
-- What the view chain tells already is no second finding: a line whose amount the balances contradict, or one that the
-- account statement lacks and by which its balances jump on that day or the next.
CREATE OR REPLACE TEMPORARY VIEW iban_twin AS
WITH here AS (
    SELECT acc_id, txid, min(booking_date) AS booking_date, min(currency) AS currency, min(amount) AS amount
    FROM account_statements
    WHERE (status IS NULL OR status = 'settled')
      AND (counterparty_iban IS NOT NULL OR virtual_iban IS NOT NULL)
    GROUP BY acc_id, txid
), there AS (
    SELECT acc_id, txid, min(booking_date) AS booking_date, min(currency) AS currency, min(amount) AS amount
    FROM iban_statements
    WHERE status IS NULL OR status = 'settled'
    GROUP BY acc_id, txid
), pairs AS (
    SELECT DISTINCT line.acc_id, line.txid
    FROM account_statements AS line
    JOIN iban_statements AS twin
      ON twin.acc_id = line.acc_id AND twin.txid = line.txid
     AND twin.amount = line.amount AND twin.booking_date = line.booking_date
), alone AS (
    SELECT here.acc_id, here.txid, here.booking_date, here.currency, here.amount FROM here
    UNION
    SELECT there.acc_id, there.txid, there.booking_date, there.currency, there.amount FROM there
    WHERE NOT EXISTS (SELECT 1 FROM here WHERE here.acc_id = there.acc_id AND here.txid = there.txid)
), told AS (
    SELECT alone.acc_id, alone.txid
    FROM alone
    JOIN chain ON chain.owner_kind = 'account' AND chain.owner_id = alone.acc_id AND chain.txid = alone.txid
    UNION
    SELECT alone.acc_id, alone.txid
    FROM alone
    JOIN chain
      ON chain.owner_kind = 'account' AND chain.owner_id = alone.acc_id AND chain.difference = alone.amount
     AND chain.booking_date BETWEEN alone.booking_date AND alone.booking_date + INTERVAL '1' DAY
    LEFT JOIN here ON here.acc_id = alone.acc_id AND here.txid = alone.txid
    WHERE here.txid IS NULL
)
SELECT alone.*
FROM alone
LEFT JOIN pairs ON pairs.acc_id = alone.acc_id AND pairs.txid = alone.txid
LEFT JOIN told ON told.acc_id = alone.acc_id AND told.txid = alone.txid
WHERE pairs.txid IS NULL AND told.txid IS NULL;
