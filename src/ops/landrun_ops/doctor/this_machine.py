"""The machine that runs the landrun command."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final
from urllib.request import getproxies_environment, proxy_bypass

from landrun_ops.doctor.checks import Check
from landrun_ops.doctor.findings import Finding, listed, ok, skip, warn

PINS: Final = Path("requirements", "ops.txt")


def checks(project: Path | None) -> list[Check]:
    """Return the checks of this machine; they need no stack.

    Parameters
    ----------
    project : Path or None
        The folder of template.yaml, if there is one.
    """

    def packages(_: Any) -> Finding:
        """The installed packages have the versions that the project pins."""
        file = project / PINS if project else None
        if file is None or not file.is_file():
            return skip("no project folder here to compare the installed packages with")
        installed = {one.name.lower(): one.version for one in distributions() if one.name}
        return judge_packages(pins(file.read_text(encoding="utf-8")), installed)

    def proxy(_: Any) -> Finding:
        """No proxy stands between this machine and the laptop's AWS."""
        return judge_proxy(getproxies_environment(), bypassed=bool(proxy_bypass("127.0.0.1")))

    area = "this machine"
    return [Check(area, "packages", packages), Check(area, "proxy", proxy)]


def pins(text: str) -> dict[str, str]:
    r"""Read the versions that a requirements file pins on a machine such as this one.

    >>> pins("a_b==1.0 \\\n    --hash=sha256:00\nb==2 ; python_version < '3' \\\n")
    {'a-b': '1.0'}
    """
    from packaging.requirements import Requirement  # noqa: PLC0415  (start-up time)

    lines = [line.rstrip("\\ ") for line in text.splitlines() if line[:1].isalnum()]
    pinned = [one for one in map(Requirement, lines) if not one.marker or one.marker.evaluate()]
    return {_normal(one.name): str(one.specifier).removeprefix("==") for one in pinned}


def judge_packages(pinned: Mapping[str, str], installed: Mapping[str, str]) -> Finding:
    """Compare installed versions with the pinned ones."""
    found = {_normal(name): version for name, version in installed.items()}
    others = [
        f"{name} {found.get(name, 'missing')}, pinned {version}"
        for name, version in pinned.items()
        if found.get(name) != version
    ]
    if others:
        return warn(f"other versions than {PINS} pins: {listed(others)}", "make setup")
    return ok(f"{len(pinned)} packages as {PINS} pins them")


def judge_proxy(proxies: Mapping[str, str], *, bypassed: bool) -> Finding:
    """Judge whether calls to the laptop's AWS would go to a proxy.

    Parameters
    ----------
    proxies : Mapping[str, str]
        What ``HTTP_PROXY`` and its like say, by scheme.
    bypassed : bool
        Whether ``NO_PROXY`` leaves out 127.0.0.1.
    """
    if bypassed or not proxies.keys() & {"http", "all"}:
        return ok()
    return warn(
        "HTTP_PROXY is set: calls to the laptop's AWS would go to the proxy",
        "export NO_PROXY=127.0.0.1,localhost",
    )


def _normal(name: str) -> str:
    return name.replace("_", "-").replace(".", "-").lower()
