"""Validates datapackage.json with the frictionless framework; prints the kinds of errors, one a line."""
import json

import frictionless

package = frictionless.Package("datapackage.json")
report = package.validate()
errors = {error for task in report.tasks for error in (e.type for e in task.errors)} | {e.type for e in report.errors}
print(json.dumps(sorted(errors)))
described = json.load(open("datapackage.json"))
assert all(r["bytes"] and r["hash"].startswith("sha256:") for r in described["resources"])
for resource in package.resources:
    kinds = {field.name: field.type for field in resource.schema.fields}
    if not errors and "amount" in kinds:
        # A decimal is read as one, and an instant with its offset.
        for row in resource.read_rows():
            assert type(row["amount"]).__name__ == "Decimal", type(row["amount"])
            if "booked_at" in kinds:
                assert row["booked_at"].tzinfo is not None
