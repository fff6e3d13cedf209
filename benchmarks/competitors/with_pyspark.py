"""PySpark in local mode, on all cores: the SQL functions its users would write it with."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from rules import BLOCKS, COLUMNS, ENTITIES, MASKS, SPACES, TAGS


def main(source: Path, target: Path) -> None:
    """Do the job."""
    spark = (
        SparkSession.builder.master("local[*]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "4g")
        .config("spark.local.dir", str(target / "spilled"))
        .config("spark.sql.shuffle.partitions", "32")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    rows = _read(spark, source).withColumn("text", _clean(sql.col("text")))
    first = sql.min(sql.struct("message_id", "lang")).alias("first")
    unique = rows.where(sql.col("text") != "").groupBy("sender", "sent_at", "text").agg(first)
    unique = unique.select("first.message_id", "sender", "sent_at", "text", "first.lang")
    unique.write.parquet(str(target / "parts"), compression="zstd")
    spark.stop()


def _read(spark: SparkSession, source: Path) -> DataFrame:
    schema = ", ".join(f"{name} STRING" for name in COLUMNS)
    if source.suffix == ".parquet":
        return spark.read.parquet(str(source))
    if source.suffix == ".csv":
        return spark.read.csv(str(source), schema=schema, header=True, quote='"', escape='"')
    return spark.read.json(str(source), schema=schema, mode="DROPMALFORMED")


def _clean(text: Column) -> Column:
    text = sql.regexp_replace(sql.regexp_replace(text, BLOCKS, " "), TAGS, "")
    for entity, character in ENTITIES.items():
        text = sql.replace(text, sql.lit(entity), sql.lit(character))
    text = sql.trim(sql.regexp_replace(text, SPACES, " "))  # it has no NFC, nor need of it here
    for pattern, token in MASKS.items():
        text = sql.regexp_replace(text, pattern, token)
    return text


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
