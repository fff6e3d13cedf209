"""What reaches functions, and what becomes of it, on functions that fail in every way."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from laptop_stack import eventually

TROUBLE = Path(__file__).parent / "templates" / "trouble"


@pytest.fixture(scope="module")
def trouble(laptop, tmp_path_factory):
    started = laptop(TROUBLE, tmp_path_factory.mktemp("trouble") / "state")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def stack(trouble):
    return trouble.aws


@pytest.fixture(scope="module")
def results(stack):
    """What functions have sent so far under a name, oldest first."""
    sqs, sent = stack.client("sqs"), list[dict[str, Any]]()

    def read(name):
        url = stack.outputs["Results"]
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        for message in got.get("Messages", []):
            sent.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [one[name] for one in sent if name in one]

    return read


def invoke(stack, function, event, **how):
    reply = stack.client("lambda").invoke(
        FunctionName=stack.outputs[function], Payload=json.dumps(event), **how
    )
    return reply.get("FunctionError"), json.loads(reply["Payload"].read() or "null")


def buried(stack):
    got = stack.client("sqs").receive_message(
        QueueUrl=stack.outputs["Graveyard"], MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [message["Body"] for message in got.get("Messages", [])]


def test_a_function_runs_warm_in_its_own_environment_with_lambdas_context(stack):
    (_, first), (_, second) = (invoke(stack, "Echo", {}) for _ in range(2))
    environment = first["environment"]
    assert environment["GREETING"] == "hello"
    assert environment["AWS_ENDPOINT_URL"] == stack.endpoint_url
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert "HOME" not in environment
    assert (first["name"], first["memory"]) == (stack.outputs["Echo"], 256)
    assert first["arn"].endswith(f":function:{first['name']}")
    assert 0 < first["left"] <= 10_000
    assert first["pid"] == second["pid"] != os.getpid()
    assert first["request"] != second["request"]
    assert "echo was here" in (Path(stack.logs) / "Echo.log").read_text()


@pytest.mark.parametrize(
    ("function", "event", "error", "message"),
    [
        ("Raising", None, "ValueError", "no good"),
        ("Slow", {"seconds": 60}, "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("Broken", {}, "Runtime.ImportModuleError", "No module named 'no_such_module'"),
        ("Missing", {}, "Runtime.HandlerNotFound", "not_there"),
    ],
)
def test_a_failure_comes_back_as_lambda_words_it_and_is_reported(
    stack, trouble, function, event, error, message
):
    kind, reply = invoke(stack, function, event)
    assert kind == "Unhandled"
    assert (reply["errorType"], message in reply["errorMessage"]) == (error, True)
    assert f"{function} failed: {error}" in trouble.said
    if function == "Slow":  # the call after a time-out works
        assert invoke(stack, "Slow", {"seconds": 0})[0] is None


def test_messages_reported_as_failed_come_again_alone_then_go_to_the_dead_letter_queue(
    stack, results
):
    entries = [{"Id": body, "MessageBody": body} for body in ("good-1", "bad-1", "good-2")]
    stack.client("sqs").send_message_batch(QueueUrl=stack.outputs["PartialQueue"], Entries=entries)
    eventually(lambda: "bad-1" in buried(stack))
    bodies = [body for batch in results("partial") for body in batch]
    assert sorted(bodies) == ["bad-1", "bad-1", "good-1", "good-2"]


def test_a_crash_brings_every_message_of_the_batch_back(stack, results, trouble):
    stack.client("sqs").send_message(QueueUrl=stack.outputs["CrashQueue"], MessageBody="m")
    eventually(lambda: len(results("crash")) == 2)
    assert results("crash") == ["1", "2"]
    assert "Crashing failed: Runtime.ExitError" in trouble.said
    assert "exit status 3" in trouble.said


def test_an_asynchronous_invocation_is_retried_then_sent_to_its_failure_destination(stack):
    invoke(stack, "Raising", {"order": 7}, InvocationType="Event")
    bodies = eventually(lambda: [body for body in buried(stack) if "order" in body])
    record = json.loads(bodies[0])
    assert record["requestPayload"] == {"order": 7}
    assert record["requestContext"]["approximateInvokeCount"] == 2
    assert record["responsePayload"]["errorMessage"] == "no good"


def test_a_schedule_that_is_made_while_it_is_up_fires(stack, results):
    due = datetime.now(UTC) + timedelta(seconds=5)
    stack.client("scheduler").create_schedule(
        Name="once",
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": f"arn:aws:lambda:us-east-1:123456789012:function:{stack.outputs['Echo']}",
            "RoleArn": "arn:aws:iam::123456789012:role/r",
            "Input": '{"order": 7}',
        },
    )
    eventually(lambda: {"order": 7} in results("echo"))
