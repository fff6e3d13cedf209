"""IAM's simulator, and FilterLogEvents that reads no more than its page."""

import contextlib
import json
import time

import pytest

from .conftest import ROLE, both, client

pytestmark = both
BASE = int(time.time() * 1000) - 10_000
"""A moment in epoch milliseconds: CloudWatch takes no events of the future."""


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    ("service", "decision"), [("sagemaker", "allowed"), ("lambda", "implicitDeny")]
)
def test_simulator_judges_resources_and_conditions(patched, service, decision):
    trust = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=json.dumps(trust))
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": ROLE,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [passing]})
    client("iam").put_role_policy(RoleName="any", PolicyName="p", PolicyDocument=document)
    passed = {
        "ContextKeyName": "iam:PassedToService",
        "ContextKeyType": "string",
        "ContextKeyValues": [f"{service}.amazonaws.com"],
    }
    with contextlib.nullcontext() if patched else pytest.raises(NotImplementedError):
        found = client("iam").simulate_principal_policy(
            PolicySourceArn=ROLE,
            ActionNames=["iam:PassRole", "s3:GetObject"],
            ResourceArns=[ROLE],
            ContextEntries=[passed],
        )["EvaluationResults"]
        assert [one["EvalDecision"] for one in found] == [decision, "implicitDeny"]


@pytest.fixture
def logs(aws):
    """Two streams of one job, their events in turn, and one of another job."""
    logs = client("logs")
    logs.create_log_group(logGroupName="g")
    for name, times in (("job/1", [10, 30, 50]), ("other/1", [10] * 9), ("job/2", [20, 40, 60])):
        logs.create_log_stream(logGroupName="g", logStreamName=name)
        events = [{"timestamp": BASE + at, "message": f"{name} {at}"} for at in times]
        logs.put_log_events(logGroupName="g", logStreamName=name, logEvents=events)
    return logs


@pytest.mark.parametrize(
    ("size", "asked", "found"),
    [
        (1, {}, ["10", "20", "30", "40", "50", "60"]),
        (2, {"startTime": BASE + 30}, ["30", "40", "50", "60"]),
    ],
    ids=["all", "since"],
)
def test_events_of_a_prefix_come_in_order_of_time_page_by_page(patched, logs, size, asked, found):
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName="g", logStreamNamePrefix="job/", PaginationConfig={"PageSize": size}, **asked
    )
    given = [event["message"].partition(" ")[2] for page in pages for event in page["events"]]
    assert (given == found) is patched


def test_pages_go_on_where_they_were_when_events_come_meanwhile(patched, logs):
    asked = {"logGroupName": "g", "logStreamNamePrefix": "job/"}
    first = logs.filter_log_events(**asked, limit=4)
    late = [{"timestamp": BASE + 70, "message": "job/1 70"}]
    logs.put_log_events(logGroupName="g", logStreamName="job/1", logEvents=late)
    second = logs.filter_log_events(**asked, nextToken=first["nextToken"])
    messages = [event["message"] for event in (*first["events"], *second["events"])]
    wanted = ["job/1 10", "job/2 20", "job/1 30", "job/2 40", "job/1 50", "job/2 60", "job/1 70"]
    assert (messages == wanted) is patched
