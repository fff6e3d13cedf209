"""The functions as they are built for Lambda, over clients that send nothing.

LANDRUN_FUZZ_EXAMPLES says how many examples each test takes; a few, always the same, without it.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from handler_loader import ENVIRONMENT, Context, load_handler

from .aws import Aws
from .limits import logged

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
EVENTS = Path(__file__).resolve().parents[3] / "events"

thoroughly = settings(
    max_examples=EXAMPLES or 50,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def payloads(beginning):
    return [json.loads(path.read_text()) for path in sorted(EVENTS.glob(f"{beginning}*.json"))]


def messages(beginning):
    """Read the events in the messages of those payloads, as far as they are JSON."""
    found = []
    for batch in payloads(beginning):
        for record in batch["Records"]:
            try:
                event = json.loads(record["body"])
            except ValueError:
                continue
            found += [event] if isinstance(event, dict) else []
    return found


def fields(*path):
    """Give the paths of fields, the last part of which names several."""
    *parents, names = path
    return tuple((*parents, name) for name in names.split())


def batch(*bodies):
    return {
        "Records": [
            {"messageId": str(number), "body": body, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


class Lambda:
    """A function after a cold start; holds what each invocation writes to standard output."""

    def __init__(self, name, aws, **variables):
        environment = ENVIRONMENT | {"LANDING_PREFIX": ""} | variables
        self._module = load_handler(name, environment, aws, overlapping=False)
        self.logs: list[dict[str, Any]] = []
        self.stuck: list[str] = []

    def __call__(self, event):
        stdout = io.StringIO()
        try:
            with redirect_stdout(stdout):
                return self._module.handler(event, Context())
        finally:
            self.logs = logged(stdout.getvalue())
            self.stuck = [line["exception"] for line in self.logs if "exception" in line]


@pytest.fixture(scope="session")
def aws():
    return Aws()
