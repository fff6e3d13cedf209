"""AWS's responses for the checks: examples of its API references, one file each.

boto3's own clients return them, which check the calls against their models. The responses are
checked against those models as well.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from landrun_ops.doctor.aws_reader import StackReader
from landrun_ops.doctor.checks import CheckResult, run_checks
from landrun_ops.doctor.stack_checks import checks_of
from landrun_ops.stack.stack import Stack
from landrun_ops.workflow.definition_file import PREFIX, filled_in

ANSWERS = Path(__file__).parent / "answers"
ROOT = Path(__file__).resolve().parents[3]
ASL = ROOT / "src/statemachine/processing.asl.yaml"
REGION, ACCOUNT = "eu-central-1", "123456789012"
NOW = datetime(2026, 11, 22, 10, 0, 20, tzinfo=UTC)


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


MACHINE = arn("states", "stateMachine:ProcessingStateMachine-AbCdEf123456")
PARAMETERS = {
    "LandingPrefix": "incoming/",
    "StartOn": "schedule",
    "OutputPrefix": "processed/",
    "ManifestPrefix": "manifests/",
    "JobNamePrefix": "landrun",
    "JobEntrypoint": "python3 /opt/program/preprocess.py",
    "InstanceType": "ml.m5.large",
    "InstanceCount": "2",
    "MaxConcurrentRuns": "2",
    "SubnetIds": "subnet-0bb1c79de3EXAMPLE",
    "SecurityGroupIds": "sg-903004f8",
    "KmsKeyArn": arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    "MaxWaitForTickInSeconds": "93600",
}
_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/"
OUTPUTS = {
    "LandingBucket": "landrun-landings",
    "LandingPrefix": "incoming/",
    "LandingSuffix": "",
    "OutputBucket": "landrun-outputs",
    "OutputPrefix": "processed/",
    "ManifestPrefix": "manifests/",
    "JobNamePrefix": "landrun",
    "InputMessageFormat": "manifest",
    "StartOn": "schedule",
    "StateMachineArn": MACHINE,
    "RunsTable": "landrun-RunsTable",
    "LandingsTable": "landrun-LandingsTable",
    "ConcurrencyTable": "landrun-ConcurrencyTable",
    "NotificationsTopicArn": arn("sns", "landrun-Topic"),
    "LandingRule": "landrun-LandingRule",
    "StatusRule": "landrun-StatusRule",
    "ScheduleGroup": "landrun-ScheduleGroup",
    "FunctionLogs": "/aws/lambda/landrun",
    "ScheduleArn": arn("scheduler", "schedule/landrun-ScheduleGroup/landrun-Tick"),
    "ImageRepositoryUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/landrun-1a2b3c4d",
    "ObjectCreatedFunction": "landrun-ObjectCreatedFunction-AAAA1111BBBB",
    "ScheduleFunction": "landrun-ScheduleFunction-CCCC2222DDDD",
    "ExecutionStatusFunction": "landrun-ExecutionStatusFunction-EEEE3333FFFF",
    "ReconcileFunction": "landrun-ReconcileFunction-GGGG4444HHHH",
    **{f"{name}Url": f"{_URL}landrun-{name}" for name in ("LandingQueue", "StatusQueue")},
    **{f"{name}Arn": arn("sqs", f"landrun-{name}") for name in ("LandingQueue", "StatusQueue")},
    **{
        f"{name}DeadLetterQueueUrl": f"{_URL}landrun-{name}DeadLetterQueue"
        for name in ("Landing", "Schedule", "Status")
    },
}


def shaped(value: Any, shape: Any, where: str) -> Any:
    """Give an answer as botocore would parse it; fails for what its model does not have."""
    if shape.type_name == "structure":
        known = {name: value[name] for name in value if name != "ResponseMetadata"}
        assert known.keys() <= shape.members.keys(), f"{where}: {known.keys()}"
        rest = {name: value[name] for name in value.keys() - known.keys()}
        return rest | {
            name: shaped(one, shape.members[name], f"{where}.{name}") for name, one in known.items()
        }
    if shape.type_name == "list":
        return [shaped(one, shape.member, f"{where}[]") for one in value]
    if shape.type_name == "timestamp":
        return datetime.fromtimestamp(value, UTC)
    return value


def answer(name: str) -> dict[str, Any]:
    """Read an answer as botocore would parse it."""
    return copy.deepcopy(_answer(name))


@lru_cache
def _answer(name: str) -> dict[str, Any]:
    service, _, operation = name.rpartition(".")
    operation = operation.partition("-")[0]
    model = client(service).meta.service_model
    content = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    return shaped(content, model.operation_model(operation).output_shape, name)


SESSION = boto3.session.Session("key", "secret", region_name=REGION)


@lru_cache
def client(service: str) -> Any:
    """Give boto3's own client, which asks the `Aws` that was made last, and no network."""
    made = SESSION.client(service)
    made.meta.events.register("provide-client-params.*.*", _note)
    made.meta.events.register("before-call.*.*", _reply)
    return made


def _reply(**call: Any) -> Any:
    return Aws.newest.reply(**call)


def _note(params: Any, context: Any, **_: Any) -> None:
    context["asked"] = dict(params)


