"""The scanners: each reads its targets and says what it found, in one form.

They live in an environment of their own (``.venv-scan``, made by ``tests/scan/install.sh``), since
checkov pins an old boto3 and its own fork of detect-secrets. None of them calls home. None can be
silenced where it looks, either: what is accepted is in one place, ``accepted.toml``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .findings import Finding, Report, ScanError
from .stacks import Targets

HERE: Final = Path(__file__).resolve().parent
DOCKERFILE: Final = "src/processing/Dockerfile"
JUDGED: Final = ("passed", "failed", "skipped")
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

    def run(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one scanner; that it found something is no error.

        Raises
        ------
        ScanError
            When it could not be started, or was killed.
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
        if done.returncode < 0:
            raise ScanError(f"{command[0]} was killed by signal {-done.returncode}")
        return done

    def json(self, *command: str | Path, **environment: str) -> Any:
        """Run one scanner and parse its standard output.

        Raises
        ------
        ScanError
            When that is no JSON.
        """
        done = self.run(*command, **environment)
        try:
            return json.loads(done.stdout)
        except ValueError as error:
            said = (done.stdout + done.stderr)[-2000:]
            raise ScanError(f"{command[0]} wrote no JSON, but: {said}") from error

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
    """Hold templates and Dockerfiles against checkov's policies; what they skip counts as found."""
    stacks = _checkov(tools, "cloudformation", templates)
    images = _checkov(tools, "dockerfile", dockerfiles)
    checks = sum(sum(one["summary"][key] for key in JUDGED) for one in (stacks, images))
    findings = [
        _of_checkov(one, f"{Path(one['file_path']).stem}/{one['resource'].rpartition('.')[2]}")
        for one in _failed(stacks)
    ]
    for one in _failed(images):
        path = _relative(Path(one["file_abs_path"]), tools.root)
        findings.append(_of_checkov(one, f"{path}:{one['file_line_range'][0]}"))
    return Report("checkov", f"{checks} checks", findings)


def _failed(report: dict[str, Any]) -> list[dict[str, Any]]:
    results = report["results"]
    return [*results["failed_checks"], *results["skipped_checks"]]


def _of_checkov(one: dict[str, Any], where: str) -> Finding:
    return Finding("checkov", one["check_id"], where, one["check_name"])


def _checkov(tools: Tools, framework: str, paths: Sequence[Path]) -> dict[str, Any]:
    files = [part for path in paths for part in ("--file", path)]
    result = tools.json(
        tools.tool("checkov"), "--skip-download", "--compact", "--output", "json",
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
    script = tools.venv / "asl/node_modules/.bin/asl-validator"
    findings = []
    for path in definitions:
        done = tools.run(tools.tool("node"), script, "--json-path", path)
        said = " ".join((done.stdout + done.stderr).split())
        if done.returncode == 0 and "is valid" in said:
            continue
        if "is invalid" not in said:
            raise ScanError(f"asl-validator: {said[-2000:]}")
        where = f"{path.parent.name}/{path.name.removesuffix('.asl.json')}"
        findings.append(Finding("asl-validator", "INVALID", where, said.partition("invalid: ")[2]))
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
        tools.tool("python"), "-m", "detect_secrets", "scan", "--no-verify",
        "--disable-filter", "detect_secrets.filters.allowlist.is_line_allowlisted", "--", *files,
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
    done = tools.run("git", "ls-files", "-z")
    if done.returncode:
        raise ScanError(f"git cannot tell which files are the project's: {done.stderr}")
    names = done.stdout.split("\0")
    return [path for name in names if name and (path := tools.root / name).is_file()]


SCANS: Final[Mapping[str, Callable[[Tools, Targets], Report]]] = {
    "cfn-lint": lambda tools, of: cfn_lint(tools, [of.translation, *of.stacks]),
    "checkov": lambda tools, of: checkov(tools, of.stacks, [tools.root / DOCKERFILE]),
    "parliament": lambda tools, of: parliament(tools, of.policies),
    "asl-validator": lambda tools, of: asl_validator(tools, of.definitions),
    "bandit": lambda tools, _: bandit(tools, [tools.root / "src"]),
    "detect-secrets": lambda tools, _: detect_secrets(tools, tracked(tools)),
}
"""What each scanner looks at in this project."""
