"""Hostile files in full size, each in a bounded memory: ``python -m fuzz.files``."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from .hostile_parquet import PARQUET
from .hostile_texts import GOOD, MIB, TEXTS

SCRIPT = Path(__file__).resolve().parents[3] / "src/processing/preprocess.py"
MEMORY = 1024 * MIB


def main():
    """Run the cases whose titles hold the argument, if any; fail where one ended otherwise."""
    wrong = 0
    for case in (*TEXTS, *PARQUET):
        if " ".join(sys.argv[1:]) in case.title:
            with tempfile.TemporaryDirectory(prefix="landrun-hostile-") as folder:
                fine, ended = outcome(case, Path(folder))
            wrong += not fine
            sys.stdout.write(f"{'ok   ' if fine else 'WRONG'} {case.title}: {ended}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{wrong} cases did not end as they must\n")
    return min(wrong, 1)


def outcome(case, root):
    """Run the job on a file, and a good one beside it; tell whether both ended as they must."""
    (root / "input").mkdir()
    (root / "processing").mkdir()
    with (root / "input" / case.name).open("wb") as file:
        file.writelines(case.pieces(case.full))
    (root / "input/zz-good.jsonl").write_bytes(GOOD.replace(b"good", b"the good one"))
    folders = ["--input", root / "input", "--output", root / "output"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *folders],
        env=os.environ | {"LANDRUN_OPT_ML": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=limit(),
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        return False, done.stdout[-1500:]
    files = json.loads((root / "output/summary.json").read_bytes())["files"]
    hostile, good = sorted(files, key=lambda file: file["name"])
    ended = f"{hostile['status']}: {hostile['reason'] or hostile['rows_out']}"[:200]
    return case.ended_so(hostile) and good["rows_in"] == 1, ended


def limit():
    """Return what puts a process, with all that it starts, under a limit of memory.

    It is a control group (version 1 or 2) if this machine lets us make one, otherwise each
    process's own limit.
    """
    for folder, name in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        group = Path("/sys/fs/cgroup", folder, f"landrun-{uuid.uuid4().hex[:8]}")
        if (group.parent / "cgroup.procs").exists():
            try:
                group.mkdir()
                (group / name).write_text(str(MEMORY))
            except OSError:
                break
            return lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


if __name__ == "__main__":
    sys.exit(main())
