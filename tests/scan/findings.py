"""What scanners find, and which of it is accepted, with the reason."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

ACCEPTED = Path(__file__).with_name("accepted.toml")


class ScanError(Exception):
    """A scanner could not do its work; says what to do about it where something can be done."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that one scanner does not like.

    Attributes
    ----------
    where
        For a template ``<stack>/<logical id>``, for a file ``<path>:<line>``, from the root.
    text
        The line of the file, where there is one.
    """

    scanner: str
    check: str
    where: str
    message: str
    text: str = ""

    def __str__(self) -> str:
        return f"{self.check} {self.where}: {self.message}"


@dataclass(frozen=True)
class Report:
    """What one scanner found, and how much it looked at, in words that begin with the number.

    Raises
    ------
    ScanError
        When it looked at nothing: that shows nothing.
    """

    scanner: str
    seen: str
    findings: Sequence[Finding]

    def __post_init__(self) -> None:
        if self.seen.startswith("0 "):
            raise ScanError(f"{self.scanner} looked at {self.seen}")


@dataclass(frozen=True)
class Acceptance:
    """Findings that are as they should be: which, where, and why.

    Attributes
    ----------
    where
        Patterns as of a shell, of which one must match the finding's ``where``.
    says
        A regular expression that the message or the file's line must match too, if not empty.
    """

    scanner: str
    check: str
    where: tuple[str, ...]
    reason: str
    says: str = ""

    def covers(self, finding: Finding) -> bool:
        """Say whether ``finding`` is one of those that are accepted here."""
        return (
            finding.scanner == self.scanner
            and fnmatchcase(finding.check, self.check)
            and any(fnmatchcase(finding.where, pattern) for pattern in self.where)
            and any(re.search(self.says, words) for words in (finding.message, finding.text))
        )

    def split(self) -> Iterator[Acceptance]:
        """Yield one for each pattern, to see which of them is still of use."""
        yield from (replace(self, where=(pattern,)) for pattern in self.where)

    def __str__(self) -> str:
        return f"{self.check} {', '.join(self.where)} {self.says}".rstrip()


@dataclass(frozen=True)
class Verdict:
    """One report, held against what is accepted."""

    report: Report
    refused: tuple[Finding, ...]
    accepted: int
    unused: tuple[Acceptance, ...]

    @property
    def good(self) -> bool:
        """Nothing is refused, and nothing accepted that is not there."""
        return not self.refused and not self.unused


def judge(report: Report, accepted: Iterable[Acceptance]) -> Verdict:
    """Hold what one scanner found against what is accepted of it."""
    ours = [one for one in accepted if one.scanner == report.scanner]
    refused = tuple(f for f in report.findings if not any(one.covers(f) for one in ours))
    unused = tuple(
        part
        for one in ours
        for part in one.split()
        if not any(part.covers(finding) for finding in report.findings)
    )
    return Verdict(report, refused, len(report.findings) - len(refused), unused)


def read_accepted(path: Path = ACCEPTED) -> tuple[Acceptance, ...]:
    """Read what is accepted.

    Raises
    ------
    ScanError
        When an entry does not say which findings, where, and why in a sentence.
    """
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    return tuple(_acceptance(entry, path) for entry in entries)


def _acceptance(entry: dict[str, object], path: Path) -> Acceptance:
    try:
        where = entry["where"]
        patterns = (where,) if isinstance(where, str) else tuple(where)  # type: ignore[arg-type]
        one = Acceptance(
            scanner=str(entry["scanner"]),
            check=str(entry["check"]),
            where=patterns,
            reason=str(entry["reason"]),
            says=str(entry.get("says", "")),
        )
    except KeyError as error:
        raise ScanError(f"{path.name}: {entry} has no {error}") from error
    if len(one.reason.split()) < 4 or not all(one.where):
        raise ScanError(f"{path.name}: {one}: say why, in a sentence")
    return one
