"""A laptop's stack to look at in a browser, and what Playwright does not do by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from landrun_ops.local import LocalAws

ROOT = Path(__file__).resolve().parents[2]
LANDRUN = [sys.executable, "-m", "landrun_ops"]


def go(page, address):
    """Open an address, and wait until the page's script says that all is drawn."""
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]", state="attached")


def until(page, expression, seconds=30):
    """Wait until an expression is true; Playwright's own wait needs an eval, which pages forbid."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not within {seconds} s: {expression}"
        page.wait_for_timeout(30)


def fits_the_window(page, name):
    """Whether nothing is wider; takes a picture of that name if LANDRUN_PICTURES has a folder."""
    if folder := os.environ.get("LANDRUN_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@dataclass(frozen=True)
class Laptop:
    """A laptop's stack of one slot, whose jobs begin to work when ``go_ahead`` is there."""

    aws: LocalAws
    address: str
    go_ahead: Path
    state: Path

    def land(self, **objects):
        for key, body in objects.items():
            bucket = self.aws.outputs["LandingBucket"]
            self.aws.client("s3").put_object(Bucket=bucket, Key=f"incoming/{key}", Body=body)


@contextmanager
def started(folder):
    job, go_ahead, state = folder / "job.sh", folder / "go", folder / "state"
    job.write_text(
        f"while [ ! -e {go_ahead} ]; do sleep 0.1; done\n"
        f'exec {sys.executable} {ROOT}/src/processing/preprocess.py "$@"\n'
    )
    command = [*LANDRUN, "local", "up", "--state-dir", str(state)]
    command += ["--parameter", f"JobEntrypoint={json.dumps(['/bin/sh', str(job)])}"]
    command += ["--parameter", "MaxConcurrentRuns=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as up:
        assert up.stdout
        try:
            assert up.stdout.readline().startswith("ready at ")
            address = up.stdout.readline().removeprefix("live page: ").strip()
            yield Laptop(LocalAws.attach(state), address, go_ahead, state)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)
