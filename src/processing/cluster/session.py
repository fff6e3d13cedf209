"""The Spark session, with settings for workers that run Polars instead of Java."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from pyspark import SparkConf
from pyspark.sql import SparkSession

# What a Python worker takes at its peak: measured on one machine, see messages/plan.py, and as much
# again for Arrow's batches on their way in and out.
WORKER_MB = 768
# The least that an executor's Java is left with; below some 450 MB it dies.
JAVA_MB = 1024


def start(program: Path) -> SparkSession:
    """Start or join Spark: on the cluster of `smspark-submit`, or on this machine (``local[*]``).

    Workers import this package from the folder ``program``, as each host has the image.
    """
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # a worker is a core
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # SageMaker's image sets its own
    builder = SparkSession.builder.appName("landrun")
    for name, value in settings(dict(SparkConf().getAll()), program).items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def settings(given: Mapping[str, str], program: Path) -> dict[str, str]:
    """Return the settings to add to the given ones.

    A segment of rows is one row of Spark's, of several MB: batches of Arrow's must hold one each.
    """
    return {
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
        "spark.executorEnv.POLARS_MAX_THREADS": "1",
        "spark.executorEnv.PYTHONPATH": str(program),
        "spark.ui.showConsoleProgress": "false",
        **_memory(given),
    }


def _memory(given: Mapping[str, str]) -> dict[str, str]:
    """Return memory settings that give Python more than SageMaker's default of a tenth.

    It gives an executor all cores of a host and all its memory but the driver's, nine tenths and
    more of that to Java (smspark/bootstrapper.py, get_yarn_spark_resource_config), which for four
    workers of ours on 16 GB is too little: YARN ends an executor that takes more than its share.
    A size in another unit than SageMaker's MiB is somebody's decision, and stays.
    """
    names = ("spark.executor.memory", "spark.executor.memoryOverhead", "spark.executor.cores")
    found = [re.fullmatch("([0-9]+)m?", given.get(name, "")) for name in names]
    if not all(found) or "spark.executor.pyspark.memory" in given:
        return {}
    java, python, cores = (int(match[1]) for match in found if match)
    wanted = max(python, min(cores * WORKER_MB, java + python - JAVA_MB))
    return {names[0]: f"{java + python - wanted}m", names[1]: f"{wanted}m"}
