"""Reads a published lake with pyarrow's own S3 client, and compares its sums with the manifest's control totals."""

import json
import sys
from collections import defaultdict
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

endpoint, root = sys.argv[1:]
store = fs.S3FileSystem(
    access_key="tieout", secret_key="x", region="us-east-1", scheme="http", endpoint_override=endpoint.removeprefix("http://")
)
names = sorted(each.path for each in store.get_file_info(fs.FileSelector(f"{root}/_tieout/manifests")))
manifest = json.loads(store.open_input_stream(names[-1]).read())


def sums(table):
    found = defaultdict(Decimal)
    for amount, currency in zip(table["amount"].to_pylist(), table["currency"].to_pylist()):
        found[currency] += amount
    return dict(found)


expected, rows, objects = defaultdict(Decimal), 0, []
for partition in manifest["partitions"]:
    if partition["dataset"] != "account_statements":
        continue
    rows += partition["rows"]
    objects.append(f"{root}/{partition['object']}")
    for total in partition["totals"]:
        expected[total["currency"]] += Decimal(total["net"])
assert rows > 0

# One publication, whatever happens meanwhile.
snapshot = ds.dataset(objects, filesystem=store, format="parquet").to_table()
assert snapshot.num_rows == rows and sums(snapshot) == dict(expected), (snapshot.num_rows, sums(snapshot), expected)

# The folder as it is.
lake = f"{root}/lake/account_statements"
folder = pq.read_table(lake, filesystem=store, partitioning=None)
assert folder.num_rows == rows and sums(folder) == dict(expected), (folder.num_rows, sums(folder))

# Partition pruning: a day is one object.
by_day = ds.partitioning(pa.schema([("booking_date", pa.date32())]), flavor="hive")
days = ds.dataset(lake, filesystem=store, format="parquet", partitioning=by_day)
day = snapshot["booking_date"][0].as_py()
pruned = list(days.get_fragments(filter=pc.field("booking_date") == day))
assert len(pruned) == 1 and str(day) in pruned[0].path, pruned
