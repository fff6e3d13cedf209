"""`landrun ui` and the page of `landrun local up`: as processes, which end and leave nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local import LocalAws

from .process import environment, landrun


@contextmanager
def serving(env: dict[str, str], *arguments: str) -> Iterator[str]:
    """The address of the page that a command serves; the command is ended as by Ctrl-C."""
    command = [sys.executable, "-m", "landrun_ops", *arguments]
    up = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | env
    )
    assert up.stdout
    assert up.stderr
    lines: list[str] = []
    while not (lines and lines[-1].startswith("live page: ")):
        line = up.stdout.readline()
        assert line, up.stderr.read()
        lines.append(line)
    try:
        yield lines[-1].removeprefix("live page: ").strip()
    finally:
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=60)
    assert (up.returncode, said) == (0, "")


def asked(address: str, path: str) -> Any:
    with urllib.request.urlopen(address.replace("/?", f"/{path}?")) as answer:
        return json.load(answer)


@pytest.fixture
def env(aws: LocalAws) -> dict[str, str]:
    return environment(aws, LANDRUN_STACK="", LANDRUN_STATE_DIR=str(Path(aws.logs).parent))


def test_the_page_has_the_runs_and_each_run_as_landrun_show_has_it(
    aws: LocalAws, env: dict[str, str], eventually: Callable[..., Any], tmp_path: Path
) -> None:
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    s3.put_object(Bucket=bucket, Key="incoming/to look at.csv", Body=b"id,sender,text\n1,a,b\n")
    with serving(env, "ui", "--port", "0", "--since", "1h") as address:

        def place() -> int | None:
            columns = asked(address, "data")["columns"]
            known = columns.get("what", [])
            ours = known.index("incoming/to look at.csv") if known else None
            return None if ours is None or columns["rows_in"][ours] != 1 else ours + 1

        ours = eventually(place) - 1
        name = asked(address, "data")["columns"]["name"][ours]
        page = asked(address, f"runs/{name}")
        shown = json.loads(landrun(env, "show", name, "--json", cwd=tmp_path).stdout)
        letters = asked(address, "dead-letters")

    assert {key: page[key] for key in shown} == shown
    assert page["manifest"].endswith(f"/manifests/{name}.json")
    assert page["commands"]["page"] == f"landrun show {name}"
    assert page["log"]
    assert set(letters) == {"landings", "ticks", "statuses"}
    with pytest.raises(urllib.error.URLError):
        asked(address, "data")


def test_local_up_serves_the_page_until_it_ends(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with serving({}, "local", "up", "--state-dir", state) as address:
        found = asked(address, "data")

    assert found["columns"]["name"] == []
    with pytest.raises(urllib.error.URLError):
        asked(address, "data")
