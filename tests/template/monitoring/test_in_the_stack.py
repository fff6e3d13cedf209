"""Alarms and dashboard as the stack has them: of its own queues, functions, machine and log."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

Json = dict[str, Any]
MetricsOf = Callable[[Json], list[Json]]
FUNCTIONS = ("ObjectCreated", "Schedule", "ExecutionStatus", "Reconcile")


@pytest.mark.parametrize("start_on", ["arrival", "schedule"])
def test_alarms_look_at_what_the_stack_makes(
    deployed: Callable[..., Any], start_on: str, metrics_of: MetricsOf, alarms: Json
) -> None:
    in_stack = deployed(StartOn=start_on).of_type("AWS::CloudWatch::Alarm")
    assert in_stack.keys() == alarms.keys()
    looked = {
        dimension["Value"]
        for alarm in in_stack.values()
        for metric in metrics_of(alarm)
        for dimension in metric["Dimensions"]
        if dimension["Name"] not in ("service", "Kind")
    }
    assert looked == {
        "<ProcessingStateMachine>",
        *(f"<{function}Function>" for function in FUNCTIONS),
        *(
            f"<{queue}Queue.QueueName>"
            for queue in ("Landing", "LandingDeadLetter", "StatusDeadLetter", "ScheduleDeadLetter")
        ),
        "<LandingRule>",
        "<StatusRule>",
        "<ScheduleGroup>",
    }


def test_metrics_of_the_stack_are_the_functions_own(stack: Any, metrics_of: MetricsOf) -> None:
    [service] = {
        dimension["Value"]
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
        for metric in metrics_of(alarm)
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "service"
    }
    for function in FUNCTIONS:
        environment = stack.environment(f"{function}Function")
        assert environment["POWERTOOLS_SERVICE_NAME"] == service
        assert environment["POWERTOOLS_METRICS_NAMESPACE"] == "landrun"


def test_the_log_that_texts_and_dashboard_name_is_the_functions_log(stack: Any) -> None:
    [log_group] = [
        properties["LogGroupName"]
        for name, properties in stack.of_type("AWS::Logs::LogGroup").items()
        if name == "FunctionLogs"
    ]
    body = stack.of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]
    [query] = [
        widget["properties"]["query"]
        for widget in json.loads(body)["widgets"]
        if widget["type"] == "log"
    ]
    assert f"SOURCE '{log_group}'" in query
    texts = [a["AlarmDescription"] for a in stack.of_type("AWS::CloudWatch::Alarm").values()]
    named = {log for text in texts for log in re.findall(r"/aws/lambda/[\w-]+", text)}
    assert named == {log_group}


def test_alarms_of_a_machine_that_exists_already_look_at_that(
    deployed: Callable[..., Any], metrics_of: MetricsOf
) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:notebook-made"
    alarms = deployed(StateMachineArn=arn).of_type("AWS::CloudWatch::Alarm")
    [metric] = metrics_of(alarms["ExecutionsThrottled"])
    assert metric["Dimensions"] == [{"Name": "StateMachineArn", "Value": arn}]


def test_cloudwatch_may_publish_alarms_to_the_topic(stack: Any) -> None:
    [policy] = stack.of_type("AWS::SNS::TopicPolicy").values()
    allowed = [
        statement
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
        and statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        and statement["Action"] == "sns:Publish"
    ]
    assert len(allowed) == 1
    [topic] = {
        action
        for alarm in stack.of_type("AWS::CloudWatch::Alarm").values()
        for action in (*alarm["AlarmActions"], *alarm.get("OKActions", []))
    }
    assert policy["Topics"] == [topic] == [allowed[0]["Resource"]]
