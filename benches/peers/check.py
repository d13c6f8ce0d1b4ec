"""Compares what an engine wrote with what the generator planted: check.py FOLDER ENGINE."""
import decimal
import json
import pathlib
import sys

import duckdb

folder, engine = pathlib.Path(sys.argv[1]), sys.argv[2]
out = folder / "out"
sums = json.loads((folder / "sums.json").read_text(), parse_float=decimal.Decimal)
planted = folder / "planted.csv"
if engine == "tieout":
    (reports,) = (out / "reports/bench").iterdir()
    lake, key, filters = out / "lake/card_transactions", "owner_id", "WHERE \"check\" = 'chain'"
else:
    reports, lake, key, filters = out, out / "lake", "card_ref", ""


def breaks(path, key, filters=""):
    """Where a chain breaks, what should stand there and what does."""
    columns = f"{key}, txid::BIGINT, expected::DECIMAL(18,4), actual::DECIMAL(18,4)"
    return set(duckdb.execute(f"SELECT {columns} FROM read_csv('{path}', header = true, all_varchar = true) {filters}").fetchall())


def told(source):
    """Rows and sums of a file of rows."""
    columns = "count(*), sum(amount::DECIMAL(18,4)), sum(balance_after::DECIMAL(18,4))"
    return duckdb.execute(f"SELECT {columns} FROM {source}").fetchone()


expected, found = breaks(planted, "card_ref"), breaks(reports / "breaks.csv", key, filters)
lines = duckdb.execute(f"SELECT count(*) FROM read_csv('{reports}/breaks.csv', header = true, all_varchar = true)").fetchone()
assert found == expected, f"missing: {sorted(expected - found)[:5]}, too many: {sorted(found - expected)[:5]}"
assert lines == (len(expected),), f"{lines} breaks, expected {len(expected)}"
should = (sums["rows"], decimal.Decimal(sums["amount"]), decimal.Decimal(sums["balance_after"]))
csv = told(f"read_csv('{reports}/card_transactions.csv', header = true, all_varchar = true)")
assert csv == should, f"CSV: {csv}, expected {should}"
parquet = told(f"read_parquet('{lake}/*/*.parquet')")
assert parquet == should, f"Parquet: {parquet}, expected {should}"
print(f"{len(found)} breaks, {should[0]} rows, amounts {should[1]}, as planted")
