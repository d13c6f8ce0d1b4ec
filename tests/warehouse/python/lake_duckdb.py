"""The lake in DuckDB and pyarrow."""
import datetime
import os
import pathlib
import re
import sys

import duckdb
import pyarrow
import pyarrow.compute
import pyarrow.dataset

import lake

root, out = sys.argv[1:]
os.chdir(out)
database = duckdb.connect()
database.execute("SET TimeZone = 'America/New_York'")


def execute(sql):
    return database.execute(sql).fetchall()


def execute_named(sql):
    result = database.execute(sql)
    return [column[0] for column in result.description], result.fetchall()


lake.check(execute, execute_named, root, "duckdb")
for dataset in lake.FEEDS:
    lake.compare_values(dataset, database.sql(f"SELECT * FROM 'lake/{dataset}/*/*.parquet'").to_arrow_table())

day = datetime.date(2026, 10, 9)
for dataset in lake.FEEDS:
    total, count = database.execute(lake.PRUNED.format(dataset)).fetchone()
    plan = database.execute("EXPLAIN ANALYZE " + lake.PRUNED.format(dataset)).fetchall()[0][1]
    read = re.findall(r"(?:Total Files Read|Scanning Files):\s*(\d+)(?:/(\d+))?", plan)
    assert ("1", "31") in read or ("1", "") in read, plan

    parts = pyarrow.dataset.partitioning(pyarrow.schema([("booking_date", pyarrow.date32())]), flavor="hive")
    files = pyarrow.dataset.dataset(f"lake/{dataset}", partitioning=parts)
    that_day = pyarrow.dataset.field("booking_date") == day
    fragments = list(files.get_fragments(filter=that_day))
    assert [pathlib.Path(fragment.path).parent.name for fragment in fragments] == [f"booking_date={day}"], fragments
    table = files.to_table(filter=that_day)
    assert (pyarrow.compute.sum(table["amount"]).as_py(), table.num_rows) == (total, count), dataset
    lake.compare_values(dataset, files.to_table())
