"""What landrun itself, and AWS on a laptop, run on: this machine."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Final
from urllib.request import getproxies_environment, proxy_bypass

from landrun_ops.doctor.examining import Check
from landrun_ops.doctor.findings import Finding, fail, listed, ok, skip, warn

AREA: Final = "this machine"
OLDEST: Final = (3, 11)
NEWEST_TRIED: Final = (3, 13)
PINS: Final = Path("requirements", "ops.txt")
SHOWN: Final = ("boto3", "moto", "aws-sam-translator", "stepfunctions", "sagemaker")
"""What breaks most often when its version is another."""

BROKEN_FROM: Final = {"sagemaker": 3, "setuptools": 81}
"""Major versions that stepfunctions 2.3.0 cannot be imported with: it imports
``sagemaker.workflow.airflow`` and ``pkg_resources``."""

_DOCKER_SECONDS = 5


def judge_python(version: tuple[int, ...]) -> Finding:
    """Judge the interpreter's version."""
    spelled = ".".join(map(str, version[:3]))
    if version[:2] < OLDEST:
        return fail(f"{spelled}, and landrun needs 3.11 or later", "make setup PYTHON=python3.13")
    if version[:2] > NEWEST_TRIED:
        return warn(
            f"{spelled}, which landrun was not tried with", "make setup PYTHON=python3.13, or try"
        )
    return ok(spelled)


def pins(text: str) -> dict[str, str]:
    r"""Read the versions that a requirements file of pip's names for a machine such as this one.

    Examples
    --------
    >>> pins("a==1.0 \\\n    --hash=sha256:00\nb==2 ; python_version < '3' \\\n")
    {'a': '1.0'}
    """
    from packaging.requirements import Requirement  # noqa: PLC0415  (start-up time)

    lines = (line.rstrip("\\ ") for line in text.splitlines() if line[:1].isalnum())
    wanted = [one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate()]
    return {_normal(one.name): str(one.specifier).removeprefix("==") for one in wanted}


def judge_packages(pinned: Mapping[str, str], installed: Mapping[str, str]) -> Finding:
    """Compare what is installed with what the requirements pin.

    Parameters
    ----------
    pinned : Mapping[str, str]
        Versions by normal name; empty where there is no project to read it from.
    installed : Mapping[str, str]
        Versions by normal name.
    """
    broken = [name for name, major in BROKEN_FROM.items() if _major(installed.get(name)) >= major]
    if broken:
        what = ", ".join(f"{name} {installed[name]}" for name in broken)
        return fail(f"{what}: the workflow's SDK cannot be imported with it", "make setup")
    shown = ", ".join(f"{name} {installed[name]}" for name in SHOWN if name in installed)
    missing = [name for name in SHOWN if name not in installed]
    if not pinned:
        if missing:
            return warn(f"missing: {listed(missing)}", "make setup, in landrun's folder")
        return ok(f"{shown} (no project here whose pins they could be compared with)")
    others = [
        f"{name} {installed.get(name, 'missing')}, pinned {version}"
        for name, version in pinned.items()
        if installed.get(name) != version
    ]
    if others:
        return warn(f"not as {PINS} pins them: {listed(others)}", "make setup")
    return ok(f"{len(pinned)} as {PINS} pins them: {shown}")


def judge_docker(version: str | None, trouble: str = "") -> Finding:
    """Judge Docker, which few commands need.

    Parameters
    ----------
    version : str or None
        The daemon's; None when there is none, or it does not answer.
    trouble : str
        Why it does not.
    """
    if version:
        return ok(version)
    use = "only landrun image and landrun demo --docker need it"
    return skip(f"{trouble or 'not installed'}: {use}")


def judge_proxy(proxies: Mapping[str, str], *, bypassed: bool) -> Finding:
    """Judge whether calls to the laptop's AWS would go to a proxy.

    Parameters
    ----------
    proxies : Mapping[str, str]
        What the environment's ``HTTP_PROXY`` and its like say, by scheme.
    bypassed : bool
        Whether its ``NO_PROXY`` leaves 127.0.0.1 out.
    """
    if not proxies.keys() & {"http", "all"}:
        return ok("no proxy between here and the laptop's AWS")
    if bypassed:
        return ok("NO_PROXY leaves out the laptop's AWS")
    return warn(
        "HTTP_PROXY is set: calls to the laptop's AWS would go to the proxy",
        "export NO_PROXY=127.0.0.1,localhost",
    )


def judge_port(error: OSError | None) -> Finding:
    """Judge whether something can listen on this machine."""
    if error:
        return fail(
            f"nothing can listen on 127.0.0.1 ({error.strerror}), as the laptop's AWS has to",
            "look at the sandbox or the firewall of this machine",
        )
    return ok("127.0.0.1 can be listened on")


def judge_laptop(endpoint: str, trouble: str = "") -> Finding:
    """Judge the laptop's AWS: where it answers, or why it is not there."""
    if endpoint:
        return ok(f"up at {endpoint}")
    return skip(trouble or "not up: landrun local up starts it")


def checks(project: Path | None, endpoint: Callable[[], str]) -> list[Check]:
    """Give the checks of this machine.

    Parameters
    ----------
    project : Path or None
        The folder of template.yaml, where there is one.
    endpoint : Callable
        Says where the laptop's AWS answers; empty when it is not up.
    """

    def packages() -> Finding:
        file = project / PINS if project else None
        text = file.read_text(encoding="utf-8") if file and file.is_file() else ""
        return judge_packages(pins(text), _installed())

    def proxy() -> Finding:
        proxies = getproxies_environment()
        return judge_proxy(proxies, bypassed=bool(proxy_bypass("127.0.0.1")))

    judges: dict[str, Callable[[], Finding]] = {
        "Python": lambda: judge_python(sys.version_info[:3]),
        "packages": packages,
        "Docker": lambda: judge_docker(*_docker()),
        "port": lambda: judge_port(_listening()),
        "proxy": proxy,
        "laptop's AWS": lambda: judge_laptop(endpoint()),
    }
    return [Check(AREA, name, judge) for name, judge in judges.items()]


def _installed() -> dict[str, str]:
    return dict(_versions())


def _versions() -> Iterator[tuple[str, str]]:
    for one in distributions():
        name = one.metadata["Name"]
        if name:
            yield _normal(name), one.version


def _normal(name: str) -> str:
    """Spell a package's name as PEP 503 does."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _major(version: str | None) -> int:
    digits = (version or "0").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _docker() -> tuple[str | None, str]:
    program = shutil.which("docker")
    if program is None:
        return None, ""
    words = [program, "version", "--format", "{{.Server.Version}}"]
    try:
        done = subprocess.run(  # noqa: S603 - a list of words, no shell reads them
            words, capture_output=True, text=True, timeout=_DOCKER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None, f"does not answer within {_DOCKER_SECONDS} s"
    return (done.stdout.strip(), "") if done.returncode == 0 else (None, "its daemon is not up")


def _listening() -> OSError | None:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        return error
    return None
