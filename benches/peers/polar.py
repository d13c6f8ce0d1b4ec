"""Polars on the job of compare.py: polar.py PAGES OUT. JSON numbers become texts by way of a double."""
import os
import pathlib
import sys

os.environ["POLARS_MAX_THREADS"] = "2"
import polars as pl

pages, out = f"{sys.argv[1]}/card_transactions/*.ndjson", pathlib.Path(sys.argv[2])
out.mkdir(parents=True)
names = ["txid", "mcc", "amount", "amount_fx", "currency", "fx", "fx_fee", "vat_details", "failed_reason", "status", "type",
         "balance_after", "date", "date_transaction", "description"]
row = pl.Struct({name: pl.String for name in names})
schema = {"body": pl.Struct({"acc_id": pl.String, "card_ref": pl.String, "transactions": pl.List(row)})}


def money(name):
    return pl.col(name).cast(pl.Decimal(18, 4))


def signed(name):
    return pl.when(pl.col("type") == "D").then(-money(name)).otherwise(money(name)).alias(name)


def time(name):
    return pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us")


rows = (
    pl.scan_ndjson(pages, schema=schema)
    .select(pl.col("body").struct.unnest())
    .explode("transactions")
    .unnest("transactions")
    .select(
        "acc_id", "card_ref", pl.col("txid").cast(pl.Int64), time("date").dt.date().alias("booking_date"),
        time("date").alias("booked_at"), signed("amount"), "currency", money("balance_after"), "status", "description",
        time("date_transaction").alias("transacted_at"), signed("amount_fx"), pl.col("fx").cast(pl.Decimal(18, 8)).alias("fx_rate"),
        pl.col("fx_fee").cast(pl.Decimal(18, 8)), "mcc", "vat_details", "failed_reason",
    )
    .sort("card_ref", "booked_at", "txid")
    .collect(engine="streaming")
)
# A balance that the next row contradicts is one fault, not two.
chain = (
    rows.lazy()
    .select("card_ref", "txid", "amount", "balance_after", "status")
    .filter(pl.col("status") == "S")
    .with_columns(
        gap=pl.when(pl.col("card_ref") == pl.col("card_ref").shift())
        .then(pl.col("balance_after") - pl.col("amount") - pl.col("balance_after").shift())
    )
    .with_columns(before=pl.when(pl.col("card_ref") == pl.col("card_ref").shift()).then(pl.col("gap").shift()))
    .filter((pl.col("gap") != 0) & (pl.col("before").is_null() | (pl.col("before") != -pl.col("gap"))))
    .select("card_ref", "txid", (pl.col("balance_after") - pl.col("gap")).alias("expected"), pl.col("balance_after").alias("actual"))
)
chain.sink_csv(out / "breaks.csv", engine="streaming")
rows.lazy().sink_csv(out / "card_transactions.csv", engine="streaming")
rows.lazy().sink_parquet(
    pl.PartitionBy(out / "lake", key="booking_date", include_key=True),
    compression="zstd", mkdir=True, engine="streaming",
)
