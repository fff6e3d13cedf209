"""Is each guarantee load-bearing? Take it away, and see which tests fail.

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
COPIED = ("src", "tests", "events", "samples", "template.yaml", "samconfig.toml", "pyproject.toml")
TESTS = {
    "functions": (
        "tests/faults",
        "--ignore-glob=*/test_laptop*",
        "--ignore-glob=*/test_mutations*",
    ),
    "processing": ("tests/unit/processing",),
}
"""The tests of each folder of src that a mutation changes."""
SHOWN = 8
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?: - |$)", re.MULTILINE)


class Mutation(NamedTuple):
    """A guarantee, its file below src, and what to put in place of the code that gives it."""

    name: str
    file: str
    code: str
    instead: str


MUTATIONS = (
    Mutation(
        "deterministic name",
        "functions/landrun/models/run.py",
        "digest = uuid.uuid5(_NAMESPACE, json.dumps(identity))",
        "digest = uuid.uuid4()",
    ),
    Mutation(
        "manifest written once",
        "functions/landrun/adapters/manifests.py",
        '                    IfNoneMatch="*",\n',
        "",
    ),
    Mutation(
        "claim's condition",
        "functions/landrun/adapters/landings_table.py",
        '    " AND (attribute_not_exists(#claimed_by) OR #claimed_by = :claimed_by)"\n',
        "",
    ),
    Mutation(
        "runs table's condition",
        "functions/landrun/adapters/runs_table.py",
        '"attribute_not_exists(#name) OR ((redrive_count',
        '"attribute_exists(#name) OR attribute_not_exists(#name) OR ((redrive_count',
    ),
    Mutation(
        "note of a pending notification",
        "functions/landrun/services/record_outcome.py",
        "change)\n        stored = self.runs_table.write(record)",
        "change)\n        stored = self.runs_table.write("
        'record.model_copy(update={"unfinished": None, "notification_due_at": None}))',
    ),
    Mutation(
        "concurrency limit's condition",
        "functions/landrun/adapters/concurrency_table.py",
        '_SLOT_IS_FREE = "attribute_not_exists(slots_in_use) OR slots_in_use < :limit"',
        '_SLOT_IS_FREE = "attribute_not_exists(slots_in_use) OR slots_in_use < :limit'
        ' OR slots_in_use >= :limit"',
    ),
    Mutation(
        "fence of a slot",
        "functions/landrun/adapters/concurrency_table.py",
        '"ConditionExpression": "version = :version"',
        '"ConditionExpression": "version = :version OR version <> :version"',
    ),
    Mutation(
        "check of an end",
        "functions/landrun/services/limit_concurrency.py",
        'final = change.status == "SUCCEEDED"',
        "final = True",
    ),
    Mutation(
        "job that stops",
        "functions/landrun/adapters/sagemaker.py",
        '_AT_WORK = frozenset({"InProgress", "Stopping"})',
        '_AT_WORK = frozenset({"InProgress"})',
    ),
    Mutation(
        "reconciler",
        "functions/landrun/services/reconcile.py",
        "        now = self.clock()\n        before =",
        "        return dict.fromkeys(KINDS, 0)\n        now = self.clock()\n        before =",
    ),
    Mutation(
        "masking of numbers",
        "processing/messages/masking.py",
        "text.str.contains(CANDIDATE)",
        "text.is_null()",
    ),
    Mutation(
        "masking of further columns",
        "processing/messages/masking.py",
        "return frame.with_columns(masked)",
        "return frame",
    ),
    Mutation(
        "count of rejected rows",
        "processing/messages/work.py",
        "    done.rejected += len(batch.rejects)\n",
        "",
    ),
    Mutation(
        "count of duplicates",
        "processing/messages/summary.py",
        "            count.duplicates += done.staged - out\n",
        "",
    ),
)


def mutated(project: Path, mutation: Mutation) -> None:
    """Take a guarantee out of a copy of the project; `LookupError` if its code is not there."""
    path = project / "src" / mutation.file
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


def tested(project: Path, folder: str) -> tuple[int, list[str]]:
    """Run a folder's tests in a copy: pytest's exit code, and the tests that failed."""
    options = ("-n", "2", "-q", "-p", "no:cacheprovider", "--maxfail=10")
    command = [sys.executable, "-m", "pytest", *options, *TESTS[folder]]
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
    folders = dict.fromkeys(mutation.file.partition("/")[0] for mutation in wanted)
    unnoticed = []
    for mutation in (*folders, *wanted):
        with tempfile.TemporaryDirectory(prefix="landrun-mutation-") as folder:
            project = copied(Path(folder).resolve())
            began = time.monotonic()
            if isinstance(mutation, str):  # as it is, before anything is taken away
                code, failed = tested(project, mutation)
                _show(f"{mutation} as it is", failed, time.monotonic() - began)
                if code != 0:
                    return 2
                continue
            try:
                mutated(project, mutation)
            except LookupError as error:
                sys.stderr.write(f"{error}\n")
                return 2
            _, failed = tested(project, mutation.file.partition("/")[0])
        _show(f"without the {mutation.name}", failed, time.monotonic() - began)
        if not failed:
            unnoticed.append(mutation.name)
    return 1 if unnoticed else 0


def _show(name: str, failed: list[str], seconds: float) -> None:
    sys.stdout.write(f"{name}: {len(failed)} tests fail ({seconds:.0f} s)\n")
    for test in failed[:SHOWN]:
        sys.stdout.write(f"    {test.rpartition('::')[2]}\n")
    if len(failed) > SHOWN:
        sys.stdout.write(f"    and {len(failed) - SHOWN} more\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
