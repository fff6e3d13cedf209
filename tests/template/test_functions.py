"""What calls the functions: queues, rules and schedules."""

import json

import pytest
from moto.events.models import EventPattern


@pytest.mark.parametrize(
    ("function", "queue"),
    [("ObjectCreatedFunction", "LandingQueue"), ("ExecutionStatusFunction", "StatusQueue")],
)
def test_messages_stay_hidden_for_six_timeouts_and_come_again_for_hours(stack, function, queue):
    """Attempts outlast an outage of hours, and leave days to redrive a dead letter."""
    timeout = stack.of_type("AWS::Lambda::Function")[function]["Timeout"]
    settings = stack.of_type("AWS::SQS::Queue")[queue]
    assert settings["VisibilityTimeout"] >= 6 * timeout
    attempts = settings["RedrivePolicy"]["maxReceiveCount"] * settings["VisibilityTimeout"]
    assert 8 * 3600 <= attempts <= 24 * 3600
    assert settings["MessageRetentionPeriod"] == 14 * 24 * 3600


@pytest.mark.parametrize(
    ("prefix", "key", "lands"),
    [
        ("incoming/", "incoming/a.jsonl", True),
        ("incoming/", "elsewhere/incoming/a.jsonl", False),
        ("a b/c+d", "a b/c+d.csv", True),  # keys in events are not URL-encoded
        ("", "anything", True),
    ],
)
def test_only_objects_under_the_landing_prefix_reach_the_queue(
    deployed, load_event, prefix, key, lands
):
    """The function looks at the suffix: two patterns in one list mean either. An empty prefix is
    left out of the pattern: whether EventBridge takes one is not documented."""
    stack = deployed(LandingPrefix=prefix, LandingSuffix=".jsonl")
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    event["detail"]["bucket"]["name"] = "<LandingBucket>"
    event["detail"]["object"]["key"] = key
    assert matches(stack, "LandingRule", event) is lands
    assert not matches(stack, "LandingRule", event | {"detail-type": "Object Deleted"})
    event["detail"]["bucket"]["name"] = "another"
    assert not matches(stack, "LandingRule", event)
    assert "{'prefix': ''}" not in str(stack.resources["LandingRule"])


@pytest.mark.parametrize("status", ["running", "succeeded", "failed", "timed-out", "aborted"])
def test_every_status_of_this_machine_reaches_the_function_and_of_no_other(
    stack, load_event, status
):
    event = json.loads(load_event(f"execution-{status}")["Records"][0]["body"])
    assert not matches(stack, "StatusRule", event)
    event["detail"]["stateMachineArn"] = "<ProcessingStateMachine>"
    assert matches(stack, "StatusRule", event)


def matches(stack, rule, event):
    pattern = stack.of_type("AWS::Events::Rule")[rule]["EventPattern"]
    return bool(EventPattern.load(json.dumps(pattern)).matches_event(event))


@pytest.mark.parametrize(
    ("parameters", "state", "expression"),
    [
        ({}, "DISABLED", "cron(0 3 * * ? *)"),
        ({"ScheduledInput": "incoming/"}, "ENABLED", "cron(0 3 * * ? *)"),
        ({"StartOn": "schedule", "ScheduleExpression": "rate(1 hour)"}, "ENABLED", "rate(1 hour)"),
        ({"ScheduleExpression": ""}, "DISABLED", "rate(365 days)"),  # Scheduler takes none without
    ],
    ids=str,
)
def test_the_schedule_is_due_when_asked_and_off_while_it_has_nothing_to_read(
    deployed, parameters, state, expression
):
    stack = deployed(ScheduleTimezone="Europe/Berlin", **parameters)
    properties = stack.of_type("AWS::Scheduler::Schedule")["ScheduleFunctionTick"]
    assert (properties["State"], properties["ScheduleExpression"]) == (state, expression)
    assert properties["ScheduleExpressionTimezone"] == "Europe/Berlin"


def test_a_schedule_says_which_it_is_and_when_and_keeps_what_was_not_delivered(stack, load_event):
    """tests/permissions/test_laptop.py shows that what its function fails at is kept, too."""
    schedules = stack.of_type("AWS::Scheduler::Schedule").values()
    targets = {schedule["Target"]["Arn"]: schedule["Target"] for schedule in schedules}
    assert targets.keys() == {"<ScheduleFunction.Arn>", "<ReconcileFunction.Arn>"}
    for target in targets.values():
        assert json.loads(target["Input"]) == load_event("schedule-unfilled")
        assert target["DeadLetterConfig"] == {"Arn": "<ScheduleDeadLetterQueue.Arn>"}
