"""DuckDB on the job of compare.py: duck.py PAGES OUT [--exact].

JSON numbers become decimals by way of a double, which is wrong beyond 15 digits. With --exact they are made texts in the line
before it is parsed, as nothing in DuckDB reads a JSON number's text.
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
BODY = json.dumps({"body": {"acc_id": "VARCHAR", "card_ref": "VARCHAR", "transactions": [FIELDS]}})
NUMBERS = r"""'"(amount|amount_fx|fx|fx_fee|balance_after)":(-?[0-9.]+)', '"\1":"\2"', 'g'"""
line = f"regexp_replace(json::VARCHAR, {NUMBERS})" if is_exact else "json"

# Half the time of read_ndjson with the same structure as its columns.
database.execute(f"""
CREATE TABLE card_transactions AS
WITH pages AS (SELECT from_json({line}, '{BODY}').body AS body FROM read_ndjson_objects('{pages}')),
rows AS (SELECT body.acc_id AS acc_id, body.card_ref AS card_ref, unnest(body.transactions) AS row FROM pages)
SELECT acc_id, card_ref, row.txid, row.date::DATE AS booking_date, row.date AS booked_at,
    if(row.type = 'D', -row.amount, row.amount)::{MONEY} AS amount, row.currency, row.balance_after, row.status, row.description,
    row.date_transaction AS transacted_at, if(row.type = 'D', -row.amount_fx, row.amount_fx)::{MONEY} AS amount_fx,
    row.fx AS fx_rate, row.fx_fee, row.mcc, row.vat_details, row.failed_reason
FROM rows
""")
# A balance that the next row contradicts is one fault, not two.
breaks = """
WITH gaps AS (
    SELECT *, balance_after - amount - lag(balance_after) OVER chain AS gap FROM card_transactions WHERE status = 'S'
    WINDOW chain AS (PARTITION BY card_ref ORDER BY booked_at, txid)),
told AS (
    SELECT *, coalesce(lag(gap) OVER (PARTITION BY card_ref ORDER BY booked_at, txid), 0) AS gap_before FROM gaps)
SELECT card_ref, txid, balance_after - gap AS expected, balance_after AS actual
FROM told WHERE gap <> 0 AND gap_before <> -gap ORDER BY card_ref, booked_at, txid
"""
rows = "FROM card_transactions ORDER BY card_ref, booked_at, txid"
partitions = "FORMAT parquet, COMPRESSION zstd, PARTITION_BY (booking_date), WRITE_PARTITION_COLUMNS"
database.execute(f"COPY ({breaks}) TO '{out}/breaks.csv' (FORMAT csv, HEADER)")
database.execute(f"COPY ({rows}) TO '{out}/card_transactions.csv' (FORMAT csv, HEADER)")
database.execute(f"COPY card_transactions TO '{out}/lake' ({partitions})")