class Aws:
    """An account that returns the files' responses, or those given, by ``events.DescribeRule``."""

    newest: Aws

    def __init__(self, replies: Mapping[str, Any] | None = None) -> None:
        Aws.newest = self
        self.replies = replies or {}
        self.asked: list[str] = []

    def reply(self, model: Any, context: Any, **_: Any) -> Any:
        name = f"{model.service_model.service_name}.{model.name}"
        self.asked.append(name)
        given = {**HEALTHY, **self.replies}
        reply = given[name] if name in given else answer(name)
        reply = reply(context["asked"]) if callable(reply) else copy.deepcopy(reply)
        status = reply.get("Error", {}).get("status", 400) if "Error" in reply else 200
        return SimpleNamespace(status_code=status), reply

    def stack(
        self,
        parameters: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> Stack:
        """Return the stack, with other parameters, outputs or attributes where named."""
        parameters, outputs = PARAMETERS | (parameters or {}), OUTPUTS | (outputs or {})
        known = {"status": "UPDATE_COMPLETE", **changes}
        return Stack("landrun", REGION, outputs, parameters, lambda name, *_: client(name), **known)


def error(code: str, message: str = "no") -> dict[str, Any]:
    """Return the response of a call that AWS refuses."""
    return {"Error": {"Code": code, "Message": message}}


def _about(asked: dict[str, Any]) -> str:
    return "status" if "Status" in json.dumps(asked, default=str) else "landing"


def _function(asked: dict[str, Any]) -> dict[str, Any]:
    return answer("lambda.GetFunctionConfiguration") | {"FunctionName": asked["FunctionName"]}


def _sources(asked: dict[str, Any]) -> dict[str, Any]:
    found = answer("lambda.ListEventSourceMappings")["EventSourceMappings"]
    mine = [one for one in found if one["FunctionArn"].endswith(asked["FunctionName"])]
    return {"EventSourceMappings": mine}


def _queue(asked: dict[str, Any]) -> dict[str, Any]:
    return answer("sqs.GetQueueAttributes" + ("-status" if _about(asked) == "status" else ""))


def machine(change: Callable[[str], str] = str) -> dict[str, Any]:
    """Return the state machine as deployed, its definition filled in as CloudFormation does."""
    values = {
        "ImageUri": f"{OUTPUTS['ImageRepositoryUri']}:latest",
        "ProcessingRoleArn": f"arn:aws:iam::{ACCOUNT}:role/landrun-ProcessingRole-1A2B3C4D5E6F",
        "LimitedRuns": "*",
        "StatusQueueUrl": OUTPUTS["StatusQueueUrl"],
        "ManifestsUri": f"s3://{OUTPUTS['OutputBucket']}/{PARAMETERS['ManifestPrefix']}",
        "ManifestDataType": "ManifestFile",
        "RefusedInputs": "-",
        "JobNamePrefix": PARAMETERS["JobNamePrefix"],
        "InputDistribution": "ShardedByS3Key",
        "Environment": "Environment",
        **{name: json.dumps(value) for name, value in JSON_VALUES.items()},
    }
    text = ASL.read_text(encoding="utf-8")
    filled = filled_in(text, {f"{PREFIX}{name}": value for name, value in values.items()})
    return {**answer("stepfunctions.DescribeStateMachine"), "definition": change(filled)}


JSON_VALUES: dict[str, Any] = {
    "JobEntrypoint": PARAMETERS["JobEntrypoint"].split(),
    "JobArguments": ["--input", "/opt/ml/processing/input/messages"],
    "JobEnvironment": {"TEXT_COLUMN": "v2"},
    "MaxRuntimeInSeconds": 3600,
    "ClusterConfig": {"InstanceType": "ml.m5.large", "VolumeKmsKeyId": PARAMETERS["KmsKeyArn"]},
    "ProcessingOutputConfig": {"Outputs": []},
    "NetworkConfig": {
        "VpcConfig": {"Subnets": [PARAMETERS["SubnetIds"]], "SecurityGroupIds": ["sg-903004f8"]}
    },
}


def _query(asked: dict[str, Any]) -> dict[str, Any]:
    """Answer a Query: of landings, or of executions that wait for a slot or hold one."""
    if asked["TableName"] != OUTPUTS["ConcurrencyTable"]:
        return answer("dynamodb.Query")
    status = asked["ExpressionAttributeValues"][":status"]["S"].rstrip("#")
    return answer(f"dynamodb.Query-{status}-slot")


def _execution_definition(_: Any) -> dict[str, Any]:
    names = ("stateMachineArn", "name", "definition", "roleArn")
    return {name: value for name, value in machine().items() if name in names}


HEALTHY: dict[str, Any] = {
    "dynamodb.Query": _query,
    "events.DescribeRule": lambda asked: answer(f"events.DescribeRule-{_about(asked)}"),
    "events.ListTargetsByRule": lambda asked: answer(f"events.ListTargetsByRule-{_about(asked)}"),
    "lambda.GetFunctionConfiguration": _function,
    "lambda.ListEventSourceMappings": _sources,
    "sqs.GetQueueAttributes": _queue,
    "stepfunctions.DescribeStateMachine": lambda _: machine(),
    "stepfunctions.DescribeStateMachineForExecution": _execution_definition,
}


def run(
    replies: Mapping[str, Any] | None = None,
    names: Container[str] | None = None,
    config: Any = None,
    **changes: Any,
) -> list[CheckResult]:
    """Run the checks of a stack, or those that are named as ``events: buckets``."""
    image = json.dumps(config or {"architecture": "amd64", "os": "linux"}).encode()
    stack = Aws(replies).stack(**changes)
    reader = StackReader(stack, NOW, ROOT, fetch=lambda _: image)
    checks = checks_of(stack.parameters)
    chosen = [one for one in checks if names is None or f"{one.area}: {one.name}" in names]
    return run_checks(chosen, reader, laptop=stack.laptop)
