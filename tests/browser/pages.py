"""A browser, a laptop's stack to look at with it, and what Playwright does not do by itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, Playwright

from landrun_ops.local import LocalAws

ROOT = Path(__file__).resolve().parents[2]
LANDRUN = [sys.executable, "-m", "landrun_ops"]


def chromium_path() -> str | None:
    """Where a Chromium is: LANDRUN_CHROMIUM, or the first on the path."""
    names = (os.environ.get("LANDRUN_CHROMIUM", "chromium"), "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def launched(playwright: Playwright, path: str) -> Browser:
    """Start the Chromium of this machine: Playwright's own is never downloaded."""
    return playwright.chromium.launch(
        executable_path=path, args=["--no-sandbox", "--force-color-profile=srgb"]
    )


def go(page: Page, address: str) -> None:
    """Open an address, and wait until the page's script says that all is drawn."""
    page.goto(address)
    page.wait_for_selector("body[data-ready=yes]", state="attached")


def until(page: Page, expression: str, seconds: float = 30) -> None:
    """Wait until an expression is true; Playwright's own wait needs an eval, which pages forbid."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"not within {seconds} s: {expression}"
        page.wait_for_timeout(30)


@dataclass(frozen=True)
class Laptop:
    """A laptop's stack whose jobs begin to work when ``go_ahead`` is there."""

    aws: LocalAws
    address: str
    go_ahead: Path
    state: Path

    def land(self, **objects: bytes) -> None:
        for key, body in objects.items():
            bucket = self.aws.outputs["LandingBucket"]
            self.aws.client("s3").put_object(Bucket=bucket, Key=f"incoming/{key}", Body=body)


@contextmanager
def laptop_with(slots: int, folder: Path) -> Iterator[Laptop]:
    job, go_ahead, state = folder / "job.sh", folder / "go", folder / "state"
    job.write_text(
        f"while [ ! -e {go_ahead} ]; do sleep 0.1; done\n"
        f'exec {sys.executable} {ROOT}/src/processing/preprocess.py "$@"\n'
    )
    entrypoint = f"JobEntrypoint={json.dumps(['/bin/sh', str(job)])}"
    command = [*LANDRUN, "local", "up", "--state-dir", str(state), "--parameter", entrypoint]
    command += ["--parameter", f"MaxConcurrentRuns={slots}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as up:
        assert up.stdout
        try:
            assert up.stdout.readline().startswith("ready at ")
            address = up.stdout.readline().removeprefix("live page: ").strip()
            yield Laptop(LocalAws.attach(state), address, go_ahead, state)
        finally:
            up.send_signal(signal.SIGINT)
            up.wait(60)
