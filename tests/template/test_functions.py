"""Functions and what calls them."""

from __future__ import annotations

import json

import pytest
from moto.events.models import EventPattern

from handler_loader import load_handler
from landrun import settings

MODELS: dict[str, type[settings.Settings]] = {
    "ObjectCreatedFunction": settings.ObjectCreatedSettings,
    "ScheduleFunction": settings.ScheduleSettings,
    "ExecutionStatusFunction": settings.ExecutionStatusSettings,
    "ReconcileFunction": settings.ReconcileSettings,
}
QUEUE_OF = {"ObjectCreatedFunction": "LandingQueue", "ExecutionStatusFunction": "StatusQueue"}
TICKS = {"ScheduleFunction": "schedule-tick", "ReconcileFunction": "reconcile-tick"}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}

every_function = pytest.mark.parametrize("function", sorted(MODELS))


@every_function
def test_a_function_is_given_nothing_that_only_another_reads_nor_an_endpoint(stack, function):
    """``AWS_ENDPOINT_URL`` is declared for sam local alone."""
    read_by = {one: {name.upper() for name in model.model_fields} for one, model in MODELS.items()}
    given = stack.environment(function).keys() - read_by[function] - POWERTOOLS
    assert "AWS_ENDPOINT_URL" not in given
    for name in given:
        assert sum(name in read for read in read_by.values()) > 1, name


@every_function
@pytest.mark.parametrize(
    "parameters", [{"ScheduledInput": "incoming/{date:%Y}/"}, {"StartOn": "schedule"}], ids=str
)
def test_the_handler_is_a_function_that_starts_with_the_environment_of_the_template(
    deployed, function, parameters
):
    stack = deployed(**parameters)
    handler = stack.of_type("AWS::Lambda::Function")[function]["Handler"]
    package, module, name = handler.rsplit(".", 2)
    assert package == "landrun.handlers"
    loaded = load_handler(module, stack.environment(function), lambda service: None)
    assert callable(getattr(loaded, name))
    assert loaded.settings.state_machine_arn == "<ProcessingStateMachine>"
    start_on = parameters.get("StartOn", "arrival")
    assert stack.environment(function)["START_ON"] == start_on


