-- The lake for the checks, in DuckDB, from an output directory (the current one). For the shards of several machines the
-- paths are such as 'shard-*/lake/account_statements/*/*.parquet'.
-- position: where the row stands in its day; within it an owner's rows are in the order of their chain.
-- reference: the execution reference that a line names, here 10 to 16 digits; adapt it to what your bank writes.
CREATE OR REPLACE TEMPORARY VIEW account_statements AS
SELECT *, file_row_number AS position,
       nullif(regexp_extract(concat_ws(' ', description, comment), '[0-9]{10,16}'), '') AS reference
FROM read_parquet('lake/account_statements/*/*.parquet', file_row_number = true);

CREATE OR REPLACE TEMPORARY VIEW iban_statements AS
SELECT *, file_row_number AS position,
       nullif(regexp_extract(concat_ws(' ', description, comment), '[0-9]{10,16}'), '') AS reference
FROM read_parquet('lake/iban_statements/*/*.parquet', file_row_number = true);

CREATE OR REPLACE TEMPORARY VIEW card_transactions AS
SELECT *, file_row_number AS position
FROM read_parquet('lake/card_transactions/*/*.parquet', file_row_number = true);

CREATE OR REPLACE TEMPORARY VIEW credit_transfers AS
SELECT * FROM read_parquet('lake/credit_transfers/*/*.parquet');

CREATE OR REPLACE TEMPORARY VIEW balances AS
SELECT * FROM read_parquet('lake/balances/*/*.parquet');
