"""Each check, over responses as AWS's API references have them: a table of what it finds."""

import pytest
from botocore import xform_name
from botocore.stub import Stubber

from landrun_ops.doctor import checks
from landrun_ops.doctor.checks import checks_of, run_checks

from .conftest import ANSWERS, PARAMETERS, answer, client, error, reader

OTHER = "arn:aws:kms:eu-central-1:123456789012:key/5678efgh-12ab-34cd-56ef-1234567890ab"
KEYS = f"{OTHER},{PARAMETERS['KmsKeyArn']}"
CONFIGURATION = "lambda.GetFunctionConfiguration"
EVENTS, HEAD = "s3.GetBucketNotificationConfiguration", "s3.HeadBucket"
IMAGE, KEPT = "ecr.BatchGetImage", "stepfunctions.DescribeStateMachineForExecution"
KEY, QUEUE, SUBNETS = "kms.DescribeKey", "sqs.GetQueueAttributes", "ec2.DescribeSubnets"
MACHINE, RECEIVE = "stepfunctions.DescribeStateMachine", "sqs.ReceiveMessage"
RULE, TARGETS = "events.DescribeRule", "events.ListTargetsByRule"
SUBSCRIPTIONS, SOURCES = "sns.ListSubscriptionsByTopic", "lambda.ListEventSourceMappings"
TICK, SCHEDULES = "scheduler.GetSchedule", "scheduler.ListSchedules"
SIMULATION, ALARMS = "iam.SimulatePrincipalPolicy", "cloudwatch.DescribeAlarms"
QUOTA, QUOTAS = "ml.m5.large for processing job usage", "service-quotas.ListServiceQuotas"

