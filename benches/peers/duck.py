"""DuckDB on the job of compare.py: duck.py PAGES OUT [--exact].

JSON numbers become decimals by way of a double, which is fast, and wrong beyond 15 digits. With --exact they are made
texts in the line before it is parsed, as nothing in DuckDB reads a JSON number's text.
"""
import json
import pathlib
import sys

import duckdb

pages, out = f"{sys.argv[1]}/card_transactions/*.ndjson", pathlib.Path(sys.argv[2])
is_exact = "--exact" in sys.argv[3:]
out.mkdir(parents=True)
database = duckdb.connect()
database.execute("SET threads = 2")
# The order of a page's rows says nothing that date and id do not.
database.execute("SET preserve_insertion_order = false")

MONEY, RATE = "DECIMAL(18,4)", "DECIMAL(18,8)"
FIELDS = {
    "txid": "BIGINT", "mcc": "VARCHAR", "amount": MONEY, "amount_fx": MONEY, "currency": "VARCHAR", "fx": RATE, "fx_fee": RATE,
    "vat_details": "JSON", "failed_reason": "JSON", "status": "VARCHAR", "type": "VARCHAR", "balance_after": MONEY,
    "date": "TIMESTAMP", "date_transaction": "TIMESTAMP", "description": "VARCHAR",
}
if is_exact:
    body = json.dumps({"body": {"acc_id": "VARCHAR", "card_ref": "VARCHAR", "transactions": [FIELDS]}})
    numbers = r"""'"(amount|amount_fx|fx|fx_fee|balance_after)":(-?[0-9.]+)', '"\1":"\2"', 'g'"""
    lines = f"SELECT regexp_replace(json::VARCHAR, {numbers}) AS line FROM read_ndjson_objects('{pages}')"
    source = f"SELECT from_json(line, '{body}').body AS body FROM ({lines})"
else:
    row = ", ".join(f"{name} {kind}" for name, kind in FIELDS.items())
    body = f"STRUCT(acc_id VARCHAR, card_ref VARCHAR, transactions STRUCT({row})[])"
    source = f"SELECT body FROM read_ndjson('{pages}', columns = {{body: '{body}'}})"

database.execute(f"""
CREATE TABLE card_transactions AS
WITH pages AS ({source}),
rows AS (SELECT body.acc_id, body.card_ref, unnest(body.transactions, recursive := true) FROM pages),
signed AS (
    SELECT * REPLACE (if(type = 'D', -amount, amount)::DECIMAL(18,4) AS amount,
                      if(type = 'D', -amount_fx, amount_fx)::DECIMAL(18,4) AS amount_fx)
    FROM rows)
SELECT acc_id, card_ref, txid, date::DATE AS booking_date, date AS booked_at, amount, currency, balance_after,
    status, description, date_transaction AS transacted_at, amount_fx, fx AS fx_rate, fx_fee, mcc, vat_details, failed_reason,
    balance_after - amount - lag(balance_after) OVER chain AS gap
FROM signed
WINDOW chain AS (PARTITION BY card_ref, status = 'S' ORDER BY date, txid)
""")
# A balance that the next row contradicts is one fault, not two.
breaks = """
WITH gaps AS (
    SELECT *, lag(gap) OVER (PARTITION BY card_ref ORDER BY booked_at, txid) AS gap_before
    FROM card_transactions WHERE status = 'S' AND gap IS NOT NULL)
SELECT card_ref, txid, balance_after - gap AS expected, balance_after AS actual
FROM gaps WHERE gap <> 0 AND coalesce(gap_before, 0) <> -gap ORDER BY card_ref, booked_at, txid
"""
database.execute(f"COPY ({breaks}) TO '{out}/breaks.csv' (FORMAT csv, HEADER)")
rows = "SELECT * EXCLUDE gap FROM card_transactions"
database.execute(f"COPY ({rows} ORDER BY card_ref, booked_at, txid) TO '{out}/card_transactions.csv' (FORMAT csv, HEADER)")
partitioned = "FORMAT parquet, COMPRESSION zstd, PARTITION_BY (booking_date), WRITE_PARTITION_COLUMNS"
database.execute(f"COPY ({rows}) TO '{out}/lake' ({partitioned})")
