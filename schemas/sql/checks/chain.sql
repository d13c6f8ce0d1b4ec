-- chain: each settled row's balance is the balance before it plus its amount.
--
-- A row states a balance; what the amounts up to it do not explain of that balance is its base. Along an unbroken chain the
-- base stays the same. Where it changes, the chain fails. One fault is one row of the result: where the base is at once again
-- what it was, the one balance in between was wrong, and the return is not told a second time.
-- A row that repeats the row before it (same moment, amount and balance) is told as duplicate, under its own id.
-- Windows run one after the other make a seam: a row told here that begins a window may be a seam there.
-- Where the provider charges exchange fees on top (summary.json, `meaning`), put amount + fx_fee for amount.
CREATE OR REPLACE TEMPORARY VIEW chain AS
WITH moving AS (
    SELECT 'account' AS owner_kind, acc_id AS owner_id, txid, booking_date, position, booked_at, currency, amount,
           balance_after
    FROM account_statements
    WHERE status IS NULL OR status = 'settled'
    UNION ALL
    SELECT 'card' AS owner_kind, card_ref AS owner_id, txid, booking_date, position, booked_at, currency, amount,
           balance_after
    FROM card_transactions
    WHERE status = 'settled'
), summed AS (
    SELECT *, balance_after - sum(amount) OVER (
        PARTITION BY owner_kind, owner_id ORDER BY booking_date, position
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS base
    FROM moving
), linked AS (
    SELECT *,
           lag(base, 1) OVER (PARTITION BY owner_kind, owner_id ORDER BY booking_date, position) AS base_before,
           lag(base, 2) OVER (PARTITION BY owner_kind, owner_id ORDER BY booking_date, position) AS base_two_before,
           lag(amount, 1) OVER (PARTITION BY owner_kind, owner_id ORDER BY booking_date, position) AS amount_before,
           lag(balance_after, 1) OVER (PARTITION BY owner_kind, owner_id ORDER BY booking_date, position) AS balance_before,
           lag(booked_at, 1) OVER (PARTITION BY owner_kind, owner_id ORDER BY booking_date, position) AS booked_before
    FROM summed
    WHERE balance_after IS NOT NULL
)
SELECT CASE
           WHEN amount = amount_before AND balance_after = balance_before AND booked_at = booked_before THEN 'duplicate'
           ELSE 'chain'
       END AS check_name,
       owner_kind, owner_id, txid, booking_date, currency,
       balance_after - (base - base_before) AS expected,
       balance_after AS actual,
       base - base_before AS difference
FROM linked
WHERE base <> base_before AND (base_two_before IS NULL OR base <> base_two_before);
