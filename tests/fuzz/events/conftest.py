"""The functions as they are built for Lambda, over clients that send nothing.

LANDRUN_FUZZ_EXAMPLES says how many examples each test takes; a few, always the same, without it.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from landrun.observability import Telemetry

from .aws import Aws
from .limits import logged

EXAMPLES = int(os.environ.get("LANDRUN_FUZZ_EXAMPLES", "0"))
EVENTS = Path(__file__).resolve().parents[3] / "events"

thoroughly = settings(
    max_examples=EXAMPLES or 100,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

ENVIRONMENT = {
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:landrun",
    "JOB_NAME_PREFIX": "landrun",
    "LANDING_BUCKET": "landings",
    "LANDING_PREFIX": "",
    "LANDING_SUFFIX": "",
    "OUTPUT_BUCKET": "outputs",
    "OUTPUT_PREFIX": "processed/",
    "MANIFEST_PREFIX": "manifests/",
    "INPUT_MESSAGE_FORMAT": "manifest",
    "START_ON": "arrival",
    "MAX_OBJECTS_PER_RUN": "10",
    "LANDINGS_TABLE": "landings-table",
    "RUNS_TABLE": "runs-table",
    "CONCURRENCY_TABLE": "concurrency-table",
    "MAX_CONCURRENT_RUNS": "2",
    "SCHEDULED_INPUT": "s3://landings/incoming/{date:%Y}/",
    "SCHEDULE_TIMEZONE": "Europe/Berlin",
    "NOTIFICATIONS_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:failures",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/dead",
}


def payloads(beginning: str) -> list[dict[str, Any]]:
    """Read the payloads of events/ whose names begin so."""
    return [json.loads(path.read_text()) for path in sorted(EVENTS.glob(f"{beginning}*.json"))]


def messages(beginning: str) -> list[dict[str, Any]]:
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


def batch(*bodies: str) -> dict[str, Any]:
    """Give SQS's event with these bodies."""
    return {
        "Records": [
            {"messageId": str(number), "body": body, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


class Lambda:
    """Calls a function's handler, and holds what it writes to standard output."""

    def __init__(self, build: Callable[[Telemetry], Any]) -> None:
        self._stdout = io.StringIO()
        # Powertools keeps one logger, and its stream, for each service.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("POWERTOOLS_SERVICE_NAME", f"stack-{uuid.uuid4()}")
            telemetry = Telemetry(self._stdout)
        telemetry.logger.propagate = False
        self.function = build(telemetry)
        self.logs: list[dict[str, Any]] = []
        self.stuck: list[str] = []

    def __call__(self, event: Any) -> Any:
        self._stdout.seek(0)
        self._stdout.truncate()
        try:
            with redirect_stdout(self._stdout):
                return self.function.handle(event, None)
        finally:
            self.logs = logged(self._stdout.getvalue())
            self.stuck = [line["exception"] for line in self.logs if "exception" in line]


@pytest.fixture(scope="session")
def aws() -> Aws:
    return Aws()


@pytest.fixture(scope="session")
def environment() -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "landrun")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "a-stack")
        yield ENVIRONMENT
