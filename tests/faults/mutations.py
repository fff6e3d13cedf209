"""Is each guarantee load-bearing? Take it away, and see which tests of the fault suite fail.

    PYTHONPATH=tests python -m faults.mutations [NAME …]

Works on a copy of the project in a temporary folder. Exit code 1 when the suite does not notice
that a guarantee is gone; 2 when the suite fails as it is, or the code to take away is not found.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests", "events", "template.yaml", "samconfig.toml", "pyproject.toml")
TESTS = (
    "tests/faults",
    "--ignore-glob=*/test_laptop*",
    "--ignore-glob=*/test_mutations*",
    "--maxfail=10",
)
SHOWN = 8
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?: - |$)", re.MULTILINE)


class Mutation(NamedTuple):
    """A guarantee, and what to put in place of the code that gives it."""

    name: str
    file: str
    code: str
    instead: str


MUTATIONS = (
    Mutation(
        "deterministic name",
        "models/run.py",
        "digest = uuid.uuid5(_NAMESPACE, json.dumps(identity))",
        "digest = uuid.uuid4()",
    ),
    Mutation(
        "manifest written once",
        "adapters/manifests.py",
        '                    IfNoneMatch="*",\n',
        "",
    ),
    Mutation(
        "claim's condition",
        "adapters/landings_table.py",
        '    " AND (attribute_not_exists(#claimed_by) OR #claimed_by = :claimed_by)"\n',
        "",
    ),
    Mutation(
        "ledger's condition",
        "adapters/runs_table.py",
        '"attribute_not_exists(#name) OR ((redrive_count',
        '"attribute_exists(#name) OR attribute_not_exists(#name) OR ((redrive_count',
    ),
    Mutation(
        "note of a pending notification",
        "services/record_outcome.py",
        "change)\n        stored = self.runs_table.write(record)",
        "change)\n        stored = self.runs_table.write("
        'record.model_copy(update={"unfinished": None, "notification_due_at": None}))',
    ),
    Mutation(
        "concurrency limit's condition",
        "adapters/concurrency_table.py",
        '_SLOT_IS_FREE = "attribute_not_exists(slots_in_use) OR slots_in_use < :limit"',
        '_SLOT_IS_FREE = "attribute_not_exists(slots_in_use) OR slots_in_use < :limit'
        ' OR slots_in_use >= :limit"',
    ),
    Mutation(
        "fence of a slot",
        "adapters/concurrency_table.py",
        '"ConditionExpression": "version = :version"',
        '"ConditionExpression": "version = :version OR version <> :version"',
    ),
    Mutation(
        "check of an end",
        "services/limit_concurrency.py",
        'final = change.status == "SUCCEEDED"',
        "final = True",
    ),
    Mutation(
        "job that stops",
        "adapters/sagemaker.py",
        '_AT_WORK = frozenset({"InProgress", "Stopping"})',
        '_AT_WORK = frozenset({"InProgress"})',
    ),
    Mutation(
        "reconciler",
        "services/reconcile.py",
        "        now = self.clock()\n        before =",
        "        return dict.fromkeys(KINDS, 0)\n        now = self.clock()\n        before =",
    ),
)


def mutated(project: Path, mutation: Mutation) -> None:
    """Take a guarantee out of a copy of the project; `LookupError` if its code is not there."""
    path = project / "src" / "functions" / "landrun" / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.code) != 1:
        raise LookupError(f"{mutation.name}: {mutation.file} must have once: {mutation.code!r}")
    path.write_text(text.replace(mutation.code, mutation.instead), encoding="utf-8")


def copied(to: Path) -> Path:
    """Copy what the suite needs; paths in pyproject.toml are relative to it."""
    leave = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
    for name in COPIED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, to / name, ignore=leave)
        else:
            shutil.copy2(path, to / name)
    return to


def tested(project: Path) -> tuple[int, list[str]]:
    """Run the suite in a copy: pytest's exit code, and the tests that failed."""
    command = [sys.executable, "-m", "pytest", "-n", "2", "-q", "-p", "no:cacheprovider", *TESTS]
    environment = {**os.environ, "LANDRUN_FAULTS_SHRINK": "0", "COLUMNS": "500"}
    environment.pop("PYTHONPATH", None)
    run = subprocess.run(
        [*command, "--timeout=600"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode not in (0, 1, 2):
        sys.stderr.write(run.stdout + run.stderr)
    return run.returncode, list(dict.fromkeys(FAILED.findall(run.stdout)))


def main(names: list[str]) -> int:
    """Try the named mutations, or all of them, one at a time."""
    wanted = [mutation for mutation in MUTATIONS if not names or mutation.name in names]
    unnoticed = []
    for mutation in (None, *wanted):
        with tempfile.TemporaryDirectory(prefix="landrun-mutation-") as folder:
            project = copied(Path(folder).resolve())
            try:
                if mutation:
                    mutated(project, mutation)
            except LookupError as error:
                sys.stderr.write(f"{error}\n")
                return 2
            began = time.monotonic()
            code, failed = tested(project)
        _tell(mutation, failed, time.monotonic() - began)
        if mutation is None and code != 0:
            return 2
        if mutation is not None and not failed:
            unnoticed.append(mutation.name)
    return 1 if unnoticed else 0


def _tell(mutation: Mutation | None, failed: list[str], seconds: float) -> None:
    name = f"without the {mutation.name}" if mutation else "as it is"
    sys.stdout.write(f"{name}: {len(failed)} tests fail ({seconds:.0f} s)\n")
    for test in failed[:SHOWN]:
        sys.stdout.write(f"    {test.rpartition('::')[2]}\n")
    if len(failed) > SHOWN:
        sys.stdout.write(f"    and {len(failed) - SHOWN} more\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
