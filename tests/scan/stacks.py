"""What is scanned of the template: one CloudFormation template for each set of parameters.

Scanners see values, not choices: checkov takes either side of an ``Fn::If`` for granted. Each
template here is one deployment: no parameters, no conditions, names and ARNs for references.

    PYTHONPATH=tests python -m scan.stacks FOLDER
"""

import json
import sys
from pathlib import Path

from landrun_ops.workflow.definition_file import filled_in
from template.physical import physical
from template.resolved import deploy, translated

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


def stack(parameters):
    """Give the resources of the stack that these parameters make, the definition in its machine."""
    resources = deploy(parameters, physical).resources
    for logical_id, text in translated().definitions.items():
        if logical_id in resources:
            properties = resources[logical_id]["Properties"]
            del properties["DefinitionS3Location"]
            filled = filled_in(text, properties.pop("DefinitionSubstitutions"))
            properties["Definition"] = json.loads(filled)
    return resources


def write(folder, names=STACKS):
    """Write each stack's template, for scanners of files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        resources = stack(STACKS[name])
        template = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}
        (folder / f"{name}.json").write_text(json.dumps(template, indent=1), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
