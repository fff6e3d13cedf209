"""A job of Spark's on this machine: what stands for SageMaker's ``smspark-submit``.

There, it starts YARN on all hosts, runs the script on the first with ``spark-submit`` and lets the
others wait for its end (aws/sagemaker-spark-container, smspark/job.py). Here, the script runs once,
by Python, with Spark inside it on all cores (``local[*]``); a job's other hosts have nothing to do.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from landrun_ops.local.container import ContainerStartError

SUBMIT = "smspark-submit"
FIRST = "algo-1"
_VENV = Path(".venv-spark/bin/python")
# smspark/cli.py: all others take a value.
_FLAGS = ("-v", "--verbose")
_JAVAS = range(8, 18)
_REMEDY = "make .venv-spark with `sh tests/spark/install.sh`"


def is_spark(words: Sequence[str]) -> bool:
    """Tell whether a command line is one of SageMaker's Spark container."""
    return bool(words) and words[0].rpartition("/")[2] == SUBMIT


def submit(
    words: Sequence[str], *, host: str, python: str, program: Path, environment: Mapping[str, str]
) -> list[str]:
    """Turn a ``smspark-submit`` command, paths already this machine's, into one of Python's.

    Parameters
    ----------
    words
        The command and its arguments; its options are for a cluster and are left out.
    host
        The job's host, of which only the first does anything.
    python
        The interpreter of the laptop's jobs, used where it has PySpark.
    program
        The folder of the job's code, in a checkout whose ``.venv-spark`` is looked for otherwise.
    environment
        The job's, in whose ``JAVA_HOME`` or ``PATH`` Java is looked for.

    Raises
    ------
    ContainerStartError
        When there is no PySpark, or no Java that it runs on; the message names the remedy.
    """
    if host != FIRST:
        return [python, "-c", f"print('{FIRST} runs Spark; this host has nothing to do here')"]
    interpreter = _with_pyspark(python, program)
    _check_java(environment)
    return [interpreter, *_script(words)]


def _script(words: Sequence[str]) -> list[str]:
    rest = list(words[1:])
    while rest and rest[0].startswith("-"):
        del rest[: 1 if rest[0] in _FLAGS or "=" in rest[0] else 2]
    if not rest:
        raise ContainerStartError(f"{SUBMIT} is given no script")
    return rest


def _with_pyspark(python: str, program: Path) -> str:
    places = [str(folder / _VENV) for folder in program.parents]
    candidates = [one for one in places if Path(one).is_file()]
    for candidate in (*candidates, python):
        if _has_pyspark(candidate):
            return candidate
    raise ContainerStartError(f"Engine=spark needs PySpark on this machine: {_REMEDY}")


@functools.cache
def _has_pyspark(python: str) -> bool:
    look = "import importlib.util as u, sys; sys.exit(u.find_spec('pyspark') is None)"
    done = subprocess.run(  # noqa: S603 - an interpreter of this machine's
        [python, "-c", look], capture_output=True, check=False, timeout=60
    )
    return done.returncode == 0


def _check_java(environment: Mapping[str, str]) -> None:
    home = environment.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else "java"
    found = shutil.which(java, path=environment.get("PATH"))
    version = _java_version(found) if found else None
    if version not in _JAVAS:
        what = f"Java {version} at {found}" if version else "no Java"
        raise ContainerStartError(
            f"Engine=spark needs Java 8 to 17 on this machine, and there is {what}: on Debian and"
            " Ubuntu, apt install openjdk-17-jre-headless; elsewhere, set JAVA_HOME"
        )


@functools.cache
def _java_version(java: str) -> int | None:
    done = subprocess.run(  # noqa: S603 - found on the PATH
        [java, "-version"], capture_output=True, text=True, check=False, timeout=60
    )
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found[1]) if found else None
