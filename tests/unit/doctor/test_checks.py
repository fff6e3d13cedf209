"""Each check, over responses as AWS's API references have them: a table of what it finds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from landrun_ops.doctor import account, concurrency, this_machine
from landrun_ops.doctor.image import Image
from landrun_ops.doctor.stack_checks import checks_of
from landrun_ops.stack.waiting_executions import SlotUsage, WaitingExecution
from records import item

from .conftest import (
    ANSWERS,
    NOW,
    OUTPUTS,
    PARAMETERS,
    Aws,
    answer,
    arn,
    error,
    machine,
    run,
)

CUSTOMER = {"StateMachineArn": arn("states", "stateMachine:bsm")}
OTHER_KEY = arn("kms", "key/5678efgh-12ab-34cd-56ef-1234567890ab")


class Row(NamedTuple):
    """What a check has to find when AWS returns these responses for a stack so changed."""

    check: str
    says: str
    remedy: str
    replies: Mapping[str, Any] = MappingProxyType({})
    stack: Mapping[str, Any] = MappingProxyType({})


def source(**fields: Any) -> Any:
    [one, *_] = answer("lambda.ListEventSourceMappings")["EventSourceMappings"]
    return {"lambda.ListEventSourceMappings": {"EventSourceMappings": [one | fields]}}


def function(**fields: Any) -> Any:
    def reply(asked: Any) -> Any:
        found = answer("lambda.GetFunctionConfiguration")
        return found | {"FunctionName": asked["FunctionName"]} | fields

    return {"lambda.GetFunctionConfiguration": reply}


def queues(url: str, count: int, *reasons: str) -> Any:
    """One queue has so many dead letters, of which some were refused with reasons."""
    attributes = answer("sqs.GetQueueAttributes")["Attributes"]
    messages = [
        {
            "MessageId": str(number),
            "ReceiptHandle": "r",
            "Body": "{}",
            "MessageAttributes": {"Reason": {"DataType": "String", "StringValue": reason}}
            if reason
            else {},
        }
        for number, reason in enumerate(reasons)
    ]
    full = attributes | {"ApproximateNumberOfMessages": str(count)}
    return {
        "sqs.GetQueueAttributes": lambda asked: {
            "Attributes": full if url in asked["QueueUrl"] else attributes
        },
        "sqs.ReceiveMessage": {"Messages": messages},
        "sqs.ChangeMessageVisibilityBatch": {"Successful": [], "Failed": []},
    }


def quota(name: str, value: float) -> dict[str, Any]:
    return {"service-quotas.ListServiceQuotas": {"Quotas": [{"QuotaName": name, "Value": value}]}}


def customer(**request: Any) -> dict[str, Any]:
    """A state machine that existed before; it reads InputMessage as an S3Prefix."""
    message = {"S3Uri.$": "$$.Execution.Input['InputMessage']", "S3DataType": "S3Prefix"}
    parameters = {
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingJobName.$": "$$.Execution.Input['PreprocessingJobName']",
        "ProcessingInputs": [{"S3Input": message}],
        **request,
    }
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob",
        "Parameters": parameters,
    }
    definition = json.dumps({"States": {"Process": state}})
    return {"stepfunctions.DescribeStateMachine": machine(lambda _: definition)}


def denied(check: str, first: str) -> Row:
    replies = {"iam.SimulatePrincipalPolicy": answer("iam.SimulatePrincipalPolicy-denied")}
    return Row(f"permissions: {check}", f"fail: {first} may not", "REVERT_DRIFT", replies)


RULE = "events.DescribeRule"
USAGE = "ml.m5.large for processing job usage"
ENVIRONMENT = answer("lambda.GetFunctionConfiguration")["Environment"]["Variables"]
NO_RULE = {RULE: error("ResourceNotFoundException")}
TICK = "scheduler.GetSchedule"
SCHEDULE = answer(TICK)

# *(check, finding, remedy) keeps these three on one line.
TABLE = [
    Row(
        "account: credentials",
        "warn: arn:aws:iam::123456789012:root",
        "use a role or a user",
        {"sts.GetCallerIdentity": {"Arn": "arn:aws:iam::123456789012:root"}},
    ),
    Row("account: clock", "fail:", "timedatectl set-ntp true"),
    Row(
        "stack: deployment",
        "warn: UPDATE_ROLLBACK_COMPLETE (Processing: Embedded stack was not successfully updated:"
        " invalid InstanceType): the version before it runs",
        "sam deploy again",
        stack={"status": "UPDATE_ROLLBACK_COMPLETE"},
    ),
    Row("stack: deployment", "warn: UPDATE_IN_P", "wait", stack={"status": "UPDATE_IN_PROGRESS"}),
    Row(
        *("stack: deployment", "fail: UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        stack={"status": "UPDATE_ROLLBACK_FAILED"},
    ),
    Row(
        *("stack: deployment", "fail: ROLLBACK_COMPLETE", "sam delete"),
        stack={"status": "ROLLBACK_COMPLETE"},
    ),
    Row(
        *("events: buckets", "fail: there is no bucket landrun-landings", "LandingBucketName"),
        {"s3.HeadBucket": error("404")},
    ),
    Row(
        *("events: buckets", "fail: landrun-landings is in us-east-1", "or to us-east-1"),
        {"s3.HeadBucket": {"BucketRegion": "us-east-1"}},
    ),
    Row(
        *("events: buckets", "fail: there is no bucket elsewhere", "another ScheduledInput"),
        {"s3.HeadBucket": lambda it: error("404") if it["Bucket"] == "elsewhere" else {}},
        {"parameters": {"ScheduledInput": "s3://elsewhere/in/"}},
    ),
    Row(
        *("events: EventBridge", "fail: landrun-landings does not send", "aws s3api put-bucket"),
        {"s3.GetBucketNotificationConfiguration": {}},
    ),
    Row(  # put-bucket-notification-configuration would remove the other notifications
        *("events: EventBridge", "fail: landrun-landings does not send", "S3's console"),
        {"s3.GetBucketNotificationConfiguration": {"QueueConfigurations": []}},
    ),
    Row(
        *("events: landing rule", "fail: landrun-LandingRule is DISABLED", "enable-rule --name"),
        {RULE: answer(f"{RULE}-landing") | {"State": "DISABLED"}},
    ),
    Row("events: landing rule", "fail: there is no rule landrun-L", "REVERT_DRIFT", NO_RULE),
    Row(
        *("events: landing rule", "fail: landrun-LandingRule does not match", "REVERT_DRIFT"),
        {RULE: answer(f"{RULE}-landing") | {"EventPattern": "{}"}},
    ),
    Row(
        *("events: landing rule", "fail: landrun-LandingRule does not send", "REVERT_DRIFT"),
        {"events.ListTargetsByRule": {"Targets": []}},
    ),
    Row(
        *("events: status rule", "fail: landrun-StatusRule does not match", "REVERT_DRIFT"),
        stack={"outputs": {"StateMachineArn": arn("states", "stateMachine:other")}},
    ),
    Row(
        *("events: landing queue", "fail: the policy of LandingQueue does not", "REVERT_DRIFT"),
        {"sqs.GetQueueAttributes": {"Attributes": {}}},
    ),
    Row(
        *("events: status queue", "fail: the policy of StatusQueue does not", "REVERT_DRIFT"),
        {RULE: answer(f"{RULE}-status") | {"Arn": arn("events", "rule/other")}},
    ),
    Row(
        "functions: functions",
        "fail: landrun-ObjectCreatedFunction-AAAA1111BBBB has a reserved concurrency of 0",
        "aws lambda delete-function-concurrency --function-name landrun-Obj",
        {"lambda.GetFunctionConcurrency": {"ReservedConcurrentExecutions": 0}},
    ),
    Row(
        *("functions: functions", "fail: landrun-Ob", "sam deploy with other parameters"),
        function(Environment={"Variables": ENVIRONMENT | {"OUTPUT_PREFIX": "no-slash"}}),
    ),
    Row(
        *("functions: functions", "skip: the environment of landrun-Ob", "ask for kms:Decrypt"),
        function(Environment={"Error": {"ErrorCode": "AccessDenied"}}),
    ),
    Row(
        *("functions: landing source", "fail: the event source landrun-L", "--enabled"),
        source(State="Disabled"),
    ),
    Row(
        *("functions: landing source", "fail: the event source landrun-L", "ReportBatchItem"),
        source(FunctionResponseTypes=[]),
    ),
    Row(
        *("functions: status source", "fail: no event source mapping feeds", "REVERT_DRIFT"),
        source(),
    ),
    Row(
        *("schedules: tick", "fail: landrun-Tick is DISABLED", "enable it"),
        {TICK: SCHEDULE | {"State": "DISABLED"}},
    ),
    Row(
        *("schedules: tick", "warn: landrun-Tick is enabled, and has nothing", "disable it"),
        stack={"parameters": {"StartOn": "arrival"}},
    ),
    Row(
        *("schedules: tick", "fail: at(2026-01-01T00:00:00) is never due", "ScheduleExpression"),
        {TICK: SCHEDULE | {"ScheduleExpression": "at(2026-01-01T00:00:00)"}},
    ),
    Row(
        *("schedules: tick", "fail: the stack's schedule is gone", "REVERT_DRIFT"),
        {TICK: error("ResourceNotFoundException")},
    ),
    Row(
        "schedules: last tick",
        "fail: a tick was due 2026-11-22 02:00 UTC, 8 h 00 min ago, and ScheduleFunction was not",
        "landrun redrive --queue schedule",
        {TICK: SCHEDULE | {"LastModificationDate": NOW - timedelta(hours=20)}}
        | {"cloudwatch.GetMetricData": {"MetricDataResults": [{"Timestamps": []}]}},
    ),
    Row(
        *("schedules: reconcile", "fail: no schedule invokes ReconcileFunction", "REVERT_DRIFT"),
        {"scheduler.ListSchedules": {"Schedules": []}},
    ),
    Row(
        *("schedules: reconcile", "fail: landrun-", "until then: landrun reconcile"),
        {
            "scheduler.ListSchedules": {
                "Schedules": [
                    one | {"State": "DISABLED"}
                    for one in answer("scheduler.ListSchedules")["Schedules"]
                ]
            }
        },
    ),
    Row(
        *("state machine: machine", "fail: there is no such state machine", "REVERT_DRIFT"),
        {"stepfunctions.DescribeStateMachine": error("StateMachineDoesNotExist")},
    ),
    Row(
        *("state machine: machine", "fail: ProcessingStateMachine-AbCdEf123456 is E", "STANDARD"),
        {"stepfunctions.DescribeStateMachine": machine() | {"type": "EXPRESS"}},
    ),
    Row(
        "state machine: definition",
        "fail: its definition is not the project's: States.Process messages.Retry[0].MaxAttempts",
        "sam build && sam deploy",
        {
            "stepfunctions.DescribeStateMachine": machine(
                lambda text: text.replace('"MaxAttempts": 200', '"MaxAttempts": 3')
            )
        },
    ),
    Row(
        *("state machine: definition", "warn: it does not read OutputProcessedMessage", "URI"),
        customer(),
        {"parameters": CUSTOMER},
    ),
    Row(
        *("state machine: input message", "fail: its job reads InputMessage as S3Prefix", "uri"),
        customer(),
        {"parameters": CUSTOMER},
    ),
    Row(
        *("state machine: job name", "warn: its job has the run's name alone", "landrun rerun"),
        customer(),
        {"parameters": CUSTOMER},
    ),
    Row(
        *("state machine: end", "fail: it does not wait for its job", "createProcessingJob.sync"),
        customer(),
        {"parameters": CUSTOMER},
    ),
    Row(
        *(
            "state machine: prefixes",
            "warn: 100 of the last 100 runs",
            "InputMessageFormat=manifest",
        ),
        {
            "dynamodb.Query": {
                "Items": [item({"input_also_matches": ["in/a.csv.bak"]})],
                "Count": 1,
                "ScannedCount": 1,
            }
        },
        {"parameters": {"InputMessageFormat": "uri"}},
    ),
    *(
        Row(
            "state machine: executions",
            f"warn: 1 execution of an earlier deployment needs another {needed}, and will fail:"
            " landrun-0123456789abcdef0123456789abcdef",
            needed,
            stack={"parameters": parameters},
        )
        for needed, parameters in (
            ("JobNamePrefix", {"JobNamePrefix": "bsm"}),
            ("OutputPrefix", {"OutputPrefix": "elsewhere/"}),
            ("ManifestPrefix", {"ManifestPrefix": "lists/"}),
            ("SubnetIds", {"SubnetIds": "", "SecurityGroupIds": ""}),
            ("PreviousKmsKeyArns", {"KmsKeyArn": OTHER_KEY}),
        )
    ),
    Row(
        "state machine: executions",
        "warn: 1 execution of an earlier deployment needs another ImageUri",
        "sam deploy with the earlier ImageUri",
        {
            "stepfunctions.DescribeStateMachineForExecution": machine(
                lambda text: text.replace(OUTPUTS["ImageRepositoryUri"], "others/image")
            )
        },
    ),
    denied("state machine", "landrun-StateMachineRole-1A2B3C4D5E6F"),
    denied("jobs", "landrun-ProcessingRole-1A2B3C4D5E6F"),
    denied("schedules", "landrun-SchedulerRole-1A2B3C4D5E6F"),
    *(
        denied(name, "landrun-FunctionRole-1A2B3C4D5E6F")
        for name in ("ObjectCreated", "Schedule", "ExecutionStatus", "Reconcile")
    ),
    Row(
        "the job: image",
        "fail: there is no image 123456789012.dkr.ecr.eu-central-1.amazonaws.com/landrun-1a2b3c4d",
        "make image STACK=landrun",
        {"ecr.BatchGetImage": answer("ecr.BatchGetImage-missing")},
    ),
    Row(
        *("the job: image", "fail: the image is for arm64, and ml.m5.large is amd64", "--platform"),
        {"ecr.BatchGetImage": answer("ecr.BatchGetImage-index")},
    ),
    Row(
        *("the job: image", "fail: the image is for arm64", "--platform linux/amd64"),
        stack={"config": {"architecture": "arm64"}},
    ),
    Row(
        *("the job: image", "warn: docker.io/mine:1 is not in ECR in eu-central-1", "push it"),
        stack={"parameters": {"ImageUri": "docker.io/mine:1"}},
    ),
    Row(
        *("the job: image", "fail: there is no repository", "make image STACK=landrun"),
        {"ecr.BatchGetImage": error("RepositoryNotFoundException")},
    ),
    Row("the job: quota", f"fail: the quota '{USAGE}' is 1, and", "increase", quota(USAGE, 1)),
    Row("the job: quota", f"warn: the quota '{USAGE}' is 3, en", "Runs=1", quota(USAGE, 3)),
    Row(
        *("the job: quota", f"warn: the quota '{USAGE}' is 3: one run at a time", "StartOn"),
        quota(USAGE, 3),
        {"parameters": {"MaxConcurrentRuns": "0"}},
    ),
    Row(
        *("the job: instances", "warn: a run has 2 instances and, with StartOn=arrival", "spark"),
        stack={"parameters": {"StartOn": "arrival"}},
    ),
    Row(
        *("the job: concurrency", "fail: 3 slots are counted, and 2 are held", "update-item"),
        {"dynamodb.GetItem": {"Item": {"slots_in_use": {"N": "3"}}}},
    ),
    Row(
        *("the job: key", "fail: the key's policy does not allow events.a", "SECURITY.md"),
        {"kms.GetKeyPolicy": {"Policy": json.dumps({"Statement": []})}},
    ),
    Row(
        *("the job: key", "fail: the key arn", "aws kms cancel-key-deletion"),
        {"kms.DescribeKey": {"KeyMetadata": {"KeyState": "PendingDeletion"}}},
    ),
    Row(
        *("the job: key", f"fail: there is no key {OTHER_KEY}", "PreviousKmsKeyArns that exist"),
        {
            "kms.DescribeKey": lambda asked: (
                error("NotFoundException")
                if asked["KeyId"] == OTHER_KEY
                else answer("kms.DescribeKey")
            )
        },
        {"parameters": {"PreviousKmsKeyArns": OTHER_KEY}},
    ),
    Row(
        *("the job: network", "warn: vpc-", "gateway endpoint of S3"),
        {"ec2.DescribeVpcEndpoints": {"VpcEndpoints": []}},
    ),
    Row(
        *("the job: network", "fail: ec2:DescribeSubnets", "SubnetIds that exist"),
        {"ec2.DescribeSubnets": error("InvalidSubnetID.NotFound")},
    ),
    Row(
        *("notifications: subscribers", "warn: nobody is notified", "NotificationEmail"),
        {"sns.ListSubscriptionsByTopic": {"Subscriptions": []}},
    ),
    Row(
        *("notifications: subscribers", "warn: a@b.example has not confirmed", "AWS's mail"),
        {
            "sns.ListSubscriptionsByTopic": {
                "Subscriptions": [
                    {"SubscriptionArn": "PendingConfirmation", "Endpoint": "a@b.example"}
                ]
            }
        },
    ),
    Row(
        *("notifications: alarms", "warn: landrun-RunsFailed is in ALARM: Thres", "RunsFailed.md"),
        {"cloudwatch.DescribeAlarms": answer("cloudwatch.DescribeAlarms-ringing")},
    ),
    Row(
        *("waiting: landings", "fail: a landing has waited 2 d 02 h for a tick", "landrun explain"),
        {"dynamodb.Query": {"Items": [{"recorded_at": {"S": "2026-11-20T07:30:00.000+00:00"}}]}},
    ),
    Row(
        *("waiting: landings", "warn: landings wait for a tick, and Start", "landrun reconcile"),
        {"dynamodb.Query": {"Items": [{"recorded_at": {"S": "2026-11-20T07:30:00.000+00:00"}}]}},
        {"outputs": {"StartOn": "arrival"}},
    ),
    Row(
        "waiting: dead letters",
        "fail: landings: 1 of 1 dead letters were refused: an empty component",
        "landrun redrive --queue landings --discard saves them",
        queues("LandingDead", 1, "an empty component"),
    ),
    Row(
        *("waiting: dead letters", "fail: statuses: 2 dead letters", "--queue statuses --dry-run"),
        queues("StatusDead", 2, "", ""),
    ),
    Row(
        *("waiting: dead letters", "fail: schedule: 1 dead letters", "--queue schedule --dry-run"),
        queues("ScheduleDead", 1) | {"sqs.ReceiveMessage": error("AccessDenied")},
    ),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.check}-{row.says[:40]}")
def test_what_fails_is_named_with_its_remedy(row: Row) -> None:
    found = run(row.replies, {row.check}, **row.stack)
    first = next(one for one in found if one.grade != "ok")
    assert f"{first.grade}: {first.finding.says}".startswith(row.says)
    assert row.remedy in first.finding.remedy


def test_every_check_has_a_row_and_a_claim() -> None:
    checks = [*checks_of(PARAMETERS), *checks_of(CUSTOMER | {"InputMessageFormat": "uri"})]
    assert {f"{one.area}: {one.name}" for one in checks} == {row.check for row in TABLE}
    assert all(one.claim.endswith(".") for one in checks)


@pytest.mark.parametrize("parameters", [PARAMETERS, CUSTOMER], ids=["own", "customer"])
def test_no_area_and_no_check_is_shown_twice(parameters: dict[str, str]) -> None:
    checks = checks_of(parameters)
    names = [(one.area, one.name) for one in checks]
    areas = [
        one.area
        for before, one in zip([None, *checks], checks, strict=False)
        if not before or before.area != one.area
    ]
    assert len(names) == len(set(names))
    assert len(areas) == len(set(areas))


def test_a_healthy_stack_has_nothing_but_ok() -> None:
    found = {f"{one.area}: {one.name}": one for one in run()}
    del found["account: clock"]  # compares the response's date with this machine's clock
    assert [one.finding for one in found.values() if one.grade != "ok"] == []
    assert len(found) > 30
    says = {name: one.finding.says for name, one in found.items()}
    assert says["the job: quota"] == f"the quota '{USAGE}' is 4: enough for MaxConcurrentRuns=2"
    assert says["the job: concurrency"].endswith("3 waiting, the longest for 2 min 09 s")
    assert says["schedules: tick"].endswith(
        "the next tick is due 2026-11-23 02:00 UTC, in 15 h 59 min"
    )
    assert says["events: landing rule"].startswith("The rule is enabled, matches")


@pytest.mark.parametrize("file", sorted(ANSWERS.glob("*.json")), ids=lambda file: file.stem)
def test_every_response_has_the_shape_that_botocore_knows(file: Any) -> None:
    assert isinstance(answer(file.stem), dict)


@pytest.mark.parametrize(
    "parameters",
    [
        {"InstanceType": "ml.c5.xlarge", "InstanceCount": "9"},
        {"KmsKeyArn": OTHER_KEY, "PreviousKmsKeyArns": f"{OTHER_KEY},{PARAMETERS['KmsKeyArn']}"},
        {"ImageUri": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mine:1"},
    ],
    ids=str,
)
def test_executions_that_todays_roles_allow_are_ok(parameters: dict[str, str]) -> None:
    [found] = run(names={"state machine: executions"}, parameters=parameters)
    assert found.finding.says == "the roles still allow each running or waiting execution (1)"


def test_of_many_executions_the_oldest_are_read() -> None:
    [one] = answer("stepfunctions.ListExecutions")["executions"]
    many = [{**one, "executionArn": f"{one['executionArn']}{n}"} for n in range(30)]
    replies = {"stepfunctions.ListExecutions": {"executions": many}}
    [found] = run(replies, {"state machine: executions"})
    assert found.finding.says == (
        "the roles still allow the oldest 20 of 30 running or waiting executions"
    )
    assert Aws.newest.asked.count("stepfunctions.DescribeExecution") == 20


def test_permissions_that_are_missing_hide_their_own_checks_only() -> None:
    names = ("iam.SimulatePrincipalPolicy", "s3.GetBucketNotificationConfiguration")
    found = run({name: error("AccessDenied") for name in names})
    seen = {f"{one.area}: {one.name}": one.finding for one in found if one.name != "clock"}
    assert seen["permissions: jobs"].grade == "skip"
    assert seen["events: EventBridge"].remedy == "ask for s3:GetBucketNotification"
    assert {one.grade for one in seen.values()} == {"ok", "skip"}


def test_an_unexpected_response_does_not_hide_the_other_checks() -> None:
    found = run({"kms.DescribeKey": {"KeyMetadata": {}}}, {"the job: key", "the job: network"})
    assert [(one.grade, one.finding.says) for one in found] == [
        ("warn", "the check itself failed (KeyError: 'KeyState')"),
        ("ok", "The subnets exist, and jobs reach S3 from them by an endpoint or a gateway."),
    ]


def test_the_laptop_is_not_asked_for_what_it_lacks() -> None:
    [found] = run(names={"the job: quota"}, laptop=True)
    assert (found.grade, found.finding.says) == ("skip", "the laptop has no quotas")


@pytest.mark.parametrize(
    ("ahead", "grade"), [(0, "ok"), (-59, "ok"), (120, "warn"), (-301, "fail")]
)
def test_a_clock_that_is_off_is_noticed_before_aws_refuses_it(ahead: int, grade: str) -> None:
    now = datetime(2026, 11, 22, 10, tzinfo=UTC) + timedelta(seconds=ahead)
    assert account.judge_clock("Sun, 22 Nov 2026 10:00:00 GMT", now).grade == grade


@pytest.mark.parametrize(
    ("expression", "changed_at", "invoked_at", "grade"),
    [
        ("cron(0 3 * * ? *)", timedelta(days=9), timedelta(hours=7), "ok"),
        ("cron(0 3 * * ? *)", timedelta(days=9), timedelta(hours=31), "fail"),
        ("cron(0 3 * * ? *)", timedelta(days=9), None, "fail"),
        ("cron(0 3 * * ? *)", timedelta(hours=1), None, "ok"),
        ("cron(55 9 * * ? *)", timedelta(days=9), timedelta(hours=24), "ok"),
        ("rate(6 hours)", timedelta(hours=13), timedelta(hours=7), "fail"),
        ("at(2027-01-01T00:00:00)", timedelta(days=30), None, "ok"),
    ],
)
def test_a_tick_is_missed_when_it_was_due_since_the_last_invocation(
    expression: str, changed_at: timedelta, invoked_at: timedelta | None, grade: str
) -> None:
    made = {"CreationDate": NOW - changed_at, "LastModificationDate": NOW - changed_at}
    schedule = (
        SCHEDULE | made | {"ScheduleExpression": expression, "ScheduleExpressionTimezone": "UTC"}
    )
    times = [] if invoked_at is None else [NOW - invoked_at]
    replies = {
        TICK: schedule,
        "cloudwatch.GetMetricData": {"MetricDataResults": [{"Timestamps": times}]},
    }
    [found] = run(replies, {"schedules: last tick"})
    assert found.grade == grade


def waiting(minutes: float) -> tuple[WaitingExecution, ...]:
    return (WaitingExecution("r", NOW - timedelta(minutes=minutes)),)


@pytest.mark.parametrize(
    ("line", "grade", "says"),
    [
        (SlotUsage(3, 1), "ok", "1 of 3 slots are in use, and no execution waits"),
        (
            SlotUsage(2, 2, waiting(90), more=True),
            "ok",
            "at least 1 waiting, the longest for 1 h 30",
        ),
        (
            SlotUsage(2, 1, waiting(5)),
            "ok",
            "1 of 2 slots are in use, 1 waiting",
        ),  # before reconcile
        (SlotUsage(2, 1, waiting(25)), "warn", "1 of 2 slots are in use, but 1 waiting"),
        (SlotUsage(0, 4, waiting(25)), "warn", "4 slots are in use, but 1 waiting"),
    ],
)
def test_executions_that_wait_for_long_although_slots_are_free_are_a_warning(
    line: SlotUsage, grade: str, says: str
) -> None:
    found = concurrency.judge_waiting(line, NOW)
    assert found.grade == grade
    assert says in found.says
    assert ("landrun reconcile" in found.remedy) == (grade == "warn")


@pytest.mark.parametrize(
    ("uri", "identifier"),
    [
        ("amazonaws.com/a/b", {"imageTag": "latest"}),
        ("amazonaws.com.cn/a@sha256:00", {"imageDigest": "sha256:00"}),
        ("amazonaws.com/a:v1@sha256:00", {"imageDigest": "sha256:00"}),
    ],
)
def test_the_uri_of_an_image_is_read_as_docker_reads_it(uri: str, identifier: Any) -> None:
    image = Image.of(f"123456789012.dkr.ecr.eu-west-1.{uri}")
    assert image
    assert image.id == identifier


@pytest.mark.parametrize(
    ("proxies", "bypassed", "grade"),
    [({}, False, "ok"), ({"http": "http://proxy:3128"}, True, "ok"), ({"all": "x"}, False, "warn")],
)
def test_a_proxy_that_takes_the_laptops_calls_is_a_warning(
    proxies: dict[str, str], bypassed: bool, grade: str
) -> None:
    assert this_machine.judge_proxy(proxies, bypassed=bypassed).grade == grade
