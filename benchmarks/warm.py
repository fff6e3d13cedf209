"""A warm object_created: what it adds to an event, and whether the starts of a batch overlap.

The real handler against doors of three kinds: one that answers at once, so that only the handler's
own work is left; one that takes a region's time to answer; and moto over HTTP, with botocore's
signing and parsing. Beside it the bare handler: parse, start the execution, nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.session

from benchmarks.lambdas import MACHINE, SETTINGS, event, free_port
from benchmarks.measuring import Aim, Figures, Options, Row, interleaved, ratios
from handler_loader import Context, load_handler

TITLE = "A warm handler"

OVERHEAD, OVERLAP = Aim("<=", 300), Aim("<=", 2)
S3_SECONDS, START_SECONDS = 0.020, 0.030
"""How long services take to answer: assumed, as in a region's own network."""

REGION = "us-east-1"
DEFINITION = json.dumps(
    {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}}
)
Handler = Callable[[dict[str, Any], Any], Any]
Batch = dict[str, Any]
BATCH_SIZE = 10
CONTEXT = Context()


def run(options: Options) -> Iterator[Row]:
    """Yield what the handler adds to an event, then batches, then both over HTTP."""
    yield from _overhead(options)
    yield from _batches(options)
    yield from _http(options)


def _overhead(options: Options) -> Iterator[Row]:
    events, repetitions = (500, 5) if options.quick else (2000, 15)
    doors = _answering_at_once()
    handlers = {"bare": _bare(doors), "ours": _ours(doors)}
    for size in (1, BATCH_SIZE):
        batches = list(_fresh(events, size))
        ways = {
            name: lambda handler=handler, batches=batches: _cpu(handler, batches) / events * 1e6
            for name, handler in handlers.items()
        }
        found = interleaved(ways, repetitions, options.progress)
        added = [ours - bare for ours, bare in zip(found["ours"], found["bare"], strict=True)]
        case = f"warm, batches of {size}, a door that answers at once"
        figures = Figures.of(added).parts()
        yield Row(case, "handler's own time", unit="µs an event", aim=OVERHEAD, key=True, **figures)
        yield Row(case, "bare handler", unit="µs an event", **Figures.of(found["bare"]).parts())
        rates = [1e6 / one for one in found["ours"]]
        yield Row(case, "throughput of one core", unit="events/s", **Figures.of(rates).parts())


def _batches(options: Options) -> Iterator[Row]:
    doors = _answering_at_once(S3_SECONDS, START_SECONDS)
    yield from _overlapping(
        _ours(doors),
        5 if options.quick else 20,
        "warm, doors that answer in 20 and 30 ms",
        options,
        aim=OVERLAP,
    )


def _http(options: Options) -> Iterator[Row]:
    case = "warm, moto over HTTP"
    with _moto(options.scratch) as endpoint:
        doors = _clients(endpoint)
        repetitions, events = (3, 20) if options.quick else (10, 100)
        handlers = {"bare": _bare(doors), "ours": _ours(doors)}
        ways = {
            name: lambda handler=handler: events / _seconds(handler, list(_fresh(events, 1)))
            for name, handler in handlers.items()
        }
        found = interleaved(ways, repetitions, options.progress)
        for name, rates in found.items():
            figure = "throughput" if name == "ours" else "bare handler's throughput"
            yield Row(case, figure, unit="events/s", **Figures.of(rates).parts())
        yield from _overlapping(handlers["ours"], repetitions, case, options)


def _overlapping(
    handler: Handler, repetitions: int, case: str, options: Options, aim: Aim | None = None
) -> Iterator[Row]:
    """Time batches of one and of ten, in turn; moto answers one request at a time."""
    ways = {
        str(size): lambda size=size: _seconds(handler, list(_fresh(size, size))) * 1000
        for size in (1, BATCH_SIZE)
    }
    found = interleaved(ways, repetitions, options.progress)
    yield Row(case, "one start", unit="ms", **Figures.of(found["1"]).parts())
    yield Row(case, "a batch of 10", unit="ms", **Figures.of(found[str(BATCH_SIZE)]).parts())
    parts = ratios(found[str(BATCH_SIZE)], found["1"]).parts()
    times = "×"  # noqa: RUF001
    yield Row(case, "batch of 10 ÷ one start", unit=times, aim=aim, key=aim is not None, **parts)


