"""Scan the stack and the code.

    PYTHONPATH=tests python -m scan [SCANNER...] [--keep FOLDER]

Exit codes: 0 nothing found but what `accepted.toml` explains, 1 something else found or something
accepted that is no longer there, 2 a scanner could not do its work.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from landrun_ops.local.errors import TemplateError

from .findings import Finding, Report, ScanError, Verdict, judge, read_accepted
from .scanners import SCANS, Tools
from .stacks import write_targets

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: Sequence[str]) -> int:
    """Run the scanners that are named, or all."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="landrun-scan-") as temporary:
            folder = options.keep.resolve() if options.keep else Path(temporary)
            return _scan(options.scanners, folder)
    except (ScanError, TemplateError) as error:
        print(f"scan: {error}", file=sys.stderr)  # noqa: T201
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scan", description="Scan the stack and the code.")
    parser.add_argument("scanners", nargs="*", metavar="SCANNER", help="which; all if none")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave what is scanned there")
    return parser


def _scan(wanted: Sequence[str], folder: Path) -> int:
    begun = time.monotonic()
    accepted = read_accepted()
    for name in (*wanted, *(one.scanner for one in accepted)):
        if name not in SCANS:
            raise ScanError(f"there is no scanner {name}; there are {', '.join(SCANS)}")
    tools = Tools(ROOT / ".venv-scan", ROOT)
    targets = write_targets(ROOT / "template.yaml", folder)
    with ThreadPoolExecutor(2) as pool:
        reports = pool.map(lambda name: SCANS[name](tools, targets), wanted or SCANS)
        verdicts = [_shown(judge(report, accepted)) for report in reports]
    good = all(verdict.good for verdict in verdicts)
    print(f"{'nothing to mend' if good else 'see above'}; {time.monotonic() - begun:.0f} s")  # noqa: T201
    return 0 if good else 1


def _shown(verdict: Verdict) -> Verdict:
    report: Report = verdict.report
    mark = "ok  " if verdict.good else "FAIL"
    print(f"{mark} {report.scanner:<14} {report.seen}; {_counts(verdict)}", flush=True)  # noqa: T201
    for line in (*gathered(verdict.refused), *(f"no longer found: {x}" for x in verdict.unused)):
        print(f"       {line}", flush=True)  # noqa: T201
    return verdict


def _counts(verdict: Verdict) -> str:
    found = f"{len(verdict.refused)} found" if verdict.refused else "nothing found"
    return f"{found}, {verdict.accepted} accepted" if verdict.accepted else found


def gathered(findings: Iterable[Finding]) -> list[str]:
    """Give a line for each finding, or one for all stacks that have the same."""
    stacks: dict[tuple[str, str, str], list[str]] = {}
    for one in sorted(findings):
        stack, _, resource = ("", "", one.where) if one.text else one.where.rpartition("/")
        stacks.setdefault((one.check, resource, one.message), []).append(stack)
    return [
        f"{check} {resource}{' in ' if any(names) else ''}{', '.join(names)}: {message}"
        for (check, resource, message), names in stacks.items()
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
