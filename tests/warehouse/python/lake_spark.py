"""The lake in Spark; one session for everything."""
import os
import sys

from pyspark.sql import SparkSession

import lake

root, out = sys.argv[1:]
os.chdir(out)
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "1g")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.session.timeZone", "America/New_York")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.sql.catalogImplementation", "in-memory")
    # The rows are few: what is saved is the time that compilers take.
    .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    .config("spark.sql.codegen.wholeStage", "false")
    .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")


def execute(sql):
    return [tuple(row) for row in spark.sql(sql).collect()]


def execute_named(sql):
    frame = spark.sql(sql)
    return frame.columns, [tuple(row) for row in frame.collect()]


def made(name):
    """Each is read once."""
    for view in [*lake.FEEDS, "balances"] if name == "lake.spark" else [name]:
        spark.catalog.cacheTable(view)


lake.check(execute, execute_named, root, "spark", made)
for dataset in lake.FEEDS:
    lake.compare_values(dataset, spark.read.parquet(f"lake/{dataset}").toArrow())

# So that the plan shown is the one that ran.
spark.conf.set("spark.sql.adaptive.enabled", "false")
for dataset in lake.FEEDS:
    spark.read.parquet(f"lake/{dataset}").createOrReplaceTempView("files")
    frame = spark.sql(lake.PRUNED.format("files"))
    assert frame.collect() == spark.sql(lake.PRUNED.format(dataset)).collect(), dataset
    plan = frame._jdf.queryExecution().executedPlan()
    leaves = plan.collectLeaves()
    assert leaves.size() == 1 and "PartitionFilters: [isnotnull(booking_date" in plan.toString(), plan.toString()
    assert leaves.apply(0).metrics().apply("numFiles").value() == 1, plan.toString()
spark.stop()