def _cpu(handler: Handler, batches: list[Batch]) -> float:
    """Give the processor's seconds: with a door that answers at once nothing else goes by."""
    began = time.process_time()
    _seconds(handler, batches)
    return time.process_time() - began


def _seconds(handler: Handler, batches: list[Batch]) -> float:
    began = time.perf_counter()
    for batch in batches:
        answer = handler(batch, CONTEXT)
        if answer["batchItemFailures"]:
            raise RuntimeError(f"failed: {answer}")
    return time.perf_counter() - began


_SERIAL = iter(range(10**9))


def _fresh(events: int, size: int) -> Iterator[Batch]:
    """Give batches of landings that nobody has seen."""
    [record] = json.loads(event("object-created"))["Records"]
    body = json.loads(record["body"])
    for _ in range(0, events, size):
        records = []
        for serial in (next(_SERIAL) for _ in range(size)):
            thing = body["detail"]["object"] | {"key": f"incoming/{serial:08}.jsonl"}
            detail = body["detail"] | {"object": thing, "bucket": {"name": "landings"}}
            fresh = json.dumps(body | {"detail": detail, "id": f"event-{os.getpid()}-{serial}"})
            records.append(record | {"body": fresh, "messageId": str(serial)})
        yield {"Records": records}


def _ours(doors: Mapping[str, Any]) -> Handler:
    os.environ["LAMBDA_TASK_ROOT"] = "/var/task"  # Powertools keeps its event loop on Lambda
    os.environ.update({name: SETTINGS[name] for name in SETTINGS if name.startswith("POWERTOOLS")})
    nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    handle = load_handler("object_created", SETTINGS, doors.get).handler

    def handler(event: dict[str, Any], context: Any) -> Any:
        kept, sys.stdout = sys.stdout, nowhere  # metrics are printed
        try:
            return handle(event, context)
        finally:
            sys.stdout = kept

    return handler


def _bare(doors: Mapping[str, Any]) -> Handler:
    states = doors["stepfunctions"]

    def handler(event: dict[str, Any], _: Any) -> Any:
        for record in event["Records"]:
            body = json.loads(record["body"])
            states.start_execution(
                stateMachineArn=MACHINE, name=body["id"], input=json.dumps(body["detail"])
            )
        return {"batchItemFailures": []}

    return handler


def _answering_at_once(s3: float = 0, start: float = 0) -> dict[str, Any]:
    """Give doors with nothing behind them, which take so many seconds."""
    arn = "arn:aws:states:us-east-1:123456789012:execution:landrun:run"
    answer = {"executionArn": arn, "startDate": datetime(2100, 1, 1, tzinfo=UTC)}

    def put_object(**_: Any) -> None:
        if s3:
            time.sleep(s3)

    def start_execution(**_: Any) -> dict[str, Any]:
        if start:
            time.sleep(start)
        return answer

    return {
        "s3": SimpleNamespace(put_object=put_object),
        "stepfunctions": SimpleNamespace(start_execution=start_execution),
        "sqs": None,
    }


def _clients(endpoint: str) -> dict[str, Any]:
    """Give clients of moto's server, with the bucket and the machine that they need."""
    session = botocore.session.get_session()
    session.set_credentials(SETTINGS["AWS_ACCESS_KEY_ID"], SETTINGS["AWS_SECRET_ACCESS_KEY"])
    doors = {
        service: session.create_client(service, REGION, endpoint_url=endpoint)
        for service in ("s3", "stepfunctions", "sqs")
    }
    doors["s3"].create_bucket(Bucket=SETTINGS["OUTPUT_BUCKET"])
    role = "arn:aws:iam::123456789012:role/states"
    doors["stepfunctions"].create_state_machine(name="landrun", definition=DEFINITION, roleArn=role)
    return doors


@contextmanager
def _moto(scratch: Path) -> Iterator[str]:
    """Run moto's server in a process of its own for the block."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (scratch / "moto.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _until_it_listens(endpoint)
        yield endpoint
    finally:
        server.kill()
        server.wait()


def _until_it_listens(endpoint: str) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=5).read()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("moto's server does not listen")
