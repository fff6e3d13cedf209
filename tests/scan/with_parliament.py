"""Run parliament over policy documents; under the scanners' own Python, not the project's.

    .venv-scan/bin/python tests/scan/with_parliament.py FILE... > findings.json

Its own command leaves a log in /tmp and reads standard input; what it is made of does neither.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")  # it imports pkg_resources

import parliament  # noqa: E402


def findings(path: Path) -> list[dict[str, Any]]:
    """Give what parliament and its community's auditors say of one document."""
    policy = parliament.analyze_policy_string(
        path.read_text(encoding="utf-8"), str(path), include_community_auditors=True
    )
    return [as_json(parliament.enhance_finding(finding), path) for finding in policy.findings]


def as_json(finding: Any, path: Path) -> dict[str, Any]:
    """Give one finding with the file that it is in."""
    detail = finding.detail if isinstance(finding.detail, str) else json.dumps(finding.detail)
    return {"check": finding.issue, "file": str(path), "title": finding.title, "detail": detail}


def main(paths: list[str]) -> None:
    """Write the findings in all documents to standard output."""
    auditors = Path(parliament.__file__).parent / "community_auditors"
    parliament.override_config(auditors / "config_override.yaml")
    found = [finding for path in paths for finding in findings(Path(path))]
    json.dump({"documents": len(paths), "findings": found}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
