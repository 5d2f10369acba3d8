"""The peer's program: Debezium's messages into the same typed columns with Spark; run by Spark's own Python.

Prints at its end what it read, and what its JVM took, which the process that started this is not told.
"""

import json
import os
import re
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

bootstrap_servers, topic, table, jars, columns = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.jars", jars)
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.driver.memory", "3g")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "4")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
messages = (
    spark.readStream.format("kafka")
    .option("kafka.bootstrap.servers", bootstrap_servers)
    .option("subscribe", topic)
    .option("startingOffsets", "earliest")
    .option("kafka.isolation.level", "read_committed")
    .load()
)
envelope = f.from_json(
    f.col("value").cast("string"), "after string, op string, source struct<ts_ms: bigint, ord: int>"
).alias("e")
document = f.from_json(f.col("e.after"), columns).alias("d")
rows = messages.select(envelope, "partition", "offset").select("e.op", "e.source", "partition", "offset", document)
unwrapped = rows.select(
    f.col("d._id.`$oid`").alias("_id"),
    "d.name", "d.email", "d.age", "d.active", "d.plan", "d.balance",
    f.col("d.points.`$numberLong`").cast("bigint").alias("points"),
    "d.address", "d.tags",
    f.timestamp_millis(f.col("d.created_at.`$date`")).alias("created_at"),
    f.col("op").alias("_op"),
    f.timestamp_millis(f.col("source.ts_ms")).alias("_source_ts"),
    f.format_string("%016x.%012d", f.col("source.ts_ms"), f.col("offset")).alias("_position"),
    f.current_timestamp().alias("_ingested_at"),
)  # fmt: skip
query = (
    unwrapped.writeStream.format("delta")
    .option("checkpointLocation", f"{table}-checkpoint")
    .trigger(availableNow=True)
    .start(table)
)
query.awaitTermination()
jvm = Path(f"/proc/{spark.sparkContext._gateway.proc.pid}")
ticks = (jvm / "stat").read_text().rpartition(")")[2].split()[11:13]
cpu_s = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
peak_bytes = int(re.search(r"VmHWM:\s+(\d+) kB", (jvm / "status").read_text())[1]) * 1024
batches = [json.loads(progress.json) for progress in query.recentProgress]
rows = sum(batch["numInputRows"] for batch in batches)
milliseconds = sum(batch["durationMs"]["triggerExecution"] for batch in batches)
print(json.dumps({"rows": rows, "milliseconds": milliseconds, "cpu_s": cpu_s, "peak_bytes": peak_bytes}))
