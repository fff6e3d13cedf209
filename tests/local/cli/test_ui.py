"""`landrun report`, `ui` and `watch`, as processes, which leave nothing."""

import json
import os
import pty
import select
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from laptop_stack import eventually
from local.commands import LANDRUN, SECONDS, environment, landrun, told
from local.laptop import staying

KEY = "incoming/to report/</script>é+1.csv"


def asked(address, path):
    with urllib.request.urlopen(address.replace("/?", f"/{path}?")) as answer:
        return json.load(answer)


@pytest.fixture
def env(aws):
    return environment(aws, LANDRUN_STACK="", LANDRUN_STATE_DIR=str(Path(aws.logs).parent))


def test_the_live_page_and_the_report_have_the_runs_and_what_was_ignored(aws, env, tmp_path):
    s3, bucket = aws.client("s3"), aws.outputs["LandingBucket"]
    s3.put_object(Bucket=bucket, Key="incoming/to report/empty.csv", Body=b"")
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"id,sender,text\n1,mira,hello\n2,mira,\n")
    ui = ("ui", "--port", "0", "--since", "1h")
    with staying(env, tmp_path, *ui, cwd=tmp_path, ready="live page: (.*)\n") as (_, address):

        def recorded():
            runs = asked(address, "data")["runs"]
            return [one for one in runs if one.get("what") == KEY and one.get("rows_in")]

        [run] = eventually(recorded)
        page = asked(address, f"runs/{run['name']}")
        letters = asked(address, "dead-letters")
    found, shown = told(env, "report", "--since", "1h"), told(env, "show", run["name"])
    written = landrun(env, "report", "--limit", "1", "--out", "other.html", cwd=tmp_path)

    assert run in found["runs"]
    assert (run["rows_in"], run["rows_out"], run["empty"], run["links"]) == (2, 1, 1, {})
    assert run["waited"] + run["worked"] <= run["duration_seconds"]
    assert "zero-bytes" in {one["reason"] for one in found["ignored"]["counts"]}
    assert written.stdout.startswith("wrote other.html, with 1 run")
    assert (tmp_path / "other.html").stat().st_size > 500_000
    assert {key: page[key] for key in shown} == shown
    assert page["commands"]["page"] == f"landrun show {run['name']}"
    assert page["log"]
    assert set(letters) == {"landings", "schedule", "statuses"}
    with pytest.raises(urllib.error.URLError):
        asked(address, "data")
    assert (tmp_path / "stderr.txt").read_text() == ""


def test_watch_draws_the_stack_on_a_terminal_and_q_ends_it(aws):
    env = environment(aws, COLUMNS="80", LINES="24", TERM="xterm-256color")
    env.pop("CI", None)
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [LANDRUN, "watch"], env=env, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE
    ) as process:
        os.close(terminal)
        seen = b""
        while b"q ends" not in seen:
            assert select.select([keyboard], [], [], SECONDS)[0], seen
            seen += os.read(keyboard, 65536)
        os.write(keyboard, b"xq")
        assert process.wait(SECONDS) == 0
        assert process.stderr
        assert process.stderr.read() == b""
    os.close(keyboard)
    assert b"landrun in us-east-1" in seen
