"""The scanners: each reads its targets and says what it found, in one form.

They live in an environment of their own (``.venv-scan``, made by ``tests/scan/install.sh``), since
checkov pins an old boto3 and its own fork of detect-secrets. None of them calls home.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scan.findings import Finding, Report, ScanError
from scan.stacks import Targets

HERE: Final = Path(__file__).resolve().parent
OFFLINE: Final = {"BC_SKIP_MAPPING": "TRUE", "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false"}


@dataclass(frozen=True)
class Tools:
    """Where the scanners are installed, and the folder that they look at.

    Attributes
    ----------
    venv
        The environment that ``install.sh`` made.
    root
        The project: paths in findings are relative to it.
    """

    venv: Path
    root: Path

    def run(self, *command: str | Path, **environment: str) -> str:
        """Run one scanner and give its standard output; that it found something is no error.

        Raises
        ------
        ScanError
            When it could not be started, or ended otherwise than a scanner that has done its work.
        """
        try:
            done = subprocess.run(
                [str(part) for part in command],
                cwd=self.root,
                env={**os.environ, **OFFLINE, **environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
        except FileNotFoundError as error:
            raise ScanError(f"{error.filename} is not there: sh tests/scan/install.sh") from error
        if not done.stdout.strip() or done.returncode < 0:
            raise ScanError(f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def json(self, *command: str | Path, **environment: str) -> Any:
        """Run one scanner and parse its standard output.

        Raises
        ------
        ScanError
            When that is no JSON.
        """
        output = self.run(*command, **environment)
        try:
            return json.loads(output)
        except ValueError as error:
            raise ScanError(f"{command[0]} wrote no JSON: {output[:2000]}") from error

    def tool(self, name: str) -> Path:
        """Give a scanner's own command."""
        return self.venv / "bin" / name


def cfn_lint(tools: Tools, templates: Sequence[Path]) -> Report:
    """Hold CloudFormation templates against the resources' schemas."""
    found = tools.json(
        tools.tool("cfn-lint"), "--format", "json", "--regions", "us-east-1", "--", *templates
    )
    findings = [
        Finding(
            "cfn-lint",
            one["Rule"]["Id"],
            f"{Path(one['Filename']).stem}/{_resource(one['Location'].get('Path') or [])}",
            one["Message"],
        )
        for one in found
    ]
    return Report("cfn-lint", f"{len(templates)} templates", findings)


def _resource(path: Sequence[object]) -> str:
    return str(path[1]) if len(path) > 1 else "".join(str(part) for part in path)


def checkov(tools: Tools, templates: Sequence[Path], dockerfiles: Sequence[Path]) -> Report:
    """Hold templates and Dockerfiles against checkov's policies."""
    stacks = _checkov(tools, "cloudformation", templates)
    images = _checkov(tools, "dockerfile", dockerfiles)
    checks = sum(one["summary"]["passed"] + one["summary"]["failed"] for one in (stacks, images))
    findings = [
        Finding(
            "checkov",
            one["check_id"],
            f"{Path(one['file_path']).stem}/{one['resource'].rpartition('.')[2]}",
            one["check_name"],
        )
        for one in stacks["results"]["failed_checks"]
    ]
    findings += [
        Finding(
            "checkov",
            one["check_id"],
            f"{_relative(Path(one['file_abs_path']), tools.root)}:{one['file_line_range'][0]}",
            one["check_name"],
        )
        for one in images["results"]["failed_checks"]
    ]
    return Report("checkov", f"{checks} checks", findings)


def _checkov(tools: Tools, framework: str, paths: Sequence[Path]) -> dict[str, Any]:
    files = [part for path in paths for part in ("--file", path)]
    result = tools.json(
        tools.tool("checkov"), "--skip-download", "--compact", "--quiet", "--output", "json",
        "--framework", framework, *files, LOG_LEVEL="ERROR",
    )  # fmt: skip
    if "results" not in result or result["summary"]["parsing_errors"]:
        raise ScanError(f"checkov could not read {framework} files: {json.dumps(result)[:2000]}")
    report: dict[str, Any] = result
    return report


