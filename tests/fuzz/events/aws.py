"""AWS as clients of botocore see it: requests validated and spelled, then held against `limits`.

Nothing is sent. What botocore itself refuses is refused here, too, with botocore's own errors.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.response import StreamingBody

from .limits import held

THEN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
Answer = dict[str, Any] | Callable[[dict[str, Any]], dict[str, Any]]
NOT_THERE = {"Error": {"Code": "NoSuchKey", "Message": "not there"}}


class Aws:
    """Clients whose calls are answered from ``answers``, by operation; other answers are empty."""

    def __init__(self):
        session = botocore.session.Session()
        session.set_credentials("testing", "testing")
        self._session = boto3.Session(botocore_session=session, region_name="us-east-1")
        self._clients: dict[str, Any] = {}
        self.answers: dict[str, Answer] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, service):
        if service not in self._clients:
            client = self._session.client(service, config=Config(retries={"total_max_attempts": 1}))
            client.meta.events.register("before-parameter-build", self._asked)
            client.meta.events.register_first("before-call", self._answered)
            self._clients[service] = client
        return self._clients[service]

    def reset(self, **answers):
        """Forget the calls so far; give other answers from now on."""
        self.calls.clear()
        self.answers = {
            "GetObject": NOT_THERE,
            "StartExecution": lambda given: {"executionArn": given["name"], "startDate": THEN},
            "GetExecutionHistory": {"events": []},
            "Query": {"Items": []},
            **answers,
        }

    def asked(self, operation):
        return [given for name, given in self.calls if name == operation]

    def _asked(self, params, model, context, **_):
        context["given"] = dict(params)

    def _answered(self, model, context, **_):
        given = context["given"]
        held(model.name, given)
        self.calls.append((model.name, given))
        answer = self.answers.get(model.name, {})
        answer = answer(given) if callable(answer) else answer
        return SimpleNamespace(status_code=400 if "Error" in answer else 200), answer


def stream(body):
    return {"Body": StreamingBody(BytesIO(body), len(body)), "ContentLength": len(body)}
