"""Job files against schemas/job.schema.json: good ones pass; with any key misspelled, or a value of another kind, none does."""
import copy
import json
import pathlib
import sys
import tomllib

import jsonschema

root = pathlib.Path(sys.argv[1])
schema = json.loads((root / "schemas/job.schema.json").read_text())
jsonschema.Draft7Validator.check_schema(schema)
validator = jsonschema.Draft7Validator(schema)
tried = 0


def refused(job, what):
    global tried
    tried += 1
    assert not validator.is_valid(job), what


for path in sorted((root / "jobs").glob("*.toml")):
    job = tomllib.loads(path.read_text())
    validator.validate(job)
    for table, keys in job.items():
        misspelled = copy.deepcopy(job)
        misspelled[table + "s"] = misspelled.pop(table)
        refused(misspelled, f"{path}: {table}s")
        for key, value in keys.items():
            misspelled = copy.deepcopy(job)
            misspelled[table][key + "x"] = misspelled[table].pop(key)
            refused(misspelled, f"{path}: {key}x")
            wrong = copy.deepcopy(job)
            wrong[table][key] = [value, 1.5]
            refused(wrong, f"{path}: {key} = a list")
    for key in ["client_secret", "password"]:
        plain = copy.deepcopy(job)
        plain["source"][key] = "in the file"
        refused(plain, f"{path}: a secret in the file")
print(tried)
