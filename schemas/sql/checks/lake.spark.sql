-- The lake for the checks, in Spark 3.5 or later, from an output directory (the current one). The folders are partitioned
-- by booking_date, which Spark sees. For the shards of several machines the paths are such as
-- `shard-*/lake/account_statements/*/*.parquet`, whose booking_date then comes out of the files.
-- position: where the row stands in its day; within it an owner's rows are in the order of their chain.
-- reference: the execution reference that a line names, here 10 to 16 digits; adapt it to what your bank writes.
CREATE OR REPLACE TEMPORARY VIEW account_statements AS
SELECT *, _metadata.row_index AS position,
       nullif(regexp_extract(concat_ws(' ', description, comment), '[0-9]{10,16}', 0), '') AS reference
FROM parquet.`lake/account_statements`;

CREATE OR REPLACE TEMPORARY VIEW iban_statements AS
SELECT *, _metadata.row_index AS position,
       nullif(regexp_extract(concat_ws(' ', description, comment), '[0-9]{10,16}', 0), '') AS reference
FROM parquet.`lake/iban_statements`;

CREATE OR REPLACE TEMPORARY VIEW card_transactions AS
SELECT *, _metadata.row_index AS position
FROM parquet.`lake/card_transactions`;

CREATE OR REPLACE TEMPORARY VIEW credit_transfers AS
SELECT * FROM parquet.`lake/credit_transfers`;

CREATE OR REPLACE TEMPORARY VIEW balances AS
SELECT * FROM parquet.`lake/balances`;
