"""Landings as SQS passes them to ``object_created``, and the functions' environment."""

import json
import os
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, redirect_stdout
from pathlib import Path
from typing import Any

import handler_loader
from benchmarks import ROOT

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:landrun"
EVENTS = ROOT / "events"
BARE = str(ROOT / "benchmarks/competitors/bare_handler.py")
BATCH = 10
"""BatchSize of template.yaml."""

S3_SECONDS, START_SECONDS, DYNAMODB_SECONDS = 0.020, 0.030, 0.006
"""Assumed seconds of a service's answer within a region."""

ENVIRONMENT = handler_loader.ENVIRONMENT | {
    "AWS_ACCESS_KEY_ID": "benchmark",
    "AWS_SECRET_ACCESS_KEY": "benchmark",  # pragma: allowlist secret
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",  # or bodies are sent in chunks
    "LAMBDA_TASK_ROOT": "/var/task",  # Powertools keeps its event loop on Lambda
    "POWERTOOLS_SERVICE_NAME": "landrun",
    "POWERTOOLS_METRICS_NAMESPACE": "landrun",
    "LANDING_BUCKET": "landrun-landingbucket-1a2b3c4d5e6f",
    "STATE_MACHINE_ARN": MACHINE,
    "MAX_OBJECTS_PER_RUN": "10000",
    "MAX_CONCURRENT_RUNS": "0",
    "SCHEDULED_INPUT": "s3://landings/incoming/",
    "SCHEDULE_TIMEZONE": "UTC",
}
"""The environment that template.yaml sets for the functions, all in one."""

Batch = dict[str, Any]


def batches(count: int, size: int = BATCH) -> Iterator[Batch]:
    """Yield a number of landings in batches, each of a new object."""
    [record] = json.loads((EVENTS / "object-created.json").read_text(encoding="utf-8"))["Records"]
    body = json.loads(record["body"])
    for start in range(0, count, size):
        records = []
        for number in range(start, min(count, start + size)):
            own = {"key": f"incoming/{uuid.uuid4()}.jsonl", "version-id": uuid.uuid4().hex}
            detail = body["detail"] | {"object": body["detail"]["object"] | own}
            text = json.dumps(body | {"id": str(uuid.uuid4()), "detail": detail})
            records.append(record | {"messageId": str(number), "body": text})
        yield {"Records": records}


def unheard() -> AbstractContextManager[Any]:
    """Discard the logs and metrics of the functions."""
    return redirect_stdout(_NOWHERE)


_NOWHERE = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - loggers keep it
