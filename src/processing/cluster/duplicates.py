"""Duplicates among all hosts, found by Spark's own shuffle.

Kept is the first row of each message, in the order of files and positions, as on one machine.
Only what tells messages apart and a row's place pass through the shuffle; what comes of it is the
places to drop.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as f

from cluster import executors

KEY = ["task", "number"]


def to_drop(rows: DataFrame) -> DataFrame:
    """Find the places to drop of each segment that has any.

    Parameters
    ----------
    rows
        Segments of rows (`executors.TABLE`).

    Returns
    -------
    DataFrame
        ``task``, ``number`` and ``drop``, an array of places.
    """
    each = rows.mapInArrow(executors.identities, executors.IDENTITIES)
    # A missing value equals a missing value here, as it does on one machine.
    same = Window.partitionBy("sender", "distinction", "text").orderBy("place")
    later = each.withColumn("nth", f.row_number().over(same)).filter("nth > 1")
    return later.groupBy(*KEY).agg(f.collect_list("place").alias("drop"))


def with_drops(rows: DataFrame) -> DataFrame:
    """Put beside each segment the places to drop of it; null where there are none."""
    return rows.join(to_drop(rows), KEY, "left").select("task", "data", "drop")
