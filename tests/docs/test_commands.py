"""The commands of all pages, run: `make docs`.

In commands ``RUN``, ``BUCKET`` and ``KEY`` stand for the reader's own: here for a run that failed,
the landing bucket, and an object in it.
"""

import os
import re
import shutil
import subprocess

import pytest

from .pages import DOCS, PAGES, README, ROOT, blocks, name

pytestmark = [
    pytest.mark.skipif("LANDRUN_DOCS" not in os.environ, reason="make docs does this"),
    pytest.mark.timeout(400),
]
USUAL = [README, DOCS / "tutorial.md", *sorted(DOCS.glob("alarms/*.md")), DOCS / "operate.md"]
"""Pages whose commands are for the default stack: they run one after the other, each once."""

STOP = """
set -eu
staying=
stop() {
    if [ -n "$staying" ]; then kill "$staying"; wait "$staying" || true; staying=; fi
}
trap stop EXIT
"""
STAYS = """\
stop
: >"$SCRATCH/out"
(exec {}) >"$SCRATCH/out" &
staying=$!
until [ -s "$SCRATCH/out" ]; do sleep 0.1; kill -0 "$staying"; done
"""
HAPPENED = """
printf 'colour,size\\nred,3\\n' > .landrun/colours.csv
landrun land .landrun/colours.csv --wait || [ $? = 1 ]
RUN=$(landrun runs --json | python -c 'import json, sys; print(json.load(sys.stdin)[0]["name"])')
aws sqs send-message --endpoint-url "$AWS_ENDPOINT_URL" --message-body '{cut off' \
  --queue-url "$LANDRUN_LANDING_DEAD_LETTER_QUEUE_URL" \
  --message-attributes 'Reason={DataType=String,StringValue=not JSON}'
"""
"""A run that fails, and a dead letter."""


@pytest.fixture
def project(tmp_path):
    """A copy of what landrun needs, set up as ``make demo`` does it, with few samples."""
    folder = tmp_path / "landrun"
    left_out = shutil.ignore_patterns("__pycache__", "kefu.*", "questions.*", "returns.*")
    for part in ("src", "samples"):
        shutil.copytree(ROOT / part, folder / part, ignore=left_out)
    shutil.copy(ROOT / "template.yaml", folder)
    (folder / ".venv").symlink_to(ROOT / ".venv-ops")
    return folder


def script(page):
    """Return a page's commands for ``sh``; `make demo` is a step of .ci/run."""
    wanted = [one for one in blocks(page) if one["language"] == "sh" and one["how"] != "not run"]
    return "".join(shell(**one) for one in wanted if one["text"] != "make demo\n")


def shell(text, how, what, **_):
    text = re.sub(r"\bKEY\b", "incoming/orders.jsonl", re.sub(r" +# .*", "", text))
    text = re.sub(r"\bRUN\b", '"$RUN"', re.sub(r"\bBUCKET\b", "$LANDRUN_LANDING_BUCKET", text))
    if how == "stays":
        return STAYS.format(text)
    if how == "may exit":
        return "".join(f"{line} || [ $? = {what} ]\n" for line in text.splitlines())
    return text


def run(commands, project):
    """Run commands in a new terminal, where landrun comes first, and aws and jupyter are, too."""
    path = f"{project}/.venv/bin:{os.environ['PATH']}:{ROOT}/.venv/bin"
    own = {"HOME": str(project.parent), "SCRATCH": str(project.parent), "NO_COLOR": "1"}
    done = subprocess.run(
        ["sh", "-xc", STOP + commands],
        cwd=project,
        env=own | {"PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]


def test_commands_for_a_stack_as_it_is_work_after_each_other(project):
    """A command that differs by its queue or by quotes runs once, too."""
    first, *others = map(script, USUAL)
    once = {}
    for line in re.findall(r"(?:.*\\\n)*.*\n", first + HAPPENED + "".join(others)):
        once.setdefault(re.sub(r" --queue \w+|\"| \|\| .*", "", line), line)
    run("".join(once.values()), project)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page not in USUAL and script(page)], ids=name
)
def test_commands_of_a_page_work_in_a_new_checkout(page, project):
    run(script(page), project)
