"""Load a handler's module as Lambda's INIT does, with clients and a clock of the test's.

A handler reads its environment and builds its clients when it is imported. Each call here imports
it anew, so every test has a function of its own, as after a cold start.
"""

import importlib.util
import os
import sys
import uuid
from dataclasses import dataclass
from functools import partial
from unittest.mock import patch

from aws_lambda_powertools import Logger

from landrun.clock import utc_now

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "landrun")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "landrun")  # read at each single_metric

ENVIRONMENT = {
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:landrun",
    "JOB_NAME_PREFIX": "landrun",
    "LANDING_BUCKET": "landings",
    "LANDING_PREFIX": "incoming/",
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
"""The variables of all functions, with values that are right."""


@dataclass(frozen=True)
class Context:
    """Lambda's context, as far as Powertools reads it."""

    function_name: str = "landrun-function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:landrun-function"
    aws_request_id: str = "52fdfc07-2182-454f-963f-5f0f9a621d72"


class CurrentStdout:
    """Standard output as it is at each write: pytest has another one for each phase of a test."""

    def write(self, text):
        return sys.stdout.write(text)

    def flush(self):
        sys.stdout.flush()


def load_handler(name, environment, client, clock=utc_now):
    """Import ``landrun.handlers.<name>`` anew and return the module.

    ``client`` returns the client of a service, ``clock`` the time in UTC.
    """
    # Powertools keeps one logger, with the stream that it found first, for each service.
    service = {"POWERTOOLS_SERVICE_NAME": f"landrun-{uuid.uuid4()}"}
    spec = importlib.util.find_spec(f"landrun.handlers.{name}")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with (
        patch.dict(os.environ, {**service, **environment}),
        patch("landrun.adapters.clients.client", client),
        patch("landrun.clock.utc_now", clock),
        patch("landrun.observability.Logger", partial(Logger, stream=CurrentStdout())),
    ):
        spec.loader.exec_module(module)
    return module
