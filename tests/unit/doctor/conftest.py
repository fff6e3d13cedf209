"""AWS's answers for the preflight: examples of its API references, one file each.

They are given by boto3's own clients, which hold the calls against their models; and the answers
are held against those models as well.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

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
    "LandingBucketName": "",
    "LandingPrefix": "incoming/",
    "LandingSuffix": "",
    "StartOn": "schedule",
    "OutputPrefix": "processed/",
    "ManifestPrefix": "manifests/",
    "ScheduledInput": "",
    "JobNamePrefix": "landrun",
    "StateMachineArn": "",
    "ImageUri": "",
    "JobEntrypoint": "python3 /opt/program/preprocess.py",
    "JobArguments": "--input /opt/ml/processing/input/messages",
    "JobEnvironment": "TEXT_COLUMN=v2,LANGUAGE=en",
    "InstanceType": "ml.m5.large",
    "InstanceCount": "2",
    "VolumeSizeInGB": "30",
    "MaxRuntimeInSeconds": "3600",
    "MaxConcurrentRuns": "2",
    "Engine": "script",
    "SubnetIds": "subnet-0bb1c79de3EXAMPLE",
    "SecurityGroupIds": "sg-903004f8",
    "NetworkIsolation": "false",
    "InterContainerEncryption": "true",
    "KmsKeyArn": arn("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    "MaxLandingAgeInSeconds": "3600",
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
    service, _, operation = name.partition("-")[0].partition(".")
    for cut in ("service-quotas",):
        if name.startswith(cut):
            service, operation = cut, name[len(cut) + 1 :]
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
    """An account that answers from the files, until told otherwise."""

    newest: Aws

    def __init__(self) -> None:
        Aws.newest = self
        self.told: dict[str, Any] = {}
        self.asked: list[str] = []

    def says(self, operation: str, reply: dict[str, Any] | Callable[[Any], dict[str, Any]]) -> None:
        """Let an operation, as ``events.DescribeRule``, answer otherwise."""
        self.told[operation] = reply

    def refuses(self, operation: str, code: str, message: str = "no") -> None:
        self.told[operation] = {"Error": {"Code": code, "Message": message}}

    def reply(self, model: Any, context: Any, **_: Any) -> Any:
        name = f"{model.service_model.service_name}.{model.name}"
        self.asked.append(name)
        reply = self.told.get(name) or HEALTHY.get(name) or answer(name)
        reply = reply(context["asked"]) if callable(reply) else copy.deepcopy(reply)
        return SimpleNamespace(status_code=400 if "Error" in reply else 200), reply

    def stack(self, **changes: Any) -> Stack:
        """Give the stack, with other parameters or outputs, or a status, where named."""
        parameters = {**PARAMETERS, **changes.pop("parameters", {})}
        outputs = {**OUTPUTS, **changes.pop("outputs", {})}
        known = {"status": "UPDATE_COMPLETE", **changes}
        return Stack("landrun", REGION, outputs, parameters, lambda name, *_: client(name), **known)


def _about(asked: dict[str, Any]) -> str:
    return "status" if "Status" in json.dumps(asked, default=str) else "landing"


def _function(asked: dict[str, Any]) -> dict[str, Any]:
    found = answer("lambda.GetFunctionConfiguration")
    found["FunctionName"] = asked["FunctionName"]
    return found


def _sources(asked: dict[str, Any]) -> dict[str, Any]:
    found = answer("lambda.ListEventSourceMappings")
    mine = [
        one
        for one in found["EventSourceMappings"]
        if one["FunctionArn"].endswith(asked["FunctionName"])
    ]
    return {"EventSourceMappings": mine}


def _queue(asked: dict[str, Any]) -> dict[str, Any]:
    return answer("sqs.GetQueueAttributes" + ("-status" if _about(asked) == "status" else ""))


def _metric(asked: dict[str, Any]) -> dict[str, Any]:
    about = json.dumps(asked, default=str)
    quiet = "Errors" in about or "ApproximateAge" in about
    return answer("cloudwatch.GetMetricData" + ("-nothing" if quiet else ""))


def machine() -> dict[str, Any]:
    """Give the machine as deployed: the committed definition, filled in as CloudFormation does."""
    found = answer("stepfunctions.DescribeStateMachine")
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
        **{name: json.dumps(value) for name, value in _json_values().items()},
    }
    text = ASL.read_text(encoding="utf-8")
    filled = filled_in(text, {f"{PREFIX}{name}": value for name, value in values.items()})
    return {**found, "definition": filled}


def _json_values() -> dict[str, Any]:
    key = PARAMETERS["KmsKeyArn"]
    place = {
        "S3Uri.$": "$$.Execution.Input['OutputProcessedMessage']",
        "LocalPath": "/opt/ml/processing/output/processed",
        "S3UploadMode": "EndOfJob",
    }
    return {
        "JobEntrypoint": PARAMETERS["JobEntrypoint"].split(),
        "JobArguments": PARAMETERS["JobArguments"].split(),
        "JobEnvironment": {"TEXT_COLUMN": "v2", "LANGUAGE": "en"},
        "MaxRuntimeInSeconds": int(PARAMETERS["MaxRuntimeInSeconds"]),
        "ClusterConfig": {
            "InstanceType": PARAMETERS["InstanceType"],
            "InstanceCount": int(PARAMETERS["InstanceCount"]),
            "VolumeSizeInGB": int(PARAMETERS["VolumeSizeInGB"]),
            "VolumeKmsKeyId": key,
        },
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": "processed", "AppManaged": False, "S3Output": place}],
            "KmsKeyId": key,
        },
        "NetworkConfig": {
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": True,
            "VpcConfig": {
                "Subnets": [PARAMETERS["SubnetIds"]],
                "SecurityGroupIds": [PARAMETERS["SecurityGroupIds"]],
            },
        },
    }


def _line(asked: dict[str, Any]) -> dict[str, Any]:
    """Answer a Query: of landings, or of executions that wait for a slot or hold one."""
    if asked["TableName"] != OUTPUTS["ConcurrencyTable"]:
        return answer("dynamodb.Query")
    status = asked["ExpressionAttributeValues"][":status"]["S"].rstrip("#")
    return answer(f"dynamodb.Query-{status}-slot")


HEALTHY: dict[str, Any] = {
    "dynamodb.Query": _line,
    "events.DescribeRule": lambda asked: answer(f"events.DescribeRule-{_about(asked)}"),
    "events.ListTargetsByRule": lambda asked: answer(f"events.ListTargetsByRule-{_about(asked)}"),
    "lambda.GetFunctionConfiguration": _function,
    "lambda.ListEventSourceMappings": _sources,
    "sqs.GetQueueAttributes": _queue,
    "cloudwatch.GetMetricData": _metric,
    "stepfunctions.DescribeStateMachine": lambda _: machine(),
    "stepfunctions.DescribeStateMachineForExecution": lambda _: {
        name: machine()[name]
        for name in ("stateMachineArn", "name", "definition", "roleArn")
        if name in machine()
    },
}


@pytest.fixture
def aws() -> Aws:
    return Aws()
