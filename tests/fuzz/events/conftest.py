"""The functions as they are built for Lambda, over clients of botocore that send nothing.

LANDRUN_FUZZ_EXAMPLES says how many examples each test takes; a few, always the same, without it.
"""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stdout
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from hypothesis import HealthCheck, settings

from handler_loader import ENVIRONMENT, Context, load_handler

from . import limits

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
EVENTS = Path(__file__).resolve().parents[3] / "events"
THEN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

thoroughly = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def messages(beginning):
    """The events in the messages of the payloads of that name, as far as they are JSON."""
    found = []
    for path in sorted(EVENTS.glob(f"{beginning}*.json")):
        for record in json.loads(path.read_text())["Records"]:
            try:
                event = json.loads(record["body"])
            except ValueError:
                continue
            found += [event] if isinstance(event, dict) else []
    return found


def fields(*path):
    """The paths of fields, the last part of which names several."""
    *parents, names = path
    return tuple((*parents, name) for name in names.split())


def batch(*bodies):
    return {
        "Records": [
            {"messageId": str(number), "body": body, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


def stream(body):
    return {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentLength": len(body)}


class Aws:
    """botocore's clients: requests are validated and spelled, held against `limits`, not sent.

    ``answers`` has answers, or functions of the request, by operation; other answers are empty.
    """

    def __init__(self):
        self._session = boto3.Session("testing", "testing", region_name="us-east-1")
        self.client = lru_cache(self._client)
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def reset(self, **answers):
        """Forget the calls so far; give other answers from now on."""
        self.calls.clear()
        self.answers = {
            "GetObject": {"Error": {"Code": "NoSuchKey", "Message": "not there"}},
            "StartExecution": lambda given: {"executionArn": given["name"], "startDate": THEN},
            "GetExecutionHistory": {"events": []},
            "Query": {"Items": []},
            **answers,
        }

    def asked(self, operation):
        return [given for name, given in self.calls if name == operation]

    def _client(self, service):
        client: Any = self._session.client(service)
        client.meta.events.register("before-parameter-build", self._asked)
        client.meta.events.register_first("before-call", self._answered)
        return client

    def _asked(self, params, context, **_):
        context["given"] = dict(params)

    def _answered(self, model, context, **_):
        given = context["given"]
        limits.check(model.name, given)
        self.calls.append((model.name, given))
        answer = self.answers.get(model.name, {})
        answer = answer(given) if callable(answer) else answer
        return SimpleNamespace(status_code=400 if "Error" in answer else 200), answer


class Lambda:
    """A function after a cold start; holds what each invocation writes to standard output."""

    def __init__(self, name, aws, **variables):
        environment = ENVIRONMENT | {"LANDING_PREFIX": ""} | variables
        self._module = load_handler(name, environment, aws.client, overlapping=False)
        self.logs: list[dict[str, Any]] = []
        self.stuck: list[str] = []

    def __call__(self, event):
        stdout = io.StringIO()
        try:
            with redirect_stdout(stdout):
                return self._module.handler(event, Context())
        finally:
            self.logs = limits.logged(stdout.getvalue())
            self.stuck = [line["exception"] for line in self.logs if "exception" in line]


@pytest.fixture(scope="session")
def aws():
    return Aws()
