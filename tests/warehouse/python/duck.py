"""Runs schemas/sql/duckdb over the demo's output, twice, and compares what is there with manifest.json."""
import decimal
import json
import os
import pathlib
import sys

import duckdb

root, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
reports = next((out / "reports/demo").iterdir())
manifest = json.loads((reports / "manifest.json").read_text())
window = manifest["window"]
database = duckdb.connect()
for script in sorted((root / "schemas/sql/duckdb").glob("*.sql")):
    name = script.stem
    in_lake = (out / "lake" / name).exists()
    os.chdir(out if in_lake else reports)
    sql = script.read_text().replace("2026-01-01", window["from"]).replace("2026-01-31", window["to"])
    for _ in range(2):
        database.execute(sql)
    told = next(file for file in manifest["files"] if file["path"] == f"{name}.csv")
    assert database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == told["rows"], name
    for total in told["totals"]:
        amount = "credits + debits" if name == "balances" else "amount"
        found = database.execute(
            f"SELECT sum({amount}) FROM {name} WHERE currency IS NOT DISTINCT FROM ?", [total["currency"]]
        ).fetchone()[0]
        assert found == decimal.Decimal(total["net"]), (name, total, found)
    print(name, told["rows"])
# What the footer of each file of the lake tells.
os.chdir(out)
checked = 0
for file in manifest["files"]:
    if not file["path"].startswith("lake/"):
        continue
    pairs = database.execute("SELECT key, value FROM parquet_kv_metadata(?)", [file["path"]]).fetchall()
    footer = {bytes(key).decode(): bytes(value).decode() for key, value in pairs}
    assert footer["tieout.rows"] == str(file["rows"])
    assert footer["tieout.dataset"] == file["dataset"]
    assert json.loads(footer["tieout.totals"]) == file["totals"]
    assert footer["tieout.rows_sha256"] == file["rows_sha256"]
    if file["dataset"] == "balances":
        assert all("opening" in total and "closing" in total for total in file["totals"]), file
    columns = database.execute(
        "SELECT path_in_schema, type, compression FROM parquet_metadata(?)", [file["path"]]
    ).fetchall()
    kinds = {path: kind for path, kind, _ in columns}
    money = [column for column in ("amount", "balance_after", "opening", "closing") if column in kinds]
    assert money and all(kinds[column] == "INT64" for column in money)
    assert {compression for _, _, compression in columns} == {"ZSTD"}
    checked += 1
print("partitions", checked)
