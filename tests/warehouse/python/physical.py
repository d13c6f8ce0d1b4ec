"""What the lake's files are made of, by pyarrow: pages, encodings, types, order, and control totals that their rows sum up to."""
import collections
import datetime
import decimal
import json
import pathlib
import sys

import pyarrow.compute
import pyarrow.parquet

# The beginning of a page's header in Thrift's compact protocol: field 1, an i32, is the kind of page.
DATA_PAGE_V1 = bytes([0x15, 0x00])
KNOWN = {"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY"}


def total(column):
    return pyarrow.compute.sum(column).as_py() or decimal.Decimal(0)


def totals(table, dataset):
    """Credits, debits and net by currency, and of balances opening and closing."""
    found = {}
    for currency in set(table["currency"].to_pylist()):
        rows = table.filter(pyarrow.compute.equal(table["currency"], currency)) if currency else table
        if dataset == "balances":
            sums = [total(rows[name]) for name in ("credits", "debits", "opening", "closing")]
        else:
            sums = [total(rows["amount"].filter(sign(rows["amount"], 0))) for sign in (pyarrow.compute.greater, pyarrow.compute.less)]
        found[currency] = [sums[0], sums[1], sums[0] + sums[1], *sums[2:]]
    return found


files, rows = 0, 0
for path in sorted(pathlib.Path(sys.argv[1]).glob("lake/*/booking_date=*/*.parquet")):
    dataset, day = path.parent.parent.name, datetime.date.fromisoformat(path.parent.name.removeprefix("booking_date="))
    file = pyarrow.parquet.ParquetFile(path)
    meta = file.metadata
    assert meta.format_version == "1.0" and meta.created_by.startswith("tieout version "), (path, meta.format_version)
    with path.open("rb") as raw:
        for group in range(meta.num_row_groups):
            for index in range(meta.num_columns):
                chunk = meta.row_group(group).column(index)
                assert chunk.compression == "ZSTD" and set(chunk.encodings) <= KNOWN, (path, chunk)
                assert chunk.has_offset_index and chunk.has_column_index and chunk.is_stats_set, (path, chunk)
                raw.seek(chunk.data_page_offset)
                assert raw.read(2) == DATA_PAGE_V1, (path, chunk)
    for index in range(meta.num_columns):
        column = file.schema.column(index)
        kind = json.loads(column.logical_type.to_json())
        if kind["Type"] == "Decimal":
            assert column.physical_type == "INT64" and kind["precision"] == 18, (path, column)
        elif kind["Type"] == "Timestamp":
            assert kind["isAdjustedToUTC"] and kind["timeUnit"] == "microseconds", (path, column)
    table = file.read()
    assert set(table["booking_date"].to_pylist()) == {day}, path
    # Rows of an owner stand together.
    owner = "card_ref" if dataset == "card_transactions" else "owner_id" if dataset == "balances" else "acc_id"
    owners = table[owner].to_pylist()
    runs = 1 + sum(one != other for one, other in zip(owners, owners[1:]))
    assert runs == len(set(owners)), (path, owners)
    told = {key.decode(): value.decode() for key, value in meta.metadata.items()}
    assert told["tieout.rows"] == str(table.num_rows) and len(told["tieout.rows_sha256"]) == 64, path
    stated = {
        line["currency"]: [decimal.Decimal(line[name]) for name in ("credits", "debits", "net", "opening", "closing") if name in line]
        for line in json.loads(told["tieout.totals"])
    }
    assert stated == totals(table, dataset), (path, stated, totals(table, dataset))
    files, rows = files + 1, rows + table.num_rows
print(files, rows)