@every_function
def test_a_function_runs_traces_and_logs_as_the_parameters_say(deployed, function):
    stack = deployed(LogRetentionInDays="7", LogLevel="DEBUG", Architecture="x86_64")
    properties = stack.of_type("AWS::Lambda::Function")[function]
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["x86_64"])
    assert properties["TracingConfig"] == {"Mode": "Active"}
    logging = {"LogGroup": "<FunctionLogs>", "LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}
    assert properties["LoggingConfig"] == logging
    assert int(stack.of_type("AWS::Logs::LogGroup")["FunctionLogs"]["RetentionInDays"]) == 7


@pytest.mark.parametrize(("function", "queue"), QUEUE_OF.items())
def test_queues_come_in_batches_that_may_fail_in_part_and_stay_hidden_for_six_timeouts(
    stack, function, queue
):
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    [mapping] = [one for one in mappings if one["FunctionName"] == f"<{function}>"]
    assert mapping["EventSourceArn"] == f"<{queue}.Arn>"
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2
    timeout = stack.of_type("AWS::Lambda::Function")[function]["Timeout"]
    assert stack.of_type("AWS::SQS::Queue")[queue]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize(
    ("prefix", "key", "lands"),
    [
        ("incoming/", "incoming/a.jsonl", True),
        ("incoming/", "incoming/", True),
        ("incoming/", "incomin", False),
        ("incoming/", "elsewhere/incoming/a.jsonl", False),
        ("a b/c+d", "a b/c+d.csv", True),  # keys in events are not URL-encoded
        ("a b/c+d", "a%20b/c%2Bd.csv", False),
        ("", "anything", True),
    ],
)
def test_only_objects_under_the_landing_prefix_reach_the_queue(
    deployed, load_event, prefix, key, lands
):
    """Each event costs a queue's and a function's work. The function looks at the suffix: two
    patterns in one list mean either. An empty prefix is left out of the pattern: whether
    EventBridge takes one is not documented."""
    stack = deployed(LandingPrefix=prefix, LandingSuffix=".jsonl")
    event = json.loads(load_event("object-created")["Records"][0]["body"])
    event["detail"]["bucket"]["name"] = "<LandingBucket>"
    event["detail"]["object"]["key"] = key
    assert matches(stack, "LandingRule", event) is lands
    assert not matches(stack, "LandingRule", event | {"detail-type": "Object Deleted"})
    event["detail"]["bucket"]["name"] = "another"
    assert not matches(stack, "LandingRule", event)
    pattern = stack.of_type("AWS::Events::Rule")["LandingRule"]["EventPattern"]
    assert '"prefix": ""' not in json.dumps(pattern)


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


def schedule(stack, function="ScheduleFunction"):
    schedules = stack.of_type("AWS::Scheduler::Schedule").values()
    [properties] = [one for one in schedules if one["Target"]["Arn"] == f"<{function}.Arn>"]
    return properties


@pytest.mark.parametrize(
    ("parameters", "state", "expression"),
    [
        ({}, "DISABLED", "cron(0 3 * * ? *)"),
        ({"ScheduledInput": "incoming/"}, "ENABLED", "cron(0 3 * * ? *)"),
        ({"ScheduledInput": "s3://elsewhere/in/"}, "ENABLED", "cron(0 3 * * ? *)"),
        ({"StartOn": "schedule"}, "ENABLED", "cron(0 3 * * ? *)"),
        ({"StartOn": "schedule", "ScheduleExpression": "rate(1 hour)"}, "ENABLED", "rate(1 hour)"),
        ({"ScheduleExpression": ""}, "DISABLED", "rate(365 days)"),  # Scheduler takes none without
    ],
    ids=str,
)
def test_the_schedule_is_due_when_asked_and_off_while_it_has_nothing_to_read(
    deployed, parameters, state, expression
):
    properties = schedule(deployed(ScheduleTimezone="Europe/Berlin", **parameters))
    assert (properties["State"], properties["ScheduleExpression"]) == (state, expression)
    assert properties["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_reconcile_is_called_every_quarter_of_an_hour_and_ends_before_the_next(deployed, start_on):
    stack = deployed(StartOn=start_on)
    properties = schedule(stack, "ReconcileFunction")
    assert properties["ScheduleExpression"] == "rate(15 minutes)"
    assert properties.get("State", "ENABLED") == "ENABLED"
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}
    functions = stack.of_type("AWS::Lambda::Function")
    assert functions["ReconcileFunction"]["Timeout"] < 15 * 60
    assert functions["ScheduleFunction"]["Timeout"] == 900  # a tick may take all of Lambda's time


@pytest.mark.parametrize(("scheduled", "tick"), TICKS.items())
def test_a_schedule_says_which_it_is_and_when_and_keeps_what_was_not_delivered_or_failed(
    stack, load_event, scheduled, tick
):
    properties = schedule(stack, scheduled)
    target = properties["Target"]
    given = json.loads(target["Input"])
    assert given == load_event("schedule-unfilled")
    assert given.keys() == load_event(tick).keys()
    assert target["DeadLetterConfig"] == {"Arn": "<ScheduleDeadLetterQueue.Arn>"}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    configs = stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    [config] = [one for one in configs if one["FunctionName"] == f"<{scheduled}>"]
    assert config["MaximumRetryAttempts"] == 2
    on_failure = config["DestinationConfig"]["OnFailure"]
    assert on_failure["Destination"] == "<ScheduleDeadLetterQueue.Arn>"
    # Two stacks can have it in one account, and its metrics are its stack's own.
    assert "Name" not in properties
    assert properties["GroupName"] == "<ScheduleGroup>"
