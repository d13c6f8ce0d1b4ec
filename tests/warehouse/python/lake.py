"""What an output directory says of its lake in CSV and manifests, and whether an engine reads the same there."""
import csv
import datetime
import decimal
import json
import pathlib

import pyarrow
import pyarrow.compute

FEEDS = ["account_statements", "iban_statements", "card_transactions", "credit_transfers"]
KEYS = {"credit_transfers": ["acc_id", "internal_id"], "card_transactions": ["card_ref", "txid"]}
CHECKS = ["chain", "seam", "iban_twin", "transfer"]
PRUNED = "SELECT sum(amount), count(*) FROM {} WHERE booking_date = DATE '2026-10-09'"

csv.field_size_limit(1 << 30)


def reports():
    folders = sorted(pathlib.Path("reports").glob("*/*"))
    assert len(folders) == 2, folders
    return folders


def rows(name):
    """The rows of a CSV file of all reports."""
    for folder in reports():
        with (folder / f"{name}.csv").open(newline="") as file:
            yield from csv.DictReader(file)


def told_totals(dataset):
    """Rows, and net by currency, as the manifests tell of the CSV files."""
    count, nets = 0, {}
    for folder in reports():
        manifest = json.loads((folder / "manifest.json").read_text())
        file = next(file for file in manifest["files"] if file["path"] == f"{dataset}.csv")
        count += file["rows"]
        for total in file["totals"]:
            nets[total["currency"]] = nets.get(total["currency"], 0) + decimal.Decimal(total["net"])
    return count, nets


def micros(text):
    instant = datetime.datetime.fromisoformat(text) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return instant // datetime.timedelta(microseconds=1)


def plain(text):
    """Without the apostrophe that keeps spreadsheets from running it."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@\t\r") else text


def compare_values(dataset, table):
    """Every cell of a table with the CSV: decimals exactly, instants as instants, texts to the letter."""
    columns = {}
    expected = list(rows(dataset))
    for field in table.schema:
        name, kind = field.name, field.type
        column = table.column(name)
        if pyarrow.types.is_timestamp(kind):
            assert kind.unit == "us" and kind.tz is not None, field
            columns[name] = (column.cast(pyarrow.int64()).to_pylist(), micros)
        elif pyarrow.types.is_decimal(kind):
            assert (kind.precision, kind.scale) == (18, 8 if name in ("fx_rate", "fx_fee") else 4), field
            columns[name] = (column.to_pylist(), decimal.Decimal)
        elif pyarrow.types.is_date(kind):
            columns[name] = (column.to_pylist(), datetime.date.fromisoformat)
        else:
            columns[name] = (column.cast(pyarrow.string()).to_pylist(), plain)
    assert set(columns) == set(expected[0]), (dataset, set(columns) ^ set(expected[0]))
    assert table.num_rows == len(expected), (dataset, table.num_rows, len(expected))
    names = sorted(columns)
    found = zip(*(columns[name][0] for name in names))
    wanted = [tuple(columns[name][1](row[name]) if row[name] != "" else None for name in names) for row in expected]
    # Null and the empty text are the same in CSV.
    found = [tuple(None if cell == "" else cell for cell in row) for row in found]
    key = lambda row: tuple((cell is not None, cell) for cell in row)
    for one, other in zip(sorted(found, key=key), sorted(wanted, key=key)):
        assert one == other, (dataset, one, other)
    return len(found)


def told_breaks():
    """What the runs found, in the words of schemas/sql/checks."""
    told = {check: set() for check in CHECKS}
    for row in rows("breaks"):
        owner, difference = (row["owner_kind"], row["owner_id"]), row["difference"]
        difference = decimal.Decimal(difference) if difference else None
        if row["check"] in ("chain", "seam", "duplicate"):
            name = "chain" if row["check"] == "seam" else row["check"]
            told["chain"].add((name, *owner, row["txid"], row["booking_date"], row["currency"], difference))
        if row["check"] == "seam":
            told["seam"].add((*owner, row["booking_date"], row["currency"], difference))
        elif row["check"] in ("iban_twin", "transfer"):
            told[row["check"]].add((row["owner_id"], row["txid"], row["booking_date"]))
    return told


FINDINGS = {
    "chain": ["check_name", "owner_kind", "owner_id", "txid", "booking_date", "currency", "difference"],
    "seam": ["owner_kind", "owner_id", "booking_date", "currency", "difference"],
    "iban_twin": ["acc_id", "txid", "booking_date"],
    "transfer": ["acc_id", "id", "booking_date"],
}


def statements(path):
    """The statements of a file; none of ours has a semicolon inside."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("--"))
    return [statement for statement in text.split(";") if statement.strip()]


def check(execute, execute_named, root, dialect, made=lambda view: None):
    """Runs the checks; what they find must be what tieout found, no more and no less. Tells it a line each.

    `execute` gives rows, `execute_named` the columns' names too; `made` hears of each file whose views were made.
    """
    checks = pathlib.Path(root) / "schemas/sql/checks"
    for name in [f"lake.{dialect}", *CHECKS]:
        for statement in statements(checks / f"{name}.sql"):
            execute(statement)
        made(name)
    for dataset in FEEDS:
        count, nets = told_totals(dataset)
        found = execute(f"SELECT currency, sum(amount), count(*) FROM {dataset} GROUP BY currency")
        assert {currency: net for currency, net, _ in found} == nets, (dataset, found, nets)
        assert sum(row[2] for row in found) == count, dataset
    told = told_breaks()
    for name in CHECKS:
        columns, whole = execute_named(f"SELECT * FROM {name}")
        at = [columns.index(column) for column in FINDINGS[name]]
        found = [tuple(str(row[i]) if columns[i] == "booking_date" else row[i] for i in at) for row in whole]
        assert len(set(found)) == len(found), (name, found)
        assert set(found) == told[name], (name, set(found) ^ told[name])
        assert found, name
        # Whole rows, that engines can be compared by.
        for line in sorted(str([str(cell) for cell in row]) for row in whole):
            print(name, line)
