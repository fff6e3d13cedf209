"""How an executor's memory is shared between Java and Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster.session import settings

# As SageMaker's bootstrap computes them for an ml.m5.xlarge: 4 cores, 16 GB.
GIVEN = {
    "spark.executor.memory": "12381m",
    "spark.executor.memoryOverhead": "1238m",
    "spark.executor.cores": "4",
}


def memory(given: dict[str, str]) -> dict[str, str]:
    set_too = settings(given, Path("/opt/program"))
    return {name: value for name, value in set_too.items() if name in GIVEN}


def test_python_gets_what_its_workers_take_and_the_sum_stays() -> None:
    assert memory(GIVEN) == {
        "spark.executor.memory": f"{12381 + 1238 - 4 * 768}m",
        "spark.executor.memoryOverhead": f"{4 * 768}m",
    }


def test_java_keeps_what_it_cannot_do_without() -> None:
    small = GIVEN | {"spark.executor.memory": "1200m", "spark.executor.memoryOverhead": "120m"}

    assert memory(small)["spark.executor.memory"] == "1024m"


@pytest.mark.parametrize(
    "given",
    [{}, {"spark.executor.memory": "2g"}, GIVEN | {"spark.executor.pyspark.memory": "3g"}],
)
def test_where_little_is_known_or_somebody_decided_nothing_is_changed(
    given: dict[str, str],
) -> None:
    assert memory(given) == {}


def test_more_than_enough_overhead_is_left_alone() -> None:
    assert memory(GIVEN | {"spark.executor.memoryOverhead": "4g"}) == {
        "spark.executor.memory": "12381m",
        "spark.executor.memoryOverhead": "4096m",
    }
