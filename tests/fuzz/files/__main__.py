"""Hostile files in full size, each in a bounded memory: ``python -m fuzz.files``."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from .hostile_parquet import PARQUET
from .hostile_texts import GOOD, MIB, TEXTS, Case

SCRIPT = Path(__file__).resolve().parents[3] / "src/processing/preprocess.py"
MEMORY_MB = 1024


def main() -> int:
    """Run the cases whose titles hold the argument, if any; fail where one ended otherwise."""
    wrong = 0
    for case in (*TEXTS, *PARQUET):
        if " ".join(sys.argv[1:]) in case.title:
            with tempfile.TemporaryDirectory(prefix="landrun-hostile-") as folder:
                fine, ended = outcome(case, Path(folder))
            wrong += not fine
            sys.stdout.write(f"{'ok   ' if fine else 'WRONG'} {case.title}: {ended}\n")
            sys.stdout.flush()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    sys.stdout.write(f"{wrong} cases did not end as they must; no process took over {peak} MiB\n")
    return int(wrong > 0 or peak > MEMORY_MB)


def outcome(case: Case, root: Path) -> tuple[bool, str]:
    """Run the job on a file, and a good one beside it; tell whether both ended as they must."""
    (root / "input").mkdir()
    with (root / "input" / case.name).open("wb") as file:
        file.writelines(case.pieces(case.full))
    (root / "input/zz-good.jsonl").write_bytes(GOOD.replace(b"good", b"the good one"))
    folders = ["--input", root / "input", "--output", root / "output"]
    done = subprocess.run(
        [sys.executable, SCRIPT, *folders, "--memory-mb", str(MEMORY_MB)],
        env=os.environ | {"LANDRUN_OPT_ML": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB * MIB,) * 2),
        timeout=600,
        check=False,
    )
    if done.returncode != 0:
        return False, done.stdout[-1500:]
    files = json.loads((root / "output/summary.json").read_bytes())["files"]
    hostile, good = sorted(files, key=lambda file: file["name"])
    ended = f"{hostile['status']}: {hostile['reason'] or hostile['rows_out']}"[:200]
    return case.ended_so(hostile) and good["rows_in"] == 1, ended


if __name__ == "__main__":
    sys.exit(main())
