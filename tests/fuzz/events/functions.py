"""The functions as they are built for Lambda, over clients of botocore that send nothing.

A request is held against what botocore checks, and against AWS's other limits: one that AWS refuses
comes again until its message is dead.
"""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import boto3
from boto3.dynamodb.types import TypeDeserializer
from botocore.response import StreamingBody

from handler_loader import ENVIRONMENT, Context, load_handler

THEN = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LINE = 32_000
"""Characters of a log line: an event of CloudWatch Logs has 262,144 bytes at most."""
LINK = re.compile(r"(?<!s3)://|www\.|[<>]", re.IGNORECASE)


def check(operation, given):
    """Fail when AWS would refuse the request, or a person could be taken in by it."""
    match operation:
        case "PutItem":
            assert size({"M": given["Item"]}) <= 409_600
            TypeDeserializer().deserialize({"M": given["Item"]})  # boto3's limits of numbers
        case "Publish":
            subject, message = given["Subject"], given["Message"]
            assert len(subject) < 100
            assert subject.isascii()
            assert len(message.encode()) <= 262_144
            assert all(line.isprintable() for line in [subject, *message.split("\n")])
            assert not LINK.search(subject + message), "a mail would have a link or a tag"
        case "SendMessage":
            reasons = given["MessageAttributes"].values()
            assert all(one["StringValue"].isprintable() for one in reasons)


def size(value, levels=33):
    """Count bytes as DynamoDB does; see "Item sizes and formats" in its documentation."""
    assert levels > 0, "nested too deep"
    [(kind, content)] = value.items()
    if kind == "M":
        assert all(content), "an empty name"
        names = sum(len(name.encode()) for name in content)
        return names + size({"L": content.values()}, levels)
    if kind == "L":
        return 3 + sum(1 + size(inner, levels - 1) for inner in content)
    return len(content.encode()) if kind == "S" else 21


class Function:
    """A function after a cold start. ``answers`` has functions of the request, by operation."""

    def __init__(self, name, **variables):
        self._session = boto3.Session("testing", "testing", region_name="us-east-1")
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Any] = {
            "Query": lambda _: {"Items": []},
            "GetObject": lambda _: {"Error": {"Code": "NoSuchKey"}},
            "GetExecutionHistory": lambda _: {"events": []},
            "StartExecution": lambda given: {"executionArn": given["name"], "startDate": THEN},
            "DescribeExecution": lambda given: given | {"status": "FAILED", "startDate": THEN},
        }
        environment = ENVIRONMENT | {"LANDING_PREFIX": ""} | variables
        client = lru_cache(self._client)
        self._module = load_handler(name, environment, client)
        self._module.threads = ThreadPoolExecutor(1)  # one message after the other

    def logs_of(self, bodies):
        """Process a batch, of which no message may fail; return what is logged."""
        self.calls.clear()
        records = [
            {"messageId": str(number), "body": body, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
        with redirect_stdout(io.StringIO()) as stdout:
            answer = self._module.handler({"Records": records}, Context())
        lines = stdout.getvalue().split("\n")[:-1]
        assert answer == {"batchItemFailures": []}, lines
        assert all(line.isprintable() and len(line) <= LINE for line in lines)
        return [json.loads(line) for line in lines]

    def asked(self, *operations):
        return [given for operation, given in self.calls if operation in operations]

    def _client(self, service):
        client: Any = self._session.client(service)
        client.meta.events.register("before-parameter-build", self._asked)
        client.meta.events.register_first("before-call", self._answered)
        return client

    def _asked(self, params, context, **_):
        context["given"] = dict(params)

    def _answered(self, model, context, **_):
        given = context["given"]
        check(model.name, given)
        self.calls.append((model.name, given))
        answer = self.answers.get(model.name, lambda _: {})(given)
        return SimpleNamespace(status_code=400 if "Error" in answer else 200), answer


def stream(body):
    """The answer of an object with that body."""
    return {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentLength": len(body)}
