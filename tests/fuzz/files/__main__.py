"""Hostile files in full size, each under a limit of memory: ``python -m fuzz.files``."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from .case import Case
from .hostile_parquet import GUARDED, PARQUET
from .hostile_texts import GOOD, TEXTS
from .limits import MIB, Usage, run

SCRIPT = Path(__file__).resolve().parents[3] / "src/processing/preprocess.py"
SECONDS = 600


def main() -> int:
    """Run the cases and print a row for each; fail when one did not end as it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--quick", action="store_true", help="in the sizes of the test suite")
    parser.add_argument("--only", default="", help="cases with this in their title or name")
    parser.add_argument("--after", default="", help="cases behind the one with this title")
    given = parser.parse_args()
    wrong, begun = 0, not given.after
    for case in (*TEXTS, *PARQUET, *GUARDED):
        begun, before = begun or case.title == given.after, begun
        if before and given.only in f"{case.title} {case.name}":
            wrong += not _tried(case, given.quick, given.memory_mb)
    _say(f"{wrong} case(s) did not end as they must")
    return min(wrong, 1)


def _tried(case: Case, quick: bool, memory: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="landrun-hostile-") as folder:
        root = Path(folder)
        (root / "input").mkdir()
        (root / "ml/processing").mkdir(parents=True)
        hostile = root / "input" / case.name
        case.write(hostile, case.quick if quick else case.full)
        (root / "input/zz-good.jsonl").write_bytes(GOOD.replace(b"good", b"the good one"))
        size = hostile.stat().st_size
        usage = run(
            [sys.executable, str(SCRIPT), "--input", f"{root}/input", "--output", f"{root}/output"],
            memory * MIB,
            SECONDS,
            LANDRUN_OPT_ML=f"{root}/ml",
        )
        ended, fine = _ended(root, case, usage, quick)
        scale = sum(p.stat().st_size for p in (root / "output").rglob("*") if p.is_file())
    _say(
        f"| {case.title} | {size / 1e6:.1f} | {ended} | {usage.seconds:.1f} | {usage.peak_mib:.0f}"
        f" | {'killed' if usage.killed else ''} | {scale / 1e6:.1f} | {'' if fine else 'WRONG'}"
    )
    if not fine:
        _say(usage.output[-1500:])
    shutil.rmtree(folder, ignore_errors=True)
    return fine


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _ended(root: Path, case: Case, usage: Usage, quick: bool) -> tuple[str, bool]:
    message = root / "ml/output/message"
    if usage.code or message.exists():
        said = message.read_text() if message.exists() else "no message"
        return f"exit {usage.code}: {said[:200]}", False
    summary = json.loads((root / "output/summary.json").read_bytes())
    file = next(f for f in summary["files"] if f["name"] == case.name)
    good = next(f for f in summary["files"] if f["name"] == "zz-good.jsonl")
    outcome = (quick and case.small) or case.outcome
    fine = (
        file["status"] == outcome.status
        and bool(file["rejected"]) == outcome.rejected
        and good["rows_in"] == 1
    )
    counts = ", ".join(f"{k} {file[k]}" for k in ("rows_in", "rows_out", "rejected") if file[k])
    return f"{file['status']}: {file['reason'] or counts}"[:200], fine


if __name__ == "__main__":
    sys.exit(main())
