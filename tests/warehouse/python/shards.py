"""Whether lakes of several shards, read by one glob, have the rows of the lake that one run wrote: in DuckDB and pyarrow."""
import glob
import sys

import duckdb
import pyarrow.parquet

whole, shards = sys.argv[1:]
for dataset in ["account_statements", "iban_statements", "card_transactions", "credit_transfers", "balances"]:
    one, other = (f"'{root}/lake/{dataset}/*/*.parquet'" for root in (whole, shards))
    count = duckdb.sql(f"SELECT count(*) FROM {one}").fetchall()[0][0]
    assert count > 0, dataset
    for left, right in ((one, other), (other, one)):
        rest = duckdb.sql(f"SELECT * FROM {left} EXCEPT ALL SELECT * FROM {right}").fetchall()
        assert not rest, (dataset, rest[:3])
    tables = [
        pyarrow.parquet.read_table(sorted(glob.glob(f"{root}/lake/{dataset}/*/*.parquet")), partitioning=None)
        for root in (whole, shards)
    ]
    order = [(name, "ascending") for name in tables[0].column_names]
    assert tables[0].num_rows == count and tables[0].sort_by(order).equals(tables[1].sort_by(order)), dataset
assert len(glob.glob(f"{shards}/lake")) > 1
print("same")
