"""How an executor's memory is shared between Java and Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.session import settings

MEMORY, OVERHEAD = "spark.executor.memory", "spark.executor.memoryOverhead"
# As SageMaker's bootstrap computes them for an ml.m5.xlarge: 4 cores, 16 GB.
GIVEN = {MEMORY: "12381m", OVERHEAD: "1238m", "spark.executor.cores": "4"}
PYTHON = 4 * 768


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GIVEN, {MEMORY: f"{12381 + 1238 - PYTHON}m", OVERHEAD: f"{PYTHON}m"}),
        (GIVEN | {MEMORY: "1200m", OVERHEAD: "120m"}, {MEMORY: "1024m", OVERHEAD: "296m"}),
        (GIVEN | {OVERHEAD: "4g"}, {MEMORY: "12381m", OVERHEAD: "4096m"}),
        ({}, {}),
        ({MEMORY: "2g"}, {}),
        (GIVEN | {"spark.executor.pyspark.memory": "3g"}, {}),
    ],
    ids=["shared", "Java keeps 1 GB", "enough", "nothing known", "little known", "decided"],
)
def test_python_gets_what_its_workers_take_unless_somebody_decided(given, expected):
    made = settings(given, Path("/opt/program"))

    assert {name: value for name, value in made.items() if name in GIVEN} == expected
