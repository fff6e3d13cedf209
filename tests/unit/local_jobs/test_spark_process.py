"""What stands for smspark-submit on a laptop, and what is said where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from landrun_ops.local.container import ContainerStartError
from landrun_ops.local.spark_process import is_spark, submit

WORDS = ["smspark-submit", "/p/preprocess.py", "--output", "/o"]


def program(path: Path, answer: str, code: int = 0) -> str:
    """An executable that says something on stderr and ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{answer}' >&2\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def python(tmp_path: Path) -> str:
    """An interpreter with PySpark."""
    return program(tmp_path / "python", "")


def java(folder: Path, version: str) -> dict[str, str]:
    """An environment with this Java."""
    program(folder / "java", f'openjdk version "{version}" 2025-04-15')
    return {"PATH": f"{folder}:/usr/bin:/bin"}


def command(words: list[str], folder: Path, python: str, host: str = "algo-1") -> list[str]:
    environment = java(folder / "bin", "17.0.15")
    return submit(words, host=host, python=python, program=folder / "a/b", environment=environment)


def test_only_smspark_submit_is_spark() -> None:
    assert is_spark(WORDS)
    assert is_spark(["/usr/local/bin/smspark-submit"])
    assert not is_spark(["python3", "smspark-submit"])
    assert not is_spark([])


def test_the_script_is_run_by_python(tmp_path: Path, python: str) -> None:
    assert command(WORDS, tmp_path, python) == [python, *WORDS[1:]]


def test_options_for_the_cluster_are_left_out_and_the_scripts_own_stay(
    tmp_path: Path, python: str
) -> None:
    options = ["-v", "--spark-event-logs-s3-uri", "s3://b/logs", "--py-files=/x"]

    words = command([WORDS[0], *options, "/p/mine.py", "--py-files", "y"], tmp_path, python)

    assert words == [python, "/p/mine.py", "--py-files", "y"]


def test_a_jobs_other_hosts_leave_the_work_to_the_first(tmp_path: Path) -> None:
    words = command(WORDS, tmp_path, sys.executable, host="algo-2")

    assert words[0] == sys.executable
    assert "preprocess.py" not in " ".join(words)


def test_the_checkouts_own_spark_goes_before_the_laptops_python(
    tmp_path: Path, python: str
) -> None:
    own = program(tmp_path / ".venv-spark/bin/python", "")

    assert command(WORDS, tmp_path, python)[0] == own


def test_without_pyspark_the_remedy_is_named(tmp_path: Path) -> None:
    without = program(tmp_path / "without", "", code=1)

    with pytest.raises(ContainerStartError, match=r"tests/spark/install\.sh"):
        command(WORDS, tmp_path, without)


@pytest.mark.parametrize(("version", "told"), [("21.0.2", "Java 21 at "), ("7", "Java 7 at ")])
def test_a_java_that_spark_does_not_run_on_is_named_with_the_remedy(
    tmp_path: Path, python: str, version: str, told: str
) -> None:
    environment = java(tmp_path / version, version)

    with pytest.raises(ContainerStartError, match=rf"{told}.*openjdk-17"):
        submit(WORDS, host="algo-1", python=python, program=tmp_path, environment=environment)


def test_without_java_the_remedy_is_named(tmp_path: Path, python: str) -> None:
    environment = {"PATH": str(tmp_path / "empty")}

    with pytest.raises(ContainerStartError, match=r"no Java.*openjdk-17"):
        submit(WORDS, host="algo-1", python=python, program=tmp_path, environment=environment)


def test_java_8_says_its_version_in_another_way(tmp_path: Path, python: str) -> None:
    environment = java(tmp_path / "8", "1.8.0_412")

    words = submit(WORDS, host="algo-1", python=python, program=tmp_path, environment=environment)

    assert words[0] == python


def test_a_submit_without_a_script_is_refused(tmp_path: Path, python: str) -> None:
    with pytest.raises(ContainerStartError, match="no script"):
        command(["smspark-submit", "-v"], tmp_path, python)
