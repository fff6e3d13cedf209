"""Functions and what calls them."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from landrun import settings

MODELS: dict[str, type[settings.Settings]] = {
    "ObjectCreatedFunction": settings.ObjectCreatedSettings,
    "ScheduleFunction": settings.ScheduleSettings,
    "ExecutionStatusFunction": settings.ExecutionStatusSettings,
    "ReconcileFunction": settings.ReconcileSettings,
}
QUEUE_OF = {
    "ObjectCreatedFunction": "LandingQueue",
    "ExecutionStatusFunction": "StatusQueue",
}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}


@pytest.fixture(params=sorted(MODELS))
def function(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read_by(function: str) -> set[str]:
    return {field.name.upper() for field in fields(MODELS[function])}


def test_every_function_is_given_all_that_its_settings_read(stack: Any, function: str) -> None:
    assert stack.environment(function).keys() >= read_by(function) | POWERTOOLS


def test_no_function_is_given_what_only_others_need_one_by_one(stack: Any, function: str) -> None:
    """Globals hold what at least two functions read; the rest stands where it is read."""
    given = stack.environment(function).keys() - read_by(function) - POWERTOOLS
    readers = {name: [one for one in MODELS if name in read_by(one)] for name in given}
    assert {name: who for name, who in readers.items() if len(who) < 2} == {}


@pytest.mark.parametrize(
    "parameters", [{"ScheduledInput": "incoming/{date:%Y}/"}, {"StartOn": "schedule"}], ids=str
)
def test_settings_read_the_environment_that_the_template_gives(
    deployed: Callable[..., Any], function: str, parameters: dict[str, str]
) -> None:
    stack = deployed(**parameters)
    read = MODELS[function].from_environment(stack.environment(function))
    assert vars(read)["state_machine_arn"] == "<ProcessingStateMachine>"


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_all_functions_are_told_the_same_way_to_start_runs(
    deployed: Callable[..., Any], start_on: str
) -> None:
    stack = deployed(StartOn=start_on)
    assert {stack.environment(name)["START_ON"] for name in MODELS} == {start_on}


def test_the_handler_is_a_callable_of_a_module_that_ships(stack: Any, function: str) -> None:
    handler = stack.of_type("AWS::Lambda::Function")[function]["Handler"]
    module, _, name = handler.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))


def test_functions_run_on_python_3_13_on_arm64(deployed: Callable[..., Any], function: str) -> None:
    properties = deployed().of_type("AWS::Lambda::Function")[function]
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", ["arm64"])
    other = deployed(Architecture="x86_64").of_type("AWS::Lambda::Function")[function]
    assert other["Architectures"] == ["x86_64"]


def test_logs_are_kept_for_as_long_as_asked(deployed: Callable[..., Any], function: str) -> None:
    stack = deployed(LogRetentionInDays="7")
    assert stack.of_type("AWS::Lambda::Function")[function]["LoggingConfig"] == {
        "LogGroup": "<FunctionLogs>",
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
    }
    assert int(stack.of_type("AWS::Logs::LogGroup")["FunctionLogs"]["RetentionInDays"]) == 7


def test_functions_are_traced(stack: Any, function: str) -> None:
    properties = stack.of_type("AWS::Lambda::Function")[function]
    assert properties["TracingConfig"] == {"Mode": "Active"}


def test_metrics_of_two_stacks_in_one_account_do_not_mix(stack: Any, function: str) -> None:
    assert stack.environment(function)["POWERTOOLS_SERVICE_NAME"] == "landrun"  # the stack's name


def test_sam_local_can_set_the_endpoint_and_aws_never_sees_it(
    source: dict[str, Any], stack: Any, function: str
) -> None:
    declared = source["Globals"]["Function"]["Environment"]["Variables"]
    assert declared["AWS_ENDPOINT_URL"] == {"Ref": "AWS::NoValue"}
    assert "AWS_ENDPOINT_URL" not in stack.environment(function)


@pytest.mark.parametrize("function", QUEUE_OF, indirect=False)
def test_queues_come_in_batches_that_may_fail_in_part(stack: Any, function: str) -> None:
    [mapping] = [
        mapping
        for mapping in stack.of_type("AWS::Lambda::EventSourceMapping").values()
        if mapping["FunctionName"] == f"<{function}>"
    ]
    assert mapping["EventSourceArn"] == f"<{QUEUE_OF[function]}.Arn>"
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize("function", QUEUE_OF, indirect=False)
def test_a_message_stays_hidden_six_times_as_long_as_its_function_may_take(
    stack: Any, function: str
) -> None:
    timeout = stack.of_type("AWS::Lambda::Function")[function]["Timeout"]
    assert stack.of_type("AWS::SQS::Queue")[QUEUE_OF[function]]["VisibilityTimeout"] >= 6 * timeout


@pytest.mark.parametrize(
    ("prefix", "wanted"),
    [
        ("incoming/", {"object": {"key": [{"prefix": "incoming/"}]}}),
        ("", {}),  # the whole bucket; whether EventBridge takes an empty prefix is not documented
    ],
)
def test_only_objects_under_the_landing_prefix_reach_the_queue(
    deployed: Callable[..., Any], prefix: str, wanted: dict[str, Any]
) -> None:
    """Each event costs a queue's and a function's work. The function looks at the suffix: two
    patterns in one list mean either."""
    stack = deployed(LandingPrefix=prefix, LandingSuffix=".jsonl")
    assert stack.of_type("AWS::Events::Rule")["LandingRule"]["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["<LandingBucket>"]}, **wanted},
    }


def test_every_status_of_this_machine_reaches_the_function_and_of_no_other(stack: Any) -> None:
    assert stack.of_type("AWS::Events::Rule")["StatusRule"]["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": ["<ProcessingStateMachine>"]},
    }


def schedule(stack: Any, function: str = "ScheduleFunction") -> dict[str, Any]:
    [properties] = [
        properties
        for properties in stack.of_type("AWS::Scheduler::Schedule").values()
        if properties["Target"]["Arn"] == f"<{function}.Arn>"
    ]
    return dict(properties)


@pytest.mark.parametrize(
    ("start_on", "given", "state"),
    [
        ("arrival", "", "DISABLED"),
        ("arrival", "incoming/", "ENABLED"),
        ("arrival", "s3://elsewhere/in/", "ENABLED"),
        ("schedule", "", "ENABLED"),
    ],
)
def test_the_schedule_is_off_while_it_has_nothing_to_read(
    deployed: Callable[..., Any], start_on: str, given: str, state: str
) -> None:
    assert schedule(deployed(StartOn=start_on, ScheduledInput=given))["State"] == state


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_losses_are_mended_every_quarter_of_an_hour_whatever_starts_runs(
    deployed: Callable[..., Any], start_on: str
) -> None:
    properties = schedule(deployed(StartOn=start_on), "ReconcileFunction")
    assert properties["ScheduleExpression"] == "rate(15 minutes)"
    assert properties.get("State", "ENABLED") == "ENABLED"
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}


def test_a_reconciliation_ends_before_the_next_begins(stack: Any) -> None:
    assert stack.of_type("AWS::Lambda::Function")["ReconcileFunction"]["Timeout"] < 15 * 60


def test_a_tick_may_take_as_long_as_lambda_lets_a_function_take(stack: Any) -> None:
    assert stack.of_type("AWS::Lambda::Function")["ScheduleFunction"]["Timeout"] == 900


def test_the_schedule_is_due_when_asked_in_the_time_zone_asked(
    deployed: Callable[..., Any],
) -> None:
    properties = schedule(
        deployed(ScheduleExpression="cron(30 2 * * ? *)", ScheduleTimezone="Europe/Berlin")
    )
    assert properties["ScheduleExpression"] == "cron(30 2 * * ? *)"
    assert properties["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert properties["FlexibleTimeWindow"] == {"Mode": "OFF"}


TICKS = {"ScheduleFunction": "schedule-tick", "ReconcileFunction": "reconcile-tick"}


@pytest.mark.parametrize(("scheduled", "tick"), TICKS.items())
def test_a_schedule_says_which_it_is_and_when_it_was_due(
    stack: Any, load_event: Callable[[str], dict[str, Any]], scheduled: str, tick: str
) -> None:
    given = json.loads(schedule(stack, scheduled)["Target"]["Input"])
    assert given == load_event("schedule-unfilled")
    assert given.keys() == load_event(tick).keys()


@pytest.mark.parametrize("scheduled", TICKS)
def test_a_tick_that_was_not_delivered_or_failed_is_kept(stack: Any, scheduled: str) -> None:
    target = schedule(stack, scheduled)["Target"]
    assert target["DeadLetterConfig"] == {"Arn": "<ScheduleDeadLetterQueue.Arn>"}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    [config] = [
        config
        for config in stack.of_type("AWS::Lambda::EventInvokeConfig").values()
        if config["FunctionName"] == f"<{scheduled}>"
    ]
    assert config["MaximumRetryAttempts"] == 2
    on_failure = config["DestinationConfig"]["OnFailure"]
    assert on_failure["Destination"] == "<ScheduleDeadLetterQueue.Arn>"


def test_no_schedule_is_asked_for_when_nothing_is_scheduled(deployed: Callable[..., Any]) -> None:
    properties = schedule(deployed(ScheduleExpression=""))
    assert properties["State"] == "DISABLED"
    assert properties["ScheduleExpression"] == "rate(365 days)"  # Scheduler takes none without


@pytest.mark.parametrize("scheduled", TICKS)
def test_schedules_are_in_a_group_of_the_stack_so_that_its_metrics_are_its_own(
    stack: Any, scheduled: str
) -> None:
    assert schedule(stack, scheduled)["GroupName"] == "<ScheduleGroup>"


@pytest.mark.parametrize("scheduled", TICKS)
def test_two_stacks_can_have_a_schedule_in_one_account(stack: Any, scheduled: str) -> None:
    assert "Name" not in schedule(stack, scheduled)
