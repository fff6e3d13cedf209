"""Runs a Spark job on this machine, in place of SageMaker's ``smspark-submit``.

There, it starts YARN on all hosts, runs the script on the first with ``spark-submit`` and lets the
others wait for its end (aws/sagemaker-spark-container, smspark/job.py). Here, the script runs once,
by Python, with Spark inside it on all cores (``local[*]``); a job's other hosts have nothing to do.
"""

import functools
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from landrun_ops.local.processing_job.container import ContainerStartError

_SUBMIT: Final = "smspark-submit"
_FIRST: Final = "algo-1"
_FLAGS: Final = ("-v", "--verbose")  # all other options of smspark/cli.py take a value


def is_spark(words: Sequence[str]) -> bool:
    """Whether a command line is one of SageMaker's Spark container."""
    return bool(words) and words[0].rpartition("/")[2] == _SUBMIT


def submit(
    words: Sequence[str], host: str, python: str, program: Path, environment: Mapping[str, str]
) -> list[str]:
    """Turn a ``smspark-submit`` command, paths already this machine's, into one of Python's.

    Its options are for a cluster and are left out. The interpreter is that of ``.venv-spark`` in
    ``program``'s checkout, or ``python``; Java is looked for in the job's ``environment``. Raises
    ContainerStartError, with the remedy, when there is no PySpark or no Java that it runs on.
    """
    if host != _FIRST:
        return [python, "-c", f"print('{_FIRST} runs Spark; this host has nothing to do here')"]
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        del rest[: 1 if rest[0] in _FLAGS or "=" in rest[0] else 2]
    if not rest:
        raise ContainerStartError(f"{_SUBMIT} is given no script")
    own = [str(folder / ".venv-spark/bin/python") for folder in program.parents]
    look = "import importlib.util as u, sys; print(u.find_spec('pyspark') is not None)"
    for interpreter in (*filter(shutil.which, own), python):
        if "True" in _output(interpreter, "-c", look):
            _check_java(environment)
            return [interpreter, *rest]
    raise ContainerStartError(
        "Engine=spark needs PySpark on this machine: make .venv-spark with"
        " `sh tests/spark/install.sh`"
    )


def _check_java(environment: Mapping[str, str]) -> None:
    home = environment.get("JAVA_HOME")
    java = shutil.which(f"{home}/bin/java" if home else "java", path=environment.get("PATH"))
    version = re.search(r'version "(?:1\.)?(\d+)', _output(java, "-version")) if java else None
    if version is None or int(version[1]) not in range(8, 18):
        what = f"Java {version[1]} at {java}" if version else "no Java"
        raise ContainerStartError(
            f"Engine=spark needs Java 8 to 17 on this machine, and there is {what}: on Debian and"
            " Ubuntu, apt install openjdk-17-jre-headless; elsewhere, set JAVA_HOME"
        )


@functools.cache
def _output(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - an interpreter or Java of this machine's
        command, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr
