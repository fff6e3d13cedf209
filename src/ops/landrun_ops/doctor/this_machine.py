"""The machine that runs the landrun command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.request import getproxies_environment, proxy_bypass

from landrun_ops.doctor.findings import Finding, ok, warn


def proxy(_: Any) -> Finding:
    """No proxy stands between this machine and the laptop's AWS."""
    return judge_proxy(getproxies_environment(), bypassed=bool(proxy_bypass("127.0.0.1")))


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