def parliament(tools: Tools, policies: Sequence[Path]) -> Report:
    """Hold policy documents against what AWS's services define: actions, resources, conditions."""
    found = tools.json(tools.tool("python"), HERE / "with_parliament.py", *policies)
    findings = [
        Finding(
            "parliament",
            one["check"],
            f"{Path(one['file']).parent.name}/{Path(one['file']).stem}",
            f"{one['title']} {one['detail']}".strip(),
        )
        for one in found["findings"]
    ]
    return Report("parliament", f"{found['documents']} policy documents", findings)


def asl_validator(tools: Tools, definitions: Sequence[Path]) -> Report:
    """Hold state machines' definitions against the language: states, paths, functions."""
    command = tools.venv / "asl/node_modules/.bin/asl-validator"
    findings = []
    for path in definitions:
        said = tools.run(command, "--json-path", path)
        if "is valid" not in said:
            where = f"{path.parent.name}/{path.name.removesuffix('.asl.json')}"
            findings.append(Finding("asl-validator", "INVALID", where, " ".join(said.split())))
    return Report("asl-validator", f"{len(definitions)} definitions", findings)


def bandit(tools: Tools, code: Sequence[Path]) -> Report:
    """Look for what goes wrong in Python code: shells, temporary files, weak hashes."""
    found = tools.json(tools.tool("bandit"), "--recursive", "--quiet", "--format", "json", *code)
    if found["errors"]:
        raise ScanError(f"bandit could not read {found['errors']}")
    findings = [
        _in_file("bandit", one["test_id"], one["filename"], one["line_number"], one["issue_text"],
                 tools.root)
        for one in found["results"]
    ]  # fmt: skip
    lines = found["metrics"]["_totals"]["loc"]
    skipped = found["metrics"]["_totals"]["nosec"]
    if skipped:
        raise ScanError(f"{skipped} lines say nosec: accept findings in accepted.toml, with why")
    return Report("bandit", f"{lines:,} lines", findings)


def detect_secrets(tools: Tools, files: Sequence[Path]) -> Report:
    """Look for secrets, by form, by name and by entropy."""
    found = tools.json(
        tools.tool("python"), "-m", "detect_secrets", "scan", "--no-verify", "--", *files,
        PYTHONPATH=str(tools.venv / "secrets"),
    )  # fmt: skip
    findings = [
        _in_file("detect-secrets", one["type"], name, one["line_number"], "looks like a secret",
                 tools.root)
        for name, ones in found["results"].items()
        for one in ones
    ]  # fmt: skip
    return Report("detect-secrets", f"{len(files)} files", findings)


def _in_file(scanner: str, check: str, name: str, number: int, message: str, root: Path) -> Finding:
    path = root / name
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    text = lines[number - 1] if number <= len(lines) else ""
    return Finding(scanner, check, f"{_relative(path, root)}:{number}", message, text)


def _relative(path: Path, root: Path) -> str:
    path = path.resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def tracked(tools: Tools) -> list[Path]:
    """Give the files under version control."""
    names = tools.run("git", "ls-files", "-z").split("\0")
    return [path for name in names if name and (path := tools.root / name).is_file()]


def scans(tools: Tools, targets: Targets) -> Mapping[str, Callable[[], Report]]:
    """Give every scan of the project, by its scanner."""
    root = tools.root
    templates: Iterable[Path] = (targets.translation, *targets.stacks)
    return {
        "cfn-lint": lambda: cfn_lint(tools, tuple(templates)),
        "checkov": lambda: checkov(tools, targets.stacks, [root / "src/processing/Dockerfile"]),
        "parliament": lambda: parliament(tools, targets.policies),
        "asl-validator": lambda: asl_validator(tools, targets.definitions),
        "bandit": lambda: bandit(tools, [root / "src"]),
        "detect-secrets": lambda: detect_secrets(tools, tracked(tools)),
    }