DENIED = {SIMULATION: answer(f"{SIMULATION}-denied")}
DENY, DRIFT, GONE = error("AccessDenied"), "REVERT_DRIFT", error("ResourceNotFoundException")
OF_MACHINE = "fail ProcessingStateMachine-AbCdEf123456 is"
EARLIER = "warn started with another"
DEFINITION = answer(MACHINE)["definition"]
OTHER_IMAGE = {KEPT: {"definition": DEFINITION.replace("landrun-1a2b3c4d", "others/image")}}
NEVER = {"lambda.GetFunctionConcurrency": {"ReservedConcurrentExecutions": 0}}
NO_EVENTS = {EVENTS: {"EventBridgeConfiguration": None}}
PASSING = "iam:PassRole on landrun-ScheduleFunction-CCCC2222DDDD (no policy allows it)"
NOT_PASSED = f"fail landrun-SchedulerRole-1A2B3C4D5E6F may not {PASSING}"
MISSING, NONE, NO_MACHINE = map(error, ("NotFoundException", "404", "StateMachineDoesNotExist"))
PAST = {"ScheduleExpression": "at(2026-01-01T00:00:00)"}
RINGING = {ALARMS: answer(f"{ALARMS}-ringing")}
PENDING = {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation", "Endpoint": "a@b.example"}]}
ENCRYPTED = {CONFIGURATION: {"Environment": {"Error": {}}}}
VARIABLES = answer(CONFIGURATION)["Environment"]["Variables"] | {"OUTPUT_PREFIX": "no-slash"}
REFUSED = {CONFIGURATION: {"Environment": {"Variables": VARIABLES}}}
LONG_AGO = answer("dynamodb.Query")["Items"][0] | {"requested_at": {"S": "2026-11-22T09:30:00Z"}}
WAITING = {"dynamodb.Query": {"Items": [LONG_AGO]}}


def row(check, finding, remedy, replies=None, **parameters):
    """What a check finds of a stack of these parameters, or this status, if AWS replies so."""
    values = (check, finding, remedy, replies or {}, parameters)
    return pytest.param(*values, id=f"{check}: {finding[:40]}")


def some(operation, **fields):
    """Change the fields of every entry that an operation returns."""
    [(name, entries)] = answer(operation).items()
    return {operation: {name: [one | fields for one in entries]}}


def dead_letters(reason):
    """Two messages, of which one was refused for this reason."""
    refused = {"Reason": {"DataType": "String", "StringValue": reason}}
    one = {"ReceiptHandle": "r", "Body": "{}"}
    messages = [one | {"MessageId": "1", "MessageAttributes": refused}, one | {"MessageId": "2"}]
    depth = {"Attributes": {"ApproximateNumberOfMessages": "2"}}
    return {
        QUEUE: lambda body: depth if "StatusDead" in body else {},
        RECEIVE: {"Messages": messages},
    }


TABLE = [
    row("deployment", "warn UPDATE_IN_PROGRESS", "wait for", status="UPDATE_IN_PROGRESS"),
    row("deployment", "warn UPDATE_R", "sam deploy again", status="UPDATE_ROLLBACK_COMPLETE"),
    row("deployment", "fail UPDATE_R", "continue-update-", status="UPDATE_ROLLBACK_FAILED"),
    row("deployment", "fail ROLLBACK", "sam delete the stack", status="ROLLBACK_COMPLETE"),
    row("buckets", "fail there is no bucket landrun-la", "LandingBucketName", {HEAD: NONE}),
    row("buckets", "fail landrun-landings is in r", "deploy in r", {HEAD: {"BucketRegion": "r"}}),
    row("bucket events", "fail landrun-landings does not send", "S3's console", NO_EVENTS),
    row("bucket events", "skip AccessDenied for s3:GetBucketNotification", "ask", {EVENTS: DENY}),
    row("rules", "fail landrun-LandingRule is D", "enable-rule", {RULE: {"State": "DISABLED"}}),
    row("rules", "fail there is no rule landrun-StatusRule", DRIFT, {RULE: GONE}),
    row("rules", "fail landrun-LandingRule does not send", DRIFT, {TARGETS: {"Targets": []}}),
    row("rules", "fail the policy of https://sqs", DRIFT, {QUEUE: {"Attributes": {}}}),
    row("functions", "fail landrun-Obj", "delete-function-concurrency --function-name lan", NEVER),
    row("functions", "fail landrun-Obj", "sam deploy with other parameters", REFUSED),
    row("functions", "skip the environment of landrun-Obj", "ask for kms:Decrypt", ENCRYPTED),
    row("event sources", "fail the event source", "--uuid a1b2", some(SOURCES, State="Disabled")),
    row("event sources", "fail no event source", DRIFT, some(SOURCES, EventSourceArn="")),
    row("tick schedule", "fail landrun-Tick is D", "enable it", {TICK: {"State": "DISABLED"}}),
    row("tick schedule", "fail at(2026-01-01T00:00:00) is never", "Schedule", {TICK: PAST}),
    row("tick schedule", "skip cron(x) is", "", {TICK: {"ScheduleExpression": "cron(x)"}}),
    row("tick schedule", "fail the stack's schedule is gone", DRIFT, {TICK: GONE}),
    row("reconcile schedule", "fail no schedule inv", DRIFT, {SCHEDULES: {"Schedules": []}}),
    row("reconcile schedule", "fail landrun-", "landrun rec", some(SCHEDULES, State="DISABLED")),
    row("state machine", "fail there is no state", DRIFT, {MACHINE: NO_MACHINE}),
    row("state machine", f"{OF_MACHINE} DEL", "another StateM", {MACHINE: {"status": "DELETING"}}),
    row("state machine", f"{OF_MACHINE} EXPRESS", "STANDARD", {MACHINE: {"type": "EXPRESS"}}),
    row("state machine role", "fail landrun-StateMachineRole-", DRIFT, DENIED),
    row("job role", "fail landrun-ProcessingRole-", DRIFT, DENIED),
    row("function roles", "fail landrun-FunctionRole-", "for boundaries", DENIED),
    row("schedule role", NOT_PASSED, DRIFT, DENIED),
    row("keys", "fail the key's policy", "SECURITY.md", {"kms.GetKeyPolicy": {"Policy": "{}"}}),
    row("keys", "fail the key arn", "enable-", {KEY: {"KeyMetadata": {"KeyState": "Disabled"}}}),
    row("keys", f"fail the key {OTHER} is gone", "", {KEY: MISSING}, PreviousKmsKeyArns=OTHER),
    row("keys", "fail AWS: UnexpectedAnswer: KeyE", "report this", {KEY: {"KeyMetadata": {}}}),
    row("subscribers", "warn nobody is", "NotificationE", {SUBSCRIPTIONS: {"Subscriptions": []}}),
    row("subscribers", "warn a@b.example has not", "mail", {SUBSCRIPTIONS: PENDING}),
    row("alarms", "warn landrun-RunsFailed is in ALARM: Thres", "RunsFailed.md", RINGING),
    row("dead letters", "fail statuses: of these, 1 were", "--discard", dead_letters("bad")),
    row("dead letters", "skip AccessDenied", "sqs:Rec", dead_letters("") | {RECEIVE: DENY}),
    row("executions", f"{EARLIER} ImageUri", "earlier ImageUri", OTHER_IMAGE),
    row("executions", f"{EARLIER} JobNamePrefix", "landrun stop and", JobNamePrefix="bsm"),
    row("executions", f"{EARLIER} SubnetIds", "Subn", SubnetIds="", SecurityGroupIds=""),
    row("executions", f"{EARLIER} key in PreviousKmsKeyArns", "Previous", KmsKeyArn=OTHER),
    row("executions", "ok 1 execution running or", "", KmsKeyArn=OTHER, PreviousKmsKeyArns=KEYS),
    row("concurrency", "warn 2 of unlimited", "landrun reconcile", WAITING, MaxConcurrentRuns="0"),
    row("image", "fail there is no image", "make", {IMAGE: error("RepositoryNotFoundException")}),
    row("image", "fail 1234", "--platform linux/amd64", {IMAGE: answer(f"{IMAGE}-index")}),
    row("image", "fail 1234", "--platform linux/arm64", InstanceType="ml.m6g.large"),
    row("image", "warn docker.io/mine:1 is not in ECR", "push it", ImageUri="docker.io/mine:1"),
    row("quota", f"fail the quota '{QUOTA}' is 1: 0 runs", "increase", some(QUOTAS, Value=1.0)),
    row("quota", f"warn the quota '{QUOTA}' is 3: 1 runs", "Runs=1", some(QUOTAS, Value=3.0)),
    row("quota", "skip Service Quotas has no quota named ml.x", "", InstanceType="ml.x"),
    row("network", "warn vpc-", "of S3", {"ec2.DescribeVpcEndpoints": {"VpcEndpoints": []}}),
    row("network", "fail there are no sub", "exist", {SUBNETS: error("InvalidSubnetID.NotFound")}),
]


def found_by(check, replies, status="UPDATE_COMPLETE", **parameters):
    aws = reader(replies, parameters, status=status)
    chosen = [one for one in checks_of(aws.stack) if one.__name__ == check.replace(" ", "_")]
    [found] = run_checks(chosen, aws)
    return found


@pytest.mark.parametrize(("check", "finding", "remedy", "replies", "parameters"), TABLE)
def test_each_finding_is_named_with_its_remedy(check, finding, remedy, replies, parameters):
    found = found_by(check, replies, **parameters)
    one = next(one for one in found if f"{one.level} {one.what}".startswith(finding))
    assert remedy in one.remedy
    assert one.check == check


def test_every_check_has_a_row_and_runs_where_it_applies():
    every = {*checks.CHECKS, *checks.OF_OWN_STATE_MACHINE}
    names = {one.__name__.replace("_", " ") for one in every}
    assert names == {row.values[0] for row in TABLE} | {"credentials"}
    assert not {*checks.NOT_ON_LAPTOP} & {*checks_of(reader(laptop=True).stack)}
    given = {*checks_of(reader(parameters={"StateMachineArn": MACHINE}).stack)}
    assert {*checks.OF_GIVEN_STATE_MACHINE} <= given
    assert not {*checks.OF_OWN_STATE_MACHINE} & given


def test_a_healthy_stack_has_nothing_but_ok():
    aws = reader()
    found = [one for findings in run_checks(checks_of(aws.stack), aws) for one in findings]
    assert {one.level for one in found} == {"ok"}
    what = {one.check: one.what for one in found}
    assert len(what) == len(checks.CHECKS) + len(checks.OF_OWN_STATE_MACHINE)
    assert what["quota"].endswith("is 4: 2 runs at a time of 2 instances")
    assert "2 of 2 slots are in use, 3 waiting" in what["concurrency"]
    assert what["tick schedule"].endswith("the next tick is due in 15 h 59 min")


@pytest.mark.parametrize("file", sorted(ANSWERS.glob("*.json")), ids=lambda file: file.stem)
def test_every_response_has_the_shape_that_botocore_knows(file):
    service, _, operation = file.stem.rpartition(".")
    stub = Stubber(client(service))
    stub.add_response(xform_name(operation.partition("-")[0]), answer(file.stem))
