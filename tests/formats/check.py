"""Reads the files of a report folder with programs that others wrote, and compares them with the CSV beside them.

Usage: check.py REPORT_FOLDER. Ends with 1 and the first difference.
"""

import csv
import glob
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

import mt940
import openpyxl
from ofxtools.Parser import OFXTree

reports = sys.argv[1]


def rows_of(name):
    with open(os.path.join(reports, name + ".csv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def plain(text):
    """A text without the apostrophe that keeps spreadsheets from running it."""
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@\t\r" else text


def check(what, expected, found):
    if expected != found:
        sys.exit(f"{what}: expected {expected!r}, found {found!r}")


class Owner:
    def __init__(self):
        self.booked, self.pending, self.opening, self.closing = [], [], None, None


owners = defaultdict(Owner)
for dataset, key in (("account_statements", "acc_id"), ("card_transactions", "card_ref")):
    for row in rows_of(dataset):
        owner = owners[plain(row[key])]
        if row["status"] in ("", "settled"):
            owner.booked.append(row)
        elif row["status"] == "pending":
            owner.pending.append(row)
for day in rows_of("balances"):
    owner = owners[plain(day["owner_id"])]
    owner.opening = owner.opening if owner.opening is not None else Decimal(day["opening"])
    owner.closing = Decimal(day["closing"])
owners = {name: owner for name, owner in owners.items() if owner.booked}


def files(folder):
    return sorted(glob.glob(os.path.join(glob.escape(reports), folder, "*")))


def amounts(rows):
    return [(row["booking_date"], Decimal(row["amount"])) for row in rows]


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
    owner = owners[name]
    found = [(t.dtposted.date().isoformat(), t.trnamt) for t in statement.transactions]
    check(f"ofx {name}", amounts(owner.booked), found)
    check(f"ofx closing of {name}", owner.closing, statement.ledgerbal.balamt)
    check(f"ofx opening of {name}", owner.opening, statement.ballist[0].value)
    check(f"ofx ids of {name}", len(found), len({t.fitid for t in statement.transactions}))
check("ofx files", sorted(owners), sorted(seen))

seen = []
for path in files("mt940"):
    with open(path, newline="", encoding="ascii") as file:
        messages = file.read().split("\r\n-\r\n")[:-1]
    parsed = [mt940.parse(message) for message in messages]
    name = parsed[0].data["account_identification"]
    seen.append(name)
    owner = next(owner for each, owner in owners.items() if spelled(each) == name)
    found = [(t.data["date"].isoformat(), t.data["amount"].amount) for message in parsed for t in message]
    check(f"mt940 {name}", amounts(owner.booked), found)
    check(f"mt940 opening of {name}", owner.opening, parsed[0].data["final_opening_balance"].amount.amount)
    check(f"mt940 closing of {name}", owner.closing, parsed[-1].data["final_closing_balance"].amount.amount)
check("mt940 files", sorted(map(spelled, owners)), sorted(seen))

seen = []
for path in files("camt053"):
    root = ElementTree.parse(path).getroot()
    space = {"c": root.tag[1:].split("}")[0]}
    name = root.find(".//c:Acct/c:Id/c:Othr/c:Id", space).text
    seen.append(name)
    booked, pending, texts = [], [], []
    for entry in root.iterfind(".//c:Ntry", space):
        amount = Decimal(entry.find("c:Amt", space).text)
        if entry.find("c:CdtDbtInd", space).text == "DBIT":
            amount = -amount
        status = "".join(entry.find("c:Sts", space).itertext()).strip()
        line = (entry.find("c:BookgDt/c:Dt", space).text, amount)
        (booked if status == "BOOK" else pending).append(line)
        if status == "BOOK":
            texts.append("".join(part.text for part in entry.iterfind(".//c:Ustrd", space)))
    check(f"camt053 {name}", amounts(owners[name].booked), booked)
    check(f"camt053 pending of {name}", amounts(owners[name].pending), pending)
    for row, text in zip(owners[name].booked, texts):
        kept = "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in plain(row["description"]))
        if kept not in text:
            sys.exit(f"camt053 text of {name}: expected {kept!r} in {text!r}")
check("camt053 files", sorted(owners), sorted(seen))

for path in files("hledger"):
    if os.path.basename(path) == "books.journal":
        continue
    told = subprocess.run(
        ["hledger", "-f", path, "--ignore-assertions", "print", "-O", "json"], check=True, capture_output=True
    )
    found, name, asserted = [], None, 0
    for transaction in json.loads(told.stdout):
        posting = transaction["tpostings"][0]
        number = posting["pamount"][0]["aquantity"]
        amount = Decimal(number["decimalMantissa"]).scaleb(-number["decimalPlaces"])
        asserted += posting["pbalanceassertion"] is not None
        if transaction["tcode"]:
            found.append((transaction["tdate"], amount))
    if not found and not asserted:
        continue  # an owner without rows whose balance nobody told
    booked = [owner.booked for owner in owners.values() if amounts(owner.booked) == found]
    if not booked:
        sys.exit(f"{path}: no owner has the entries {found}")
    check(f"{path}: balances asserted", sum(row["balance_after"] != "" for row in booked[0]) + 2, asserted)

book = openpyxl.load_workbook(os.path.join(reports, "tieout.xlsx"))
check("first sheet", "breaks", book.sheetnames[0])
digits = {"JPY": 0, "TND": 3}
for sheet in book:
    expected = rows_of(sheet.title)
    check(f"rows of sheet {sheet.title}", len(expected), sheet.max_row - 1)
    check(f"frozen rows of {sheet.title}", "A2", sheet.freeze_panes)
    if sheet.auto_filter.ref is None:
        sys.exit(f"sheet {sheet.title} has no filter")
    header = [cell.value for cell in sheet[1]]
    for row, cells in zip(expected, sheet.iter_rows(min_row=2)):
        for name, cell in zip(header, cells):
            place = f"{sheet.title} {cell.coordinate} ({name})"
            check(f"{place}: formula", False, cell.data_type == "f")
            if row[name] == "":
                if cell.value not in (None, ""):
                    sys.exit(f"{place}: expected nothing, found {cell.value!r}")
            elif isinstance(cell.value, datetime) and name.endswith("_at"):
                check(place, row[name][:19], cell.value.isoformat())
            elif isinstance(cell.value, (datetime, date)):
                check(place, row[name], cell.value.date().isoformat())
            elif isinstance(cell.value, (int, float)):
                check(place, Decimal(row[name]), Decimal(repr(cell.value)))
                if name in ("amount", "balance_after"):
                    decimals = digits.get(row["currency"], 2)
                    check(f"{place}: format", "#,##0" + ("." + "0" * decimals if decimals else ""), cell.number_format)
            elif name in ("amount", "balance_after", "opening", "closing"):
                sys.exit(f"{place}: expected a number, found {cell.value!r}")
            else:
                kept = "".join(c if c >= " " or c in "\t\n\r" else "\ufffd" for c in plain(row[name]))
                check(place, kept.replace("_x0041_", "_x005F_x0041_").replace("\r\n", "\n"), cell.value.replace("\r\n", "\n"))
print(f"{len(owners)} owners read by others")
