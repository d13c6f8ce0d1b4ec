"""Reads the files of a report folder with programs that others wrote, and compares them with the CSV beside them and with
what manifest.json tells of each.

Usage: check.py REPORT_FOLDER [quick]. With `quick`, the workbook is read without its layout. Ends with 1 and the first
difference.
"""

import csv
import glob
import io
import itertools
import json
import os
import re
import subprocess
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

import mt940
import openpyxl
from ofxtools.Parser import OFXTree

reports, quick = sys.argv[1], "quick" in sys.argv[2:]
csv.field_size_limit(1 << 30)
with open(os.path.join(reports, "manifest.json"), encoding="utf-8") as file:
    told = {file["path"]: file for file in json.load(file)["files"]}


def rows_of(name):
    with open(os.path.join(reports, name + ".csv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain(text):
    """A text without the apostrophe that keeps spreadsheets from running it."""
    return text[1:] if text[:1] == "'" and text[1:2] in tuple("=+-@\t\r") else text


def check(what, expected, found):
    if expected != found:
        sys.exit(f"{what}: expected {expected!r:.300}, found {found!r:.300}")


def check_entries(what, expected, found):
    for place, (one, other) in enumerate(itertools.zip_longest(expected, found), 1):
        check(f"{what}, entry {place}", one, other)


class Owner:
    def __init__(self):
        self.booked, self.pending, self.opening, self.closing = [], [], None, None

    def breaks(self):
        """The rows at which the balance is not the balance before plus the amount: the books done again."""
        balance = self.opening
        for row in self.booked:
            balance += Decimal(row["amount"])
            if row["balance_after"] != "" and Decimal(row["balance_after"]) != balance:
                yield row, balance
                balance = Decimal(row["balance_after"])


owners = defaultdict(Owner)
for dataset, kind, key in (("account_statements", "account", "acc_id"), ("card_transactions", "card", "card_ref")):
    for row in rows_of(dataset):
        owner = owners[kind, plain(row[key])]
        if row["status"] in ("", "settled"):
            owner.booked.append(row)
        elif row["status"] == "pending":
            owner.pending.append(row)
for day in rows_of("balances"):
    owner = owners[day["owner_kind"], plain(day["owner_id"])]
    owner.opening = owner.opening if owner.opening is not None else Decimal(day["opening"])
    owner.closing = Decimal(day["closing"])
owners = {name: owner for name, owner in owners.items() if owner.booked}
by_id = {name: owner for (_, name), owner in owners.items()}
check("ids of owners", len(owners), len(by_id))


def files(folder):
    return sorted(glob.glob(os.path.join(glob.escape(reports), folder, "*")))


def amounts(rows):
    return [(row["booking_date"], Decimal(row["amount"])) for row in rows]


def check_manifest(path, found, rows, opening, closing):
    """What others read of a file is what the manifest tells of it."""
    file = told[os.path.relpath(path, reports)]
    sums = [sum(amount for _, amount in found if (amount < 0) == is_debit) for is_debit in (False, True)]
    check(f"{path}: its rows in the manifest", rows, file["rows"])
    check(f"{path}: its balances in the manifest", (opening, closing), (Decimal(file["opening"]), Decimal(file["closing"])))
    totals = [(Decimal(total["credits"]), Decimal(total["debits"]), Decimal(total["net"])) for total in file["totals"]]
    check(f"{path}: its totals in the manifest", [(sums[0], sums[1], sum(sums))] if found else [], totals)


def check_owner(format, path, name, owner, found, opening, closing, pending=0):
    check_entries(f"{format} {name}", amounts(owner.booked), found)
    check(f"{format} opening of {name}", owner.opening, opening)
    check(f"{format} closing of {name}", owner.closing, closing)
    check_manifest(path, found, len(found) + pending, opening, closing)


def spelled(name):
    """The name in SWIFT's character set, as far as the names of the tests go."""
    return name.replace("\u00c9", "E")


seen = []
for path in files("ofx"):
    tree = OFXTree()
    tree.parse(path)
    statement = tree.convert().statements[0]
    name = statement.account.acctid
    seen.append(name)
    found = [(t.dtposted.date().isoformat(), t.trnamt) for t in statement.transactions]
    check_owner("ofx", path, name, by_id[name], found, statement.ballist[0].value, statement.ledgerbal.balamt)
    check(f"ofx ids of {name}", len(found), len({t.fitid for t in statement.transactions}))
check("ofx files", sorted(by_id), sorted(seen))

seen = []
for path in files("mt940"):
    with open(path, newline="", encoding="ascii") as file:
        messages = file.read().split("\r\n-\r\n")[:-1]
    parsed = [mt940.parse(message) for message in messages]
    name = parsed[0].data["account_identification"]
    seen.append(name)
    owner = next(owner for each, owner in by_id.items() if spelled(each) == name)
    found = [(t.data["date"].isoformat(), t.data["amount"].amount) for message in parsed for t in message]
    balances = [[m.data[f"final_{end}_balance"].amount.amount for m in parsed] for end in ("opening", "closing")]
    check_owner("mt940", path, name, owner, found, balances[0][0], balances[1][-1])
check("mt940 files", sorted(map(spelled, by_id)), sorted(seen))


def signed(element, space):
    amount = Decimal(element.find("c:Amt", space).text)
    return -amount if element.find("c:CdtDbtInd", space).text == "DBIT" else amount


seen = []
for path in files("camt053"):
    root = ElementTree.parse(path).getroot()
    space = {"c": root.tag[1:].split("}")[0]}
    name = root.find(".//c:Acct/c:Id/c:Othr/c:Id", space).text
    seen.append(name)
    booked, pending, texts = [], [], []
    for entry in root.iterfind(".//c:Ntry", space):
        status = "".join(entry.find("c:Sts", space).itertext()).strip()
        line = (entry.find("c:BookgDt/c:Dt", space).text, signed(entry, space))
        (booked if status == "BOOK" else pending).append(line)
        if status == "BOOK":
            texts.append("".join(part.text for part in entry.iterfind(".//c:Ustrd", space)))
    balances = defaultdict(list)
    for balance in root.iterfind(".//c:Bal", space):
        balances[balance.find("c:Tp/c:CdOrPrtry/c:Cd", space).text].append(signed(balance, space))
    owner = by_id[name]
    check_owner("camt053", path, name, owner, booked, balances["OPBD"][0], balances["CLBD"][-1], len(pending))
    check_entries(f"camt053 pending of {name}", amounts(owner.pending), pending)
    for row, text in zip(owner.booked, texts):
        kept = "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in plain(row["description"]))
        if kept not in text:
            sys.exit(f"camt053 text of {name}: expected {kept!r} in {text!r:.300}")
check("camt053 files", sorted(by_id), sorted(seen))

# hledger reads all journals by way of the one that includes them; its own sums of them are in `amount`.
[index] = [path for path in files("hledger") if not re.match("(account|card)-", os.path.basename(path))]
listed = subprocess.run(
    ["hledger", "-f", index, "--ignore-assertions", "print", "-O", "csv"], check=True, capture_output=True, text=True
)
found, ends = defaultdict(list), defaultdict(list)
for row in csv.DictReader(io.StringIO(listed.stdout)):
    if row["account"].startswith("assets:bank:"):
        kind, name = row["account"].split(":")[2:]
        entry = (row["date"], Decimal(row["amount"]), urllib.parse.unquote(row["code"]))
        (found if row["code"] else ends)[kind, urllib.parse.unquote(name)].append(entry)
check("hledger owners", sorted(owners), sorted(found))
tied = []
for (kind, name), owner in owners.items():
    [path] = [path for path in told if path.startswith("hledger/") and told[path]["rows"] and path in (
        f"hledger/{kind}-{name}.journal", f"hledger/{kind}-{urllib.parse.quote(name, safe='').replace('.', '%2E')}.journal"
    )]
    path = os.path.join(reports, path)
    entries = [(*entry, plain(row["txid"])) for entry, row in zip(amounts(owner.booked), owner.booked)]
    check_entries(f"hledger {name}", entries, found[kind, name])
    with open(path, encoding="utf-8", newline="\n") as file:
        asserted = [line.rsplit(" = ", 1)[1] for line in file if line.startswith("    assets:") and " = " in line]
    balances = [Decimal(text.split(" ")[0]) for text in asserted]
    stated = [Decimal(row["balance_after"]) for row in owner.booked if row["balance_after"] != ""]
    check_entries(f"hledger balances asserted of {name}", [owner.opening, *stated, owner.closing], balances)
    check_manifest(path, [entry[:2] for entry in found[kind, name]], len(entries), balances[0], balances[-1])
    broken = list(owner.breaks())
    if not broken:
        tied.append(path)
        continue
    refused = subprocess.run(["hledger", "-f", path, "check", "--strict"], capture_output=True, text=True)
    row, balance = broken[0]
    # As hledger shows it, with the currency's decimals.
    for part in (f"({urllib.parse.quote(plain(row['txid']), safe='-_./:')})", f"calculated: {balance}"):
        if refused.returncode == 0 or part not in refused.stderr:
            sys.exit(f"hledger {name}: expected a refusal with {part}, found {refused.returncode} {refused.stderr:.600}")
    print(f"broken: {kind} {name}")
named = {(row["owner_kind"], plain(row["owner_id"])) for row in rows_of("breaks") if row["check"] in ("chain", "duplicate")}
check("owners whose chain is broken", sorted(named), sorted(name for name, owner in owners.items() if any(owner.breaks())))
subprocess.run(["hledger", *itertools.chain(*(["-f", path] for path in tied)), "check", "--strict"], check=True)

book = openpyxl.load_workbook(os.path.join(reports, "tieout.xlsx"), read_only=quick)
check("first sheet", "breaks", book.sheetnames[0])
digits = {"JPY": 0, "BHD": 3, "TND": 3, "CLF": 4}
control = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
for sheet in book:
    expected = rows_of(sheet.title)
    lines = sheet.iter_rows()
    header = [cell.value for cell in next(lines)]
    if not quick:
        check(f"rows of sheet {sheet.title}", len(expected), sheet.max_row - 1)
        check(f"frozen rows of {sheet.title}", "A2", sheet.freeze_panes)
        if sheet.auto_filter.ref is None:
            sys.exit(f"sheet {sheet.title} has no filter")
    for row, cells in itertools.zip_longest(expected, lines):
        if row is None or cells is None:
            sys.exit(f"sheet {sheet.title}: expected {len(expected)} rows, found another number")
        for name, cell in zip(header, cells):
            value, text = cell.value, row[name]
            if text == "":
                if value not in (None, ""):
                    sys.exit(f"{sheet.title} {cell.coordinate} ({name}): expected nothing, found {value!r}")
                continue
            if isinstance(value, str):
                kept = control.sub("\ufffd", plain(text)).replace("_x0041_", "_x005F_x0041_").replace("\r\n", "\n")
                same = cell.data_type != "f" and kept == value.replace("\r\n", "\n")
                if name in ("amount", "balance_after", "opening", "closing"):
                    # A double would round it.
                    same = same and len(text.replace("-", "").replace(".", "").lstrip("0")) > 15
            elif isinstance(value, datetime) and name.endswith("_at"):
                same = text[:19] == value.isoformat()
            elif isinstance(value, (datetime, date)):
                same = text == value.date().isoformat()
            else:
                same = isinstance(value, (int, float)) and Decimal(text) == Decimal(repr(value))
                if name in ("amount", "balance_after"):
                    decimals = digits.get(row["currency"], 2)
                    check(
                        f"{sheet.title} {cell.coordinate} ({name}): format",
                        "#,##0" + ("." + "0" * decimals if decimals else ""),
                        cell.number_format,
                    )
            if not same:
                sys.exit(f"{sheet.title} {cell.coordinate} ({name}): expected {text!r:.300}, found {value!r:.300}")
print(f"{len(owners)} owners, {sum(len(owner.booked) for owner in owners.values())} entries read by others")
