"""Is each guarantee load-bearing? Take it away, and see which tests fail.

    PYTHONPATH=tests python -m faults.mutations [NAME …]

Works on a copy of the project in a temporary folder. Exit code 1 when the suite does not notice
that a guarantee is gone; 2 when the suite fails as it is.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*", "*.egg-info")
"""What the copy of the project does without."""

TESTS = {
    "functions": ("tests/faults", "--ignore-glob=*/test_laptop*", "-k", "not make_mutations"),
    "processing": ("tests/unit/processing",),
}
"""The tests of each folder of src that a mutation changes."""
PYTEST = ("-n", "2", "-q", "-p", "no:cacheprovider", "--maxfail=10", "--timeout=600")
SHOWN = 8
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?: - |$)", re.MULTILINE)


class Mutation(NamedTuple):
    """A guarantee, its file below src, and what to put in place of the code that gives it."""

    name: str
    file: str
    code: str
    instead: str

    @property
    def folder(self):
        return self.file.partition("/")[0]


def parsed(text):
    """Read mutations as they are written below: whole lines that go, and lines that come."""
    for paragraph in text.strip().split("\n\n"):
        first, *lines = paragraph.splitlines()
        code, instead = (
            "".join(f"{line[1:]}\n" for line in lines if line[0] == sign) for sign in "-+"
        )
        yield Mutation(*first.split(": "), code, instead)


MUTATIONS = tuple(
    parsed("""
deterministic name: functions/landrun/models/run.py
-    digest = uuid.uuid5(_NAMESPACE, json.dumps(identity))
+    digest = uuid.uuid4()

manifest written once: functions/landrun/adapters/manifests.py
-                    IfNoneMatch="*",

claim's condition: functions/landrun/adapters/landings_table.py
-    " AND (attribute_not_exists(#claimed_by) OR #claimed_by = :claimed_by)"

runs table's condition: functions/landrun/adapters/runs_table.py
-    "attribute_not_exists(#name) OR ((redrive_count < :redrive_count"
+    "attribute_exists(#name) OR attribute_not_exists(#name) OR ((redrive_count < :redrive_count"

note of a pending notification: functions/landrun/services/record_outcome.py
-        record = self._complete(change)
-        stored = self.runs_table.write(record)
+        record = self._complete(change)
+        unnoted = record.model_copy(update={"unfinished": None, "notification_due_at": None})
+        stored = self.runs_table.write(unnoted)

concurrency limit's condition: functions/landrun/adapters/concurrency_table.py
-_SLOT_IS_FREE = "attribute_not_exists(slots_in_use) OR slots_in_use < :limit"
+_SLOT_IS_FREE = "attribute_not_exists(anything) OR slots_in_use < :limit"

fence of a slot: functions/landrun/adapters/concurrency_table.py
-        "ConditionExpression": "version = :version",
+        "ConditionExpression": "version = :version OR version <> :version",

check of an end: functions/landrun/services/limit_concurrency.py
-        final = change.status == "SUCCEEDED"  # Step Functions does not redrive it
+        final = True

job that stops: functions/landrun/adapters/sagemaker.py
-_AT_WORK = frozenset({"InProgress", "Stopping"})
+_AT_WORK = frozenset({"InProgress"})

reconciler: functions/landrun/services/reconcile.py
-        now = self.clock()
-        before = now - (GRACE if grace is None else grace)
+        return dict.fromkeys(KINDS, 0)

masking of numbers: processing/messages/masking.py
-    text = change(text, text.str.contains(CANDIDATE), lambda r: _put(r, map(numbers, r)))
+    text = change(text, text.is_null(), lambda r: _put(r, map(numbers, r)))

masking of further columns: processing/messages/masking.py
-    return frame.with_columns(masked)
+    return frame

count of rejected rows: processing/messages/work.py
-    done.rejected += len(batch.rejects)

count of duplicates: processing/messages/summary.py
-                duplicates=done.staged - out,
+                duplicates=0,
""")
)


def mutated(text, mutation):
    """Take a guarantee out of the text of its file; `LookupError` if its code is not there."""
    if text.count(mutation.code) != 1:
        raise LookupError(f"{mutation.name}: {mutation.file} must have once: {mutation.code!r}")
    return text.replace(mutation.code, mutation.instead)


def passes(name, project, folder):
    """Run a folder's tests in a copy, and show which failed."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *PYTEST, *TESTS[folder]],
        cwd=project,
        env={**os.environ, "LANDRUN_FAULTS_SHRINK": "0", "COLUMNS": "500", "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode not in (0, 1, 2):
        sys.stderr.write(run.stdout + run.stderr)
    failed = list(dict.fromkeys(FAILED.findall(run.stdout)))
    some = "".join(f"    {test.rpartition('::')[2]}\n" for test in failed[:SHOWN])
    sys.stdout.write(f"{name}: {len(failed)} tests fail\n{some}")
    sys.stdout.flush()
    return run.returncode == 0


def main(names):
    wanted = [mutation for mutation in MUTATIONS if not names or mutation.name in names]
    with tempfile.TemporaryDirectory(prefix="landrun-mutation-") as temporary:
        project = Path(temporary).resolve() / "project"
        shutil.copytree(ROOT, project, ignore=LEFT_OUT)
        for folder in dict.fromkeys(mutation.folder for mutation in wanted):
            if not passes(f"{folder} as it is", project, folder):
                return 2
        unnoticed = 0
        for mutation in wanted:
            path = project / "src" / mutation.file
            text = path.read_text("utf-8")
            path.write_text(mutated(text, mutation), "utf-8")
            unnoticed += passes(f"without the {mutation.name}", project, mutation.folder)
            path.write_text(text, "utf-8")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
