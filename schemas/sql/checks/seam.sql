-- seam: a day opens where the last day before it that has settled rows closed.
--
-- Needs no order within a day: a row per owner and day of the lake's balances.
CREATE OR REPLACE TEMPORARY VIEW seam AS
WITH days AS (
    SELECT owner_kind, owner_id, currency, booking_date, opening, closing,
           lag(closing) OVER (PARTITION BY owner_kind, owner_id ORDER BY booking_date) AS closed
    FROM balances
)
SELECT owner_kind, owner_id, booking_date, currency, closed AS expected, opening AS actual, opening - closed AS difference
FROM days
WHERE opening <> closed;
