"""What a check is, and how checks run: side by side, and none that fails hides another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from landrun.adapters.clients import NOT_AWS
from landrun.errors import LandrunError, ServiceError
from landrun.sanitize import one_line
from landrun_ops.doctor.findings import Finding, Grade, fail, skip, warn

WORKERS: Final = 12
"""Checks that run at a time: they mostly wait."""

UNREACHABLE: Final = (
    *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"),
    *("ConnectionClosedError", "ProxyConnectionError", "SSLError"),
)
_DENIED: Final = ("AccessDenied", "Unauthorized", "AuthorizationError", "NotAuthorized", "403")

_PERMISSIONS: Final = {
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:HeadBucket": "s3:ListBucket",
}
"""Permissions whose names differ from their operation's (Service Authorization Reference)."""

Judge = Callable[..., Iterable[Finding] | Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes
    ----------
    area, name : str
        The part of the deployment, and what is checked of it.
    judge : Callable
        Takes a `StackReader` and returns one finding or several. Its docstring is the claim.
    when : Callable
        Takes the stack's parameters and returns whether the check applies.
    laptop : str
        Why the check says nothing on the laptop's AWS; empty where it does.
    """

    area: str
    name: str
    judge: Judge
    when: Callable[[Mapping[str, str]], bool] = lambda _: True
    laptop: str = ""

    @property
    def claim(self) -> str:
        """What holds when the check is ok."""
        function = self.judge.func if isinstance(self.judge, partial) else self.judge
        return " ".join((function.__doc__ or "").partition("\n\n")[0].split())


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A finding, and which check found it."""

    area: str
    name: str
    finding: Finding

    @property
    def grade(self) -> Grade:
        """How the check ended."""
        return self.finding.grade


def run_checks(
    checks: Sequence[Check],
    reader: Any,
    ended: Callable[[str], None] = lambda _: None,
    *,
    laptop: bool = False,
) -> list[CheckResult]:
    """Run checks side by side, and return their findings in the checks' order.

    Parameters
    ----------
    reader : Any
        What each check takes.
    ended : Callable
        Takes the name of each check that has ended.
    laptop : bool
        Whether the stack is on the laptop's AWS.
    """

    def run(one: Check) -> list[CheckResult]:
        results = [
            CheckResult(one.area, one.name, Finding(it.grade, it.says or one.claim, it.remedy))
            for it in _findings(one, reader, laptop=laptop)
        ]
        ended(one.name)
        return results

    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            return [result for results in pool.map(run, checks) for result in results]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C waits for the running ones only
            raise


def _findings(one: Check, reader: Any, *, laptop: bool) -> list[Finding]:
    if laptop and one.laptop:
        return [skip(f"the laptop {one.laptop}")]
    try:
        found = one.judge(reader)
        return [found] if isinstance(found, Finding) else list(found)
    except ServiceError as error:
        return [not_readable(error)]
    except LandrunError as error:
        return [fail(str(error), "")]
    except Exception as error:
        # A response of an unexpected shape must not hide what the other checks found.
        says = one_line(f"{type(error).__name__}: {error}", 200)
        return [warn(f"the check itself failed ({says})", "please report this")]


def not_readable(error: ServiceError) -> Finding:
    """Say what could not be read, and what would make it readable."""
    if error.code.startswith(_DENIED):
        wanted = _PERMISSIONS.get(error.operation, error.operation)
        return skip(f"not allowed: {error.code} for {wanted}", f"ask for {wanted}")
    if error.code == NOT_AWS:
        return fail(one_line(str(error), 200), "check the proxy, the network and AWS_ENDPOINT_URL")
    if error.code in UNREACHABLE:
        return skip(
            f"{error.operation} does not answer ({error.code})",
            "check the network, the proxy, or the VPC's endpoint of that service",
        )
    return skip(one_line(str(error), 300))
