"""Parses schemas/sql of the databases that cannot be run here, each in its own grammar; prints how many statements."""
import pathlib
import sys

import sqlglot
from sqlglot import exp

count = 0
for dialect in ["bigquery", "snowflake", "redshift", "clickhouse", "spark", "duckdb", "sqlite"]:
    for script in sorted((pathlib.Path(sys.argv[1]) / "schemas/sql" / dialect).glob("*.sql")):
        grammar = "databricks" if dialect == "spark" else dialect
        statements = sqlglot.parse(script.read_text(), read=grammar, error_level=sqlglot.ErrorLevel.RAISE)
        tables = [s for s in statements if isinstance(s, exp.Create) and s.kind == "TABLE"]
        assert tables and tables[0].find(exp.ColumnDef), script
        count += len(statements)
print(count)
