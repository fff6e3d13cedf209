"""All checks, side by side; what cannot be seen is said, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from landrun.errors import LandrunError, ServiceError
from landrun.sanitize import one_line
from landrun_ops.doctor.aws_reader import permission
from landrun_ops.doctor.findings import Finding, Grade, fail, skip, warn

AT_ONCE: Final = 12
"""Checks under way at the same time: they mostly wait."""

_DENIED: Final = ("AccessDenied", "Unauthorized", "AuthorizationError", "NotAuthorized", "403")
UNREACHED: Final = (
    *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError"),
    *("ConnectionClosedError", "ProxyConnectionError", "SSLError"),
)
_NOT_BUILT: Final = ("404", "500", "501", "NotImplemented", "ResponseParserError")
"""What moto answers to an operation that it lacks."""

Judge = Callable[[], Iterable[Finding] | Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at.

    Attributes
    ----------
    area, name : str
        What it belongs to, and what it is about.
    judge : Callable
        Looks, and says what it found.
    """

    area: str
    name: str
    judge: Judge


@dataclass(frozen=True, slots=True)
class Line:
    """One finding, with what it is about."""

    area: str
    name: str
    finding: Finding

    @property
    def grade(self) -> Grade:
        """How the check ended."""
        return self.finding.grade


def examine(
    checks: Sequence[Check], told: Callable[[str], None] = lambda _: None, *, laptop: bool = False
) -> list[Line]:
    """Run checks side by side and give their findings in the checks' order.

    Parameters
    ----------
    told : Callable
        Takes the name of each check that has ended.
    laptop : bool
        Whether it is a laptop's AWS, which lacks what doctors ask elsewhere.
    """

    def run(check: Check) -> list[Line]:
        found = [Line(check.area, check.name, one) for one in _found(check, laptop=laptop)]
        told(check.name)
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            return [line for lines in pool.map(run, checks) for line in lines]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C waits for few, not for all
            raise


def _found(check: Check, *, laptop: bool) -> list[Finding]:
    try:
        found = check.judge()
        return [found] if isinstance(found, Finding) else list(found)
    except ServiceError as error:
        return [unseen(error, laptop=laptop)]
    except LandrunError as error:
        return [fail(str(error), "")]
    except Exception as error:
        # An answer of a shape that nobody expected must not hide what the other checks found.
        said = one_line(f"{type(error).__name__}: {error}", 200)
        return [
            warn(f"could not be judged ({said})", "please report this; the rest is not touched")
        ]


def unseen(error: ServiceError, *, laptop: bool = False) -> Finding:
    """Say what could not be seen, and what would let it be seen.

    Parameters
    ----------
    laptop : bool
        Whether it was a laptop's AWS that said no.
    """
    if error.code.startswith(_DENIED):
        wanted = permission(error.operation)
        return skip(f"could not see: {error.code} for {wanted}", f"ask for {wanted}")
    if laptop and error.code.startswith(_NOT_BUILT):
        return skip(f"the laptop's AWS has no {error.operation}")
    if error.code in UNREACHED:
        return skip(
            f"could not see: {error.operation} does not answer ({error.code})",
            "check the network, the proxy, or the VPC's endpoint of that service",
        )
    return skip(f"could not see: {one_line(str(error), 300)}")
