"""What is scanned of the template: one CloudFormation template for each set of parameters.

Scanners see values, not choices: checkov takes either side of an ``Fn::If`` for granted. Each
template here is one deployment: no parameters, no conditions, names and ARNs for references.

    PYTHONPATH=tests python -m scan.stacks FOLDER
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from landrun_ops.local.template import translate, values_of
from landrun_ops.workflow.definition_file import filled_in
from template.conftest import Resolver

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
STACKS = {
    "defaults": {},
    "collecting": {"StartOn": "schedule"},
    "own-key": {
        "KmsKeyArn": KEY,
        "PreviousKmsKeyArns": f"{KEY[:-1]}6,{KEY[:-1]}7",
        "ScheduledInput": "s3://elsewhere/in/{date:%Y/%m/%d}/",
        "Engine": "spark",
    },
    "all-given": {
        "KmsKeyArn": KEY,
        "LandingBucketName": "landed-already",
        "OutputBucketName": "made-already",
        "StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:made-in-a-notebook",
        "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "NotificationEmail": "on-call@example.com",
    },
    "own-network": {
        "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
        "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        "SecurityGroupIds": "sg-0123456789abcdef0",
        "NetworkIsolation": "true",
        "InterContainerEncryption": "true",
        "JobEnvironment": "LANG=C.UTF-8,MODE=strict",
        "JobArguments": '["--config", "{\\"a\\": 1}", "${ImageUri}", "it\'s \\\\d"]',
        "MaxConcurrentRuns": "2",
    },
}
ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/{}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::123456789012:policy/{}",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{}",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:123456789012:key/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:123456789012:function:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:{}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:123456789012:{}",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:{}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:us-east-1:123456789012:stateMachine:{}",
}
REF_IS_ARN = {
    "AWS::IAM::ManagedPolicy",
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
}


@dataclass(frozen=True)
class Concrete(Resolver):
    """Evaluates intrinsics; resources have made-up names and ARNs."""

    types: dict[str, str]

    def _ref(self, name):
        logical_id, _, attribute = name.partition(".")
        kind = self.types.get(logical_id)
        if kind is None:
            return super()._ref(name)
        own = f"landrun-{logical_id.lower()}" if kind == "AWS::S3::Bucket" else logical_id
        if attribute.endswith("Arn") or (not attribute and kind in REF_IS_ARN):
            form = f"arn:aws:{kind.split('::')[1].lower()}:us-east-1:123456789012:any/{{}}"
            return ARNS.get(kind, form).format(own)
        return f"{own}-{attribute}" if attribute else own

    def _getatt(self, path):
        return self._ref(path if isinstance(path, str) else ".".join(path))


@cache
def translated():
    """Translate the template once: the translation is the same for all parameters."""
    return translate(TEMPLATE, {})


def stack(parameters):
    """Give the resources of the stack that these parameters make, by their logical ids."""
    template = translated().template
    types = {name: body["Type"] for name, body in template["Resources"].items()}
    resolver = Concrete(values_of(template, parameters), template["Conditions"], types)
    return {
        logical_id: resolver({key: resource[key] for key in resource if key != "Condition"})
        for logical_id, resource in template["Resources"].items()
        if "Condition" not in resource or resolver.holds(resource["Condition"])
    }


def definition(resources):
    """Return the state machine's definition as CloudFormation hands it to Step Functions."""
    [(logical_id, text)] = translated().definitions.items()
    return json.loads(
        filled_in(text, resources[logical_id]["Properties"]["DefinitionSubstitutions"])
    )


def write(folder, names=STACKS):
    """Write each stack's template with its definition in it, for scanners of files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        resources = stack(STACKS[name])
        for logical_id in translated().definitions.keys() & resources.keys():
            made, properties = definition(resources), resources[logical_id]["Properties"]
            del properties["DefinitionSubstitutions"], properties["DefinitionS3Location"]
            properties["Definition"] = made
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
        (folder / f"{name}.json").write_text(json.dumps(template, indent=1), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
