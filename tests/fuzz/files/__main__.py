"""Hostile files in full size, each under a limit of memory: ``python -m fuzz.files``."""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from .hostile_parquet import GUARDED, PARQUET
from .hostile_texts import GOOD, MIB, TEXTS, Case

SCRIPT = Path(__file__).resolve().parents[3] / "src/processing/preprocess.py"
SECONDS = 600


def main() -> int:
    """Run the cases and print a row for each; fail when one did not end as it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--only", default="", help="cases with this in their title or name")
    given = parser.parse_args()
    cases = [c for c in (*TEXTS, *PARQUET, *GUARDED) if given.only in f"{c.title} {c.name}"]
    wrong = [case.title for case in cases if not _ends(case, given.memory_mb)]
    sys.stdout.write(f"{len(cases)} cases, {len(wrong)} did not end as they must\n")
    return min(len(wrong), 1)


def _ends(case: Case, memory: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="landrun-hostile-") as folder:
        root, began = Path(folder), time.monotonic()
        (root / "input").mkdir()
        (root / "processing").mkdir()
        with (root / "input" / case.name).open("wb") as file:
            file.writelines(case.pieces(case.full))
            size = file.tell()
        (root / "input/zz-good.jsonl").write_bytes(GOOD.replace(b"good", b"the good one"))
        done = subprocess.run(
            [sys.executable, SCRIPT, "--input", root / "input", "--output", root / "output"],
            env=os.environ | {"LANDRUN_OPT_ML": folder},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            preexec_fn=limit(memory * MIB),
            check=False,
        )
        ended, fine = done.stdout[-1500:], False
        if done.returncode == 0:
            files = json.loads((root / "output/summary.json").read_bytes())["files"]
            hostile, good = sorted(files, key=lambda file: file["name"])
            fine = case.ended_so(hostile) and good["rows_in"] == 1
            ended = f"{hostile['status']}: {hostile['reason'] or hostile['rows_out']}"[:200]
    seconds = time.monotonic() - began
    said = "" if fine else f"WRONG, exit code {done.returncode}"
    sys.stdout.write(f"| {case.title} | {size / 1e6:.1f} MB | {ended} | {seconds:.1f} s | {said}\n")
    sys.stdout.flush()
    return fine


def limit(most: int) -> Callable[[], None]:
    """Give what puts a process under a limit of memory.

    It is a control group (version 1 or 2) if this machine lets us make one, otherwise each
    process's own limit.
    """
    for folder, name in (("memory", "memory.limit_in_bytes"), ("", "memory.max")):
        group = Path("/sys/fs/cgroup", folder, f"landrun-{uuid.uuid4().hex[:8]}")
        if (group.parent / "cgroup.procs").exists():
            try:
                group.mkdir()
                (group / name).write_text(str(most))
            except OSError:
                break
            return lambda: (group / "cgroup.procs").write_text(str(os.getpid())) and None
    return lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    sys.exit(main())
