"""Validates every row of every CSV file against schemas/<dataset>.json; prints how many there were."""
import csv
import json
import pathlib
import sys

import jsonschema

csv.field_size_limit(1 << 30)
rows = 0
for path in sorted(pathlib.Path(".").glob("*.csv")):
    schema = json.loads((pathlib.Path(sys.argv[1]) / f"{path.stem}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        assert reader.fieldnames == schema["x-columns"], path
        for row in reader:
            cells = {}
            for name, text in row.items():
                told = schema["properties"][name]
                if told["type"] == "integer":
                    cells[name] = int(text)
                else:
                    cells[name] = None if text == "" and told["x-nullable"] else text
            validator.validate(cells)
            rows += 1
print(rows)
