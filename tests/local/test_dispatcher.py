"""What reaches functions, and what becomes of it, on functions that fail in every way."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from landrun_ops.local import LocalAws

TROUBLE = Path(__file__).parent / "templates" / "trouble"


@pytest.fixture(scope="module")
def once() -> datetime:
    """When the schedule of the template fires, once: soon after the laptop is up."""
    return (datetime.now(UTC) + timedelta(seconds=15)).replace(microsecond=0)


@pytest.fixture(scope="module")
def trouble(
    laptop: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, once: datetime
) -> Iterator[Any]:
    parameters = {"Once": once.strftime("%Y-%m-%dT%H:%M:%S")}
    started = laptop(TROUBLE, tmp_path_factory.mktemp("trouble") / "state", parameters)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def stack(trouble: Any) -> LocalAws:
    aws: LocalAws = trouble.aws
    return aws


@pytest.fixture(scope="module")
def results(stack: LocalAws) -> Callable[[str], list[Any]]:
    """What functions told so far under a name, oldest first."""
    sqs, told = stack.client("sqs"), list[dict[str, Any]]()

    def read(name: str) -> list[Any]:
        got = sqs.receive_message(QueueUrl=stack.outputs["Results"], MaxNumberOfMessages=10)
        for message in got.get("Messages", []):
            told.append(json.loads(message["Body"]))
            sqs.delete_message(
                QueueUrl=stack.outputs["Results"], ReceiptHandle=message["ReceiptHandle"]
            )
        return [one[name] for one in told if name in one]

    return read


def invoke(stack: LocalAws, function: str, event: Any = None, kind: str = "RequestResponse") -> Any:
    reply = stack.client("lambda").invoke(
        FunctionName=stack.outputs[function], Payload=json.dumps(event), InvocationType=kind
    )
    payload = reply["Payload"].read()
    return reply.get("FunctionError"), json.loads(payload) if payload else None, reply["StatusCode"]


def buried(stack: LocalAws) -> list[str]:
    got = stack.client("sqs").receive_message(
        QueueUrl=stack.outputs["Graveyard"], MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [message["Body"] for message in got.get("Messages", [])]


def test_a_function_gets_only_its_own_environment_and_the_laptops_aws(stack: LocalAws) -> None:
    os.environ["SECRET_OF_THE_USER"] = "x"
    error, reply, _ = invoke(stack, "Echo", {"a": 1})
    assert error is None
    assert reply["event"] == {"a": 1}
    assert reply["environment"]["GREETING"] == "hello"
    assert reply["environment"]["AWS_ENDPOINT_URL"] == stack.endpoint_url
    assert "SECRET_OF_THE_USER" not in reply["environment"]
    assert "HOME" not in reply["environment"]
    assert not [path for path in reply["path"] if path.endswith("landrun_ops/local")]


def test_a_function_sees_its_name_its_memory_and_the_time_left(stack: LocalAws) -> None:
    _, reply, _ = invoke(stack, "Echo", {})
    assert reply["name"] == stack.outputs["Echo"]
    assert reply["arn"].endswith(f":function:{stack.outputs['Echo']}")
    assert reply["memory"] == 256
    assert 5_000 < reply["left"] <= 10_000


def test_a_warm_process_runs_one_invocation_after_the_other(stack: LocalAws) -> None:
    first, second = (invoke(stack, "Echo", {})[1] for _ in range(2))
    assert first["pid"] == second["pid"]
    assert first["request"] != second["request"]


def test_what_a_function_prints_is_in_its_log(stack: LocalAws) -> None:
    invoke(stack, "Echo", {})
    assert "echo was here" in (Path(stack.logs) / "Echo.log").read_text()


def test_an_exception_comes_back_as_lambda_words_it(stack: LocalAws, trouble: Any) -> None:
    error, reply, _ = invoke(stack, "Raising")
    assert error == "Unhandled"
    assert (reply["errorType"], reply["errorMessage"]) == ("ValueError", "no good")
    assert "Raising failed: ValueError: no good" in trouble.said


def test_a_function_over_its_timeout_is_ended_and_the_next_call_works(stack: LocalAws) -> None:
    started = time.monotonic()
    error, reply, _ = invoke(stack, "Slow", {"seconds": 60})
    assert error == "Unhandled"
    assert reply["errorType"] == "Sandbox.Timedout"
    assert reply["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert time.monotonic() - started < 30
    assert invoke(stack, "Slow", {"seconds": 0})[0] is None


def test_code_that_cannot_be_imported_is_told_with_the_module(stack: LocalAws) -> None:
    _, reply, _ = invoke(stack, "Broken", {})
    assert reply["errorType"] == "Runtime.ImportModuleError"
    assert "No module named 'no_such_module'" in reply["errorMessage"]


def test_a_handler_that_is_not_there_is_told_by_name(stack: LocalAws) -> None:
    _, reply, _ = invoke(stack, "Missing", {})
    assert reply["errorType"] == "Runtime.HandlerNotFound"
    assert "not_there" in reply["errorMessage"]


def test_messages_reported_as_failed_come_again_alone_then_go_to_the_dead_letter_queue(
    stack: LocalAws, results: Callable[[str], list[Any]], eventually: Callable[..., Any]
) -> None:
    # Given a batch with one bad message
    entries = [{"Id": body, "MessageBody": body} for body in ("good-1", "bad-1", "good-2")]
    stack.client("sqs").send_message_batch(QueueUrl=stack.outputs["PartialQueue"], Entries=entries)
    # When it was handled maxReceiveCount times
    eventually(lambda: "bad-1" in buried(stack))
    # Then the good ones were handled once, the bad one as often as allowed
    bodies = [body for batch in results("partial") for body in batch]
    assert sorted(bodies) == ["bad-1", "bad-1", "good-1", "good-2"]


def test_a_batch_waits_for_its_window_to_fill(
    stack: LocalAws, results: Callable[[str], list[Any]], eventually: Callable[..., Any]
) -> None:
    sqs = stack.client("sqs")
    for number in range(4):
        sqs.send_message(QueueUrl=stack.outputs["PartialQueue"], MessageBody=f"window-{number}")
    batches = eventually(lambda: [one for one in results("partial") if "window-0" in one])
    assert batches == [[f"window-{number}" for number in range(4)]]


def test_a_crash_brings_every_message_of_the_batch_back(
    stack: LocalAws,
    results: Callable[[str], list[Any]],
    eventually: Callable[..., Any],
    trouble: Any,
) -> None:
    stack.client("sqs").send_message(QueueUrl=stack.outputs["CrashQueue"], MessageBody="m")
    eventually(lambda: len(results("crash")) == 2)
    assert results("crash") == ["1", "2"]
    assert "Crashing failed: Runtime.ExitError" in trouble.said
    assert "exit status 3" in trouble.said


def test_an_asynchronous_invocation_is_retried_then_told_to_its_failure_destination(
    stack: LocalAws, eventually: Callable[..., Any]
) -> None:
    _, _, status = invoke(stack, "Raising", {"order": 7}, kind="Event")
    assert status == 202
    bodies = eventually(lambda: [body for body in buried(stack) if "order" in body])
    record = json.loads(bodies[0])
    assert record["requestPayload"] == {"order": 7}
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorMessage"] == "no good"


def test_a_rule_hands_its_event_to_a_function(
    stack: LocalAws, results: Callable[[str], list[Any]], eventually: Callable[..., Any]
) -> None:
    entry = {"Source": "test", "DetailType": "Ping", "Detail": json.dumps({"n": 1})}
    stack.client("events").put_events(Entries=[entry])
    event = eventually(lambda: [one for one in results("echo") if one.get("source") == "test"])[0]
    assert event["detail"] == {"n": 1}
    assert event["account"] == "123456789012"


def test_a_schedule_fires_at_its_time_with_its_context_attributes(
    results: Callable[[str], list[Any]], eventually: Callable[..., Any], once: datetime
) -> None:
    tick = {
        "arn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/once",
        "time": once.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    eventually(lambda: tick in results("echo"), timeout=40)


def test_references_that_moto_cannot_follow_are_followed(stack: LocalAws) -> None:
    assert "PartialQueue" in stack.outputs["PartialQueue"]
    assert stack.outputs["TopicArn"].startswith("arn:aws:sns:")
    assert stack.outputs["Sentence"].endswith("is told by " + stack.schedules[0].arn)


def test_what_is_left_out_is_told_with_the_reason(stack: LocalAws) -> None:
    assert "raises no alarms" in stack.not_here["NobodyListens"]
